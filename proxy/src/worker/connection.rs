//! One stream connection: socket, TLS where there is any, and the codec above.

use super::codec::{Codec, End};
use crate::edge::PublicName;
use net::Interest;
use rustls::ServerConnection;
use sip::hop::{Hop, Transport};
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A connection of a worker.
pub(super) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    side: Side,
    tls: Option<Box<ServerConnection>>,
    codec: Codec,
    /// Bytes that the kernel has not taken yet; with TLS, bytes that rustls has not.
    outgoing: Vec<u8>,
    progress: Progress,
    watched: Interest,
    heard_at: Instant,
    /// When what is going on must be complete: connecting, a handshake, a message that has begun.
    deadline: Option<Instant>,
    limits: Limits,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) enum Side {
    /// A phone or browser that connected to this listener and knows us by this name.
    Public { listener: u8, transport: Transport, name: PublicName },
    /// A member of the cluster, by the address that is behind the connection's other end.
    Inside(Hop),
}

/// What a connection may cost; see [`crate::ConnectionLimits`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub idle: Duration,
    pub handshake: Duration,
    pub backlog: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The kernel is still connecting; nothing has been sent.
    Connecting,
    Open,
    /// To be closed once all is written.
    Ending,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    /// To be closed now.
    Over,
}

impl Connection {
    /// One that was accepted from a phone.
    pub fn accepted(
        now: Instant,
        stream: TcpStream,
        peer: SocketAddr,
        side: Side,
        tls: Option<ServerConnection>,
        limits: Limits,
    ) -> Connection {
        let codec = match side {
            Side::Public { transport: Transport::Ws | Transport::Wss, .. } => Codec::web_socket(),
            Side::Public { transport: Transport::Udp | Transport::Tcp | Transport::Tls, .. } | Side::Inside(_) => {
                Codec::sip()
            }
        };
        let has_handshake = tls.is_some() || codec.is_amid();
        Connection {
            stream,
            peer,
            side,
            tls: tls.map(Box::new),
            codec,
            outgoing: Vec::new(),
            progress: Progress::Open,
            watched: Interest::READ,
            heard_at: now,
            deadline: has_handshake.then(|| now + limits.handshake),
            limits,
        }
    }

    /// One to a member that is being made; it is [`Interest::WRITE`] that tells when it stands.
    pub fn connecting(now: Instant, stream: TcpStream, hop: Hop, limits: Limits) -> Connection {
        let mut connection = Connection::accepted(now, stream, hop.address, Side::Inside(hop), None, limits);
        connection.progress = Progress::Connecting;
        connection.watched = Interest::WRITE;
        connection.deadline = Some(now + limits.handshake);
        connection
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub fn side(&self) -> &Side {
        &self.side
    }

    pub fn watched(&self) -> Interest {
        self.watched
    }

    /// Reads once, into `room`; how many bytes, or `None` where the connection is over.
    pub fn read(&mut self, room: &mut [u8]) -> Option<usize> {
        match self.stream.read(room) {
            Ok(0) => None,
            Ok(read) => Some(read),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Some(0),
            Err(_) => None,
        }
    }

    /// Gives each whole message of what was read to `heard`. What must be said at once waits for [`Connection::flush`].
    pub fn hear(&mut self, now: Instant, bytes: &[u8], heard: &mut dyn FnMut(&[u8])) {
        if self.progress == Progress::Ending {
            return;
        }
        self.heard_at = now;
        let result = match self.tls.take() {
            None => self.codec.feed(bytes, &mut self.outgoing, heard),
            Some(mut tls) => {
                let result = self.feed_tls(&mut tls, bytes, heard);
                self.tls = Some(tls);
                result
            }
        };
        self.watch_progress(now);
        match result {
            Ok(()) => {}
            // A farewell or an answer that says what was wrong still goes out.
            Err(End::Closed | End::Garbled) => self.progress = Progress::Ending,
        }
    }

    fn feed_tls(
        &mut self,
        tls: &mut ServerConnection,
        mut cipher: &[u8],
        heard: &mut dyn FnMut(&[u8]),
    ) -> Result<(), End> {
        while !cipher.is_empty() {
            if tls.read_tls(&mut cipher).is_err() {
                return Err(End::Garbled);
            }
            let state = tls.process_new_packets().map_err(|_| End::Garbled)?;
            let mut reader = tls.reader();
            loop {
                match reader.fill_buf() {
                    Ok([]) => return Err(End::Closed),
                    Ok(plain) => {
                        let length = plain.len();
                        self.codec.feed(plain, &mut self.outgoing, heard)?;
                        reader.consume(length);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => return Err(End::Closed),
                }
            }
            if state.peer_has_closed() {
                return Err(End::Closed);
            }
        }
        Ok(())
    }

    /// A handshake or a message must be complete within a time from its beginning.
    fn watch_progress(&mut self, now: Instant) {
        let is_amid = self.codec.is_amid() || self.tls.as_ref().is_some_and(|tls| tls.is_handshaking());
        self.deadline = if is_amid { self.deadline.or(Some(now + self.limits.handshake)) } else { None };
    }

    /// Queues a message; a peer that lets too much pile up is given up.
    pub fn send(&mut self, message: &[u8]) -> Fate {
        self.codec.encode(message, &mut self.outgoing);
        if self.outgoing.len() > self.limits.backlog { Fate::Over } else { Fate::Open }
    }

    /// Writes what waits, as far as the kernel takes it, and says what is to be watched.
    pub fn flush(&mut self) -> (Fate, Interest) {
        if self.progress == Progress::Connecting {
            return (Fate::Open, Interest::WRITE);
        }
        let written = match &mut self.tls {
            None => write_plain(&mut self.stream, &mut self.outgoing),
            Some(tls) => write_tls(&mut self.stream, tls, &mut self.outgoing),
        };
        let fate = match written {
            Ok(Written::All) if self.progress == Progress::Ending => Fate::Over,
            Ok(Written::All | Written::Part) => Fate::Open,
            Err(_) => Fate::Over,
        };
        self.watched = match written {
            Ok(Written::Part) => Interest::READ | Interest::WRITE,
            Ok(Written::All) | Err(_) => Interest::READ,
        };
        (fate, self.watched)
    }

    /// The kernel says that the connection is ready for writing, so connecting has ended if it had not before.
    pub fn connected(&mut self) -> Fate {
        if self.progress != Progress::Connecting {
            return Fate::Open;
        }
        match net::tcp::outcome(&self.stream) {
            Ok(()) => {
                self.progress = Progress::Open;
                self.deadline = None;
                Fate::Open
            }
            Err(_) => Fate::Over,
        }
    }

    /// What was to be sent over a connection that never stood: whole messages, one behind the other.
    pub fn undelivered(&mut self) -> Vec<u8> {
        match self.progress {
            Progress::Connecting => std::mem::take(&mut self.outgoing),
            Progress::Open | Progress::Ending => Vec::new(),
        }
    }

    /// Whether it has been silent, or busy with one thing, for too long. Connections between members may rest.
    pub fn is_overdue(&self, now: Instant) -> bool {
        let is_idle = match self.side {
            Side::Public { .. } => now.duration_since(self.heard_at) > self.limits.idle,
            Side::Inside(_) => false,
        };
        is_idle || self.deadline.is_some_and(|deadline| now > deadline)
    }

    /// Says goodbye as the layers have it, without waiting for more.
    pub fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            // What the kernel does not take now is lost with the connection.
            let _ = tls.write_tls(&mut self.stream);
        }
    }
}

enum Written {
    All,
    Part,
}

fn write_plain(stream: &mut TcpStream, outgoing: &mut Vec<u8>) -> io::Result<Written> {
    let mut done = 0;
    let result = loop {
        if done == outgoing.len() {
            break Ok(Written::All);
        }
        match stream.write(&outgoing[done..]) {
            Ok(written) => done += written,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(Written::Part),
            Err(error) => break Err(error),
        }
    };
    outgoing.drain(..done);
    if outgoing.is_empty() && outgoing.capacity() > KEPT {
        *outgoing = Vec::new();
    }
    result
}

/// A connection that rests keeps no larger buffer than this.
const KEPT: usize = 2048;

fn write_tls(stream: &mut TcpStream, tls: &mut ServerConnection, outgoing: &mut Vec<u8>) -> io::Result<Written> {
    loop {
        if !outgoing.is_empty() {
            let taken = tls.writer().write(outgoing)?;
            outgoing.drain(..taken);
            if taken == 0 && !tls.wants_write() {
                return Ok(Written::Part);
            }
        }
        while tls.wants_write() {
            match tls.write_tls(stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Written::Part),
                Err(error) => return Err(error),
            }
        }
        if outgoing.is_empty() {
            if outgoing.capacity() > KEPT {
                *outgoing = Vec::new();
            }
            return Ok(Written::All);
        }
    }
}

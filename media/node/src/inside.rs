//! A shard's SIP inside the cluster: a UDP socket, a TCP listener, and the connections with proxies and other shards.

mod connection;

use crate::token::Token;
use connection::{Connection, State};
use net::{Epoll, Interest, Ready, ReceiveBatch, Share, tcp, udp};
use sip::hop::{Hop, Transmit, Transport};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

/// The sockets of one shard's SIP. Peers are trusted: only members of the cluster reach these addresses.
pub struct Inside {
    datagrams: UdpSocket,
    received: ReceiveBatch,
    listener: TcpListener,
    accepting: Accepting,
    connections: Vec<Option<Connection>>,
    by_peer: HashMap<SocketAddr, u32>,
    /// Connections with something to write since the last flush.
    dirty: Vec<u32>,
    /// Datagrams since the last flush.
    outgoing: Vec<Transmit>,
    unreachable: Vec<Hop>,
    counts: Counts,
}

/// What went through since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages received.
    pub received: u64,
    /// Messages given to the kernel.
    pub sent: u64,
    /// Datagrams and connections that the kernel refused, or that a full buffer cost.
    pub failed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepting {
    Yes,
    /// Out of descriptors: not watched, so that the loop does not spin.
    Paused,
}

impl Inside {
    /// Takes `address` over UDP and TCP; with port 0 the kernel chooses one for both.
    pub fn bind(address: SocketAddr) -> io::Result<Inside> {
        let options = udp::Options { receive_buffer: Some(BUFFER), send_buffer: Some(BUFFER), ..udp::Options::PLAIN };
        let datagrams = udp::bind(address, &options)?;
        let listener = tcp::listen(datagrams.local_addr()?, Share::Exclusive, 1024)?;
        Ok(Inside {
            datagrams,
            received: ReceiveBatch::new(DATAGRAM),
            listener,
            accepting: Accepting::Yes,
            connections: Vec::new(),
            by_peer: HashMap::new(),
            dirty: Vec::new(),
            outgoing: Vec::new(),
            unreachable: Vec::new(),
            counts: Counts::default(),
        })
    }

    /// The address taken.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.datagrams.local_addr()
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Has `epoll` report these sockets.
    pub fn watch(&self, epoll: &Epoll) -> io::Result<()> {
        epoll.add(&self.datagrams, Token::Datagrams.into(), Interest::READ)?;
        epoll.add(&self.listener, Token::Listener.into(), Interest::READ)
    }

    /// Reads a batch of datagrams; `heard` gets each message with its sender.
    pub fn handle_datagrams(&mut self, heard: &mut impl FnMut(Hop, &[u8])) {
        // A socket that cannot be read any more is not cured by ending the shard: TCP and the media go on.
        let count = self.received.receive(&self.datagrams).unwrap_or(0);
        for (peer, bytes) in (0..count).filter_map(|index| self.received.at(index)) {
            self.counts.received += 1;
            heard(Hop::new(Transport::Udp, peer), bytes);
        }
    }

    /// Takes the connections that wait.
    pub fn handle_listener(&mut self, epoll: &Epoll) {
        loop {
            match tcp::accept(&self.listener) {
                Ok(Some((stream, peer))) => {
                    if self.insert(epoll, Connection::new(stream, peer, State::Open)).is_err() {
                        self.counts.failed += 1;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "inside TCP accepts nothing for a second");
                    if epoll.remove(&self.listener).is_ok() {
                        self.accepting = Accepting::Paused;
                    }
                    return;
                }
            }
        }
    }

    /// Accepts again after a lack of descriptors; called about once a second.
    pub fn resume_accepting(&mut self, epoll: &Epoll) {
        if self.accepting == Accepting::Paused
            && epoll.add(&self.listener, Token::Listener.into(), Interest::READ).is_ok()
        {
            self.accepting = Accepting::Yes;
        }
    }

    /// Reads from and writes to the connection at `index`; `heard` gets each message.
    pub fn handle_connection(&mut self, epoll: &Epoll, index: u32, ready: Ready, heard: &mut impl FnMut(Hop, &[u8])) {
        let Some(connection) = self.connections.get_mut(index as usize).and_then(Option::as_mut) else { return };
        let hop = Hop::new(Transport::Tcp, connection.peer);
        let received = &mut self.counts.received;
        let result = connection.handle_ready(ready, &mut |bytes| {
            *received += 1;
            heard(hop, bytes);
        });
        match result {
            Ok(()) => self.write(epoll, index),
            Err(why) => self.close(index, &why),
        }
    }

    /// Queues a message until [`Inside::flush`].
    pub fn send(&mut self, epoll: &Epoll, transmit: Transmit) {
        match transmit.to.transport {
            Transport::Udp => self.outgoing.push(transmit),
            // Inside the cluster there is one stream transport; what came by any other came through a proxy.
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => self.queue(epoll, &transmit),
        }
    }

    fn queue(&mut self, epoll: &Epoll, transmit: &Transmit) {
        let peer = transmit.to.address;
        let index = match self.by_peer.get(&peer) {
            Some(&index) => index,
            None => {
                let connected = tcp::connect(peer).and_then(|stream| {
                    tcp::notice_loss(&stream, connection::PATIENCE)?;
                    self.insert(epoll, Connection::new(stream, peer, State::Connecting))
                });
                let Ok(index) = connected else {
                    self.counts.failed += 1;
                    self.unreachable.push(transmit.to);
                    return;
                };
                index
            }
        };
        let Some(connection) = self.connections[index as usize].as_mut() else { return };
        match connection.queue(&transmit.bytes) {
            Ok(()) => {
                self.counts.sent += 1;
                self.dirty.push(index);
            }
            Err(why) => self.close(index, &why),
        }
    }

    /// Gives the kernel everything queued.
    pub fn flush(&mut self, epoll: &Epoll) {
        if !self.outgoing.is_empty() {
            let messages = self.outgoing.iter().map(|transmit| (transmit.to.address, &transmit.bytes[..]));
            let failed = &mut self.counts.failed;
            let sent = net::send_batch(&self.datagrams, messages, |to, why| {
                *failed += 1;
                tracing::debug!(%to, %why, "datagram not sent");
            });
            self.counts.sent += sent as u64;
            self.outgoing.clear();
        }
        for index in std::mem::take(&mut self.dirty) {
            self.write(epoll, index);
        }
    }

    /// A hop whose connection failed or ended, once for each.
    pub fn poll_unreachable(&mut self) -> Option<Hop> {
        self.unreachable.pop()
    }

    fn insert(&mut self, epoll: &Epoll, connection: Connection) -> io::Result<u32> {
        let index = self.connections.iter().position(Option::is_none).unwrap_or(self.connections.len());
        if index >= CONNECTIONS {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        epoll.add(connection.stream(), Token::Connection(index as u32).into(), connection.interest())?;
        self.by_peer.insert(connection.peer, index as u32);
        if index == self.connections.len() {
            self.connections.push(None);
        }
        self.connections[index] = Some(connection);
        Ok(index as u32)
    }

    fn write(&mut self, epoll: &Epoll, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize).and_then(Option::as_mut) else { return };
        let before = connection.interest();
        let mut result = connection.write();
        let interest = connection.interest();
        if result.is_ok() && interest != before {
            result = epoll.modify(connection.stream(), Token::Connection(index).into(), interest).map_err(Into::into);
        }
        if let Err(why) = result {
            self.close(index, &why);
        }
    }

    fn close(&mut self, index: u32, why: &connection::Closed) {
        if let Some(connection) = self.connections[index as usize].take() {
            tracing::debug!(peer = %connection.peer, %why, "inside connection closed");
            if self.by_peer.get(&connection.peer) == Some(&index) {
                self.by_peer.remove(&connection.peer);
            }
            self.unreachable.push(Hop::new(Transport::Tcp, connection.peer));
            self.counts.failed += 1;
        }
    }
}

/// Bytes that the kernel holds of a burst of SIP, each way.
const BUFFER: usize = 4 << 20;
/// The longest datagram of IPv4 and of IPv6 without jumbograms.
const DATAGRAM: usize = 65_535;
/// Connections at once, far above proxies times their workers.
const CONNECTIONS: usize = 4096;

#[cfg(test)]
mod tests;

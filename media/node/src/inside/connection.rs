//! One TCP connection with another member.

use net::{Interest, Ready, tcp};
use sip::framing::{Frame, FrameError, Framer};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A stream of SIP messages both ways.
pub struct Connection {
    pub peer: SocketAddr,
    stream: TcpStream,
    state: State,
    framer: Framer,
    unsent: Vec<u8>,
    /// How much of the front of `unsent` has gone.
    gone: usize,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Ours, and the peer has not answered.
    Connecting,
    /// Both ways open.
    Open,
}

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    #[error("the peer has closed it")]
    End,
    #[error("{0}")]
    Broken(#[from] io::Error),
    #[error("the peer does not speak SIP: {0}")]
    Frame(#[from] FrameError),
    #[error("the peer does not read: {UNSENT} bytes wait for it")]
    Full,
}

impl Connection {
    pub fn new(stream: TcpStream, peer: SocketAddr, state: State) -> Connection {
        Connection { peer, stream, state, framer: Framer::default(), unsent: Vec::new(), gone: 0 }
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// What epoll must watch now.
    pub fn interest(&self) -> Interest {
        match self.state {
            State::Connecting => Interest::WRITE,
            State::Open if self.unsent.is_empty() => Interest::READ,
            State::Open => Interest::READ | Interest::WRITE,
        }
    }

    /// Finishes connecting and reads what is there, up to one buffer.
    pub fn handle_ready(&mut self, ready: Ready, heard: &mut impl FnMut(&[u8])) -> Result<(), Closed> {
        if self.state == State::Connecting {
            if ready.is_writable() {
                tcp::outcome(&self.stream)?;
                self.state = State::Open;
            }
            return Ok(());
        }
        if !ready.is_readable() {
            return Ok(());
        }
        let mut buffer = [0; READ];
        let count = match self.stream.read(&mut buffer) {
            Ok(0) => return Err(Closed::End),
            Ok(count) => count,
            Err(error) if is_transient(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        self.framer.push(&buffer[..count]);
        loop {
            match self.framer.next()? {
                Some(Frame::Message(bytes)) => heard(bytes),
                Some(Frame::Ping) => self.unsent.extend_from_slice(b"\r\n"),
                Some(Frame::Pong) => {}
                None => return Ok(()),
            }
        }
    }

    /// Keeps a message until [`Connection::write`].
    pub fn queue(&mut self, message: &[u8]) -> Result<(), Closed> {
        if self.unsent.len() - self.gone + message.len() > UNSENT {
            return Err(Closed::Full);
        }
        self.unsent.extend_from_slice(message);
        Ok(())
    }

    /// Gives the kernel as much as it takes.
    pub fn write(&mut self) -> Result<(), Closed> {
        while self.state == State::Open && self.gone < self.unsent.len() {
            match self.stream.write(&self.unsent[self.gone..]) {
                Ok(count) => self.gone += count,
                Err(error) if is_transient(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.unsent.drain(..self.gone);
        self.gone = 0;
        Ok(())
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// How long a peer may acknowledge nothing before it counts as gone: below the 8 s in which a caller gives up hearing ringing.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that may wait for a peer. More means that it is stuck: the connection is closed and its transactions fail at once.
const UNSENT: usize = 1 << 20;
/// Bytes taken by one read.
const READ: usize = 16 << 10;

//! The sockets that a worker listens on, each one a share of an address that all workers are bound to.

use crate::config::Listen;
use net::udp::{self, Options};
use net::{Epoll, Interest, Share, tcp};
use sip::hop::Transport;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;

/// Of one worker.
pub(crate) struct Sockets {
    /// What is listened on, by the index in flow tokens.
    listen: Vec<Listen>,
    /// The last one is the inside face's.
    pub(super) datagrams: Vec<Datagrams>,
    /// `None` once it accepts no more; the others keep their places.
    pub(super) listeners: Vec<Option<Listener>>,
}

/// A socket for datagrams, and what is to be sent over it at the end of the turn.
pub(super) struct Datagrams {
    pub socket: UdpSocket,
    /// Its index in flow tokens; `None` for the inside face.
    pub listener: Option<u8>,
    /// Receivers, and ranges of the outbox.
    pub queue: Vec<(SocketAddr, Range<usize>)>,
}

/// A socket for connections.
pub(super) struct Listener {
    pub socket: TcpListener,
    /// Its index in flow tokens; `None` for the inside face.
    pub listener: Option<u8>,
    paused: bool,
}

/// What an epoll event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Datagrams(usize),
    Listener(usize),
    /// The generation's lowest 30 bits.
    Connection {
        slot: u32,
        generation: u32,
    },
}

impl Token {
    const KIND: u32 = 62;

    pub fn to_u64(self) -> u64 {
        match self {
            Token::Datagrams(index) => index as u64,
            Token::Listener(index) => 1 << Token::KIND | index as u64,
            Token::Connection { slot, generation } => {
                2 << Token::KIND | u64::from(generation & Token::GENERATION) << 32 | u64::from(slot)
            }
        }
    }

    pub fn of(token: u64) -> Token {
        match token >> Token::KIND {
            0 => Token::Datagrams(token as usize),
            1 => Token::Listener(token as u32 as usize),
            _ => Token::Connection { slot: token as u32, generation: (token >> 32) as u32 & Token::GENERATION },
        }
    }

    /// The bits of a generation that a token holds.
    pub const GENERATION: u32 = (1 << 30) - 1;
}

/// Bytes that the kernel may hold for a datagram socket: a burst while the worker is busy with another.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;

/// Connections that may wait to be accepted.
const ACCEPT_BACKLOG: u16 = 4096;

impl Sockets {
    /// Binds a share of each address.
    pub fn bind(listen: &[Listen], inside: SocketAddr) -> io::Result<Sockets> {
        let mut sockets = Sockets { listen: listen.to_vec(), datagrams: Vec::new(), listeners: Vec::new() };
        for (index, Listen { transport, address }) in listen.iter().enumerate() {
            sockets.open(*transport, *address, Some(index as u8))?;
        }
        sockets.open(Transport::Tcp, inside, None)?;
        sockets.open(Transport::Udp, inside, None)?;
        Ok(sockets)
    }

    fn open(&mut self, transport: Transport, address: SocketAddr, listener: Option<u8>) -> io::Result<()> {
        if transport.is_reliable() {
            let socket = tcp::listen(address, Share::Workers, ACCEPT_BACKLOG)?;
            self.listeners.push(Some(Listener { socket, listener, paused: false }));
        } else {
            let buffer = Some(KERNEL_BUFFER);
            let options =
                Options { share: Share::Workers, receive_buffer: buffer, send_buffer: buffer, ..Options::PLAIN };
            let socket = udp::bind(address, &options)?;
            self.datagrams.push(Datagrams { socket, listener, queue: Vec::new() });
        }
        Ok(())
    }

    /// What is listened on, by the index in flow tokens.
    pub(super) fn listeners(&self) -> &[Listen] {
        &self.listen
    }

    pub(super) fn watch(&self, epoll: &Epoll) -> io::Result<()> {
        for (index, datagrams) in self.datagrams.iter().enumerate() {
            epoll.add(&datagrams.socket, Token::Datagrams(index).to_u64(), Interest::READ)?;
        }
        for (index, listener) in self.open_listeners() {
            epoll.add(&listener.socket, Token::Listener(index).to_u64(), Interest::READ)?;
        }
        Ok(())
    }

    /// The inside face's datagrams.
    pub(super) fn inside(&mut self) -> &mut Datagrams {
        self.datagrams.last_mut().expect("the inside face is bound last")
    }

    /// The datagrams of a public UDP listener, by its index in flow tokens.
    pub(super) fn public(&mut self, listener: u8) -> &mut Datagrams {
        let found = self.datagrams.iter_mut().find(|datagrams| datagrams.listener == Some(listener));
        found.expect("every UDP listener has a socket")
    }

    /// Accepts nothing more for now.
    pub(super) fn pause(&mut self, index: usize, epoll: &Epoll) {
        if let Some(listener) = &mut self.listeners[index] {
            listener.paused = epoll.modify(&listener.socket, Token::Listener(index).to_u64(), Interest::NONE).is_ok();
        }
    }

    /// Accepts again.
    pub(super) fn resume(&mut self, epoll: &Epoll) {
        let paused =
            self.listeners.iter_mut().enumerate().filter_map(|(index, listener)| Some((index, listener.as_mut()?)));
        for (index, listener) in paused.filter(|(_, listener)| listener.paused) {
            listener.paused = epoll.modify(&listener.socket, Token::Listener(index).to_u64(), Interest::READ).is_err();
        }
    }

    /// Accepts no connections from phones any more.
    pub(super) fn drain(&mut self) {
        for listener in &mut self.listeners {
            listener.take_if(|listener| listener.listener.is_some());
        }
    }

    fn open_listeners(&self) -> impl Iterator<Item = (usize, &Listener)> {
        self.listeners.iter().enumerate().filter_map(|(index, listener)| Some((index, listener.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_from_epoll() {
        for token in [
            Token::Datagrams(3),
            Token::Listener(255),
            Token::Connection { slot: u32::MAX, generation: Token::GENERATION },
            Token::Connection { slot: 0, generation: 0 },
        ] {
            assert_eq!(Token::of(token.to_u64()), token);
            assert_ne!(token.to_u64(), u64::MAX);
        }
    }
}

//! Datagram sockets.

use crate::Share;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};

/// What a datagram socket is bound with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Does the address have several sockets?
    pub share: Share,
    /// Bytes that the kernel may hold for reading; None leaves its default. Capped by `net.core.rmem_max`.
    pub receive_buffer: Option<usize>,
    /// Bytes that the kernel may hold for sending; None leaves its default. Capped by `net.core.wmem_max`.
    pub send_buffer: Option<usize>,
    /// The class of service that routers on the way may honour.
    pub class: Class,
}

/// Per-hop behaviour asked of the network (RFC 2474).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Best effort.
    Default,
    /// Expedited forwarding (RFC 3246): voice.
    Expedited,
}

impl Options {
    /// The kernel's buffers, best effort, and an address of one's own.
    pub const PLAIN: Options =
        Options { share: Share::Exclusive, receive_buffer: None, send_buffer: None, class: Class::Default };
}

/// A nonblocking socket on `address`. An IPv6 one takes no IPv4.
pub fn bind(address: SocketAddr, options: &Options) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if options.share == Share::Workers {
        socket.set_reuse_port(true)?;
    }
    if let Some(bytes) = options.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if options.class == Class::Expedited {
        // The six bits of the code point stand left of two that belong to congestion control.
        let set = if address.is_ipv4() { Socket::set_tos_v4 } else { Socket::set_tclass_v6 };
        set(&socket, 46 << 2)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_of_an_empty_socket_does_not_block() {
        let socket = bind("127.0.0.1:0".parse().unwrap(), &Options::PLAIN).unwrap();
        assert_eq!(socket.recv_from(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn only_shared_addresses_can_be_bound_twice() {
        for share in [Share::Exclusive, Share::Workers] {
            let options =
                Options { share, receive_buffer: Some(1 << 20), send_buffer: Some(1 << 20), ..Options::PLAIN };
            let first = bind("127.0.0.1:0".parse().unwrap(), &options).unwrap();
            let second = bind(first.local_addr().unwrap(), &options);
            assert_eq!(second.is_ok(), share == Share::Workers);
        }
    }

    #[test]
    fn voice_can_ask_for_haste_in_both_families() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let options = Options { class: Class::Expedited, ..Options::PLAIN };
            let socket = bind(any.parse().unwrap(), &options).unwrap();
            let marked = socket2::SockRef::from(&socket);
            let class = if any.starts_with('[') { marked.tclass_v6() } else { marked.tos_v4() };
            assert_eq!(class.unwrap(), 0xb8);
        }
    }

    #[test]
    fn both_families_can_hold_one_port() {
        let v6 = bind("[::]:0".parse().unwrap(), &Options::PLAIN).unwrap();
        let port = v6.local_addr().unwrap().port();
        bind(SocketAddr::from(([0, 0, 0, 0], port)), &Options::PLAIN).unwrap();
    }
}

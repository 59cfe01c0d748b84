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
}

impl Options {
    /// The kernel's buffers and an address of one's own: fits a stream of media.
    pub const PLAIN: Options = Options { share: Share::Exclusive, receive_buffer: None, send_buffer: None };
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
            let options = Options { share, receive_buffer: Some(1 << 20), send_buffer: Some(1 << 20) };
            let first = bind("127.0.0.1:0".parse().unwrap(), &options).unwrap();
            let second = bind(first.local_addr().unwrap(), &options);
            assert_eq!(second.is_ok(), share == Share::Workers);
        }
    }

    #[test]
    fn both_families_can_hold_one_port() {
        let v6 = bind("[::]:0".parse().unwrap(), &Options::PLAIN).unwrap();
        let port = v6.local_addr().unwrap().port();
        bind(SocketAddr::from(([0, 0, 0, 0], port)), &Options::PLAIN).unwrap();
    }
}

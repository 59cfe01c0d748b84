//! Stream sockets.

use crate::Share;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A nonblocking listener on `address` with `backlog` connections waiting at most. An IPv6 one takes no IPv4.
/// An address whose old connections still linger can be bound at once.
pub fn listen(address: SocketAddr, share: Share, backlog: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    if share == Share::Workers {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(backlog.into())?;
    Ok(socket.into())
}

/// The next waiting connection, nonblocking and without Nagle's delay; None if there is none.
///
/// # Errors
/// The process or the machine has no descriptor or memory left: a level-triggered owner must stop watching for a while.
pub fn accept(listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(true)?;
                // Fails only for a connection that is already gone, which the first read tells.
                let _ = stream.set_nodelay(true);
                return Ok(Some((stream, peer)));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if is_of_connection(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Starts a nonblocking connection to `peer`: ready for writing when it stands or has failed, which [`outcome`] tells.
pub fn connect(peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(peer), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&peer.into()) {
        Ok(()) => Ok(socket.into()),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(socket.into()),
        Err(error) => Err(error),
    }
}

/// How a [`connect`] ended, once the socket is ready for writing.
pub fn outcome(stream: &TcpStream) -> io::Result<()> {
    match SockRef::from(stream).take_error()? {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Gives the connection up when its peer has acknowledged nothing for `patience` (whole milliseconds, at least 1), though
/// something was sent, or has answered no keep-alive: what a machine that lost its power looks like.
pub fn notice_loss(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(patience))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(patience).with_interval(patience))
}

/// Errors of accept(2) that belong to the connection that was waiting and not to the listener.
fn is_of_connection(error: &io::Error) -> bool {
    let codes = [
        libc::EINTR,
        libc::ECONNABORTED,
        libc::EPROTO,
        libc::EPERM,
        libc::ENETDOWN,
        libc::ENETUNREACH,
        libc::EHOSTUNREACH,
        libc::EHOSTDOWN,
        libc::ENOPROTOOPT,
        libc::EOPNOTSUPP,
        libc::ENONET,
    ];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoll, Events, Interest};
    use std::io::Read;
    use std::io::Write;

    #[test]
    fn a_connection_is_made_without_blocking() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let epoll = Epoll::new().unwrap();
            let mut events = Events::with_capacity(4);
            let listener = listen(address.parse().unwrap(), Share::Workers, 16).unwrap();
            assert!(accept(&listener).unwrap().is_none());
            let mut client = connect(listener.local_addr().unwrap()).unwrap();
            epoll.add(&client, 1, Interest::WRITE).unwrap();
            epoll.wait(&mut events, None).unwrap();
            outcome(&client).unwrap();
            let (mut server, peer) = accept(&listener).unwrap().unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            assert!(server.nodelay().unwrap() && client.nodelay().unwrap());
            assert_eq!(server.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
            client.write_all(b"hello").unwrap();
            epoll.add(&server, 2, Interest::READ).unwrap();
            epoll.modify(&client, 1, Interest::READ).unwrap();
            epoll.wait(&mut events, None).unwrap();
            assert!(events.iter().any(|ready| ready.token == 2 && ready.is_readable()));
        }
    }

    #[test]
    fn a_refused_connection_is_told() {
        let listener = listen("127.0.0.1:0".parse().unwrap(), Share::Exclusive, 16).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let epoll = Epoll::new().unwrap();
        let mut events = Events::with_capacity(4);
        let told = connect(address).and_then(|client| {
            epoll.add(&client, 1, Interest::WRITE)?;
            epoll.wait(&mut events, None)?;
            outcome(&client)
        });
        assert_eq!(told.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

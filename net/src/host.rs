//! What the machine says about itself: addresses, limits, time spent.

use crate::sys;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

pub use sys::raise_nofile_limit;

/// The address that the kernel would send from to `peer`, by its routes; nothing is sent.
///
/// # Errors
/// There is no route.
pub fn route_source(peer: IpAddr) -> io::Result<IpAddr> {
    let peer = SocketAddr::new(peer, 9);
    let socket = Socket::new(Domain::for_address(peer), Type::DGRAM, Some(Protocol::UDP))?;
    socket.connect(&peer.into())?;
    let source = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok(source.ip())
}

/// Is `address` one of this machine's own, so that a socket can be bound to it?
pub fn is_local(address: IpAddr) -> bool {
    let bound = Socket::new(Domain::for_address((address, 0).into()), Type::DGRAM, Some(Protocol::UDP))
        .and_then(|socket| socket.bind(&SocketAddr::new(address, 0).into()));
    bound.is_ok()
}

/// The ports that the kernel gives to sockets which ask for none (`net.ipv4.ip_local_port_range`, which IPv6 uses too).
pub fn ephemeral_ports() -> io::Result<RangeInclusive<u16>> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?;
    let mut ports = text.split_ascii_whitespace().map_while(|word| word.parse().ok());
    match (ports.next(), ports.next()) {
        (Some(first), Some(last)) => Ok(first..=last),
        (Some(_) | None, _) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The kernel's steady clock (`CLOCK_MONOTONIC`), by which it stamps what it tells of.
pub fn monotonic() -> Duration {
    sys::clock(libc::CLOCK_MONOTONIC)
}

/// CPU time that this process has used, in user and kernel together.
pub fn process_cpu() -> Duration {
    sys::clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// CPU time that the calling thread has used, in user and kernel together.
pub fn thread_cpu() -> Duration {
    sys::clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_to_oneself_starts_at_home() {
        assert_eq!(route_source([127, 0, 0, 1].into()).unwrap(), IpAddr::from([127, 0, 0, 1]));
        assert!(is_local([127, 0, 0, 1].into()));
        assert!(!is_local([192, 0, 2, 254].into()));
    }

    #[test]
    fn the_kernel_has_ephemeral_ports() {
        assert!(!ephemeral_ports().unwrap().is_empty());
    }

    #[test]
    fn the_limit_of_open_files_is_raised_once_for_all() {
        assert_eq!(raise_nofile_limit().unwrap(), raise_nofile_limit().unwrap());
    }

    #[test]
    fn spent_time_grows() {
        let before = (process_cpu(), thread_cpu());
        while thread_cpu() == before.1 {}
        assert!(process_cpu() > before.0);
    }
}

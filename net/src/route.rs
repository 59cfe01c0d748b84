//! What the kernel knows of its routes and interfaces, asked over netlink (RFC 3549).

use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::time::Duration;

/// The way to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The number of the interface that packets leave by.
    pub interface: u32,
    /// The address that they come from where the sender names none.
    pub source: Ipv4Addr,
    /// Bytes of the longest packet that is known to get through, its IP header included, where that is less than the interface carries.
    pub mtu: Option<u32>,
}

/// The way to `peer`, for packets that come from `source` if it is named.
///
/// # Errors
/// There is none, it is not one to a single machine (multicast, broadcast), or the kernel cannot be asked.
pub fn route(peer: Ipv4Addr, source: Option<Ipv4Addr>) -> io::Result<Route> {
    const HOST: u8 = 32;
    let mut question = vec![libc::AF_INET as u8, HOST, if source.is_some() { HOST } else { 0 }];
    question.resize(ROUTE_LENGTH, 0);
    put(&mut question, libc::RTA_DST, &peer.octets());
    if let Some(source) = source {
        put(&mut question, libc::RTA_SRC, &source.octets());
    }
    let answer = ask(libc::RTM_GETROUTE, &question)?;
    if !answer.get(ROUTE_TYPE).is_some_and(|kind| [libc::RTN_UNICAST, libc::RTN_LOCAL].contains(kind)) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let found = |wanted| attributes(answer.get(ROUTE_LENGTH..).unwrap_or_default()).find(|(kind, _)| *kind == wanted);
    let number = |wanted| found(wanted).and_then(|(_, bytes)| bytes.first_chunk::<4>().copied());
    let interface = number(libc::RTA_OIF).ok_or(io::ErrorKind::NetworkUnreachable)?;
    let source = source.or(number(libc::RTA_PREFSRC).map(Ipv4Addr::from)).ok_or(io::ErrorKind::AddrNotAvailable)?;
    let metrics = found(libc::RTA_METRICS).map(|(_, bytes)| attributes(bytes)).into_iter().flatten();
    let mtu = metrics.into_iter().find(|(kind, _)| *kind == RTAX_MTU).and_then(|(_, bytes)| bytes.first_chunk::<4>());
    Ok(Route { interface: u32::from_ne_bytes(interface), source, mtu: mtu.map(|mtu| u32::from_ne_bytes(*mtu)) })
}

/// One of this machine's interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Packets begin with an Ethernet header. Those of the loopback interface do.
    pub is_ethernet: bool,
    /// Bytes of the longest packet, its IP header included.
    pub mtu: u32,
}

/// The interface with this number.
///
/// # Errors
/// There is none.
pub fn interface(number: u32) -> io::Result<Interface> {
    const LINK_LENGTH: usize = 16;
    let mut question = [0; LINK_LENGTH];
    question[4..8].copy_from_slice(&number.to_ne_bytes());
    let answer = ask(libc::RTM_GETLINK, &question)?;
    let kind = answer.get(2..4).map(|kind| u16::from_ne_bytes([kind[0], kind[1]]));
    let found = attributes(answer.get(LINK_LENGTH..).unwrap_or_default()).find(|(kind, _)| *kind == libc::IFLA_MTU);
    let mtu = found.and_then(|(_, bytes)| bytes.first_chunk::<4>().copied()).ok_or(io::ErrorKind::InvalidData)?;
    let is_ethernet = matches!(kind, Some(libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK));
    Ok(Interface { is_ethernet, mtu: u32::from_ne_bytes(mtu) })
}

/// The body of the kernel's answer to one question.
fn ask(kind: u16, question: &[u8]) -> io::Result<Vec<u8>> {
    let socket = Socket::new(Domain::from(libc::AF_NETLINK), Type::RAW, Some(Protocol::from(libc::NETLINK_ROUTE)))?;
    // The answer is there when the question has been taken.
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut message = Vec::with_capacity(HEADER_LENGTH + question.len());
    message.extend(((HEADER_LENGTH + question.len()) as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((libc::NLM_F_REQUEST as u16).to_ne_bytes());
    // Number and sender, which tell answers apart where there are many.
    message.extend([0; 8]);
    message.extend(question);
    socket.send(&message)?;
    let mut answer = vec![0; 4096];
    let length = (&socket).read(&mut answer)?;
    answer.truncate(length);
    if answer.len() < HEADER_LENGTH + 4 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let body = answer.split_off(HEADER_LENGTH);
    if i32::from(u16::from_ne_bytes([answer[4], answer[5]])) == libc::NLMSG_ERROR {
        return Err(io::Error::from_raw_os_error(-i32::from_ne_bytes([body[0], body[1], body[2], body[3]])));
    }
    Ok(body)
}

/// Adds an attribute (RFC 3549 §2.2).
fn put(message: &mut Vec<u8>, kind: u16, value: &[u8; 4]) {
    message.extend(((ATTRIBUTE_LENGTH + value.len()) as u16).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
}

/// Kinds and values.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = rest.first_chunk::<ATTRIBUTE_LENGTH>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let value = rest.get(ATTRIBUTE_LENGTH..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([header[2], header[3]]), value))
    })
}

const HEADER_LENGTH: usize = 16;
const ATTRIBUTE_LENGTH: usize = 4;
/// Of `struct rtmsg`.
const ROUTE_LENGTH: usize = 12;
const ROUTE_TYPE: usize = 7;
/// Of a route's metrics.
const RTAX_MTU: u16 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_oneself_is_the_loopback_interface() {
        let home = route(Ipv4Addr::LOCALHOST, None).unwrap();
        assert_eq!(home.source, Ipv4Addr::LOCALHOST);
        let loopback = interface(home.interface).unwrap();
        assert!(loopback.is_ethernet && loopback.mtu >= 16_384, "{loopback:?}");
        let from = Ipv4Addr::new(127, 0, 0, 7);
        assert_eq!(route(Ipv4Addr::LOCALHOST, Some(from)).unwrap(), Route { source: from, ..home });
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(interface(1 << 30).is_err());
        assert!(route(Ipv4Addr::new(127, 255, 255, 255), None).is_err(), "a broadcast");
        assert!(route(Ipv4Addr::new(127, 0, 0, 1), Some(Ipv4Addr::new(192, 0, 2, 77))).is_err());
    }
}

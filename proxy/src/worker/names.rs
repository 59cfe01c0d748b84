//! What the peers of our listeners are told of us.

use crate::config::{Advertise, Listen};
use crate::edge::PublicName;
use crate::recent::Recent;
use sip::hop::Transport;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};

/// The names by listener and peer; "auto" asks the kernel once in a while.
pub(super) struct Names {
    rules: Vec<Advertise>,
    listeners: Vec<Listen>,
    cache: RefCell<Recent<(IpAddr, u8), PublicName>>,
}

/// Peers whose names are remembered.
const CAPACITY: usize = 65_536;

impl Names {
    /// `listeners` with the ports that they really have, by their index in flow tokens.
    pub fn new(rules: Vec<Advertise>, listeners: Vec<Listen>) -> Names {
        Names { rules, listeners, cache: RefCell::new(Recent::new(CAPACITY)) }
    }

    /// What a peer of a listener knows us by.
    pub fn of(&self, peer: IpAddr, listener: u8) -> Option<PublicName> {
        let mut cache = self.cache.borrow_mut();
        if let Some(name) = cache.get_mut(&(peer, listener)) {
            return Some(name.clone());
        }
        let Listen { address, .. } = self.listeners.get(usize::from(listener))?;
        let rule = self.rules.iter().find(|rule| rule.to.contains(peer));
        let name = match rule.and_then(|rule| rule.host.as_deref()) {
            Some(host) => PublicName::new(host, address.port()),
            None => PublicName::new(&self.source(*address, peer).to_string(), address.port()),
        };
        cache.insert((peer, listener), name.clone());
        Some(name)
    }

    /// The listener over which a datagram goes to `peer`: the flow's own one, or on another proxy than the flow's one that fits.
    pub fn udp_listener(&self, listener: u8, peer: SocketAddr) -> Option<u8> {
        let fits = |listen: &Listen| listen.transport == Transport::Udp && listen.address.is_ipv4() == peer.is_ipv4();
        if self.listeners.get(usize::from(listener)).is_some_and(fits) {
            return Some(listener);
        }
        self.listeners.iter().position(fits).map(|index| index as u8)
    }

    /// Forgets what the kernel said, since routes change.
    pub fn forget(&self) {
        *self.cache.borrow_mut() = Recent::new(CAPACITY);
    }

    fn source(&self, bound: SocketAddr, peer: IpAddr) -> IpAddr {
        if bound.ip().is_unspecified() { net::route_source(peer).unwrap_or(bound.ip()) } else { bound.ip() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let rule = |to: &str, host: Option<&str>| Advertise { to: to.parse().unwrap(), host: host.map(str::to_owned) };
        let listen = |transport, address: &str| Listen { transport, address: address.parse().unwrap() };
        Names::new(
            vec![
                rule("10.0.0.0/8", Some("sip.inside.example")),
                rule("127.0.0.0/8", None),
                rule("0.0.0.0/0", Some("192.0.2.1")),
            ],
            vec![
                listen(Transport::Tcp, "0.0.0.0:5060"),
                listen(Transport::Udp, "0.0.0.0:5062"),
                listen(Transport::Udp, "[::]:5060"),
                listen(Transport::Udp, "198.51.100.7:5060"),
            ],
        )
    }

    fn name(peer: &str, listener: u8) -> String {
        names().of(peer.parse().unwrap(), listener).unwrap().to_string()
    }

    #[test]
    fn the_first_rule_for_the_peer_decides() {
        assert_eq!(name("10.1.2.3", 0), "sip.inside.example:5060");
        assert_eq!(name("203.0.113.1", 1), "192.0.2.1:5062");
        assert_eq!(name("127.0.0.1", 0), "127.0.0.1:5060");
        assert_eq!(name("::1", 2), "[::1]:5060");
        assert_eq!(name("127.0.0.1", 3), "198.51.100.7:5060");
        assert!(names().of([127, 0, 0, 1].into(), 4).is_none());
    }

    #[test]
    fn datagrams_leave_over_a_listener_of_their_family() {
        let names = names();
        assert_eq!(names.udp_listener(3, "192.0.2.9:1".parse().unwrap()), Some(3));
        assert_eq!(names.udp_listener(0, "192.0.2.9:1".parse().unwrap()), Some(1));
        assert_eq!(names.udp_listener(1, "[2001:db8::1]:1".parse().unwrap()), Some(2));
    }
}

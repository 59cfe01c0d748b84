//! Which address a phone is told to send its media to.

use net::Network;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

/// One rule: peers in `to` are told `host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// Whom the rule is for.
    pub to: Network,
    /// What they are told, of the family of `to`; None: the address that the kernel would send from.
    pub host: Option<IpAddr>,
}

/// The rules in force, and the kernel's recent answers.
#[derive(Debug)]
pub struct Advertised {
    rules: Vec<Rule>,
    routes: HashMap<IpAddr, (IpAddr, Instant)>,
}

#[derive(Debug)]
struct Rule {
    to: Network,
    host: Option<Face>,
}

/// How one peer is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    /// What it is told.
    pub told: IpAddr,
    /// What the sockets are bound to.
    pub bound: IpAddr,
}

impl Advertised {
    /// The first rule that matches wins; who matches none is told the address that the kernel would send from.
    pub fn new(rules: &[Advertise]) -> Advertised {
        let face = |told: IpAddr| {
            // An address of this machine must also be what packets come from; one in front of it (a NAT's) cannot be.
            let bound = if net::is_local(told) { told } else { unspecified(told) };
            Face { told, bound }
        };
        let rules = rules.iter().map(|rule| Rule { to: rule.to, host: rule.host.map(face) }).collect();
        Advertised { rules, routes: HashMap::new() }
    }

    /// How `peer` is met; None: someone of whom nothing is known yet, met like any IPv4 host of the Internet.
    pub fn toward(&mut self, now: Instant, peer: Option<IpAddr>) -> Face {
        let peer = peer.map(|peer| peer.to_canonical());
        let peer = peer.filter(|peer| !peer.is_unspecified()).unwrap_or(IpAddr::V4(ANYONE));
        if let Some(rule) = self.rules.iter().find(|rule| rule.to.contains(peer))
            && let Some(face) = rule.host
        {
            return face;
        }
        Face { told: self.route(now, peer), bound: unspecified(peer) }
    }

    fn route(&mut self, now: Instant, peer: IpAddr) -> IpAddr {
        if let Some(&(source, asked)) = self.routes.get(&peer)
            && now.saturating_duration_since(asked) < ROUTE_AGE
        {
            return source;
        }
        if self.routes.len() >= ROUTES {
            self.routes.clear();
        }
        let source = net::route_source(peer).unwrap_or(match peer {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
        self.routes.insert(peer, (source, now));
        source
    }
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// An address of nobody (RFC 5737), which is routed like everybody's.
const ANYONE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// How long a change of the machine's routes may stay unseen.
const ROUTE_AGE: Duration = Duration::from_secs(10);
/// Peers whose route is remembered.
const ROUTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(to: &str, host: &str) -> Advertise {
        Advertise { to: to.parse().unwrap(), host: (host != "auto").then(|| host.parse().unwrap()) }
    }

    fn told(advertised: &mut Advertised, peer: &str) -> (String, String) {
        let face = advertised.toward(Instant::now(), Some(peer.parse().unwrap()));
        (face.told.to_string(), face.bound.to_string())
    }

    #[test]
    fn the_first_matching_rule_wins() {
        let rules = [rule("127.0.0.2", "auto"), rule("127.0.0.0/8", "127.0.0.9"), rule("0.0.0.0/0", "203.0.113.9")];
        let mut advertised = Advertised::new(&rules);
        assert_eq!(told(&mut advertised, "127.0.0.2"), ("127.0.0.1".into(), "0.0.0.0".into()));
        assert_eq!(told(&mut advertised, "127.0.0.3"), ("127.0.0.9".into(), "127.0.0.9".into()));
        assert_eq!(told(&mut advertised, "198.51.100.7"), ("203.0.113.9".into(), "0.0.0.0".into()));
        assert_eq!(told(&mut advertised, "0.0.0.0"), ("203.0.113.9".into(), "0.0.0.0".into()));
    }

    #[test]
    fn who_matches_no_rule_is_told_what_the_kernel_would_send_from() {
        let mut advertised = Advertised::new(&[rule("203.0.113.0/24", "198.51.100.1")]);
        assert_eq!(told(&mut advertised, "127.0.0.1"), ("127.0.0.1".into(), "0.0.0.0".into()));
        assert_eq!(told(&mut advertised, "::1"), ("::1".into(), "::".into()));
    }
}

//! Packets that the kernel passes on by itself, between two pairs whose packets just pass.
//!
//! A pair's packets are handed over when they have been passing for a moment, and taken back before anything about the two pairs changes.
//! What the kernel has passed on is counted here as if it had come by a socket.

use super::pair::{Pair, Partner};
use super::{Plane, pair_at, pair_in, pair_of};
use call::MediaId;
use forward::{Flow, Lane};
use net::Route;
use rtp::Micros;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

/// A plane's way to the kernel.
pub struct Forwarding {
    lane: Lane,
    /// Flows that the kernel has now.
    flows: usize,
    read_at: Instant,
    /// What the kernel's clock showed when the plane began.
    began: Duration,
    routes: Routes,
    is_refused: bool,
}

/// The kernel's recent answers, `None` where it knows no way.
#[derive(Default)]
struct Routes(HashMap<(Ipv4Addr, Option<Ipv4Addr>), (Option<Route>, Instant)>);

impl Forwarding {
    /// Of a plane that begins at `began`.
    pub fn new(lane: Lane, began: Instant) -> Forwarding {
        Forwarding {
            lane,
            flows: 0,
            read_at: began,
            began: net::monotonic().saturating_sub(began.elapsed()),
            routes: Routes::default(),
            is_refused: false,
        }
    }

    /// When the kernel is to be asked what it has passed on; never while it has nothing to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.flows > 0).then_some(self.read_at)
    }

    /// Flows that the kernel has now.
    pub fn flows(&self) -> usize {
        self.flows
    }

    /// The way of the packets of `one`, which just pass to `other`; `None` where the kernel cannot take them.
    fn flow(&mut self, now: Instant, one: &Pair, other: &Pair) -> Option<Flow> {
        let (from, to) = (one.passes_from()?, other.passes_to()?);
        let (here, here_bound) = one.local()?;
        let (there, there_bound) = other.local()?;
        let arrives = self.routes.find(now, *from.ip(), here_bound)?;
        let leaves = self.routes.find(now, *to.ip(), there_bound)?;
        Some(Flow {
            tag: one.id.0,
            from,
            at: SocketAddrV4::new(arrives.source, here),
            arrives: arrives.interface,
            source: SocketAddrV4::new(leaves.source, there),
            to,
            leaves: leaves.interface,
            passes: !(one.unfit | RTCP),
        })
    }

    /// Has the kernel do what is wanted of a pair instead of what it does.
    fn change(&mut self, pair: &mut Pair, wanted: Option<Flow>) {
        if pair.flow == wanted {
            return;
        }
        if let Some(flow) = pair.flow.take() {
            self.lane.withdraw(&flow);
            self.flows -= 1;
        }
        let Some(flow) = wanted else { return };
        match self.lane.install(&flow) {
            Ok(()) => {
                pair.flow = Some(flow);
                self.flows += 1;
            }
            Err(error) if !self.is_refused => {
                self.is_refused = true;
                tracing::warn!(%error, "some packets are passed on by the process instead of the kernel");
            }
            Err(_) => {}
        }
    }
}

impl Plane {
    /// Hands over to the kernel what it can pass on, and follows the machine's routes.
    pub(super) fn hand_over(&mut self) {
        let Some(mut forwarding) = self.forwarding.take() else { return };
        for index in 0..self.slots.len() as u32 {
            let Some(one) = self.slots[index as usize].pair.as_ref() else { continue };
            let Partner::Pair(other) = one.partner else { continue };
            let Some(other) = self.slots[other as usize].pair.as_ref() else { continue };
            let wanted = forwarding.flow(self.now, one, other);
            if let Some(pair) = pair_at(&mut self.slots, index) {
                forwarding.change(pair, wanted);
            }
        }
        self.forwarding = Some(forwarding);
    }

    /// From here on the packets of a pair, and those to it, come by its socket and its partner's.
    pub(super) fn take_back(&mut self, id: MediaId) {
        if self.forwarding.is_none() {
            return;
        }
        let Some(pair) = pair_in(&self.slots, id) else { return };
        let partner = match pair.partner {
            Partner::Pair(other) => Some(other),
            Partner::Talk(..) | Partner::Exchange | Partner::Room(_) | Partner::None => None,
        };
        let Some(forwarding) = &mut self.forwarding else { return };
        for index in [Some(id.0 as u32), partner].into_iter().flatten() {
            if let Some(pair) = pair_at(&mut self.slots, index) {
                forwarding.change(pair, None);
            }
        }
        self.count_forwarded();
    }

    /// Counts what the kernel has passed on since the last call.
    pub(super) fn count_forwarded(&mut self) {
        let Plane { forwarding: Some(forwarding), slots, counts, now, .. } = self else { return };
        forwarding.read_at = *now + READ_EVERY;
        let began = forwarding.began;
        forwarding.lane.read(|passed| {
            let Some(pair) = pair_of(slots, MediaId(passed.tag)) else { return };
            let at = Micros(passed.at.saturating_sub(began).as_micros() as u64);
            pair.count_forwarded(at, passed.header, passed.length);
            counts.sent += 1;
            counts.bytes += passed.length as u64;
            counts.forwarded += 1;
            if let Partner::Pair(other) = pair.partner
                && let Some(other) = pair_at(slots, other)
            {
                other.count_sent();
            }
        });
    }

    /// Does what is due.
    pub(super) fn keep_forwarding(&mut self) {
        if self.forwarding.as_ref().and_then(Forwarding::poll_timeout).is_some_and(|due| due <= self.now) {
            self.count_forwarded();
        }
    }
}

impl Routes {
    /// The way to `peer`, of packets from `source`, if it is not the kernel's to choose.
    fn find(&mut self, now: Instant, peer: Ipv4Addr, source: Option<Ipv4Addr>) -> Option<Route> {
        if let Some((route, asked)) = self.0.get(&(peer, source))
            && now.saturating_duration_since(*asked) < ROUTE_AGE
        {
            return *route;
        }
        if self.0.len() >= ROUTES {
            self.0.clear();
        }
        let route = net::route(peer, source).ok();
        self.0.insert((peer, source), (route, now));
        route
    }
}

impl Pair {
    /// The RTP port, and the address that the socket is bound to, if it is to one; `None` for IPv6.
    fn local(&self) -> Option<(u16, Option<Ipv4Addr>)> {
        match self.bound() {
            IpAddr::V4(address) => Some((self.port(), (!address.is_unspecified()).then_some(address))),
            IpAddr::V6(_) => None,
        }
    }
}

/// Payload types as which RTCP would be seen on a shared port (RFC 5761 §4).
const RTCP: u128 = 0xffff_ffff << 64;
/// How long what was passed on may not be counted. The ring has room for ten times what two cores forward in this time.
const READ_EVERY: Duration = Duration::from_millis(50);
/// How long a change of the machine's routes may stay unseen.
const ROUTE_AGE: Duration = Duration::from_secs(10);
/// Peers whose route is remembered.
const ROUTES: usize = 16_384;

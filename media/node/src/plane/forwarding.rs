//! Packets that do not come by sockets: the kernel passes them on by itself, or lays them into our memory.
//!
//! A pair's packets are handed over to the kernel when they have been coming for a moment, and taken back before anything about them
//! changes. What it has passed on is counted here as if it had come by a socket; what it has laid into memory is treated like any
//! datagram.

use super::pair::{Pair, Partner};
use super::{Plane, pair_at, pair_in, pair_of};
use crate::token::Component;
use call::MediaId;
use forward::{Course, Fate, Flow, Lane, Taken};
use net::Route;
use rtp::Micros;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A plane's way to the kernel.
pub struct Forwarding {
    lane: Lane,
    /// Flows that the kernel has now.
    flows: usize,
    /// Those of them whose packets somebody waits for.
    urgent: usize,
    read_at: Instant,
    /// A packet is being treated, which lies in the plane's buffer: nothing else may come there.
    is_busy: bool,
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
            urgent: 0,
            read_at: began,
            is_busy: false,
            began: net::monotonic().saturating_sub(began.elapsed()),
            routes: Routes::default(),
            is_refused: false,
        }
    }

    /// When the kernel is to be asked what it has done; never while it has nothing to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.flows > 0).then_some(self.read_at)
    }

    /// Flows that the kernel has now.
    pub fn flows(&self) -> usize {
        self.flows
    }

    /// What the kernel can do with the packets of `one`.
    fn flow(&mut self, now: Instant, one: &Pair, partner: Option<&Pair>) -> Option<Flow> {
        let from = one.comes_from()?;
        let (here, here_bound) = one.local()?;
        let arrives = self.routes.find(now, *from.ip(), here_bound)?;
        let course = match partner {
            Some(partner) if one.just_passes() => self.onward(now, partner),
            Some(_) | None => None,
        };
        Some(Flow {
            tag: one.id.0,
            from,
            at: SocketAddrV4::new(arrives.source, here),
            arrives: arrives.interface,
            passes: !(one.unfit | RTCP),
            course: course.unwrap_or(Course::Inward),
        })
    }

    /// The way of packets that just pass to `to`.
    fn onward(&mut self, now: Instant, to: &Pair) -> Option<Course> {
        let (there, bound) = to.local()?;
        let to = to.passes_to()?;
        let leaves = self.routes.find(now, *to.ip(), bound)?;
        Some(Course::Onward { source: SocketAddrV4::new(leaves.source, there), to, leaves: leaves.interface })
    }

    /// Has the kernel do what is wanted of a pair instead of what it does.
    fn change(&mut self, pair: &mut Pair, wanted: Option<Flow>) {
        if pair.flow == wanted {
            return;
        }
        if let Some(flow) = pair.flow.take() {
            self.lane.withdraw(&flow);
            self.flows -= 1;
            self.urgent -= usize::from(pair.is_urgent);
        }
        let Some(flow) = wanted else { return };
        match self.lane.install(&flow) {
            Ok(()) => {
                // What is drawn at turns can wait for them; what is sent on at once cannot.
                pair.is_urgent =
                    flow.course == Course::Inward && matches!(pair.partner, Partner::Pair(_) | Partner::Exchange);
                pair.flow = Some(flow);
                self.flows += 1;
                self.urgent += usize::from(pair.is_urgent);
            }
            Err(error) if !self.is_refused => {
                self.is_refused = true;
                tracing::info!(%error, "some RTP comes to the process by sockets");
            }
            Err(_) => {}
        }
    }
}

impl Plane {
    /// Hands over to the kernel what it can take, and follows the machine's routes.
    pub(super) fn hand_over(&mut self) {
        let Some(mut forwarding) = self.forwarding.take() else { return };
        for index in 0..self.slots.len() {
            let Some(one) = self.slots[index].pair.as_ref() else { continue };
            let partner = match one.partner {
                Partner::None => continue,
                Partner::Pair(other) => self.slots[other as usize].pair.as_ref(),
                Partner::Talk(..) | Partner::Exchange | Partner::Room(_) => None,
            };
            let wanted = forwarding.flow(self.now, one, partner);
            if let Some(pair) = &mut self.slots[index].pair {
                forwarding.change(pair, wanted);
            }
        }
        self.forwarding = Some(forwarding);
    }

    /// From here on the packets of a pair, and those to it, come by its socket and its partner's.
    pub(super) fn take_back(&mut self, id: MediaId) {
        self.read_lane();
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
    }

    /// Treats and counts what the kernel has taken since the last call.
    pub(super) fn read_lane(&mut self) {
        while let Some(forwarding) = self.forwarding.as_mut().filter(|forwarding| !forwarding.is_busy) {
            let Some(taken) = forwarding.lane.take(&mut self.buffer) else {
                forwarding.read_at = self.now + if forwarding.urgent > 0 { URGENT } else { PATIENT };
                return;
            };
            let at = Micros(taken.at.saturating_sub(forwarding.began).as_micros() as u64);
            self.take_in(at, &taken);
        }
    }

    /// From here on the buffer is in use, or is not.
    pub(super) fn set_busy(&mut self, is_busy: bool) {
        if let Some(forwarding) = &mut self.forwarding {
            forwarding.is_busy = is_busy;
        }
    }

    fn take_in(&mut self, at: Micros, taken: &Taken) {
        let Some(pair) = pair_of(&mut self.slots, MediaId(taken.tag)) else { return };
        let index = taken.tag as u32;
        match taken.fate {
            Fate::Onward(header) => {
                pair.count_passed(at, header, taken.length);
                self.counts.sent += 1;
                self.counts.bytes += taken.length as u64;
                self.counts.forwarded += 1;
                if let Partner::Pair(other) = pair.partner
                    && let Some(other) = pair_at(&mut self.slots, other)
                {
                    other.count_sent();
                }
            }
            Fate::Inward => {
                let Some(from) = pair.flow.map(|flow| flow.from).or(pair.comes_from()) else { return };
                self.counts.taken += 1;
                let treated = catch_unwind(AssertUnwindSafe(|| {
                    self.treat(at, index, Component::Rtp, from.into(), taken.length);
                }));
                if treated.is_err() {
                    tracing::error!(index, "a packet could not be treated: this is a bug");
                    self.give_up(index);
                }
            }
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
/// How long a packet may lie that is sent on as soon as it is seen.
const URGENT: Duration = Duration::from_millis(1);
/// How long packets may not be counted that have gone on, and such lie that wait for a turn anyway.
const PATIENT: Duration = Duration::from_millis(50);
/// How long a change of the machine's routes may stay unseen.
const ROUTE_AGE: Duration = Duration::from_secs(10);
/// Peers whose route is remembered.
const ROUTES: usize = 16_384;

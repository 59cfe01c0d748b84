//! Packets that do not come by sockets: the kernel passes them on by itself, or lays them into our memory.
//!
//! A pair's packets are handed over to the kernel when they have been coming for a moment, and taken back before anything about them
//! changes. What it has passed on is counted here as if it had come by a socket; what it has laid into memory is treated like any
//! datagram. What the process itself sends is laid into memory, too, and sent by the kernel many at a time.

use super::pair::{Pair, Partner};
use super::{Plane, pair_at, pair_in, pair_of};
use crate::token::Component;
use call::MediaId;
use forward::{Course, Fate, Flow, Lane, Outbox, Taken, Way};
use net::Route;
use rtp::Micros;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// What the kernel does for a plane.
pub struct Kernel {
    /// It takes packets.
    pub lane: Lane,
    /// It sends packets, where it may.
    pub outbox: Option<Outbox>,
}

/// A plane's way to the kernel.
pub struct Forwarding {
    lane: Lane,
    outbox: Option<Outbox>,
    /// The kernel sends what is laid ready.
    is_heard: bool,
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
struct Routes {
    known: HashMap<(Ipv4Addr, Option<Ipv4Addr>), (Option<Route>, Instant)>,
    /// Questions left for this sweep.
    left: usize,
}

impl Forwarding {
    /// Of a plane that begins at `began`.
    pub fn new(Kernel { lane, outbox }: Kernel, began: Instant) -> Forwarding {
        Forwarding {
            lane,
            outbox,
            is_heard: true,
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
            // What its partner does not take as it is comes to the socket, and is noticed there.
            passes: if course.is_some() { !(one.unfit | RTCP) } else { !RTCP },
            course: course.unwrap_or(Course::Inward),
        })
    }

    /// The way of packets that just pass to `to`.
    fn onward(&mut self, now: Instant, to: &Pair) -> Option<Course> {
        self.way(now, to, to.passes_to()?).map(Course::Onward)
    }

    /// The way of packets that the process sends to the phone of `to`, if the kernel is to send them.
    fn departing(&mut self, now: Instant, to: &Pair) -> Option<Way> {
        let way = self.way(now, to, to.sends_to()?)?;
        self.outbox.as_mut()?.suits(&way).then_some(way)
    }

    fn way(&mut self, now: Instant, from: &Pair, to: SocketAddrV4) -> Option<Way> {
        let (port, bound) = from.local()?;
        let route = self.routes.find(now, *to.ip(), bound)?;
        if route.mtu.is_some_and(|mtu| mtu < forward::LEAST_MTU) {
            return None;
        }
        Some(Way { source: SocketAddrV4::new(route.source, port), to, leaves: route.interface })
    }

    /// Lays a packet to the phone of a pair ready to be sent; `false`: it is to go by the socket, after what was laid before.
    pub fn lay(&mut self, pair: &Pair, to: SocketAddr, packet: &[u8]) -> bool {
        let (Some(outbox), Some(way)) = (&mut self.outbox, &pair.way) else { return false };
        let is_laid = SocketAddr::V4(way.to) == to && outbox.lay(way, packet);
        if !is_laid {
            outbox.send();
        }
        is_laid
    }

    /// Has the kernel send what was laid ready; how many packets it did not take.
    pub fn send(&mut self) -> u64 {
        let Some(outbox) = &mut self.outbox else { return 0 };
        outbox.send();
        outbox.take_lost()
    }

    /// Sees whether what is laid ready is sent.
    fn renew(&mut self) {
        let Some(outbox) = &mut self.outbox else { return };
        let is_heard = outbox.renew();
        match (is_heard, std::mem::replace(&mut self.is_heard, is_heard)) {
            (false, true) => {
                tracing::error!("the loopback interface loses orders to the kernel: RTP leaves by sockets")
            }
            (true, false) => tracing::info!("the loopback interface is back: RTP leaves without sockets"),
            (true, true) | (false, false) => {}
        }
    }

    /// Has the kernel do what is wanted of a pair instead of what it does.
    fn change(&mut self, now: Instant, pair: &mut Pair, wanted: Option<Flow>) {
        if pair.flow != wanted {
            self.replace(pair, wanted);
        }
        // What is drawn at turns can wait for them; what is sent on at once cannot.
        let is_sent_on = match pair.partner {
            Partner::Pair(_) => true,
            Partner::Exchange => pair.talk.as_ref().is_some_and(|talk| talk.is_echo()),
            Partner::Talk(..) | Partner::Room(_) | Partner::None => false,
        };
        let is_urgent = is_sent_on && pair.flow.is_some_and(|flow| flow.course == Course::Inward);
        self.urgent -= usize::from(std::mem::replace(&mut pair.is_urgent, is_urgent));
        self.urgent += usize::from(is_urgent);
        if is_urgent {
            self.read_at = self.read_at.min(now + URGENT);
        }
    }

    fn replace(&mut self, pair: &mut Pair, wanted: Option<Flow>) {
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
        forwarding.routes.left = QUESTIONS;
        forwarding.renew();
        for index in 0..self.slots.len() {
            let Some(one) = self.slots[index].pair.as_ref() else { continue };
            let partner = match one.partner {
                Partner::None => continue,
                Partner::Pair(other) => self.slots[other as usize].pair.as_ref(),
                Partner::Talk(..) | Partner::Exchange | Partner::Room(_) => None,
            };
            let wanted = forwarding.flow(self.now, one, partner);
            let way = forwarding.departing(self.now, one);
            if let Some(pair) = &mut self.slots[index].pair {
                pair.way = way;
                forwarding.change(self.now, pair, wanted);
            }
        }
        self.forwarding = Some(forwarding);
    }

    /// From here on the packets of a pair, and those to it, come by its socket and its partner's.
    pub(super) fn take_back(&mut self, id: MediaId) {
        let Some(pair) = pair_in(&self.slots, id) else { return };
        let partner = match pair.partner {
            Partner::Pair(other) | Partner::Talk(other, _) => Some(other),
            Partner::Exchange | Partner::Room(_) | Partner::None => None,
        };
        let Some(forwarding) = &mut self.forwarding else { return };
        for index in [Some(id.0 as u32), partner].into_iter().flatten() {
            if let Some(pair) = pair_at(&mut self.slots, index) {
                forwarding.change(self.now, pair, None);
            }
        }
        self.read_lane();
    }

    /// Treats and counts what the kernel has taken since the last call, or the oldest of it: whoever sends more than that at once may not
    /// hold up all others.
    pub(super) fn read_lane(&mut self) {
        let micros = self.micros();
        for _ in 0..AT_ONCE {
            let Some(forwarding) = self.forwarding.as_mut().filter(|forwarding| !forwarding.is_busy) else { return };
            let Some(taken) = forwarding.lane.take(&mut self.buffer) else {
                forwarding.read_at = self.now + if forwarding.urgent > 0 { URGENT } else { PATIENT };
                return;
            };
            let at = Micros(taken.at.saturating_sub(forwarding.began).as_micros() as u64).min(micros);
            let treated = catch_unwind(AssertUnwindSafe(|| self.take_in(at, &taken)));
            if treated.is_err() {
                tracing::error!(tag = taken.tag, "a packet could not be treated: this is a bug");
                self.give_up(taken.tag as u32);
            }
        }
        if let Some(forwarding) = &mut self.forwarding {
            forwarding.read_at = self.now;
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
                self.treat(at, taken.tag as u32, Component::Rtp, from.into(), taken.length);
            }
        }
    }
}

impl Routes {
    /// The way to `peer`, of packets from `source`, if it is not the kernel's to choose.
    fn find(&mut self, now: Instant, peer: Ipv4Addr, source: Option<Ipv4Addr>) -> Option<Route> {
        let known = self.known.get(&(peer, source)).copied();
        if let Some((route, asked)) = known
            && (self.left == 0 || now.saturating_duration_since(asked) < ROUTE_AGE)
        {
            return route;
        }
        self.left = self.left.checked_sub(1)?;
        if self.known.len() >= ROUTES {
            self.known.retain(|_, (_, asked)| now.saturating_duration_since(*asked) < FORGOTTEN);
        }
        let route = net::route(peer, source).ok();
        self.known.insert((peer, source), (route, now));
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
/// How long a packet may lie that is sent on as soon as it is seen: a tenth of the sound in it. Each look costs a wake of the thread, which is dear
/// where calls are few, and sends that follow each other are cheaper.
const URGENT: Duration = Duration::from_millis(2);
/// How long packets may not be counted that have gone on, and such lie that wait for a turn anyway.
const PATIENT: Duration = Duration::from_millis(50);
/// Packets treated before others have their turn.
const AT_ONCE: usize = 1024;
/// How long a change of the machine's routes may stay unseen, where the kernel need not be asked for more than [`QUESTIONS`] peers.
const ROUTE_AGE: Duration = Duration::from_secs(2);
/// What the kernel is asked in one sweep, at some 5 µs each.
const QUESTIONS: usize = 256;
/// Peers whose routes are remembered, before those are forgotten that nobody has asked for in [`FORGOTTEN`].
const ROUTES: usize = 16_384;
const FORGOTTEN: Duration = Duration::from_secs(600);

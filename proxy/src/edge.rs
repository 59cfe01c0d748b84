//! What the proxy does with one message. Pure: no sockets, no clock, no waiting; driven by the worker and by tests.
//!
//! A request from a phone: parse → limits and bans → sealed in-dialog request: straight on → authenticate → locate →
//! orient → hand on. All that a later message needs travels sealed in the message (RFC 3261 §16.11), so any proxy with
//! the same [`View`] does the same with it; what is remembered here may be lost at any time.

mod arrival;
mod authenticate;
mod check;
mod counts;
mod forward;
mod limits;
mod orient;
mod outbox;
mod parking;
mod passed;
mod register;
mod response;
mod route;
mod text;
mod verdict;
mod via;

pub use arrival::{Arrival, Face, Flows, PublicName};
pub use counts::{Count, Counts};
pub use limits::{Admission, LimitSettings};
pub use outbox::{Outbox, Output, QueryId};
pub use passed::{Passed, PassedRegistrations};

use forward::Change;
use limits::Limits;
use orient::Caller;
use parking::Parking;
use proto::directory::{Directory, Target};
use proto::membership::Membership;
use proto::registrar::Unavailable;
use proto::time::UnixMillis;
use proto::view::View;
use proto::wire::{LocateResponse, RegisterResponse};
use register::Applicant;
use sip::hop::Hop;
use sip::message::Rejected;
use sip::random::Random;
use sip::token::Keys;
use sip::{Message, Method};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use verdict::Verdict;

/// How one proxy treats messages.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The member's name, stored with bindings.
    pub name: String,
    /// The cluster's public name.
    pub cluster: String,
    /// The region whose shards take a call where the caller's address tells none.
    pub region: String,
    /// The cluster-side address, IPv4 or IPv6, that other members send to.
    pub inside: SocketAddr,
    /// Host names and addresses (IPv6 in brackets) that mean this proxy, besides the directory's domains.
    pub hosts: Vec<String>,
    /// How long a nonce is good.
    pub nonce_lifetime: Duration,
    /// What one source may send.
    pub limits: LimitSettings,
    /// Requests that may wait for the registry at once.
    pub waiting: usize,
    /// How long one may wait.
    pub patience: Duration,
    /// Seconds within which a phone must send keep-alives over an outbound flow (RFC 5626 §5.4).
    pub flow_timer: u32,
}

impl Settings {
    /// Defaults for all but who and where this proxy is.
    pub fn new(name: &str, cluster: &str, region: &str, inside: SocketAddr) -> Settings {
        Settings {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            region: region.to_owned(),
            inside,
            hosts: Vec::new(),
            nonce_lifetime: sip::digest::Nonces::DEFAULT_LIFETIME,
            limits: LimitSettings::default(),
            waiting: 10_000,
            // A phone over UDP has sent its request three more times by then and gives up after 32 s.
            patience: Duration::from_secs(4),
            flow_timer: 120,
        }
    }
}

/// The registry's answer to a question of the edge.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Output::Register`].
    Registered(Result<RegisterResponse, Unavailable>),
    /// To [`Output::Locate`].
    Located(Result<LocateResponse, Unavailable>),
}

/// One worker's edge.
pub struct Edge {
    settings: Settings,
    view: Arc<View>,
    memory: Memory,
}

/// What is remembered between messages; losing it changes the meaning of none.
struct Memory {
    limits: Limits,
    waiting: Parking<Waiting>,
    passed: Arc<PassedRegistrations>,
    counts: Counts,
    random: Random,
}

/// A request that waits for the registry.
enum Waiting {
    /// A REGISTER that has been authenticated.
    Register(Box<Applicant>),
    /// A request whose target's bindings decide where it goes.
    Call(Box<Call>),
}

struct Call {
    arrival: Arrival,
    bytes: Vec<u8>,
    caller: Caller,
    target: Target,
}

/// One message on its way through the edge, and all that is needed to decide about it.
struct Passage<'a> {
    now: Instant,
    wall: UnixMillis,
    settings: &'a Settings,
    keys: &'a Keys,
    directory: &'a Directory,
    membership: &'a Membership,
    view: &'a View,
    flows: &'a dyn Flows,
    arrival: &'a Arrival,
    message: &'a Message<'a>,
    memory: &'a mut Memory,
    out: &'a mut Outbox,
}

impl Edge {
    /// `passed` is shared by the edges of a process; `seed` only spreads the Retry-After of phones.
    pub fn new(settings: Settings, view: Arc<View>, passed: Arc<PassedRegistrations>, seed: u64) -> Edge {
        let memory = Memory {
            limits: Limits::new(settings.limits.clone()),
            waiting: Parking::new(settings.waiting, settings.patience),
            passed,
            counts: Counts::default(),
            random: Random::new(seed),
        };
        Edge { settings, view, memory }
    }

    /// Takes a message off the wire: a datagram, a frame of a stream or a WebSocket message.
    pub fn handle_message(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        arrival: &Arrival,
        bytes: &[u8],
        flows: &dyn Flows,
        out: &mut Outbox,
    ) {
        if !self.admits(now, arrival, out) {
            return;
        }
        match Message::parse(bytes) {
            Ok(message) => self.passage(now, wall, arrival, &message, flows, out, |passage| passage.pass()),
            Err(Rejected { why, status, partial }) => {
                tracing::debug!(peer = %arrival.peer, %why, "malformed message");
                self.memory.counts.add(Count::Malformed);
                let Some(request) = partial.filter(|message| message.is_request()) else { return };
                let verdict = Verdict::Refused(status, verdict::reason(status));
                self.passage(now, wall, arrival, &request, flows, out, |passage| passage.answer(verdict));
            }
        }
    }

    /// Takes the registry's answer to a question; one that comes too late changes nothing.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        id: QueryId,
        answer: Answer,
        flows: &dyn Flows,
        out: &mut Outbox,
    ) {
        match (self.memory.waiting.take(id), answer) {
            (Some(Waiting::Register(applicant)), Answer::Registered(response)) => {
                self.registered(wall, &applicant, response, out);
            }
            (Some(Waiting::Call(call)), Answer::Located(response)) => {
                self.located(now, wall, &call, response, flows, out)
            }
            (Some(Waiting::Register(_)), Answer::Located(_))
            | (Some(Waiting::Call(_)), Answer::Registered(_))
            | (None, _) => {}
        }
    }

    /// When [`Edge::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.memory.waiting.next_deadline()
    }

    /// Gives up on answers of the registry that are overdue.
    pub fn handle_timeout(&mut self, now: Instant, wall: UnixMillis, flows: &dyn Flows, out: &mut Outbox) {
        while let Some(waiting) = self.memory.waiting.expired(now) {
            match waiting {
                Waiting::Register(applicant) => self.registered(wall, &applicant, Err(Unavailable), out),
                Waiting::Call(call) => self.located(now, wall, &call, Err(Unavailable), flows, out),
            }
        }
    }

    /// Takes back a message that could not be given to a member of the cluster: a request is answered as if that had answered 503.
    pub fn handle_undelivered(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        hop: Hop,
        bytes: &[u8],
        flows: &dyn Flows,
        out: &mut Outbox,
    ) {
        match Message::parse(bytes) {
            Ok(request) if request.is_request() && request.method() != Method::Ack => {
                let arrival = Arrival { face: Face::Inside(hop), peer: hop.address };
                let answer = verdict::unreachable(&request, &arrival);
                self.handle_message(now, wall, &arrival, &answer, flows, out);
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// Whether a source is shut out, so that its connections need not be accepted.
    pub fn is_banned(&self, now: Instant, peer: SocketAddr) -> bool {
        self.memory.limits.is_banned(now, peer.ip())
    }

    /// What happened since the counts were last taken.
    pub fn counts(&mut self) -> &mut Counts {
        &mut self.memory.counts
    }

    /// Requests that wait for the registry.
    pub fn waiting(&self) -> usize {
        self.memory.waiting.waiting()
    }

    /// Limits and bans; the cluster's own members have none.
    fn admits(&mut self, now: Instant, arrival: &Arrival, out: &mut Outbox) -> bool {
        let Face::Public(flow) = arrival.face else { return true };
        match self.memory.limits.admit(now, arrival.peer.ip()) {
            Admission::Admitted => return true,
            Admission::Limited => self.memory.counts.add(Count::Limited),
            Admission::Banned => {
                self.memory.counts.add(Count::Banned);
                if flow.transport.is_reliable() {
                    out.push(Output::Close(flow));
                }
            }
        }
        false
    }

    #[allow(clippy::too_many_arguments)] // the one place that puts a passage together
    fn passage<T>(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        arrival: &Arrival,
        message: &Message<'_>,
        flows: &dyn Flows,
        out: &mut Outbox,
        walk: impl FnOnce(&mut Passage<'_>) -> T,
    ) -> T {
        let Edge { settings, view, memory } = self;
        let (keys, directory, membership) = (view.keys.load(), view.directory.load(), view.membership.load());
        walk(&mut Passage {
            now,
            wall,
            settings,
            keys: &keys,
            directory: &directory,
            membership: &membership,
            view,
            flows,
            arrival,
            message,
            memory,
            out,
        })
    }
}

impl<'a> Passage<'a> {
    fn pass(&mut self) {
        let request = self.message.is_request();
        let result = match self.arrival.face {
            Face::Public(_) if request => self.public_request(),
            Face::Inside(_) if request => self.inside_request(),
            Face::Public(_) | Face::Inside(_) => {
                self.response();
                Ok(())
            }
        };
        if let Err(verdict) = result {
            self.answer(verdict);
        }
    }

    /// A request from a phone, a browser or a carrier.
    fn public_request(&mut self) -> Result<(), Verdict<'a>> {
        self.count(Count::PublicRequest);
        let routes = self.own_routes();
        let uri = self.check()?;
        if let Some(way) = self.sealed(&routes, &uri)? {
            return self.forward(way, Change::straight_on(&routes));
        }
        match self.message.method() {
            Method::Register => return self.register(),
            Method::Options if self.is_for_us(&uri) => return Err(Verdict::Options),
            Method::Ack if self.is_of_own_answer() => return Err(Verdict::Absorbed(Count::AckAbsorbed)),
            Method::Ack | Method::Cancel => return self.follow(&uri, &routes),
            _ => {}
        }
        self.ends_with_us(&routes)?;
        let caller = self.authenticate(&uri)?;
        let target = self.orient(&caller, &uri)?;
        self.hand_on(caller, target, &routes)
    }

    /// A request from a media shard, or from another proxy for a phone of ours.
    fn inside_request(&mut self) -> Result<(), Verdict<'a>> {
        self.count(Count::InsideRequest);
        let routes = self.own_routes();
        let uri = self.check()?;
        match routes.last {
            Some(flow) => {
                let way = self.way_over(flow)?;
                self.forward(way, Change::straight_on(&routes))
            }
            None if self.message.method() == Method::Options && self.is_for_us(&uri) => Err(Verdict::Options),
            None => self.give_to_passed(&uri, &routes),
        }
    }

    fn count(&mut self, count: Count) {
        self.memory.counts.add(count);
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! A telephone: a small user agent on the exchange's own transactions and dialogs, with digest answers that rsip computes.

mod called;
mod calling;
mod line;
mod registering;

pub use line::Line;
pub use registering::{Registration, Standing};

use crate::address::{self, PUBLIC};
use sip::endpoint::{ClientId, Endpoint, Event};
use sip::hop::{Hop, Transport};
use sip::message::{Message, Method, Name};
use sip::random::Random;
use sip::timer::Timers;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::digest;

/// A phone, what it does with calls, and what has come to it.
#[derive(Debug)]
pub struct Phone {
    pub user: String,
    pub domain: &'static str,
    pub password: String,
    /// Where its NAT shows it now.
    pub external: SocketAddr,
    pub endpoint: Endpoint,
    pub manners: Manners,
    pub lines: Vec<Line>,
    pub registration: Registration,
    /// Every datagram that came to it.
    pub heard: Vec<Vec<u8>>,
    /// How its calls and those to it began and ended.
    pub history: Vec<History>,
    index: usize,
    private: SocketAddr,
    rebinds: u16,
    power: Power,
    /// ACKs of 2xx by INVITE and To tag, to be repeated for copies.
    acks: BTreeMap<ClientId, Vec<(String, Vec<u8>)>>,
    plans: BTreeMap<(Instant, u64), Plan>,
    serial: u64,
    random: Random,
}

/// What a phone does with a call to it.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// How long until it rings.
    pub rings: Duration,
    /// How long after that it does what it does.
    pub then: Duration,
    pub does: Does,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Answer,
    Refuse(u16),
    /// Rings until somebody gives up.
    Nothing,
}

/// What a phone has seen of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// It rings.
    Rang,
    /// A call to it was cancelled.
    Cancelled,
    /// Both sides are connected.
    Answered,
    /// Its own call failed with this status; 408 where nobody said one.
    Failed(u16),
    /// Its offer within a call was answered with this status.
    Offered(u16),
    /// A connected call ended, by whichever side.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    Off,
}

/// Something to do later.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Ring(u64),
    Decide(u64),
    /// Gives up ringing.
    Tire(u64),
    OfferAgain(u64, &'static str),
    Register,
}

impl Phone {
    /// `user` or `user@domain`.
    pub fn new(index: usize, user: &str, seed: u64) -> Phone {
        let (user, domain) = match user.split_once('@') {
            Some((user, "direct.test")) => (user, "direct.test"),
            Some((user, "elsewhere.test")) => (user, "elsewhere.test"),
            Some((_, other)) => panic!("no phone is of {other}"),
            None => (user, "tandem.local"),
        };
        let private = address::private(index);
        let mut random = Random::new(seed);
        Phone {
            user: user.to_owned(),
            domain,
            password: format!("{user}-demo"),
            external: address::external(index, 0),
            endpoint: endpoint(private, random.number()),
            manners: Manners { rings: Duration::from_millis(100), then: Duration::from_secs(2), does: Does::Answer },
            lines: Vec::new(),
            registration: Registration::new(&mut random),
            heard: Vec::new(),
            history: Vec::new(),
            index,
            private,
            rebinds: 0,
            power: Power::On,
            acks: BTreeMap::new(),
            plans: BTreeMap::new(),
            serial: 0,
            random,
        }
    }

    /// Its NAT has forgotten it and shows it under another port.
    pub fn rebind(&mut self) {
        self.rebinds += 1;
        self.external = address::external(self.index, self.rebinds);
    }

    /// Gone without a word.
    pub fn power_off(&mut self) {
        self.power = Power::Off;
        self.endpoint = endpoint(self.private, 0);
        (self.lines, self.plans, self.acks) = Default::default();
    }

    pub fn is_on(&self) -> bool {
        self.power == Power::On
    }

    pub fn handle_message(&mut self, now: Instant, from: Hop, bytes: &[u8]) {
        if self.power == Power::Off {
            return;
        }
        self.heard.push(bytes.to_vec());
        self.endpoint.handle_message(now, from, bytes);
        self.handle_events(now);
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout().into_iter().chain(self.plans.keys().next().map(|(at, _)| *at)).min()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        while let Some(entry) = self.plans.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Plan::Ring(line) => self.ring(now, line),
                Plan::Decide(line) => self.decide(now, line),
                Plan::Tire(line) => self.refuse(now, line, 480),
                Plan::OfferAgain(line, direction) => self.offer_on(now, line, direction),
                Plan::Register => self.register_again(now),
            }
        }
        self.handle_events(now);
    }

    pub fn handle_events(&mut self, now: Instant) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request { id, bytes, .. } => self.handle_request(now, id, &bytes),
                Event::Cancel { invite, .. } => self.handle_cancel(now, invite),
                Event::Ack { invite: Some(invite), .. } => self.handle_ack(now, invite),
                Event::Ack { invite: None, .. } => {}
                Event::AckMissing { invite } => self.handle_ack_missing(now, invite),
                Event::Response { id, bytes, .. } => self.handle_response(now, id, &bytes),
                Event::Timeout { id } | Event::Unreachable { id } => self.handle_silence(now, id),
                Event::Ended { id } => {
                    self.acks.remove(&id);
                }
            }
        }
    }

    /// No call, no transaction, nothing planned.
    pub fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.endpoint.is_idle() && self.plans.is_empty() && self.acks.is_empty()
    }

    /// How often this is in its history.
    pub fn count(&self, what: History) -> usize {
        self.history.iter().filter(|it| **it == what).count()
    }

    fn handle_response(&mut self, now: Instant, id: ClientId, bytes: &[u8]) {
        let Ok(response) = Message::parse(bytes) else { return };
        match response.method() {
            Method::Register => self.handle_registered(now, id, &response),
            Method::Invite => self.handle_answer(now, id, &response),
            _ => {}
        }
    }

    fn handle_silence(&mut self, now: Instant, id: ClientId) {
        self.handle_no_registration(now, id);
        self.handle_no_answer(now, id);
    }

    fn plan(&mut self, now: Instant, delay: Duration, plan: Plan) {
        self.serial += 1;
        self.plans.insert((now + delay, self.serial), plan);
    }

    /// Credentials for a request after a challenge.
    fn credentials(&self, response: &Message<'_>, method: &str, uri: &str, count: u8) -> Option<String> {
        let name = if response.status() == Some(401) { Name::WwwAuthenticate } else { Name::ProxyAuthenticate };
        let challenges: Vec<&str> = response.all(name).collect();
        digest::Answer { user: &self.user, password: &self.password, method, uri, count }.to(&challenges)
    }

    fn unique(&mut self) -> String {
        format!("{:016x}", self.random.number())
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.user, self.private)
    }

    fn own_uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }
}

fn endpoint(private: SocketAddr, seed: u64) -> Endpoint {
    Endpoint::new(Timers::default(), format!("{private};rport"), seed)
}

/// All proxies together, over UDP.
fn exchange() -> Hop {
    Hop::new(Transport::Udp, PUBLIC)
}

//! Two endpoints whose users call each other through a bad network, over many seeds.

use super::*;
use crate::dialog::Dialog;
use std::collections::BTreeMap;

/// How bad the network is, in percent of the messages.
struct Network {
    loss: u64,
    copies: u64,
}

/// A caller and a callee, and what is on its way between them.
struct World {
    random: Random,
    network: Network,
    now: Instant,
    transport: Transport,
    users: [User; 2],
    in_flight: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    /// What users will do.
    plans: BTreeMap<(Instant, u64), (usize, Plan)>,
    count: u64,
}

struct User {
    endpoint: Endpoint,
    dialog: Option<Dialog>,
    /// Final statuses of the INVITE that it got or gave; 408 for a timeout.
    outcome: Vec<u16>,
    invite: Option<ClientId>,
    /// Whether the last event that names the INVITE has come.
    is_ended: bool,
    /// Whether its final response to the INVITE has gone.
    is_answered: bool,
}

enum Plan {
    Cancel(ClientId),
    Respond(ServerId, Vec<u8>, u16),
    HangUp,
}

impl World {
    fn new(seed: u64, transport: Transport, network: Network) -> World {
        let user = |seed| User {
            endpoint: Endpoint::new(Timers::default(), "192.0.2.1:5060".to_owned(), seed),
            dialog: None,
            outcome: Vec::new(),
            invite: None,
            is_ended: false,
            is_answered: false,
        };
        World {
            random: Random::new(seed),
            network,
            now: at(0),
            transport,
            users: [user(2 * seed), user(2 * seed + 1)],
            in_flight: BTreeMap::new(),
            plans: BTreeMap::new(),
            count: 0,
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.number() % 100 < percent
    }

    fn hop(&self, user: usize) -> Hop {
        Hop::new(self.transport, ([192, 0, 2, 1 + user as u8], 5060).into())
    }

    fn plan(&mut self, user: usize, longest_millis: u64, plan: Plan) {
        self.count += 1;
        let at = self.now + Duration::from_millis(self.random.number() % longest_millis);
        self.plans.insert((at, self.count), (user, plan));
    }

    fn call(&mut self) {
        let invite = Builder::request(Method::Invite, "sip:bob@192.0.2.2")
            .header(Name::From, "<sip:alice@a>;tag=a")
            .header(Name::To, "<sip:bob@b>")
            .header(Name::CallId, "c1")
            .header(Name::CSeq, "1 INVITE")
            .header(Name::Contact, "<sip:alice@192.0.2.1>")
            .finish();
        let hop = self.hop(1);
        let id = self.users[0].endpoint.request(self.now, hop, invite);
        self.users[0].invite = Some(id);
        if self.chance(40) {
            self.plan(0, 6000, Plan::Cancel(id));
        }
        // A caller does not wait for ever, should every copy of the final response be lost.
        self.plans.insert((at(60_000), 0), (0, Plan::Cancel(id)));
    }

    /// Until nothing is left to do.
    fn run(&mut self) {
        loop {
            for user in 0..2 {
                self.drain(user);
            }
            let timeouts = self.users.iter().filter_map(|user| user.endpoint.poll_timeout());
            let arrivals = self.in_flight.keys().next().into_iter().chain(self.plans.keys().next()).map(|(at, _)| *at);
            let Some(next) = timeouts.chain(arrivals).min() else { return };
            assert!(next >= self.now && next < at(600_000), "time goes on, and comes to an end");
            self.now = next;
            while let Some(entry) = self.in_flight.first_entry().filter(|entry| entry.key().0 <= next) {
                let (to, bytes) = entry.remove();
                let from = self.hop(1 - to);
                self.users[to].endpoint.handle_message(next, from, &bytes);
            }
            while let Some(entry) = self.plans.first_entry().filter(|entry| entry.key().0 <= next) {
                let (user, plan) = entry.remove();
                self.carry_out(user, plan);
            }
            for user in &mut self.users {
                user.endpoint.handle_timeout(next);
            }
        }
    }

    fn drain(&mut self, user: usize) {
        while let Some(event) = self.users[user].endpoint.poll_event() {
            self.handle_event(user, event);
        }
        while let Some(transmit) = self.users[user].endpoint.poll_transmit() {
            assert_eq!(transmit.to, self.hop(1 - user));
            let copies = if self.transport.is_reliable() {
                1
            } else if self.chance(self.network.loss) {
                0
            } else {
                1 + u64::from(self.chance(self.network.copies))
            };
            for _ in 0..copies {
                self.count += 1;
                // Over UDP the delays differ, so that messages overtake each other.
                let delay = if self.transport.is_reliable() { 20 } else { 5 + self.random.number() % 100 };
                let at = self.now + Duration::from_millis(delay);
                self.in_flight.insert((at, self.count), (1 - user, transmit.bytes.clone()));
            }
        }
    }

    fn carry_out(&mut self, user: usize, plan: Plan) {
        let hop = self.hop(1 - user);
        let it = &mut self.users[user];
        match plan {
            Plan::Cancel(id) => it.endpoint.cancel(self.now, id),
            Plan::HangUp => {
                let bye = it.dialog.as_mut().unwrap().request(Method::Bye).finish();
                it.endpoint.request(self.now, hop, bye);
            }
            Plan::Respond(id, request, status) => {
                if it.is_answered {
                    return;
                }
                let request = Message::parse(&request).unwrap();
                let response = Builder::response(&request, status, "Some Reason").to_tag("b");
                let response = response.header(Name::Contact, "<sip:bob@192.0.2.2>").finish();
                if request.method() == Method::Invite && status >= 200 {
                    it.is_answered = true;
                    it.outcome.push(status);
                }
                it.endpoint.respond(self.now, id, response);
            }
        }
    }

    fn handle_event(&mut self, user: usize, event: Event) {
        let hop = self.hop(1 - user);
        match event {
            Event::Request { id, bytes, .. } => {
                let request = Message::parse(&bytes).unwrap();
                if request.method() == Method::Bye {
                    let ok = Builder::response(&request, 200, "OK").finish();
                    return self.users[user].endpoint.respond(self.now, id, ok);
                }
                assert!(self.users[user].dialog.is_none(), "one INVITE, delivered once");
                self.users[user].dialog = Dialog::uas(&request, "b", "<sip:bob@192.0.2.2>");
                self.users[user].invite = None;
                let status = if self.chance(60) { 200 } else { 486 };
                if self.chance(80) {
                    self.plan(user, 300, Plan::Respond(id, bytes.clone(), 180));
                }
                self.plan(user, 8000, Plan::Respond(id, bytes, status));
            }
            Event::Cancel { .. } => {
                // The callee gives up what it had planned.
                let mut planned: Vec<_> = std::mem::take(&mut self.plans).into_values().collect();
                planned.retain(|(_, plan)| matches!(plan, Plan::Respond(..)));
                if let Some((_, Plan::Respond(id, bytes, _))) = planned.pop() {
                    self.carry_out(user, Plan::Respond(id, bytes, 487));
                }
            }
            Event::Ack { invite, .. } => {
                assert!(invite.is_some());
                if self.chance(50) {
                    self.plan(user, 5000, Plan::HangUp);
                }
            }
            Event::AckMissing { .. } => self.carry_out(user, Plan::HangUp),
            Event::Response { id, bytes, .. } => {
                let response = Message::parse(&bytes).unwrap();
                let status = response.status().unwrap();
                let it = &mut self.users[user];
                if it.invite != Some(id) || status < 200 {
                    return;
                }
                assert!(!it.is_ended);
                if status >= 300 {
                    it.outcome.push(status);
                    it.is_ended = true;
                    return;
                }
                let dialog = Dialog::uac(&response, "sip:bob@192.0.2.2", "<sip:alice@192.0.2.1>").unwrap();
                it.endpoint.send(hop, dialog.ack(1).finish());
                if it.dialog.is_none() {
                    it.outcome.push(status);
                    it.dialog = Some(dialog);
                    if self.chance(50) {
                        self.plan(user, 5000, Plan::HangUp);
                    }
                }
            }
            Event::Timeout { id } => {
                let it = &mut self.users[user];
                if it.invite == Some(id) {
                    assert!(!it.is_ended);
                    it.outcome.push(408);
                    it.is_ended = true;
                }
            }
            Event::Ended { id } => {
                let it = &mut self.users[user];
                assert!(it.invite == Some(id) && !it.is_ended);
                it.is_ended = true;
            }
            Event::Unreachable { .. } => panic!("nobody said so"),
        }
    }
}

/// Runs one call to its end and checks what must hold of it; the outcomes of caller and callee.
fn outcome(seed: u64, transport: Transport, network: Network) -> (u16, Option<u16>) {
    let mut world = World::new(seed, transport, network);
    world.call();
    world.run();
    let [caller, callee] = &world.users;
    assert!(caller.endpoint.is_idle() && callee.endpoint.is_idle(), "nothing remains");
    assert!(caller.is_ended, "the last event about the INVITE has come");
    let [of_caller] = caller.outcome[..] else { panic!("one outcome: {:?}", caller.outcome) };
    assert!(callee.outcome.len() <= 1);
    assert_eq!(caller.endpoint.counts().malformed + callee.endpoint.counts().malformed, 0);
    (of_caller, callee.outcome.first().copied())
}

#[test]
fn both_sides_agree_and_nothing_remains_on_a_bad_network() {
    let mut seen = BTreeMap::new();
    for seed in 0..400 {
        println!("seed {seed}");
        let (caller, callee) = outcome(seed, Transport::Udp, Network { loss: seed % 21, copies: seed % 11 });
        assert_eq!(Some(caller), callee);
        *seen.entry(caller).or_insert(0) += 1;
    }
    assert!([200, 486, 487].iter().all(|status| seen[status] > 20), "each way is tried: {seen:?}");
}

#[test]
fn both_sides_agree_and_nothing_remains_on_a_good_connection() {
    for seed in 0..200 {
        println!("seed {seed}");
        let (caller, callee) = outcome(seed, Transport::Tcp, Network { loss: 0, copies: 0 });
        assert_eq!(Some(caller), callee);
    }
}

#[test]
fn nothing_remains_where_most_is_lost() {
    for seed in 0..200 {
        println!("seed {seed}");
        outcome(seed, Transport::Udp, Network { loss: 60 + seed % 40, copies: 30 });
    }
}

#[test]
fn equal_seeds_give_equal_messages() {
    let trace = |seed| {
        let mut world = World::new(seed, Transport::Udp, Network { loss: 10, copies: 10 });
        world.call();
        world.run();
        (world.count, world.now.duration_since(at(0)), world.random.number())
    };
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}

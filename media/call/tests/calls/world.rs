//! Phones, proxies and shards in one process, on simulated time and a network as bad as a test wants it.

use crate::media::FakeMedia;
use crate::phone::{Phone, Sdp};
use call::{Answer, Event, MediaEvent, Output, Query, QueryId, Settings, Shard};
use proto::directory::Directory;
use proto::membership::Membership;
use proto::registrar::Unavailable;
use proto::time::UnixMillis;
use proto::view::View;
use proto::wire;
use sip::build::Builder;
use sip::headers::NameAddr;
use sip::hop::{Hop, Transport};
use sip::message::{Message, Method, Name};
use sip::random::Random;
use sip::token::{ContactToken, Flow, FlowEnd, ShardId};
use sip::uri::Uri;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const DIRECTORY: &str = r#"
[[domain]]
name = "tandem.local"
aliases = ["alias.local"]
[[class]]
name = "default"
allow = ["extensions", "services"]
"#;

/// How bad the network is, in percent of the datagrams.
#[derive(Clone, Copy, Default)]
pub struct Network {
    pub loss: u64,
    pub copies: u64,
    /// Datagrams overtake each other.
    pub disorder: bool,
}

pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub view: Arc<View>,
    pub shards: Vec<Member>,
    pub phones: Vec<Phone>,
    pub network: Network,
    transport: Transport,
    pub registry: Registry,
    pub events: Vec<Event>,
    pub reports: Vec<wire::CallReport>,
    /// What came of an operator's orders.
    pub ordered: Vec<(call::OrderId, wire::RoomAnswer)>,
    /// Proxies that are dead.
    pub dead: Vec<SocketAddr>,
    /// What proxies know of users whose registrations passed through them.
    pub remembered: Vec<(SocketAddr, String, usize)>,
    /// Everything sent, for those who look for what must not be there.
    pub wire: Vec<(Hop, Vec<u8>)>,
    random: Random,
    in_flight: BTreeMap<(Instant, u64), (Hop, Hop, Vec<u8>)>,
    answers: BTreeMap<(Instant, u64), (usize, QueryId, Answer)>,
    count: u64,
    users: String,
    /// Text of the directory beside its users.
    pub more: &'static str,
}

pub struct Member {
    pub shard: Shard,
    pub hop: Hop,
    pub media: FakeMedia,
    pub alive: bool,
}

/// Who is registered where.
#[derive(Default)]
pub struct Registry {
    pub users: HashMap<String, Vec<wire::Binding>>,
    pub down: bool,
    /// How long an answer and a prompt take, beyond a millisecond.
    pub answers_take: Duration,
    pub prompts_take: Duration,
    pub asked: u32,
}

impl World {
    pub fn new(seed: u64) -> World {
        World::with(seed, |_| {})
    }

    /// A world with one shard of these settings.
    pub fn with(seed: u64, change: impl FnOnce(&mut Settings)) -> World {
        let now = Instant::now();
        let view = Arc::new(View::unjoined());
        let mut world = World {
            now,
            start: now,
            view,
            shards: Vec::new(),
            phones: Vec::new(),
            network: Network::default(),
            transport: Transport::Udp,
            registry: Registry::default(),
            events: Vec::new(),
            reports: Vec::new(),
            ordered: Vec::new(),
            dead: Vec::new(),
            remembered: Vec::new(),
            wire: Vec::new(),
            random: Random::new(seed),
            in_flight: BTreeMap::new(),
            answers: BTreeMap::new(),
            count: 0,
            users: String::new(),
            more: "",
        };
        world.add_shard(1, change);
        for user in ["alice", "bob", "carol"] {
            world.enter(user, "ring = \"20s\"");
        }
        world.apply();
        world
    }

    /// From now on phones come over connections, and so does all that is said of them inside.
    pub fn use_connections(&mut self) {
        self.transport = Transport::Tcp;
    }

    /// A new media node: the ring changes.
    pub fn add_node(&mut self) {
        self.add_shard(self.shards.len() as u16 + 1, |_| {});
    }

    pub fn add_shard(&mut self, node: u16, change: impl FnOnce(&mut Settings)) {
        let address = SocketAddr::from(([10, 0, 1, node as u8], 5090));
        let mut settings = settings(node, address);
        change(&mut settings);
        let shard = Shard::new(settings, self.view.clone(), self.random.number());
        let hop = Hop::new(Transport::Udp, address);
        self.shards.push(Member { shard, hop, media: FakeMedia::default(), alive: true });
        self.publish();
    }

    /// The shard's process dies with all that it knew and starts again.
    pub fn restart_shard(&mut self, index: usize) {
        let settings = settings(index as u16 + 1, self.shards[index].hop.address);
        let seed = self.random.number();
        self.shards[index].shard = Shard::new(settings, self.view.clone(), seed);
        self.shards[index].media = FakeMedia::default();
    }

    /// A user of the directory; `more` are further keys.
    pub fn add_user(&mut self, name: &str, more: &str) {
        self.enter(name, more);
        self.apply();
    }

    fn enter(&mut self, name: &str, more: &str) {
        let number = self.users.matches("[[user]]").count() + 6001;
        self.users += &format!(
            "[[user]]\nname = \"{name}\"\ndomain = \"tandem.local\"\npassword = \"secret-{name}\"\nextension = \"{number}\"\n{more}\n"
        );
        self.registry.users.entry(format!("{name}@tandem.local")).or_default();
    }

    /// Lets the directory be in force, with what `more` says.
    pub fn apply(&mut self) {
        let text = format!("{DIRECTORY}{}{}", self.users, self.more);
        let files = [wire::SourceFile { name: "test.toml".to_owned(), text }];
        let change = Directory::empty().apply(&files).unwrap_or_else(|problems| panic!("{problems:?}"));
        self.view.directory.store(Arc::new(change.directory));
    }

    /// A phone of a user, registered.
    pub fn add_phone(&mut self, user: &str) -> usize {
        self.add_phone_with(user, |_| {})
    }

    pub fn add_phone_with(&mut self, user: &str, change: impl FnOnce(&mut wire::Binding)) -> usize {
        let index = self.phones.len();
        let number = index as u8 + 1;
        let proxy = Hop::new(self.transport, SocketAddr::from(([10, 0, 0, number], 5080)));
        let flow = self.flow(u16::from(number) + 100, index);
        let shard = Hop::new(self.transport, self.shards[0].hop.address);
        let phone = Phone::new(&format!("{user}-{index}"), number, flow.clone(), proxy, shard, self.random.number());
        let mut binding = wire::Binding {
            uri: phone.uri(),
            q: 1000,
            flow,
            received: phone.media.to_string(),
            transport: "udp".to_owned(),
            ..wire::Binding::default()
        };
        change(&mut binding);
        self.registry.users.entry(format!("{user}@tandem.local")).or_default().push(binding);
        self.phones.push(phone);
        self.publish();
        index
    }

    /// A flow of this phone through this proxy.
    pub fn flow(&self, proxy: u16, phone: usize) -> String {
        let end = match self.transport.is_reliable() {
            true => FlowEnd::Slot { worker: 0, slot: phone as u32, generation: 1 },
            false => FlowEnd::Peer(SocketAddr::from(([192, 168, 1, phone as u8 + 1], 5060))),
        };
        let flow = Flow { proxy, transport: self.transport, listener: 0, end };
        flow.seal(&self.view.keys.load().flow).to_string()
    }

    /// Tells everyone who is alive.
    pub fn publish(&mut self) {
        let mut members: Vec<wire::Member> = Vec::new();
        for (index, phone) in self.phones.iter().enumerate() {
            if !self.dead.contains(&phone.proxy.address) {
                members.push(member(index as u32 + 101, wire::Role::Proxy, phone.proxy.address));
            }
        }
        for (index, shard) in self.shards.iter().enumerate().filter(|(_, shard)| shard.alive) {
            members.push(member(index as u32 + 1, wire::Role::Media, shard.hop.address));
        }
        let previous = self.view.membership.load();
        let was = previous.members().iter().filter(|member| member.role == proto::membership::Role::Media);
        let was = was.map(|it| member(it.id.into(), wire::Role::Media, it.inside)).collect();
        let membership =
            wire::Membership { epoch: previous.epoch() + 1, changed_at: self.wall().0, members, previous: was };
        self.view.membership.store(Arc::new(Membership::from_wire(&membership)));
    }

    pub fn wall(&self) -> UnixMillis {
        UnixMillis(1_800_000_000_000 + (self.now - self.start).as_millis() as u64)
    }

    /// The phone calls this user.
    pub fn call(&mut self, phone: usize, user: &str) {
        self.call_target(phone, &format!("user:{user}@tandem.local"), Sdp::Offer);
    }

    pub fn call_target(&mut self, phone: usize, target: &str, sdp: Sdp) {
        let caller = self.phones[phone].name.split('-').next().unwrap().to_owned() + "@tandem.local";
        self.phones[phone].invite(self.now, &caller, target, sdp);
        self.flush();
    }

    /// Something that a phone's user does.
    pub fn with_phone(&mut self, phone: usize, act: impl FnOnce(&mut Phone, Instant)) {
        act(&mut self.phones[phone], self.now);
        self.flush();
    }

    /// An operator gives the first shard an order.
    pub fn give(&mut self, order: &wire::RoomOrder) {
        self.give_at(0, order);
    }

    fn give_at(&mut self, shard: usize, order: &wire::RoomOrder) {
        self.count += 1;
        let (now, id, member) = (self.now, call::OrderId(self.count), &mut self.shards[shard]);
        member.shard.handle_order(now, id, order, &mut member.media);
        self.flush();
    }

    /// The same with one that is answered at once.
    pub fn order(&mut self, order: &wire::RoomOrder) -> wire::RoomAnswer {
        self.order_at(0, order)
    }

    pub fn order_at(&mut self, shard: usize, order: &wire::RoomOrder) -> wire::RoomAnswer {
        self.give_at(shard, order);
        let [(_, answer)] = &std::mem::take(&mut self.ordered)[..] else { panic!("one answer to {order:?}") };
        answer.clone()
    }

    pub fn hang_up(&mut self, phone: usize) {
        self.with_phone(phone, |phone, now| phone.hang_up(now));
    }

    /// Nothing has come from this phone for too long.
    pub fn silence(&mut self, phone: usize) {
        self.happen(phone, MediaEvent::Silent);
    }

    /// Something happens to this phone's media.
    pub fn happen(&mut self, phone: usize, event: MediaEvent) {
        let remote = self.phones[phone].media;
        for member in &mut self.shards {
            if let Some(id) = member.media.port_of(remote) {
                member.shard.handle_media(self.now, id, event, &mut member.media);
            }
        }
        self.flush();
    }

    /// Lets every shard report how a part of its calls sounds.
    pub fn report_quality(&mut self, turns: usize) {
        for member in &mut self.shards {
            member.shard.report_quality(turns, &member.media);
        }
        self.flush();
    }

    /// The shards learn that nothing can be sent there.
    pub fn lose(&mut self, hop: Hop) {
        for member in &mut self.shards {
            member.shard.handle_unreachable(self.now, hop, &mut member.media);
        }
        self.flush();
    }

    /// Whether these two phones hear each other.
    pub fn is_talking(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.phones[one], &self.phones[other]);
        let heard = self.shards.iter().any(|shard| shard.media.is_joined(one.media, other.media));
        one.dialog.is_some() && other.dialog.is_some() && heard
    }

    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.step(next);
        }
        self.now = end;
    }

    /// Until nothing is left to do, at most an hour.
    pub fn run_out(&mut self) {
        let end = self.now + Duration::from_secs(3600);
        while let Some(next) = self.next_event() {
            assert!(next < end, "it comes to an end");
            self.step(next);
        }
    }

    /// Runs until nothing is left to do and asserts that nothing remains anywhere.
    pub fn finish(mut self) -> World {
        self.run_out();
        for (index, member) in self.shards.iter().enumerate().filter(|(_, member)| member.alive) {
            assert!(member.shard.is_idle(), "shard {index} is idle: {:?}", member.shard);
            assert!(member.media.open.is_empty(), "shard {index} has closed its ports");
        }
        for phone in &self.phones {
            assert!(phone.is_idle() || phone.manners.dead, "{} is idle", phone.name);
            assert!(phone.dialog.is_none() || phone.manners.dead, "{} is in no dialog", phone.name);
        }
        let live = self.reports.iter().map(|report| (&report.id, &report.state)).collect::<HashMap<_, _>>();
        assert!(live.values().all(|state| *state == "ended"), "{live:?}");
        self
    }

    /// Why the calls ended.
    pub fn ends(&self) -> Vec<(u16, &'static str)> {
        let ends = self.events.iter().filter_map(|event| match event {
            Event::Ended(ended) => Some((ended.status, ended.why)),
            Event::Refused { .. } => None,
        });
        ends.collect()
    }

    fn next_event(&self) -> Option<Instant> {
        let shards = self.shards.iter().filter(|member| member.alive).filter_map(|member| member.shard.poll_timeout());
        let phones = self.phones.iter().filter_map(Phone::poll_timeout);
        let queues = self.in_flight.keys().next().into_iter().chain(self.answers.keys().next()).map(|(at, _)| *at);
        shards.chain(phones).chain(queues).min().map(|at| at.max(self.now))
    }

    fn step(&mut self, next: Instant) {
        self.now = next;
        while let Some(entry) = self.in_flight.first_entry().filter(|entry| entry.key().0 <= next) {
            let (from, to, bytes) = entry.remove();
            self.deliver(from, to, &bytes);
            self.flush();
        }
        while let Some(entry) = self.answers.first_entry().filter(|entry| entry.key().0 <= next) {
            let (index, query, answer) = entry.remove();
            let member = &mut self.shards[index];
            member.shard.handle_answer(next, query, answer, &mut member.media);
            self.flush();
        }
        for member in self.shards.iter_mut().filter(|member| member.alive) {
            member.shard.handle_timeout(next, &mut member.media);
        }
        for phone in &mut self.phones {
            phone.handle_timeout(next);
        }
        self.flush();
    }

    fn deliver(&mut self, from: Hop, to: Hop, bytes: &[u8]) {
        let wall = self.wall();
        if let Some(member) = self.shards.iter_mut().find(|member| member.hop.address == to.address) {
            if member.alive {
                member.shard.handle_message(self.now, wall, from, bytes, &mut member.media);
            }
            return;
        }
        if self.dead.contains(&to.address) {
            return;
        }
        let message = Message::parse(bytes).expect("a shard sends messages");
        if let Some(phone) = self.phone_behind(to, &message) {
            self.phones[phone].handle_message(self.now, from, bytes);
            return self.phones[phone].handle_events(self.now);
        }
        // The proxy knows nobody of that name.
        if message.is_request() && message.method() != Method::Ack {
            let response = Builder::response(&message, 480, "Temporarily Unavailable").to_tag("p").finish();
            self.send(to, from, response);
        }
    }

    /// Which phone a proxy passes a message on to.
    fn phone_behind(&self, proxy: Hop, message: &Message<'_>) -> Option<usize> {
        if !message.is_request() {
            return self.phones.iter().position(|phone| phone.proxy == proxy);
        }
        let route = message.values(Name::Route).next().and_then(|route| NameAddr::parse(route).ok());
        let Some(route) = route else {
            let user = message.request_uri().trim_start_matches("sip:");
            let known = self.remembered.iter().find(|(at, aor, _)| *at == proxy.address && aor == user);
            return known.map(|(_, _, phone)| *phone);
        };
        let token = route.uri().unwrap().user.unwrap().to_owned();
        let flow = Flow::open(&self.view.keys.load().flow, &token).expect("the shard routes by our tokens");
        match flow.end {
            FlowEnd::Peer(peer) => self.phones.iter().position(|phone| phone.media.ip() == peer.ip()),
            FlowEnd::Slot { slot, .. } => Some(slot as usize),
        }
    }

    pub fn flush(&mut self) {
        for index in 0..self.shards.len() {
            while let Some(output) = self.shards[index].shard.poll_output() {
                self.handle_output(index, output);
            }
        }
        for index in 0..self.phones.len() {
            self.phones[index].handle_events(self.now);
            if let Some((to, bytes)) = self.phones[index].raw.take() {
                let to = self.shard_of(&bytes).unwrap_or(to);
                self.send(self.phones[index].proxy, to, bytes);
            }
            while let Some(transmit) = self.phones[index].endpoint.poll_transmit() {
                if !self.phones[index].manners.dead {
                    let to = self.shard_of(&transmit.bytes).unwrap_or(transmit.to);
                    if transmit.bytes.starts_with(b"INVITE") {
                        self.phones[index].last_sent = Some((to, transmit.bytes.clone()));
                    }
                    self.send(self.phones[index].proxy, to, transmit.bytes);
                }
            }
        }
    }

    /// Where a proxy sends a phone's request: to the shard in its Contact token, else to the one that owns the Call-ID.
    fn shard_of(&self, bytes: &[u8]) -> Option<Hop> {
        let message = Message::parse(bytes).unwrap();
        let uri = Uri::parse(message.request_uri()).ok()?;
        let keys = self.view.keys.load();
        let membership = self.view.membership.load();
        let shard = match uri.user.and_then(|user| ContactToken::open(&keys.contact, user)) {
            Some(token) => token.shard,
            None => membership.shard_for("here", message.call_id())?,
        };
        Some(Hop::new(self.transport, membership.shard_address(shard)?))
    }

    fn handle_output(&mut self, index: usize, output: Output) {
        match output {
            Output::Transmit(transmit) => {
                self.wire.push((transmit.to, transmit.bytes.clone()));
                let from = Hop::new(transmit.to.transport, self.shards[index].hop.address);
                self.send(from, transmit.to, transmit.bytes);
            }
            Output::Query(id, Query::Locate(request)) => {
                self.registry.asked += 1;
                let answer = match self.registry.down {
                    true => Err(Unavailable),
                    false => Ok(self.registry.locate(&request)),
                };
                self.answer(index, id, Answer::Located(answer), self.registry.answers_take);
            }
            Output::Query(id, Query::Prompt { .. }) => {
                self.answer(index, id, Answer::Prompt(None), self.registry.prompts_take);
            }
            Output::Query(id, Query::Announcement { source, .. }) => {
                let found = (source != call::PromptSource::Play("none".into())).then(audio::Prompt::chime);
                self.answer(index, id, Answer::Prompt(found), self.registry.prompts_take);
            }
            Output::Ordered(id, answer) => self.ordered.push((id, *answer)),
            Output::Report(report) => self.reports.push(*report),
            Output::Log(event) => self.events.push(event),
        }
    }

    fn answer(&mut self, index: usize, query: QueryId, answer: Answer, takes: Duration) {
        self.count += 1;
        self.answers.insert((self.now + Duration::from_millis(1) + takes, self.count), (index, query, answer));
    }

    fn send(&mut self, from: Hop, to: Hop, bytes: Vec<u8>) {
        let copies = match self.chance(self.network.loss) {
            true => 0,
            false => 1 + u64::from(self.chance(self.network.copies)),
        };
        for _ in 0..copies {
            self.count += 1;
            let delay = if self.network.disorder { 2 + self.random.number() % 80 } else { 5 };
            let at = self.now + Duration::from_millis(delay);
            self.in_flight.insert((at, self.count), (from, to, bytes.clone()));
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        percent > 0 && self.random.number() % 100 < percent
    }
}

impl Registry {
    fn locate(&self, request: &wire::LocateRequest) -> wire::LocateResponse {
        let Some(bindings) = self.users.get(&request.aor) else { return wire::LocateResponse::default() };
        let bindings = bindings.iter().filter(|it| request.instance.is_empty() || it.instance == request.instance);
        wire::LocateResponse { known: true, bindings: bindings.cloned().collect() }
    }
}

fn settings(node: u16, address: SocketAddr) -> Settings {
    let mut settings = Settings::new(ShardId { node, shard: 0 }, address);
    settings.cluster = "cluster.test".to_owned();
    settings.region = "here".to_owned();
    settings.node = format!("media-{node}");
    settings
}

fn member(id: u32, role: wire::Role, inside: SocketAddr) -> wire::Member {
    wire::Member {
        id,
        name: format!("member-{id}"),
        role: role.into(),
        region: "here".to_owned(),
        inside: inside.to_string(),
        shards: 1,
        weight: 100,
        ..wire::Member::default()
    }
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

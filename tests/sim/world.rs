//! Time, the network, and everybody who is on it.

mod members;

use crate::address;
use crate::cluster::{Cluster, Shape};
use crate::members::Datagrams;
use crate::network::{Network, between};
use crate::phone::Phone;
use crate::trace::{Sent, Trace};
use proto::time::UnixMillis;
use proxy::edge;
use sip::random::Random;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Says of a datagram whether it is lost.
pub type Drops = Box<dyn FnMut(&Sent) -> bool>;
type Act = Box<dyn FnOnce(&mut World)>;

/// What is to happen.
enum Coming {
    Datagram { from: SocketAddr, to: SocketAddr, bytes: Rc<[u8]> },
    ToProxy { proxy: usize, life: u32, id: edge::QueryId, answer: edge::Answer },
    ToShard { shard: usize, id: call::QueryId, answer: call::Answer },
    Act(Act),
}

/// Everything there is.
pub struct World {
    pub random: Random,
    pub network: Network,
    pub cluster: Cluster,
    pub phones: Vec<Phone>,
    pub trace: Trace,
    /// Which datagrams are lost whatever the network is like.
    pub drops: Option<Drops>,
    /// Which proxy took which message from a phone.
    pub taken: Vec<(usize, Rc<[u8]>)>,
    start: Instant,
    now: Instant,
    /// By time and serial number.
    coming: BTreeMap<(Instant, u64), Coming>,
    serial: u64,
}

impl World {
    /// An exchange of this shape, running and without phones.
    pub fn new(seed: u64, shape: Shape, network: Network) -> World {
        let now = Instant::now();
        let mut world = World {
            random: Random::new(seed),
            network,
            cluster: Cluster::new(shape),
            phones: Vec::new(),
            trace: Trace::default(),
            drops: None,
            taken: Vec::new(),
            start: now,
            now,
            coming: BTreeMap::new(),
            serial: 0,
        };
        for proxy in 0..world.cluster.proxies.len() {
            world.start_proxy(proxy);
        }
        for member in &mut world.cluster.shards {
            member.start(world.random.number());
        }
        let (proxies, nodes): (Vec<usize>, Vec<usize>) = ((0..shape.proxies).collect(), (0..shape.nodes).collect());
        let membership = world.cluster.publish(&proxies, &nodes, world.wall().0);
        for view in world.cluster.views() {
            view.membership.store(membership.clone());
        }
        world
    }

    /// A phone of this user, on and not registered.
    pub fn add_phone(&mut self, user: &str) -> usize {
        let index = self.phones.len();
        self.phones.push(Phone::new(index, user, self.random.number()));
        index
    }

    /// Since the beginning.
    pub fn time(&self) -> Duration {
        self.now - self.start
    }

    pub fn wall(&self) -> UnixMillis {
        UnixMillis(1_800_000_000_000 + self.time().as_millis() as u64)
    }

    /// Lets something happen so many milliseconds from now.
    pub fn after(&mut self, millis: u64, act: impl FnOnce(&mut World) + 'static) {
        self.push(Duration::from_millis(millis), Coming::Act(Box::new(act)));
    }

    /// Lets a phone's user do something now; in vain where the phone is off.
    pub fn with_phone(&mut self, phone: usize, act: impl FnOnce(&mut Phone, Instant)) {
        if self.phones[phone].is_on() {
            act(&mut self.phones[phone], self.now);
            self.flush();
        }
    }

    /// Whether two phones are in a call whose media goes from one to the other.
    pub fn are_talking(&self, one: usize, other: usize) -> bool {
        let media = |phone: usize| self.phones[phone].talking().map(|line| self.phones[phone].media(line.number));
        let (Some(one), Some(other)) = (media(one), media(other)) else { return false };
        self.cluster.shards.iter().any(|member| member.ports.join(one, other))
    }

    pub fn note(&mut self, text: String) {
        self.trace.notes.push((self.time(), text));
    }

    /// Kills a proxy without a word to anybody.
    pub fn kill_proxy(&mut self, proxy: usize) {
        self.note(format!("proxy {} is dead", proxy + 1));
        self.cluster.proxies[proxy].edge = None;
        self.cluster.proxies[proxy].life += 1;
    }

    /// Starts a proxy anew, or for the first time.
    pub fn start_proxy(&mut self, proxy: usize) {
        let seed = self.random.number();
        self.cluster.proxies[proxy].start(seed);
    }

    /// Tells everybody who is in the cluster: the media nodes at once, each proxy after a delay of its own.
    pub fn publish(&mut self, proxies: &[usize], nodes: &[usize]) {
        self.publish_within(0, proxies, nodes);
    }

    /// The same, each media node after a delay of its own of so many milliseconds at most; a proxy may take as long, or 400.
    pub fn publish_within(&mut self, longest: u64, proxies: &[usize], nodes: &[usize]) {
        self.note(format!("members: proxies {proxies:?}, media nodes {nodes:?}"));
        let membership = self.cluster.publish(proxies, nodes, self.wall().0);
        for view in self.cluster.views() {
            let is_proxy = self.cluster.proxies.iter().any(|proxy| Arc::ptr_eq(&proxy.view, &view));
            let delay = if is_proxy { longest.max(400) } else { longest };
            let (id, membership) = (view.own_id.load(Ordering::Relaxed), membership.clone());
            let tell = move |world: &mut World| {
                if view.membership.load().epoch() < membership.epoch() {
                    world.note(format!("member {id} knows of epoch {}", membership.epoch()));
                    view.membership.store(membership);
                }
            };
            match between(&mut self.random, 0, delay) {
                0 => tell(self),
                delay => self.after(delay, tell),
            }
        }
    }

    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.step(next);
        }
        self.now = end;
    }

    /// Until nothing is left to happen.
    pub fn run_out(&mut self) {
        let end = self.now + Duration::from_secs(3600);
        while let Some(next) = self.next() {
            assert!(next < end, "something goes on for ever");
            self.step(next);
        }
    }

    /// Runs until nothing is left to happen, and asserts that nothing remains.
    pub fn finish(&mut self) {
        self.run_out();
        for phone in &self.phones {
            assert!(phone.is_idle(), "{} is idle: {:?}", phone.user, phone);
        }
        for member in &self.cluster.shards {
            let Some(shard) = &member.shard else { continue };
            assert!(shard.is_idle(), "shard {} is idle: {shard:?}", member.id);
            assert!(member.ports.is_empty(), "shard {} has closed its ports", member.id);
        }
        for edge in self.cluster.proxies.iter().filter_map(|proxy| proxy.edge.as_ref()) {
            assert_eq!(edge.waiting(), 0, "no message is parked");
        }
    }

    fn next(&self) -> Option<Instant> {
        let edges = self.cluster.proxies.iter().filter_map(|proxy| proxy.edge.as_ref()?.poll_timeout());
        let shards = self.cluster.shards.iter().filter_map(|member| member.shard.as_ref()?.poll_timeout());
        let phones = self.phones.iter().filter_map(Phone::poll_timeout);
        let first = self.coming.keys().next().map(|(at, _)| *at);
        edges.chain(shards).chain(phones).chain(first).min().map(|at| at.max(self.now))
    }

    fn step(&mut self, next: Instant) {
        self.now = next;
        while let Some(entry) = self.coming.first_entry().filter(|entry| entry.key().0 <= next) {
            match entry.remove() {
                Coming::Datagram { from, to, bytes } => self.deliver(from, to, &bytes),
                Coming::ToProxy { proxy, life, id, answer } => {
                    if self.cluster.proxies[proxy].life == life {
                        let (now, wall) = (self.now, self.wall());
                        self.with_edge(proxy, |edge, out| edge.handle_answer(now, wall, id, answer, &Datagrams, out));
                    }
                }
                Coming::ToShard { shard, id, answer } => {
                    let member = &mut self.cluster.shards[shard];
                    if let Some(shard) = &mut member.shard {
                        shard.handle_answer(next, id, answer, &mut member.ports);
                    }
                }
                Coming::Act(act) => act(self),
            }
            self.flush();
        }
        let wall = self.wall();
        for proxy in 0..self.cluster.proxies.len() {
            self.with_edge(proxy, |edge, out| edge.handle_timeout(next, wall, &Datagrams, out));
        }
        for member in &mut self.cluster.shards {
            if let Some(shard) = &mut member.shard {
                shard.handle_timeout(next, &mut member.ports);
            }
        }
        for phone in &mut self.phones {
            phone.handle_timeout(next);
        }
        self.flush();
    }

    /// An answer over gRPC: it takes its time and is never lost.
    fn answer(&mut self, answer: Coming) {
        let delay = between(&mut self.random, 1, 20);
        self.push(Duration::from_millis(delay), answer);
    }

    /// Sends a datagram.
    pub fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let bytes: Rc<[u8]> = bytes.into();
        let is_inside = address::is_inside(from) && address::is_inside(to);
        let network = if is_inside { self.network.inside() } else { self.network };
        let mut delays = network.carry(&mut self.random);
        let mut sent = Sent { at: self.time(), from, to, bytes: bytes.clone(), copies: delays.len() };
        if self.drops.as_mut().is_some_and(|drops| drops(&sent)) {
            delays.clear();
            sent.copies = 0;
        }
        self.trace.sent.push(sent);
        for delay in delays {
            self.push(delay, Coming::Datagram { from, to, bytes: bytes.clone() });
        }
    }

    fn push(&mut self, delay: Duration, coming: Coming) {
        self.serial += 1;
        self.coming.insert((self.now + delay, self.serial), coming);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}{:?}, {:?}", self.trace.text(), self.cluster.shape, self.network);
        }
    }
}

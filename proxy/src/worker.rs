//! One worker: a thread with its sockets, its connections and an edge, around one epoll loop.
//!
//! A turn takes what is ready, gives each message to the edge, does what the edge wants, and at its end sends all datagrams with
//! one system call a socket and writes each connection once.

mod codec;
mod connection;
mod mailbox;
mod meters;
mod names;
mod send;
mod sockets;
mod table;
mod tls;

pub(crate) use mailbox::{Mail, Mailbox};
pub(crate) use sockets::Sockets;
pub(crate) use table::Shared;
pub use tls::CertificateError;
pub(crate) use tls::Tls;

use crate::config::{Config, ConnectionLimits};
use crate::edge::{Answer, Arrival, Edge, Face, Outbox, Output, QueryId};
use crate::stun;
use connection::{Connection, Fate, Limits, Side};
use meters::Meters;
use names::Names;
use net::{Epoll, Events, Ready, ReceiveBatch};
use proto::registrar::Registrar;
use proto::time::UnixMillis;
use proto::view::View;
use send::{Bytes, notice_loss};
use sip::hop::{Hop, Transport};
use sip::message::MAX_MESSAGE;
use sip::token::{Flow, FlowEnd};
use sockets::{Datagrams, Token};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use table::{Place, Table};

/// What a worker is made of.
pub(crate) struct Worker {
    index: u8,
    view: Arc<View>,
    registrar: Arc<dyn Registrar>,
    tls: Option<Arc<Tls>>,
    limits: ConnectionLimits,
    exempt: Vec<net::Network>,
    inside: SocketAddr,
    epoll: Epoll,
    sockets: Sockets,
    edge: Edge,
    table: Table,
    /// Connections with members by the address of their other end: the one they were made to, or came from.
    members: HashMap<SocketAddr, Place>,
    mailboxes: Arc<[Mailbox]>,
    outbox: Outbox,
    /// Connections with something to write at the end of the turn.
    touched: Vec<Place>,
    meters: Meters,
    batch: ReceiveBatch,
    /// What was read from connections in this turn, as far as it is filled.
    room: Box<[u8]>,
    filled: usize,
    /// Which connections said what part of it, to be looked at.
    said: Vec<(Place, Range<usize>)>,
    mail: Vec<Mail>,
    clock: Clock,
    sweeps: u32,
    swept_at: Instant,
    stage: Stage,
}

/// What is given to every worker of a process.
pub(crate) struct Common {
    pub config: Config,
    pub view: Arc<View>,
    pub registrar: Arc<dyn Registrar>,
    pub tls: Option<Arc<Tls>>,
    pub shared: Arc<Shared>,
    pub mailboxes: Arc<[Mailbox]>,
}

/// The two times of a turn.
#[derive(Clone, Copy)]
struct Clock {
    now: Instant,
    wall: UnixMillis,
}

impl Clock {
    fn read() -> Clock {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Clock { now: Instant::now(), wall: UnixMillis(wall.as_millis() as u64) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Over,
}

/// How often connections are looked at for their age.
const SWEEP: Duration = Duration::from_secs(1);

/// Connecting to a member takes this long at most; a request for it is then answered 503.
const CONNECT: Duration = Duration::from_secs(2);

/// Bytes that may wait for one member of the cluster.
const MEMBER_BACKLOG: usize = 8 * 1024 * 1024;

/// Connections that a turn takes from one listener.
const ACCEPTS: usize = 64;

/// Bytes that a turn reads from connections before it looks at them; memory that none reached is never touched.
const ROOM: usize = 8 * MAX_MESSAGE;

/// A turn that has collected so many bytes sends them before it goes on.
const FULL: usize = 1024 * 1024;

impl Worker {
    /// Puts a worker together; `seed` is unlike any other worker's or run's.
    pub fn new(
        index: u8,
        epoll: Epoll,
        sockets: Sockets,
        edge: Edge,
        common: &Common,
        seed: u64,
    ) -> std::io::Result<Worker> {
        let Config { limits, inside, advertise, .. } = &common.config;
        sockets.watch(&epoll)?;
        let names = Names::new(advertise.clone(), sockets.listeners().to_vec());
        let clock = Clock::read();
        Ok(Worker {
            index,
            view: common.view.clone(),
            registrar: common.registrar.clone(),
            tls: common.tls.clone(),
            limits: common.config.connections,
            exempt: limits.exempt.clone(),
            inside: *inside,
            epoll,
            sockets,
            edge,
            table: Table::new(index, names, common.shared.clone(), seed),
            members: HashMap::new(),
            mailboxes: common.mailboxes.clone(),
            outbox: Outbox::default(),
            touched: Vec::new(),
            meters: Meters::new(),
            batch: ReceiveBatch::new(MAX_MESSAGE),
            room: vec![0; ROOM].into(),
            filled: 0,
            said: Vec::new(),
            mail: Vec::new(),
            clock,
            sweeps: 0,
            swept_at: clock.now,
            stage: Stage::Running,
        })
    }

    /// Runs until it is told to stop.
    pub fn run(mut self) {
        self.mailboxes[usize::from(self.index)].own();
        let mut events = Events::with_capacity(256);
        while self.stage != Stage::Over {
            let next =
                self.edge.poll_timeout().map_or(SWEEP, |at| at.saturating_duration_since(Instant::now()).min(SWEEP));
            if let Err(error) = self.epoll.wait(&mut events, Some(next)) {
                tracing::error!(%error, "epoll");
                return;
            }
            self.turn(&events);
        }
        for place in self.table.places().collect::<Vec<_>>() {
            self.close(place);
        }
    }

    fn turn(&mut self, events: &Events) {
        self.clock = Clock::read();
        for ready in events.iter() {
            match Token::of(ready.token) {
                Token::Datagrams(index) => self.datagrams(index),
                Token::Listener(index) => self.accept(index),
                Token::Connection { slot, generation } => {
                    if let Some(place) = self.table.place(slot, generation) {
                        self.connection(place, ready);
                    }
                }
            }
            if self.outbox.bytes().len() > FULL {
                self.flush();
            }
        }
        self.hear();
        self.read_mail();
        let Worker { edge, table, outbox, clock, .. } = self;
        edge.handle_timeout(clock.now, clock.wall, table, outbox);
        self.carry_out();
        if self.clock.now >= self.swept_at + SWEEP {
            self.sweep();
        }
        self.flush();
    }

    fn datagrams(&mut self, index: usize) {
        // A full batch may have left more behind; the socket is then reported again.
        let received = match self.batch.receive(&self.sockets.datagrams[index].socket) {
            Ok(received) => received,
            Err(error) => return tracing::error!(%error, "receive"),
        };
        let proxy = self.view.id().unwrap_or(0);
        for datagram in 0..received {
            let Worker { sockets, batch, edge, table, outbox, clock, meters, .. } = self;
            let Datagrams { listener, queue, .. } = &mut sockets.datagrams[index];
            let Some((peer, bytes)) = batch.at(datagram) else { continue };
            let face = match *listener {
                Some(listener) => {
                    let end = FlowEnd::Peer(peer);
                    Face::Public(Flow { proxy, transport: Transport::Udp, listener, end })
                }
                None => Face::Inside(Hop::new(Transport::Udp, peer)),
            };
            if stun::is_stun(bytes) {
                let start = outbox.bytes().len();
                if stun::answer(bytes, peer, outbox.buffer()) {
                    queue.push((peer, start..outbox.bytes().len()));
                }
            } else if !bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                let arrival = Arrival { face, peer };
                guarded(meters, peer, || edge.handle_message(clock.now, clock.wall, &arrival, bytes, table, outbox));
                // What a message asks for is done at once, while what it left is still in the processor's caches.
                self.carry_out();
            }
        }
    }

    fn accept(&mut self, index: usize) {
        for _ in 0..ACCEPTS {
            let Some(listening) = &self.sockets.listeners[index] else { return };
            let (stream, peer) = match net::tcp::accept(&listening.socket) {
                Ok(Some(accepted)) => accepted,
                Ok(None) => return,
                Err(error) => {
                    // No descriptor is left: nothing is accepted until the next sweep.
                    tracing::warn!(%error, "accept");
                    return self.sockets.pause(index, &self.epoll);
                }
            };
            let side = match listening.listener {
                None => {
                    notice_loss(&stream);
                    Side::Inside(Hop::new(Transport::Tcp, peer))
                }
                Some(listener) => {
                    let transport = self.sockets.listeners()[usize::from(listener)].transport;
                    match self.table.names.of(peer.ip(), listener) {
                        Some(name) if self.admits(peer) => Side::Public { listener, transport, name },
                        Some(_) | None => continue,
                    }
                }
            };
            let tls = match (&side, &self.tls) {
                (Side::Public { transport, .. }, Some(tls)) if transport.is_secure() => {
                    match tls.accept(self.limits.backlog) {
                        Ok(tls) => Some(tls),
                        Err(error) => {
                            tracing::error!(%error, "TLS");
                            continue;
                        }
                    }
                }
                (Side::Public { .. } | Side::Inside(_), _) => None,
            };
            if let Side::Public { transport, .. } = side {
                self.meters.connections(transport).increment(1.0);
            }
            let (limits, is_inside) = (self.limits_of(&side), matches!(side, Side::Inside(_)));
            let place = self.insert(Connection::accepted(self.clock.now, stream, peer, side, tls, limits));
            if is_inside {
                // What the edge itself answers goes back over the same connection.
                self.members.insert(peer, place);
            }
        }
    }

    fn admits(&self, peer: SocketAddr) -> bool {
        if self.edge.is_banned(self.clock.now, peer) {
            self.meters.refused_banned.increment(1);
            return false;
        }
        let (total, from_peer) = self.table.population(peer.ip());
        let is_exempt = || self.exempt.iter().any(|network| network.contains(peer.ip()));
        let admitted = total < self.limits.total && (from_peer < self.limits.per_address || is_exempt());
        if !admitted {
            self.meters.refused_full.increment(1);
        }
        admitted
    }

    fn limits_of(&self, side: &Side) -> Limits {
        let ConnectionLimits { idle, handshake, backlog, .. } = self.limits;
        match side {
            Side::Public { .. } => Limits { idle, handshake, backlog },
            Side::Inside(_) => Limits { idle, handshake: CONNECT, backlog: MEMBER_BACKLOG },
        }
    }

    fn insert(&mut self, connection: Connection) -> Place {
        let watched = connection.watched();
        let place = self.table.insert(connection);
        let token = Token::Connection { slot: place.slot, generation: place.generation };
        let connection = self.table.get(place).expect("it was inserted just now");
        if let Err(error) = self.epoll.add(connection.stream(), token.to_u64(), watched) {
            tracing::error!(%error, "epoll");
            self.close(place);
        }
        place
    }

    /// A connection has something to say, or room to listen. What it says is read, and looked at by [`Worker::hear`].
    fn connection(&mut self, place: Place, ready: Ready) {
        if self.room.len() - self.filled < MAX_MESSAGE {
            self.hear();
        }
        let Some(connection) = self.table.get(place) else { return };
        let mut fate = if ready.is_writable() { connection.connected() } else { Fate::Open };
        if ready.is_readable() && fate == Fate::Open {
            let start = self.filled;
            match connection.read(&mut self.room[start..start + MAX_MESSAGE]) {
                Some(0) => {}
                Some(read) => {
                    self.filled += read;
                    return self.said.push((place, start..start + read));
                }
                None => fate = Fate::Over,
            }
        }
        match fate {
            Fate::Open => self.touched.push(place),
            Fate::Over => self.close(place),
        }
    }

    /// Gives what was read from connections to the edge: a turn reads from all of them, then handles all, then writes to all,
    /// so that the kernel's code and ours push each other out of the processor's caches once a turn and not once a message.
    fn hear(&mut self) {
        let proxy = self.view.id().unwrap_or(0);
        let mut said = std::mem::take(&mut self.said);
        for (place, range) in said.drain(..) {
            let Some(mut connection) = self.table.take(place) else { continue };
            let Worker { edge, table, outbox, clock, meters, room, index, .. } = self;
            let peer = connection.peer();
            let face = match *connection.side() {
                Side::Inside(hop) => Face::Inside(hop),
                Side::Public { listener, transport, .. } => {
                    let Place { slot, generation } = place;
                    Face::Public(Flow {
                        proxy,
                        transport,
                        listener,
                        end: FlowEnd::Slot { worker: *index, slot, generation },
                    })
                }
            };
            let arrival = Arrival { face, peer };
            connection.hear(clock.now, &room[range], &mut |message| {
                guarded(meters, peer, || edge.handle_message(clock.now, clock.wall, &arrival, message, table, outbox));
            });
            self.table.put_back(place, connection);
            self.touched.push(place);
            self.carry_out();
            if self.outbox.bytes().len() > FULL {
                self.flush();
            }
        }
        self.said = said;
        self.filled = 0;
    }

    /// Does what the edge wants, until it wants no more.
    fn carry_out(&mut self) {
        loop {
            let mut asked = false;
            while let Some(output) = self.outbox.poll() {
                match output {
                    Output::ToFlow(flow, range) => self.send_over(flow, range),
                    Output::ToHop(Hop { transport: Transport::Udp, address }, range) => {
                        self.sockets.inside().queue.push((address, range));
                    }
                    Output::ToHop(hop, range) => self.send_to_member(hop, range),
                    Output::Close(Flow { end: FlowEnd::Slot { slot, generation, .. }, .. }) => {
                        self.close(Place { slot, generation });
                    }
                    Output::Close(Flow { end: FlowEnd::Peer(_), .. }) => {}
                    Output::Register(id, request) => {
                        asked = true;
                        let reply = self.reply(id);
                        self.registrar
                            .register(*request, Box::new(move |response| reply(Answer::Registered(response))));
                    }
                    Output::Locate(id, request) => {
                        asked = true;
                        let reply = self.reply(id);
                        self.registrar.locate(*request, Box::new(move |response| reply(Answer::Located(response))));
                    }
                }
            }
            // A registry in this process has answered already.
            if !asked || !self.read_mail() {
                return;
            }
        }
    }

    fn reply(&self, id: QueryId) -> impl FnOnce(Answer) + Send + use<> {
        let (mailboxes, index) = (self.mailboxes.clone(), usize::from(self.index));
        move |answer| mailboxes[index].post(Mail::Answer(id, answer)).expect("only messages can find a mailbox full")
    }

    /// Reads what other threads, or answers in this one, have left; says whether there was any.
    fn read_mail(&mut self) -> bool {
        let mut mail = std::mem::take(&mut self.mail);
        self.mailboxes[usize::from(self.index)].collect(&mut mail);
        let any = !mail.is_empty();
        for one in mail.drain(..) {
            match one {
                Mail::Answer(id, answer) => {
                    let Worker { edge, table, outbox, clock, meters, .. } = self;
                    let from = self.inside;
                    guarded(meters, from, || edge.handle_answer(clock.now, clock.wall, id, answer, table, outbox));
                }
                Mail::Send(flow, message) => match flow.end {
                    FlowEnd::Slot { slot, generation, .. } => {
                        self.send_on(Place { slot, generation }, Bytes::Mailed(&message))
                    }
                    FlowEnd::Peer(_) => {}
                },
                Mail::Drain => self.sockets.drain(),
                Mail::Stop => self.stage = Stage::Over,
            }
        }
        self.mail = mail;
        any
    }

    /// Once a second: closes what is overdue, and carries the counts to the metrics.
    fn sweep(&mut self) {
        self.swept_at = self.clock.now;
        self.sweeps = self.sweeps.wrapping_add(1);
        let now = self.clock.now;
        for place in self.table.overdue(now) {
            self.meters.closed_overdue.increment(1);
            self.close(place);
        }
        self.sockets.resume(&self.epoll);
        if self.sweeps.is_multiple_of(30) {
            self.table.names.forget();
        }
        if self.index == 0
            && self.sweeps.is_multiple_of(10)
            && let Some(tls) = &self.tls
        {
            tls.refresh();
        }
        let waiting = self.edge.waiting();
        self.meters.carry(self.edge.counts(), waiting);
    }
}

/// A fault of ours that one message brings to light costs that message and no other.
fn guarded(meters: &Meters, peer: SocketAddr, handle: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(handle)).is_err() {
        meters.panics.increment(1);
        tracing::error!(%peer, "a message could not be handled: this is a bug");
    }
}

#[cfg(test)]
mod tests;

//! The media plane of one shard: its RTP and RTCP sockets, and what passes between them.

mod forwarding;
mod keys;
mod pacer;
mod pair;
mod reports;
mod rooms;
mod security;
mod talk;
mod tape;
mod turns;
mod web;

use crate::advertise::{Advertise, Advertised};
use crate::ports::Ports;
use crate::token::{Component, Token};
use call::{
    Ice, LegStats, Media, MediaEvent, MediaId, NoPort, Opened, Order, Remote, RoomState, Rule, Security, Sound, Tape,
};
use codec::Library;
use dtls::Identity;
use forwarding::Forwarding;
pub use forwarding::Kernel;
use keys::Key;
use net::{Epoll, Interest};
use pacer::Pacer;
use pair::{Heard, Pair, Partner};
pub use rooms::RATE as ROOM_RATE;
use rooms::Room;
use rtp::{Datagram, Micros};
use sdp::service::Agreed;
use srtp::MasterKey;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use talk::Talk;
pub use tape::Recorder;
use turns::Paced;

/// All pairs of media ports of one shard.
///
/// The owner waits on the epoll, says what time it is ([`Plane::set_now`]), hands in what is readable, and reads the events.
pub struct Plane {
    epoll: Arc<Epoll>,
    ports: Ports,
    advertised: Advertised,
    silence: Duration,
    slots: Vec<Slot>,
    vacant: Vec<u32>,
    buffer: Box<[u8]>,
    began: Instant,
    /// The time of day at that moment, since 1970.
    began_at: Duration,
    now: Instant,
    pacer: Pacer<Paced>,
    sweep_at: Instant,
    events: VecDeque<(MediaId, MediaEvent)>,
    random: u64,
    counts: Counts,
    identity: Arc<Identity>,
    /// Pairs with a handshake under way.
    shaking: Vec<MediaId>,
    library: Library,
    rooms: BTreeMap<u32, Room>,
    /// Names the next one.
    rooms_opened: u32,
    recorder: Option<Recorder>,
    /// Where the kernel can take packets and send them.
    forwarding: Option<Forwarding>,
}

/// The place of a pair; its generation makes the id of a closed pair worthless.
struct Slot {
    generation: u32,
    pair: Option<Pair>,
}

/// What a plane is made with.
#[derive(Clone)]
pub struct Settings {
    /// What phones are told.
    pub advertise: Vec<Advertise>,
    /// How long a phone that should send may be silent.
    pub silence: Duration,
    /// Draws what strangers must not guess: our own streams' sources and numbers.
    pub seed: u64,
    /// Who we are in handshakes for SRTP.
    pub identity: Arc<Identity>,
    /// Codecs that are there beside our own.
    pub library: Library,
    /// Who keeps recordings; `None`: nobody does.
    pub recorder: Option<Recorder>,
}

/// What one shard's media plane has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams passed on, echoed or played.
    pub sent: u64,
    /// Those of them that the kernel passed on by itself.
    pub forwarded: u64,
    /// Datagrams that the kernel laid into our memory, instead of a socket's.
    pub taken: u64,
    /// Datagrams that were laid into memory for the kernel to send, instead of sent by a socket.
    pub laid: u64,
    /// The bytes of those sent.
    pub bytes: u64,
    /// Datagrams dropped because they came from elsewhere than the phone.
    pub foreign: u64,
    /// Datagrams dropped because they did not open with the phone's key.
    pub refused: u64,
    /// Datagrams that the kernel did not take.
    pub unsent: u64,
    /// Legs found silent.
    pub silent: u64,
    /// Pairs of ports asked for and not there.
    pub exhausted: u64,
    /// Phones whose sound the kernel takes now.
    pub flows: usize,
    /// Pairs in use now.
    pub ports_used: usize,
    /// Pairs not in use now, resting ones included.
    pub ports_free: usize,
}

impl Plane {
    /// A plane without pairs; `epoll` will report its sockets as [`Token::Media`]. With a `kernel`, `now` is the present, and it does
    /// what it can; [`Plane::flush`] is to be called before every wait.
    pub fn new(now: Instant, epoll: Arc<Epoll>, ports: Ports, settings: &Settings, kernel: Option<Kernel>) -> Plane {
        Plane {
            epoll,
            ports,
            advertised: Advertised::new(&settings.advertise),
            silence: settings.silence,
            slots: Vec::new(),
            vacant: Vec::new(),
            buffer: vec![0; DATAGRAM + srtp::OVERHEAD].into_boxed_slice(),
            began: now,
            began_at: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            now,
            pacer: Pacer::default(),
            sweep_at: now,
            events: VecDeque::new(),
            random: settings.seed,
            counts: Counts::default(),
            identity: settings.identity.clone(),
            shaking: Vec::new(),
            library: settings.library.clone(),
            rooms: BTreeMap::new(),
            rooms_opened: 0,
            recorder: settings.recorder.clone(),
            forwarding: kernel.map(|kernel| Forwarding::new(kernel, now)),
        }
    }

    /// The time for everything until the next call; once for each wait is precise enough for jitter.
    pub fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    /// Reads one datagram of a socket that epoll reported and passes it on.
    ///
    /// One and not all: epoll is level-triggered and reports again what is left, which is cheaper than the read that only
    /// says that nothing is.
    pub fn handle_readable(&mut self, index: u32, component: Component) {
        if pair_at(&mut self.slots, index).is_some_and(|pair| pair.flow.is_some()) {
            // What came before this comes before it.
            self.read_lane();
        }
        let Some(pair) = pair_at(&mut self.slots, index) else { return };
        let Some((length, from)) = pair.receive(component, &mut self.buffer) else { return };
        self.treat(self.micros(), index, component, from, length);
    }

    /// Passes on what came from `from` at `now`, and lies at the front of the buffer.
    fn treat(&mut self, now: Micros, index: u32, component: Component, from: SocketAddr, length: usize) {
        self.set_busy(true);
        self.handle_datagram(now, index, component, from, length);
        self.set_busy(false);
    }

    fn handle_datagram(&mut self, now: Micros, index: u32, component: Component, from: SocketAddr, length: usize) {
        let clock = self.now;
        let Some(pair) = pair_at(&mut self.slots, index) else { return };
        let heard = pair.hear((clock, now), component, from, &mut self.buffer[..length]);
        if std::mem::take(&mut pair.has_moved) {
            let id = pair.id;
            self.take_back(id);
        }
        let (kind, length) = match heard {
            Heard::Phone(kind, length) => (kind, length),
            Heard::Foreign => {
                self.counts.foreign += 1;
                return;
            }
            Heard::Refused => {
                self.counts.refused += 1;
                return;
            }
            Heard::Answered | Heard::Closed => return,
        };
        let Some(pair) = pair_at(&mut self.slots, index) else { return };
        if let (Datagram::Rtcp, Some(talk)) = (kind, &mut pair.talk) {
            talk.reporter.on_heard(now, &self.buffer[..length]);
        }
        if let (Partner::Pair(other), Datagram::Rtp) = (pair.partner, kind)
            && pair.unfit >> (self.buffer[1] & 0x7f) & 1 != 0
        {
            self.look_into(index, other);
        }
        let Some(pair) = pair_at(&mut self.slots, index) else { return };
        match pair.partner {
            Partner::None => {}
            Partner::Pair(other) => {
                let keys = if kind == Datagram::Rtp { pair.keys.on_packet(now, &self.buffer[..length]) } else { None };
                if pair.is_watched {
                    let pressed = keys.into_iter().flatten().flatten().filter_map(Key::pressed);
                    self.events.extend(pressed.map(|key| (pair.id, MediaEvent::Dtmf(key))));
                }
                // On a shared port RTCP is told by its looks, on ports of their own by the port (RFC 5761 §4).
                let component = if kind == Datagram::Rtcp && pair.is_shared() { Component::Rtcp } else { component };
                if let (Datagram::Rtcp, Some(other)) = (kind, pair_at(&mut self.slots, other)) {
                    other.forward_report(now, &self.buffer[..length]);
                }
                self.send(other, component, kind, length);
            }
            Partner::Talk(other, _) => {
                for key in pair.take_in(now, &self.buffer[..length]).into_iter().flatten() {
                    self.pass_key(index, other, key);
                }
            }
            Partner::Exchange | Partner::Room(_) => {
                let (id, datagram) = (pair.id, &mut self.buffer[..length]);
                let keys = pair.take_in(now, datagram);
                let Some(talk) = &mut pair.talk else { return };
                let is_echo = kind == Datagram::Rtp && talk.echo(now, datagram);
                if is_echo {
                    talk.reporter.on_sent(length - rtp::HEADER_LEN);
                }
                self.hear_keys(id, keys.into_iter().flatten());
                if is_echo {
                    self.send(index, Component::Rtp, kind, length);
                }
            }
        }
    }

    /// Sends what lies at the front of the buffer to the phone of a pair.
    fn send(&mut self, index: u32, component: Component, kind: Datagram, length: usize) {
        let Some(pair) = pair_at(&mut self.slots, index) else { return };
        let sent = match pair.seal(component, kind, &mut self.buffer, length) {
            Ok(None) => return,
            Ok(Some((length, to))) => {
                let datagram = &self.buffer[..length];
                let is_sound = (component, kind) == (Component::Rtp, Datagram::Rtp);
                match self.forwarding.as_mut().filter(|_| is_sound).is_some_and(|kernel| kernel.lay(pair, to, datagram))
                {
                    true => {
                        self.counts.laid += 1;
                        Ok(length)
                    }
                    false => pair.send(component, datagram, to),
                }
            }
            Err(error) => Err(error),
        };
        match sent {
            Ok(length) => {
                self.counts.sent += 1;
                self.counts.bytes += length as u64;
            }
            Err(_) => self.counts.unsent += 1,
        }
    }

    /// Has the kernel send what was laid ready for it.
    pub fn flush(&mut self) {
        let lost = self.forwarding.as_mut().map_or(0, Forwarding::send);
        self.counts.sent -= lost;
        self.counts.unsent += lost;
    }

    /// After a panic over one of its datagrams a pair is told silent, so that its call ends.
    pub fn give_up(&mut self, index: u32) {
        // What still lies in the lane is looked at when this pair has no part in it any more.
        self.set_busy(true);
        if let Some(id) = pair_at(&mut self.slots, index).map(|pair| pair.id) {
            self.part(id);
            self.events.push_back((id, MediaEvent::Silent));
        }
        self.set_busy(false);
    }

    /// When [`Plane::handle_timeout`] is due; None while there is no pair.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let sweep = (self.slots.len() > self.vacant.len()).then_some(self.sweep_at);
        let shaking = self.shaking.iter().filter_map(|id| pair_in(&self.slots, *id)?.poll_timeout()).min();
        let forwarding = self.forwarding.as_ref().and_then(Forwarding::poll_timeout);
        [sweep, self.pacer.poll_timeout(), shaking, forwarding].into_iter().flatten().min()
    }

    /// Plays what is due and looks for silent legs.
    pub fn handle_timeout(&mut self) {
        self.read_lane();
        while let Some(mut playing) = self.pacer.due(self.now) {
            playing.retain(|paced| {
                let goes_on = catch_unwind(AssertUnwindSafe(|| self.take_turn(*paced)));
                goes_on.unwrap_or_else(|_| {
                    tracing::error!(?paced, "sound could not be made: this is a bug");
                    self.abandon(*paced);
                    false
                })
            });
            self.pacer.keep(playing);
        }
        let (now, micros, slots) = (self.now, self.micros(), &mut self.slots);
        self.shaking.retain(|&id| {
            let Some(pair) = pair_of(slots, id) else { return false };
            let is_due = pair.poll_timeout().is_some_and(|due| due <= now);
            if is_due && catch_unwind(AssertUnwindSafe(|| pair.handle_timeout(now, micros))).is_err() {
                tracing::error!(port = pair.port(), "a handshake could not go on: this is a bug");
                pair.give_up();
            }
            pair.is_shaking()
        });
        if self.now >= self.sweep_at {
            self.sweep_at = self.now + (self.silence / 8).clamp(Duration::from_millis(50), Duration::from_secs(1));
            for pair in self.slots.iter_mut().filter_map(|slot| slot.pair.as_mut()) {
                if pair.is_silent(self.now, self.silence) {
                    self.counts.silent += 1;
                    self.events.push_back((pair.id, MediaEvent::Silent));
                }
                if let Some(recording) = &mut pair.recording {
                    recording.keep_up(micros);
                }
            }
            self.report();
            self.hand_over();
        }
    }

    /// What happened on the pairs since the last call.
    pub fn poll_event(&mut self) -> Option<(MediaId, MediaEvent)> {
        self.events.pop_front()
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        Counts {
            ports_used: self.ports.used(),
            ports_free: self.ports.free(),
            flows: self.forwarding.as_ref().map_or(0, Forwarding::flows),
            ..self.counts
        }
    }

    fn micros(&self) -> Micros {
        Micros(self.now.saturating_duration_since(self.began).as_micros() as u64)
    }

    fn try_open(&mut self, toward: Option<SocketAddr>) -> io::Result<Option<Opened>> {
        let (now, micros) = (self.now, self.micros());
        let face = self.advertised.toward(now, toward.map(|address| address.ip()));
        let Some((rtp, sockets)) = self.ports.take(now, |rtp| pair::bind(face.bound, rtp))? else { return Ok(None) };
        let index = self.vacant.pop().unwrap_or(self.slots.len() as u32);
        if index as usize == self.slots.len() {
            self.slots.push(Slot { generation: 0, pair: None });
        }
        let slot = &mut self.slots[index as usize];
        let id = MediaId(u64::from(slot.generation) << 32 | u64::from(index));
        let pair = slot.pair.insert(Pair::new(id, micros, now, face, rtp, sockets));
        for component in [Component::Rtp, Component::Rtcp] {
            if let Some(socket) = pair.socket(component) {
                self.epoll.add(socket, Token::Media(index, component).into(), Interest::READ)?;
            }
        }
        Ok(Some(Opened { id, address: face.told, rtp, rtcp: rtp + 1 }))
    }

    /// Ends what a pair is part of, and its partner's part in it.
    fn part(&mut self, id: MediaId) {
        self.take_back(id);
        let Some(pair) = pair_of(&mut self.slots, id) else { return };
        match pair.part() {
            Partner::Pair(other) | Partner::Talk(other, _) => {
                if let Some(other) = pair_at(&mut self.slots, other) {
                    other.part();
                }
            }
            Partner::Room(key) => self.leave(key, id),
            Partner::Exchange | Partner::None => {}
        }
    }

    /// 64 bits that nobody outside can foretell from what was sent (splitmix64 on a secret seed).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        crate::ports::mixed(self.random)
    }
}

impl Media for Plane {
    fn open(&mut self, toward: Option<SocketAddr>) -> Result<Opened, NoPort> {
        match self.try_open(toward) {
            Ok(Some(opened)) => Ok(opened),
            Ok(None) => {
                self.counts.exhausted += 1;
                Err(NoPort)
            }
            Err(error) => {
                tracing::warn!(%error, ?toward, "no media socket");
                self.counts.exhausted += 1;
                Err(NoPort)
            }
        }
    }

    fn connect(&mut self, id: MediaId, remote: Remote) {
        self.take_back(id);
        let (now, micros) = (self.now, self.micros());
        let Some(pair) = pair_of(&mut self.slots, id) else { return };
        if matches!(remote.security, Security::Dtls(_)) && !self.shaking.contains(&id) {
            self.shaking.push(id);
        }
        let partner = pair.partner;
        let reopened = pair.connect((now, micros), &self.identity, &remote);
        if let Some(socket) = reopened {
            let token = Token::Media(id.0 as u32, Component::Rtcp);
            if let Err(error) = self.epoll.add(socket, token.into(), Interest::READ) {
                tracing::warn!(%error, "RTCP is not watched");
            }
        }
        if let Partner::Pair(other) | Partner::Talk(other, _) = partner {
            self.settle(id.0 as u32, other);
        }
    }

    fn bridge(&mut self, one: MediaId, other: MediaId) {
        for (id, partner) in [(one, other), (other, one)] {
            self.part(id);
            if pair_of(&mut self.slots, partner).is_none() {
                return;
            }
        }
        for (id, partner) in [(one, other), (other, one)] {
            let Some(pair) = pair_of(&mut self.slots, id) else { return };
            pair.join(self.now, Partner::Pair(partner.0 as u32));
        }
        self.settle(one.0 as u32, other.0 as u32);
    }

    fn serve(&mut self, id: MediaId, sound: Sound, agreed: &Agreed) {
        if let Sound::Room(room) = &sound {
            return self.enter(id, room);
        }
        self.part(id);
        let (now, micros, random) = (self.now, self.micros(), self.draw());
        let Some(pair) = pair_of(&mut self.slots, id) else { return };
        pair.join(now, Partner::Exchange);
        if pair.voice.is_none() {
            pair.keys.expect(agreed.telephone_event.map(|event| (event, agreed.clock)).as_slice());
        }
        let talk = pair.talk.get_or_insert_with(|| Box::new(Talk::new(micros, random)));
        talk.serve(pair.voice.as_ref(), &sound, &self.library);
        if let Some(pace) = talk.begin(sound, agreed) {
            self.pacer.add(now, pace.step, Paced::Pair(id, pace.series));
        }
    }

    fn is_locked(&self, room: &str) -> bool {
        self.is_closed(room)
    }

    fn is_in_room(&self, id: MediaId) -> bool {
        self.room_of(id).is_some()
    }

    fn order(&mut self, id: MediaId, order: Order) {
        self.follow(id, &order);
    }

    fn room(&self, room: &str) -> Option<RoomState> {
        self.state_of(room)
    }

    fn rule(&mut self, room: &str, rule: Rule) -> usize {
        self.govern(room, rule)
    }

    fn tape(&mut self, id: MediaId, tape: Tape) {
        self.take_back(id);
        self.turn_tape(id, &tape);
    }

    fn watch(&mut self, id: MediaId) {
        self.take_back(id);
        let Some(pair) = pair_of(&mut self.slots, id) else { return };
        pair.is_watched = true;
        if let (true, Partner::Pair(other) | Partner::Talk(other, _)) = (pair.is_watched_for_tones(), pair.partner) {
            self.settle(id.0 as u32, other);
        }
    }

    fn press(&mut self, id: MediaId, key: char, held: Duration) -> bool {
        self.strike(id, key, held)
    }

    fn fingerprint(&self) -> String {
        self.identity.fingerprint().to_string()
    }

    fn ice(&mut self, id: MediaId, restart: bool) -> Option<Ice> {
        self.take_back(id);
        Some(pair_of(&mut self.slots, id)?.ice(restart, random_bytes()))
    }

    fn draw_key(&mut self) -> [u8; MasterKey::LONGEST] {
        random_bytes()
    }

    fn stats(&self, id: MediaId) -> LegStats {
        pair_in(&self.slots, id).map(Pair::statistics).unwrap_or_default()
    }

    fn close(&mut self, id: MediaId) -> LegStats {
        self.part(id);
        let micros = self.micros();
        let Some(slot) = self.slots.get_mut(id.0 as u32 as usize) else { return LegStats::default() };
        let Some(mut pair) = slot.pair.take_if(|pair| pair.id == id) else { return LegStats::default() };
        if let Some(recording) = &mut pair.recording {
            recording.keep_up(micros);
        }
        slot.generation = slot.generation.wrapping_add(1);
        self.vacant.push(id.0 as u32);
        self.ports.give(self.now, pair.port());
        pair.statistics()
    }
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel has random bytes for keys");
    bytes
}

fn pair_in(slots: &[Slot], id: MediaId) -> Option<&Pair> {
    slots.get(id.0 as u32 as usize)?.pair.as_ref().filter(|pair| pair.id == id)
}

fn pair_at(slots: &mut [Slot], index: u32) -> Option<&mut Pair> {
    slots.get_mut(index as usize)?.pair.as_mut()
}

fn pair_of(slots: &mut [Slot], id: MediaId) -> Option<&mut Pair> {
    pair_at(slots, id.0 as u32).filter(|pair| pair.id == id)
}

/// The longest datagram there is: what arrives is passed on whole.
const DATAGRAM: usize = 65_535;

#[cfg(test)]
mod tests;

//! One pair of media ports toward one phone.

mod forwarded;

use super::security::Security;
use super::web::{Association, Outcome};
use crate::advertise::Face;
use crate::token::Component;
use call::{Ice, KeysHeard, LegStats, MediaId, Remote, Voice};
use dtls::Identity;
use forward::{Flow, Way};
use ice::{Credentials, Lite, Ufrag};
use net::udp::{self, Class, Options};
use rtp::quality::{Codec, Codecs};
use rtp::rtcp::Monitor;
use rtp::{Accept, Datagram, Header, Latch, Micros, Packet, Reception};
use sdp::{Clocks, Direction};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::keys::{Key, Keys};
use super::talk::{Hears, Talk};
use super::tape::Recording;

/// The sockets, where the phone is, what came from it and where that goes.
pub struct Pair {
    pub id: MediaId,
    pub partner: Partner,
    /// The exchange's own end, once there has been one.
    pub talk: Option<Box<Talk>>,
    /// Its sound is made anew even where it could pass: for a key, or for somebody who listens.
    pub is_heard: bool,
    /// Payload types, a bit each, whose sound its partner does not take as it is.
    pub unfit: u128,
    /// Takes the sound of this phone and of its partner.
    pub recording: Option<Box<Recording>>,
    /// Somebody wants to know of the keys that go to another phone.
    pub is_watched: bool,
    pub keys: Keys,
    /// What the kernel takes of the phone's packets.
    pub flow: Option<Flow>,
    /// How the kernel sends what the process lays ready for the phone.
    pub way: Option<Way>,
    /// Somebody waits for what the kernel takes.
    pub is_urgent: bool,
    /// The phone sends from elsewhere than before.
    pub has_moved: bool,
    /// The sound of the phone, where it can be looked into.
    pub voice: Option<Voice>,
    sockets: Sockets,
    address: SocketAddr,
    /// The address that the phone is told.
    told: IpAddr,
    state: State,
    /// Where RTP comes from and goes to, and RTCP if it shares the port.
    rtp: Latch,
    /// The same of RTCP on its own port.
    rtcp: Latch,
    direction: Direction,
    clocks: Clocks,
    codecs: Codecs,
    /// What the phone spoke last.
    codec: Option<Codec>,
    /// What the RTCP of the phone and toward it tells.
    monitor: Monitor,
    /// What protects RTP and RTCP, where they are not plain.
    security: Option<Box<Security>>,
    /// Who answers the checks of a phone that speaks ICE.
    ice: Option<Box<Lite>>,
    /// The handshake that makes the keys; while it is here without `security`, nothing passes.
    association: Option<Box<Association>>,
    /// Where the last datagram of a handshake came from; it is latched onto when there are keys.
    shakes_with: Option<SocketAddr>,
    reception: Reception,
    sent: u64,
    /// Packets that security did not let through.
    refused: u64,
    activity: Activity,
}

/// Who is on the other side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partner {
    /// Nobody: what arrives is counted and dropped.
    None,
    /// The pair at this index, whose packets pass as they are.
    Pair(u32),
    /// The pair at this index, whose sound is made anew.
    Talk(u32, Turn),
    /// The exchange itself.
    Exchange,
    /// All others in this room.
    Room(u32),
}

/// Who of two pairs moves the sound of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This one, with every turn of the pacer.
    Leads,
    /// The other one.
    Follows,
}

/// The sockets of a pair.
pub struct Sockets {
    rtp: UdpSocket,
    /// None while RTCP shares the port of RTP.
    rtcp: Option<UdpSocket>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// RTP and RTCP on ports of their own.
    Apart,
    /// Both on one port (RFC 5761).
    Shared,
    /// Held without an address: nothing passes.
    Held,
}

/// For the silence watch, which looks once a second, so that a packet costs no more than the mark.
struct Activity {
    heard: bool,
    silent_since: Instant,
}

/// What a datagram turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The phone's; what it is, and how many bytes of the datagram are left of it without its protection.
    Phone(Datagram, usize),
    /// Somebody else's.
    Foreign,
    /// It does not open with the phone's key, or there is none yet.
    Refused,
    /// A check or a handshake, which is answered already.
    Answered,
    /// Nobody may send now.
    Closed,
}

/// Opens the RTP port and the one above it on `address`.
pub fn bind(address: IpAddr, rtp: u16) -> io::Result<Sockets> {
    let rtcp = rtp.checked_add(1).ok_or(io::ErrorKind::AddrInUse)?;
    Ok(Sockets {
        rtp: udp::bind((address, rtp).into(), &VOICE)?,
        rtcp: Some(udp::bind((address, rtcp).into(), &VOICE)?),
    })
}

impl Pair {
    pub fn new(id: MediaId, micros: Micros, now: Instant, face: Face, port: u16, sockets: Sockets) -> Pair {
        Pair {
            id,
            partner: Partner::None,
            talk: None,
            voice: None,
            is_heard: false,
            unfit: 0,
            recording: None,
            is_watched: false,
            keys: Keys::new(micros),
            flow: None,
            way: None,
            is_urgent: false,
            has_moved: false,
            sockets,
            address: (face.bound, port).into(),
            told: face.told,
            state: State::Apart,
            rtp: Latch::new(micros, None),
            rtcp: Latch::new(micros, None),
            direction: Direction::SendRecv,
            clocks: Clocks::default(),
            codecs: Codecs::default(),
            codec: None,
            monitor: Monitor::default(),
            security: None,
            ice: None,
            association: None,
            shakes_with: None,
            reception: Reception::default(),
            sent: 0,
            refused: 0,
            activity: Activity { heard: false, silent_since: now },
        }
    }

    pub fn socket(&self, component: Component) -> Option<&UdpSocket> {
        match component {
            Component::Rtp => Some(&self.sockets.rtp),
            Component::Rtcp => self.sockets.rtcp.as_ref(),
        }
    }

    /// The RTP port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What the sockets are bound to.
    pub fn bound(&self) -> IpAddr {
        self.address.ip()
    }

    /// Do RTP and RTCP share a port?
    pub fn is_shared(&self) -> bool {
        self.state == State::Shared
    }

    /// Does the phone take sound now?
    pub fn hears(&self) -> Hears {
        if self.state != State::Held && self.direction.receives() { Hears::Sound } else { Hears::Nothing }
    }

    /// One datagram, into the front of `buffer`.
    pub fn receive(&self, component: Component, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        // What an earlier send left behind as an error is as good as no datagram: epoll reports the next one.
        self.socket(component)?.recv_from(buffer).ok()
    }

    /// Judges, opens and counts a datagram.
    pub fn hear(
        &mut self,
        (clock, now): (Instant, Micros),
        component: Component,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Heard {
        if self.state == State::Held {
            return Heard::Closed;
        }
        let kind = Datagram::classify(datagram);
        match (kind, &mut self.ice, &mut self.association) {
            (Datagram::Stun, Some(_), _) => return self.answer_check(now, from, datagram),
            (_, Some(ice), _) if ice.selected() != Some(from) => return Heard::Foreign,
            // Once there are keys, nobody else has a word in it.
            (Datagram::Dtls, _, Some(_)) if self.security.is_some() && self.rtp.target() != Some(from) => {
                return Heard::Foreign;
            }
            // Without rtcp-mux there is no handshake for RTCP, and RTCP does not pass.
            (Datagram::Dtls, _, Some(association)) if component == Component::Rtp => {
                association.handle_datagram(clock, datagram);
                self.shakes_with = Some(from);
                self.pump(now);
                return Heard::Answered;
            }
            (_, _, _) => {}
        }
        // Only who has the key is latched onto.
        let length = match &mut self.security {
            None if self.association.is_some() => {
                self.refused += 1;
                return Heard::Refused;
            }
            None => datagram.len(),
            Some(security) => match security.open(kind, datagram) {
                Ok(length) => length,
                Err(_) => {
                    self.refused += 1;
                    return Heard::Refused;
                }
            },
        };
        let latch = match component {
            Component::Rtp => &mut self.rtp,
            Component::Rtcp => &mut self.rtcp,
        };
        match latch.accept(now, from) {
            Accept::Yes => {}
            Accept::Relatched => {
                self.has_moved = true;
                tracing::debug!(port = self.address.port(), ?component, %from, "latched");
            }
            Accept::Foreign => return Heard::Foreign,
        }
        self.activity.heard = true;
        if (component, kind) == (Component::Rtp, Datagram::Rtp)
            && let Ok(packet) = Packet::parse(&datagram[..length])
        {
            self.count_packet(now, &packet.header, length);
        }
        if kind == Datagram::Rtcp {
            self.monitor.on_heard(now, &datagram[..length]);
        }
        Heard::Phone(kind, length)
    }

    fn count_packet(&mut self, now: Micros, header: &Header, length: usize) {
        let payload_type = header.payload_type;
        self.reception.on_packet(now, header, length, self.clocks.of(payload_type));
        self.codec = self.codecs.of(payload_type).or(self.codec);
    }

    /// What was heard of the phone.
    pub fn reception(&mut self) -> &mut Reception {
        &mut self.reception
    }

    /// Our name in reports, which is that of the port.
    pub fn cname(&self) -> String {
        format!("{}@{}", self.address.port(), self.told)
    }

    /// RTCP of the other side goes to the phone, as it is without protection.
    pub fn forward_report(&mut self, now: Micros, report: &[u8]) {
        self.monitor.on_forwarded(now, report);
    }

    /// Protects the first `length` bytes of `buffer` in place for the phone; how many they are then, and where they go. `None`: there is
    /// nowhere to send to.
    ///
    /// # Errors
    /// The key is used up.
    pub fn seal(
        &mut self,
        component: Component,
        kind: Datagram,
        buffer: &mut [u8],
        length: usize,
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        let latch = match (self.state, component) {
            (State::Held, _) => return Ok(None),
            (State::Apart, Component::Rtcp) if self.sockets.rtcp.is_none() => return Ok(None),
            (State::Shared, _) | (State::Apart, Component::Rtp) => &self.rtp,
            (State::Apart, Component::Rtcp) => &self.rtcp,
        };
        let Some(to) = latch.target() else { return Ok(None) };
        let length = match &mut self.security {
            None if self.association.is_some() => return Ok(None),
            None => length,
            Some(security) => security.protect(kind, buffer, length).map_err(|_| io::ErrorKind::InvalidData)?,
        };
        self.sent += u64::from((component, kind) == (Component::Rtp, Datagram::Rtp));
        Ok(Some((length, to)))
    }

    /// Sends a datagram by the socket.
    pub fn send(&self, component: Component, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        let socket = match (self.state, &self.sockets.rtcp) {
            (State::Apart, Some(rtcp)) if component == Component::Rtcp => rtcp,
            _ => &self.sockets.rtp,
        };
        socket.send_to(datagram, to)
    }

    /// Takes what an offer or answer says of the phone. Returns the RTCP socket if it had to be opened again.
    pub fn connect(
        &mut self,
        (now, micros): (Instant, Micros),
        identity: &Arc<Identity>,
        remote: &Remote,
    ) -> Option<&UdpSocket> {
        self.secure(now, identity, &remote.security);
        let has_ice = self.ice.is_some();
        self.state = match (remote.rtp.ip().is_unspecified() && !has_ice, remote.mux) {
            (true, _) => State::Held,
            (false, true) => State::Shared,
            (false, false) => State::Apart,
        };
        let announced =
            |address: SocketAddr| (!address.ip().is_unspecified() && address.port() != 0).then_some(address);
        // With ICE only an address that a check came from is one.
        let found = self.ice.as_ref().map(|ice| ice.selected());
        self.rtp.restart(micros, found.unwrap_or_else(|| announced(remote.rtp)));
        self.rtcp.restart(micros, found.unwrap_or_else(|| announced(remote.rtcp)));
        self.pump(micros);
        (self.direction, self.clocks, self.codecs) = (remote.direction, remote.clocks, remote.codecs);
        if self.voice != remote.voice {
            self.voice.clone_from(&remote.voice);
            self.is_heard = self.recording.is_some();
            self.keys.expect(match &self.voice {
                Some(Voice { keys_heard: KeysHeard::Events(events), .. }) => events,
                Some(_) | None => &[],
            });
        }
        self.reception.pause();
        self.activity = Activity { heard: false, silent_since: now };
        match self.state {
            State::Held => None,
            State::Shared => {
                self.sockets.rtcp = None;
                None
            }
            State::Apart if self.sockets.rtcp.is_some() => None,
            State::Apart => {
                let address = SocketAddr::new(self.address.ip(), self.address.port() + 1);
                self.sockets.rtcp = udp::bind(address, &VOICE)
                    .inspect_err(|error| tracing::warn!(%error, %address, "RTCP port not opened again"))
                    .ok();
                self.sockets.rtcp.as_ref()
            }
        }
    }

    /// Takes what protects the stream from now on. As long as keys stay, so do the counters of the packets that were sent and seen under
    /// them; as long as a certificate stays, so does what was agreed on with it.
    fn secure(&mut self, now: Instant, identity: &Arc<Identity>, security: &call::Security) {
        match security {
            call::Security::Plain => (self.security, self.association, self.ice) = (None, None, None),
            call::Security::Sdes(keys) => {
                // What a handshake has made is of no use with keys from the descriptions.
                let before = if self.association.take().is_some() { None } else { self.security.take() };
                self.ice = None;
                self.security = Some(match before {
                    Some(mut security) => {
                        security.renew(*keys);
                        security
                    }
                    None => Box::new(Security::new(*keys)),
                });
            }
            call::Security::Dtls(peer) => {
                match (&mut self.ice, peer.ufrag.as_deref().and_then(|ufrag| Ufrag::parse(ufrag).ok())) {
                    (Some(ice), Some(ufrag)) => ice.set_remote(ufrag),
                    (ice, _) => *ice = None,
                }
                if self.association.as_ref().is_none_or(|association| !association.is_with(peer)) {
                    self.security = None;
                    self.association = Some(Box::new(Association::new(identity, peer.clone(), now)));
                }
            }
        }
    }

    /// What a phone with ICE is told.
    pub fn ice(&mut self, restart: bool, random: [u8; Credentials::RANDOM]) -> Ice {
        let ice = self.ice.get_or_insert_with(|| Box::new(Lite::new(Credentials::from_random(random), None)));
        if restart {
            ice.restart(Credentials::from_random(random), None);
        }
        let own = ice.own();
        let candidate = ice::host_candidate((self.told, self.address.port()).into(), u16::MAX);
        Ice { ufrag: own.ufrag().as_str().to_owned(), pwd: own.pwd().to_owned(), candidate }
    }

    fn answer_check(&mut self, now: Micros, from: SocketAddr, check: &[u8]) -> Heard {
        let Some(ice) = &mut self.ice else { return Heard::Refused };
        let mut reply = Vec::new();
        let heard = ice.handle(check, from, &mut reply);
        if !reply.is_empty() {
            // A check that is not answered comes again.
            let _ = self.sockets.rtp.send_to(&reply, from);
        }
        if let ice::Heard::Selected(address) = heard {
            tracing::debug!(port = self.address.port(), %address, "selected");
            self.rtp.restart(now, Some(address));
            self.has_moved = true;
            self.pump(now);
        }
        if heard == ice::Heard::Ignored { Heard::Refused } else { Heard::Answered }
    }

    /// Sends what the handshake wants to say, and takes what it has come to.
    fn pump(&mut self, now: Micros) {
        let Some(association) = &mut self.association else { return };
        let to = if self.ice.is_some() { self.rtp.target() } else { self.shakes_with.or(self.rtp.target()) };
        while let Some(datagram) = association.poll_transmit() {
            if let Some(to) = to {
                // What is lost here is sent again as if it were lost on its way.
                let _ = self.sockets.rtp.send_to(&datagram, to);
            }
        }
        while let Some(outcome) = association.poll_outcome() {
            self.security = match outcome {
                Outcome::Keys(keys) => {
                    if let Some(from) = self.shakes_with {
                        self.rtp.accept(now, from);
                    }
                    Some(Box::new(Security::new(keys)))
                }
                Outcome::Over => None,
            };
        }
    }

    /// When [`Pair::handle_timeout`] is due; never without a handshake under way.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.association.as_ref()?.poll_timeout()
    }

    /// A handshake is under way, or waited for.
    pub fn is_shaking(&self) -> bool {
        let is_under_way = |association: &Association| !association.is_over();
        self.association.as_deref().is_some_and(is_under_way)
            && (self.security.is_none() || self.poll_timeout().is_some())
    }

    /// Lets a handshake repeat what was lost.
    pub fn handle_timeout(&mut self, now: Instant, micros: Micros) {
        if let Some(association) = &mut self.association {
            association.handle_timeout(now);
        }
        self.pump(micros);
    }

    /// After a panic in its handshake: nothing passes any more.
    pub fn give_up(&mut self) {
        self.security = None;
        if let Some(association) = &mut self.association {
            association.give_up();
        }
    }

    /// Takes a datagram of a phone whose packets do not just pass; the keys that it tells of.
    pub fn take_in(&mut self, now: Micros, datagram: &[u8]) -> [Option<Key>; 2] {
        if Datagram::classify(datagram) != Datagram::Rtp {
            return [None; 2];
        }
        self.keys.on_packet(now, datagram).unwrap_or_else(|| {
            if let Some(talk) = &mut self.talk {
                talk.hear(now, datagram);
            }
            [None; 2]
        })
    }

    /// Whether only tones tell of the keys that somebody wants to know of.
    pub fn is_watched_for_tones(&self) -> bool {
        self.is_watched && self.voice.as_ref().is_some_and(|voice| voice.keys_heard == KeysHeard::Tones)
    }

    /// Loses its other side, and all that was so for its sake.
    pub fn part(&mut self) -> Partner {
        (self.is_heard, self.unfit) = (self.recording.is_some(), 0);
        self.keys.part();
        if let Some(talk) = &mut self.talk {
            talk.mouth.let_go();
        }
        std::mem::replace(&mut self.partner, Partner::None)
    }

    /// Gives the pair another side.
    pub fn join(&mut self, now: Instant, partner: Partner) {
        self.partner = partner;
        self.activity = Activity { heard: false, silent_since: now };
    }

    /// Has a phone that should send been silent for `limit`? Told once for each such time.
    pub fn is_silent(&mut self, now: Instant, limit: Duration) -> bool {
        let should_send = self.partner != Partner::None && self.state != State::Held && self.direction.sends();
        if std::mem::take(&mut self.activity.heard) || !should_send {
            self.activity.silent_since = now;
            return false;
        }
        let is_silent = now.saturating_duration_since(self.activity.silent_since) >= limit;
        if is_silent {
            self.activity.silent_since = now;
        }
        is_silent
    }

    /// Everything that was counted.
    pub fn statistics(&self) -> LegStats {
        let heard = self.reception.statistics();
        LegStats {
            received: heard.packets,
            bytes: heard.bytes,
            sent: self.sent,
            expected: heard.expected,
            lost: heard.lost,
            reordered: heard.reordered,
            duplicates: heard.duplicates,
            gaps: heard.gaps,
            concealed: self.talk.as_ref().map(|talk| talk.concealed()).unwrap_or_default(),
            foreign: self.rtp.foreign() + self.rtcp.foreign(),
            refused: self.refused,
            jitter: heard.jitter,
            codec: self.codec,
            round_trip: self.monitor.round_trip(),
            told: self.monitor.told(),
            metrics: self.monitor.metrics(),
        }
    }
}

const VOICE: Options = Options { class: Class::Expedited, ..Options::PLAIN };

//! Ports that carry nothing: what was asked of them, so that a test can say whose media reaches whom.

use call::{Ice, LegStats, Media, MediaId, NoPort, Opened, Order, Remote, RoomState, Rule, Sound, Tape, Whom};
use sdp::service::Agreed;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The address that phones are told.
pub const ANCHOR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 0, 1));

#[derive(Default)]
pub struct FakeMedia {
    pub open: BTreeMap<MediaId, Port>,
    pub free: Option<usize>,
    pub tapes: Vec<(Taped, Tape)>,
    pub orders: Vec<Order>,
    pub rules: Vec<Rule>,
    pub watched: Vec<MediaId>,
    count: u64,
    drawn: u64,
}

/// What a recording was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Taped {
    /// Speech between two phones.
    Joined,
    /// Anything else: the plane records nothing.
    Nothing,
}

pub struct Port {
    pub rtp: u16,
    pub remote: Option<Remote>,
    pub does: Does,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    Nothing,
    Bridges(MediaId),
    Serves(Sound),
}

impl FakeMedia {
    /// Whether what the phone at `one` sends reaches the phone at `other`, and back.
    pub fn is_joined(&self, one: SocketAddr, other: SocketAddr) -> bool {
        let of = |remote: SocketAddr| {
            self.open.iter().find(|(_, port)| port.remote.as_ref().is_some_and(|found| found.rtp == remote))
        };
        let (Some((left, one)), Some((right, other))) = (of(one), of(other)) else { return false };
        one.does == Does::Bridges(*right) && other.does == Does::Bridges(*left)
    }

    /// What the phone at this address hears from the exchange itself.
    pub fn served(&self, remote: SocketAddr) -> Option<&Sound> {
        self.open.values().find_map(|port| match (&port.does, &port.remote) {
            (Does::Serves(sound), Some(found)) if found.rtp == remote => Some(sound),
            (_, _) => None,
        })
    }

    /// The port whose phone is at this address.
    pub fn port_of(&self, remote: SocketAddr) -> Option<MediaId> {
        let port = self.open.iter().find(|(_, port)| port.remote.as_ref().is_some_and(|found| found.rtp == remote));
        port.map(|(id, _)| *id)
    }
}

impl Media for FakeMedia {
    fn open(&mut self, _: Option<SocketAddr>) -> Result<Opened, NoPort> {
        if self.free.is_some_and(|free| self.open.len() >= free) {
            return Err(NoPort);
        }
        self.count += 1;
        let (id, rtp) = (MediaId(self.count), 20_000 + 2 * (self.count % 5000) as u16);
        self.open.insert(id, Port { rtp, remote: None, does: Does::Nothing });
        Ok(Opened { id, address: ANCHOR, rtp, rtcp: rtp + 1 })
    }

    fn connect(&mut self, id: MediaId, remote: Remote) {
        self.open.get_mut(&id).expect("connected while open").remote = Some(remote);
    }

    fn bridge(&mut self, one: MediaId, other: MediaId) {
        for (one, other) in [(one, other), (other, one)] {
            let port = self.open.get_mut(&one).expect("bridged while open");
            let before = std::mem::replace(&mut port.does, Does::Bridges(other));
            if let Does::Bridges(former) = before
                && former != other
                && let Some(former) = self.open.get_mut(&former)
            {
                former.does = Does::Nothing;
            }
        }
    }

    fn serve(&mut self, id: MediaId, sound: Sound, _: &Agreed) {
        self.open.get_mut(&id).expect("served while open").does = Does::Serves(sound);
    }

    fn is_locked(&self, _: &str) -> bool {
        false
    }

    fn is_in_room(&self, id: MediaId) -> bool {
        self.open.get(&id).is_some_and(|port| matches!(port.does, Does::Serves(Sound::Room(_))))
    }

    fn order(&mut self, _: MediaId, order: Order) {
        self.orders.push(order);
    }

    /// All are muted, and the last one speaks.
    fn room(&self, room: &str) -> Option<RoomState> {
        let here = |port: &Port| matches!(&port.does, Does::Serves(Sound::Room(name)) if &**name == room);
        let ids: Vec<MediaId> = self.open.iter().filter(|(_, port)| here(port)).map(|(id, _)| *id).collect();
        let participant = |id: &MediaId| call::Participant { id: *id, muted: true, speaking: ids.last() == Some(id) };
        (!ids.is_empty()).then(|| RoomState { locked: true, participants: ids.iter().map(participant).collect() })
    }

    fn rule(&mut self, room: &str, rule: Rule) -> usize {
        let count = match &rule {
            Rule::Mute(Whom::These(ids)) | Rule::Unmute(Whom::These(ids)) | Rule::Announce(Whom::These(ids), _) => {
                ids.len()
            }
            Rule::Mute(Whom::All)
            | Rule::Unmute(Whom::All)
            | Rule::Announce(Whom::All, _)
            | Rule::Lock
            | Rule::Hush
            | Rule::Unlock => self.room(room).map_or(0, |room| room.participants.len()),
        };
        self.rules.push(rule);
        count
    }

    fn tape(&mut self, id: MediaId, tape: Tape) {
        let port = &self.open[&id];
        let speaks = port.remote.as_ref().is_some_and(|remote| remote.voice.is_some());
        let how = if speaks && matches!(port.does, Does::Bridges(_)) { Taped::Joined } else { Taped::Nothing };
        self.tapes.push((how, tape));
    }

    fn watch(&mut self, id: MediaId) {
        self.watched.push(id);
    }

    fn press(&mut self, _: MediaId, _: char, _: Duration) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        format!("sha-256 {}", ["AB"; 32].join(":"))
    }

    fn ice(&mut self, id: MediaId, restart: bool) -> Option<Ice> {
        let turn = if restart { "again" } else { "first" };
        let pwd = "p".repeat(24);
        Some(Ice { ufrag: format!("{turn}{}", id.0), pwd, candidate: "1 1 udp 1 10.9.8.7 20000 typ host".to_owned() })
    }

    fn draw_key(&mut self) -> [u8; srtp::MasterKey::LONGEST] {
        // No secret: only that no key is drawn twice counts here.
        self.drawn += 1;
        let mut key = [0; srtp::MasterKey::LONGEST];
        key[..8].copy_from_slice(&self.drawn.to_be_bytes());
        key
    }

    fn stats(&self, id: MediaId) -> LegStats {
        stats_of(&self.open[&id])
    }

    fn close(&mut self, id: MediaId) -> LegStats {
        let port = self.open.remove(&id).expect("closed once");
        if let Does::Bridges(other) = port.does
            && let Some(other) = self.open.get_mut(&other)
        {
            other.does = Does::Nothing;
        }
        stats_of(&port)
    }
}

/// Each port has heard as many packets as its number says, all of them good speech.
fn stats_of(port: &Port) -> LegStats {
    let (received, codec) = (u64::from(port.rtp), Some(rtp::quality::Codec::G711));
    LegStats { received, expected: received, codec, ..LegStats::default() }
}

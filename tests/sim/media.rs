//! Ports that carry nothing: whose media would reach whom.

use call::{Ice, LegStats, Media, MediaId, NoPort, Opened, Order, Remote, RoomState, Rule, Sound, Tape};
use sdp::service::Agreed;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The address that phones are told.
pub const ANCHOR: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

/// All open pairs of ports of a shard.
#[derive(Default)]
pub struct Ports {
    open: BTreeMap<MediaId, Port>,
    opened: u64,
    drawn: u64,
}

#[derive(Default)]
struct Port {
    remote: Option<SocketAddr>,
    bridged: Option<MediaId>,
}

impl Ports {
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether what the phone at `one` sends reaches the phone at `other`, and back.
    pub fn join(&self, one: SocketAddr, other: SocketAddr) -> bool {
        let of = |remote| self.open.iter().find(|(_, port)| port.remote == Some(remote));
        let (Some((left, one)), Some((right, other))) = (of(one), of(other)) else { return false };
        one.bridged == Some(*right) && other.bridged == Some(*left)
    }

    fn port(&mut self, id: MediaId) -> &mut Port {
        self.open.get_mut(&id).expect("an open pair of ports")
    }

    fn part(&mut self, id: MediaId) {
        if let Some(other) = self.port(id).bridged.take() {
            self.port(other).bridged = None;
        }
    }
}

impl Media for Ports {
    fn open(&mut self, _: Option<SocketAddr>) -> Result<Opened, NoPort> {
        self.opened += 1;
        let (id, rtp) = (MediaId(self.opened), 20_000 + 2 * (self.opened % 5000) as u16);
        self.open.insert(id, Port::default());
        Ok(Opened { id, address: ANCHOR, rtp, rtcp: rtp + 1 })
    }

    fn connect(&mut self, id: MediaId, remote: Remote) {
        self.port(id).remote = Some(remote.rtp);
    }

    fn bridge(&mut self, one: MediaId, other: MediaId) {
        self.part(one);
        self.part(other);
        self.port(one).bridged = Some(other);
        self.port(other).bridged = Some(one);
    }

    fn serve(&mut self, id: MediaId, _: Sound, _: &Agreed) {
        self.part(id);
    }

    fn is_locked(&self, _: &str) -> bool {
        false
    }

    fn is_in_room(&self, _: MediaId) -> bool {
        false
    }

    fn order(&mut self, _: MediaId, _: Order) {}

    fn room(&self, _: &str) -> Option<RoomState> {
        None
    }

    fn rule(&mut self, _: &str, _: Rule) -> usize {
        0
    }

    fn tape(&mut self, _: MediaId, _: Tape) {}

    fn watch(&mut self, _: MediaId) {}

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
        assert!(self.open.contains_key(&id), "asked while open");
        LegStats::default()
    }

    fn close(&mut self, id: MediaId) -> LegStats {
        self.part(id);
        self.open.remove(&id).expect("closed once");
        LegStats::default()
    }
}

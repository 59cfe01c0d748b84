//! One pair of media ports toward one phone.

use super::security::Security;
use crate::token::Component;
use call::{LegStats, MediaId, Remote};
use net::udp::{self, Class, Options};
use rtp::{Accept, Datagram, Latch, Micros, Packet, Reception};
use sdp::{Clocks, Direction};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::served::{Hears, Served};

/// The sockets, where the phone is, what came from it and where that goes.
pub struct Pair {
    pub id: MediaId,
    pub partner: Partner,
    /// What the exchange plays, once it has played anything.
    pub served: Option<Box<Served>>,
    sockets: Sockets,
    address: SocketAddr,
    state: State,
    /// Where RTP comes from and goes to, and RTCP if it shares the port.
    rtp: Latch,
    /// The same of RTCP on its own port.
    rtcp: Latch,
    direction: Direction,
    clocks: Clocks,
    /// What protects RTP and RTCP, where they are not plain.
    security: Option<Box<Security>>,
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
    /// The pair at this index.
    Pair(u32),
    /// The exchange itself.
    Exchange,
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
    /// It does not open with the phone's key.
    Refused,
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
    pub fn new(id: MediaId, micros: Micros, now: Instant, bound: IpAddr, port: u16, sockets: Sockets) -> Pair {
        Pair {
            id,
            partner: Partner::None,
            served: None,
            sockets,
            address: (bound, port).into(),
            state: State::Apart,
            rtp: Latch::new(micros, None),
            rtcp: Latch::new(micros, None),
            direction: Direction::SendRecv,
            clocks: Clocks::default(),
            security: None,
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
    pub fn hear(&mut self, now: Micros, component: Component, from: SocketAddr, datagram: &mut [u8]) -> Heard {
        if self.state == State::Held {
            return Heard::Closed;
        }
        let kind = Datagram::classify(datagram);
        // Only who has the key is latched onto.
        let length = match &mut self.security {
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
            Accept::Relatched => tracing::debug!(port = self.address.port(), ?component, %from, "latched"),
            Accept::Foreign => return Heard::Foreign,
        }
        self.activity.heard = true;
        if (component, kind) == (Component::Rtp, Datagram::Rtp)
            && let Ok(packet) = Packet::parse(&datagram[..length])
        {
            let clock = self.clocks.of(packet.header.payload_type);
            self.reception.on_packet(now, &packet.header, length, clock);
        }
        Heard::Phone(kind, length)
    }

    /// Sends the first `length` bytes of `buffer` to the phone, protected in place; returns the bytes sent, 0 while there is nowhere
    /// to send to.
    pub fn send(
        &mut self,
        component: Component,
        kind: Datagram,
        buffer: &mut [u8],
        length: usize,
    ) -> io::Result<usize> {
        let (socket, latch) = match (self.state, component) {
            (State::Held, _) => return Ok(0),
            (State::Shared, _) | (State::Apart, Component::Rtp) => (&self.sockets.rtp, &self.rtp),
            (State::Apart, Component::Rtcp) => match &self.sockets.rtcp {
                Some(socket) => (socket, &self.rtcp),
                None => return Ok(0),
            },
        };
        let Some(to) = latch.target() else { return Ok(0) };
        let length = match &mut self.security {
            None => length,
            Some(security) => security.protect(kind, buffer, length).map_err(|_| io::ErrorKind::InvalidData)?,
        };
        self.sent += u64::from((component, kind) == (Component::Rtp, Datagram::Rtp));
        socket.send_to(&buffer[..length], to)
    }

    /// Takes what an offer or answer says of the phone. Returns the RTCP socket if it had to be opened again.
    pub fn connect(&mut self, now: Instant, micros: Micros, remote: Remote) -> Option<&UdpSocket> {
        self.state = match (remote.rtp.ip().is_unspecified(), remote.mux) {
            (true, _) => State::Held,
            (false, true) => State::Shared,
            (false, false) => State::Apart,
        };
        let announced =
            |address: SocketAddr| (!address.ip().is_unspecified() && address.port() != 0).then_some(address);
        self.rtp.restart(micros, announced(remote.rtp));
        self.rtcp.restart(micros, announced(remote.rtcp));
        (self.direction, self.clocks) = (remote.direction, remote.clocks);
        // As long as the keys stay, so do the counters of the packets that were sent and seen under them.
        if self.security.as_ref().map(|security| security.keys()) != remote.keys {
            self.security = remote.keys.map(|keys| Box::new(Security::new(keys)));
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
            lost: heard.lost,
            reordered: heard.reordered,
            duplicates: heard.duplicates,
            gaps: heard.gaps,
            foreign: self.rtp.foreign() + self.rtcp.foreign(),
            refused: self.refused,
            jitter: heard.jitter,
        }
    }
}

const VOICE: Options = Options { class: Class::Expedited, ..Options::PLAIN };

//! What a pair has to do with the kernel, which takes its packets in the place of its socket.

use super::{Pair, State};
use rtp::{HEADER_LEN, Header, Micros};
use std::net::{SocketAddr, SocketAddrV4};

impl Pair {
    /// Counts a packet of the phone that the kernel has passed on.
    pub fn count_passed(&mut self, now: Micros, header: [u8; HEADER_LEN], length: usize) {
        self.activity.heard = true;
        if let Some(source) = self.rtp.source() {
            self.rtp.accept(now, source);
        }
        self.count_packet(now, &Header::from_bytes(header), length);
    }

    /// Counts a packet that the kernel has sent to the phone.
    pub fn count_sent(&mut self) {
        self.sent += 1;
    }

    /// Where the phone's RTP comes from, once that is known and it may be heard; `None` for IPv6.
    pub fn comes_from(&self) -> Option<SocketAddrV4> {
        let is_agreed = self.security.is_some() || self.association.is_none();
        self.rtp.source().filter(|_| self.state != State::Held && is_agreed).and_then(ipv4)
    }

    /// Nobody needs to look into the phone's packets.
    pub fn just_passes(&self) -> bool {
        self.is_plain() && !self.is_heard && !self.is_watched && self.recording.is_none()
    }

    /// Where RTP to the phone goes, where it goes as it is; `None` for IPv6.
    pub fn passes_to(&self) -> Option<SocketAddrV4> {
        self.rtp.target().filter(|_| self.is_plain()).and_then(ipv4)
    }

    /// Where RTP to the phone goes; `None` for IPv6.
    pub fn sends_to(&self) -> Option<SocketAddrV4> {
        self.rtp.target().and_then(ipv4)
    }

    /// Packets pass, without protection and without anything that must be agreed on before.
    fn is_plain(&self) -> bool {
        self.state != State::Held && self.security.is_none() && self.association.is_none() && self.ice.is_none()
    }
}

fn ipv4(address: SocketAddr) -> Option<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Some(address),
        SocketAddr::V6(_) => None,
    }
}

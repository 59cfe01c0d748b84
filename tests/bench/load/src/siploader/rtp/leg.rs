//! One phone's stream.
use super::arrival;
use crate::{description, net};
use codec::{Codec, Decoder, Library};
use dtls::{Event, Fingerprint, Handshake, Identity, Role};
use srtp::{Inbound, MasterKey, Outbound};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

pub struct Leg {
    pub sock: UdpSocket,
    pub to: SocketAddr,
    pub sent: u64,
    pub got: u64,
    /// Packets under the payload type, and of a length, that was agreed on.
    pub agreed: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    codec: Codec,
    number: u8,
    payloads: Arc<[Vec<u8>]>,
    at: usize,
    seq: u16,
    ts: u32,
    ssrc: u32,
    keys: Option<(Inbound, Outbound)>,
    /// Hears what comes, where somebody wants to know how loud it is.
    ear: Option<Ear>,
}

struct Ear {
    decoder: Decoder,
    samples: Vec<i16>,
    power: f64,
    count: f64,
}

/// Where in a G.711 payload the time of sending stands.
const STAMP: std::ops::Range<usize> = 12..20;
const HEAD: usize = 12;

impl Leg {
    /// `number` is the payload type of `codec`.
    pub fn new(port: u16, to: SocketAddr, (codec, number): (Codec, u8), payloads: &Arc<[Vec<u8>]>, ssrc: u32) -> Leg {
        let sock = net::udp(port);
        arrival::stamp(&sock);
        // Everybody is at another place of the sound.
        let at = ssrc as usize * 37 % payloads.len();
        let payloads = Arc::clone(payloads);
        Leg {
            sock,
            to,
            sent: 0,
            got: 0,
            agreed: 0,
            bytes: 0,
            codec,
            number,
            payloads,
            at,
            seq: 1,
            ts: 0,
            ssrc,
            keys: None,
            ear: None,
        }
    }

    /// Hears what comes from now on.
    pub fn listen(&mut self) {
        let decoder =
            Decoder::new(self.codec, self.codec.rate(), &Library::default()).expect("a codec that is built in");
        self.ear = Some(Ear { decoder, samples: Vec::new(), power: 0.0, count: 0.0 });
    }

    /// How loud that was, in dB of full scale.
    pub fn level(&self) -> Option<f64> {
        let ear = self.ear.as_ref()?;
        Some(10.0 * (ear.power / ear.count.max(1.0) / (32768.0 * 32768.0)).max(1e-12).log10())
    }

    pub fn protect(&mut self, inbound: &MasterKey, outbound: &MasterKey) {
        self.keys = Some((Inbound::new(inbound), Outbound::new(outbound)));
    }

    /// The next packet of the sound; `stamp` is put into it where it is to come back as it is.
    pub fn send(&mut self, stamp: Option<u64>) {
        let mut packet = [0u8; 1500];
        let payload = &self.payloads[self.at];
        self.at = (self.at + 1) % self.payloads.len();
        packet[0] = 0x80;
        packet[1] = self.number | if self.sent == 0 { 0x80 } else { 0 };
        packet[2..4].copy_from_slice(&self.seq.to_be_bytes());
        packet[4..8].copy_from_slice(&self.ts.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        packet[HEAD..HEAD + payload.len()].copy_from_slice(payload);
        if let Some(stamp) = stamp {
            packet[STAMP].copy_from_slice(&stamp.to_be_bytes());
        }
        let mut length = HEAD + payload.len();
        if let Some((_, outbound)) = &mut self.keys {
            length = outbound.protect_rtp(&mut packet, length).expect("packets are numbered in order");
        }
        let _ = self.sock.send_to(&packet[..length], self.to);
        self.seq = self.seq.wrapping_add(1);
        self.ts = self.ts.wrapping_add(self.codec.clock() / 50);
        self.sent += 1;
    }

    /// Reads one datagram; `None`: there is none. `Some(Some(delay))`: a packet whose stamp is so many nanoseconds old.
    pub fn receive(&mut self, buffer: &mut [u8], is_stamped: bool) -> Option<Option<u64>> {
        let (length, arrived) = arrival::receive(&self.sock, buffer)?;
        if length < HEAD || (192..=223).contains(&buffer[1]) || (20..=63).contains(&buffer[0]) {
            return Some(None);
        }
        let length = match &mut self.keys {
            Some((inbound, _)) => match inbound.open_rtp(&mut buffer[..length]) {
                Ok(length) => length,
                Err(_) => return Some(None),
            },
            None => length,
        };
        self.got += 1;
        let payload = &buffer[HEAD..length];
        let is_sound = match self.codec {
            Codec::Opus => payload.len() > 8 && payload.len() < 160,
            _ => payload.len() == 160,
        };
        if buffer[1] & 0x7f == self.number && is_sound {
            self.agreed += 1;
            self.bytes += payload.len() as u64;
            if let Some(ear) = &mut self.ear {
                ear.samples.clear();
                if ear.decoder.decode(payload, &mut ear.samples).is_ok() {
                    ear.power += ear.samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
                    ear.count += ear.samples.len() as f64;
                }
            }
        }
        if !is_stamped || length < STAMP.end {
            return Some(None);
        }
        let at = u64::from_be_bytes(buffer[STAMP].try_into().expect("eight bytes"));
        Some(arrived.checked_sub(at).filter(|delay| *delay < 5_000_000_000))
    }
}

/// A leg whose keys are being agreed on.
pub struct Shaking {
    pub leg: usize,
    handshake: Handshake,
}

impl Shaking {
    /// By the answer to an offer that left the choice of roles to the other side.
    pub fn new(leg: usize, identity: &Arc<Identity>, answer: &str) -> Option<Shaking> {
        let expected = Fingerprint::parse(description::attribute(answer, "fingerprint:")?).ok()?;
        let role = if description::attribute(answer, "setup:")? == "active" { Role::Passive } else { Role::Active };
        Some(Shaking { leg, handshake: Handshake::new(identity, role, expected, Instant::now()) })
    }

    /// Moves on; true once there are keys.
    pub fn turn(&mut self, leg: &mut Leg, buffer: &mut [u8]) -> bool {
        let now = Instant::now();
        while let Some((length, _)) = arrival::receive(&leg.sock, buffer) {
            if (20..=63).contains(&buffer[0]) {
                self.handshake.handle_datagram(now, &buffer[..length]);
            }
        }
        self.handshake.handle_timeout(now);
        while let Some(datagram) = self.handshake.poll_transmit() {
            let _ = leg.sock.send_to(&datagram, leg.to);
        }
        match self.handshake.poll_event() {
            Some(Event::Keys { inbound, outbound }) => {
                leg.protect(&inbound, &outbound);
                true
            }
            Some(Event::Failed(why)) => panic!("handshake: {why}"),
            Some(Event::Closed) | None => false,
        }
    }
}

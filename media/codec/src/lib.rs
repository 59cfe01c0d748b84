//! Codecs of speech: what RTP's formats carry, made into samples and out of samples.
//!
//! [`Codec`] names one, [`Format`] is a codec with the parameters that a description gives it, [`Decoder`] and [`Encoder`] hold the
//! state of one stream. Samples are mono, 16 bits, at a rate that the codec can do ([`Codec::rate_near`]).

mod decoder;
mod encoder;
mod format;
mod g729;
mod opus;

pub use ::ilbc::Mode as IlbcMode;
pub use decoder::{Broken, Decoder};
pub use encoder::Encoder;
pub use format::{Format, Parameters};
pub use g729::{G729, G729Decoder, G729Encoder, Library};

/// A codec of speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus (RFC 6716, RFC 7587).
    Opus,
    /// GSM full rate (06.10).
    Gsm,
    /// iLBC (RFC 3951), in frames of 20 or 30 ms.
    Ilbc(IlbcMode),
    /// G.729 (annexes A and B), where the operator has installed a library for it.
    G729,
    /// Samples as they are, in network order, one channel (RFC 3551 §4.5.11).
    L16(Rate),
}

/// Samples a second of [`Codec::L16`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rate {
    /// 8,000
    Narrow,
    /// 16,000
    Wide,
    /// 44,100
    Disc,
    /// 48,000
    Full,
}

impl Rate {
    /// In samples a second.
    pub const fn hertz(self) -> u32 {
        match self {
            Rate::Narrow => 8000,
            Rate::Wide => 16_000,
            Rate::Disc => 44_100,
            Rate::Full => 48_000,
        }
    }
}

impl Codec {
    /// All, best first: what a leg is offered where nothing else is said.
    pub const ALL: [Codec; 11] = [
        Codec::Opus,
        Codec::G722,
        Codec::Pcma,
        Codec::Pcmu,
        Codec::G729,
        Codec::Ilbc(IlbcMode::Ms20),
        Codec::Gsm,
        Codec::L16(Rate::Wide),
        Codec::L16(Rate::Narrow),
        Codec::L16(Rate::Full),
        Codec::L16(Rate::Disc),
    ];

    /// Its name in a=rtpmap, with the clock and, where it says more than one, channels.
    pub const fn rtpmap(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU/8000",
            Codec::Pcma => "PCMA/8000",
            Codec::G722 => "G722/8000",
            Codec::Opus => "opus/48000/2",
            Codec::G729 => "G729/8000",
            Codec::Gsm => "GSM/8000",
            Codec::Ilbc(_) => "iLBC/8000",
            Codec::L16(Rate::Narrow) => "L16/8000",
            Codec::L16(Rate::Wide) => "L16/16000",
            Codec::L16(Rate::Disc) => "L16/44100",
            Codec::L16(Rate::Full) => "L16/48000",
        }
    }

    /// Its name as configuration and people write it: `PCMU`, `opus`.
    pub fn name(self) -> &'static str {
        self.rtpmap().split('/').next().unwrap_or_default()
    }

    /// Ticks of its RTP timestamp a second.
    pub const fn clock(self) -> u32 {
        match self {
            // G.722's clock is 8000 by a mistake that became the rule (RFC 3551 §4.5.2).
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::G729 | Codec::Gsm | Codec::Ilbc(_) => 8000,
            Codec::Opus => 48_000,
            Codec::L16(rate) => rate.hertz(),
        }
    }

    /// The payload type that RFC 3551 gives it; `None`: a dynamic one.
    pub const fn fixed_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Gsm => Some(3),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::L16(Rate::Disc) => Some(11),
            Codec::G729 => Some(18),
            Codec::Opus | Codec::Ilbc(_) | Codec::L16(Rate::Narrow | Rate::Wide | Rate::Full) => None,
        }
    }

    /// Samples a second of the sound that it carries, at most.
    pub const fn rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G729 | Codec::Gsm | Codec::Ilbc(_) => 8000,
            Codec::G722 => 16_000,
            Codec::Opus => 48_000,
            Codec::L16(rate) => rate.hertz(),
        }
    }

    /// The rate at which it is cheapest to take its samples, or to give it samples, for one who works at `rate`: whatever lies above
    /// is not computed.
    pub const fn rate_near(self, rate: u32) -> u32 {
        match (self, rate) {
            (Codec::G722, ..=8000) | (Codec::Opus, ..=8000) => 8000,
            (Codec::Opus, ..=16_000) => 16_000,
            (_, _) => self.rate(),
        }
    }

    /// Milliseconds of sound in a packet, as near to `wanted` as the codec can, from 10 to 60.
    pub fn packet_time(self, wanted: u16) -> u16 {
        let wanted = wanted.clamp(10, 60);
        match self {
            Codec::Opus => [10, 20, 40, 60].into_iter().rev().find(|time| *time <= wanted).unwrap_or(20),
            Codec::Gsm | Codec::Ilbc(IlbcMode::Ms20) => (wanted / 20).max(1) * 20,
            Codec::Ilbc(IlbcMode::Ms30) => (wanted / 30).max(1) * 30,
            // A packet of more would not fit into an Ethernet frame.
            Codec::L16(Rate::Disc | Rate::Full) => 10,
            Codec::L16(Rate::Wide) => wanted.min(40) / 10 * 10,
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::G729 | Codec::L16(Rate::Narrow) => wanted / 10 * 10,
        }
    }
}

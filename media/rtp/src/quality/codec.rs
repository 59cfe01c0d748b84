//! What codecs do to speech by themselves, and how well they bear loss.

use std::time::Duration;

/// A codec, as far as quality goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// PCMU and PCMA.
    G711,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus.
    Opus,
    /// GSM full rate (06.10).
    Gsm,
    /// GSM enhanced full rate.
    GsmEfr,
    /// G.723.1.
    G723,
    /// G.729, with or without its annexes.
    G729,
    /// iLBC.
    Ilbc,
    /// Any other that carries sound.
    Other,
}

/// The E-model's parameters of a codec.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impairment {
    /// Equipment impairment factor without loss, on the scale of R.
    pub ie: f64,
    /// Packet-loss robustness factor, in percent.
    pub bpl: f64,
    /// What the coder must hear beyond its frame.
    pub look_ahead: Duration,
}

impl Codec {
    /// By its name in a=rtpmap, whatever the case; `None` for what goes along with a codec and has no sound of its own.
    pub fn of_name(name: &str) -> Option<Codec> {
        let is = |other: &&str| name.eq_ignore_ascii_case(other);
        if COMPANIONS.iter().any(is) {
            return None;
        }
        Some(NAMES.iter().find(|(other, _)| is(other)).map_or(Codec::Other, |(_, codec)| *codec))
    }

    /// Its parameters.
    ///
    /// Ie and Bpl of G.711, G.723.1, G.729A and GSM-EFR, and Ie of GSM and iLBC, are those of ITU-T G.113 Appendix I, with the
    /// decoder's packet loss concealment. Bpl of GSM and iLBC are approximations.
    ///
    /// G.107 is about telephone bandwidth. Wideband codecs are approximated on its scale: without loss as good as G.711, so
    /// that nothing is gained by the wider band; under loss G.722 like G.711, Opus somewhat weaker, since it is seldom used
    /// with its own error correction. A codec that is not known counts as G.711.
    pub const fn impairment(self) -> Impairment {
        let (ie, bpl, look_ahead) = match self {
            Codec::G711 | Codec::Other => (0.0, 25.1, 0),
            Codec::G722 => (0.0, 25.1, 2),
            Codec::Opus => (0.0, 20.0, 7),
            Codec::Gsm => (20.0, 43.0, 0),
            Codec::GsmEfr => (5.0, 10.0, 0),
            Codec::G723 => (15.0, 16.1, 8),
            Codec::G729 => (11.0, 19.0, 5),
            Codec::Ilbc => (11.0, 32.0, 0),
        };
        Impairment { ie, bpl, look_ahead: Duration::from_millis(look_ahead) }
    }
}

/// The codecs of a stream's payload types, for one who looks at its packets. Without a description those of RFC 3551.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codecs {
    fixed: bool,
    /// Of the types 96 to 127.
    dynamic: [Option<Codec>; 32],
}

impl Codecs {
    /// Of a stream that is no speech: nothing in it is rated.
    pub const NONE: Codecs = Codecs { fixed: false, dynamic: [None; 32] };

    /// What a payload type carries; `None`: no sound, or nothing known.
    pub fn of(&self, payload_type: u8) -> Option<Codec> {
        match payload_type {
            96..=127 => self.dynamic[usize::from(payload_type - 96)],
            _ if !self.fixed => None,
            0 | 8 => Some(Codec::G711),
            3 => Some(Codec::Gsm),
            4 => Some(Codec::G723),
            9 => Some(Codec::G722),
            18 => Some(Codec::G729),
            // RFC 3551 table 4: DVI4, LPC, L16, QCELP, MPA, G728; 13 and 19 are comfort noise.
            5..=7 | 10..=12 | 14..=17 => Some(Codec::Other),
            _ => None,
        }
    }
}

impl Default for Codecs {
    fn default() -> Codecs {
        Codecs { fixed: true, ..Codecs::NONE }
    }
}

/// From payload types and the names of a=rtpmap.
impl<'a> FromIterator<(u8, &'a str)> for Codecs {
    fn from_iter<T: IntoIterator<Item = (u8, &'a str)>>(formats: T) -> Codecs {
        let mut codecs = Codecs::default();
        for (payload_type, name) in formats {
            let place = payload_type.checked_sub(96).and_then(|at| codecs.dynamic.get_mut(usize::from(at)));
            if let Some(place) = place {
                *place = Codec::of_name(name);
            }
        }
        codecs
    }
}

const NAMES: [(&str, Codec); 10] = [
    ("PCMU", Codec::G711),
    ("PCMA", Codec::G711),
    ("G722", Codec::G722),
    ("opus", Codec::Opus),
    ("GSM", Codec::Gsm),
    ("GSM-EFR", Codec::GsmEfr),
    ("G723", Codec::G723),
    ("G729", Codec::G729),
    ("G729D", Codec::G729),
    ("iLBC", Codec::Ilbc),
];

/// Events, comfort noise, redundancy, retransmission, error correction.
const COMPANIONS: [&str; 8] = ["telephone-event", "tone", "CN", "red", "rtx", "ulpfec", "flexfec-03", "parityfec"];

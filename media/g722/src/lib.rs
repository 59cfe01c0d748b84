//! ITU-T G.722 at 64 kbit/s: 7 kHz of sound in the bits of G.711 (RFC 3551 §4.5.2).
//!
//! Two bands of 8000 samples a second each, the lower in six bits a sample and the higher in two, are split and joined by
//! a filter bank. Who works at 8000 samples a second talks to the lower band alone ([`Band::Narrow`]): no filter bank and
//! half the work, and the far end, which knows nothing of it, hears or sends 7 kHz as ever.
//!
//! The arithmetic is the Recommendation's, bit for bit; its blocks (BLOCK 1L to 4H, SELECTA to ACCUMD) give the names.

mod decoder;
mod encoder;
mod high;
mod low;
mod predictor;
mod qmf;
mod scale;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// What the samples beside the codes are; the codes are the same, 8000 octets a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// 8000 samples a second, one to an octet: the lower band, up to 4 kHz.
    Narrow,
    /// 16,000 samples a second, two to an octet: both bands, up to 8 kHz.
    Wide,
}

/// Octets that are worked on at once: 10 ms.
const BLOCK: usize = 80;

/// To 16 bits, as the Recommendation's additions end.
fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// Block LIMIT: to the 15 bits that a band has between the filter bank and its coder (G.722 §5 and §6).
fn limit(value: i32) -> i32 {
    value.clamp(-16384, 16383)
}

//! GSM 06.10 full rate (ETSI EN 300 961), RTP payload type 3: 20 ms of 8 kHz sound in 33 bytes.
//!
//! The arithmetic is the specification's, bit for bit. [`Encoder::encode`] reads as the signal flows: `preprocess`, `lpc`,
//! `short_term`, then for each quarter `long_term` and `rpe`; [`Decoder::decode`] goes back. Section numbers in this crate
//! are those of GSM 06.10.

mod arithmetic;
mod decoder;
mod encoder;
mod frame;
mod lar;
mod long_term;
mod lpc;
mod muting;
mod preprocess;
mod rpe;
mod short_term;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use frame::BadFrame;

/// Bytes of one frame (RFC 3551 §4.5.8); a packet may carry several, one after the other.
pub const FRAME_BYTES: usize = 33;

/// Samples of one frame, at 8 kHz: 20 ms.
pub const FRAME_SAMPLES: usize = 160;

/// Samples of a quarter of a frame, which has its own lag, gain and excitation.
const QUARTER: usize = 40;

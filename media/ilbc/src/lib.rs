//! iLBC speech at 8 kHz (RFC 3951; its RTP payload is RFC 3952): a frame is one packet's worth of bits that needs no
//! other frame to be decoded well.
//!
//! A frame holds a *start state*, the two sub-blocks with the most energy, quantised sample by sample, from which the
//! rest of the excitation is predicted outwards in both directions by an adaptive codebook. The stages, in the order of
//! a frame's way through the encoder: `lpc` and `lsf` find and quantise the spectral envelope, `state` places
//! and quantises the start state, `codebook` codes the sub-blocks that `excitation` lays out, `bits` packs
//! the indices. The decoder goes back the same way, then the gaps are filled (`conceal`) and the whole is made
//! more periodic (`enhance`).

mod bits;
mod codebook;
mod conceal;
mod decoder;
mod encoder;
mod enhance;
mod excitation;
mod filter;
mod lpc;
mod lsf;
mod mode;
mod state;

pub use decoder::{BadFrame, Decoder};
pub use encoder::Encoder;
pub use mode::Mode;

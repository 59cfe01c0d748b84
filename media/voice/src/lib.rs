//! The way of sound that is looked into: an [`Ear`] makes samples out of the packets of a phone, a `Mouth` makes packets for one
//! out of samples.
//!
//! Both are driven by whoever keeps the time: packets go into an ear as they come, and blocks of 10 or 20 ms are drawn from it and
//! given to a mouth, at a rate that both sides of a bridge share.

mod ear;
mod keys;
mod mouth;

pub use ear::{Ear, Heard, Settings, Statistics};
pub use keys::Telling;
pub use mouth::Mouth;

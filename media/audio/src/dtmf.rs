//! Keys as sound in the band (ITU-T Q.23): heard, and made.

mod bank;
mod detector;
mod sounder;

pub use detector::{Detector, Heard};
pub use sounder::Sounder;

/// Of the lower group and of the higher one, in Hz.
pub(crate) const HERTZ: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];
/// The key of each pair, row by row of the lower group.
pub(crate) const KEYS: [u8; 16] = *b"123A456B789C*0#D";

#[cfg(test)]
mod tests;

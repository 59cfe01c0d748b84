//! Sound: G.711, tones and those of each country, keys heard and made, levels, WAV files, resampling, and prompts ready to be
//! sent.
//!
//! Levels are in dBm0 as G.711 counts them: a sine at full scale has [`FULL_SCALE`].

mod chime;
mod cues;
pub mod dtmf;
mod g711;
mod level;
mod music;
mod prompt;
mod resample;
mod tone;
pub mod tones;
mod wav;

pub use g711::Law;
pub use level::{goertzel, level};
pub use prompt::{Ends, FRAME, Frames, Prompt};
pub use resample::{Resampler, resample};
pub use tone::{Phase, Signal, Sine, Tone};
pub use tones::Tones;
pub use wav::{Wav, WavError};

/// Samples a second of telephone sound.
pub const RATE: u32 = 8000;

/// Level of the loudest sine without clipping, in dBm0 (G.711 §5, µ-law; A-law's is 3.14).
pub const FULL_SCALE: f64 = 3.17;

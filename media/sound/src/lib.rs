//! Files of sound become prompts: WAV, MP3, Ogg with Opus or Vorbis, and the raw files that Asterisk keeps its sounds in.
//!
//! A file tells by its content what it is; only raw ones, which are nothing but samples, tell it by their name.

mod kind;
mod mp3;
mod ogg;
mod opus;
mod pcm;
mod raw;
mod vorbis;

pub use kind::{EXTENSIONS, Kind, Raw};
pub use mp3::Mp3Error;
pub use ogg::OggError;
pub use opus::OpusError;
pub use vorbis::VorbisError;

use audio::{Ends, Prompt, Wav, WavError, resample};
use pcm::Pcm;
use std::time::Duration;

/// The longest sound that is read.
pub const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Reads a file whose name ends in `extension`, without the dot, in either case. All channels are mixed into one.
///
/// Sounds longer than two minutes are kept at 16 kHz at most, since they are music to wait by.
pub fn decode(content: &[u8], extension: &str) -> Result<Prompt, SoundError> {
    let Pcm { rate, samples, .. } = match Kind::of(content, extension)? {
        Kind::Wav => {
            let Wav { rate, samples } = Wav::parse(content)?;
            Pcm::new(rate).with(&samples, 1)?
        }
        Kind::Mp3 => mp3::decode(content)?,
        Kind::Opus => opus::decode(content)?,
        Kind::Vorbis => vorbis::decode(content)?,
        Kind::Raw(raw) => raw::decode(raw, content)?,
    };
    if samples.is_empty() {
        return Err(SoundError::Empty);
    }
    if is_too_long_for_full_band(samples.len(), rate) {
        return Ok(Prompt::at_rate(resample(&samples, rate, WIDE), WIDE, Ends::Silence));
    }
    Ok(Prompt::at_rate(samples, rate, Ends::Silence))
}

fn is_too_long_for_full_band(samples: usize, rate: u32) -> bool {
    rate > WIDE && samples as u64 > u64::from(rate) * FULL_BAND.as_secs()
}

/// Why a file is not played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    /// Neither content nor name tells of anything that is read.
    #[error(
        "not a file of sound; WAV, MP3, Ogg with Opus or Vorbis, and raw .ulaw .alaw .gsm .g722 .sln .sln16 are read"
    )]
    Unknown,
    /// A known kind that is not read.
    #[error("{0} is not read; make it WAV, Opus or MP3")]
    Foreign(&'static str),
    /// There is no sample in it.
    #[error("there is no sound in it")]
    Empty,
    /// Longer than [`LONGEST`].
    #[error("longer than {} minutes", LONGEST.as_secs() / 60)]
    TooLong,
    /// A rate that is not read.
    #[error("{0} samples a second; 1000 to {max} are read", max = Wav::MAX_RATE)]
    Rate(u32),
    /// A frame of GSM, counted from 0, without its signature.
    #[error("GSM: frame {0} is damaged")]
    Gsm(usize),
    /// A WAV file.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// An MP3 file.
    #[error("MP3: {0}")]
    Mp3(#[from] Mp3Error),
    /// An Ogg file of whatever content.
    #[error("Ogg: {0}")]
    Ogg(#[from] OggError),
    /// Opus in an Ogg file.
    #[error("Opus: {0}")]
    Opus(#[from] OpusError),
    /// Vorbis in an Ogg file.
    #[error("Vorbis: {0}")]
    Vorbis(#[from] VorbisError),
}

/// What is longer loses what lies above 8 kHz: at 48 kHz, half an hour takes 170 MB.
const FULL_BAND: Duration = Duration::from_secs(120);
const WIDE: u32 = 16_000;

#[cfg(test)]
mod tests;

//! What the files of a recording are.

use serde::{Deserialize, Serialize};

/// The kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// PCM of 16 bits.
    Wav,
    /// Opus in Ogg (RFC 7845).
    Opus,
}

impl Form {
    /// The ending of a file's name, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Form::Wav => "wav",
            Form::Opus => "opus",
        }
    }
}

/// What becomes of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Each side is a channel.
    Stereo,
    /// Both sides added into one channel; what is too loud is clipped.
    Mixed,
}

impl Layout {
    /// Channels of a file.
    pub fn channels(self) -> u16 {
        match self {
            Layout::Stereo => 2,
            Layout::Mixed => 1,
        }
    }
}

/// Samples a second of each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum Rate {
    /// 8 kHz, that of G.711.
    Narrow,
    /// 16 kHz, that of G.722.
    Wide,
}

impl Rate {
    /// Samples a second.
    pub fn hz(self) -> u32 {
        match self {
            Rate::Narrow => 8_000,
            Rate::Wide => 16_000,
        }
    }
}

impl TryFrom<u32> for Rate {
    type Error = RateError;
    fn try_from(hz: u32) -> Result<Rate, RateError> {
        match hz {
            8_000 => Ok(Rate::Narrow),
            16_000 => Ok(Rate::Wide),
            _ => Err(RateError(hz)),
        }
    }
}

impl From<Rate> for u32 {
    fn from(rate: Rate) -> u32 {
        rate.hz()
    }
}

/// So many samples a second are not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} samples a second; 8000 and 16000 are recorded")]
pub struct RateError(pub u32);

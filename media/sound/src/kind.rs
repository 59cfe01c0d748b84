//! What a file is.

use crate::SoundError;
use crate::ogg::{self, Head};
use audio::Law;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RIFF WAVE.
    Wav,
    /// MPEG audio of layers 1 to 3.
    Mp3,
    /// Opus in Ogg (RFC 7845).
    Opus,
    /// Vorbis in Ogg.
    Vorbis,
    /// Samples and nothing else.
    Raw(Raw),
}

/// The coding of a raw file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// G.711 at 8 kHz.
    Law(Law),
    /// G.722 at 64 kbit/s.
    G722,
    /// GSM full rate, 33 bytes for 20 ms.
    Gsm,
    /// Signed, 16 bits, little-endian, at so many Hz.
    Linear(u32),
}

/// The extensions of files that are read, in the order in which one of several files of a name is taken: what loses
/// nothing first, then by how much it keeps.
pub const EXTENSIONS: [&str; 24] = [
    "wav", "sln192", "sln96", "sln48", "sln44", "sln32", "sln24", "sln16", "opus", "ogg", "oga", "mp3", "g722",
    "sln12", "sln", "raw", "ulaw", "ul", "mulaw", "pcmu", "alaw", "al", "pcma", "gsm",
];

impl Kind {
    /// By the content, or else by the extension, in either case.
    pub fn of(content: &[u8], extension: &str) -> Result<Kind, SoundError> {
        match content {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => return Ok(Kind::Wav),
            [b'O', b'g', b'g', b'S', ..] => {
                return match ogg::head(content)? {
                    Head::Opus => Ok(Kind::Opus),
                    Head::Vorbis => Ok(Kind::Vorbis),
                    Head::Other => Err(SoundError::Foreign("Ogg with neither Opus nor Vorbis")),
                };
            }
            [b'I', b'D', b'3', ..] => return Ok(Kind::Mp3),
            [b'f', b'L', b'a', b'C', ..] => return Err(SoundError::Foreign("FLAC")),
            [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', ..] => return Err(SoundError::Foreign("AIFF")),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => return Err(SoundError::Foreign("MPEG-4")),
            _ => {}
        }
        if let Some(raw) = Raw::of(extension) {
            return Ok(Kind::Raw(raw));
        }
        // Any two bytes of samples may look like the head of a frame, so that raw files must come before.
        if extension.eq_ignore_ascii_case("mp3") || nanomp3::detect(content) {
            return Ok(Kind::Mp3);
        }
        Err(SoundError::Unknown)
    }
}

impl Raw {
    fn of(extension: &str) -> Option<Raw> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "ulaw" | "ul" | "mulaw" | "pcmu" => Raw::Law(Law::Mu),
            "alaw" | "al" | "pcma" => Raw::Law(Law::A),
            "g722" => Raw::G722,
            "gsm" => Raw::Gsm,
            "sln" | "raw" => Raw::Linear(8000),
            "sln12" => Raw::Linear(12_000),
            "sln16" => Raw::Linear(16_000),
            "sln24" => Raw::Linear(24_000),
            "sln32" => Raw::Linear(32_000),
            "sln44" => Raw::Linear(44_100),
            "sln48" => Raw::Linear(48_000),
            "sln96" => Raw::Linear(96_000),
            "sln192" => Raw::Linear(192_000),
            _ => return None,
        })
    }
}

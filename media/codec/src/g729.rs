//! The seam to a library of G.729, which no crate may bring along for its licence: the shell loads it where it is installed.

use std::fmt;
use std::sync::Arc;

/// Codecs that are there beside our own.
#[derive(Clone, Default)]
pub struct Library {
    g729: Option<Arc<dyn G729>>,
}

/// A library of G.729.
pub trait G729: Send + Sync {
    /// For one stream that is said; with `annex_b`, silence is described instead of coded.
    fn encoder(&self, annex_b: bool) -> Box<dyn G729Encoder>;

    /// For one stream that is heard.
    fn decoder(&self) -> Box<dyn G729Decoder>;
}

/// The state of one stream that is said.
pub trait G729Encoder: Send {
    /// 10 ms of sound; returns the bytes of the frame: 10 of speech, 2 that describe silence, 0 of silence as before.
    fn encode(&mut self, samples: &[i16; 80], frame: &mut [u8; 10]) -> usize;
}

/// The state of one stream that is heard.
pub trait G729Decoder: Send {
    /// A frame of 10 bytes, or of 2 that describe silence.
    fn decode(&mut self, frame: &[u8]) -> [i16; 80];

    /// 10 ms in the place of a frame that was lost.
    fn conceal(&mut self) -> [i16; 80];
}

impl Library {
    /// With a library of G.729.
    pub fn with_g729(g729: Arc<dyn G729>) -> Library {
        Library { g729: Some(g729) }
    }

    /// Whether a codec can be used.
    pub fn has(&self, codec: crate::Codec) -> bool {
        codec != crate::Codec::G729 || self.g729.is_some()
    }

    pub(crate) fn g729(&self) -> Option<&dyn G729> {
        self.g729.as_deref()
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("g729", &self.g729.is_some()).finish()
    }
}

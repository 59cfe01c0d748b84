//! Session descriptions (RFC 8866) as a relay between two phones needs them: read in place, changed only where an
//! address or a port stands, everything else passed on byte for byte.
//!
//! [`Sdp`] is what was received, [`Rewrite`] what the other phone is told, [`service`] the answers that the exchange
//! gives itself, [`offer_answer`] the rules of RFC 3264 between an offer and its answer, [`mod@crypto`] the keys for
//! SRTP.

pub mod crypto;
mod description;
mod error;
mod format;
mod formats;
mod line;
mod media;
pub mod offer_answer;
mod rewrite;
pub mod service;
#[cfg(test)]
mod vectors;

pub use crypto::{Crypto, InlineKey};
pub use description::{Address, OriginLine, Sdp};
pub use error::SdpError;
pub use format::{Clocks, Format};
pub use formats::{Formats, ListedFormat, NewFormat};
pub use media::{Direction, Kind, Media, Rtcp};
pub use rewrite::{MediaPort, Origin, Rewrite, Transport, rewrite};

/// Longest description read, in bytes.
pub const MAX_BYTES: usize = 65_535;
/// Most lines read in one description; a browser's offer of audio and video has about 200.
pub const MAX_LINES: usize = 2_000;
/// Most m= lines read in one description.
pub const MAX_MEDIA: usize = 32;

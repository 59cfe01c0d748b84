//! Why a description was not understood.

use crate::{MAX_BYTES, MAX_LINES, MAX_MEDIA};

/// What is wrong with a description. All of them are its sender's doing; line numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Past the limit on bytes.
    #[error("longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Past the limit on lines.
    #[error("more than {MAX_LINES} lines")]
    TooManyLines,
    /// Past the limit on streams.
    #[error("more than {MAX_MEDIA} m= lines")]
    TooManyMedia,
    /// Neither empty nor a letter, an equals sign and a value.
    #[error("line {0} is not of the form x=value")]
    NotALine(usize),
    /// The first line is not `v=0`.
    #[error("the first line is not v=0")]
    Version,
    /// No o= line before the first m= line.
    #[error("no o= line")]
    NoOrigin,
    /// An o= line without its six fields.
    #[error("line {0} is not an origin")]
    Origin(usize),
    /// A c= line without its three fields.
    #[error("line {0} is not a connection")]
    Connection(usize),
    /// An m= line without kind, port, protocol and format, or with a port past 65535.
    #[error("line {0} is not a media description")]
    Media(usize),
    /// A stream in use has no c= line and the session has none either.
    #[error("the media description in line {0} has no connection")]
    NoConnection(usize),
}

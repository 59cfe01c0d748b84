use super::{Message, Name};
use crate::headers::HeaderError;
use crate::uri::UriError;

/// Bytes that are no message that we may act on.
#[derive(Clone, Debug)]
pub struct Rejected<'a> {
    /// The first fault found.
    pub why: ParseError,
    /// What answers a request with this fault: 400, 413, 414 or 505. A response with a fault is dropped.
    pub status: u16,
    /// What could be read, present when it suffices to answer: Via, From, To, Call-ID and CSeq are there, though perhaps
    /// malformed; it has no body. The answer goes to where the request came from. An ACK gets none.
    pub partial: Option<Box<Message<'a>>>,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No byte but line ends.
    #[error("empty message")]
    Empty,
    /// More than [`super::MAX_MESSAGE`] bytes.
    #[error("message too long")]
    TooLong,
    /// More than [`super::MAX_LINES`] header lines.
    #[error("too many header lines")]
    TooManyLines,
    /// A header line, with its continuation lines, of more than [`super::MAX_LINE`] bytes.
    #[error("header line too long")]
    LineTooLong,
    /// The empty line after the headers is missing.
    #[error("no empty line after the headers")]
    Unterminated,
    /// CR without LF or LF without CR.
    #[error("a line does not end in CRLF")]
    LineEnd,
    /// Start line or headers are not UTF-8.
    #[error("head is not UTF-8")]
    NotUtf8,
    /// The start line is neither a request line nor a status line.
    #[error("malformed start line")]
    StartLine,
    /// A version other than SIP/2.0.
    #[error("unsupported version")]
    Version,
    /// A request URI of more than [`crate::uri::MAX_URI`] bytes.
    #[error("request URI too long")]
    UriTooLong,
    /// A request URI that is not well-formed.
    #[error("request URI: {0}")]
    Uri(#[from] UriError),
    /// A status code outside 100–699.
    #[error("status code out of range")]
    Status,
    /// A header line without a name or colon.
    #[error("malformed header line")]
    HeaderLine,
    /// A header that every message must have.
    #[error("{0} is missing")]
    Missing(Name),
    /// A header that may occur once only, twice.
    #[error("{0} occurs more than once")]
    Repeated(Name),
    /// A header whose value is not well-formed or out of range.
    #[error("{0}: {1}")]
    Header(Name, HeaderError),
    /// The method of CSeq is not the method of the start line.
    #[error("CSeq names another method")]
    MethodMismatch,
    /// Fewer bytes than Content-Length says.
    #[error("body shorter than Content-Length")]
    ShortBody,
}

impl ParseError {
    /// Status of the answer to a request with this fault.
    pub const fn status(self) -> u16 {
        match self {
            ParseError::Version => 505,
            ParseError::UriTooLong => 414,
            ParseError::TooLong => 413,
            ParseError::Empty
            | ParseError::TooManyLines
            | ParseError::LineTooLong
            | ParseError::Unterminated
            | ParseError::LineEnd
            | ParseError::NotUtf8
            | ParseError::StartLine
            | ParseError::Uri(_)
            | ParseError::Status
            | ParseError::HeaderLine
            | ParseError::Missing(_)
            | ParseError::Repeated(_)
            | ParseError::Header(..)
            | ParseError::MethodMismatch
            | ParseError::ShortBody => 400,
        }
    }
}

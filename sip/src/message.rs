//! A SIP message: one borrowed buffer and an index of its headers; nothing is copied, nothing allocated.

mod error;
mod method;
mod name;
mod parse;

use std::fmt;

use smallvec::SmallVec;

pub use error::{ParseError, Rejected};
pub use method::Method;
pub use name::Name;
pub(crate) use parse::content_length;

use crate::headers::{NameAddr, Split, Via, exact, number, split_values};

/// Longest message, in bytes.
pub const MAX_MESSAGE: usize = 65_535;
/// Most header lines of a message.
pub const MAX_LINES: usize = 128;
/// Longest header line with its continuation lines, in bytes.
pub const MAX_LINE: usize = 8192;

/// A parsed message. Parsing checks the start line, the six headers that every message has, and all limits;
/// other headers are checked when they are read.
#[derive(Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Start line and headers with the empty line.
    head: &'a str,
    start: Start,
    /// Of CSeq, for requests and responses.
    method: Method,
    cseq: u32,
    via: Via<'a>,
    from: NameAddr<'a>,
    to: NameAddr<'a>,
    /// Index of the first line of each name, or `NO_LINE`.
    first: [u8; Name::COUNT],
    slots: SmallVec<[Slot; 64]>,
}

#[derive(Clone, Copy)]
enum Start {
    Request { method_end: u16, uri_end: u16 },
    Response { status: u16, reason: u16, end: u16 },
}

/// Where a header line lies in the buffer; it ends where the next one starts.
#[derive(Clone, Copy)]
struct Slot {
    name: Name,
    name_len: u8,
    line: u16,
    value: u16,
    value_end: u16,
}

const NO_LINE: u8 = u8::MAX;

/// A header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Position among the header lines, from 0.
    pub index: usize,
    /// Its name.
    pub name: Name,
    /// The name as written.
    pub text: &'a str,
    /// The value without surrounding spaces; folding inside stays as it is.
    pub value: &'a str,
}

impl<'a> Message<'a> {
    /// A datagram or a frame: bytes after Content-Length are ignored; without Content-Length the body is the rest.
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, Rejected<'a>> {
        parse::message(bytes)
    }

    /// The message as it was received, without line ends before it and without what follows its body.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Request or response.
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// Status code of a response, 100–699.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// Reason phrase of a response; may be empty.
    pub fn reason(&self) -> &'a str {
        match self.start {
            Start::Request { .. } => "",
            Start::Response { reason, end, .. } => &self.head[reason as usize..end as usize],
        }
    }

    /// Of the start line of a request, of CSeq for a response.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as written.
    pub fn method_text(&self) -> &'a str {
        match self.start {
            Start::Request { method_end, .. } => &self.head[..method_end as usize],
            Start::Response { .. } => {
                let value = self.header(Name::CSeq).unwrap_or("");
                value.rsplit([' ', '\t', '\n']).next().unwrap_or("")
            }
        }
    }

    /// The request URI as written; `""` for a response.
    pub fn request_uri(&self) -> &'a str {
        match self.start {
            Start::Request { method_end, uri_end } => {
                self.head.get(method_end as usize + 1..uri_end as usize).unwrap_or("")
            }
            Start::Response { .. } => "",
        }
    }

    /// Value of the first line of this name.
    #[inline]
    pub fn header(&self, name: Name) -> Option<&'a str> {
        if name == Name::Other {
            return None;
        }
        let slot = self.slots.get(self.first[name as usize] as usize)?;
        Some(self.value(slot))
    }

    /// Value of the first header of this name as text, in any case; for names that [`Name`] does not have.
    pub fn named(&self, text: &str) -> Option<&'a str> {
        match Name::from_text(text) {
            Name::Other => self.lines().find(|line| line.text.eq_ignore_ascii_case(text)).map(|line| line.value),
            name => self.header(name),
        }
    }

    /// All header lines in their order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + Clone + use<'a, '_> {
        self.slots.iter().enumerate().map(|(index, slot)| Line {
            index,
            name: slot.name,
            text: self.name_text(slot),
            value: self.value(slot),
        })
    }

    /// Values of all lines of this name, one item a line.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &'a str> + Clone + use<'a, '_> {
        self.slots_of(name).map(|slot| self.value(slot))
    }

    /// Values of all lines of this name with their comma lists split. Not for authentication headers, Date and Call-ID,
    /// whose commas do not separate values.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &'a str> + Clone + use<'a, '_> {
        self.all(name).flat_map(split_values as fn(&'a str) -> Split<'a>)
    }

    /// Call-ID; compared with its case.
    pub fn call_id(&self) -> &'a str {
        self.header(Name::CallId).unwrap_or("")
    }

    /// Sequence number of CSeq, below 2^31.
    pub fn cseq(&self) -> u32 {
        self.cseq
    }

    /// From; empty in a partial message where it is malformed.
    pub fn from(&self) -> NameAddr<'a> {
        self.from
    }

    /// To; empty in a partial message where it is malformed.
    pub fn to(&self) -> NameAddr<'a> {
        self.to
    }

    /// Tag of From; an element of RFC 2543 may have none.
    pub fn from_tag(&self) -> Option<&'a str> {
        self.from.tag()
    }

    /// Tag of To.
    pub fn to_tag(&self) -> Option<&'a str> {
        self.to.tag()
    }

    /// The topmost Via; empty in a partial message where it is malformed.
    pub fn via(&self) -> Via<'a> {
        self.via
    }

    /// Max-Forwards, if the message has one.
    pub fn max_forwards(&self) -> Option<u8> {
        exact(self.header(Name::MaxForwards)?).ok()
    }

    /// The number that a value consists of or begins with, as in Expires, Min-SE, Session-Expires, RSeq, Retry-After.
    /// None where it is absent or malformed; what exceeds 32 bits counts as `u32::MAX` (RFC 3261 §20.19).
    pub fn number(&self, name: Name) -> Option<u32> {
        let value = self.header(name)?;
        number(&value[..value.find([';', ' ', '\t', '\r', '(']).unwrap_or(value.len())])
    }

    /// The body, as long as Content-Length says.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[self.head.len().min(self.bytes.len())..]
    }

    /// Whether a list of option tags, as in Require or Supported, has this one, in any case.
    pub fn has_option(&self, name: Name, option: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(option))
    }

    fn slots_of(&self, name: Name) -> impl Iterator<Item = &Slot> + Clone + use<'a, '_> {
        let first = if name == Name::Other { 0 } else { self.first[name as usize] as usize };
        self.slots.get(first..).unwrap_or(&[]).iter().filter(move |slot| slot.name == name)
    }

    fn name_text(&self, slot: &Slot) -> &'a str {
        &self.head[slot.line as usize..slot.line as usize + slot.name_len as usize]
    }

    #[inline]
    fn value(&self, slot: &Slot) -> &'a str {
        &self.head[slot.value as usize..slot.value_end as usize]
    }

    /// Indexes of the lines of this name.
    pub(crate) fn indexes_of(&self, name: Name) -> impl Iterator<Item = usize> + use<'_, 'a> {
        let first = if name == Name::Other { 0 } else { self.first[name as usize] as usize };
        (first..self.slots.len()).filter(move |index| self.slots[*index].name == name)
    }

    /// Value of header line `index`.
    pub(crate) fn value_of(&self, index: usize) -> &'a str {
        self.value(&self.slots[index])
    }

    /// Bytes of header line `index` with its CRLF.
    pub(crate) fn line_range(&self, index: usize) -> Option<std::ops::Range<usize>> {
        let line = self.slots.get(index)?.line as usize;
        let end = self.slots.get(index + 1).map_or(self.headers_end(), |next| next.line as usize);
        Some(line..end)
    }

    /// Offset of the first header line.
    pub(crate) fn start_line_end(&self) -> usize {
        self.slots.first().map_or(self.headers_end(), |slot| slot.line as usize)
    }

    /// Offset of the empty line after the headers.
    pub(crate) fn headers_end(&self) -> usize {
        self.head.len().saturating_sub(2)
    }

    /// Start line and headers with the empty line.
    pub(crate) fn head(&self) -> &'a str {
        self.head
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("head", &self.head).field("body", &self.body().len()).finish()
    }
}

#[cfg(test)]
mod tests;

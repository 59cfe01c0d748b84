use smallvec::SmallVec;

use super::{MAX_LINE, MAX_LINES, MAX_MESSAGE, Message, Method, NO_LINE, Name, ParseError, Rejected, Slot, Start};
use crate::chars::{TOKEN, is_token, spaces, without_end_spaces};
use crate::headers::{HeaderError, NameAddr, Via, exact};
use crate::uri::{MAX_URI, Uri, UriError};

/// Reads as far as it can, remembers the first fault, and gives what it read with it.
pub(super) fn message(bytes: &[u8]) -> Result<Message<'_>, Rejected<'_>> {
    let blank = bytes.iter().position(|c| !matches!(c, b'\r' | b'\n')).unwrap_or(bytes.len());
    let bytes = &bytes[blank..];
    let mut message = Message {
        bytes: &bytes[..bytes.len().min(MAX_MESSAGE)],
        head: "",
        start: Start::Request { method_end: 0, uri_end: 0 },
        method: Method::Other,
        cseq: 0,
        via: Via::default(),
        from: NameAddr::default(),
        to: NameAddr::default(),
        first: [NO_LINE; Name::COUNT],
        slots: SmallVec::new(),
    };
    let is_all = if bytes.len() > MAX_MESSAGE { Err(ParseError::TooLong) } else { Ok(()) };
    let (start_end, lines) = message.scan();
    let start = message.start_line(start_end);
    let headers = message.headers();
    let body = message.cut_body();
    match is_all.and(lines).and(start).and(headers).and(body) {
        Ok(()) => Ok(message),
        Err(why) => Err(message.rejected(why)),
    }
}

impl<'a> Message<'a> {
    /// Finds the lines, sets head and slots. Gives the end of the start line, without its CRLF.
    fn scan(&mut self) -> (usize, Result<(), ParseError>) {
        let bytes = self.bytes;
        if bytes.is_empty() {
            return (0, Err(ParseError::Empty));
        }
        let start_end = match line_end(bytes, 0) {
            Ok(end) => end,
            Err(why) => return (0, Err(why)),
        };
        let mut at = start_end + 2;
        let mut repeated = Ok(());
        let mut lines = loop {
            if bytes[at..].starts_with(b"\r\n") {
                at += 2;
                break Ok(());
            }
            let slot = match header_line(bytes, at) {
                Ok((slot, end)) => {
                    at = end;
                    slot
                }
                Err(why) => break Err(why),
            };
            if self.slots.len() == MAX_LINES {
                break Err(ParseError::TooManyLines);
            }
            let first = &mut self.first[slot.name as usize];
            if *first == NO_LINE {
                *first = self.slots.len() as u8;
            } else if is_single(slot.name) {
                repeated = repeated.and(Err(ParseError::Repeated(slot.name)));
            }
            self.slots.push(slot);
        };
        lines = lines.and(repeated);
        match std::str::from_utf8(&bytes[..at]) {
            Ok(head) => self.head = head,
            Err(error) => {
                self.head = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("");
                self.keep_lines_before(error.valid_up_to());
                lines = lines.and(Err(ParseError::NotUtf8));
            }
        }
        (start_end.min(self.head.len()), lines)
    }

    fn keep_lines_before(&mut self, end: usize) {
        let count = self.slots.iter().take_while(|slot| slot.value_end as usize <= end).count();
        self.slots.truncate(count);
        for first in self.first.iter_mut().filter(|first| **first as usize >= count) {
            *first = NO_LINE;
        }
    }

    fn start_line(&mut self, end: usize) -> Result<(), ParseError> {
        let line = &self.head[..end];
        let first_end = memchr::memchr(b' ', line.as_bytes()).ok_or(ParseError::StartLine)?;
        let first = &line[..first_end];
        if first.len() >= 4 && first.as_bytes()[..4].eq_ignore_ascii_case(b"SIP/") {
            self.start = Start::Response { status: 0, reason: end as u16, end: end as u16 };
            version(first)?;
            let rest = &line[first_end + 1..];
            let code = &rest[..memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len())];
            let status = exact(code).ok().filter(|status| code.len() == 3 && (100..700).contains(status));
            let status = status.ok_or(ParseError::Status)?;
            self.start = Start::Response { status, reason: (first_end + 5).min(end) as u16, end: end as u16 };
            return Ok(());
        }
        let uri_end = memchr::memrchr(b' ', line.as_bytes()).filter(|at| *at > first_end).unwrap_or(first_end);
        self.method = Method::from_text(first);
        self.start = Start::Request { method_end: first_end as u16, uri_end: uri_end as u16 };
        if uri_end == first_end || !is_token(first) {
            return Err(ParseError::StartLine);
        }
        version(&line[uri_end + 1..])?;
        let uri = &line[first_end + 1..uri_end];
        if uri.len() > MAX_URI {
            return Err(ParseError::UriTooLong);
        }
        if Uri::parse(uri)?.headers.is_empty() { Ok(()) } else { Err(ParseError::Uri(UriError::Headers)) }
    }

    /// Reads each header even where another has a fault, so that a partial message has them.
    fn headers(&mut self) -> Result<(), ParseError> {
        let mut first = Ok(());
        let mut note = |name, fault| first = first.and(Err(ParseError::Header(name, fault)));
        match Via::parse_first(self.required(Name::Via)?) {
            Ok((via, _)) => self.via = via,
            Err(fault) => note(Name::Via, fault),
        }
        match NameAddr::parse(self.required(Name::From)?) {
            Ok(from) => self.from = from,
            Err(fault) => note(Name::From, fault),
        }
        match NameAddr::parse(self.required(Name::To)?) {
            Ok(to) => self.to = to,
            Err(fault) => note(Name::To, fault),
        }
        first.and(self.read_sequence())?;
        let call_id = self.required(Name::CallId)?;
        if call_id.is_empty() || memchr::memchr3(b' ', b'\t', b'\r', call_id.as_bytes()).is_some() {
            return Err(ParseError::Header(Name::CallId, HeaderError::Malformed));
        }
        if self.header(Name::MaxForwards).is_some() && self.max_forwards().is_none() {
            return Err(ParseError::Header(Name::MaxForwards, HeaderError::Number));
        }
        Ok(())
    }

    fn read_sequence(&mut self) -> Result<(), ParseError> {
        let malformed = in_header(Name::CSeq);
        let value = self.required(Name::CSeq)?;
        let (number, rest) = value.split_at(value.bytes().position(|c| !c.is_ascii_digit()).unwrap_or(value.len()));
        let (gap, method) = rest.split_at(spaces(rest.as_bytes()));
        if gap.is_empty() || !is_token(method) {
            return Err(malformed(HeaderError::Malformed));
        }
        let is_request = self.is_request();
        if !is_request {
            self.method = Method::from_text(method);
        }
        self.cseq =
            exact(number).ok().filter(|number: &u32| *number < 1 << 31).ok_or(malformed(HeaderError::Number))?;
        if is_request && method != self.method_text() { Err(ParseError::MethodMismatch) } else { Ok(()) }
    }

    /// Cuts the body at Content-Length.
    fn cut_body(&mut self) -> Result<(), ParseError> {
        let Some(value) = self.header(Name::ContentLength) else { return Ok(()) };
        let length: usize = exact(value).map_err(in_header(Name::ContentLength))?;
        self.bytes = self.bytes.get(..self.head.len().saturating_add(length)).ok_or(ParseError::ShortBody)?;
        Ok(())
    }

    fn required(&self, name: Name) -> Result<&'a str, ParseError> {
        self.header(name).ok_or(ParseError::Missing(name))
    }

    #[cold]
    fn rejected(mut self, why: ParseError) -> Rejected<'a> {
        let needed = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];
        let can_answer = needed.iter().all(|name| self.header(*name).is_some());
        self.bytes = self.head.as_bytes();
        Rejected { why, status: why.status(), partial: can_answer.then(|| Box::new(self)) }
    }
}

fn in_header(name: Name) -> impl Fn(HeaderError) -> ParseError {
    move |why| ParseError::Header(name, why)
}

/// Headers that a message has once only; two that differ mean two messages to two elements.
fn is_single(name: Name) -> bool {
    matches!(
        name,
        Name::CallId | Name::From | Name::To | Name::CSeq | Name::MaxForwards | Name::ContentLength | Name::ContentType
    )
}

fn version(text: &str) -> Result<(), ParseError> {
    if text == "SIP/2.0" || text.eq_ignore_ascii_case("SIP/2.0") {
        return Ok(());
    }
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let is_other = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/"))
        && text[4..].split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor));
    Err(if is_other { ParseError::Version } else { ParseError::StartLine })
}

/// Offset of the CRLF that ends the line.
#[inline]
fn line_end(bytes: &[u8], from: usize) -> Result<usize, ParseError> {
    let at = from + memchr::memchr2(b'\r', b'\n', &bytes[from..]).ok_or(ParseError::Unterminated)?;
    match bytes[at..] {
        [b'\r', b'\n', ..] => Ok(at),
        [b'\r'] => Err(ParseError::Unterminated),
        _ => Err(ParseError::LineEnd),
    }
}

/// Content-Length of a head that ends in an empty line; none where it is missing. Lines that are malformed are left to
/// [`message`].
pub(crate) fn content_length(head: &[u8]) -> Result<Option<usize>, ParseError> {
    let mut length = None;
    let mut at = line_end(head, 0).map_or(head.len(), |end| end + 2);
    while !head[at..].starts_with(b"\r\n") {
        let Ok((slot, next)) = header_line(head, at) else {
            match memchr::memchr(b'\n', &head[at..]) {
                Some(skip) => at += skip + 1,
                None => break,
            }
            continue;
        };
        if slot.name == Name::ContentLength {
            let value = std::str::from_utf8(&head[slot.value as usize..slot.value_end as usize]);
            let value =
                value.map_err(|_| ParseError::NotUtf8).and_then(|value| exact(value).map_err(in_header(slot.name)))?;
            if length.replace(value).is_some() {
                return Err(ParseError::Repeated(Name::ContentLength));
            }
        }
        at = next;
    }
    Ok(length)
}

/// The line at `line` with its continuation lines, and where the next one starts.
#[inline]
fn header_line(bytes: &[u8], line: usize) -> Result<(Slot, usize), ParseError> {
    let mut end = line_end(bytes, line)?;
    while let Some(b' ' | b'\t') = bytes.get(end + 2) {
        end = line_end(bytes, end + 2)?;
    }
    let text = &bytes[line..end];
    if text.len() > MAX_LINE {
        return Err(ParseError::LineTooLong);
    }
    let colon = memchr::memchr(b':', text).ok_or(ParseError::HeaderLine)?;
    let name_text = &text[..without_end_spaces(&text[..colon])];
    let name = Name::from_bytes(name_text);
    if name == Name::Other && (name_text.is_empty() || name_text.len() > u8::MAX as usize || !TOKEN.is_all(name_text)) {
        return Err(ParseError::HeaderLine);
    }
    let value = &text[colon + 1..];
    let value = &value[spaces(value)..];
    let value_start = end - value.len();
    let slot = Slot {
        name,
        name_len: name_text.len() as u8,
        line: line as u16,
        value: value_start as u16,
        value_end: (value_start + without_end_spaces(value)) as u16,
    };
    Ok((slot, end + 2))
}

use smallvec::SmallVec;

use super::{MAX_LINE, MAX_LINES, MAX_MESSAGE, Message, Method, NO_LINE, Name, ParseError, Rejected, Slot, Start};
use crate::chars::{TOKEN, is_space, is_token};
use crate::headers::{HeaderError, NameAddr, Via, exact, split_values};
use crate::uri::{MAX_URI, Uri};

/// Reads as far as it can, remembers the first fault, and gives what it read with it.
pub(super) fn message(bytes: &[u8]) -> Result<Message<'_>, Rejected<'_>> {
    let blank = bytes.iter().position(|c| !matches!(c, b'\r' | b'\n')).unwrap_or(bytes.len());
    let mut fault = None;
    let mut bytes = &bytes[blank..];
    if bytes.is_empty() {
        return Err(Rejected { why: ParseError::Empty, status: ParseError::Empty.status(), partial: None });
    }
    if bytes.len() > MAX_MESSAGE {
        fault = Some(ParseError::TooLong);
        bytes = &bytes[..MAX_MESSAGE];
    }
    let mut message = Message {
        bytes,
        head: "",
        start: Start::Request { method_end: 0, uri_end: 0 },
        method: Method::Other,
        cseq: 0,
        first: [NO_LINE; Name::COUNT],
        slots: SmallVec::new(),
    };
    let mut note = |result: Result<(), ParseError>| {
        if let Err(why) = result {
            fault.get_or_insert(why);
        }
    };
    let start_end = match message.scan() {
        Ok(start_end) => start_end,
        Err((why, start_end)) => {
            note(Err(why));
            start_end
        }
    };
    note(message.start_line(start_end));
    note(message.headers());
    note(message.length());
    match fault {
        None => Ok(message),
        Some(why) => {
            let can_answer = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];
            let can_answer =
                can_answer.iter().all(|name| message.header(*name).is_some()) && !message.via().text.is_empty();
            Err(Rejected { why, status: why.status(), partial: can_answer.then(|| Box::new(message)) })
        }
    }
}

impl<'a> Message<'a> {
    /// Finds the lines. Sets head and slots; gives the end of the start line, without its CRLF.
    fn scan(&mut self) -> Result<usize, (ParseError, usize)> {
        let bytes = self.bytes;
        let start_end = match line_end(bytes, 0) {
            Ok(end) => end,
            Err(why) => return Err((why, 0)),
        };
        let mut at = start_end + 2;
        let scanned = loop {
            if bytes[at..].starts_with(b"\r\n") {
                at += 2;
                break Ok(());
            }
            match header_line(bytes, at) {
                Ok(_) if self.slots.len() == MAX_LINES => break Err(ParseError::TooManyLines),
                Ok(slot) => {
                    let first = &mut self.first[slot.name as usize];
                    if *first == NO_LINE {
                        *first = self.slots.len() as u8;
                    }
                    self.slots.push(slot);
                    at = slot.end as usize;
                }
                Err(why) => break Err(why),
            }
        };
        let valid =
            std::str::from_utf8(&bytes[..at]).or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]));
        self.head = valid.unwrap_or("");
        if self.head.len() < at {
            let end = self.head.len();
            self.slots.retain(|slot| slot.end as usize <= end);
            self.first
                .iter_mut()
                .filter(|first| **first as usize >= self.slots.len())
                .for_each(|first| *first = NO_LINE);
            return Err((ParseError::NotUtf8, start_end.min(end)));
        }
        scanned.map(|()| start_end).map_err(|why| (why, start_end))
    }

    fn start_line(&mut self, end: usize) -> Result<(), ParseError> {
        let line = &self.head[..end];
        let (first, rest) = line.split_once(' ').ok_or(ParseError::StartLine)?;
        if first.len() >= 4 && first.as_bytes()[..4].eq_ignore_ascii_case(b"SIP/") {
            self.start = Start::Response { status: 0, reason: 0, end: 0 };
            version(first)?;
            let (code, _) = rest.split_once(' ').unwrap_or((rest, ""));
            let status = code.parse().ok().filter(|status| code.len() == 3 && (100..700).contains(status));
            let reason = (first.len() + 5).min(end) as u16;
            self.start = Start::Response { status: status.ok_or(ParseError::Status)?, reason, end: end as u16 };
            return Ok(());
        }
        if !is_token(first) {
            return Err(ParseError::StartLine);
        }
        self.method = Method::from_text(first);
        self.start = Start::Request { method_end: first.len() as u16, uri_end: first.len() as u16 };
        let (uri, last) = rest.rsplit_once(' ').ok_or(ParseError::StartLine)?;
        self.start = Start::Request { method_end: first.len() as u16, uri_end: (first.len() + 1 + uri.len()) as u16 };
        version(last)?;
        if uri.len() > MAX_URI {
            return Err(ParseError::UriTooLong);
        }
        if !Uri::parse(uri)?.headers.is_empty() {
            return Err(ParseError::Uri(crate::uri::UriError::Headers));
        }
        Ok(())
    }

    fn headers(&mut self) -> Result<(), ParseError> {
        let sequence = self.sequence();
        for name in [Name::CallId, Name::From, Name::To, Name::CSeq, Name::MaxForwards, Name::ContentLength] {
            if self.slots_of(name).nth(1).is_some() {
                return Err(ParseError::Repeated(name));
            }
        }
        let via = split_values(self.required(Name::Via)?).next().ok_or(HeaderError::Empty);
        via.and_then(Via::parse).map_err(|why| ParseError::Header(Name::Via, why))?;
        for name in [Name::From, Name::To] {
            NameAddr::parse(self.required(name)?).map_err(|why| ParseError::Header(name, why))?;
        }
        let call_id = self.required(Name::CallId)?;
        if call_id.is_empty() || call_id.bytes().any(is_space) {
            return Err(ParseError::Header(Name::CallId, HeaderError::Malformed));
        }
        if self.header(Name::MaxForwards).is_some() && self.max_forwards().is_none() {
            return Err(ParseError::Header(Name::MaxForwards, HeaderError::Number));
        }
        sequence
    }

    fn sequence(&mut self) -> Result<(), ParseError> {
        let value = self.required(Name::CSeq)?;
        let malformed = |why| ParseError::Header(Name::CSeq, why);
        let (number, method) =
            value.split_once(|c: char| c.is_ascii_whitespace()).ok_or(malformed(HeaderError::Malformed))?;
        let method = method.trim_ascii_start();
        self.cseq = exact(number).ok().filter(|number| *number < 1 << 31).ok_or(malformed(HeaderError::Number))?;
        if !is_token(method) {
            return Err(malformed(HeaderError::Malformed));
        }
        match self.start {
            Start::Request { .. } if method != self.method_text() => return Err(ParseError::MethodMismatch),
            Start::Request { .. } => {}
            Start::Response { .. } => self.method = Method::from_text(method),
        }
        Ok(())
    }

    /// Cuts the body at Content-Length.
    fn length(&mut self) -> Result<(), ParseError> {
        let Some(value) = self.header(Name::ContentLength) else { return Ok(()) };
        let length = exact(value).map_err(|why| ParseError::Header(Name::ContentLength, why))? as usize;
        let end = self.head.len() + length;
        self.bytes = self.bytes.get(..end).ok_or(ParseError::ShortBody)?;
        Ok(())
    }

    fn required(&self, name: Name) -> Result<&'a str, ParseError> {
        self.header(name).ok_or(ParseError::Missing(name))
    }
}

fn version(text: &str) -> Result<(), ParseError> {
    if text.eq_ignore_ascii_case("SIP/2.0") {
        return Ok(());
    }
    let is_other = text.len() > 4
        && text.as_bytes()[..4].eq_ignore_ascii_case(b"SIP/")
        && text[4..].split_once('.').is_some_and(|(major, minor)| {
            [major, minor].iter().all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()))
        });
    Err(if is_other { ParseError::Version } else { ParseError::StartLine })
}

/// Offset of the CRLF that ends the line.
fn line_end(bytes: &[u8], from: usize) -> Result<usize, ParseError> {
    let at = from + memchr::memchr2(b'\r', b'\n', &bytes[from..]).ok_or(ParseError::Unterminated)?;
    match bytes[at..] {
        [b'\r', b'\n', ..] => Ok(at),
        [b'\r'] => Err(ParseError::Unterminated),
        _ => Err(ParseError::LineEnd),
    }
}

/// The line at `line` with its continuation lines.
fn header_line(bytes: &[u8], line: usize) -> Result<Slot, ParseError> {
    let mut end = line_end(bytes, line)?;
    while let Some(b' ' | b'\t') = bytes.get(end + 2) {
        end = line_end(bytes, end + 2)?;
    }
    if end - line > MAX_LINE {
        return Err(ParseError::LineTooLong);
    }
    let text = &bytes[line..end];
    let name_len = text.iter().position(|&byte| !TOKEN.holds(byte)).ok_or(ParseError::HeaderLine)?;
    let mut colon = name_len;
    while text.get(colon).is_some_and(|&byte| byte == b' ' || byte == b'\t') {
        colon += 1;
    }
    if text.get(colon) != Some(&b':') || name_len == 0 || name_len > u8::MAX as usize {
        return Err(ParseError::HeaderLine);
    }
    let value = text[colon + 1..].trim_ascii_start();
    let value_start = end - value.len();
    Ok(Slot {
        name: Name::from_bytes(&text[..name_len]),
        name_len: name_len as u8,
        line: line as u16,
        value: value_start as u16,
        value_end: (value_start + value.trim_ascii_end().len()) as u16,
        end: (end + 2) as u16,
    })
}

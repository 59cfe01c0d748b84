//! Messages out of a byte stream (RFC 3261 §18.3, RFC 5626 §3.5.1).

use std::ops::Range;

use crate::message::{MAX_MESSAGE, content_length};

/// Longest start line and headers on a stream, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// Cuts a byte stream into messages and keep-alives, however the bytes arrive.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Where the next frame starts.
    start: usize,
    /// Bytes of the next frame that are known to hold no end of the head.
    searched: usize,
    /// Length of the next frame, once its head is complete.
    length: Option<usize>,
}

/// One element of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A whole message, with its body; not yet parsed.
    Message(&'a [u8]),
    /// CRLF CRLF: to be answered with CRLF.
    Ping,
    /// CRLF. Seen when the byte after it arrives, as it could be half a ping.
    Pong,
}

/// Why the stream cannot go on: where the next message starts is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More than [`MAX_HEAD`] bytes without an empty line.
    #[error("headers too long")]
    HeadTooLong,
    /// More than [`MAX_MESSAGE`] bytes.
    #[error("message too long")]
    TooLong,
    /// A Content-Length that is no number, or two of them.
    #[error("malformed Content-Length")]
    Length,
}

impl Framer {
    /// An empty stream.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, or none until more bytes are pushed. After an error the stream is to be closed; [`Framer::rest`]
    /// may still hold enough to answer.
    #[expect(clippy::should_implement_trait, reason = "a frame borrows the framer, which no Iterator can say")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        match self.advance()? {
            None => Ok(None),
            Some(Step::Ping) => Ok(Some(Frame::Ping)),
            Some(Step::Pong) => Ok(Some(Frame::Pong)),
            Some(Step::Message(range)) => Ok(Some(Frame::Message(&self.buffer[range]))),
        }
    }

    /// Bytes that are not part of a frame yet.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn advance(&mut self) -> Result<Option<Step>, FrameError> {
        if self.start == self.buffer.len() {
            // An idle connection keeps no buffer.
            (self.buffer, self.start) = (Vec::new(), 0);
            return Ok(None);
        }
        let rest = &self.buffer[self.start..];
        match rest {
            [b'\r', b'\n', b'\r', b'\n', ..] => {
                self.start += 4;
                return Ok(Some(Step::Ping));
            }
            [b'\r', b'\n', b'\r'] | [b'\r', b'\n'] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => {
                self.start += 2;
                return Ok(Some(Step::Pong));
            }
            _ => {}
        }
        let length = match self.length {
            Some(length) => length,
            None => match memchr::memmem::find(&rest[self.searched..], b"\r\n\r\n") {
                Some(at) if self.searched + at + 4 > MAX_HEAD => return Err(FrameError::HeadTooLong),
                Some(at) => {
                    let head = self.searched + at + 4;
                    let body = content_length(&rest[..head]).map_err(|_| FrameError::Length)?;
                    *self.length.insert(head.saturating_add(body.unwrap_or(0)))
                }
                None if rest.len() >= MAX_HEAD => return Err(FrameError::HeadTooLong),
                None => {
                    self.searched = rest.len().saturating_sub(3);
                    return Ok(None);
                }
            },
        };
        if length > MAX_MESSAGE {
            return Err(FrameError::TooLong);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let range = self.start..self.start + length;
        (self.start, self.searched, self.length) = (range.end, 0, None);
        Ok(Some(Step::Message(range)))
    }
}

enum Step {
    Message(Range<usize>),
    Ping,
    Pong,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"\r\n\r\nOPTIONS sip:a SIP/2.0\r\nl : 2\r\n\r\nhi\r\nBYE sip:a SIP/2.0\r\nContent-Length:0\r\n\r\n\r\n\r\n\r\nX";

    fn frames(framer: &mut Framer, into: &mut Vec<String>) {
        while let Some(frame) = framer.next().unwrap() {
            into.push(match frame {
                Frame::Message(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Frame::Ping => "ping".into(),
                Frame::Pong => "pong".into(),
            });
        }
    }

    #[test]
    fn any_split_gives_the_same_frames() {
        let mut whole = Vec::new();
        let mut framer = Framer::new();
        framer.push(STREAM);
        frames(&mut framer, &mut whole);
        let options = "OPTIONS sip:a SIP/2.0\r\nl : 2\r\n\r\nhi";
        assert_eq!(whole, ["ping", options, "pong", "BYE sip:a SIP/2.0\r\nContent-Length:0\r\n\r\n", "ping", "pong"]);
        for size in 1..STREAM.len() {
            let (mut split, mut framer) = (Vec::new(), Framer::new());
            for bytes in STREAM.chunks(size) {
                framer.push(bytes);
                frames(&mut framer, &mut split);
            }
            assert_eq!(split, whole, "{size}");
        }
    }

    #[test]
    fn what_has_no_end_is_refused() {
        let error = |bytes: &[u8]| {
            let mut framer = Framer::new();
            framer.push(bytes);
            framer.next().unwrap_err()
        };
        assert_eq!(error(&[b'x'; MAX_HEAD]), FrameError::HeadTooLong);
        assert_eq!(error(b"A\r\nl: 70000\r\n\r\n"), FrameError::TooLong);
        assert_eq!(error(b"A\r\nl: -1\r\n\r\n"), FrameError::Length);
        assert_eq!(error(b"A\r\nl: 1\r\nContent-Length: 2\r\n\r\n"), FrameError::Length);
    }
}

//! Changes to a message by splices: what is not touched is copied as it came.

mod text;

use std::fmt::Display;
use std::ops::Range;

use smallvec::SmallVec;

use crate::headers::split_values;
use crate::message::{Message, Name};
pub(crate) use text::write_value;
use text::{Piece, Scratch};

/// Changes to one message, written out in one pass.
///
/// Later changes see the effect of earlier ones of the same edit: popping twice pops two values, and `set` replaces
/// what an earlier `set` or `append` of the name gave.
pub struct Edit<'m> {
    message: &'m Message<'m>,
    splices: SmallVec<[Splice; 16]>,
    /// How many pieces were inserted so far.
    insertions: i16,
    scratch: Scratch,
    body: Option<&'m [u8]>,
}

/// Bytes `at..end` give way to `text`.
#[derive(Clone, Copy)]
struct Splice {
    /// Of an inserted line; `Other` for any other change.
    name: Name,
    at: u16,
    end: u16,
    /// Among insertions at the same place: smaller first.
    rank: i16,
    text: Piece,
}

impl Splice {
    fn range(&self) -> Range<usize> {
        self.at as usize..self.end as usize
    }
}

impl<'m> Edit<'m> {
    /// No changes yet.
    pub fn new(message: &'m Message<'m>) -> Edit<'m> {
        Edit { message, splices: SmallVec::new(), insertions: 0, scratch: Scratch::new(), body: None }
    }

    /// Replaces the request URI; nothing in a response.
    pub fn request_uri(&mut self, uri: impl Display) {
        let old = self.message.request_uri();
        if !old.is_empty() {
            self.replace(old, uri);
        }
    }

    /// A new line before all lines of its name.
    pub fn push_front(&mut self, name: Name, value: impl Display) {
        let at = self.first_line(name).map_or(self.message.start_line_end(), |range| range.start);
        let rank = -self.next_rank();
        self.insert_line(name, at, rank, value);
    }

    /// A new line after all others.
    pub fn append(&mut self, name: Name, value: impl Display) {
        let rank = self.next_rank();
        self.insert_line(name, self.message.headers_end(), rank, value);
    }

    /// Removes all lines of a name, also those that earlier changes added.
    pub fn remove(&mut self, name: Name) {
        self.splices.retain(|splice| splice.name != name || name == Name::Other);
        let message = self.message;
        for index in message.indexes_of(name) {
            self.remove_line(index);
        }
    }

    /// Removes one line of the message; the index is that of [`crate::message::Line`].
    pub fn remove_line(&mut self, index: usize) {
        if let Some(range) = self.message.line_range(index) {
            self.push(Name::Other, range, 0, Piece::EMPTY);
        }
    }

    /// Removes all lines of the message whose name begins so, in any case.
    pub fn remove_prefixed(&mut self, prefix: &str) {
        let message = self.message;
        let (head, prefix) = (message.head().as_bytes(), prefix.as_bytes());
        for (index, range) in (0..).map_while(|index| Some((index, message.line_range(index)?))) {
            if head[range].get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
                self.remove_line(index);
            }
        }
    }

    /// One line with this value in place of all lines of the name; at the end where there is none.
    pub fn set(&mut self, name: Name, value: impl Display) {
        self.remove(name);
        let at = self.first_line(name).map_or(self.message.headers_end(), |range| range.start);
        let rank = self.next_rank();
        self.insert_line(name, at, rank, value);
    }

    /// Another value for one line of the message.
    pub fn replace_line(&mut self, index: usize, value: impl Display) {
        if let Some(line) = self.message.lines().nth(index) {
            self.replace(line.value, value);
        }
    }

    /// Removes the first value of a name that is still there: a line, or one of its comma list. Lines that this edit
    /// inserted stay.
    pub fn pop_first_value(&mut self, name: Name) {
        let message = self.message;
        for index in message.indexes_of(name) {
            let value = message.value_of(index);
            let mut starts = split_values(value).map(|value| self.offset(value).start).peekable();
            while let Some(start) = starts.next() {
                if self.is_cut(start) {
                    continue;
                }
                match starts.peek().copied() {
                    Some(next) => self.push(Name::Other, start..next, 0, Piece::EMPTY),
                    None => self.remove_line(index),
                }
                return;
            }
        }
    }

    /// Other text for a part of the message's head, given as a slice of it, as the accessors return them. Of two
    /// replacements of one part the later wins.
    pub fn replace(&mut self, part: &'m str, text: impl Display) {
        let range = self.offset(part);
        self.splices.retain(|splice| range.is_empty() || splice.range() != range);
        let text = self.scratch.value(text);
        self.push(Name::Other, range, 0, text);
    }

    /// Text after a part of the message's head, given as a slice of it: a parameter after a Via, a tag after a To.
    pub fn insert_after(&mut self, part: &'m str, text: impl Display) {
        let end = self.offset(part).end;
        let text = self.scratch.value(text);
        let rank = self.next_rank();
        self.push(Name::Other, end..end, rank, text);
    }

    /// Another body with its Content-Type and Content-Length; an empty one has no type.
    pub fn body(&mut self, content_type: impl Display, body: &'m [u8]) {
        if body.is_empty() {
            self.remove(Name::ContentType);
        } else {
            self.set(Name::ContentType, content_type);
        }
        self.set(Name::ContentLength, body.len());
        self.body = Some(body);
    }

    /// Appends the changed message. It always has a Content-Length, so that it can go out on a stream.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        let body = self.body.unwrap_or(self.message.body());
        if self.body.is_none() && self.message.header(Name::ContentLength).is_none() {
            self.set(Name::ContentLength, body.len());
        }
        self.splices.sort_unstable_by_key(|splice| (splice.at, splice.end > splice.at, splice.rank));
        let head = self.message.head().as_bytes();
        out.reserve(head.len() + body.len() + self.scratch.len());
        let mut done = 0;
        for splice in &self.splices {
            let range = splice.range();
            if range.start >= done {
                out.extend_from_slice(&head[done..range.start]);
                out.extend_from_slice(self.scratch.get(splice.text));
            }
            done = done.max(range.end);
        }
        out.extend_from_slice(&head[done..]);
        out.extend_from_slice(body);
    }

    fn first_line(&self, name: Name) -> Option<Range<usize>> {
        self.message.line_range(self.message.indexes_of(name).next()?)
    }

    fn next_rank(&mut self) -> i16 {
        self.insertions += 1;
        self.insertions
    }

    fn insert_line(&mut self, name: Name, at: usize, rank: i16, value: impl Display) {
        let text = self.scratch.line(name, value);
        self.push(name, at..at, rank, text);
    }

    fn push(&mut self, name: Name, range: Range<usize>, rank: i16, text: Piece) {
        self.splices.push(Splice { name, at: range.start as u16, end: range.end as u16, rank, text });
    }

    fn is_cut(&self, at: usize) -> bool {
        self.splices.iter().any(|splice| splice.range().contains(&at))
    }

    /// Where a slice of the head lies in it.
    fn offset(&self, part: &str) -> Range<usize> {
        let head = self.message.head();
        let start = (part.as_ptr() as usize).wrapping_sub(head.as_ptr() as usize);
        assert!(start <= head.len() && part.len() <= head.len() - start, "the part is a slice of the edited message");
        start..start + part.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1;rport\r\n\
        Max-Forwards: 70\r\n\
        Route: <sip:one@x;lr>, <sip:two@x;lr>\r\n\
        Tandem-Target: echo\r\n\
        Route: <sip:three@x;lr>\r\n\
        From: <sip:alice@example.com>;tag=1\r\n\
        To: <sip:bob@example.com>\r\n\
        Call-ID: 1@a\r\n\
        CSeq: 1 INVITE\r\n\
        Tandem-Other: x\r\n\
        Content-Type: text/plain\r\n\
        Content-Length: 2\r\n\r\nhi";

    fn edited(change: impl FnOnce(&mut Edit<'_>)) -> String {
        let message = Message::parse(INVITE.as_bytes()).unwrap();
        let mut edit = Edit::new(&message);
        change(&mut edit);
        let mut out = Vec::new();
        edit.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_change_copies_the_message() {
        assert_eq!(edited(|_| ()), INVITE);
    }

    #[test]
    fn a_forwarded_request() {
        let out = edited(|edit| {
            edit.request_uri("sip:bob@192.0.2.1");
            edit.push_front(Name::Via, format_args!("SIP/2.0/{} p.example.com;branch=z9hG4bK2", "UDP"));
            edit.push_front(Name::RecordRoute, "<sip:first@p;lr>");
            edit.push_front(Name::RecordRoute, "<sip:top@p;lr>");
            edit.set(Name::MaxForwards, 69);
            edit.remove_prefixed("tandem-");
            edit.pop_first_value(Name::Route);
            edit.append(Name::PAssertedIdentity, "<sip:alice@example.com>");
        });
        let expected = INVITE
            .replace("INVITE sip:bob@example.com", "INVITE sip:bob@192.0.2.1")
            .replace(
                "Via: SIP/2.0/UDP a",
                "Record-Route: <sip:top@p;lr>\r\nRecord-Route: <sip:first@p;lr>\r\n\
                 Via: SIP/2.0/UDP p.example.com;branch=z9hG4bK2\r\nVia: SIP/2.0/UDP a",
            )
            .replace("Max-Forwards: 70", "Max-Forwards: 69")
            .replace("<sip:one@x;lr>, ", "")
            .replace("Tandem-Target: echo\r\n", "")
            .replace("Tandem-Other: x\r\n", "")
            .replace("Content-Length: 2\r\n", "Content-Length: 2\r\nP-Asserted-Identity: <sip:alice@example.com>\r\n");
        let routes = |text: &str| {
            let message = Message::parse(text.as_bytes()).unwrap();
            message.all(Name::RecordRoute).chain(message.all(Name::Via)).map(String::from).collect::<Vec<_>>()
        };
        assert_eq!(routes(&out), routes(&expected));
        assert_eq!(out.len(), expected.len());
    }

    #[test]
    fn values_pop_one_by_one_across_lines() {
        for (count, left) in [(1, vec!["two", "three"]), (2, vec!["three"]), (3, vec![]), (4, vec![])] {
            let out = edited(|edit| (0..count).for_each(|_| edit.pop_first_value(Name::Route)));
            let message = Message::parse(out.as_bytes()).unwrap();
            let users = message
                .values(Name::Route)
                .map(|text| crate::headers::NameAddr::parse(text).unwrap().uri().unwrap().user.unwrap());
            assert_eq!(users.collect::<Vec<_>>(), left);
        }
    }

    #[test]
    fn the_last_set_wins() {
        let out = edited(|edit| {
            edit.set(Name::MaxForwards, 1);
            edit.set(Name::MaxForwards, 2);
            edit.set(Name::Expires, 3);
            edit.set(Name::Expires, 4);
            edit.remove(Name::Route);
            edit.append(Name::Route, "<sip:new@x>");
        });
        let message = Message::parse(out.as_bytes()).unwrap();
        assert_eq!(message.max_forwards(), Some(2));
        assert_eq!(message.all(Name::Expires).collect::<Vec<_>>(), ["4"]);
        assert_eq!(message.all(Name::Route).collect::<Vec<_>>(), ["<sip:new@x>"]);
    }

    #[test]
    fn parts_are_replaced_and_extended_in_place() {
        let message = Message::parse(INVITE.as_bytes()).unwrap();
        let mut edit = Edit::new(&message);
        edit.insert_after(message.via().text, ";received=192.0.2.7");
        edit.insert_after(message.header(Name::To).unwrap(), ";tag=2");
        edit.replace_line(7, "1@b");
        edit.body("application/sdp", b"v=0");
        let mut out = Vec::new();
        edit.write(&mut out);
        let message = Message::parse(&out).unwrap();
        assert_eq!(
            (message.via().received, message.to_tag(), message.call_id()),
            (Some("192.0.2.7"), Some("2"), "1@b")
        );
        assert_eq!((message.header(Name::ContentType), message.body()), (Some("application/sdp"), &b"v=0"[..]));
    }

    #[test]
    fn a_value_cannot_add_a_header() {
        let out = edited(|edit| edit.set(Name::Subject, "a\r\nX-Evil: 1\r\n\r\nbody\n\r folded\r\n stays"));
        let message = Message::parse(out.as_bytes()).unwrap();
        assert_eq!(message.header(Name::Subject), Some("a  X-Evil: 1    body   folded\r\n stays"));
        assert_eq!(message.body(), b"hi");
    }

    #[test]
    fn content_length_is_added_where_it_is_missing() {
        let text = INVITE.replace("Content-Length: 2\r\n", "");
        let message = Message::parse(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        Edit::new(&message).write(&mut out);
        assert_eq!(Message::parse(&out).unwrap().header(Name::ContentLength), Some("2"));
    }
}

//! New messages.

use std::fmt::Display;

use crate::edit::write_value;
use crate::message::{Message, Method, Name};

/// Writes a message line by line.
pub struct Builder {
    out: Vec<u8>,
    /// Where a tag of To can still be put.
    to_end: Option<usize>,
    body: Vec<u8>,
}

impl Builder {
    /// A request; the caller adds every header but Content-Length.
    pub fn request(method: Method, uri: impl Display) -> Builder {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(method.text().as_bytes());
        out.push(b' ');
        write_value(&mut out, uri);
        out.extend_from_slice(b" SIP/2.0\r\n");
        Builder { out, to_end: None, body: Vec::new() }
    }

    /// A response to a request: copies all Via, From, To, Call-ID and CSeq, in 100 also Timestamp, and in
    /// 101–299 to a request that can form a dialog Record-Route (RFC 3261 §8.2.6, §12.1.1).
    pub fn response(request: &Message<'_>, status: u16, reason: &str) -> Builder {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"SIP/2.0 ");
        write_value(&mut out, status);
        out.push(b' ');
        write_value(&mut out, reason);
        out.extend_from_slice(b"\r\n");
        let mut builder = Builder { out, to_end: None, body: Vec::new() };
        let has_routes = (101..300).contains(&status) && request.method().forms_dialog();
        for line in request.lines() {
            match line.name {
                Name::To => {
                    builder = builder.header(Name::To, line.value);
                    if request.to_tag().is_none() && builder.to_end.is_none() {
                        builder.to_end = Some(builder.out.len() - 2);
                    }
                }
                Name::Via | Name::From | Name::CallId | Name::CSeq => builder = builder.header(line.name, line.value),
                Name::RecordRoute if has_routes => builder = builder.header(line.name, line.value),
                Name::Timestamp if status == 100 => builder = builder.header(line.name, line.value),
                _ => {}
            }
        }
        builder
    }

    /// Appends a header line.
    pub fn header(mut self, name: Name, value: impl Display) -> Builder {
        self.line(name.text(), value);
        self
    }

    /// Appends a header line of a name that [`Name`] does not have; line ends in it become spaces.
    pub fn header_text(mut self, name: &str, value: impl Display) -> Builder {
        self.line(name, value);
        self
    }

    /// Gives To of a response this tag, unless the request had one.
    pub fn to_tag(mut self, tag: &str) -> Builder {
        if let Some(at) = self.to_end.take() {
            let mut text = Vec::with_capacity(tag.len() + 5);
            write_value(&mut text, format_args!(";tag={tag}"));
            self.out.splice(at..at, text);
        }
        self
    }

    /// A body with its Content-Type.
    pub fn body(mut self, content_type: impl Display, body: &[u8]) -> Builder {
        if !body.is_empty() {
            self.line(Name::ContentType.text(), content_type);
        }
        self.body = body.to_vec();
        self
    }

    /// The message with its Content-Length.
    pub fn finish(mut self) -> Vec<u8> {
        self.line(Name::ContentLength.text(), self.body.len());
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(&self.body);
        self.out
    }

    fn line(&mut self, name: &str, value: impl Display) {
        write_value(&mut self.out, name);
        self.out.extend_from_slice(b": ");
        write_value(&mut self.out, value);
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> Vec<u8> {
        format!(
            "{method} sip:bob@example.com SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b\r\n\
             f: <sip:alice@example.com>;tag=1\r\nt: <sip:bob@example.com>\r\ni: 1@a\r\nCSeq: 7 {method}\r\n\
             Record-Route: <sip:p;lr>\r\nTimestamp: 54\r\nSubject: x\r\n\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn a_response_copies_what_it_must() {
        let bytes = request("INVITE");
        let request = Message::parse(&bytes).unwrap();
        let bytes = Builder::response(&request, 200, "OK")
            .to_tag("2")
            .header(Name::Contact, "<sip:b@c>")
            .body("text/plain", b"hi")
            .finish();
        let response = Message::parse(&bytes).unwrap();
        assert_eq!((response.status(), response.reason(), response.method()), (Some(200), "OK", Method::Invite));
        assert_eq!(response.all(Name::Via).count(), 2);
        assert_eq!((response.from_tag(), response.to_tag(), response.cseq()), (Some("1"), Some("2"), 7));
        assert_eq!((response.header(Name::RecordRoute), response.header(Name::Timestamp)), (Some("<sip:p;lr>"), None));
        assert_eq!((response.header(Name::Subject), response.body()), (None, &b"hi"[..]));
    }

    #[test]
    fn timestamp_in_100_and_record_route_where_a_dialog_can_be() {
        let bytes = request("INVITE");
        let trying = Builder::response(&Message::parse(&bytes).unwrap(), 100, "Trying").finish();
        let trying = Message::parse(&trying).unwrap();
        assert_eq!((trying.header(Name::RecordRoute), trying.header(Name::Timestamp)), (None, Some("54")));
        let bytes = request("OPTIONS");
        let ok = Builder::response(&Message::parse(&bytes).unwrap(), 200, "OK").finish();
        assert_eq!(Message::parse(&ok).unwrap().header(Name::RecordRoute), None);
    }

    #[test]
    fn a_tag_of_the_request_stays() {
        let bytes = String::from_utf8(request("BYE"))
            .unwrap()
            .replace("t: <sip:bob@example.com>", "t: <sip:bob@example.com>;tag=9");
        let response = Builder::response(&Message::parse(bytes.as_bytes()).unwrap(), 200, "OK").to_tag("2").finish();
        assert_eq!(Message::parse(&response).unwrap().to_tag(), Some("9"));
    }
}

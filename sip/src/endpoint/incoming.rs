//! A request as it came: what a server notes of its source, and where its responses go.

use crate::edit::Edit;
use crate::headers::Via;
use crate::hop::{Hop, Transport};
use crate::message::Message;
use std::net::SocketAddr;

/// A request with its sender, and what is asked of it more than once.
pub(super) struct Incoming<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) from: Hop,
    pub(super) via: Via<'m>,
    pub(super) from_tag: &'m str,
    pub(super) to_tag: Option<&'m str>,
}

impl<'m> Incoming<'m> {
    pub(super) fn new(message: &'m Message<'m>, from: Hop) -> Incoming<'m> {
        let (from_tag, to_tag) = (message.from_tag().unwrap_or_default(), message.to_tag());
        Incoming { message, from, via: message.via(), from_tag, to_tag }
    }

    /// The request with `received` and `rport` in its topmost Via, where they belong there (RFC 3261 §18.2.1, RFC 3581 §4).
    pub(super) fn stamped(&self) -> Option<Vec<u8>> {
        let (via, source) = (&self.via, self.from.address);
        if via.rport.is_none() && via.received.is_none() && via.host.ip() == Some(source.ip()) {
            return None;
        }
        let mut edit = Edit::new(self.message);
        let mut is_received = false;
        for (name, value) in via.params.iter() {
            if name.eq_ignore_ascii_case("received") && !value.is_empty() {
                edit.replace(value, source.ip());
                is_received = true;
            } else if name.eq_ignore_ascii_case("rport") {
                match value {
                    "" => edit.insert_after(name, format_args!("={}", source.port())),
                    value => edit.replace(value, source.port()),
                }
            }
        }
        if !is_received {
            edit.insert_after(via.text, format_args!(";received={}", source.ip()));
        }
        let mut bytes = Vec::with_capacity(self.message.bytes().len() + 64);
        edit.write(&mut bytes);
        Some(bytes)
    }

    /// Where responses go: back over a connection; by datagrams to the source's address and the port that the Via asks for
    /// (RFC 3261 §18.2.2, RFC 3581 §4).
    pub(super) fn reply_to(&self) -> Hop {
        if self.from.transport.is_reliable() || self.via.rport.is_some() {
            return self.from;
        }
        let port = self.via.port.unwrap_or(Transport::Udp.default_port());
        Hop { transport: self.from.transport, address: SocketAddr::new(self.from.address.ip(), port) }
    }

    /// Where responses go once the connection is gone: to the address that the sender listens at (RFC 3261 §18.2.2).
    pub(super) fn fallback(&self) -> Option<Hop> {
        let Hop { transport, address } = self.from;
        let listener = SocketAddr::new(address.ip(), self.via.port.unwrap_or(transport.default_port()));
        (transport.is_reliable() && listener != address).then_some(Hop { transport, address: listener })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(via: &str) -> String {
        format!(
            "OPTIONS sip:a SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }

    fn from(transport: Transport) -> Hop {
        Hop::new(transport, ([192, 0, 2, 9], 1234).into())
    }

    fn via_after(via: &str) -> Option<String> {
        let request = request(via);
        let message = Message::parse(request.as_bytes()).unwrap();
        let bytes = Incoming::new(&message, from(Transport::Udp)).stamped()?;
        Some(Message::parse(&bytes).unwrap().via().text.to_owned())
    }

    #[test]
    fn the_source_is_noted_where_the_via_does_not_say_it() {
        for (via, expected) in [
            ("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", None),
            ("SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK1", Some("SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK1;received=192.0.2.9")),
            ("SIP/2.0/UDP a.example.com", Some("SIP/2.0/UDP a.example.com;received=192.0.2.9")),
            (
                "SIP/2.0/UDP 192.0.2.9;rport;branch=z9hG4bK1",
                Some("SIP/2.0/UDP 192.0.2.9;rport=1234;branch=z9hG4bK1;received=192.0.2.9"),
            ),
            (
                "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1;rport",
                Some("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1;rport=1234;received=192.0.2.9"),
            ),
            (
                "SIP/2.0/UDP 192.0.2.9;received=198.51.100.1;rport=7",
                Some("SIP/2.0/UDP 192.0.2.9;received=192.0.2.9;rport=1234"),
            ),
        ] {
            assert_eq!(via_after(via).as_deref(), expected, "{via}");
        }
    }

    #[test]
    fn responses_follow_the_connection_or_the_via() {
        for (via, transport, port) in [
            ("SIP/2.0/TCP a.example.com:5070", Transport::Tcp, 1234),
            ("SIP/2.0/UDP a.example.com:5070", Transport::Udp, 5070),
            ("SIP/2.0/UDP a.example.com", Transport::Udp, 5060),
            ("SIP/2.0/UDP a.example.com:5070;rport", Transport::Udp, 1234),
        ] {
            let request = request(via);
            let message = Message::parse(request.as_bytes()).unwrap();
            let hop = Incoming::new(&message, from(transport)).reply_to();
            assert_eq!(hop, Hop::new(transport, ([192, 0, 2, 9], port).into()), "{via}");
        }
    }
}

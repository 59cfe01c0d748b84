//! A dialog (RFC 3261 §12): what two user agents share between a first request and a BYE.

use crate::build::Builder;
use crate::headers::{ContactValue, NameAddr};
use crate::message::{Message, Method, Name};

/// One dialog, as plain data: whoever has a copy of the fields can go on with it, on another machine as well.
///
/// Routers are taken to be loose ones (`lr`); a strict one (RFC 2543) is not worked around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The other side's tag; empty for one of RFC 2543 that sends none.
    pub remote_tag: String,
    /// Our name and address, without tag: From of our requests.
    pub local: String,
    /// The other side's name and address, without tag: To of our requests.
    pub remote: String,
    /// CSeq number of our latest request; 0 before the first.
    pub local_cseq: u32,
    /// CSeq number of the other side's latest request, once there was one.
    pub remote_cseq: Option<u32>,
    /// Values of the Route headers of our requests.
    pub route_set: Vec<String>,
    /// Request-URI of our requests: the other side's Contact.
    pub remote_target: String,
    /// Value of the Contact that we send.
    pub contact: String,
    /// Early until a 2xx.
    pub phase: Phase,
    /// Whether it began with a `sips` URI, so that every target must be one.
    pub secure: bool,
}

/// How far a dialog has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Begun by a provisional response; an INVITE may begin several, apart by their tags.
    Early,
    /// Begun or confirmed by a 2xx.
    Confirmed,
}

impl Dialog {
    /// Of a request that we answer, with this tag and this value for our Contact (§12.1.1). `None` without a Contact.
    ///
    /// It is early until [`Dialog::confirm`].
    pub fn uas(request: &Message<'_>, local_tag: &str, contact: &str) -> Option<Dialog> {
        Some(Dialog {
            call_id: request.call_id().to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: request.from_tag().unwrap_or_default().to_owned(),
            local: without_tag(&request.to()),
            remote: without_tag(&request.from()),
            local_cseq: 0,
            remote_cseq: Some(request.cseq()),
            route_set: request.values(Name::RecordRoute).map(str::to_owned).collect(),
            remote_target: contact_of(request)?.to_owned(),
            contact: contact.to_owned(),
            phase: Phase::Early,
            secure: is_sips(request.request_uri()),
        })
    }

    /// Of a response to our request, which went to `target` with this value of Contact (§12.1.2). `None` for a response that begins no
    /// dialog: 100, a failure, or a provisional one without tag.
    ///
    /// Each To tag makes another dialog. `target` stands in for the Contact that a provisional response should have, and many lack.
    pub fn uac(response: &Message<'_>, target: &str, contact: &str) -> Option<Dialog> {
        let (phase, remote_tag) = match (response.status()?, response.to_tag()) {
            (101..200, Some(tag)) => (Phase::Early, tag),
            (200..300, tag) => (Phase::Confirmed, tag.unwrap_or_default()),
            (_, _) => return None,
        };
        Some(Dialog {
            call_id: response.call_id().to_owned(),
            local_tag: response.from_tag().unwrap_or_default().to_owned(),
            remote_tag: remote_tag.to_owned(),
            local: without_tag(&response.from()),
            remote: without_tag(&response.to()),
            local_cseq: response.cseq(),
            remote_cseq: None,
            route_set: reversed_route(response),
            remote_target: contact_of(response).unwrap_or(target).to_owned(),
            contact: contact.to_owned(),
            phase,
            secure: is_sips(target),
        })
    }

    /// A 2xx has been sent.
    pub fn confirm(&mut self) {
        self.phase = Phase::Confirmed;
    }

    /// A 2xx has come for an early dialog of ours: its Record-Route is the one that counts (§13.2.2.4).
    pub fn confirm_by(&mut self, response: &Message<'_>) {
        self.phase = Phase::Confirmed;
        self.route_set = reversed_route(response);
        self.refresh_target(response);
    }

    /// Whether a message of the other side belongs to this dialog (§12.2.2).
    pub fn is_of(&self, message: &Message<'_>) -> bool {
        let (from, to) = (message.from_tag().unwrap_or_default(), message.to_tag().unwrap_or_default());
        let (local, remote) = if message.is_request() { (to, from) } else { (from, to) };
        message.call_id() == self.call_id && local == self.local_tag && remote == self.remote_tag
    }

    /// A request within the dialog, complete but for Via and what the method asks for (§12.2.1.1). Not for ACK and CANCEL.
    pub fn request(&mut self, method: Method) -> Builder {
        self.local_cseq += 1;
        let builder = self.head(method, self.local_cseq);
        if refreshes_target(method) { builder.header(Name::Contact, &self.contact) } else { builder }
    }

    /// The ACK of a 2xx to our INVITE of this CSeq number (§13.2.2.4).
    pub fn ack(&self, cseq: u32) -> Builder {
        self.head(Method::Ack, cseq)
    }

    fn head(&self, method: Method, cseq: u32) -> Builder {
        let mut builder = Builder::request(method, &self.remote_target).header(Name::MaxForwards, 70);
        for route in &self.route_set {
            builder = builder.header(Name::Route, route);
        }
        let tag = if self.remote_tag.is_empty() { "" } else { ";tag=" };
        builder
            .header(Name::From, format_args!("{};tag={}", self.local, self.local_tag))
            .header(Name::To, format_args!("{}{tag}{}", self.remote, self.remote_tag))
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format_args!("{cseq} {method}"))
    }

    /// Notes the CSeq number of a request of the other side, not an ACK or CANCEL. False: it is not above the last one, and the
    /// request wants a 500 (§12.2.2).
    pub fn accepts(&mut self, cseq: u32) -> bool {
        let is_next = self.remote_cseq.is_none_or(|last| cseq > last);
        if is_next {
            self.remote_cseq = Some(cseq);
        }
        is_next
    }

    /// Takes the Contact of a request of the other side, or of its 2xx to ours, where the method is one that moves the target
    /// (§12.2.1.2, §12.2.2; RFC 3311, RFC 6665 §4.4.1).
    pub fn refresh_target(&mut self, message: &Message<'_>) {
        if let Some(target) = contact_of(message).filter(|_| refreshes_target(message.method())) {
            target.clone_into(&mut self.remote_target);
        }
    }
}

fn refreshes_target(method: Method) -> bool {
    matches!(method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer)
}

/// A response's Record-Route seen from the caller.
fn reversed_route(response: &Message<'_>) -> Vec<String> {
    let mut route: Vec<_> = response.values(Name::RecordRoute).map(str::to_owned).collect();
    route.reverse();
    route
}

fn contact_of<'a>(message: &Message<'a>) -> Option<&'a str> {
    let contact = ContactValue::parse(message.values(Name::Contact).next()?).ok()?.address()?;
    contact.uri().is_ok().then_some(contact.uri_text)
}

/// Display name and URI, without the parameters of the header.
fn without_tag(address: &NameAddr<'_>) -> String {
    match address.display {
        "" => format!("<{}>", address.uri_text),
        display => format!("\"{display}\" <{}>", address.uri_text),
    }
}

fn is_sips(uri: &str) -> bool {
    uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sips:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\nFrom: \"A \\\"l\\\" ice\" <sip:alice@example.com>;tag=a;x=y\r\n\
        To: sip:bob@example.com\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\nContact: \"A\" <sip:alice@192.0.2.1>;q=1\r\n\r\n";

    fn response(status: u16, tag: &str, contact: &str) -> String {
        let contact = if contact.is_empty() { String::new() } else { format!("Contact: {contact}\r\n") };
        format!(
            "SIP/2.0 {status} OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nRecord-Route: <sip:p2;lr>\r\n\
             Record-Route: <sip:p1;lr>\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>{tag}\r\n\
             Call-ID: c1\r\nCSeq: 7 INVITE\r\n{contact}\r\n"
        )
    }

    fn uas() -> Dialog {
        Dialog::uas(&Message::parse(INVITE.as_bytes()).unwrap(), "b", "<sip:token@cluster>").unwrap()
    }

    fn uac(text: &str) -> Option<Dialog> {
        Dialog::uac(&Message::parse(text.as_bytes()).unwrap(), "sip:bob@example.com", "<sip:token@cluster>")
    }

    fn text(builder: Builder) -> String {
        String::from_utf8(builder.finish()).unwrap()
    }

    #[test]
    fn the_answering_side_sends_along_the_record_route_as_it_stands() {
        let mut dialog = uas();
        assert!(dialog.secure);
        assert_eq!(
            text(dialog.request(Method::Bye)),
            "BYE sip:alice@192.0.2.1 SIP/2.0\r\nMax-Forwards: 70\r\nRoute: <sip:p2;lr>\r\nRoute: <sip:p1;lr>\r\n\
             From: <sip:bob@example.com>;tag=b\r\nTo: \"A \\\"l\\\" ice\" <sip:alice@example.com>;tag=a\r\nCall-ID: c1\r\n\
             CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn the_calling_side_sends_along_the_record_route_reversed() {
        let mut dialog = uac(&response(200, ";tag=b", "<sip:bob@192.0.2.2>")).unwrap();
        assert_eq!(dialog.phase, Phase::Confirmed);
        assert_eq!(
            text(dialog.ack(7)),
            "ACK sip:bob@192.0.2.2 SIP/2.0\r\nMax-Forwards: 70\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n\
             From: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>;tag=b\r\nCall-ID: c1\r\nCSeq: 7 ACK\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let invite = text(dialog.request(Method::Invite));
        assert!(invite.contains("CSeq: 8 INVITE\r\nContact: <sip:token@cluster>\r\n"), "{invite}");
        assert!(text(dialog.request(Method::Info)).contains("CSeq: 9 INFO\r\n"));
    }

    #[test]
    fn each_tag_begins_another_early_dialog() {
        let first = uac(&response(180, ";tag=b1", "<sip:b1@192.0.2.2>")).unwrap();
        let second = uac(&response(183, ";tag=b2", "")).unwrap();
        assert_eq!((first.phase, second.phase), (Phase::Early, Phase::Early));
        assert_eq!((&*first.remote_tag, &*first.remote_target), ("b1", "sip:b1@192.0.2.2"));
        assert_eq!((&*second.remote_tag, &*second.remote_target), ("b2", "sip:bob@example.com"), "no Contact");
        for (status, tag) in [(100, ";tag=b"), (180, ""), (486, ";tag=b")] {
            assert_eq!(uac(&response(status, tag, "<sip:b@c>")), None, "{status}");
        }
    }

    #[test]
    fn a_2xx_confirms_its_early_dialog_with_its_own_route_and_target() {
        let mut dialog = uac(&response(180, ";tag=b", "<sip:b1@192.0.2.2>")).unwrap();
        dialog.request(Method::Prack);
        let ok = response(200, ";tag=b", "<sip:b2@192.0.2.2>").replace("Record-Route: <sip:p2;lr>\r\n", "");
        dialog.confirm_by(&Message::parse(ok.as_bytes()).unwrap());
        assert_eq!((dialog.phase, &*dialog.remote_target), (Phase::Confirmed, "sip:b2@192.0.2.2"));
        assert_eq!(dialog.route_set, ["<sip:p1;lr>"]);
        assert_eq!(dialog.local_cseq, 8, "a PRACK has used it");
    }

    #[test]
    fn an_old_peer_without_tag_has_a_dialog_and_gets_no_tag() {
        let dialog = uac(&response(200, "", "<sip:bob@192.0.2.2>")).unwrap();
        assert!(text(dialog.ack(7)).contains("To: <sip:bob@example.com>\r\n"));
        assert!(dialog.is_of(&Message::parse(response(200, "", "").as_bytes()).unwrap()));
    }

    #[test]
    fn messages_belong_by_call_id_and_both_tags() {
        let bye = INVITE.replace("INVITE", "BYE").replace("To: sip:bob@example.com", "To: sip:bob@example.com;tag=b");
        let is_of = |text: &str| uas().is_of(&Message::parse(text.as_bytes()).unwrap());
        assert!(is_of(&bye));
        assert!(!is_of(INVITE));
        for (from, to) in [("Call-ID: c1", "Call-ID: C1"), ("tag=a", "tag=A"), ("tag=b", "tag=B")] {
            assert!(!is_of(&bye.replace(from, to)), "{to}");
        }
        assert!(
            uac(&response(200, ";tag=b", "<sip:b@c>"))
                .unwrap()
                .is_of(&Message::parse(response(200, ";tag=b", "").as_bytes()).unwrap())
        );
    }

    #[test]
    fn requests_must_come_in_order() {
        let mut dialog = uas();
        assert!(!dialog.accepts(6) && !dialog.accepts(7));
        assert!(dialog.accepts(8) && dialog.accepts(100));
        assert!(!dialog.accepts(99));
        let mut dialog = uac(&response(200, ";tag=b", "<sip:b@c>")).unwrap();
        assert!(dialog.accepts(0), "the other side counts by itself");
        assert!(!dialog.accepts(0));
    }

    #[test]
    fn only_requests_that_move_the_target_do() {
        let mut dialog = uas();
        for (method, expected) in
            [("INFO", "sip:alice@192.0.2.1"), ("UPDATE", "sip:alice@192.0.2.7"), ("BYE", "sip:alice@192.0.2.7")]
        {
            let text = INVITE.replace("INVITE", method).replace("alice@192.0.2.1", "alice@192.0.2.7");
            dialog.refresh_target(&Message::parse(text.as_bytes()).unwrap());
            assert_eq!(dialog.remote_target, expected, "{method}");
        }
        let text = INVITE.replace("Contact:", "X-Contact:");
        dialog.refresh_target(&Message::parse(text.as_bytes()).unwrap());
        assert_eq!(dialog.remote_target, "sip:alice@192.0.2.7", "no Contact");
        assert_eq!(Dialog::uas(&Message::parse(text.as_bytes()).unwrap(), "b", ""), None);
    }

    #[test]
    fn a_dialog_goes_on_from_its_fields() {
        let mut dialog = uas();
        dialog.request(Method::Info);
        dialog.confirm();
        let Dialog { call_id, local_tag, remote_tag, local, remote, local_cseq, remote_cseq, .. } = dialog.clone();
        let Dialog { route_set, remote_target, contact, phase, secure, .. } = dialog.clone();
        #[rustfmt::skip]
        let mut restored = Dialog {
            call_id, local_tag, remote_tag, local, remote, local_cseq, remote_cseq, route_set, remote_target, contact, phase, secure,
        };
        assert_eq!(restored, dialog);
        assert_eq!(text(restored.request(Method::Bye)), text(dialog.request(Method::Bye)));
    }
}

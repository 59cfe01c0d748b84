//! What a phone knows of one call, and the requests that follow from it.

use super::message::{all, first, inside_brackets};
use rsip::SipMessage;
use std::net::SocketAddr;

/// One dialog, or the request that may begin one.
#[derive(Clone, Debug, Default)]
pub struct Dialog {
    pub call_id: String,
    /// From and To of this phone's requests.
    pub from: String,
    pub to: String,
    pub target: String,
    pub routes: Vec<String>,
    pub cseq: u32,
    /// Sent again for each 200 that comes again.
    pub ack: String,
}

impl Dialog {
    pub fn fresh(from: &str, to: &str, unique: &str) -> Dialog {
        Dialog {
            call_id: unique.to_owned(),
            from: format!("{from};tag=f{unique}"),
            to: to.to_owned(),
            cseq: 1,
            ..Dialog::default()
        }
    }

    /// The dialog of a call that this phone answers with `tag`.
    pub fn answering(invite: &SipMessage, tag: &str) -> Dialog {
        let of = |name: &str| first(invite, name).unwrap_or_default();
        Dialog {
            call_id: of("Call-ID"),
            from: format!("{};tag={tag}", of("To")),
            to: of("From"),
            target: inside_brackets(&of("Contact")).to_owned(),
            routes: all(invite, "Record-Route"),
            ..Dialog::default()
        }
    }

    pub fn request(&self, own: SocketAddr, method: &str, extra: &str, body: &str) -> String {
        let routes: String = self.routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let Dialog { call_id, from, to, target, cseq, .. } = self;
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{call_id}{cseq}{method};rport\r\n\
             Max-Forwards: 70\r\n{routes}From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             {extra}{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The ACK of an INVITE that was refused: of the same transaction (RFC 3261 §17.1.1.3).
    pub fn ack_of(&self, own: SocketAddr, refusal: &SipMessage) -> String {
        let answered = Dialog { to: first(refusal, "To").unwrap_or_default(), ..self.clone() };
        let invite = answered.request(own, "INVITE", "", "");
        invite.replacen("INVITE", "ACK", 1).replace(" INVITE\r\n", " ACK\r\n")
    }
}

//! What the edge says itself instead of handing a request on; every answer is stateless (RFC 3261 §8.2.7).

use super::authenticate::Realm;
use super::register::SUPPORTED;
use super::text::{Text, put};
use super::via::{Sender, TO_MEMORY, copy_lines};
use super::{Arrival, Count, Outbox, Passage};
use proto::directory::Refusal;
use sip::digest::{Challenge, Purpose, Staleness};
use sip::message::Message;
use sip::stateless::{Branch, branch};
use sip::token::Token;
use sip::{Method, Name};
use std::borrow::Cow;
use std::io::Write;

/// Why a request is not handed on.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// A status and its reason.
    Refused(u16, &'static str),
    /// The directory knows no such call.
    RefusedBy(Refusal),
    /// Who sends it must be proved first: 401 for REGISTER, else 407.
    Challenge { purpose: Purpose, realm: Realm<'a>, nonce: Token, stale: Staleness },
    /// 420: an extension that we do not have is required.
    BadExtension(&'a str),
    /// 430: the connection to the phone is gone (RFC 5626 §11.6).
    FlowGone,
    /// 503: nobody can do it now.
    RetryLater,
    /// 200 to OPTIONS for the exchange itself.
    Options,
    /// It ends here without an answer.
    Absorbed(Count),
}

/// The reason phrases of the statuses that the edge answers by itself.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        423 => "Interval Too Brief",
        430 => "Flow Failed",
        439 => "First Hop Lacks Outbound Support",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        _ => "Refused",
    }
}

/// What the exchange itself lets be sent to it or through it.
const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY, MESSAGE, PUBLISH";

impl Passage<'_> {
    /// Answers the request; an ACK is never answered.
    pub(super) fn answer(&mut self, verdict: Verdict<'_>) {
        let message = self.message;
        let count = match &verdict {
            _ if message.method() == Method::Ack => Count::AckAbsorbed,
            Verdict::Absorbed(count) => *count,
            Verdict::Challenge { .. } => Count::Challenged,
            Verdict::Options => Count::OptionsAnswered,
            Verdict::FlowGone => Count::FlowGone,
            Verdict::Refused(..) | Verdict::RefusedBy(_) | Verdict::BadExtension(_) | Verdict::RetryLater => {
                Count::Refused
            }
        };
        self.count(count);
        if count == Count::AckAbsorbed || matches!(verdict, Verdict::Absorbed(_)) {
            return;
        }
        tracing::debug!(call_id = message.call_id(), method = message.method_text(), peer = %self.arrival.peer, ?verdict, "answered");
        let tag = OwnTag::of(&branch(message, &self.keys.branch));
        let (arrival, random) = (self.arrival, &mut self.memory.random);
        send(self.out, Sender::of(arrival, message), |out| {
            let (status, reason): (u16, Cow<'static, str>) = match &verdict {
                Verdict::Refused(status, reason) => (*status, (*reason).into()),
                Verdict::RefusedBy(refusal) => (refusal.status, refusal.reason.clone()),
                Verdict::Challenge { purpose: Purpose::Register, .. } => (401, reason(401).into()),
                Verdict::Challenge { purpose: Purpose::Call, .. } => (407, reason(407).into()),
                Verdict::BadExtension(_) => (420, reason(420).into()),
                Verdict::FlowGone => (430, reason(430).into()),
                Verdict::RetryLater => (503, reason(503).into()),
                Verdict::Options | Verdict::Absorbed(_) => (200, reason(200).into()),
            };
            status_line(status, &reason, out);
            copy_lines(message, arrival, Some(tag.as_str()), out);
            match &verdict {
                Verdict::Challenge { purpose, realm, nonce, stale } => challenge(*purpose, realm, nonce, *stale, out),
                Verdict::BadExtension(option) => line(out, Name::Unsupported, option),
                Verdict::RetryLater => line(out, Name::RetryAfter, &retry_after(random.number()).to_string()),
                Verdict::Options => {
                    line(out, Name::Allow, ALLOW);
                    line(out, Name::Accept, "application/sdp");
                    line(out, Name::Supported, SUPPORTED);
                }
                Verdict::Refused(..) | Verdict::RefusedBy(_) | Verdict::FlowGone | Verdict::Absorbed(_) => {}
            }
            finish(out);
        });
    }

    /// Whether an ACK is for an answer that the edge gave itself, which no next hop knows about.
    pub(super) fn is_of_own_answer(&self) -> bool {
        self.message.to_tag() == Some(OwnTag::of(&branch(self.message, &self.keys.branch)).as_str())
    }
}

/// The 503 that a next hop would give to a request of ours, if it could be reached.
pub(super) fn unreachable(request: &Message<'_>, arrival: &Arrival) -> Vec<u8> {
    let mut answer = Vec::new();
    status_line(503, reason(503), &mut answer);
    copy_lines(request, arrival, Some("unreachable"), &mut answer);
    finish(&mut answer);
    answer
}

/// Sends an answer to whom it is for.
pub(super) fn send(out: &mut Outbox, sender: Sender, write: impl FnOnce(&mut Vec<u8>)) {
    match sender {
        Sender::Phone(flow) => out.send_over(flow, write),
        Sender::Member(hop) => out.send_to(hop, write),
    }
}

/// The first line of an answer.
pub(super) fn status_line(status: u16, reason: &str, out: &mut Vec<u8>) {
    put(out, &["SIP/2.0 ", &Text::of(status.into()), " ", reason, "\r\n"]);
}

/// One header line.
pub(super) fn line(out: &mut Vec<u8>, name: Name, value: &str) {
    put(out, &[name.text(), ": ", value, "\r\n"]);
}

/// The end of an answer without a body.
pub(super) fn finish(out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

/// One challenge a line, in the domain's order (RFC 8760 §2.4).
pub(super) fn challenge(purpose: Purpose, realm: &Realm<'_>, nonce: &str, stale: Staleness, out: &mut Vec<u8>) {
    let name = match purpose {
        Purpose::Register => Name::WwwAuthenticate,
        Purpose::Call => Name::ProxyAuthenticate,
    };
    for &algorithm in realm.algorithms() {
        let challenge = Challenge { realm: realm.name.into(), nonce, algorithm, stale };
        write!(out, "{name}: {challenge}\r\n").expect(TO_MEMORY);
    }
}

/// Seconds until a phone asks again, 5–30, so that not all of them come back at once.
pub(super) fn retry_after(random: u64) -> u64 {
    5 + random % 26
}

/// The To tag of our own answers: equal for a request, its retransmissions and its ACK, so that the ACK is recognised.
pub(super) struct OwnTag([u8; OwnTag::LENGTH]);

impl OwnTag {
    const LENGTH: usize = 18;
    const PREFIX: &[u8; 2] = b"px";

    /// Of a transaction, by the branch under which it would be forwarded.
    pub fn of(branch: &Branch) -> OwnTag {
        let mut tag = [b'0'; OwnTag::LENGTH];
        tag[..2].copy_from_slice(OwnTag::PREFIX);
        let digits = &branch.as_bytes()[branch.len() - (OwnTag::LENGTH - 2)..];
        tag[2..].copy_from_slice(digits);
        OwnTag(tag)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("prefix and digits are ASCII")
    }
}

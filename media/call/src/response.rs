//! The exchange's own answers.

use crate::best::Failure;
use sip::build::Builder;
use sip::message::{Message, Method, Name};

/// Methods that a phone may use with us.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, NOTIFY";
/// Extensions that we know.
pub(crate) const SUPPORTED: &str = "100rel, timer";
/// The type of a session description.
pub(crate) const SDP: &str = "application/sdp";

/// A response with what it copies from its request.
pub(crate) fn response(request: &Message<'_>, status: u16) -> Builder {
    Builder::response(request, status, phrase(status))
}

/// A complete failure.
pub(crate) fn refusal(request: &Message<'_>, failure: &Failure, tag: &str) -> Vec<u8> {
    let response = response(request, failure.status).to_tag(tag);
    failure.lines.iter().fold(response, |response, (name, value)| response.header(*name, value)).finish()
}

/// 200 to OPTIONS: what a phone can do with us (RFC 3261 §11.2).
pub(crate) fn capabilities(request: &Message<'_>, tag: &str) -> Vec<u8> {
    response(request, 200)
        .to_tag(tag)
        .header(Name::Allow, ALLOW)
        .header(Name::Accept, SDP)
        .header(Name::Supported, SUPPORTED)
        .finish()
}

/// A method out of place: 405 where it is known, else 501 (RFC 3261 §8.2.1).
pub(crate) fn method_refused(method: Method) -> Failure {
    match method {
        Method::Other => Failure::of(501).with(Name::Allow, ALLOW),
        Method::Invite
        | Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Register
        | Method::Options
        | Method::Prack
        | Method::Update
        | Method::Info
        | Method::Refer
        | Method::Subscribe
        | Method::Notify
        | Method::Message
        | Method::Publish => Failure::of(405).with(Name::Allow, ALLOW),
    }
}

/// The extensions that a request requires and we do not know (RFC 3261 §8.2.2.3).
pub(crate) fn check_required(request: &Message<'_>) -> Result<(), Failure> {
    let is_known = |option: &&str| SUPPORTED.split(", ").any(|known| known.eq_ignore_ascii_case(option));
    let unknown: Vec<&str> = request.values(Name::Require).filter(|option| !is_known(option)).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Failure::of(420).with(Name::Unsupported, unknown.join(", "))) }
}

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    None,
    /// A session description.
    Sdp(&'a [u8]),
    Other,
}

impl<'a> Body<'a> {
    pub(crate) fn of(message: &Message<'a>) -> Body<'a> {
        let kind = message.header(Name::ContentType).unwrap_or(SDP);
        let kind = kind.split(';').next().unwrap_or(kind).trim_ascii();
        match message.body() {
            [] => Body::None,
            body if kind.eq_ignore_ascii_case(SDP) => Body::Sdp(body),
            _ => Body::Other,
        }
    }

    /// The description, where the body is one.
    pub(crate) fn sdp(self) -> Option<&'a [u8]> {
        match self {
            Body::Sdp(sdp) => Some(sdp),
            Body::None | Body::Other => None,
        }
    }

    /// The description of an offer or answer; anything else in its place is refused.
    pub(crate) fn description(self) -> Result<Option<&'a [u8]>, Failure> {
        match self {
            Body::None => Ok(None),
            Body::Sdp(sdp) => Ok(Some(sdp)),
            Body::Other => Err(Failure::of(415).with(Name::Accept, SDP)),
        }
    }
}

/// The reason phrase of a status (RFC 3261 §21 and the RFCs of later ones).
pub(crate) fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        101..200 => "Progress",
        201..300 => "OK",
        _ => "Refused",
    }
}

//! What of a message one side hears from the other: the one table of headers, and what we say of ourselves.
//!
//! A header that is not listed to pass is minted for each leg (routing, dialog, session timer, identity) or dropped (it would
//! tell where the other side is, or means nothing beyond one hop). Headers without a [`Name`] are dropped.

use sip::message::{Message, Name};

/// Where in a call a header stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The INVITE that begins a call.
    Invite,
    /// A later request that is passed on.
    Request,
    /// 101–199 to the first INVITE.
    Ringing,
    /// 2xx.
    Success,
    /// 300–699.
    Failure,
}

/// In which places a header passes from one leg to the other.
fn passes(name: Name) -> &'static [Place] {
    use Place::{Failure, Invite, Request, Ringing, Success};
    match name {
        // What people and their phones tell each other.
        Name::Subject | Name::Priority | Name::Geolocation => &[Invite],
        Name::AlertInfo => &[Invite, Ringing],
        Name::CallInfo => &[Invite, Ringing, Success],
        Name::UserToUser => &[Invite, Request, Ringing, Success, Failure],
        Name::Reason => &[Request, Ringing, Failure],
        Name::ErrorInfo | Name::RetryAfter => &[Failure],
        // What their programs can do; the exchange does not look into these bodies.
        Name::Accept | Name::AcceptEncoding | Name::AcceptLanguage => &[Invite, Request, Success, Failure],
        Name::RecvInfo => &[Invite, Request, Ringing, Success],
        Name::InfoPackage | Name::SubscriptionState | Name::ReferSub => &[Request],
        // A body's own headers; its type and length are set with it.
        Name::ContentDisposition | Name::ContentEncoding | Name::ContentLanguage | Name::MimeVersion => {
            &[Invite, Request, Ringing, Success]
        }
        // Minted for each leg.
        Name::Allow
        | Name::CallId
        | Name::Contact
        | Name::ContentLength
        | Name::ContentType
        | Name::CSeq
        | Name::Event
        | Name::From
        | Name::MaxForwards
        | Name::MinSe
        | Name::PAssertedIdentity
        | Name::RAck
        | Name::RecordRoute
        | Name::ReferTo
        | Name::ReferredBy
        | Name::Require
        | Name::Route
        | Name::RSeq
        | Name::Server
        | Name::SessionExpires
        | Name::Supported
        | Name::To
        | Name::Unsupported
        | Name::UserAgent
        | Name::Via => &[],
        // Between us and one side only.
        Name::AcceptContact
        | Name::AllowEvents
        | Name::AuthenticationInfo
        | Name::Authorization
        | Name::Date
        | Name::Expires
        | Name::FlowTimer
        | Name::MinExpires
        | Name::PPreferredIdentity
        | Name::Path
        | Name::Privacy
        | Name::ProxyAuthenticate
        | Name::ProxyAuthorization
        | Name::ProxyRequire
        | Name::RejectContact
        | Name::RemotePartyId
        | Name::RequestDisposition
        | Name::ServiceRoute
        | Name::SipEtag
        | Name::SipIfMatch
        | Name::TandemCaller
        | Name::TandemDeclined
        | Name::TandemOffer
        | Name::TandemTarget
        | Name::Timestamp
        | Name::WwwAuthenticate => &[],
        // Names hosts, users passed on the way, or dialogs that the other side cannot know.
        Name::Diversion
        | Name::HistoryInfo
        | Name::Identity
        | Name::InReplyTo
        | Name::Join
        | Name::Organization
        | Name::Replaces
        | Name::ReplyTo
        | Name::TargetDialog
        | Name::Warning => &[],
        Name::Other => &[],
    }
}

/// The header lines of `message` that the other side hears, none longer than `limit` bytes.
pub(crate) fn passing<'a>(message: &Message<'a>, place: Place, limit: usize) -> impl Iterator<Item = (Name, &'a str)> {
    let lines = message.lines().filter(move |line| passes(line.name).contains(&place) && line.value.len() <= limit);
    lines.map(|line| (line.name, line.value))
}

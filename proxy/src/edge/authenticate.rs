//! Who sends a request: digest authentication without memory (RFC 3261 §22, RFC 7616, RFC 8760).

use super::orient::Caller;
use super::verdict::{Verdict, reason};
use super::{Admission, Count, Face, Output, Passage};
use proto::directory::{Domain, User};
use sip::digest::{self, Algorithm, Credentials, NonceState, Nonces, Purpose, Staleness};
use sip::uri::Uri;
use sip::{Message, Name};
use std::time::Duration;

/// Whose password is asked for: a domain of ours, or a made-up one that answers alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Realm<'a> {
    /// The domain, where there is one.
    pub domain: Option<&'a Domain>,
    /// As challenges name it.
    pub name: &'a str,
}

/// What a request proved about its sender.
pub(super) struct Proof<'a> {
    /// The user who has the password.
    pub user: &'a User,
    /// The nonce that was answered.
    pub nonce: &'a str,
    /// When that was issued.
    pub issued_at: Duration,
    /// How often the client has answered it, from 1.
    pub count: u32,
}

impl<'a> Realm<'a> {
    /// The realm of a host; unknown ones are taken as they are written.
    pub fn of(directory: &'a proto::directory::Directory, host: &'a str) -> Realm<'a> {
        let domain = directory.domain(host);
        Realm { domain, name: domain.map_or(host, |domain| &domain.name) }
    }

    /// The algorithms of its challenges, the preferred one first.
    pub fn algorithms(&self) -> &'a [Algorithm] {
        const UNKNOWN: &[Algorithm] = &[Algorithm::Sha256, Algorithm::Md5];
        self.domain.map_or(UNKNOWN, |domain| &domain.algorithms)
    }
}

/// The host that RFC 3323 §4.1.1.3 gives callers who hide.
const ANONYMOUS: &str = "anonymous.invalid";

impl<'a> Passage<'a> {
    /// The authenticated sender of a request outside of dialogs; it must be the one that From names, or nobody.
    pub(super) fn authenticate(&mut self, uri: &Uri<'a>) -> Result<Caller, Verdict<'a>> {
        let message = self.message;
        let Ok(from) = message.from().uri() else { return Err(Verdict::Refused(400, reason(400))) };
        let hides = from.host_text.eq_ignore_ascii_case(ANONYMOUS);
        // Who hides has an account with the domain that is called.
        let realm = Realm::of(self.directory, if hides { uri.host_text } else { from.host_text });
        // Nobody counts the uses of a call's nonce, so a copy of the request from elsewhere must not pass with it.
        let source = self.arrival.peer.ip().to_string();
        let proof = self.prove(Purpose::Call, Name::ProxyAuthorization, realm, &[message.call_id(), &source])?;
        if !hides && !self.owns(proof.user, &realm, &from) {
            return Err(Verdict::Refused(403, "Forbidden: From is not the authenticated user"));
        }
        Ok(Caller { aor: self.directory.aor(proof.user), hides })
    }

    /// The sender that From claims, for ACK and CANCEL, which cannot be challenged (RFC 3261 §22.1): they only follow their INVITE.
    pub(super) fn claimed(&self) -> Option<Caller> {
        let from = self.message.from().uri().ok()?;
        let domain = self.directory.domain(from.host_text)?;
        let user = self.directory.user_or_extension(domain, &from.user_decoded())?;
        Some(Caller { aor: self.directory.aor(user), hides: false })
    }

    /// Checks the credentials for a realm; every failure costs and answers the same, whether user and domain exist or not.
    pub(super) fn prove(
        &mut self,
        purpose: Purpose,
        header: Name,
        realm: Realm<'a>,
        bound_to: &[&str],
    ) -> Result<Proof<'a>, Verdict<'a>> {
        let message = self.message;
        let nonces = Nonces::new(&self.keys.nonce, self.settings.nonce_lifetime);
        let wall = Duration::from_millis(self.wall.0);
        let challenge = |stale| {
            let nonce = nonces.issue(wall, purpose, bound_to);
            Verdict::Challenge { purpose, realm, nonce, stale }
        };
        let Some(credentials) = credentials(message, header, realm.name) else {
            return Err(challenge(Staleness::No));
        };
        let user = realm.domain.and_then(|domain| self.directory.user_in(domain, &credentials.username));
        let proven = match user.and_then(|user| user.ha1(credentials.algorithm)) {
            Some(ha1) => digest::verify(&credentials, &ha1, message.method_text()),
            None => digest::verify_against_nothing(&credentials, message.method_text()),
        };
        let fits = realm.algorithms().contains(&credentials.algorithm) && is_of_request(&credentials, message);
        let issued_at = nonces.issued_at(purpose, bound_to, credentials.nonce);
        let verdict = match (user.filter(|_| proven && fits), issued_at) {
            (Some(user), Some(issued_at)) if nonces.state(wall, issued_at) == NonceState::Fresh => {
                self.count(Count::AuthenticationPassed);
                return Ok(Proof { user, nonce: credentials.nonce, issued_at, count: credentials.count });
            }
            (Some(_), Some(_) | None) => {
                self.count(Count::AuthenticationStale);
                return Err(challenge(Staleness::Stale));
            }
            (None, Some(_) | None) => challenge(Staleness::No),
        };
        self.count(Count::AuthenticationFailed);
        // A nonce that we never issued proves that the sender may not even be at this address.
        if issued_at.is_some() {
            self.punish();
        }
        Err(verdict)
    }

    /// Whether an address is that of the user, by name or extension.
    pub(super) fn owns(&self, user: &User, realm: &Realm<'_>, address: &Uri<'_>) -> bool {
        let domain = self.directory.domain(address.host_text);
        let Some(domain) = domain.filter(|domain| *domain.name == *realm.name) else { return false };
        let written = address.user_decoded();
        // Nearly always the name; no other user has it, so nobody need be looked up.
        written.eq_ignore_ascii_case(user.name())
            || self.directory.user_or_extension(domain, &written).is_some_and(|named| named.name() == user.name())
    }

    fn punish(&mut self) {
        let Face::Public(flow) = self.arrival.face else { return };
        let peer = self.arrival.peer;
        if self.memory.limits.failed(self.now, peer.ip()) == Admission::Banned {
            tracing::warn!(%peer, "source banned: too many failed authentications");
            self.count(Count::BansBegun);
            if flow.transport.is_reliable() {
                self.out.push(Output::Close(flow));
            }
        }
    }
}

/// The first credentials for a realm.
fn credentials<'a>(message: &'a Message<'a>, header: Name, realm: &str) -> Option<Credentials<'a>> {
    let all = message.all(header).filter_map(|value| Credentials::parse(value).ok());
    { all }.find(|credentials| credentials.realm.eq_ignore_ascii_case(realm))
}

/// Whether the digest-uri is the request URI (RFC 7616 §3.4.6): else what was signed for one number would reach another.
fn is_of_request(credentials: &Credentials<'_>, message: &Message<'_>) -> bool {
    let uri = message.request_uri();
    credentials.uri == uri
        || match (Uri::parse(credentials.uri), Uri::parse(uri)) {
            (Ok(signed), Ok(sent)) => signed.equivalent(&sent),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
        }
}

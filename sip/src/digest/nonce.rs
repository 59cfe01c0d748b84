//! Nonces that nobody has to remember.

use crate::token::{KeyRing, Kind, Payload, Token, open, seal};
use std::time::Duration;

/// Issues nonces and tells their age from themselves.
///
/// A nonce seals the time of its issue in milliseconds; its MAC also covers its purpose and what it is bound to, a realm and a user
/// for example, so that it is worth nothing elsewhere. 20 characters.
#[derive(Debug, Clone, Copy)]
pub struct Nonces<'a> {
    ring: &'a KeyRing,
    lifetime: Duration,
}

/// What a challenge is for; the nonce of one does not answer the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// REGISTER: the nonce-count is checked where the binding changes.
    Register,
    /// Every other request.
    Call,
}

/// What a nonce in credentials turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NonceState {
    /// Ours, for this purpose and binding, and young enough.
    Fresh,
    /// The same, but too old: challenge with `stale=true`.
    Stale,
    /// Made up, for something else, or under a key that is gone.
    Foreign,
}

impl<'a> Nonces<'a> {
    /// How long a nonce is good for where nothing else is configured.
    pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

    /// Nonces under these keys, good for `lifetime`, which should be shorter than a rotation of the keys.
    pub fn new(ring: &'a KeyRing, lifetime: Duration) -> Nonces<'a> {
        Nonces { ring, lifetime }
    }

    /// A new nonce; `now` is the time since the Unix epoch.
    pub fn issue(&self, now: Duration, purpose: Purpose, bound_to: &[&str]) -> Token {
        let mut payload = Payload::new();
        let [_, _, millis @ ..] = (now.as_millis() as u64).to_be_bytes();
        payload.push::<6>(millis);
        seal(self.ring, purpose.kind(), &payload, bound_to)
    }

    /// Checks a nonce out of credentials; `now` is the time since the Unix epoch.
    pub fn check(&self, now: Duration, purpose: Purpose, bound_to: &[&str], nonce: &str) -> NonceState {
        self.issued_at(purpose, bound_to, nonce).map_or(NonceState::Foreign, |issued| self.state(now, issued))
    }

    /// When a nonce was issued, as time since the Unix epoch; `None` where [`Nonces::check`] says `Foreign`.
    pub fn issued_at(&self, purpose: Purpose, bound_to: &[&str], nonce: &str) -> Option<Duration> {
        let expected = |number| Some(purpose.kind()).filter(|kind| kind.number == number);
        let (_, payload) = open(self.ring, nonce, expected, bound_to)?;
        let [a, b, c, d, e, f] = payload.array(0);
        Some(Duration::from_millis(u64::from_be_bytes([0, 0, a, b, c, d, e, f])))
    }

    /// Whether a nonce issued then is `Fresh` or `Stale` now.
    ///
    /// A nonce from the future, by another machine's clock, is fresh as long as the difference is within the lifetime.
    pub fn state(&self, now: Duration, issued_at: Duration) -> NonceState {
        if now.abs_diff(issued_at) <= self.lifetime { NonceState::Fresh } else { NonceState::Stale }
    }
}

impl Purpose {
    fn kind(self) -> Kind {
        let number = match self {
            Purpose::Register => 26,
            Purpose::Call => 27,
        };
        Kind { number, length: 6 }
    }
}

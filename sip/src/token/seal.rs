//! The envelope that all tokens share.

use super::base64;
use super::keys::KeyRing;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use subtle::ConstantTimeEq;

/// A sealed value as text: URL-safe characters only, at most 39.
#[derive(Clone, Copy)]
pub struct Token {
    text: [u8; MAX_TEXT],
    length: u8,
}

impl Token {
    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..usize::from(self.length)]).expect("base64 is ASCII")
    }
}

impl Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Token {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.as_str())
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Token {}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// What a token carries; its number stands in the token, 0 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Told apart by the reader: 0–24 are flows and hops, 25 contacts, 26 and 27 nonces.
    pub(crate) number: u8,
    /// Bytes that it carries, at most 21.
    pub(crate) length: usize,
}

/// The bytes that a token carries.
pub(crate) struct Payload {
    bytes: [u8; MAX_BYTES],
    length: usize,
}

impl Payload {
    pub(crate) fn new() -> Payload {
        Payload { bytes: [0; MAX_BYTES], length: 0 }
    }

    pub(crate) fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.length..self.length + N].copy_from_slice(&bytes);
        self.length += N;
    }

    /// The `N` bytes from `at`.
    pub(crate) fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|i| self.bytes[at + i])
    }
}

/// Seals `payload` under the ring's current key; `bound_to` must be said again to open it.
pub(crate) fn seal(ring: &KeyRing, kind: Kind, payload: &Payload, bound_to: &[&str]) -> Token {
    debug_assert_eq!(payload.length, kind.length);
    let mut bytes = [0; MAX_BYTES];
    bytes[0] = kind.number << 3 | ring.current.epoch_bits();
    let (body, end) = (1 + kind.length, 1 + kind.length + mac_length(kind));
    bytes[1..body].copy_from_slice(&payload.bytes[..kind.length]);
    let mac = ring.current.mac(&bytes[..body], bound_to);
    bytes[body..end].copy_from_slice(&mac[..mac_length(kind)]);
    let mut text = [0; MAX_TEXT];
    let length = base64::encode(&bytes[..end], &mut text);
    Token { text, length: length as u8 }
}

/// The payload of a token that this ring sealed; `kind_of` says what a number stands for.
pub(crate) fn open(
    ring: &KeyRing,
    text: &str,
    kind_of: impl FnOnce(u8) -> Option<Kind>,
    bound_to: &[&str],
) -> Option<(Kind, Payload)> {
    let mut bytes = [0; MAX_BYTES];
    let length = base64::decode(text.as_bytes(), &mut bytes)?;
    let kind = kind_of(bytes[0] >> 3)?;
    let (body, end) = (1 + kind.length, 1 + kind.length + mac_length(kind));
    if length != end {
        return None;
    }
    let is_ours = |mac: [u8; 32]| bool::from(mac[..mac_length(kind)].ct_eq(&bytes[body..end]));
    ring.of_epoch(bytes[0] & 7).any(|key| is_ours(key.mac(&bytes[..body], bound_to))).then(|| {
        let mut payload = Payload::new();
        payload.bytes[..kind.length].copy_from_slice(&bytes[1..body]);
        payload.length = kind.length;
        (kind, payload)
    })
}

/// Eight bytes of MAC, or what is left of the token.
fn mac_length(kind: Kind) -> usize {
    (MAX_BYTES - 1 - kind.length).min(8)
}

const MAX_TEXT: usize = 39;
const MAX_BYTES: usize = MAX_TEXT * 6 / 8;

//! Globally routable user-agent URIs (RFC 5627): one phone of a user, by its name or without telling it.
//!
//! A temporary GRUU's user part is `tgruu.` and the hex form of what it stands for, encrypted and authenticated under a key that the
//! cluster keeps for ever: any proxy opens it, and nobody stores one.

use crate::ring;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::{self, Write};
use subtle::ConstantTimeEq;

/// What temporary GRUUs are sealed with.
#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha256>,
}

/// What a temporary GRUU stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temporary {
    /// User part of the AOR; its domain is that of the GRUU.
    pub user: String,
    instance: u32,
    call: u32,
}

impl Key {
    /// From a cluster secret.
    pub fn new(secret: &[u8; 32]) -> Key {
        Key { mac: Hmac::new_from_slice(secret).expect("HMAC takes keys of any length") }
    }

    /// A temporary GRUU for a phone of `aor` (user@domain); different for each `salt`. `call` is the [`ring::hash`] of the REGISTER's
    /// Call-ID: the GRUU dies with it.
    pub fn temporary(&self, aor: &str, instance: &str, call: u64, salt: u32) -> String {
        let (user, domain) = aor.rsplit_once('@').unwrap_or((aor, ""));
        let mut plain = Vec::with_capacity(PREFIX + user.len());
        plain.extend(salt.to_be_bytes());
        plain.extend(short(ring::hash(instance.as_bytes())).to_be_bytes());
        plain.extend(short(call).to_be_bytes());
        plain.extend(user.as_bytes());
        let tag = self.tag(&plain);
        self.crypt(&tag, &mut plain);
        let mut uri = String::with_capacity(4 + MARK.len() + 2 * (TAG + plain.len()) + 1 + domain.len() + 3);
        uri.push_str("sip:");
        uri.push_str(MARK);
        for byte in tag.iter().chain(&plain) {
            write!(uri, "{byte:02x}").expect("a String takes all");
        }
        uri.push('@');
        uri.push_str(domain);
        uri.push_str(";gr");
        uri
    }

    /// What the user part of a request URI stands for, if this cluster made it as a temporary GRUU.
    pub fn open(&self, user: &str) -> Option<Temporary> {
        let mut bytes = unhex(user.strip_prefix(MARK)?)?;
        let mut plain = bytes.split_off(TAG.min(bytes.len()));
        let tag: [u8; TAG] = bytes.try_into().ok()?;
        self.crypt(&tag, &mut plain);
        if plain.len() < PREFIX || !bool::from(self.tag(&plain).ct_eq(&tag)) {
            return None;
        }
        let number = |at: usize| u32::from_be_bytes(std::array::from_fn(|i| plain[at + i]));
        let user = std::str::from_utf8(&plain[PREFIX..]).ok()?.to_owned();
        Some(Temporary { user, instance: number(4), call: number(8) })
    }

    /// The MAC of the plain text is also where the key stream starts, so equal streams mean equal texts.
    fn tag(&self, plain: &[u8]) -> [u8; TAG] {
        let mac = self.mac(&[b"tag", plain]);
        std::array::from_fn(|i| mac[i])
    }

    fn crypt(&self, tag: &[u8; TAG], bytes: &mut [u8]) {
        for (block, chunk) in bytes.chunks_mut(32).enumerate() {
            let stream = self.mac(&[b"stream", tag, &(block as u32).to_be_bytes()]);
            chunk.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Temporary {
    /// Whether it was given to the phone with this instance for a registration under this Call-ID (its [`ring::hash`]).
    pub fn is_of(&self, instance: &str, call: u64) -> bool {
        !instance.is_empty() && self.instance == short(ring::hash(instance.as_bytes())) && self.call == short(call)
    }
}

/// The public GRUU of an instance of `aor` (user@domain).
pub fn public(aor: &str, instance: &str) -> String {
    let mut uri = format!("sip:{aor};gr=");
    for &byte in instance.as_bytes() {
        // RFC 3261 §25.1: paramchar.
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/:&+$".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("a String takes all");
        }
    }
    uri
}

fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |character: &u8| char::from(*character).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| if let [a, b] = pair { Some((digit(a)? << 4 | digit(b)?) as u8) } else { None }).collect()
}

/// By this the user part of a temporary GRUU is known.
const MARK: &str = "tgruu.";
const TAG: usize = 12;
/// Salt, instance, Call-ID.
const PREFIX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

    fn user(uri: &str) -> &str {
        uri.strip_prefix("sip:").unwrap().split_once('@').unwrap().0
    }

    #[test]
    fn a_temporary_gruu_leads_back_to_user_instance_and_call_and_hides_them() {
        let key = Key::new(&[7; 32]);
        let uri = key.temporary("alice.with.a.long.name@tandem.local", INSTANCE, 99 << 32, 1);
        assert!(uri.ends_with("@tandem.local;gr") && !uri.contains("alice"));
        let temporary = key.open(user(&uri)).unwrap();
        assert_eq!(temporary.user, "alice.with.a.long.name");
        assert!(temporary.is_of(INSTANCE, 99 << 32));
        assert!(!temporary.is_of(INSTANCE, 98 << 32), "another Call-ID");
        assert!(!temporary.is_of("urn:uuid:other", 99 << 32));
        assert_ne!(uri, key.temporary("alice.with.a.long.name@tandem.local", INSTANCE, 99 << 32, 2));
    }

    #[test]
    fn a_changed_or_foreign_one_stands_for_nothing() {
        let key = Key::new(&[7; 32]);
        let uri = key.temporary("bob@tandem.local", INSTANCE, 5, 1);
        let user = user(&uri);
        assert!(Key::new(&[8; 32]).open(user).is_none());
        for at in 0..user.len() {
            let mut changed = user.as_bytes().to_vec();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert!(key.open(std::str::from_utf8(&changed).unwrap()).is_none(), "{at}");
            assert!(key.open(&user[..at]).is_none(), "cut at {at}");
        }
        assert!(key.open("tgruu.é").is_none());
    }

    #[test]
    fn a_public_gruu_names_the_instance() {
        assert_eq!(public("a@b", INSTANCE), format!("sip:a@b;gr={INSTANCE}"));
        assert_eq!(public("a@b", "x;y"), "sip:a@b;gr=x%3By");
    }
}

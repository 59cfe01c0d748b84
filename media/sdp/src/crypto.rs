//! Keys for SRTP in the description: the a=crypto attribute (RFC 4568).

mod base64;
#[cfg(test)]
mod tests;

use std::fmt;

/// An a=crypto attribute: how its sender protects what it sends, and with which keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// 0 to 999,999,999; an answer repeats the tag that it chose.
    pub tag: u32,
    /// `AES_CM_128_HMAC_SHA1_80` and the like, to be compared without regard to case.
    pub suite: &'a str,
    /// The key parameters as written.
    pub keys: &'a str,
    /// The session parameters as written; mostly empty.
    pub params: &'a str,
}

impl<'a> Crypto<'a> {
    /// Reads what follows `a=crypto:`. None without tag, suite and keys.
    pub fn parse(value: &'a str) -> Option<Crypto<'a>> {
        let (tag, rest) = word(value)?;
        let (suite, rest) = word(rest)?;
        let (keys, params) = word(rest)?;
        if tag.len() > 9 || !tag.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Crypto { tag: tag.parse().ok()?, suite, keys, params: params.trim() })
    }

    /// The first inline key. None if there is none, or its parts are not as RFC 4568 §6.1 has them.
    pub fn key(&self) -> Option<InlineKey> {
        InlineKey::parse(self.keys.split(';').next()?)
    }

    /// Who knows no more than suite and one key can use it: there is neither a master key identifier nor a second key,
    /// and no session parameter that must be understood. `WSH`, `KDR=0` and what its sender marks as optional say
    /// nothing that matters.
    pub fn is_plain(&self) -> bool {
        let key = if self.keys.contains(';') { None } else { self.key() };
        key.is_some_and(|key| key.mki.is_none()) && self.params.split_ascii_whitespace().all(is_ignorable)
    }
}

impl fmt::Debug for Crypto<'_> {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crypto({} {} {})", self.tag, self.suite, self.params)
    }
}

/// The first word, and what follows the spaces behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (!word.is_empty()).then(|| (word, rest.trim_start()))
}

/// RFC 4568 §6.3. Extensions that begin with a minus may be ignored (§6.3.7).
fn is_ignorable(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    name.starts_with('-')
        || name.eq_ignore_ascii_case("WSH")
        || name.eq_ignore_ascii_case("KDR") && value.bytes().all(|digit| digit == b'0')
}

/// A master key with its salt (RFC 4568 §6.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InlineKey {
    bytes: [u8; InlineKey::LONGEST],
    length: usize,
    /// The master key identifier, and its length in packets, 1 to 128 bytes.
    pub mki: Option<(u32, u8)>,
    /// Packets that the key is good for.
    pub lifetime: Option<u64>,
}

impl InlineKey {
    /// Most bytes of a key with its salt.
    pub const LONGEST: usize = 64;

    /// The key with the salt behind it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// `inline:` with the key, then lifetime, then identifier and its length.
    fn parse(text: &str) -> Option<InlineKey> {
        let (method, text) = text.split_once(':')?;
        if !method.eq_ignore_ascii_case("inline") {
            return None;
        }
        let mut parts = text.split('|');
        let mut bytes = [0; InlineKey::LONGEST];
        let length = base64::decode(parts.next()?, &mut bytes)?;
        let mut key = InlineKey { bytes, length, mki: None, lifetime: None };
        for part in parts {
            match part.split_once(':') {
                Some((value, length)) if key.mki.is_none() => {
                    let length = length.parse().ok().filter(|length| (1..=128).contains(length))?;
                    key.mki = Some((value.parse().ok()?, length));
                }
                None if key.mki.is_none() && key.lifetime.is_none() => key.lifetime = Some(lifetime(part)?),
                Some(_) | None => return None,
            }
        }
        Some(key)
    }
}

impl fmt::Debug for InlineKey {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InlineKey({} bytes, {:?}, {:?})", self.length, self.mki, self.lifetime)
    }
}

/// `2^20`, or `1048576`.
fn lifetime(text: &str) -> Option<u64> {
    match text.split_once('^') {
        Some(("2", exponent)) => 1_u64.checked_shl(exponent.parse().ok()?),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

/// What follows `a=crypto:` for a key with its salt, without lifetime and identifier:
/// `1 AES_CM_128_HMAC_SHA1_80 inline:...`.
pub fn write(tag: u32, suite: &str, key_and_salt: &[u8]) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{tag} {suite} inline:{}", base64::Encoded(key_and_salt)))
}

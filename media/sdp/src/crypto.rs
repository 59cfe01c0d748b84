//! Keys of SRTP in a description: a=crypto (RFC 4568).

use crate::Media;
use std::fmt::{self, Display};

/// One a=crypto line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// Tells the lines of a stream apart, 1–999,999,999; the answer names the line that it takes by it.
    pub tag: u32,
    /// `AES_CM_128_HMAC_SHA1_80` ...
    pub suite: &'a str,
    /// The key parameters as written, `inline:KEY|LIFETIME|MKI:LENGTH`, several with `;` between them.
    pub keys: &'a str,
    /// The session parameters as written.
    pub params: &'a str,
}

/// A key with its salt, as a line has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InlineKey {
    bytes: [u8; InlineKey::LONGEST],
    length: usize,
}

impl<'a> Crypto<'a> {
    /// Reads what follows `a=crypto:`.
    pub fn parse(value: &'a str) -> Option<Crypto<'a>> {
        let (tag, rest) = value.trim().split_once(' ')?;
        let (suite, rest) = rest.trim_start().split_once(' ')?;
        let rest = rest.trim_start();
        let (keys, params) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_number = tag.len() <= 9 && tag.bytes().all(|digit| digit.is_ascii_digit());
        let tag = tag.parse().ok().filter(|&tag| is_number && tag > 0)?;
        Some(Crypto { tag, suite, keys, params: params.trim() })
    }

    /// Whether nothing is asked for beyond what every implementation does: one key without an MKI, both RTP and RTCP encrypted and
    /// authenticated. A hint on the replay window may be passed over, and so may parameters that begin with `-` (RFC 4568 §6.3).
    pub fn is_usable(&self) -> bool {
        let is_known = |param: &str| param.starts_with('-') || param.starts_with("WSH=") || param == "KDR=0";
        let fields = self.keys.split('|').skip(1);
        !self.keys.contains(';')
            && { fields }.all(|field| !field.contains(':'))
            && self.params.split_ascii_whitespace().all(is_known)
    }

    /// The first key; `None` where it is not inline, no base64, or longer than any suite's.
    pub fn key(&self) -> Option<InlineKey> {
        let (method, info) = self.keys.split(';').next()?.split_once(':')?;
        let text = info.split('|').next()?;
        let mut key = InlineKey { bytes: [0; InlineKey::LONGEST], length: 0 };
        key.length = base64::decode(text, &mut key.bytes).filter(|_| method.eq_ignore_ascii_case("inline"))?;
        Some(key)
    }
}

impl fmt::Debug for Crypto<'_> {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crypto({} {})", self.tag, self.suite)
    }
}

impl InlineKey {
    /// Bytes of the longest key with its salt.
    const LONGEST: usize = 46;

    /// The key with the salt behind it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl fmt::Debug for InlineKey {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InlineKey({} bytes)", self.length)
    }
}

impl<'a> Media<'a> {
    /// The stream's a=crypto lines in their order, which is that of preference.
    pub fn cryptos(&self) -> impl Iterator<Item = Crypto<'a>> + use<'a> {
        self.attributes().filter_map(|(name, value)| if name == "crypto" { Crypto::parse(value?) } else { None })
    }
}

/// What follows `a=crypto:` for one key.
pub fn write(tag: u32, suite: &str, key_and_salt: &[u8]) -> impl Display {
    fmt::from_fn(move |f| write!(f, "{tag} {suite} inline:{}", base64::encode(key_and_salt)))
}

/// Base64 (RFC 4648 §4) for a key.
mod base64 {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pub fn encode(bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
        for chunk in bytes.chunks(3) {
            let mut word = [0; 4];
            word[1..=chunk.len()].copy_from_slice(chunk);
            let word = u32::from_be_bytes(word);
            for sextet in 0..4 {
                let digit = ALPHABET[(word >> (18 - 6 * sextet) & 63) as usize];
                text.push(if sextet <= chunk.len() { char::from(digit) } else { '=' });
            }
        }
        text
    }

    /// Into the front of `out`; padding may be missing, as some phones leave it out.
    pub fn decode(text: &str, out: &mut [u8]) -> Option<usize> {
        let digits = text.trim_end_matches('=').as_bytes();
        let length = digits.len() * 6 / 8;
        let mut bytes = out.get_mut(..length)?.iter_mut();
        let (mut word, mut bits) = (0u32, 0);
        for digit in digits {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            (word, bits) = (word << 6 | value as u32, bits + 6);
            if bits >= 8 {
                bits -= 8;
                *bytes.next()? = (word >> bits) as u8;
            }
        }
        (digits.len() % 4 != 1).then_some(length)
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn rfc4648_section_10_vectors() {
            for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
                assert_eq!(super::encode(plain.as_bytes()), text);
                let mut out = [0; 8];
                for text in [text, text.trim_end_matches('=')] {
                    let length = super::decode(text, &mut out).unwrap();
                    assert_eq!(&out[..length], plain.as_bytes());
                }
            }
            assert_eq!(super::decode("Zm9vYmFyZm9v", &mut [0; 8]), None, "too long");
            assert_eq!(super::decode("Zm9!", &mut [0; 8]), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4568 §6.1.
    const RFC: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32";
    const LINPHONE: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:Ky+jFqSKzg2O9JjmUVMDUyFtjvBUqj9JWrpWjMPY";

    #[test]
    fn a_line_is_taken_apart() {
        let line = Crypto::parse(LINPHONE).unwrap();
        assert_eq!((line.tag, line.suite, line.params), (1, "AES_CM_128_HMAC_SHA1_80", ""));
        assert!(line.is_usable());
        assert_eq!(line.key().unwrap().bytes().len(), 30);
        assert_eq!(write(1, line.suite, line.key().unwrap().bytes()).to_string(), LINPHONE);
        assert!(!format!("{line:?} {:?}", line.key()).contains("Ky+j"), "the key is not printed");
    }

    #[test]
    fn what_asks_for_more_than_we_do_is_not_used() {
        assert!(!Crypto::parse(RFC).unwrap().is_usable(), "it has an MKI");
        let with = |more: &str| Crypto::parse(&format!("{LINPHONE}{more}")).map(|line| line.is_usable());
        for more in ["|2^31", "|1048576", " WSH=128", " KDR=0", " -X=1"] {
            assert_eq!(with(more), Some(true), "{more}");
        }
        for more in [
            " UNENCRYPTED_SRTP",
            " UNENCRYPTED_SRTCP",
            " UNAUTHENTICATED_SRTP",
            " FEC_ORDER=FEC_SRTP",
            " KDR=1",
            ";inline:abcd",
        ] {
            assert_eq!(with(more), Some(false), "{more}");
        }
    }

    #[test]
    fn what_is_no_line_is_none() {
        for text in
            ["", "1", "1 X", "0 X inline:abcd", "x X inline:abcd", "1000000000 X inline:abcd", "+1 X inline:abcd"]
        {
            assert_eq!(Crypto::parse(text), None, "{text}");
        }
        for text in ["1 X uri:abcd", "1 X inline", "1 X inline:ab!d"] {
            assert_eq!(Crypto::parse(text).unwrap().key(), None, "{text}");
        }
    }
}

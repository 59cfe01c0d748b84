//! Names and secrets of the two sides.

use std::fmt;

/// Username fragment of one side: 4 to 256 ice-char (RFC 8839 §5.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ufrag(Box<str>);

impl Ufrag {
    /// From the value of `a=ice-ufrag`.
    ///
    /// # Errors
    /// It is too short or too long, or has characters other than letters, digits, `+` and `/`.
    pub fn parse(text: &str) -> Result<Ufrag, InvalidCredentials> {
        let is_valid = (4..=256).contains(&text.len()) && text.bytes().all(is_ice_char);
        if is_valid { Ok(Ufrag(text.into())) } else { Err(InvalidCredentials) }
    }

    /// As SDP has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Our own name and secret, which we tell the peer in `a=ice-ufrag` and `a=ice-pwd`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    ufrag: Ufrag,
    pwd: Box<str>,
}

impl Credentials {
    /// Random bytes that a fragment of 8 and a password of 24 characters take.
    pub const RANDOM: usize = 32;

    /// New ones from random bytes, 6 bits of each used: 48 for the fragment, 144 for the password (RFC 8445 §5.3 asks for
    /// 24 and 128).
    pub fn from_random(random: [u8; Credentials::RANDOM]) -> Credentials {
        let text: String = random.iter().map(|byte| char::from(ICE_CHARS[usize::from(byte & 63)])).collect();
        let (ufrag, pwd) = text.split_at(8);
        Credentials { ufrag: Ufrag(ufrag.into()), pwd: pwd.into() }
    }

    /// Ones made before.
    ///
    /// # Errors
    /// The password has fewer than 22 or more than 256 characters, or others than letters, digits, `+` and `/`.
    pub fn new(ufrag: Ufrag, pwd: &str) -> Result<Credentials, InvalidCredentials> {
        let is_valid = (22..=256).contains(&pwd.len()) && pwd.bytes().all(is_ice_char);
        if is_valid { Ok(Credentials { ufrag, pwd: pwd.into() }) } else { Err(InvalidCredentials) }
    }

    /// For `a=ice-ufrag`.
    pub fn ufrag(&self) -> &Ufrag {
        &self.ufrag
    }

    /// For `a=ice-pwd`. Whoever has it may choose where our media goes.
    pub fn pwd(&self) -> &str {
        &self.pwd
    }
}

impl fmt::Debug for Credentials {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.ufrag.as_str())
    }
}

/// A username fragment or password that RFC 8839 §5.4 does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the letters, digits, + and / of ICE credentials, or too few or too many of them")]
pub struct InvalidCredentials;

fn is_ice_char(byte: u8) -> bool {
    ICE_CHARS.contains(&byte)
}

const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_give_valid_credentials_and_debug_hides_the_secret() {
        let credentials = Credentials::from_random(std::array::from_fn(|index| index as u8 ^ 0x5a));
        assert_eq!((credentials.ufrag().as_str().len(), credentials.pwd().len()), (8, 24));
        assert_eq!(Ufrag::parse(credentials.ufrag().as_str()).as_ref(), Ok(credentials.ufrag()));
        assert_eq!(Credentials::new(credentials.ufrag().clone(), credentials.pwd()).as_ref(), Ok(&credentials));
        assert!(!format!("{credentials:?}").contains(credentials.pwd()));
    }

    #[test]
    fn what_rfc_8839_does_not_allow_is_refused() {
        for bad in ["", "abc", "ab:d", "ab d", "äbcd", &"a".repeat(257)] {
            assert_eq!(Ufrag::parse(bad), Err(InvalidCredentials), "{bad}");
        }
        let ufrag = Ufrag::parse("abcd").unwrap();
        for bad in [&"a".repeat(21), &"a".repeat(257), "aaaaaaaaaaaaaaaaaaaaa:"] {
            assert_eq!(Credentials::new(ufrag.clone(), bad), Err(InvalidCredentials), "{bad}");
        }
    }
}

//! The address of record: the key under which a user is known.

use std::borrow::Borrow;
use std::fmt;

use crate::chars::USER;
use crate::uri::{Host, Scheme, Uri, unescaped};

/// `user@domain` in canonical form (RFC 3261 §10.3 step 5): no parameters, port or needless escapes, all in lower case.
///
/// Our domains' user names do not depend on case, so that `Bob` and `bob` can never be two users.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aor(Box<str>);

/// Why text names no user of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AorError {
    /// Neither a SIP or SIPS URI nor `user@domain`.
    #[error("no SIP address")]
    NoSipUri,
    /// No user part.
    #[error("no user part")]
    NoUser,
}

impl Aor {
    /// `sip:Bob@Host:5060;x`, or `bob@host` without a scheme.
    pub fn parse(text: &str) -> Result<Aor, AorError> {
        match Uri::parse(text) {
            Ok(uri) if matches!(uri.scheme, Scheme::Sip | Scheme::Sips) => Aor::from_uri(&uri),
            Ok(_) | Err(_) => {
                let (user, domain) = text.rsplit_once('@').ok_or(AorError::NoSipUri)?;
                let host = Host::parse(domain).ok_or(AorError::NoSipUri)?;
                if user.is_empty() {
                    return Err(AorError::NoUser);
                }
                if !USER.is_all_escaped(user.as_bytes()) {
                    return Err(AorError::NoSipUri);
                }
                Ok(Aor::canonical(user, &host))
            }
        }
    }

    /// AOR of a SIP or SIPS URI.
    pub fn from_uri(uri: &Uri<'_>) -> Result<Aor, AorError> {
        match uri.scheme {
            Scheme::Sip | Scheme::Sips => Ok(Aor::canonical(uri.user.ok_or(AorError::NoUser)?, &uri.host)),
            Scheme::Tel | Scheme::Other => Err(AorError::NoSipUri),
        }
    }

    fn canonical(user: &str, host: &Host<'_>) -> Aor {
        use fmt::Write;
        let mut text = String::with_capacity(user.len() + 32);
        if user.contains('%') {
            for byte in unescaped(user) {
                if USER.holds(byte) {
                    text.push(byte as char);
                } else {
                    write!(text, "%{byte:02x}").expect("writing to a String does not fail");
                }
            }
        } else {
            text.push_str(user);
        }
        write!(text, "@{host}").expect("writing to a String does not fail");
        text.make_ascii_lowercase();
        Aor(text.into_boxed_str())
    }

    /// `user@domain`
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Before the `@`; characters that need it stay percent-escaped.
    pub fn user(&self) -> &str {
        self.parts().0
    }

    /// After the `@`; IPv6 in brackets.
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.rsplit_once('@').expect("every Aor is built with an @")
    }
}

impl fmt::Display for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Aor {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Aor {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Aor {
    type Err = AorError;

    fn from_str(text: &str) -> Result<Aor, AorError> {
        Aor::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_form() {
        for text in [
            "sip:Bob@Tandem.Local",
            "sips:b%6fb:secret@tandem.local:5061;x=y?a=b",
            "bob@tandem.local",
            "SIP:bob@tandem.LOCAL",
        ] {
            assert_eq!(Aor::parse(text).unwrap().as_str(), "bob@tandem.local", "{text}");
        }
        let aor = Aor::parse("sip:a%40B%00@[2001:DB8::1]").unwrap();
        assert_eq!((aor.user(), aor.domain()), ("a%40b%00", "[2001:db8::1]"));
        assert_eq!(Aor::parse(aor.as_str()), Ok(aor));
    }

    #[test]
    fn what_names_no_user_is_refused() {
        assert_eq!(Aor::parse("sip:tandem.local"), Err(AorError::NoUser));
        for text in ["tel:+1", "bob", "@h", "b b@h", "bob@", "http://a@b"] {
            assert!(Aor::parse(text).is_err(), "{text}");
        }
    }
}

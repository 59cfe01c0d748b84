//! The phone's side of digest authentication, computed by rsip, so that the exchange's own code does not judge itself.

use rsip::headers::auth::{Algorithm, AuthQop};
use rsip::services::DigestGenerator;

/// Who answers a challenge, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The user, as the directory names it.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
    /// Of the request.
    pub method: &'a str,
    /// The request URI.
    pub uri: &'a str,
    /// How often this nonce has been answered, from 1.
    pub count: u8,
}

impl Answer<'_> {
    /// The value of Authorization or Proxy-Authorization for the SHA-256 challenge among these header values.
    pub fn to(&self, challenges: &[impl AsRef<str>]) -> Option<String> {
        let challenge = challenges.iter().map(AsRef::as_ref).find(|value| value.contains("SHA-256"))?;
        let value = |key: &str| challenge.split_once(&format!("{key}=\""))?.1.split('"').next();
        let (realm, nonce) = (value("realm")?, value("nonce")?);
        let Answer { user, password, method, uri, count } = *self;
        let response = DigestGenerator {
            username: user,
            password,
            nonce,
            uri: &rsip::Uri::try_from(uri).ok()?,
            realm,
            method: &method.parse().ok()?,
            qop: Some(&AuthQop::Auth { cnonce: CNONCE.into(), nc: count }),
            algorithm: Algorithm::Sha256,
        }
        .compute();
        Some(format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm=SHA-256, qop=auth, \
             nc={count:08x}, cnonce=\"{CNONCE}\", response=\"{response}\""
        ))
    }
}

const CNONCE: &str = "c0ffee";

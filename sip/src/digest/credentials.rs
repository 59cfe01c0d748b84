//! What a client answers a challenge with: the value of `Authorization` or `Proxy-Authorization`.

use super::Algorithm;
use super::digest_params;
use super::quoting::unescaped;
use crate::uri::Uri;
use std::borrow::Cow;

/// Credentials as a header holds them; nothing in them has been checked against a user or a nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Who it claims to be, without quoting.
    pub username: Cow<'a, str>,
    /// For which realm, without quoting.
    pub realm: Cow<'a, str>,
    /// The challenge's nonce.
    pub nonce: &'a str,
    /// The digest-uri: what the request was sent to when it was signed.
    pub uri: &'a str,
    /// The algorithm, MD5 where none is named.
    pub algorithm: Algorithm,
    /// How often the client has used the nonce, from 1.
    pub count: u32,
    /// The client's own nonce.
    pub cnonce: &'a str,
    pub(super) nonce_count: &'a str,
    pub(super) response: &'a str,
}

/// Why a header is no credentials of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Another scheme, `Basic` for example.
    #[error("the scheme is not Digest")]
    NotDigest,
    /// A parameter that must be there is not, or stands behind one that is malformed.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter stands there twice.
    #[error("{0} is there twice")]
    Repeated(&'static str),
    /// An algorithm that was not offered.
    #[error("unknown algorithm")]
    UnknownAlgorithm,
    /// A protection that was not offered, or none: without `qop=auth` nothing counts a nonce's uses.
    #[error("qop is not auth")]
    NotAuth,
    /// Not eight hexadecimal digits.
    #[error("nc is malformed")]
    BadCount,
}

impl<'a> Credentials<'a> {
    /// Reads a header's value.
    pub fn parse(header: &'a str) -> Result<Credentials<'a>, CredentialsError> {
        let mut found: [Option<&'a str>; NAMES.len()] = [None; NAMES.len()];
        for (name, value) in digest_params(header).ok_or(CredentialsError::NotDigest)? {
            let Some(at) = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)) else { continue };
            if found[at].replace(value).is_some() {
                return Err(CredentialsError::Repeated(NAMES[at]));
            }
        }
        let [username, realm, nonce, uri, response, qop, nc, cnonce, algorithm] = found;
        let there = |value: Option<&'a str>, at: usize| value.ok_or(CredentialsError::Missing(NAMES[at]));
        if !qop.is_some_and(|qop| qop.eq_ignore_ascii_case("auth")) {
            return Err(CredentialsError::NotAuth);
        }
        let nonce_count = there(nc, 6)?;
        Ok(Credentials {
            username: unescaped(there(username, 0)?),
            realm: unescaped(there(realm, 1)?),
            nonce: there(nonce, 2)?,
            uri: there(uri, 3)?,
            algorithm: match algorithm {
                Some(name) => name.parse().map_err(|_| CredentialsError::UnknownAlgorithm)?,
                None => Algorithm::Md5,
            },
            count: Some(nonce_count)
                .filter(|nc| nc.len() == 8 && nc.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|nc| u32::from_str_radix(nc, 16).ok())
                .ok_or(CredentialsError::BadCount)?,
            cnonce: there(cnonce, 7)?,
            nonce_count,
            response: there(response, 4)?,
        })
    }

    /// Whether the request was sent where its sender signed for: the digest-uri has the user and host of this Request-URI.
    ///
    /// RFC 7616 §3.4.6 asks for it, so that overheard credentials cannot be used for another target. Scheme, port and parameters are
    /// not compared, which elements on the way change (RFC 3261 §22.4).
    pub fn is_for(&self, request_uri: &Uri<'_>) -> bool {
        Uri::parse(self.uri)
            .is_ok_and(|signed| signed.host == request_uri.host && signed.user_decoded() == request_uri.user_decoded())
    }
}

const NAMES: [&str; 9] = ["username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce", "algorithm"];

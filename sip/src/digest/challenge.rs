//! The value of `WWW-Authenticate` or `Proxy-Authenticate`, and a client's answer to it.

use super::quoting::{quoted, unescaped};
use super::{Algorithm, Credentials, Ha1, digest_params, response};
use std::borrow::Cow;
use std::fmt;

/// Whether the credentials before this challenge failed only because of their nonce's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// No credentials yet, or wrong ones.
    No,
    /// The client may answer anew without asking its user (`stale=true`).
    Stale,
}

/// One challenge; a response offers several algorithms by as many header lines, the preferred one first (RFC 8760 §2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Whose password is asked for, without quoting.
    pub realm: Cow<'a, str>,
    /// What the answer must hold.
    pub nonce: &'a str,
    /// What to hash with.
    pub algorithm: Algorithm,
    /// Whether only the nonce was wrong.
    pub stale: Staleness,
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Challenge { realm, nonce, algorithm, stale } = self;
        write!(f, "Digest realm={}, nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"", quoted(realm))?;
        match stale {
            Staleness::No => Ok(()),
            Staleness::Stale => f.write_str(", stale=true"),
        }
    }
}

/// Why a challenge cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// Another scheme.
    #[error("the scheme is not Digest")]
    NotDigest,
    /// Realm or nonce is missing.
    #[error("realm or nonce is missing")]
    Missing,
    /// Neither SHA-256 nor MD5.
    #[error("unknown algorithm")]
    UnknownAlgorithm,
    /// `auth` is not among its protections.
    #[error("qop=auth is not offered")]
    NotAuth,
}

impl<'a> Challenge<'a> {
    /// Reads a header's value.
    pub fn parse(header: &'a str) -> Result<Challenge<'a>, ChallengeError> {
        let (mut realm, mut nonce, mut qop, mut algorithm, mut stale) = (None, None, "", "MD5", Staleness::No);
        for (name, value) in digest_params(header).ok_or(ChallengeError::NotDigest)? {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(unescaped(value)),
                "nonce" => nonce = Some(value),
                "qop" => qop = value,
                "algorithm" => algorithm = value,
                "stale" if value.eq_ignore_ascii_case("true") => stale = Staleness::Stale,
                _ => {}
            }
        }
        if !qop.split(',').any(|offered| offered.trim().eq_ignore_ascii_case("auth")) {
            return Err(ChallengeError::NotAuth);
        }
        Ok(Challenge {
            realm: realm.ok_or(ChallengeError::Missing)?,
            nonce: nonce.ok_or(ChallengeError::Missing)?,
            algorithm: algorithm.parse().map_err(|_| ChallengeError::UnknownAlgorithm)?,
            stale,
        })
    }
}

/// A client's answer, displayed as the value of `Authorization` or `Proxy-Authorization`.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// What is answered; its algorithm must be that of `ha1`.
    pub challenge: &'a Challenge<'a>,
    /// Who answers, without quoting.
    pub username: &'a str,
    /// The answerer's secret.
    pub ha1: &'a Ha1,
    /// The request's method.
    pub method: &'a str,
    /// The request's URI.
    pub uri: &'a str,
    /// How often this nonce has been answered, from 1.
    pub count: u32,
    /// The client's own nonce, of characters that need no quoting.
    pub cnonce: &'a str,
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer { challenge: Challenge { realm, nonce, .. }, username, ha1, method, uri, count, cnonce } = self;
        let nonce_count = format!("{count:08x}");
        let credentials = Credentials {
            username: Cow::Borrowed(username),
            realm: Cow::Borrowed(realm),
            nonce,
            uri,
            algorithm: ha1.algorithm(),
            count: *count,
            cnonce,
            nonce_count: &nonce_count,
            response: "",
        };
        let response = response(&credentials, ha1, method).hex();
        write!(f, "Digest username={}, realm={}, nonce=\"{nonce}\", uri=\"{uri}\"", quoted(username), quoted(realm))?;
        write!(f, ", response=\"{}\", algorithm={}", response.as_str(), ha1.algorithm())?;
        write!(f, ", cnonce=\"{cnonce}\", qop=auth, nc={nonce_count}")
    }
}

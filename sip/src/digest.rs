//! Digest authentication (RFC 7616 and RFC 8760, as RFC 3261 §22 uses it): MD5 and SHA-256, `qop=auth`.
//!
//! A server keeps nothing between challenge and answer: [`Nonces`] seals what it must know of a nonce into the nonce.

mod challenge;
mod credentials;
mod hash;
mod nonce;
mod quoting;

pub use challenge::{Answer, Challenge, ChallengeError, Staleness};
pub use credentials::{Credentials, CredentialsError};
pub use hash::{Algorithm, Ha1, UnknownAlgorithm};
pub use nonce::{NonceState, Nonces, Purpose};

use crate::headers::AuthValue;
use hash::Hash;
use std::hint::black_box;

/// Whether the credentials are the answer of someone who has the password behind `ha1`, to a request of this method.
///
/// Takes the same time whichever byte differs. It says nothing of the nonce, the nonce-count or the digest-uri.
pub fn verify(credentials: &Credentials<'_>, ha1: &Ha1, method: &str) -> bool {
    let expected = response(credentials, ha1, method);
    credentials.algorithm == ha1.algorithm() && expected.equals_hex(credentials.response)
}

/// Refuses, with the work of [`verify`]: for a user that does not exist, so that time does not tell who does.
pub fn verify_against_nothing(credentials: &Credentials<'_>, method: &str) -> bool {
    let nobody = match credentials.algorithm {
        Algorithm::Sha256 => Ha1::Sha256([0; 32]),
        Algorithm::Md5 => Ha1::Md5([0; 16]),
    };
    black_box(verify(credentials, black_box(&nobody), method));
    false
}

/// The response of RFC 7616 §3.4.1 that these credentials should hold.
fn response(credentials: &Credentials<'_>, ha1: &Ha1, method: &str) -> Hash {
    let algorithm = ha1.algorithm();
    let ha2 = algorithm.hash(&[method.as_bytes(), credentials.uri.as_bytes()]);
    let count = credentials.nonce_count.as_bytes();
    let parts = [&ha1.hex(), credentials.nonce.as_bytes(), count, credentials.cnonce.as_bytes(), b"auth", &ha2.hex()];
    algorithm.hash(&parts)
}

/// The parameters of a header of the scheme Digest.
fn digest_params(header: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
    AuthValue::parse(header).filter(|value| value.scheme.eq_ignore_ascii_case("Digest")).map(|value| value.params())
}

#[cfg(test)]
mod tests;

//! The hash functions and what a server keeps in place of a password.

use md5::Md5;
use sha2::{Digest, Sha256};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use subtle::ConstantTimeEq;

/// A hash function that challenges name (RFC 8760 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Strong.
    Sha256,
    /// What every phone knows; also meant where credentials name none.
    Md5,
}

impl Algorithm {
    /// As challenges write it: `SHA-256`, `MD5`.
    pub const fn text(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    /// The hash over the parts joined by colons.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Hash {
        match self {
            Algorithm::Sha256 => Hash::of(&joined::<Sha256>(parts)),
            Algorithm::Md5 => Hash::of(&joined::<Md5>(parts)),
        }
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> impl Deref<Target = [u8]> {
    let mut digest = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    digest.finalize()
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// The name of no [`Algorithm`]; the `-sess` variants and SHA-512-256 are not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest algorithm; known are SHA-256 and MD5")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// In either case.
    fn from_str(text: &str) -> Result<Algorithm, UnknownAlgorithm> {
        [Algorithm::Sha256, Algorithm::Md5]
            .into_iter()
            .find(|known| known.text().eq_ignore_ascii_case(text))
            .ok_or(UnknownAlgorithm)
    }
}

/// H(username:realm:password): what a server keeps in place of a password, and as good as the password within its realm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ha1 {
    /// For [`Algorithm::Sha256`].
    Sha256([u8; 32]),
    /// For [`Algorithm::Md5`].
    Md5([u8; 16]),
}

impl Ha1 {
    /// Of a user; name, realm and password as typed, without quoting.
    pub fn compute(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Ha1 {
        let hash = algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]);
        match algorithm {
            Algorithm::Sha256 => Ha1::Sha256(hash.bytes),
            Algorithm::Md5 => Ha1::Md5(std::array::from_fn(|i| hash.bytes[i])),
        }
    }

    /// The algorithm it is for.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Ha1::Sha256(_) => Algorithm::Sha256,
            Ha1::Md5(_) => Algorithm::Md5,
        }
    }

    pub(super) fn hex(&self) -> Hex {
        match self {
            Ha1::Sha256(bytes) => Hex::of(bytes),
            Ha1::Md5(bytes) => Hex::of(bytes),
        }
    }
}

impl fmt::Debug for Ha1 {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ha1({})", self.algorithm())
    }
}

/// A hash value of either length.
pub(super) struct Hash {
    bytes: [u8; 32],
    length: usize,
}

impl Hash {
    fn of(value: &[u8]) -> Hash {
        let mut bytes = [0; 32];
        bytes[..value.len()].copy_from_slice(value);
        Hash { bytes, length: value.len() }
    }

    pub(super) fn hex(&self) -> Hex {
        Hex::of(&self.bytes[..self.length])
    }

    /// Compares with a text of hexadecimal digits, in time that depends on nothing but the text's length.
    pub(super) fn equals_hex(&self, text: &str) -> bool {
        let mut lower = [0; 64];
        let Some(lower) = lower.get_mut(..text.len()) else { return false };
        lower.copy_from_slice(text.as_bytes());
        lower.make_ascii_lowercase();
        self.hex().ct_eq(lower).into()
    }
}

/// Lower-case hexadecimal digits of a hash.
pub(super) struct Hex {
    digits: [u8; 64],
    length: usize,
}

impl Hex {
    fn of(bytes: &[u8]) -> Hex {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        Hex { digits, length: 2 * bytes.len() }
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(self).expect("digits are ASCII")
    }
}

impl Deref for Hex {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.digits[..self.length]
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

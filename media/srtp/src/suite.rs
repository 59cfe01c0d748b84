//! The ways of protection and their keys.

use std::fmt;
use subtle::ConstantTimeEq;

/// How packets are encrypted and authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES in counter mode with 128 bits, HMAC-SHA1 with a tag of 80 bits (RFC 3711): what every phone has.
    AesCm128HmacSha1_80,
    /// The same with a tag of 32 bits for RTP, 80 for RTCP.
    AesCm128HmacSha1_32,
    /// AES in counter mode with 256 bits (RFC 6188).
    AesCm256HmacSha1_80,
    /// AES-GCM with 128 bits (RFC 7714).
    AeadAes128Gcm,
    /// AES-GCM with 256 bits (RFC 7714).
    AeadAes256Gcm,
}

impl Suite {
    /// All of them, the one that we prefer first.
    pub const ALL: [Suite; 5] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm256HmacSha1_80,
        Suite::AesCm128HmacSha1_80,
        Suite::AesCm128HmacSha1_32,
    ];

    /// As `a=crypto` names it (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2).
    pub const fn name(self) -> &'static str {
        match self {
            Suite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// By its name in `a=crypto`, in either case; also `AES_CM_256_HMAC_SHA1_80`, as some phones write it.
    pub fn from_name(name: &str) -> Option<Suite> {
        let is_other = name.eq_ignore_ascii_case("AES_CM_256_HMAC_SHA1_80");
        let known = Suite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name));
        known.or(is_other.then_some(Suite::AesCm256HmacSha1_80))
    }

    /// Bytes of the master key.
    pub const fn key_length(self) -> usize {
        match self {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 | Suite::AeadAes128Gcm => 16,
            Suite::AesCm256HmacSha1_80 | Suite::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of the master salt.
    pub const fn salt_length(self) -> usize {
        match self {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 | Suite::AesCm256HmacSha1_80 => 14,
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 12,
        }
    }
}

/// Master key and master salt of one direction.
#[derive(Clone, Copy)]
pub struct MasterKey {
    suite: Suite,
    bytes: [u8; MasterKey::LONGEST],
}

impl MasterKey {
    /// Bytes of the longest key with its salt.
    pub const LONGEST: usize = 46;

    /// From the key with the salt behind it, as `inline:` has them (RFC 4568 §6.1).
    ///
    /// # Errors
    /// There are more or fewer bytes than the suite's key and salt have.
    pub fn new(suite: Suite, key_and_salt: &[u8]) -> Result<MasterKey, WrongLength> {
        if key_and_salt.len() != suite.key_length() + suite.salt_length() {
            return Err(WrongLength);
        }
        let mut bytes = [0; MasterKey::LONGEST];
        bytes[..key_and_salt.len()].copy_from_slice(key_and_salt);
        Ok(MasterKey { suite, bytes })
    }

    /// From random bytes, of which as many are used as the suite needs.
    pub fn from_random(suite: Suite, random: [u8; MasterKey::LONGEST]) -> MasterKey {
        let mut bytes = [0; MasterKey::LONGEST];
        let length = suite.key_length() + suite.salt_length();
        bytes[..length].copy_from_slice(&random[..length]);
        MasterKey { suite, bytes }
    }

    /// What it is for.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.suite.key_length()]
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        &self.bytes[self.suite.key_length()..][..self.suite.salt_length()]
    }

    /// The key with the salt behind it.
    pub fn key_and_salt(&self) -> &[u8] {
        &self.bytes[..self.suite.key_length() + self.suite.salt_length()]
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &MasterKey) -> bool {
        self.suite == other.suite && bool::from(self.bytes.ct_eq(&other.bytes))
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.suite.name())
    }
}

/// Key and salt have another length than their suite asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("key and salt have the wrong length")]
pub struct WrongLength;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_found_by_its_name() {
        for suite in Suite::ALL {
            assert_eq!(Suite::from_name(suite.name()), Some(suite));
            assert_eq!(Suite::from_name(&suite.name().to_lowercase()), Some(suite));
        }
        assert_eq!(Suite::from_name("AES_CM_256_HMAC_SHA1_80"), Some(Suite::AesCm256HmacSha1_80));
        assert_eq!(Suite::from_name("F8_128_HMAC_SHA1_80"), None);
    }

    #[test]
    fn a_key_has_the_length_of_its_suite() {
        for suite in Suite::ALL {
            let bytes: Vec<u8> = (0..(suite.key_length() + suite.salt_length()) as u8).collect();
            let key = MasterKey::new(suite, &bytes).unwrap();
            assert_eq!([key.key(), key.salt()].concat(), bytes);
            assert_eq!(key.key_and_salt(), bytes);
            assert_eq!(MasterKey::new(suite, &bytes[1..]), Err(WrongLength));
            assert!(!format!("{key:?}").contains("0, 1"), "the secret is not printed");
        }
    }
}

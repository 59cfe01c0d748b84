//! How SDP names a certificate.

use std::fmt;

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The hash of a certificate, as `a=fingerprint` has it (RFC 8122 §5): by SHA-256, SHA-384 or SHA-512.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    hash: Hash,
    bytes: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Fingerprint {
    /// From the value of `a=fingerprint`, such as `sha-256 12:AB:…`; letters in either case.
    ///
    /// # Errors
    /// The hash is SHA-1 or another that proves nothing any more, or one that is not known; or what follows is not its
    /// number of bytes.
    pub fn parse(value: &str) -> Result<Fingerprint, InvalidFingerprint> {
        let (name, bytes) = value.trim().split_once(' ').ok_or(InvalidFingerprint::Malformed)?;
        let hash = Hash::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name));
        let hash = hash.ok_or(InvalidFingerprint::UnusableHash)?;
        let byte = |text: &str| match text.as_bytes() {
            [a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => u8::from_str_radix(text, 16).ok(),
            _ => None,
        };
        let bytes: Option<Box<[u8]>> = bytes.trim().split(':').map(byte).collect();
        let bytes = bytes.filter(|bytes| bytes.len() == hash.length()).ok_or(InvalidFingerprint::Malformed)?;
        Ok(Fingerprint { hash, bytes })
    }

    /// That of a certificate, by SHA-256. `certificate` is in DER.
    pub fn of(certificate: &[u8]) -> Fingerprint {
        Fingerprint { hash: Hash::Sha256, bytes: Hash::Sha256.digest(certificate) }
    }

    /// The certificate in DER is the one that was named.
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        self.hash.digest(certificate) == self.bytes
    }
}

impl fmt::Display for Fingerprint {
    /// The value of `a=fingerprint`: `sha-256 12:AB:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.name())?;
        for (index, byte) in self.bytes.iter().enumerate() {
            let before = if index == 0 { ' ' } else { ':' };
            write!(f, "{before}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Hash {
    const ALL: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

    const fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "sha-256",
            Hash::Sha384 => "sha-384",
            Hash::Sha512 => "sha-512",
        }
    }

    const fn length(self) -> usize {
        match self {
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    fn digest(self, bytes: &[u8]) -> Box<[u8]> {
        match self {
            Hash::Sha256 => Sha256::digest(bytes)[..].into(),
            Hash::Sha384 => Sha384::digest(bytes)[..].into(),
            Hash::Sha512 => Sha512::digest(bytes)[..].into(),
        }
    }
}

/// Why a value of `a=fingerprint` cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFingerprint {
    /// SHA-1, MD5 or one that is not known: the peer has to name its certificate by SHA-256, SHA-384 or SHA-512.
    #[error("its hash is not sha-256, sha-384 or sha-512")]
    UnusableHash,
    /// Not a hash and its bytes in hexadecimal.
    #[error("not the bytes of its hash in hexadecimal")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for hash in Hash::ALL {
            let fingerprint = Fingerprint { hash, bytes: hash.digest(b"certificate") };
            let text = fingerprint.to_string();
            assert_eq!(Fingerprint::parse(&text).as_ref(), Ok(&fingerprint));
            assert_eq!(Fingerprint::parse(&text.to_lowercase()).as_ref(), Ok(&fingerprint));
            assert!(fingerprint.is_of(b"certificate") && !fingerprint.is_of(b"another"));
        }
        let empty =
            "sha-256 E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";
        assert_eq!(Fingerprint::of(b"").to_string(), empty);
    }

    #[test]
    fn weak_and_malformed_ones_are_refused() {
        let sha1 = "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB";
        for weak in [sha1, "md5 00", "sha-224 00", " 00"] {
            assert!(Fingerprint::parse(weak).is_err(), "{weak}");
        }
        assert_eq!(Fingerprint::parse(sha1), Err(InvalidFingerprint::UnusableHash));
        let right = Fingerprint::of(b"").to_string();
        let too_long = format!("{right}:00");
        let signed = right.replace("E3", "+3");
        for malformed in [&right[..right.len() - 3], &too_long, &signed, "sha-256", "sha-256 ", "", "sha-256 é3:B0"] {
            assert_eq!(Fingerprint::parse(malformed), Err(InvalidFingerprint::Malformed), "{malformed}");
        }
    }
}

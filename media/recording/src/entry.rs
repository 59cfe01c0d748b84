//! The manifest: what is said of each segment.

use crate::format::{Layout, Rate};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// One segment, or the end. Each covers the time from the end of the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The recording's name.
    pub recording: String,
    /// 0, 1, 2 … without a hole.
    pub number: u32,
    /// When `first` was, in milliseconds since 1970 (UTC).
    pub start: u64,
    /// The place where this entry begins, in samples since the beginning of the recording.
    pub first: u64,
    /// Samples of each channel in the file.
    pub samples: u64,
    /// Samples a second.
    pub rate: Rate,
    /// What became of the two sides.
    pub layout: Layout,
    /// What is missing of this entry's time, in order.
    pub gaps: Vec<Gap>,
    /// The file; none where there is no sound.
    pub sound: Option<Sound>,
    /// Nothing follows.
    pub end: bool,
    /// What the recording is of, with the first entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub about: BTreeMap<String, String>,
    /// `chain` of the entry before; zeros with the first.
    pub previous: Hash,
    /// Hash of this entry's JSON with zeros here.
    pub chain: Hash,
}

/// A stretch without sound in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Its place, in samples since the beginning of the recording.
    pub at: u64,
    /// Its length.
    pub samples: u64,
    /// Why.
    pub why: Why,
}

/// Why sound is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It came faster than it could be taken.
    #[serde(rename = "queue full")]
    QueueFull,
    /// It was not to be recorded.
    #[serde(rename = "paused")]
    Paused,
    /// It did not come, or there was no place to keep it.
    #[serde(rename = "lost")]
    Lost,
}

/// A file of sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sound {
    /// Its name in the recording's folder.
    pub file: String,
    /// Hash of its bytes.
    pub sha256: Hash,
}

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Entry {
    /// The name of the manifest's file with this entry.
    pub fn file(&self) -> String {
        format!("{:06}.json", self.number)
    }

    /// The place behind this entry, where the next one begins.
    pub fn behind(&self) -> u64 {
        self.gaps.iter().fold(self.first.saturating_add(self.samples), |place, gap| place.saturating_add(gap.samples))
    }

    /// The hash that `chain` must be.
    pub fn link(&self) -> Hash {
        let unchained = Entry { chain: Hash::default(), ..self.clone() };
        Hash::of(&serde_json::to_vec(&unchained).expect("numbers, texts and maps with text keys are JSON"))
    }

    /// As one line of JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers, texts and maps with text keys are JSON")
    }

    /// Reads one; what is not known is refused, because no hash would cover it.
    pub fn parse(json: &[u8]) -> Result<Entry, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

impl Hash {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = HashError;
    fn from_str(text: &str) -> Result<Hash, HashError> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(HashError) };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| HashError)?;
        // Upper case would be another text with the same hash.
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(HashError),
        };
        let mut hash = Hash::default();
        for (byte, [high, low]) in hash.0.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(hash)
    }
}

impl TryFrom<String> for Hash {
    type Error = HashError;
    fn try_from(text: String) -> Result<Hash, HashError> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

/// Not 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 hexadecimal digits in lower case")]
pub struct HashError;

/// Takes out gaps of no length, and makes one of those that follow each other for the same reason.
pub(crate) fn merge(gaps: &mut Vec<Gap>) {
    gaps.retain(|gap| gap.samples > 0);
    gaps.dedup_by(|next, gap| {
        let follows = gap.at + gap.samples == next.at && gap.why == next.why;
        if follows {
            gap.samples += next.samples;
        }
        follows
    });
}

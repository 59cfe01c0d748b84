//! Cluster keys, by purpose and epoch.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Every key that a member holds. Cloning copies a few hundred bytes.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Nonces of digest challenges; rotated in minutes.
    pub nonce: KeyRing,
    /// Flow and hop tokens; rotated in hours, because bindings hold them.
    pub flow: KeyRing,
    /// Contact tokens; one key lives as long as the longest call.
    pub contact: KeyRing,
    /// Branches of a stateless proxy.
    pub branch: BranchKey,
}

/// The key that seals and the one before it, which still opens.
#[derive(Debug, Clone)]
pub struct KeyRing {
    /// Seals and opens.
    pub current: Key,
    /// Opens what was sealed before the last rotation.
    pub previous: Option<Key>,
}

impl KeyRing {
    /// A ring of one key.
    pub fn of(current: Key) -> KeyRing {
        KeyRing { current, previous: None }
    }

    /// The ring after a rotation: `next` seals, what `self` seals still opens.
    pub fn rotated(self, next: Key) -> KeyRing {
        KeyRing { current: next, previous: Some(self.current) }
    }

    /// The keys that a token of this epoch may be under.
    pub(super) fn of_epoch(&self, epoch: u8) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous).filter(move |key| key.epoch_bits() == epoch)
    }
}

/// One secret of a ring, ready to seal with.
#[derive(Clone)]
pub struct Key {
    epoch: u8,
    // The key schedule is half of a short HMAC's cost, so it is done once.
    mac: Hmac<Sha256>,
}

impl Key {
    /// The `epoch`th key of a ring; a token names the epoch's lowest three bits, so that opening tries one key.
    pub fn new(epoch: u8, secret: &[u8; 32]) -> Key {
        Key { epoch, mac: Hmac::new_from_slice(secret).expect("HMAC takes a key of any length") }
    }

    /// Which key of its ring this is, counted from any start and wrapping.
    pub fn epoch(&self) -> u8 {
        self.epoch
    }

    pub(super) fn epoch_bits(&self) -> u8 {
        self.epoch & 7
    }

    /// HMAC-SHA256 over the token's bytes and whatever else it is bound to.
    pub(super) fn mac(&self, bytes: &[u8], bound_to: &[&str]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(bytes);
        for part in bound_to {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// What branches are hashed with.
///
/// It never rotates: a CANCEL must get the branch of its INVITE (RFC 3261 §16.11), which may be minutes old, and a stateless proxy
/// cannot know under which key that was forwarded. Nothing is believed because of a branch, so an old key does no harm.
#[derive(Clone, Copy)]
pub struct BranchKey {
    pub(crate) words: (u64, u64),
}

impl BranchKey {
    /// From a cluster secret.
    pub fn new(secret: &[u8; 32]) -> BranchKey {
        let mac = Key::new(0, secret).mac(b"branch", &[]);
        let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| mac[at + i]));
        BranchKey { words: (word(0), word(8)) }
    }
}

impl fmt::Debug for BranchKey {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BranchKey")
    }
}

//! The cluster's keys between the wire and their use.

use crate::gruu;
use crate::wire;
use sip::token::{BranchKey, Key, KeyRing, Keys};

/// The keys of every purpose; `None` where a ring is missing or a secret is not 32 bytes.
pub fn from_wire(rings: &wire::KeyRings) -> Option<(Keys, gruu::Key)> {
    let named = |purpose: &str| rings.rings.iter().find(|ring| ring.purpose == purpose);
    let ring = |purpose: &str| {
        let ring = named(purpose)?;
        let current = key(ring.current.as_ref()?)?;
        Some(KeyRing { current, previous: ring.previous.as_ref().and_then(key) })
    };
    let keys = Keys {
        nonce: ring("nonce")?,
        flow: ring("flow")?,
        contact: ring("contact")?,
        branch: BranchKey::new(secret(named("branch")?.current.as_ref()?)?),
    };
    Some((keys, gruu::Key::new(secret(named("gruu")?.current.as_ref()?)?)))
}

/// Tokens name the lowest bits of the epoch, so the rest may wrap.
fn key(wire: &wire::Key) -> Option<Key> {
    Some(Key::new(wire.epoch as u8, secret(wire)?))
}

fn secret(key: &wire::Key) -> Option<&[u8; 32]> {
    key.secret.as_slice().try_into().ok()
}

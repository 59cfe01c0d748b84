//! The cluster's keys: made at the first start, kept in the store, rotated with an overlap.
//!
//! A rotation has two steps. First the key to come is published in the place of the oldest one, so that everybody can open what it
//! seals; a minute later it is the one that seals. So a key opens for at least one period after it last sealed.

use crate::store::{Batch, Shared, StoreError};
use prost::Message;
use proto::wire::{Key, KeyRing, KeyRings};
use std::time::Duration;

/// How long each ring's key seals. The rings that are not named here never rotate: branches of requests under way depend on
/// `branch`, and addresses that phones keep for good on `gruu`.
#[derive(Debug, Clone, Copy)]
pub struct Periods {
    /// Nonces of digest challenges.
    pub nonce: Duration,
    /// Flow tokens, which bindings hold: longer than the longest binding.
    pub flow: Duration,
    /// Contact tokens: longer than the longest call.
    pub contact: Duration,
}

impl Default for Periods {
    fn default() -> Periods {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Periods { nonce: hours(1), flow: hours(24), contact: hours(7 * 24) }
    }
}

/// The keys in the store, made now if there are none.
pub async fn read_or_create(store: &Shared, now: u64) -> Result<KeyRings, StoreError> {
    let entry = store.read_or_create(KEYS, || generate(now).encode_to_vec()).await?;
    decode(&entry.value)
}

/// The keys as they are in the store now; rotated first where one is due.
pub async fn read_and_rotate(store: &Shared, periods: &Periods, now: u64) -> Result<KeyRings, StoreError> {
    let Some(entry) = store.read(KEYS).await? else { return read_or_create(store, now).await };
    let mut rings = decode(&entry.value)?;
    if rotate(&mut rings, periods, now, secret) {
        // Where another registry was faster, its rotation is as good; it is read at its change.
        store.apply(Batch::swap(KEYS, entry.revision, rings.encode_to_vec())).await?;
        let Some(entry) = store.read(KEYS).await? else { return Ok(rings) };
        return decode(&entry.value);
    }
    Ok(rings)
}

fn decode(bytes: &[u8]) -> Result<KeyRings, StoreError> {
    KeyRings::decode(bytes).map_err(|why| StoreError::Refused(format!("its value of {KEYS} cannot be read: {why}")))
}

pub(crate) fn generate(now: u64) -> KeyRings {
    let ring = |purpose: &str| KeyRing {
        purpose: purpose.to_owned(),
        current: Some(Key { epoch: 1, secret: secret() }),
        previous: None,
        rotated_at: now,
    };
    KeyRings { rings: ["nonce", "flow", "contact", "branch", "gruu"].map(ring).to_vec(), version: 1 }
}

/// Takes the step that is due in each ring; true when there was one. `now` is in Unix seconds.
fn rotate(rings: &mut KeyRings, periods: &Periods, now: u64, secret: impl Fn() -> Vec<u8>) -> bool {
    let mut changed = false;
    for ring in &mut rings.rings {
        let period = match ring.purpose.as_str() {
            "nonce" => periods.nonce,
            "flow" => periods.flow,
            "contact" => periods.contact,
            _ => continue,
        };
        let Some(current) = &ring.current else { continue };
        let age = now.saturating_sub(ring.rotated_at);
        let is_prepared = ring.previous.as_ref().is_some_and(|other| other.epoch > current.epoch);
        if is_prepared && age >= PREPARED.as_secs() {
            std::mem::swap(&mut ring.current, &mut ring.previous);
        } else if !is_prepared && age >= period.as_secs() {
            ring.previous = Some(Key { epoch: current.epoch + 1, secret: secret() });
        } else {
            continue;
        }
        ring.rotated_at = now;
        changed = true;
    }
    rings.version += u64::from(changed);
    changed
}

fn secret() -> Vec<u8> {
    let mut bytes = vec![0; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// Where the keys are kept.
pub const KEYS: &str = "keys";
/// How long everybody has to learn a key before it seals.
const PREPARED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(rings: &KeyRings) -> &KeyRing {
        rings.rings.iter().find(|ring| ring.purpose == "nonce").expect("there is one")
    }

    fn epochs(rings: &KeyRings) -> (u32, Option<u32>) {
        let ring = nonce(rings);
        (ring.current.as_ref().expect("set").epoch, ring.previous.as_ref().map(|key| key.epoch))
    }

    #[test]
    fn a_key_is_known_to_all_before_it_seals_and_opens_for_a_period_after() {
        let periods = Periods::default();
        let hour = periods.nonce.as_secs();
        let mut rings = generate(0);
        assert!(!rotate(&mut rings, &periods, hour - 1, secret));
        assert_eq!(epochs(&rings), (1, None));
        assert!(rotate(&mut rings, &periods, hour, secret));
        assert_eq!(epochs(&rings), (1, Some(2)), "the key to come opens, the old one seals");
        assert!(!rotate(&mut rings, &periods, hour + 59, secret));
        assert!(rotate(&mut rings, &periods, hour + 60, secret));
        assert_eq!(epochs(&rings), (2, Some(1)), "the new one seals, the old one opens");
        assert!(!rotate(&mut rings, &periods, 2 * hour + 59, secret));
        assert!(rotate(&mut rings, &periods, 2 * hour + 60, secret));
        assert_eq!(epochs(&rings), (2, Some(3)));
    }

    #[test]
    fn branch_and_gruu_keys_never_rotate() {
        let mut rings = generate(0);
        let kept = |rings: &KeyRings| {
            let fixed = rings.rings.iter().filter(|ring| ["branch", "gruu"].contains(&ring.purpose.as_str()));
            fixed.cloned().collect::<Vec<_>>()
        };
        let before = kept(&rings);
        for now in (0..100_000_000).step_by(1_000_000) {
            rotate(&mut rings, &Periods::default(), now, secret);
        }
        assert_eq!(kept(&rings), before);
        assert!(proto::keys::from_wire(&rings).is_some());
    }
}

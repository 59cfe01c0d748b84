//! The registrations that passed through this proxy: by them its phones stay reachable while no registry answers.

use crate::recent::Recent;
use proto::time::UnixTime;
use proto::wire::Binding;
use sip::token::{Flow, KeyRing};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// A contact that was registered through this proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The contact's URI.
    pub uri: Box<str>,
    /// The flow it was registered over.
    pub flow: Flow,
    /// Path values of outer proxies, topmost first.
    pub path: Box<[String]>,
    /// When the phone was told that the binding ends.
    pub expires_at: UnixTime,
}

impl Passed {
    /// A binding as the registry tells it; `None` where its flow token is under a key that is gone.
    pub(super) fn of(binding: &Binding, ring: &KeyRing) -> Option<Passed> {
        Some(Passed {
            uri: binding.uri.as_str().into(),
            flow: Flow::open(ring, &binding.flow)?,
            path: binding.path.clone().into(),
            expires_at: UnixTime(binding.expires_at),
        })
    }
}

/// Whether a registration was not known like this before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// New contacts or flows, or none any more.
    Changed,
    /// A refresh, or nobody remembers.
    Same,
}

/// All of them by AOR, bounded; shared by the workers of a process.
pub struct PassedRegistrations {
    shards: [Mutex<ByAor>; SHARDS],
    capacity: usize,
    hasher: RandomState,
}

type ByAor = Recent<Box<str>, Box<[Passed]>>;

/// Enough that workers seldom meet at one lock.
const SHARDS: usize = 16;

impl PassedRegistrations {
    /// Remembers up to about `capacity` AORs; with 0 none (where the registry runs in the same process).
    pub fn new(capacity: usize) -> PassedRegistrations {
        let shards = std::array::from_fn(|_| Mutex::new(Recent::new(capacity.div_ceil(SHARDS))));
        PassedRegistrations { shards, capacity, hasher: RandomState::new() }
    }

    /// Takes the contacts of `aor` that this proxy reaches.
    pub(super) fn remember(&self, aor: &str, reached: impl FnOnce() -> Vec<Passed>) -> News {
        if self.capacity == 0 {
            return News::Same;
        }
        let reached = reached();
        let mut shard = self.shard(aor);
        let known = shard.peek(aor).map_or(&[][..], |known| known);
        let alike = |(a, b): (&Passed, &Passed)| a.uri == b.uri && a.flow == b.flow;
        let same = known.len() == reached.len() && known.iter().zip(&reached).all(alike);
        if reached.is_empty() {
            shard.remove(aor);
        } else {
            shard.insert(aor.into(), reached.into());
        }
        if same { News::Same } else { News::Changed }
    }

    /// The contact of `aor` that was registered last and has not expired.
    pub fn newest(&self, wall: UnixTime, aor: &str) -> Option<Passed> {
        let shard = self.shard(aor);
        let live = shard.peek(aor)?.iter().filter(|passed| passed.expires_at > wall);
        live.max_by_key(|passed| passed.expires_at).cloned()
    }

    fn shard(&self, aor: &str) -> std::sync::MutexGuard<'_, ByAor> {
        let index = self.hasher.hash_one(aor) as usize % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Where records lie: shards with a lock each, so that askers meet rarely.

use super::Job;
use crate::registrar::record::Record;
use crate::store::Entry as Stored;
use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All records in memory.
pub struct Shards {
    shards: Vec<Mutex<Shard>>,
}

/// Some of the records.
#[derive(Default)]
pub struct Shard {
    /// By AOR. Only users of the directory get in, so nobody chooses keys that collide.
    pub records: HashMap<Box<str>, Entry, foldhash::fast::RandomState>,
    /// AORs whose record is being read or written, and who waits for it.
    pub busy: HashMap<Box<str>, VecDeque<Job>, RandomState>,
}

/// A record and where it came from.
pub struct Entry {
    /// The bindings.
    pub record: Record,
    /// Of the record in the store; 0 = it is not there.
    pub revision: u64,
    /// The set of registries under which it was read or written.
    pub set: u64,
}

/// Why a record in memory may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// If this registry owns it.
    AsOwner,
    /// It was read or written just now.
    Fresh,
}

impl Shards {
    /// Empty ones.
    pub fn new() -> Shards {
        Shards { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The shard of an AOR, locked.
    pub fn of(&self, aor: &str) -> MutexGuard<'_, Shard> {
        self.at(proto::ring::hash(aor.as_bytes()) as usize % SHARDS)
    }

    /// A shard by its number, locked.
    pub fn at(&self, index: usize) -> MutexGuard<'_, Shard> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// What the store has, which may be nothing.
    pub fn from_stored(stored: Option<&Stored>, set: u64) -> Entry {
        let Some(stored) = stored else { return Entry::empty(set) };
        let record = Record::decode(&stored.value).unwrap_or_else(|why| {
            tracing::error!(%why, "a record in the store cannot be read; the next registration replaces it");
            Record::default()
        });
        Entry { record, revision: stored.revision, set }
    }

    /// No bindings, here or in the store.
    pub fn empty(set: u64) -> Entry {
        Entry { record: Record::default(), revision: 0, set }
    }
}

/// With a million records some 3,000 lie in each.
pub const SHARDS: usize = 320;

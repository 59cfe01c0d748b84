//! Where everything durable lives: keys in order, values with revisions, and changes that happen together or not at all.
//!
//! Two implementations, held to one conformance test (`tests/store.rs`): a file of this machine, and etcd.

pub mod embedded;
pub mod etcd;

pub use embedded::Embedded;
pub use etcd::Etcd;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// A key-value store with compare-and-swap.
///
/// The calls return at once; `done` is called exactly once, in the caller's thread or another, and must not block.
pub trait Store: Send + Sync + 'static {
    /// Reads one key.
    fn get(&self, key: &str, done: Done<Option<Entry>>);

    /// Reads keys in order.
    fn range(&self, range: Range, done: Done<Vec<(String, Entry)>>);

    /// Applies all operations of a batch, durably, if all its comparisons hold.
    fn commit(&self, batch: Batch, done: Done<Committed>);

    /// A lease: keys put under it are deleted when it is revoked, or some `ttl` after its holder died.
    fn lease(&self, ttl: Duration, done: Done<Lease>);

    /// Whether it can be written now. Nothing changes that anybody reads.
    fn check(&self, done: Done<()>);

    /// Tells when something under a prefix changed, or may have: whoever holds the receiver reads the prefix again.
    fn watch(&self, prefix: &str) -> watch::Receiver<u64>;
}

/// Takes the outcome of a call.
pub type Done<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// A value and the revision of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The bytes.
    pub value: Vec<u8>,
    /// Grows with each change of any key; 1 or more.
    pub revision: u64,
}

/// Which keys to read.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// Keys that begin with this.
    pub prefix: String,
    /// Only keys after this one; "" = from the start.
    pub after: String,
    /// So many at most; 0 = all.
    pub limit: usize,
    /// Whether the values are wanted.
    pub values: Values,
}

/// Whether a range reads values or leaves them empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Values {
    /// Keys, values and revisions.
    #[default]
    Read,
    /// Keys and revisions.
    Omit,
}

/// Changes that happen together. No key may be changed twice.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Must all hold.
    pub compares: Vec<Compare>,
    /// Happen if they do.
    pub operations: Vec<Operation>,
}

/// A key that must not have changed since it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// The key.
    pub key: String,
    /// Its revision; 0 = it must not exist.
    pub revision: u64,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Writes a key, under a lease or for good.
    Put {
        /// The key.
        key: String,
        /// The bytes.
        value: Vec<u8>,
        /// [`Lease::id`]; 0 = for good.
        lease: i64,
    },
    /// Deletes a key, if it exists.
    Delete {
        /// The key.
        key: String,
    },
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All was applied; the keys that were put have this revision.
    Yes(u64),
    /// A comparison failed and nothing was changed. After a lost answer it may be the batch itself that had changed the key.
    Conflict,
}

/// Held for as long as its keys should exist.
pub struct Lease {
    /// To be named when putting keys.
    pub id: i64,
    /// Turns true when the store gave the lease up: the keys are gone, a new lease is needed.
    pub lost: watch::Receiver<bool>,
    /// Revokes it when dropped.
    pub(crate) revoke: Option<Box<dyn FnOnce() + Send>>,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached, or did not answer in time.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// Too much waits already.
    #[error("the store is overloaded")]
    Busy,
    /// It refuses; trying again does not help.
    #[error("the store refuses: {0}")]
    Refused(String),
    /// Another process uses it.
    #[error("{folder} is in use by process {holder}; stop it, or give this one a folder of its own with --data")]
    InUse {
        /// The folder.
        folder: String,
        /// The other's id, as it wrote it.
        holder: String,
    },
}

impl Batch {
    /// A batch of one comparison and one put for good.
    pub fn swap(key: &str, revision: u64, value: Vec<u8>) -> Batch {
        Batch::default().when(key, revision).put(key, value)
    }

    /// Requires a key to have this revision; 0 = not to exist.
    pub fn when(mut self, key: impl Into<String>, revision: u64) -> Batch {
        self.compares.push(Compare { key: key.into(), revision });
        self
    }

    /// Writes a key for good.
    pub fn put(self, key: impl Into<String>, value: Vec<u8>) -> Batch {
        self.put_under(0, key, value)
    }

    /// Writes a key under a lease.
    pub fn put_under(mut self, lease: i64, key: impl Into<String>, value: Vec<u8>) -> Batch {
        self.operations.push(Operation::Put { key: key.into(), value, lease });
        self
    }

    /// Deletes a key.
    pub fn delete(mut self, key: impl Into<String>) -> Batch {
        self.operations.push(Operation::Delete { key: key.into() });
        self
    }
}

impl Operation {
    /// The key that it changes.
    pub fn key(&self) -> &str {
        match self {
            Operation::Put { key, .. } | Operation::Delete { key } => key,
        }
    }
}

impl Range {
    /// All keys with this prefix, with their values.
    pub fn prefix(prefix: impl Into<String>) -> Range {
        Range { prefix: prefix.into(), ..Range::default() }
    }
}

/// The calls as futures, for everything that is not on a call's or registration's way.
impl dyn Store {
    /// Reads one key.
    pub async fn read(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        awaited(|done| self.get(key, done)).await
    }

    /// Reads keys in order.
    pub async fn read_range(&self, range: Range) -> Result<Vec<(String, Entry)>, StoreError> {
        awaited(|done| self.range(range, done)).await
    }

    /// Applies a batch.
    pub async fn apply(&self, batch: Batch) -> Result<Committed, StoreError> {
        awaited(|done| self.commit(batch, done)).await
    }

    /// A lease.
    pub async fn grant(&self, ttl: Duration) -> Result<Lease, StoreError> {
        awaited(|done| self.lease(ttl, done)).await
    }

    /// Whether it can be written now.
    pub async fn is_writable(&self) -> Result<(), StoreError> {
        awaited(|done| self.check(done)).await
    }

    /// The value of a key that is made at first need; of several who make it at once all get the same.
    pub async fn read_or_create(&self, key: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Entry, StoreError> {
        if let Some(entry) = self.read(key).await? {
            return Ok(entry);
        }
        self.apply(Batch::swap(key, 0, make())).await?;
        self.read(key)
            .await?
            .ok_or_else(|| StoreError::Unavailable(format!("{key} was deleted as soon as it was made")))
    }
}

async fn awaited<T: Send + 'static>(call: impl FnOnce(Done<T>)) -> Result<T, StoreError> {
    let (done, outcome) = oneshot::channel();
    call(Box::new(move |result| {
        let _ = done.send(result);
    }));
    outcome.await.unwrap_or_else(|_| Err(StoreError::Unavailable("it was closed".into())))
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(revoke) = self.revoke.take() {
            revoke();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Who watches what, within one process.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    list: std::sync::Mutex<Vec<(String, watch::Sender<u64>)>>,
}

impl Watchers {
    /// A receiver for a prefix, and whether it is the first one.
    fn add(&self, prefix: &str) -> (watch::Receiver<u64>, First) {
        let mut list = self.list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, sender)) = list.iter().find(|(watched, _)| watched == prefix) {
            return (sender.subscribe(), First::No);
        }
        let (sender, receiver) = watch::channel(0);
        list.push((prefix.to_owned(), sender));
        (receiver, First::Yes)
    }

    /// Tells those whose prefix `is_touched`.
    fn tell(&self, is_touched: impl Fn(&str) -> bool) {
        let list = self.list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (_, sender) in list.iter().filter(|(prefix, _)| is_touched(prefix)) {
            sender.send_modify(|count| *count += 1);
        }
    }
}

/// Whether a prefix is watched for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Yes,
    No,
}

/// What a check writes.
const CHECK: &str = "check";

/// Shared by everybody in the process.
pub type Shared = Arc<dyn Store>;

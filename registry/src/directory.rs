//! The directory in the store: its parts, and one manifest that names their versions and that a change swaps.
//!
//! A part is written under its index and version before the manifest names it, so a reader never sees half a change, and a million
//! users fit a store whose requests are small.

use crate::store::{Batch, Committed, Range, Shared, StoreError, Values};
use prost::Message;
use proto::directory::{self, Directory, PartError, Problem};
use proto::view::View;
use proto::wire::{Part, StoredManifest};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// Reads, changes and follows the directory; the view's snapshot is always one that the store has had.
pub struct DirectoryOwner {
    store: Shared,
    view: Arc<View>,
    /// The manifest that the view's snapshot came from; held while it is replaced.
    current: Mutex<Current>,
    generation: watch::Sender<u64>,
}

/// The newest manifest that was read or written.
#[derive(Default)]
struct Current {
    revision: u64,
}

/// What a change comes to.
#[derive(Debug)]
pub enum Change {
    /// It is in force.
    Applied {
        /// The generation that it made; the one before where there was no difference.
        generation: u64,
        /// One line a difference.
        difference: Vec<String>,
    },
    /// Nothing was changed.
    Rejected(Vec<Problem>),
}

/// Why the directory could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds is no directory.
    #[error("the directory in the store: {0}")]
    Parts(#[from] PartError),
    /// The manifest cannot be read.
    #[error("the directory's manifest in the store: {0}")]
    Manifest(#[from] prost::DecodeError),
    /// The manifest names a part that is not there.
    #[error("the directory in the store lacks part {0}")]
    Missing(u32),
    /// Others changed the directory each time this change was about to be made.
    #[error("the directory is being changed by others; try again")]
    Contended,
}

impl DirectoryOwner {
    /// Reads what the store holds into the view.
    pub async fn open(store: Shared, view: Arc<View>) -> Result<Arc<DirectoryOwner>, DirectoryError> {
        let owner = DirectoryOwner { store, view, current: Mutex::default(), generation: watch::Sender::new(0) };
        owner.reload().await?;
        Ok(Arc::new(owner))
    }

    /// Changes with each new generation.
    pub fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Applies what `plan` makes of the present directory: a new one and the difference, or problems. It is asked again where
    /// somebody else was faster.
    pub async fn change(
        &self,
        plan: impl Fn(&Directory) -> Result<directory::Change, Vec<Problem>> + Send + Sync + 'static,
    ) -> Result<Change, DirectoryError> {
        let plan = Arc::new(plan);
        for _ in 0..ATTEMPTS {
            let mut current = self.current.lock().await;
            let old = self.view.directory.load_full();
            // Passwords of a million users are hashed for seconds, in which others want their answers.
            let (plan, known) = (plan.clone(), old.clone());
            let planned = tokio::task::spawn_blocking(move || plan(&known)).await;
            let planned = planned.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
            let directory::Change { directory: new, difference } = match planned {
                Ok(planned) => planned,
                Err(problems) => return Ok(Change::Rejected(problems)),
            };
            if difference.is_empty() && current.revision > 0 {
                return Ok(Change::Applied { generation: old.generation(), difference });
            }
            if let Some(revision) = self.save(&old, &new, current.revision).await? {
                current.revision = revision;
                self.publish(new);
                return Ok(Change::Applied { generation: self.view.directory.load().generation(), difference });
            }
            drop(current);
            self.reload().await?;
        }
        Err(DirectoryError::Contended)
    }

    /// Follows changes that other registries make; runs until the task is aborted.
    pub async fn follow(self: Arc<Self>) {
        let mut changes = self.store.watch(MANIFEST);
        while changes.changed().await.is_ok() {
            if let Err(why) = self.reload().await {
                tracing::warn!(%why, "the directory was not reloaded; the last one stays in force");
            }
        }
    }

    /// Reads the parts that the view's snapshot does not have yet.
    async fn reload(&self) -> Result<(), DirectoryError> {
        let mut current = self.current.lock().await;
        for attempt in 1.. {
            let Some(entry) = self.store.read(MANIFEST).await? else { return Ok(()) };
            if entry.revision == current.revision {
                return Ok(());
            }
            let manifest = StoredManifest::decode(entry.value.as_slice())?;
            let known = self.view.directory.load_full();
            match self.parts(&manifest, &known.versions()).await {
                Ok(parts) => {
                    let directory = known.with_parts(manifest.generation, &parts)?;
                    current.revision = entry.revision;
                    self.publish(directory);
                    return Ok(());
                }
                // The manifest may have been swapped since it was read, and the old parts removed.
                Err(DirectoryError::Missing(_)) if attempt < ATTEMPTS => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    fn publish(&self, directory: Directory) {
        let generation = directory.generation();
        tracing::info!(generation, users = directory.user_count(), "directory in force");
        self.view.directory.store(Arc::new(directory));
        self.generation.send_replace(generation);
    }

    /// The parts of a manifest whose version differs from the known one.
    async fn parts(&self, manifest: &StoredManifest, known: &[u64]) -> Result<Vec<Part>, DirectoryError> {
        let versions = manifest.versions.iter().enumerate();
        let wanted = versions.filter(|(index, version)| known.get(*index) != Some(version));
        let mut wanted = wanted.map(|(index, version)| (index as u32, *version));
        let mut reads: JoinSet<Result<Part, DirectoryError>> = JoinSet::new();
        let mut parts = Vec::new();
        loop {
            while reads.len() < READS
                && let Some((index, version)) = wanted.next()
            {
                let store = self.store.clone();
                reads.spawn(async move {
                    let entry = store.read(&part_key(index, version)).await?.ok_or(DirectoryError::Missing(index))?;
                    Ok(Part { index, version, content: entry.value })
                });
            }
            match reads.join_next().await {
                Some(read) => parts.push(read.expect("reading a part does not panic")?),
                None => return Ok(parts),
            }
        }
    }

    /// Writes the parts that changed and swaps the manifest; `None` where somebody else was faster.
    async fn save(&self, old: &Directory, new: &Directory, revision: u64) -> Result<Option<u64>, DirectoryError> {
        // Without a manifest the store holds no part either, not even those of an empty directory.
        let known = if revision == 0 { Vec::new() } else { old.versions() };
        let mut batch = Batch::default();
        let mut bytes = 0;
        for part in new.to_parts(&known) {
            bytes += part.content.len();
            batch = batch.put(part_key(part.index, part.version), part.content);
            if bytes > BATCH_BYTES || batch.operations.len() >= BATCH_OPERATIONS {
                self.store.apply(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
        }
        if !batch.operations.is_empty() {
            self.store.apply(batch).await?;
        }
        let versions = new.versions();
        let manifest = StoredManifest { generation: new.generation(), versions: versions.clone() };
        match self.store.apply(Batch::swap(MANIFEST, revision, manifest.encode_to_vec())).await? {
            Committed::Conflict => Ok(None),
            Committed::Yes(revision) => {
                let left = known.iter().zip(&versions).enumerate().filter(|(_, (old, new))| old != new);
                self.remove(left.map(|(index, (old, _))| part_key(index as u32, *old)).collect()).await;
                Ok(Some(revision))
            }
        }
    }

    /// Removes parts that no manifest names any more; one that stays behind costs space only.
    async fn remove(&self, keys: Vec<String>) {
        for keys in keys.chunks(BATCH_OPERATIONS) {
            let batch = keys.iter().fold(Batch::default(), |batch, key| batch.delete(key.as_str()));
            if let Err(why) = self.store.apply(batch).await {
                tracing::warn!(%why, "parts of the former directory stay in the store");
                return;
            }
        }
    }

    /// Whether the store has never held a directory.
    pub async fn is_new(&self) -> Result<bool, DirectoryError> {
        let range = Range { limit: 1, values: Values::Omit, ..Range::prefix(MANIFEST) };
        Ok(self.store.read_range(range).await?.is_empty())
    }
}

fn part_key(index: u32, version: u64) -> String {
    format!("directory/part/{index:04}/{version:016x}")
}

const MANIFEST: &str = "directory/manifest";
/// Changes and reloads that meet somebody else's change are tried again so often.
const ATTEMPTS: u32 = 5;
/// Parts read at once.
const READS: usize = 64;
/// Within etcd's limits on a transaction: 1.5 MB and 128 operations.
const BATCH_BYTES: usize = 512 << 10;
const BATCH_OPERATIONS: usize = 100;

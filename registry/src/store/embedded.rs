//! One file of this machine, for one process.
//!
//! A writer thread gathers all batches that wait into one durable transaction, so that a thousand registrations cost one `fsync`.

mod file;

use super::{
    Batch, CHECK, Committed, Done, Entry, First, Lease, Operation, Range, Store, StoreError, Values, Watchers,
};
use file::Place;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The store in a folder.
pub struct Embedded {
    shared: Arc<Shared>,
    jobs: mpsc::SyncSender<Job>,
    leases: AtomicI64,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    place: Place,
    /// `None` while the file cannot be opened again after it failed.
    database: RwLock<Option<Database>>,
    watchers: Watchers,
    /// Locked for as long as the store is open.
    _lock: File,
}

enum Job {
    Commit(Batch, Done<Committed>),
    Revoke(i64),
    Stop,
}

impl Job {
    fn fail(self, why: StoreError) {
        match self {
            Job::Commit(_, done) => done(Err(why)),
            Job::Revoke(_) | Job::Stop => {}
        }
    }
}

impl Embedded {
    /// Opens the store in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it open; [`StoreError::Refused`] names the file that cannot be used.
    pub fn open(folder: &Path) -> Result<Embedded, StoreError> {
        let unusable = |what: &Path, why: &dyn std::fmt::Display| {
            StoreError::Refused(format!("{} cannot be used: {why}", what.display()))
        };
        std::fs::create_dir_all(folder).map_err(|why| unusable(folder, &why))?;
        let lock = file::lock(folder)?;
        let path = folder.join("registry.redb");
        let database = Database::builder().set_cache_size(CACHE).create(&path).map_err(|why| unusable(&path, &why))?;
        let first = prepare(&database).map_err(|why| unusable(&path, &why))?;
        let shared = Arc::new(Shared {
            place: Place::of(path.clone()).map_err(|why| unusable(&path, &why))?,
            database: RwLock::new(Some(database)),
            watchers: Watchers::default(),
            _lock: lock,
        });
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let writer = Writer { shared: shared.clone(), revision: first, meters: Meters::new() };
        let writer = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || writer.run(&queue))
            .map_err(|why| StoreError::Refused(format!("no thread for the store: {why}")))?;
        Ok(Embedded { shared, jobs, leases: AtomicI64::new(1), writer: Mutex::new(Some(writer)) })
    }
}

impl Store for Embedded {
    fn get(&self, key: &str, done: Done<Option<Entry>>) {
        done(self.shared.read(|table| Ok(table.get(key)?.map(|found| entry(found.value(), Values::Read)))));
    }

    fn range(&self, range: Range, done: Done<Vec<(String, Entry)>>) {
        let from = range.after.as_str().max(&range.prefix);
        let limit = if range.limit == 0 { usize::MAX } else { range.limit };
        done(self.shared.read(|table| {
            let mut found = Vec::new();
            for item in table.range(from..)? {
                let (key, value) = item?;
                if found.len() == limit || !key.value().starts_with(&range.prefix) {
                    break;
                }
                if key.value() != range.after || range.after.is_empty() {
                    found.push((key.value().to_owned(), entry(value.value(), range.values)));
                }
            }
            Ok(found)
        }));
    }

    fn commit(&self, batch: Batch, done: Done<Committed>) {
        match self.jobs.try_send(Job::Commit(batch, done)) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Full(job)) => job.fail(StoreError::Busy),
            Err(mpsc::TrySendError::Disconnected(job)) => job.fail(StoreError::Unavailable("it was closed".into())),
        }
    }

    /// A lease ends with its holder in this process; keys of one that died with its process are deleted at the next start.
    fn lease(&self, _ttl: Duration, done: Done<Lease>) {
        let id = self.leases.fetch_add(1, Ordering::Relaxed);
        let jobs = self.jobs.clone();
        let (never, lost) = watch::channel(false);
        let revoke = move || {
            drop(never);
            let _ = jobs.send(Job::Revoke(id));
        };
        done(Ok(Lease { id, lost, revoke: Some(Box::new(revoke)) }));
    }

    /// Writes as much as a large record has: smaller ones find room in pages of their own when the disk is full.
    fn check(&self, done: Done<()>) {
        self.commit(Batch::default().put(CHECK, vec![0; LARGE]), Box::new(|written| done(written.map(drop))));
    }

    fn watch(&self, prefix: &str) -> watch::Receiver<u64> {
        let (receiver, First::Yes | First::No) = self.shared.watchers.add(prefix);
        receiver
    }
}

impl Drop for Embedded {
    /// Whatever was handed in is durable afterwards.
    fn drop(&mut self) {
        let _ = self.jobs.send(Job::Stop);
        if let Some(writer) = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn read<T>(
        &self,
        read: impl FnOnce(&redb::ReadOnlyTable<&str, Stored>) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else { return Err(StoreError::Unavailable("its file failed".into())) };
        let table = || -> Result<_, redb::Error> { Ok(database.begin_read()?.open_table(DATA)?) };
        table().and_then(|table| read(&table)).map_err(|why| broken(&why))
    }

    /// One durable transaction with all of a group's jobs.
    fn write(&self, revision: u64, jobs: &[Job]) -> Result<Vec<Outcome>, redb::Error> {
        // What is written to a file without a name is gone with the process.
        self.place.check().map_err(redb::Error::Io)?;
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.reopen();
        }
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else { return Err(redb::Error::DatabaseClosed) };
        let transaction = database.begin_write()?;
        let mut group =
            Group { table: transaction.open_table(DATA)?, leased: transaction.open_table(LEASED)?, revision };
        let outcomes = jobs.iter().map(|job| group.perform(job)).collect::<Result<Vec<_>, redb::Error>>()?;
        drop(group);
        transaction.open_table(META)?.insert(REVISION, revision)?;
        transaction.commit()?;
        Ok(outcomes)
    }

    /// Opens the file again: after a write that failed (a full disk), redb refuses everything else until then.
    fn reopen(&self) {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one holds the file until it is gone.
        *database = None;
        match Database::builder().set_cache_size(CACHE).open(&self.place.path) {
            Ok(opened) => *database = Some(opened),
            Err(why) => tracing::error!(%why, "the store cannot be opened again"),
        }
    }
}

struct Writer {
    shared: Arc<Shared>,
    revision: u64,
    meters: Meters,
}

struct Meters {
    seconds: metrics::Histogram,
    batches: metrics::Histogram,
}

impl Writer {
    fn run(mut self, queue: &mpsc::Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let mut jobs = vec![first];
            jobs.extend(queue.try_iter().take(GROUP - 1));
            let stops = jobs.iter().any(|job| matches!(job, Job::Stop));
            self.commit(jobs);
            if stops {
                return;
            }
        }
    }

    /// Makes a group durable in one transaction, then tells everybody.
    fn commit(&mut self, jobs: Vec<Job>) {
        let begin = Instant::now();
        let next = self.revision + 1;
        let written = self.shared.write(next, &jobs);
        self.meters.seconds.record(begin.elapsed());
        self.meters.batches.record(jobs.len() as f64);
        match written {
            Ok(outcomes) => {
                self.revision = next;
                self.tell(&jobs, &outcomes);
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    if let Job::Commit(_, done) = job {
                        done(Ok(outcome.committed));
                    }
                }
            }
            Err(why) => {
                tracing::error!(%why, "the store cannot write");
                if self.shared.place.check().is_ok() {
                    self.shared.reopen();
                }
                for job in jobs {
                    job.fail(StoreError::Unavailable(why.to_string()));
                }
            }
        }
    }

    fn tell(&self, jobs: &[Job], outcomes: &[Outcome]) {
        self.shared.watchers.tell(|prefix| {
            jobs.iter().zip(outcomes).any(|(job, outcome)| {
                let committed = match (job, outcome.committed) {
                    (Job::Commit(batch, _), Committed::Yes(_)) => batch.operations.as_slice(),
                    (Job::Commit(..) | Job::Revoke(_) | Job::Stop, _) => &[],
                };
                committed.iter().any(|operation| operation.key().starts_with(prefix))
                    || outcome.revoked.iter().any(|key| key.starts_with(prefix))
            })
        });
    }
}

/// What a job did.
struct Outcome {
    committed: Committed,
    /// Keys that went with a lease.
    revoked: Vec<String>,
}

struct Group<'t> {
    table: redb::Table<'t, &'static str, Stored>,
    leased: redb::Table<'t, &'static str, i64>,
    revision: u64,
}

impl Group<'_> {
    fn perform(&mut self, job: &Job) -> Result<Outcome, redb::Error> {
        let mut outcome = Outcome { committed: Committed::Yes(self.revision), revoked: Vec::new() };
        match job {
            Job::Stop => {}
            Job::Revoke(lease) => {
                for item in self.leased.iter()? {
                    let (key, of) = item?;
                    if of.value() == *lease {
                        outcome.revoked.push(key.value().to_owned());
                    }
                }
                for key in &outcome.revoked {
                    self.table.remove(key.as_str())?;
                    self.leased.remove(key.as_str())?;
                }
            }
            Job::Commit(batch, _) => {
                for compare in &batch.compares {
                    let revision = self.table.get(compare.key.as_str())?.map_or(0, |found| found.value().0);
                    if revision != compare.revision {
                        outcome.committed = Committed::Conflict;
                        return Ok(outcome);
                    }
                }
                for operation in &batch.operations {
                    self.change(operation)?;
                }
            }
        }
        Ok(outcome)
    }

    fn change(&mut self, operation: &Operation) -> Result<(), redb::Error> {
        let key = operation.key();
        let lease = match operation {
            Operation::Put { value, lease, .. } => {
                self.table.insert(key, (self.revision, value.as_slice()))?;
                *lease
            }
            Operation::Delete { .. } => {
                self.table.remove(key)?;
                0
            }
        };
        if lease != 0 {
            self.leased.insert(key, lease)?;
        } else if !self.leased.is_empty()? {
            self.leased.remove(key)?;
        }
        Ok(())
    }
}

impl Meters {
    fn new() -> Meters {
        Meters {
            seconds: metrics::histogram!("tandem_registry_store_commit_seconds"),
            batches: metrics::histogram!("tandem_registry_store_group_batches"),
        }
    }
}

/// Makes the tables, deletes what was leased to a process that is gone, and gives the last revision.
fn prepare(database: &Database) -> Result<u64, redb::Error> {
    let transaction = database.begin_write()?;
    let revision = {
        let mut table = transaction.open_table(DATA)?;
        let mut leased = transaction.open_table(LEASED)?;
        while let Some((key, _)) = leased.pop_first()? {
            table.remove(key.value())?;
        }
        transaction.open_table(META)?.get(REVISION)?.map_or(0, |found| found.value())
    };
    transaction.commit()?;
    Ok(revision)
}

fn entry((revision, value): (u64, &[u8]), values: Values) -> Entry {
    let value = match values {
        Values::Read => value.to_vec(),
        Values::Omit => Vec::new(),
    };
    Entry { value, revision }
}

fn broken(why: &redb::Error) -> StoreError {
    StoreError::Unavailable(why.to_string())
}

/// Revision and bytes.
type Stored = (u64, &'static [u8]);

const DATA: TableDefinition<&str, Stored> = TableDefinition::new("data");
/// Key to lease, for keys under one.
const LEASED: TableDefinition<&str, i64> = TableDefinition::new("leased");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const REVISION: &str = "revision";
/// Pages kept in memory: the records are in memory themselves, so the file is read at start and otherwise only written.
const CACHE: usize = 16 << 20;
/// A user with twenty bindings.
const LARGE: usize = 16 << 10;
/// Batches that may wait; more are refused with [`StoreError::Busy`].
const QUEUE: usize = 65_536;
/// Batches in one transaction at most, which bounds the pages that it holds.
const GROUP: usize = 1_024;

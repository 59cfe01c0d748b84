//! The bindings of all users in memory, each AOR's record owned by one registry of the ring and written by compare-and-swap.
//!
//! A record in memory is believed only by its owner and only as long as the set of registries stays what it was when the record was
//! read; everybody else reads the store each time. Every write compares the epoch as well, so two registries that both think they are
//! the owner cannot both write, and whoever writes a record that it does not own leaves a note for the owner in the same batch.
//!
//! What can be answered from memory is answered in the asker's thread, without a queue or a task.

mod admin;
mod ring;
mod shard;
mod sweep;

pub use ring::Ring;

use crate::registrar::record::Record;
use crate::registrar::{self, Outcome, Overflow, Policy};
use crate::store::{Batch, Committed, Entry as Stored, Range, Shared, StoreError};
use arc_swap::ArcSwap;
use proto::directory::WhenFull;
use proto::registrar::{Registrar, Reply, Unavailable};
use proto::view::View;
use proto::wire::{LocateRequest, LocateResponse, RegisterRequest, RegisterResponse};
use shard::{Entry, Shards, Trust};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// For how long a binding may be granted.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Seconds; less is refused with 423.
    pub min_expires: u32,
    /// Seconds; more is cut.
    pub max_expires: u32,
}

/// This registry's records. A clone is another handle.
#[derive(Clone)]
pub struct Bindings {
    inner: Arc<Inner>,
}

struct Inner {
    store: Shared,
    view: Arc<View>,
    settings: Settings,
    shards: Shards,
    ring: ArcSwap<Ring>,
    meters: Meters,
    /// Jitter and salts: a keyed hash of a counter.
    chance: (RandomState, AtomicU64),
    runtime: tokio::runtime::Handle,
}

/// A question about one AOR.
enum Job {
    Register(Box<Register>),
    Locate(LocateRequest, Reply<LocateResponse>),
    /// Drops what is over.
    Expire,
}

struct Register {
    request: RegisterRequest,
    reply: Reply<RegisterResponse>,
    /// The user's own limit on contacts.
    contacts: usize,
    overflow: Overflow,
    /// Writes that met a conflict.
    conflicts: u32,
}

/// What is to be done for a job once its shard is unlocked.
enum Next {
    Answer(Reply<RegisterResponse>, RegisterResponse),
    Located(Reply<LocateResponse>, LocateResponse),
    Refuse(Job),
    Load,
    Write(Write),
    Nothing,
}

/// A changed record on its way to the store.
struct Write {
    record: Record,
    /// What the record in the store must be.
    revision: u64,
    ring: Arc<Ring>,
    /// Who gets which answer afterwards; `None` for what expired.
    asked: Option<(Box<Register>, RegisterResponse)>,
}

impl Bindings {
    /// No records yet; must be called in the tokio runtime that its timers run on.
    pub fn new(store: Shared, view: Arc<View>, settings: Settings, ring: Ring) -> Bindings {
        let inner = Inner {
            store,
            view,
            settings,
            shards: Shards::new(),
            ring: ArcSwap::from_pointee(ring),
            meters: Meters::new(),
            chance: (RandomState::new(), AtomicU64::new(0)),
            runtime: tokio::runtime::Handle::current(),
        };
        Bindings { inner: Arc::new(inner) }
    }

    /// Reads every record of the store, so that what is not in memory does not exist: for the only registry of its store.
    pub async fn load(&self) -> Result<usize, StoreError> {
        let mut range = Range { limit: PAGE, ..Range::prefix(KEY) };
        let mut count = 0;
        loop {
            let page = self.inner.store.read_range(range.clone()).await?;
            count += page.len();
            let ring = self.inner.ring.load();
            for (key, stored) in &page {
                let entry = Entry::from_stored(Some(stored), ring.set());
                self.inner.shards.of(&key[KEY.len()..]).records.insert(key[KEY.len()..].into(), entry);
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range.after = last.clone(),
                Some(_) | None => return Ok(count),
            }
        }
    }

    /// The registries changed, or this one learned which it is.
    pub fn set_ring(&self, ring: Ring) {
        self.inner.ring.store(Arc::new(ring));
    }
}

impl Registrar for Bindings {
    fn register(&self, request: RegisterRequest, reply: Reply<RegisterResponse>) {
        let directory = self.inner.view.directory.load();
        let Some(user) = directory.user(&request.aor) else {
            let now = u64::from(unix_now());
            return reply(Ok(RegisterResponse { status: 404, now, ..RegisterResponse::default() }));
        };
        let (aor, contacts) = (directory.aor(user), user.contacts());
        drop(directory);
        let overflow = match contacts.when_full {
            WhenFull::OldestGoes => Overflow::Oldest,
            WhenFull::Refuse => Overflow::Refuse,
        };
        let job = Register { request, reply, contacts: contacts.limit.into(), overflow, conflicts: 0 };
        self.inner.run(&aor, Job::Register(Box::new(job)), Trust::AsOwner);
    }

    fn locate(&self, request: LocateRequest, reply: Reply<LocateResponse>) {
        self.inner.meters.locates.increment(1);
        let reply = traced(&request, reply);
        let directory = self.inner.view.directory.load();
        let Some(user) = directory.user(&request.aor) else { return reply(Ok(LocateResponse::default())) };
        let aor = directory.aor(user);
        drop(directory);
        self.inner.run(&aor, Job::Locate(request, reply), Trust::AsOwner);
    }
}

/// The reply as the end of a span of the call's trace.
fn traced(request: &LocateRequest, reply: Reply<LocateResponse>) -> Reply<LocateResponse> {
    if request.call_id.is_empty() || !trace::is_enabled() {
        return reply;
    }
    let span = trace::call_span(&request.call_id, "registry locate", &request.aor);
    Box::new(move |response| span.in_scope(|| reply(response)))
}

impl Inner {
    fn run(self: &Arc<Self>, aor: &str, job: Job, trust: Trust) {
        match self.decide(aor, job, trust) {
            Next::Answer(reply, response) => reply(Ok(response)),
            Next::Located(reply, response) => reply(Ok(response)),
            Next::Refuse(job) => job.refuse(&self.meters),
            Next::Load => self.load(aor),
            Next::Write(write) => self.write(aor, write),
            Next::Nothing => {}
        }
    }

    /// Answers a job from memory, or sees what it takes. The shard is locked here and nowhere while others are called.
    fn decide(&self, aor: &str, job: Job, trust: Trust) -> Next {
        let ring = self.ring.load();
        let mut shard = self.shards.of(aor);
        if let Some(waiting) = shard.busy.get_mut(aor) {
            return match waiting.len() < WAITING {
                true => {
                    waiting.push_back(job);
                    Next::Nothing
                }
                false => Next::Refuse(job),
            };
        }
        if !shard.records.contains_key(aor) && ring.knows_all() {
            match job {
                Job::Register(_) => drop(shard.records.insert(aor.into(), Entry::empty(ring.set()))),
                Job::Locate(_, reply) => {
                    return Next::Located(reply, LocateResponse { known: true, ..LocateResponse::default() });
                }
                Job::Expire => return Next::Nothing,
            }
        }
        match shard.records.get_mut(aor).filter(|entry| trust == Trust::Fresh || ring.trusts(entry.set, aor)) {
            Some(entry) => {
                let next = self.decide_on(entry, job, &ring);
                if let Next::Write(_) = next {
                    shard.busy.insert(aor.into(), Default::default());
                }
                next
            }
            None => {
                shard.busy.insert(aor.into(), [job].into());
                Next::Load
            }
        }
    }

    fn decide_on(&self, entry: &mut Entry, job: Job, ring: &Arc<Ring>) -> Next {
        let now = unix_now();
        match job {
            Job::Register(asked) => {
                let gruu = self.view.gruu.load();
                let policy = Policy {
                    min_expires: self.settings.min_expires,
                    max_expires: self.settings.max_expires,
                    contacts: asked.contacts,
                    overflow: asked.overflow,
                    gruu: &gruu,
                };
                match registrar::register(&mut entry.record, &asked.request, &policy, now, self.random()) {
                    Outcome::Done(response) => {
                        self.meters.of(response.status).increment(1);
                        Next::Answer(asked.reply, response)
                    }
                    Outcome::Write { record, response } => Next::Write(Write {
                        record,
                        revision: entry.revision,
                        ring: ring.clone(),
                        asked: Some((asked, response)),
                    }),
                }
            }
            Job::Locate(request, reply) => {
                let gruu = self.view.gruu.load();
                Next::Located(reply, registrar::locate(&entry.record, &request.instance, &gruu, now))
            }
            Job::Expire => {
                let mut record = entry.record.clone();
                record.prune(now);
                // The store lacks nothing but what was never written there: removed bindings and their memories.
                if entry.revision == 0
                    || record.live(now).count() == entry.record.bindings.iter().filter(|b| b.is_kept()).count()
                {
                    entry.record = record;
                    return Next::Nothing;
                }
                Next::Write(Write { record, revision: entry.revision, ring: ring.clone(), asked: None })
            }
        }
    }

    /// Reads a record whose AOR is marked busy.
    fn load(self: &Arc<Self>, aor: &str) {
        let (inner, owned) = (self.clone(), aor.to_owned());
        let set = self.ring.load().set();
        self.store.get(&key(aor), Box::new(move |found| inner.loaded(&owned, set, found)));
    }

    fn loaded(self: &Arc<Self>, aor: &str, set: u64, found: Result<Option<Stored>, StoreError>) {
        let mut shard = self.shards.of(aor);
        let waiting = shard.busy.remove(aor).unwrap_or_default();
        match found {
            Ok(stored) => {
                shard.records.insert(aor.into(), Entry::from_stored(stored.as_ref(), set));
                drop(shard);
                waiting.into_iter().for_each(|job| self.run(aor, job, Trust::Fresh));
            }
            Err(why) => {
                tracing::warn!(%aor, %why, "a record was not read");
                // What was known once is the best answer to where somebody is; a registration needs the truth.
                let known = shard.records.get(aor).map(|entry| entry.record.clone());
                drop(shard);
                for job in waiting {
                    match (job, &known) {
                        (Job::Locate(request, reply), Some(record)) => {
                            let gruu = self.view.gruu.load();
                            reply(Ok(registrar::locate(record, &request.instance, &gruu, unix_now())));
                        }
                        (job, _) => job.refuse(&self.meters),
                    }
                }
            }
        }
    }

    /// Hands a changed record, whose AOR is marked busy, to the store.
    fn write(self: &Arc<Self>, aor: &str, write: Write) {
        let key = key(aor);
        let mut batch = Batch::default().when(&key, write.revision);
        batch = match write.record.encode(unix_now()) {
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        };
        batch = write.ring.fence(batch, aor);
        let (inner, owned) = (self.clone(), aor.to_owned());
        self.store.commit(batch, Box::new(move |outcome| inner.written(&owned, write, outcome)));
    }

    fn written(self: &Arc<Self>, aor: &str, write: Write, outcome: Result<Committed, StoreError>) {
        let mut shard = self.shards.of(aor);
        let waiting = shard.busy.remove(aor).unwrap_or_default();
        match outcome {
            Ok(Committed::Yes(revision)) => {
                let is_stored = write.record.bindings.iter().any(|binding| binding.is_kept());
                let revision = if is_stored { revision } else { 0 };
                let entry = Entry { record: write.record, revision, set: write.ring.set() };
                shard.records.insert(aor.into(), entry);
                drop(shard);
                if let Some((asked, response)) = write.asked {
                    self.meters.written.increment(1);
                    (asked.reply)(Ok(response));
                }
                waiting.into_iter().for_each(|job| self.run(aor, job, Trust::Fresh));
            }
            Ok(Committed::Conflict) => {
                // Somebody else wrote the record, or the registries changed: it is looked at again as it is now.
                shard.records.remove(aor);
                let mut jobs = waiting;
                if let Some((asked, _)) = write.asked {
                    self.meters.conflicts.increment(1);
                    jobs.push_front(Job::Register(asked));
                }
                shard.busy.insert(aor.into(), Default::default());
                drop(shard);
                self.again(aor, jobs);
            }
            Err(why) => {
                tracing::warn!(%aor, %why, "a record was not written");
                drop(shard);
                if let Some((asked, _)) = write.asked {
                    Job::Register(asked).refuse(&self.meters);
                }
                waiting.into_iter().for_each(|job| self.run(aor, job, Trust::AsOwner));
            }
        }
    }

    /// Reads a record again that is marked busy, a little later each time, so that news of the registries can arrive.
    fn again(self: &Arc<Self>, aor: &str, jobs: std::collections::VecDeque<Job>) {
        let mut pause = Duration::ZERO;
        let mut left = std::collections::VecDeque::new();
        for job in jobs {
            match job {
                Job::Register(mut asked) => {
                    asked.conflicts += 1;
                    pause = pause.max(PAUSE * asked.conflicts.pow(2));
                    match asked.conflicts <= CONFLICTS {
                        true => left.push_back(Job::Register(asked)),
                        false => Job::Register(asked).refuse(&self.meters),
                    }
                }
                Job::Locate(..) | Job::Expire => left.push_back(job),
            }
        }
        let mut shard = self.shards.of(aor);
        shard.busy.entry(aor.into()).or_default().extend(left);
        drop(shard);
        let (inner, aor) = (self.clone(), aor.to_owned());
        self.runtime.spawn(async move {
            tokio::time::sleep(pause).await;
            inner.load(&aor);
        });
    }

    fn random(&self) -> u64 {
        self.chance.0.hash_one(self.chance.1.fetch_add(1, Ordering::Relaxed))
    }
}

impl Job {
    /// Nobody can answer: 503 for a registration, and whoever locates goes by what is cached.
    fn refuse(self, meters: &Meters) {
        meters.unavailable.increment(1);
        match self {
            Job::Register(asked) => (asked.reply)(Err(Unavailable)),
            Job::Locate(_, reply) => reply(Err(Unavailable)),
            Job::Expire => {}
        }
    }
}

struct Meters {
    absorbed: metrics::Counter,
    written: metrics::Counter,
    refused: metrics::Counter,
    unavailable: metrics::Counter,
    conflicts: metrics::Counter,
    locates: metrics::Counter,
    records: metrics::Gauge,
}

impl Meters {
    fn new() -> Meters {
        let registers =
            |outcome: &'static str| metrics::counter!("tandem_registry_registers_total", "outcome" => outcome);
        Meters {
            absorbed: registers("absorbed"),
            written: registers("written"),
            refused: registers("refused"),
            unavailable: registers("unavailable"),
            conflicts: metrics::counter!("tandem_registry_write_conflicts_total"),
            locates: metrics::counter!("tandem_registry_locates_total"),
            records: metrics::gauge!("tandem_registry_records"),
        }
    }

    /// For what needed no write.
    fn of(&self, status: u32) -> &metrics::Counter {
        if status == 200 { &self.absorbed } else { &self.refused }
    }
}

fn key(aor: &str) -> String {
    [KEY, aor].concat()
}

fn unix_now() -> u32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// Before each AOR in the store.
const KEY: &str = "bindings/";
/// Records read at once.
const PAGE: usize = 10_000;
/// Questions about one AOR that may wait for its record; more are refused.
const WAITING: usize = 64;
/// A write that meets another one is tried again so often, the last time after a third of a second.
const CONFLICTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;

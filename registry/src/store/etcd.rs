//! An etcd cluster: batches share transactions, a member that fails is left for the next one.

mod committer;
mod failure;
mod lease;
mod member;

use super::{Batch, CHECK, Committed, Done, Entry, First, Lease, Range, Store, StoreError, Values, Watchers};
use committer::Commit;
use etcd_client::{Client, CompactionOptions, Error, GetOptions, WatchOptions};
use member::Member;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// How etcd is reached.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `host:port` of each member.
    pub endpoints: Vec<String>,
    /// Mutual TLS; `None` = plain.
    pub tls: Option<Tls>,
    /// User and password.
    pub user: Option<(String, String)>,
}

/// PEM texts for etcd's own TLS.
#[derive(Clone)]
pub struct Tls {
    /// The authority of etcd's certificates.
    pub ca: String,
    /// Our certificate and its key, where etcd asks for one.
    pub identity: Option<(String, String)>,
}

/// The store in an etcd cluster. Its tasks run on the tokio runtime it was connected in, until it is dropped.
pub struct Etcd {
    hub: Arc<Hub>,
    commits: mpsc::Sender<Commit>,
    runtime: Handle,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// The members, and which one is asked.
struct Hub {
    members: Vec<Member>,
    current: AtomicUsize,
    watchers: Watchers,
    /// The newest revision seen.
    revision: AtomicI64,
}

impl Etcd {
    /// Connects, and checks that a member answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when none does, [`StoreError::Refused`] when one does not let us in.
    pub async fn connect(options: &Options) -> Result<Etcd, StoreError> {
        let hub = Arc::new(Hub {
            members: Member::all(options),
            current: AtomicUsize::new(0),
            watchers: Watchers::default(),
            revision: AtomicI64::new(0),
        });
        hub.first_answer().await?;
        let (commits, queue) = mpsc::channel(QUEUE);
        let store = Etcd { hub: hub.clone(), commits, runtime: Handle::current(), tasks: Mutex::default() };
        store.spawn(committer::run(hub.clone(), queue));
        store.spawn(async move { hub.compact().await });
        Ok(store)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.runtime.spawn(task).abort_handle();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(handle);
    }
}

impl Store for Etcd {
    fn get(&self, key: &str, done: Done<Option<Entry>>) {
        let (hub, key) = (self.hub.clone(), key.to_owned());
        self.runtime.spawn(async move { done(hub.get(&key).await) });
    }

    fn range(&self, range: Range, done: Done<Vec<(String, Entry)>>) {
        let hub = self.hub.clone();
        self.runtime.spawn(async move { done(hub.range(&range).await) });
    }

    fn commit(&self, batch: Batch, done: Done<Committed>) {
        match self.commits.try_send(Commit { batch, done }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(commit)) => (commit.done)(Err(StoreError::Busy)),
            Err(mpsc::error::TrySendError::Closed(commit)) => {
                (commit.done)(Err(StoreError::Unavailable("it was closed".into())));
            }
        }
    }

    fn lease(&self, ttl: Duration, done: Done<Lease>) {
        let hub = self.hub.clone();
        self.runtime.spawn(async move { done(lease::grant(hub, ttl).await) });
    }

    /// A transaction whose comparison fails takes a quorum and room in the file, as one that writes, and leaves no revision.
    fn check(&self, done: Done<()>) {
        let hub = self.hub.clone();
        let never = Batch::swap(CHECK, i64::MAX as u64, vec![]);
        self.runtime.spawn(async move { done(committer::apply(&hub, &[never]).await.map(drop)) });
    }

    fn watch(&self, prefix: &str) -> watch::Receiver<u64> {
        let (receiver, first) = self.hub.watchers.add(prefix);
        if first == First::Yes {
            let (hub, prefix) = (self.hub.clone(), prefix.to_owned());
            self.spawn(async move { hub.watch(&prefix).await });
        }
        receiver
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(AbortHandle::abort);
    }
}

impl Hub {
    /// Waits as long as it takes members to choose a leader.
    async fn first_answer(&self) -> Result<(), StoreError> {
        let begin = Instant::now();
        loop {
            match self.get("tandem").await {
                Err(StoreError::Unavailable(_)) if begin.elapsed() < ELECTION => tokio::time::sleep(PAUSE).await,
                answer => return answer.map(drop),
            }
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let mut answer = self.attempt(ATTEMPT, |mut client| async move { client.get(key, None).await }).await?;
        self.saw(answer.header().map(etcd_client::ResponseHeader::revision));
        Ok(answer.take_kvs().pop().map(|found| entry(found).1))
    }

    /// In pages, because one answer is bounded.
    async fn range(&self, range: &Range) -> Result<Vec<(String, Entry)>, StoreError> {
        let end = prefix_end(&range.prefix);
        let mut after = range.after.clone();
        let mut found: Vec<(String, Entry)> = Vec::new();
        loop {
            let from = if after.is_empty() { range.prefix.clone() } else { format!("{after}\0") };
            let left = if range.limit == 0 { PAGE } else { PAGE.min(range.limit - found.len()) };
            let mut options = GetOptions::new().with_range(end.clone()).with_limit(left as i64);
            if range.values == Values::Omit {
                options = options.with_keys_only();
            }
            let (from, options) = (&from, &options);
            let mut page = self
                .attempt(ATTEMPT, |mut client| async move { client.get(from.as_str(), Some(options.clone())).await })
                .await?;
            let more = page.more();
            found.extend(page.take_kvs().into_iter().map(entry));
            match found.last() {
                Some((last, _)) if more && (range.limit == 0 || found.len() < range.limit) => after = last.clone(),
                Some(_) | None => return Ok(found),
            }
        }
    }

    /// Tells the watchers of a prefix of each change, and whenever changes may have been missed.
    async fn watch(&self, prefix: &str) {
        loop {
            let options = WatchOptions::new().with_prefix();
            let begun = self
                .attempt(ATTEMPT, |mut client| {
                    let options = options.clone();
                    async move { client.watch(prefix, Some(options)).await }
                })
                .await;
            if let Ok(mut stream) = begun {
                while let Ok(Some(message)) = stream.message().await {
                    // The first message says that the watch stands: what changed before it counts as missed.
                    self.watchers.tell(|watched| watched == prefix);
                    if message.canceled() {
                        break;
                    }
                }
                self.next_member(self.current.load(Ordering::Relaxed));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Forgets the history that no watch needs, or etcd's file would grow with every registration.
    async fn compact(&self) {
        loop {
            let past = self.revision.load(Ordering::Relaxed);
            tokio::time::sleep(HISTORY).await;
            if past > 0 {
                // Another registry may have done the same already.
                let options = CompactionOptions::new();
                let compact = |mut client: Client| {
                    let options = options.clone();
                    async move { client.compact(past, Some(options)).await }
                };
                if let Err(why) = self.attempt(HISTORY, compact).await {
                    tracing::debug!(%why, "etcd's history was not compacted");
                }
            }
        }
    }

    /// Runs a call at the current member, and at the next ones when that fails or takes longer than `patience`.
    async fn attempt<T, F>(&self, patience: Duration, call: impl Fn(Client) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut problem = StoreError::Unavailable("no member is configured".into());
        for attempt in 0..ATTEMPTS.max(self.members.len()) {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let current = self.current.load(Ordering::Relaxed);
            let Some(member) = self.members.get(current) else { break };
            match member.call(patience, &call).await {
                Ok(value) => return Ok(value),
                Err(why) => problem = why,
            }
            if matches!(problem, StoreError::Refused(_)) {
                break;
            }
            self.next_member(current);
        }
        Err(problem)
    }

    /// Leaves a member that failed, unless another call did so already.
    fn next_member(&self, failed: usize) {
        let next = (failed + 1) % self.members.len();
        let _ = self.current.compare_exchange(failed, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn saw(&self, revision: Option<i64>) {
        self.revision.fetch_max(revision.unwrap_or(0), Ordering::Relaxed);
    }
}

fn entry(found: etcd_client::KeyValue) -> (String, Entry) {
    let revision = found.mod_revision().unsigned_abs();
    let (key, value) = found.into_key_value();
    (String::from_utf8_lossy(&key).into_owned(), Entry { value, revision })
}

/// The first key behind all that begin with `prefix`; all our keys are UTF-8, so the last byte can be stepped.
fn prefix_end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

impl std::fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// How long a member has for an answer; three fit into the two seconds that a proxy waits.
const ATTEMPT: Duration = Duration::from_millis(600);
const ATTEMPTS: usize = 3;
/// With etcd's own settings a new leader takes two seconds at most.
const ELECTION: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(50);
/// Keys in one answer: a million bindings come in thousands of about half a megabyte.
const PAGE: usize = 1000;
/// Batches that may wait; more are refused with [`StoreError::Busy`].
const QUEUE: usize = 65_536;
/// At thousands of writes a second a minute of history is some hundred megabytes of a file that etcd bounds at two gigabytes.
const HISTORY: Duration = Duration::from_secs(60);

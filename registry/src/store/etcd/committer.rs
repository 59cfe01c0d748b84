//! Batches into transactions: etcd does five times as many changes when a hundred share one.

use super::{ATTEMPT, Hub};
use crate::store::{Batch, Committed, Compare, Done, Operation, StoreError};
use etcd_client::{Compare as EtcdCompare, CompareOp, PutOptions, Txn, TxnOp};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};

/// A batch and who waits for it.
pub struct Commit {
    pub batch: Batch,
    pub done: Done<Committed>,
}

/// Sends what waits, as few transactions as it fits in; several are under way at once.
pub async fn run(hub: Arc<Hub>, mut queue: mpsc::Receiver<Commit>) {
    let under_way = Arc::new(Semaphore::new(UNDER_WAY));
    let seconds = metrics::histogram!("tandem_registry_store_commit_seconds");
    let batches = metrics::histogram!("tandem_registry_store_group_batches");
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, 1024).await > 0 {
        for group in groups(waiting.drain(..)) {
            let Ok(permit) = under_way.clone().acquire_owned().await else { return };
            let (hub, seconds) = (hub.clone(), seconds.clone());
            batches.record(group.batches.len() as f64);
            tokio::spawn(async move {
                let begin = Instant::now();
                group.commit(&hub).await;
                seconds.record(begin.elapsed());
                drop(permit);
            });
        }
    }
}

/// Batches that fit into one transaction: no key is changed twice, and etcd's limits hold.
#[derive(Default)]
struct Group {
    batches: Vec<Batch>,
    waiting: Vec<Done<Committed>>,
    compares: BTreeSet<(String, u64)>,
    keys: BTreeSet<String>,
    bytes: usize,
}

fn groups(commits: impl Iterator<Item = Commit>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for commit in commits {
        match groups.last_mut().filter(|group| group.has_room_for(&commit.batch)) {
            Some(group) => group.push(commit),
            None => {
                let mut group = Group::default();
                group.push(commit);
                groups.push(group);
            }
        }
    }
    groups
}

impl Group {
    fn has_room_for(&self, batch: &Batch) -> bool {
        self.compares.len() + batch.compares.len() <= OPERATIONS
            && self.keys.len() + batch.operations.len() <= OPERATIONS
            && self.bytes + bytes(batch) <= BYTES
            && !batch.operations.iter().any(|operation| self.keys.contains(operation.key()))
            // What one batch changes, another must not compare: it would see the change of its own transaction or fail it.
            && !batch.compares.iter().any(|compare| self.keys.contains(&compare.key))
            && !batch.operations.iter().any(|operation| self.compares.iter().any(|(key, _)| key == operation.key()))
    }

    fn push(&mut self, commit: Commit) {
        self.compares.extend(commit.batch.compares.iter().map(|compare| (compare.key.clone(), compare.revision)));
        self.keys.extend(commit.batch.operations.iter().map(|operation| operation.key().to_owned()));
        self.bytes += bytes(&commit.batch);
        self.batches.push(commit.batch);
        self.waiting.push(commit.done);
    }

    /// All at once; where that conflicts, each for itself, since only one may be to blame.
    async fn commit(self, hub: &Hub) {
        match apply(hub, &self.batches).await {
            Ok(Committed::Conflict) if self.batches.len() > 1 => {
                for (batch, done) in self.batches.iter().zip(self.waiting) {
                    done(apply(hub, std::slice::from_ref(batch)).await);
                }
            }
            outcome => self.waiting.into_iter().for_each(|done| done(outcome.clone())),
        }
    }
}

/// All of them in one transaction.
pub async fn apply(hub: &Hub, batches: &[Batch]) -> Result<Committed, StoreError> {
    let mut compares: Vec<&Compare> = batches.iter().flat_map(|batch| &batch.compares).collect();
    compares.sort_by_key(|compare| (&compare.key, compare.revision));
    compares.dedup();
    let compares: Vec<EtcdCompare> = compares.into_iter().map(compare).collect();
    let operations: Vec<TxnOp> = batches.iter().flat_map(|batch| &batch.operations).map(operation).collect();
    let transaction = Txn::new().when(compares).and_then(operations);
    let patience = ATTEMPT + Duration::from_micros(batches.iter().map(bytes).sum::<usize>() as u64);
    let answer = hub
        .attempt(patience, |mut client| {
            let transaction = transaction.clone();
            async move { client.txn(transaction).await }
        })
        .await?;
    let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
    hub.saw(Some(revision));
    Ok(if answer.succeeded() { Committed::Yes(revision.unsigned_abs()) } else { Committed::Conflict })
}

fn compare(compare: &Compare) -> EtcdCompare {
    EtcdCompare::mod_revision(compare.key.as_str(), CompareOp::Equal, compare.revision as i64)
}

fn operation(operation: &Operation) -> TxnOp {
    match operation {
        Operation::Put { key, value, lease } => {
            let options = (*lease != 0).then(|| PutOptions::new().with_lease(*lease));
            TxnOp::put(key.as_str(), value.as_slice(), options)
        }
        Operation::Delete { key } => TxnOp::delete(key.as_str(), None),
    }
}

fn bytes(batch: &Batch) -> usize {
    let operations = batch.operations.iter().map(|operation| match operation {
        Operation::Put { key, value, .. } => key.len() + value.len(),
        Operation::Delete { key } => key.len(),
    });
    operations.sum()
}

/// etcd's default is 128, for comparisons and operations each.
const OPERATIONS: usize = 120;
/// etcd's default for a request is 1.5 MiB.
const BYTES: usize = 1 << 20;
/// Transactions sent and not answered yet.
const UNDER_WAY: usize = 8;

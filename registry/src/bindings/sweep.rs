//! What nobody asks for any more goes: expired bindings, records of other owners, notes that were read.

use super::shard::{SHARDS, Trust};
use super::{Bindings, Inner, Job, KEY, unix_now};
use crate::registrar::record::Record;
use crate::store::{Batch, Range, StoreError};
use std::sync::Arc;
use std::time::Duration;

impl Bindings {
    /// Drops what is over, shard after shard, once around in a minute; runs until the task is aborted.
    pub async fn sweep(self) {
        let mut every = tokio::time::interval(ROUND / SHARDS as u32);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut records = 0;
        for index in (0..SHARDS).cycle() {
            every.tick().await;
            records = if index == 0 { 0 } else { records } + self.inner.sweep(index);
            if index == SHARDS - 1 {
                self.inner.meters.records.set(records as f64);
            }
        }
    }

    /// Forgets records that other registries say they have changed; runs until the task is aborted.
    pub async fn follow_notes(self) {
        let Some(prefix) = self.inner.ring.load().notes() else { return };
        let mut notes = self.inner.store.watch(&prefix);
        loop {
            if let Err(why) = self.inner.read_notes(&prefix).await {
                tracing::warn!(%why, "notes of changed records were not read");
                tokio::time::sleep(PAUSE).await;
            } else if notes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Deletes what expired in the store under owners that are gone; runs until the task is aborted.
    pub async fn sweep_store(self) {
        loop {
            tokio::time::sleep(STORE_ROUND).await;
            if let Err(why) = self.inner.sweep_store().await {
                tracing::warn!(%why, "the store was not swept of expired records");
            }
        }
    }
}

impl Inner {
    /// How many records are left in the shard.
    pub(super) fn sweep(self: &Arc<Self>, index: usize) -> usize {
        let now = unix_now();
        let ring = self.ring.load();
        let mut shard = self.shards.at(index);
        let shard = &mut *shard;
        let busy = &shard.busy;
        shard.records.retain(|aor, entry| {
            busy.contains_key(aor) || (!entry.record.bindings.is_empty() && ring.trusts(entry.set, aor))
        });
        let expired = shard.records.iter().filter(|(_, entry)| entry.record.next_expiry() <= now).take(AT_ONCE);
        let expired: Vec<Box<str>> = expired.map(|(aor, _)| aor.clone()).collect();
        let left = shard.records.len();
        let this = self.clone();
        // The shard is locked here, and each job locks it again.
        self.runtime.spawn(async move { expired.iter().for_each(|aor| this.run(aor, Job::Expire, Trust::AsOwner)) });
        left
    }

    pub(super) async fn read_notes(&self, prefix: &str) -> Result<(), StoreError> {
        let notes = self.store.read_range(Range::prefix(prefix)).await?;
        for notes in notes.chunks(100) {
            let mut batch = Batch::default();
            for (key, _) in notes {
                let aor = &key[prefix.len()..];
                let mut shard = self.shards.of(aor);
                // A write that is under way compares the revision: it will meet the change by itself.
                if !shard.busy.contains_key(aor) {
                    shard.records.remove(aor);
                }
                batch = batch.delete(key);
            }
            self.store.apply(batch).await?;
        }
        Ok(())
    }

    async fn sweep_store(&self) -> Result<(), StoreError> {
        let mut range = Range { limit: 1000, ..Range::prefix(KEY) };
        loop {
            let page = self.store.read_range(range.clone()).await?;
            let now = unix_now();
            for (key, stored) in &page {
                let is_over = Record::decode(&stored.value).is_ok_and(|record| record.live(now).next().is_none());
                if is_over && self.ring.load().owns(&key[KEY.len()..]) {
                    self.store.apply(Batch::default().when(key, stored.revision).delete(key)).await?;
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range.after = last.clone(),
                Some(_) | None => return Ok(()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// All shards are seen once in this time.
const ROUND: Duration = Duration::from_secs(60);
const STORE_ROUND: Duration = Duration::from_secs(900);
const PAUSE: Duration = Duration::from_millis(200);
/// Records of one shard that expire in one go; the others wait for the next round.
const AT_ONCE: usize = 1000;

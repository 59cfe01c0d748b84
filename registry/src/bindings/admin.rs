//! What `tandem get bindings` shows.

use super::{Bindings, KEY, key, unix_now};
use crate::registrar::record::Record;
use crate::registrar::to_wire_in_full;
use crate::store::{Entry, Range, StoreError};
use proto::wire::BindingsOf;
use tokio::sync::mpsc;
use tonic::Status;

impl Bindings {
    /// Sends the live bindings of one AOR, of a domain's users, or of all, in the order of AORs.
    ///
    /// The store names them all, whoever owns them; what this registry owns has its newest refresh from memory.
    pub async fn list(
        &self,
        aor: Option<&str>,
        domain: Option<&str>,
        to: &mpsc::Sender<Result<BindingsOf, Status>>,
    ) -> Result<(), StoreError> {
        if let Some(aor) = aor {
            if let Some(stored) = self.inner.store.read(&key(aor)).await? {
                self.send(aor, &stored, to).await;
            }
            return Ok(());
        }
        let mut range = Range { limit: 1000, ..Range::prefix(KEY) };
        loop {
            let page = self.inner.store.read_range(range.clone()).await?;
            for (key, stored) in &page {
                let aor = &key[KEY.len()..];
                let is_asked_for = domain.is_none_or(|domain| aor.rsplit_once('@').is_some_and(|(_, of)| of == domain));
                if is_asked_for && !self.send(aor, stored, to).await {
                    return Ok(());
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range.after = last.clone(),
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// False when nobody listens any more.
    async fn send(&self, aor: &str, stored: &Entry, to: &mpsc::Sender<Result<BindingsOf, Status>>) -> bool {
        let now = unix_now();
        let known = {
            let ring = self.inner.ring.load();
            let shard = self.inner.shards.of(aor);
            let entry = shard.records.get(aor).filter(|entry| ring.trusts(entry.set, aor));
            entry.map(|entry| entry.record.clone())
        };
        let record = known.or_else(|| Record::decode(&stored.value).ok()).unwrap_or_default();
        let bindings: Vec<_> = record.live(now).map(to_wire_in_full).collect();
        bindings.is_empty() || to.send(Ok(BindingsOf { aor: aor.to_owned(), bindings })).await.is_ok()
    }
}

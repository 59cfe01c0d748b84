//! Whether the registry can do its work: what it is told must be in the store before it says yes.

use crate::store::{Shared, Store, StoreError};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// Asks the store, at most once a second however often it is asked itself, and less often while it fails.
pub struct Health {
    /// Not held open: the store closes with the registry.
    store: Weak<dyn Store>,
    last: Mutex<Option<(Instant, Result<(), StoreError>)>>,
}

impl Health {
    /// Of this store.
    pub fn of(store: &Shared) -> Health {
        Health { store: Arc::downgrade(store), last: Mutex::default() }
    }

    /// Whether the store can be written, within a few seconds.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < if found.is_ok() { EVERY } else { AGAIN }
        {
            return found.clone();
        }
        let Some(store) = self.store.upgrade() else { return Err(StoreError::Unavailable("it was closed".into())) };
        let late = || Err(StoreError::Unavailable(format!("no answer in {PATIENCE:?}")));
        let found = timeout(PATIENCE, store.is_writable()).await.unwrap_or_else(|_| late());
        let was_good = last.as_ref().is_none_or(|(_, found)| found.is_ok());
        match &found {
            Err(why) if was_good => tracing::error!(%why, "not ready: the store fails"),
            Ok(()) if !was_good => tracing::info!("ready again: the store works"),
            Ok(()) | Err(_) => {}
        }
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

/// A load balancer that asks more often gets the same answer.
const EVERY: Duration = Duration::from_secs(1);
/// A write that fails makes the embedded store open its file again, which takes its time where that is large.
const AGAIN: Duration = Duration::from_secs(5);
/// An etcd member that died is left for the next one in less.
const PATIENCE: Duration = Duration::from_secs(3);

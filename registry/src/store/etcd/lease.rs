//! Leases, kept alive while they are held.

use super::{ATTEMPT, Hub};
use crate::store::{Lease, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Grants a lease and keeps it alive until it is dropped.
pub async fn grant(hub: Arc<Hub>, ttl: Duration) -> Result<Lease, StoreError> {
    let seconds = ttl.as_secs().max(1) as i64;
    let granted = hub.attempt(ATTEMPT, |mut client| async move { client.lease_grant(seconds, None).await }).await?;
    let id = granted.id();
    let (sender, lost) = watch::channel(false);
    let keeper = tokio::spawn(keep(hub.clone(), id, ttl, sender));
    let runtime = tokio::runtime::Handle::current();
    let revoke = move || {
        keeper.abort();
        runtime.spawn(async move {
            // If that fails the lease runs out by itself.
            let _ = hub.attempt(ATTEMPT, |mut client| async move { client.lease_revoke(id).await }).await;
        });
    };
    Ok(Lease { id, lost, revoke: Some(Box::new(revoke)) })
}

/// Ends, with `lost` told, when etcd no longer knows the lease or could not be reached for its whole life.
async fn keep(hub: Arc<Hub>, id: i64, ttl: Duration, lost: watch::Sender<bool>) {
    let mut alive = Instant::now();
    while alive.elapsed() < ttl {
        tokio::time::sleep(ttl / 4).await;
        let asked = Instant::now();
        let kept = hub
            .attempt(ATTEMPT, |mut client| async move {
                match client.lease_keep_alive(id).await {
                    Ok(_) => Ok(Kept::Alive),
                    Err(etcd_client::Error::LeaseKeepAliveError(_)) => Ok(Kept::Gone),
                    Err(why) => Err(why),
                }
            })
            .await;
        match kept {
            Ok(Kept::Alive) => alive = asked,
            Ok(Kept::Gone) => break,
            Err(why) => tracing::warn!(%why, "the lease of this registry was not renewed"),
        }
    }
    tracing::warn!("the lease of this registry is lost");
    let _ = lost.send(true);
}

enum Kept {
    Alive,
    Gone,
}

//! Who is in the cluster. Each member's entry lies in the store under a lease that the registry it joined keeps alive; whoever sees
//! the set of entries change writes the next epoch by compare-and-swap, so all registries agree on one order of epochs.

mod epoch;
mod speech;

use crate::keys::{self, KEYS, Periods};
use crate::store::{Batch, Committed, Lease, Range, Shared, StoreError};
use epoch::next_epoch;
use prost::Message;
use proto::directory::Speech;
use proto::membership::Membership;
use proto::time::UnixMillis;
use proto::view::View;
use proto::wire::{self, KeyRings, Member};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Membership and keys of the cluster, as this registry knows them.
pub struct Members {
    store: Shared,
    view: Arc<View>,
    periods: Periods,
    current: watch::Sender<Snapshot>,
}

/// What every member is told at each change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The newest epoch, with what the members last said of themselves.
    pub membership: wire::Membership,
    /// The revision of [`EPOCH`] that has it.
    pub revision: u64,
    /// The rings of every purpose.
    pub keys: KeyRings,
}

impl Members {
    /// Reads membership and keys (made at the first start) from the store into the view.
    pub async fn open(store: Shared, view: Arc<View>, periods: Periods) -> Result<Arc<Members>, StoreError> {
        let members = Members { store, view, periods, current: watch::Sender::new(Snapshot::default()) };
        let keys = keys::read_or_create(&members.store, unix_seconds()).await?;
        members.publish(|snapshot| snapshot.keys = keys);
        members.refresh().await?;
        Ok(Arc::new(members))
    }

    /// The snapshot, and a notice of each change.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.current.subscribe()
    }

    /// Whether any media node can speak a text, as far as they have said.
    pub fn speech(&self) -> Speech {
        speech::speech(&self.current.borrow().membership)
    }

    /// Follows the store until the task is aborted.
    pub async fn follow(self: Arc<Self>) {
        let (mut entries, mut rings) = (self.store.watch(PREFIX), self.store.watch(KEYS));
        let mut every = tokio::time::interval(CHECK);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                changed = entries.changed() => match changed {
                    Ok(()) => self.refresh().await,
                    Err(_) => return,
                },
                changed = rings.changed() => match changed {
                    Ok(()) => self.refresh_keys().await,
                    Err(_) => return,
                },
                // A notice may be lost with a store that was away, and rotation has its own clock.
                _ = every.tick() => match self.refresh().await {
                    Ok(()) => self.refresh_keys().await,
                    Err(why) => Err(why),
                },
            };
            if let Err(why) = done {
                tracing::warn!(%why, "membership was not read; the last one stays");
            }
        }
    }

    /// The id of a member of this name and role: small, and the same each time it comes back.
    pub async fn id_of(&self, name: &str, role: wire::Role) -> Result<u32, StoreError> {
        let key = format!("{IDS}{}/{name}", role.as_str_name());
        let number = |value: &[u8]| value.try_into().map(u32::from_be_bytes).unwrap_or_default();
        for _ in 0..ATTEMPTS {
            if let Some(entry) = self.store.read(&key).await? {
                return Ok(number(&entry.value));
            }
            let last = self.store.read(LAST_ID).await?;
            let (revision, id) = last.map_or((0, 1), |entry| (entry.revision, number(&entry.value) + 1));
            if id > u32::from(u16::MAX) {
                return Err(StoreError::Refused(
                    "65535 member names have been used; clear member-id/ in the store".into(),
                ));
            }
            let value = id.to_be_bytes().to_vec();
            let batch =
                Batch::default().when(&key, 0).when(LAST_ID, revision).put(&key, value.clone()).put(LAST_ID, value);
            if let Committed::Yes(_) = self.store.apply(batch).await? {
                return Ok(id);
            }
        }
        Err(StoreError::Unavailable("others take member ids all the time".into()))
    }

    /// A lease for one member's entry.
    pub async fn lease(&self) -> Result<Lease, StoreError> {
        self.store.grant(TTL).await
    }

    /// Writes what a member says of itself.
    pub async fn announce(&self, lease: i64, member: &Member) -> Result<(), StoreError> {
        let key = format!("{PREFIX}{:05}", member.id);
        self.store.apply(Batch::default().put_under(lease, key, member.encode_to_vec())).await?;
        self.refresh().await
    }

    /// Reads the entries, and makes the next epoch if the set of members is not that of the present one.
    async fn refresh(&self) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            // The epoch first: entries that are older than it would make members that it has seen join leave again.
            let stored = self.store.read(EPOCH).await?;
            let revision = stored.as_ref().map_or(0, |entry| entry.revision);
            let entries = self.store.read_range(Range::prefix(PREFIX)).await?;
            let mut live: Vec<Member> =
                entries.iter().filter_map(|(_, entry)| Member::decode(entry.value.as_slice()).ok()).collect();
            live.sort_by_key(|member| member.id);
            let present =
                stored.and_then(|entry| wire::Membership::decode(entry.value.as_slice()).ok()).unwrap_or_default();
            let Some(next) = next_epoch(&present, &live, unix_millis()) else {
                // What members say of their load and generation needs no epoch.
                self.publish(|snapshot| {
                    snapshot.revision = revision;
                    snapshot.membership =
                        wire::Membership { members: with_news(&present.members, &live), ..present.clone() };
                });
                return Ok(());
            };
            let swapped = self.store.apply(Batch::swap(EPOCH, revision, next.encode_to_vec())).await?;
            if let Committed::Yes(revision) = swapped {
                tracing::info!(epoch = next.epoch, members = next.members.len(), "membership changed");
                self.publish(|snapshot| {
                    snapshot.revision = revision;
                    snapshot.membership = next;
                });
                return Ok(());
            }
        }
        Ok(())
    }

    async fn refresh_keys(&self) -> Result<(), StoreError> {
        let keys = keys::read_and_rotate(&self.store, &self.periods, unix_seconds()).await?;
        self.publish(|snapshot| snapshot.keys = keys.clone());
        Ok(())
    }

    /// Changes the snapshot, and the view with it; nobody is told where nothing changed.
    fn publish(&self, change: impl FnOnce(&mut Snapshot)) {
        self.current.send_if_modified(|snapshot| {
            let before = snapshot.clone();
            change(snapshot);
            if snapshot.keys != before.keys
                && let Some((keys, gruu)) = proto::keys::from_wire(&snapshot.keys)
            {
                self.view.keys.store(Arc::new(keys));
                self.view.gruu.store(Arc::new(gruu));
            }
            if snapshot.membership != before.membership {
                self.view.membership.store(Arc::new(Membership::from_wire(&snapshot.membership)));
            }
            *snapshot != before
        });
    }
}

/// The members of an epoch with what they last said of themselves.
fn with_news(members: &[Member], live: &[Member]) -> Vec<Member> {
    let news = |member: &Member| live.iter().find(|other| other.id == member.id).unwrap_or(member).clone();
    members.iter().map(news).collect()
}

fn unix_millis() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(since.as_millis() as u64)
}

/// Unix seconds now.
pub fn unix_seconds() -> u64 {
    unix_millis().0 / 1000
}

/// Entries of live members, by id.
const PREFIX: &str = "member/";
const IDS: &str = "member-id/";
const LAST_ID: &str = "member-last-id";
/// The newest epoch; every write to a record of bindings compares its revision.
pub const EPOCH: &str = "membership";
/// A member that is silent for this time is out.
pub const TTL: Duration = Duration::from_secs(5);
const CHECK: Duration = Duration::from_secs(10);
const ATTEMPTS: usize = 10;

//! The memberships of the roles that run in the registry's own process.

use crate::calls::Calls;
use crate::members::{Members, unix_seconds};
use crate::rooms::Rooms;
use crate::store::{Lease, StoreError};
use proto::reports::CallReports;
use proto::rooms::RoomOrders;
use proto::view::View;
use proto::wire::{Member, Role};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Members of this process; they leave in order with [`LocalMembers::leave`].
pub struct LocalMembers {
    members: Arc<Members>,
    calls: Arc<Calls>,
    rooms: Arc<Rooms>,
    view: Arc<View>,
    stays: Vec<JoinHandle<()>>,
    goodbye: watch::Sender<()>,
}

impl LocalMembers {
    /// Nobody yet.
    pub fn new(members: Arc<Members>, calls: Arc<Calls>, rooms: Arc<Rooms>, view: Arc<View>) -> LocalMembers {
        LocalMembers { members, calls, rooms, view, stays: Vec::new(), goodbye: watch::Sender::new(()) }
    }

    /// Makes a role a member; gives its id.
    pub async fn join(&mut self, member: Member) -> Result<u32, StoreError> {
        // Nobody will say anything else.
        let said = watch::Sender::new(member).subscribe();
        self.join_with(said, Arc::default(), Arc::default()).await
    }

    /// The same for a media node, which may say something else of itself later, with the calls that it reports and the rooms for
    /// which it takes orders.
    pub async fn join_with(
        &mut self,
        mut said: watch::Receiver<Member>,
        reports: Arc<CallReports>,
        orders: Arc<RoomOrders>,
    ) -> Result<u32, StoreError> {
        let member = said.borrow_and_update().clone();
        let id = self.members.id_of(&member.name, member.role()).await?;
        let generation = self.view.directory.load().generation();
        let member = Member { id, joined_at: unix_seconds(), generation, ..member };
        let lease = self.members.lease().await?;
        self.members.announce(lease.id, &member).await?;
        let (members, calls, view) = (self.members.clone(), self.calls.clone(), self.view.clone());
        let rooms = self.rooms.clone();
        let stay = Stay { members, calls, rooms, view, reports, orders, said, member, lease };
        self.stays.push(tokio::spawn(stay.run(self.goodbye.subscribe())));
        Ok(id)
    }

    /// Ends every membership; the entries are gone from the store afterwards.
    pub async fn leave(self) {
        drop(self.goodbye);
        for stay in self.stays {
            // A stay that panicked has let its lease go as well.
            let _ = stay.await;
        }
    }
}

struct Stay {
    members: Arc<Members>,
    calls: Arc<Calls>,
    rooms: Arc<Rooms>,
    view: Arc<View>,
    reports: Arc<CallReports>,
    orders: Arc<RoomOrders>,
    /// What the member says of itself; `member` is what was written, with its id.
    said: watch::Receiver<Member>,
    member: Member,
    lease: Lease,
}

impl Stay {
    /// Keeps the entry and tells what changes, until the goodbye.
    async fn run(mut self, mut goodbye: watch::Receiver<()>) {
        let stay = self.calls.enter();
        let mut every = tokio::time::interval(REPORT);
        // Only a media node is ordered something; for all others nothing comes out of it.
        let (_kept, nothing) = mpsc::channel(1);
        let is_media = self.member.role() == Role::Media;
        let mut ordered = if is_media { self.rooms.enter(stay, &self.member.name) } else { nothing };
        loop {
            tokio::select! {
                _ = goodbye.changed() => {
                    self.rooms.forget(stay);
                    return self.calls.forget(stay);
                }
                Some(order) = ordered.recv() => {
                    let rooms = self.rooms.clone();
                    self.orders.give(&order, Box::new(move |answer| rooms.take(answer)));
                    continue;
                }
                _ = every.tick() => {}
            }
            self.calls.take(stay, self.reports.changes());
            let generation = self.view.directory.load().generation();
            let lost = *self.lease.lost.borrow();
            if lost {
                match self.members.lease().await {
                    Ok(lease) => self.lease = lease,
                    Err(_) => continue,
                }
            }
            // A sender that is gone has nothing new to say.
            let has_news = self.said.has_changed().unwrap_or(false);
            if lost || has_news || generation != self.member.generation {
                let Member { id, joined_at, .. } = self.member;
                self.member = Member { id, joined_at, generation, ..self.said.borrow_and_update().clone() };
                if let Err(why) = self.members.announce(self.lease.id, &self.member).await {
                    tracing::warn!(%why, name = self.member.name, "what a member says of itself was not written");
                }
            }
        }
    }
}

const REPORT: Duration = Duration::from_millis(500);

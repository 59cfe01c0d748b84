//! The memberships of the roles that run in the registry's own process.

use crate::calls::Calls;
use crate::members::{Members, unix_seconds};
use crate::store::{Lease, StoreError};
use proto::reports::CallReports;
use proto::view::View;
use proto::wire::Member;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Members of this process; they leave in order with [`LocalMembers::leave`].
pub struct LocalMembers {
    members: Arc<Members>,
    calls: Arc<Calls>,
    view: Arc<View>,
    stays: Vec<JoinHandle<()>>,
    goodbye: watch::Sender<()>,
}

impl LocalMembers {
    /// Nobody yet.
    pub fn new(members: Arc<Members>, calls: Arc<Calls>, view: Arc<View>) -> LocalMembers {
        LocalMembers { members, calls, view, stays: Vec::new(), goodbye: watch::Sender::new(()) }
    }

    /// Makes a role a member; gives its id.
    pub async fn join(&mut self, member: Member) -> Result<u32, StoreError> {
        // Nobody will say anything else.
        self.join_with(watch::Sender::new(member).subscribe(), Arc::new(CallReports::default())).await
    }

    /// The same for a media node, which may say something else of itself later, with the calls that it reports.
    pub async fn join_with(
        &mut self,
        mut said: watch::Receiver<Member>,
        reports: Arc<CallReports>,
    ) -> Result<u32, StoreError> {
        let member = said.borrow_and_update().clone();
        let id = self.members.id_of(&member.name, member.role()).await?;
        let generation = self.view.directory.load().generation();
        let member = Member { id, joined_at: unix_seconds(), generation, ..member };
        let lease = self.members.lease().await?;
        self.members.announce(lease.id, &member).await?;
        let (members, calls, view) = (self.members.clone(), self.calls.clone(), self.view.clone());
        let stay = Stay { members, calls, view, reports, said, member, lease };
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
    view: Arc<View>,
    reports: Arc<CallReports>,
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
        loop {
            tokio::select! {
                _ = goodbye.changed() => return self.calls.forget(stay),
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

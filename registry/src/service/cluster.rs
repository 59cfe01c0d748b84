//! The `Cluster` service: members join here, and operators ask who is there, who calls and who is registered.

use crate::bindings::Bindings;
use crate::calls::{self, Calls};
use crate::members::{Members, TTL};
use crate::rooms::Rooms;
use proto::client;
use proto::membership::Membership;
use proto::view::View;
use proto::wire::{
    self, BindingsOf, BindingsRequest, CallList, CallsRequest, ClusterUpdate, Member, MemberReport, MembersRequest,
    RoomAnswer, RoomOrder, RoomRequest, cluster_client::ClusterClient, cluster_server,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Serves one registry's part of the cluster.
pub struct ClusterService {
    /// Membership and keys.
    pub members: Arc<Members>,
    /// Calls of the media nodes joined here.
    pub calls: Arc<Calls>,
    /// Their rooms.
    pub rooms: Arc<Rooms>,
    /// The store that `get bindings` reads.
    pub bindings: Bindings,
    /// The snapshot in force.
    pub view: Arc<View>,
    /// How the other registries are asked for their calls.
    pub peers: client::Options,
    /// This registry's own id.
    pub own_id: u32,
}

#[tonic::async_trait]
impl cluster_server::Cluster for ClusterService {
    type JoinStream = ReceiverStream<Result<ClusterUpdate, Status>>;
    type BindingsStream = ReceiverStream<Result<BindingsOf, Status>>;

    async fn join(&self, request: Request<Streaming<MemberReport>>) -> Result<Response<Self::JoinStream>, Status> {
        let mut reports = request.into_inner();
        let first =
            reports.message().await?.ok_or_else(|| Status::invalid_argument("a member introduces itself first"))?;
        let mut member = first.member.ok_or_else(|| Status::invalid_argument("a member introduces itself first"))?;
        if member.name.is_empty()
            || member.role() == wire::Role::Unknown
            || member.inside.parse::<std::net::SocketAddr>().is_err()
        {
            return Err(Status::invalid_argument("a member has a name, a role and an inside address"));
        }
        let unavailable = |why: crate::store::StoreError| Status::unavailable(why.to_string());
        member.id = self.members.id_of(&member.name, member.role()).await.map_err(unavailable)?;
        member.joined_at = crate::members::unix_seconds();
        let lease = self.members.lease().await.map_err(unavailable)?;
        self.members.announce(lease.id, &member).await.map_err(unavailable)?;
        tracing::info!(id = member.id, name = member.name, role = member.role().as_str_name(), "a member joined");
        let stay = self.calls.enter();
        self.calls.take(stay, first.calls);
        let (updates, stream) = mpsc::channel(16);
        let orders = (member.role() == wire::Role::Media).then(|| self.rooms.enter(stay, &member.name));
        tokio::spawn(tell(self.members.clone(), member.id, updates, orders));
        let (members, calls, rooms) = (self.members.clone(), self.calls.clone(), self.rooms.clone());
        let stay = Stay { members, calls, rooms, stay, member, lease };
        tokio::spawn(stay.run(reports));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn members(&self, _: Request<MembersRequest>) -> Result<Response<wire::Membership>, Status> {
        Ok(Response::new(self.members.snapshots().borrow().membership.clone()))
    }

    async fn calls(&self, request: Request<CallsRequest>) -> Result<Response<CallList>, Status> {
        let mut calls = self.calls.list();
        if !request.into_inner().forwarded {
            let membership = self.view.membership.load_full();
            for peer in other_registries(&membership, self.own_id) {
                let Ok(channel) = self.peers.connect(peer).await else { continue };
                let request = CallsRequest { forwarded: true };
                let mut peer = ClusterClient::new(channel).max_decoding_message_size(usize::MAX);
                if let Ok(answer) = peer.calls(request).await {
                    calls.extend(answer.into_inner().calls);
                }
            }
        }
        calls.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        calls.dedup_by(|a, b| a.id == b.id);
        Ok(Response::new(CallList { calls }))
    }

    async fn rooms(&self, request: Request<RoomRequest>) -> Result<Response<RoomAnswer>, Status> {
        self.order_rooms(request.into_inner()).await.map(Response::new)
    }

    async fn bindings(&self, request: Request<BindingsRequest>) -> Result<Response<Self::BindingsStream>, Status> {
        let BindingsRequest { aor, domain } = request.into_inner();
        let (records, stream) = mpsc::channel(64);
        let bindings = self.bindings.clone();
        tokio::spawn(async move {
            let aor = (!aor.is_empty()).then_some(aor);
            let domain = (!domain.is_empty()).then_some(domain);
            if let Err(why) = bindings.list(aor.as_deref(), domain.as_deref(), &records).await {
                let _ = records.send(Err(Status::unavailable(why.to_string()))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

pub(super) fn other_registries(membership: &Membership, own_id: u32) -> Vec<std::net::SocketAddr> {
    let registries = membership.members().iter().filter(|member| member.role == wire::Role::Registry);
    registries.filter(|member| u32::from(member.id) != own_id).map(|member| member.inside).collect()
}

/// Tells a member the snapshot and every change of it, and a media node what it is ordered.
async fn tell(
    members: Arc<Members>,
    id: u32,
    updates: mpsc::Sender<Result<ClusterUpdate, Status>>,
    orders: Option<mpsc::Receiver<RoomOrder>>,
) {
    // A member that is ordered nothing has a channel that nothing comes out of.
    let (_kept, nothing) = mpsc::channel(1);
    let mut orders = orders.unwrap_or(nothing);
    let mut snapshots = members.snapshots();
    snapshots.mark_changed();
    loop {
        let update = tokio::select! {
            changed = snapshots.changed() => match changed {
                Ok(()) => {
                    let snapshot = snapshots.borrow_and_update().clone();
                    let (membership, keys) = (Some(snapshot.membership), Some(snapshot.keys));
                    ClusterUpdate { id, membership, keys, orders: Vec::new() }
                }
                Err(_) => return,
            },
            order = orders.recv() => match order {
                Some(order) => ClusterUpdate { orders: vec![order], ..ClusterUpdate::default() },
                // Its stay is over.
                None => return,
            },
            () = updates.closed() => return,
        };
        if updates.send(Ok(update)).await.is_err() {
            return;
        }
    }
}

/// One member's time at this registry.
struct Stay {
    members: Arc<Members>,
    calls: Arc<Calls>,
    rooms: Arc<Rooms>,
    stay: calls::Stay,
    member: Member,
    lease: crate::store::Lease,
}

impl Stay {
    async fn run(mut self, mut reports: Streaming<MemberReport>) {
        let mut lost = self.lease.lost.clone();
        loop {
            tokio::select! {
                report = reports.message() => match report {
                    Ok(Some(report)) => self.take(report).await,
                    // It said goodbye: its entry goes at once.
                    Ok(None) => break,
                    Err(_) => {
                        self.calls.forget(self.stay);
                        self.rooms.forget(self.stay);
                        // It may only have lost this registry: its entry stays while it looks for another one, which then owns it.
                        tokio::time::sleep(TTL).await;
                        break;
                    }
                },
                changed = lost.changed() => {
                    self.renew().await;
                    if changed.is_err() {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    lost = self.lease.lost.clone();
                }
            }
        }
        self.calls.forget(self.stay);
        self.rooms.forget(self.stay);
        tracing::info!(id = self.member.id, name = self.member.name, "a member left");
    }

    async fn take(&mut self, report: MemberReport) {
        self.calls.take(self.stay, report.calls);
        report.answers.into_iter().for_each(|answer| self.rooms.take(answer));
        if let Some(news) = report.member {
            self.member = Member { id: self.member.id, joined_at: self.member.joined_at, ..news };
            if let Err(why) = self.members.announce(self.lease.id, &self.member).await {
                tracing::warn!(%why, name = self.member.name, "what a member says of itself was not written");
            }
        }
    }

    /// The store gave the lease up, with the entry: a new one, as soon as the store is back.
    async fn renew(&mut self) {
        match self.members.lease().await {
            Ok(lease) => {
                self.lease = lease;
                if let Err(why) = self.members.announce(self.lease.id, &self.member).await {
                    tracing::warn!(%why, name = self.member.name, "a member was not announced again");
                }
            }
            Err(why) => {
                tracing::warn!(%why, name = self.member.name, "no new lease for a member");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

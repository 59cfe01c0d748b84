//! Membership of a proxy or media node: it keeps a view up to date, and keeps it when every registry is gone.

use super::Options;
use crate::membership::Membership;
use crate::reports::CallReports;
use crate::rooms::RoomOrders;
use crate::view::View;
use crate::wire::{
    self, ClusterUpdate, DirectoryParts, MemberReport, Role, WatchRequest, cluster_client::ClusterClient,
    directory_client::DirectoryClient,
};
use crate::{directory::PartError, keys};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

/// Joins the cluster and stays joined, at one registry after the other, until the task is aborted.
///
/// `member` is what this process says of itself; its changes (weight 0 = draining) are told as they come. The view's
/// `own_id` is set, and its keys, membership and directory are real, once it has joined for the first time. What a registry
/// orders goes to `rooms`, which has no shards where this is no media node.
pub async fn join(
    options: Options,
    member: watch::Receiver<wire::Member>,
    view: Arc<View>,
    reports: Arc<CallReports>,
    rooms: Arc<RoomOrders>,
) {
    let mut turn = std::process::id() as usize;
    loop {
        let registries = candidates(&options, &view);
        if let Some(registry) = registries.get(turn % registries.len().max(1)) {
            match stay(&options, *registry, member.clone(), &view, &reports, &rooms).await {
                Ok(()) => tracing::info!(%registry, "the registry ended our membership"),
                Err(why) => tracing::warn!(%registry, %why, "not joined; going on with the last snapshot"),
            }
        }
        turn = turn.wrapping_add(1);
        // Members that lost the same registry come back spread over half a second.
        tokio::time::sleep(AGAIN + Duration::from_millis(u64::from(std::process::id()) * 37 % 500)).await;
    }
}

/// The configured registries, and those that were last seen alive.
fn candidates(options: &Options, view: &View) -> Vec<SocketAddr> {
    let mut all = options.registries.clone();
    for member in view.membership.load().members() {
        if member.role == Role::Registry && !all.contains(&member.inside) {
            all.push(member.inside);
        }
    }
    all
}

#[derive(Debug, thiserror::Error)]
enum JoinError {
    #[error("no connection: {0}")]
    Connect(#[from] tonic::transport::Error),
    #[error("{}", .0.message())]
    Refused(#[from] Status),
    #[error("the directory that it sent: {0}")]
    Directory(#[from] PartError),
    #[error("the keys that it sent are incomplete")]
    Keys,
}

/// One stay at one registry.
async fn stay(
    options: &Options,
    registry: SocketAddr,
    mut member: watch::Receiver<wire::Member>,
    view: &View,
    reports: &CallReports,
    rooms: &RoomOrders,
) -> Result<(), JoinError> {
    let channel = options.connect(registry).await?;
    let (report, queue) = mpsc::channel(16);
    let (answered, mut answers) = mpsc::channel(ANSWERS);
    reports.tell_all_again();
    let own = |view: &View, member: &wire::Member| wire::Member {
        generation: view.directory.load().generation(),
        id: view.own_id.load(Ordering::Relaxed),
        ..member.clone()
    };
    let first = MemberReport {
        member: Some(own(view, &member.borrow_and_update())),
        calls: reports.changes(),
        answers: Vec::new(),
    };
    let _ = report.send(first).await;
    let mut updates = ClusterClient::new(channel.clone()).join(ReceiverStream::new(queue)).await?.into_inner();
    let mut parts = watch_directory(channel, view).await?;
    let mut arrived = Vec::new();
    let mut every = tokio::time::interval(REPORT);
    let mut told = view.directory.load().generation();
    loop {
        tokio::select! {
            update = updates.message() => match update? {
                Some(update) => {
                    take(&update, view)?;
                    for order in &update.orders {
                        let answered = answered.clone();
                        // A shard must not wait: what does not fit is an order of which the operator learns nothing.
                        rooms.give(order, Box::new(move |answer| drop(answered.try_send(answer))));
                    }
                }
                None => return Ok(()),
            },
            message = parts.message() => match message? {
                Some(message) => take_parts(message, &mut arrived, view)?,
                None => return Ok(()),
            },
            changed = member.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let member = Some(own(view, &member.borrow_and_update()));
                let _ = report.send(MemberReport { member, ..MemberReport::default() }).await;
            }
            // This task keeps a sender itself.
            Some(answer) = answers.recv() => {
                let _ = report.send(MemberReport { answers: vec![answer], ..MemberReport::default() }).await;
            }
            _ = every.tick() => {
                let calls = reports.changes();
                let generation = view.directory.load().generation();
                let changed = (generation != told).then(|| own(view, &member.borrow()));
                told = generation;
                if !calls.is_empty() || changed.is_some() {
                    let _ = report.send(MemberReport { member: changed, calls, answers: Vec::new() }).await;
                }
            }
        }
    }
}

async fn watch_directory(channel: Channel, view: &View) -> Result<Streaming<DirectoryParts>, Status> {
    let known = view.directory.load();
    let request = WatchRequest { generation: known.generation(), versions: known.versions() };
    let mut client = DirectoryClient::new(channel).max_decoding_message_size(MESSAGE);
    client.watch(request).await.map(tonic::Response::into_inner)
}

fn take(update: &ClusterUpdate, view: &View) -> Result<(), JoinError> {
    if let Some(rings) = &update.keys {
        let (rings, gruu) = keys::from_wire(rings).ok_or(JoinError::Keys)?;
        view.keys.store(Arc::new(rings));
        view.gruu.store(Arc::new(gruu));
    }
    if let Some(membership) = &update.membership {
        view.membership.store(Arc::new(Membership::from_wire(membership)));
    }
    // The id comes last: who sees it finds the rest in place.
    if update.id > 0 && view.own_id.swap(update.id, Ordering::Release) != update.id {
        tracing::info!(id = update.id, "joined the cluster");
    }
    Ok(())
}

/// A snapshot or delta may come in many messages; it is applied as one, when it is complete.
fn take_parts(message: DirectoryParts, arrived: &mut Vec<wire::Part>, view: &View) -> Result<(), JoinError> {
    arrived.extend(message.parts);
    if message.complete {
        let directory = view.directory.load().with_parts(message.generation, arrived)?;
        arrived.clear();
        tracing::info!(generation = directory.generation(), users = directory.user_count(), "directory updated");
        view.directory.store(Arc::new(directory));
    }
    Ok(())
}

const AGAIN: Duration = Duration::from_millis(300);
const REPORT: Duration = Duration::from_secs(1);
/// Answers to orders that may wait to be sent.
const ANSWERS: usize = 256;
/// The largest message that is taken; registries send parts in messages far below it.
const MESSAGE: usize = 64 << 20;

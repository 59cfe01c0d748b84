//! An operator's orders for conferences' rooms: checked here, done by whichever media node has the room.

use super::cluster::{ClusterService, other_registries};
use proto::directory::Directory;
use proto::wire::{
    self, RoomAnswer, RoomOrder, announcement::Source, cluster_client::ClusterClient, room_order::Order,
};
use std::time::Duration;
use tonic::Status;

impl ClusterService {
    /// Asks the nodes joined here and, unless another registry asks already, those joined elsewhere.
    pub(super) async fn order_rooms(&self, request: wire::RoomRequest) -> Result<RoomAnswer, Status> {
        let order = request.order.ok_or_else(|| Status::invalid_argument("an order is wanted"))?;
        if request.forwarded {
            return Ok(self.rooms.ask(&order, patience(&order)).await);
        }
        let (order, is_known) = self.meant(order)?;
        let mut answer = self.rooms.ask(&order, patience(&order)).await;
        for peer in other_registries(&self.view.membership.load_full(), self.own_id) {
            match tokio::time::timeout(patience(&order) + WAY, self.ask_peer(peer, &order)).await {
                Ok(Some(part)) => answer.add(part),
                Ok(None) | Err(_) => answer.silent.push(peer.to_string()),
            }
        }
        if matches!(order.order, Some(Order::List(_))) {
            return Ok(answer);
        }
        let RoomOrder { room, participant, .. } = &order;
        tracing::info!(room, participant, order = word(&order), done = answer.participants, "an operator's order");
        if !answer.refused.is_empty() {
            return Err(Status::failed_precondition(answer.refused));
        }
        match (answer.participants, answer.found, is_known) {
            (1.., _, _) => Ok(answer),
            _ if !answer.silent.is_empty() => {
                Err(Status::unavailable(format!("no answer comes from {}", answer.silent.join(", "))))
            }
            (0, true, _) => Err(Status::not_found(format!("{participant} is not in {room}; see: tandem get rooms"))),
            (0, false, true) => Err(Status::not_found(format!("nobody is in {room}"))),
            (0, false, false) => Err(unknown(room, &self.view.directory.load())),
        }
    }

    /// The order with the conference's name in the place of its number, and whether the directory has that conference. One that it has
    /// no longer may still have people in it.
    fn meant(&self, mut order: RoomOrder) -> Result<(RoomOrder, bool), Status> {
        match &order.order {
            None => return Err(Status::invalid_argument("an order is wanted")),
            Some(Order::Announce(announcement)) => match &announcement.source {
                Some(Source::Say(text)) if text.len() > LONGEST_TEXT => {
                    return Err(Status::invalid_argument(format!("a text has at most {LONGEST_TEXT} bytes")));
                }
                Some(Source::Say(text) | Source::Play(text)) if !text.trim().is_empty() => {}
                _ => return Err(Status::invalid_argument("there is nothing to be announced")),
            },
            Some(Order::List(_) | Order::Mute(_) | Order::Remove(_) | Order::Lock(_) | Order::Stop(_)) => {}
        }
        let directory = self.view.directory.load();
        let conferences = directory.conferences();
        let named = conferences.iter().find(|conference| *conference.name == *order.room);
        let known = named.or_else(|| conferences.iter().find(|conference| *conference.number == *order.room));
        if let Some(conference) = known {
            order.room = conference.name.to_string();
        }
        Ok((order, known.is_some()))
    }

    async fn ask_peer(&self, peer: std::net::SocketAddr, order: &RoomOrder) -> Option<RoomAnswer> {
        let channel = self.peers.connect(peer).await.ok()?;
        let request = wire::RoomRequest { order: Some(order.clone()), forwarded: true };
        let mut peer = ClusterClient::new(channel).max_decoding_message_size(usize::MAX);
        Some(peer.rooms(request).await.ok()?.into_inner())
    }
}

fn unknown(room: &str, directory: &Directory) -> Status {
    let names: Vec<&str> = directory.conferences().iter().map(|conference| &*conference.name).collect();
    Status::not_found(format!("there is no conference {room}; the directory has: {}", names.join(", ")))
}

fn word(order: &RoomOrder) -> &'static str {
    match &order.order {
        Some(Order::List(_)) => "list",
        Some(Order::Announce(_)) => "announce",
        Some(Order::Mute(true)) => "mute",
        Some(Order::Mute(false)) => "unmute",
        Some(Order::Stop(_)) => "stop",
        Some(Order::Remove(_)) => "remove",
        Some(Order::Lock(true)) => "lock",
        Some(Order::Lock(false)) => "unlock",
        None => "none",
    }
}

/// How long the nodes may take: a text has to be spoken first, which is given up after 10 s.
fn patience(order: &RoomOrder) -> Duration {
    match &order.order {
        Some(Order::Announce(_)) => Duration::from_secs(15),
        Some(Order::List(_) | Order::Mute(_) | Order::Remove(_) | Order::Lock(_) | Order::Stop(_)) | None => {
            Duration::from_secs(3)
        }
    }
}

/// What the way to another registry and back may take on top.
const WAY: Duration = Duration::from_secs(2);
/// Of a text to be spoken: some minutes.
const LONGEST_TEXT: usize = 4000;

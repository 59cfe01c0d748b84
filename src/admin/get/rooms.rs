//! `tandem get rooms`: who is in which conference.

use super::super::refused;
use crate::exit::Failure;
use proto::wire::{self, cluster_client::ClusterClient, room_order::Order};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tonic::transport::Channel;

/// Of the table, which has a row a participant.
pub const COLUMNS: &[&str] = &["room", "locked", "caller", "muted", "speaking", "seconds", "node", "id"];

/// A room a row, with its participants in it. A node that does not answer is said on the standard error.
pub async fn rooms(channel: Channel) -> Result<Vec<Value>, Failure> {
    let order = wire::RoomOrder { order: Some(Order::List(wire::ListRooms {})), ..wire::RoomOrder::default() };
    let mut client = ClusterClient::new(channel).max_decoding_message_size(usize::MAX);
    let request = wire::RoomRequest { order: Some(order), forwarded: false };
    let mut answer = client.rooms(request).await.map_err(refused)?.into_inner();
    if !answer.silent.is_empty() {
        eprintln!("tandem: no answer comes from {}: its rooms are missing here", answer.silent.join(", "));
    }
    answer.rooms.sort_by(|one, two| (&one.name, &one.node).cmp(&(&two.name, &two.node)));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let participant = |participant: wire::Participant| {
        json!({
            "id": participant.id,
            "caller": participant.caller,
            "muted": participant.muted,
            "speaking": participant.speaking,
            "since": participant.since,
            "seconds": now.saturating_sub(participant.since) / 1000,
        })
    };
    let room = |room: wire::Room| {
        let participants: Vec<Value> = room.participants.into_iter().map(participant).collect();
        json!({ "room": room.name, "locked": room.locked, "node": room.node, "participants": participants })
    };
    Ok(answer.rooms.into_iter().map(room).collect())
}

/// The same with a row a participant, for people.
pub fn by_participant(rooms: &[Value]) -> Vec<Value> {
    let yes = |value: &Value| if value == true { "yes" } else { "" };
    let rows = rooms.iter().flat_map(|room| {
        let participants = room["participants"].as_array().into_iter().flatten();
        participants.map(move |participant| {
            json!({
                "room": room["room"],
                "locked": yes(&room["locked"]),
                "caller": participant["caller"],
                "muted": yes(&participant["muted"]),
                "speaking": yes(&participant["speaking"]),
                "seconds": participant["seconds"],
                "node": room["node"],
                "id": participant["id"],
            })
        })
    });
    rows.collect()
}

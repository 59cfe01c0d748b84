//! `tandem room`: what an operator says and orders in a conference.

use super::{ask, refused};
use crate::arguments::{Room, RoomOrder, RoomWhom};
use crate::exit::Failure;
use proto::wire::{
    self, Announcement, RemoveParticipant, StopAnnouncements, announcement::Source, cluster_client::ClusterClient,
    room_order::Order,
};
use serde_json::json;

/// Runs the command.
pub fn run(arguments: &Room) -> Result<(), Failure> {
    let Room { room, order, target } = arguments;
    let (order, participant, done) = meaning(order);
    let order =
        wire::RoomOrder { id: 0, room: room.clone(), participant: participant.unwrap_or_default(), order: Some(order) };
    let request = wire::RoomRequest { order: Some(order), forwarded: false };
    let answer = ask(target, |channel| async {
        Ok(ClusterClient::new(channel).rooms(request).await.map_err(refused)?.into_inner())
    })?;
    if !answer.silent.is_empty() {
        eprintln!("tandem: no answer comes from {}", answer.silent.join(", "));
    }
    match target.json {
        true => println!("{:#}", json!({ "participants": answer.participants, "silent": answer.silent })),
        false if answer.participants == 1 => println!("{room}: {done} (1 participant)"),
        false => println!("{room}: {done} ({} participants)", answer.participants),
    }
    Ok(())
}

/// The order, whom it means (`None`: everybody), and what is said of it once it is done.
fn meaning(order: &RoomOrder) -> (Order, Option<String>, &'static str) {
    let announce = |source, to: &Option<String>, language: &Option<String>| {
        let language = language.clone().unwrap_or_default();
        (Order::Announce(Announcement { language, source: Some(source) }), to.clone(), "announced")
    };
    match order {
        RoomOrder::Say { text, to, language } => announce(Source::Say(text.clone()), to, language),
        RoomOrder::Play { prompt, to } => announce(Source::Play(prompt.clone()), to, &None),
        RoomOrder::Stop => (Order::Stop(StopAnnouncements {}), None, "quiet"),
        RoomOrder::Mute(RoomWhom { participant, .. }) => (Order::Mute(true), participant.clone(), "muted"),
        RoomOrder::Unmute(RoomWhom { participant, .. }) => (Order::Mute(false), participant.clone(), "unmuted"),
        RoomOrder::Remove(RoomWhom { participant, .. }) => {
            (Order::Remove(RemoveParticipant {}), participant.clone(), "removed")
        }
        RoomOrder::Lock => (Order::Lock(true), None, "locked"),
        RoomOrder::Unlock => (Order::Lock(false), None, "unlocked"),
    }
}

//! What an operator asks and orders of conferences' rooms.

use super::Shard;
use crate::best::Failure;
use crate::call::{Call, Phase};
use crate::media::{Media, MediaId, RoomState, Rule, Whom};
use crate::output::{Answer, OrderId, Output, PromptSource, Query, QueryId};
use crate::service::{Program, with_country};
use crate::turn::CallKey;
use proto::time::UnixMillis;
use proto::wire::{self, RoomAnswer, announcement::Source, room_order};
use std::collections::BTreeMap;
use std::time::Instant;

/// A sound that is being looked for, for those in a room.
#[derive(Debug)]
pub(super) struct Announcing {
    id: OrderId,
    room: String,
    participant: String,
}

/// One call in a room.
struct Inside {
    key: CallKey,
    port: MediaId,
}

impl Shard {
    /// An operator's order; what came of it is said by [`Output::Ordered`], at once or when a sound has been found. One that asks for
    /// nothing, of a newer registry, is refused.
    pub fn handle_order(&mut self, now: Instant, id: OrderId, order: &wire::RoomOrder, media: &mut impl Media) {
        use room_order::Order;
        let wire::RoomOrder { room, participant, order, .. } = order;
        let answer = match order {
            Some(Order::List(_)) => self.list(room, media),
            Some(Order::Announce(announcement)) => match self.look_for(id, room, participant, announcement, media) {
                Some(answer) => answer,
                None => return,
            },
            Some(Order::Mute(true)) => self.rule(room, participant, Rule::Mute, media),
            Some(Order::Mute(false)) => self.rule(room, participant, Rule::Unmute, media),
            Some(Order::Lock(true)) => self.rule(room, "", |_| Rule::Lock, media),
            Some(Order::Lock(false)) => self.rule(room, "", |_| Rule::Unlock, media),
            Some(Order::Stop(_)) => self.rule(room, "", |_| Rule::Hush, media),
            Some(Order::Remove(_)) => {
                let inside = self.inside(room, participant, media);
                let answer = self.answer(room, inside.len(), media);
                for Inside { key, .. } in inside {
                    let failure = Failure::of(480);
                    self.with_call(now, key, media, |call, turn| {
                        call.end(turn, "removed from the room", None, failure)
                    });
                }
                self.handle_events(now, media);
                answer
            }
            None => RoomAnswer {
                refused: "this media node is older and does not know the order".into(),
                ..RoomAnswer::default()
            },
        };
        self.core.output.push_back(Output::Ordered(id, Box::new(answer)));
    }

    /// The rooms of this name, or all.
    fn list(&self, name: &str, media: &impl Media) -> RoomAnswer {
        let mut rooms: BTreeMap<&str, (RoomState, wire::Room)> = BTreeMap::new();
        for call in self.calls.values() {
            let Some((room, since)) = call.place() else { continue };
            if !name.is_empty() && name != room {
                continue;
            }
            let (state, listed) = rooms.entry(room).or_insert_with(|| {
                let state = media.room(room).unwrap_or_default();
                let node = self.core.settings.node.clone();
                let listed = wire::Room { name: room.to_owned(), locked: state.locked, node, participants: Vec::new() };
                (state, listed)
            });
            let present = state.participants.iter().find(|present| call.ports().any(|port| port == present.id));
            if let Some(present) = present {
                listed.participants.push(wire::Participant {
                    id: call.id.clone(),
                    caller: call.caller.clone(),
                    muted: present.muted,
                    speaking: present.speaking,
                    since: since.0,
                });
            }
        }
        let rooms: Vec<wire::Room> = rooms
            .into_values()
            .map(|(_, mut room)| {
                // Calls are in the order in which they were made, which is not that in which they came past the door.
                room.participants.sort_by_key(|participant| participant.since);
                room
            })
            .collect();
        let count = rooms.iter().map(|room| room.participants.len()).sum::<usize>();
        RoomAnswer { found: count > 0, participants: count as u32, rooms, ..RoomAnswer::default() }
    }

    /// Asks for the sound of an announcement, if there is anybody to hear it.
    fn look_for(
        &mut self,
        id: OrderId,
        room: &str,
        participant: &str,
        announcement: &wire::Announcement,
        media: &impl Media,
    ) -> Option<RoomAnswer> {
        let due = self.inside(room, participant, media).len();
        let core = &mut self.core;
        let directory = core.view.directory.load();
        let of_region = || directory.region(&core.settings.region)?.language.as_deref();
        let language = match announcement.language.as_str() {
            "" => of_region().unwrap_or("en").to_owned(),
            language => language.to_owned(),
        };
        let source = match &announcement.source {
            _ if due == 0 => None,
            Some(Source::Say(text)) => Some(PromptSource::Say(text.clone())),
            Some(Source::Play(name)) => Some(PromptSource::Play(with_country(core, name.clone()))),
            None => None,
        };
        let Some(source) = source else { return Some(self.answer(room, 0, media)) };
        let query = QueryId(core.next());
        core.output.push_back(Output::Query(query, Query::Announcement { source, language }));
        self.announcing.insert(query, Announcing { id, room: room.to_owned(), participant: participant.to_owned() });
        None
    }

    /// The sound that was looked for, or none.
    pub(super) fn announce(&mut self, announcing: Announcing, answer: Answer, media: &mut impl Media) {
        let Announcing { id, room, participant } = announcing;
        let answer = match answer {
            Answer::Prompt(Some(prompt)) => {
                let rule = |whom| Rule::Announce(whom, prompt);
                let due = self.inside(&room, &participant, media).len();
                let mut answer = self.rule(&room, &participant, rule, media);
                if answer.participants == 0 && due > 0 {
                    answer.refused = "sixteen announcements wait already".into();
                }
                answer
            }
            Answer::Prompt(None) | Answer::Located(_) => {
                let refused = "there is no such sound; the media node's log says why".into();
                RoomAnswer { refused, ..self.answer(&room, 0, media) }
            }
        };
        self.core.output.push_back(Output::Ordered(id, Box::new(answer)));
    }

    fn rule(
        &self,
        room: &str,
        participant: &str,
        rule: impl FnOnce(Whom) -> Rule,
        media: &mut impl Media,
    ) -> RoomAnswer {
        let inside = self.inside(room, participant, media);
        let whom = match participant {
            "" => Whom::All,
            _ => Whom::These(inside.iter().map(|inside| inside.port).collect()),
        };
        let done = if inside.is_empty() { 0 } else { media.rule(room, rule(whom)) };
        self.answer(room, done, media)
    }

    fn answer(&self, room: &str, participants: usize, media: &impl Media) -> RoomAnswer {
        let found = participants > 0 || media.room(room).is_some();
        RoomAnswer { found, participants: participants as u32, ..RoomAnswer::default() }
    }

    /// Those in a room whom this names: `""` all, a user each phone of theirs, a Call-ID one call.
    fn inside(&self, room: &str, participant: &str, media: &impl Media) -> Vec<Inside> {
        let calls = self.calls.iter().filter(|(_, call)| call.place().is_some_and(|(name, _)| name == room));
        let meant = calls.filter(|(_, call)| {
            let user = call.caller.split_once('@').map_or(&*call.caller, |(user, _)| user);
            participant.is_empty() || [user, &call.caller, &call.id].contains(&participant)
        });
        let inside = meant.filter_map(|(key, call)| {
            let port = call.ports().find(|port| media.is_in_room(*port))?;
            Some(Inside { key: *key, port })
        });
        inside.collect()
    }
}

impl Call {
    /// The room that the caller is in, and since when.
    fn place(&self) -> Option<(&str, UnixMillis)> {
        match &self.phase {
            Phase::Serving(service) => match &service.program {
                Program::Conference(meeting) => Some((&*meeting.room, meeting.since?)),
                Program::Echo(_) | Program::Prompt(_) => None,
            },
            Phase::Hunting(_) | Phase::Talking(_) | Phase::Over => None,
        }
    }

    fn ports(&self) -> impl Iterator<Item = MediaId> {
        self.legs.iter().flat_map(|leg| leg.streams.open_ports())
    }
}

//! Rooms in which many talk. All of a room's legs are on one shard; its sound is mixed every 20 ms.

use super::pacer::Step;
use super::pair::Partner;
use super::talk::{Hears, LONGEST_BLOCK, Talk, Tones};
use super::tape::Recording;
use super::turns::Paced;
use super::{Plane, pair_at, pair_of};
use audio::Prompt;
use call::{MediaId, Order};
use mixer::{Audience, Mixer, Muted, Seat};
use std::sync::Arc;

/// One room, from its first participant to its last.
pub struct Room {
    name: Arc<str>,
    mixer: Mixer,
    participants: Vec<Participant>,
    locked: bool,
    /// Takes what all hear.
    pub recording: Option<Box<Recording>>,
}

struct Participant {
    id: MediaId,
    seat: Seat,
    muted: Muted,
}

impl Plane {
    /// Brings a phone into the room of this name, or lets it stay there with what it has agreed on anew.
    pub(super) fn enter(&mut self, id: MediaId, name: &Arc<str>) {
        let (micros, random) = (self.micros(), self.draw());
        let stays = self.room_of(id).is_some_and(|(_, room)| room.name == *name);
        if !stays {
            self.part(id);
        }
        let Some(pair) = pair_of(&mut self.slots, id) else { return };
        pair.join(self.now, pair.partner);
        let voice = pair.voice.clone();
        let talk = pair.talk.get_or_insert_with(|| Box::new(Talk::new(micros, random)));
        talk.stop();
        talk.attend(voice.as_ref(), RATE, &self.library);
        talk.listen(Tones::Heard, &self.library);
        talk.follow(Step::Twenty);
        if stays {
            return;
        }
        let known = self.rooms.iter().find(|(_, room)| room.name == *name).map(|(key, _)| *key);
        let key = known.unwrap_or_else(|| {
            self.rooms_opened += 1;
            let room = Room {
                name: name.clone(),
                mixer: Mixer::new(RATE),
                participants: Vec::new(),
                locked: false,
                recording: None,
            };
            self.rooms.insert(self.rooms_opened, room);
            self.pacer.add(self.now, Step::Twenty, Paced::Room(self.rooms_opened));
            self.rooms_opened
        });
        let Some(room) = self.rooms.get_mut(&key) else { return };
        room.announce("joined");
        if let (Some(seat), Some(pair)) = (room.mixer.join(), pair_of(&mut self.slots, id)) {
            room.participants.push(Participant { id, seat, muted: Muted::No });
            pair.partner = Partner::Room(key);
        }
    }

    /// Takes a phone out of its room.
    pub(super) fn leave(&mut self, key: u32, id: MediaId) {
        let Some(room) = self.rooms.get_mut(&key) else { return };
        let Some(place) = room.participants.iter().position(|participant| participant.id == id) else { return };
        let participant = room.participants.swap_remove(place);
        room.mixer.leave(participant.seat);
        room.announce("left");
        if room.participants.is_empty() {
            self.rooms.remove(&key);
        }
    }

    /// The room that a phone is in.
    pub(super) fn room_of(&self, id: MediaId) -> Option<(u32, &Room)> {
        let Partner::Room(key) = super::pair_in(&self.slots, id)?.partner else { return None };
        Some((key, self.rooms.get(&key)?))
    }

    /// Whether nobody else may come in.
    pub(super) fn is_closed(&self, name: &str) -> bool {
        let room = self.rooms.values().find(|room| &*room.name == name);
        room.is_some_and(|room| room.locked || room.participants.len() >= MOST)
    }

    /// Does what a participant asks.
    pub(super) fn follow(&mut self, id: MediaId, order: &Order) {
        let Some((key, _)) = self.room_of(id) else { return };
        let Some(room) = self.rooms.get_mut(&key) else { return };
        let Some(participant) = room.participants.iter_mut().find(|participant| participant.id == id) else { return };
        match order {
            Order::Mute => {
                let (muted, cue) = match participant.muted {
                    Muted::No => (Muted::Yes, "muted"),
                    Muted::Yes => (Muted::No, "unmuted"),
                };
                participant.muted = muted;
                let seat = participant.seat;
                room.mixer.mute(seat, muted);
                room.announce_to(Audience::One(seat), cue);
            }
            Order::Lock => {
                room.locked = !room.locked;
                room.announce(if room.locked { "locked" } else { "unlocked" });
            }
        }
    }

    /// Mixes the next 20 ms of a room; false once it is empty.
    pub(super) fn mix(&mut self, key: u32) -> bool {
        let now = self.micros();
        let Some(mut room) = self.rooms.remove(&key) else { return false };
        let mut block = [0; LONGEST_BLOCK];
        let block = &mut block[..room.mixer.block()];
        for Participant { id, seat, .. } in &room.participants {
            let Some(pair) = pair_of(&mut self.slots, *id) else { continue };
            let hears = pair.hears();
            let Some(talk) = &mut pair.talk else { continue };
            let tones = talk.draw(now, block);
            // Music on hold is not for the room.
            if hears == Hears::Sound {
                room.mixer.hear(*seat, block);
            }
            let keys: Vec<_> = pair.keys.turn(now, tones).collect();
            self.hear_keys(*id, keys);
        }
        room.mixer.turn();
        if let Some(recording) = &mut room.recording {
            recording.push(now, RATE, room.mixer.common(), &[]);
        }
        for Participant { id, seat, .. } in &room.participants {
            let Some(pair) = pair_at(&mut self.slots, id.0 as u32) else { continue };
            let hears = pair.hears();
            if let Some(talk) = &mut pair.talk {
                talk.tell(hears, room.mixer.told(*seat).samples());
            }
            self.say(id.0 as u32);
        }
        self.rooms.insert(key, room);
        true
    }
}

impl Room {
    fn announce(&mut self, cue: &str) {
        self.announce_to(Audience::All, cue);
    }

    /// Where more wait than can, the cue is left out.
    fn announce_to(&mut self, to: Audience, cue: &str) {
        if let Some(cue) = Prompt::builtin(cue) {
            let _ = self.mixer.announce(to, cue.at(RATE));
        }
    }
}

/// Samples a second of all rooms: what wideband codecs carry.
pub const RATE: u32 = 16_000;
/// Participants of one room.
const MOST: usize = 500;

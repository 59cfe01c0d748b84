//! Rooms in which many talk. All of a room's legs are on one shard; its sound is mixed every 20 ms.

use super::pacer::Step;
use super::pair::Partner;
use super::talk::{Hears, LONGEST_BLOCK, Talk, Tones};
use super::tape::Recording;
use super::turns::Paced;
use super::{Plane, pair_at, pair_of};
use audio::Prompt;
use call::{MediaId, Order, RoomState, Rule, Whom};
use mixer::{Audience, Mixer, Muted, Seat};
use std::sync::Arc;

/// One room, from its first participant to its last.
pub struct Room {
    name: Arc<str>,
    mixer: Mixer,
    participants: Vec<Participant>,
    lock: Lock,
    /// Takes what all hear.
    pub recording: Option<Box<Recording>>,
}

/// Whether others may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Open,
    Locked,
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
                lock: Lock::Open,
                recording: None,
            };
            self.rooms.insert(self.rooms_opened, room);
            self.pacer.add(self.now, Step::Twenty, Paced::Room(self.rooms_opened));
            self.rooms_opened
        });
        let Some(room) = self.rooms.get_mut(&key) else { return };
        room.tell_in_passing("joined");
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
        room.tell_in_passing("left");
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
        room.is_some_and(|room| room.lock == Lock::Locked || room.participants.len() >= MOST)
    }

    /// Does what a participant asks.
    pub(super) fn follow(&mut self, id: MediaId, order: &Order) {
        let Some((key, _)) = self.room_of(id) else { return };
        let Some(room) = self.rooms.get_mut(&key) else { return };
        let Some(participant) = room.participants.iter().find(|participant| participant.id == id) else { return };
        match order {
            Order::Mute => {
                let muted = match participant.muted {
                    Muted::No => Muted::Yes,
                    Muted::Yes => Muted::No,
                };
                room.mute(&Whom::These(vec![id]), muted);
            }
            Order::Lock => {
                room.change_lock(match room.lock {
                    Lock::Locked => Lock::Open,
                    Lock::Open => Lock::Locked,
                });
            }
        }
    }

    /// A room as it is now.
    pub(super) fn state_of(&self, name: &str) -> Option<RoomState> {
        let room = self.rooms.values().find(|room| &*room.name == name)?;
        let speaking: Vec<Seat> = room.mixer.speakers().collect();
        let participants = room.participants.iter().map(|Participant { id, seat, muted }| call::Participant {
            id: *id,
            muted: *muted == Muted::Yes,
            speaking: speaking.contains(seat),
        });
        Some(RoomState { locked: room.lock == Lock::Locked, participants: participants.collect() })
    }

    /// Does what an operator asks; for how many.
    pub(super) fn govern(&mut self, name: &str, rule: Rule) -> usize {
        let Some(room) = self.rooms.values_mut().find(|room| &*room.name == name) else { return 0 };
        match rule {
            Rule::Mute(whom) => room.mute(&whom, Muted::Yes),
            Rule::Unmute(whom) => room.mute(&whom, Muted::No),
            Rule::Lock => room.change_lock(Lock::Locked),
            Rule::Unlock => room.change_lock(Lock::Open),
            Rule::Hush => {
                room.mixer.stop_announcements();
                room.participants.len()
            }
            Rule::Announce(whom, prompt) => {
                let sound = prompt.at(RATE);
                let audiences = match &whom {
                    Whom::All => {
                        return room.mixer.announce(Audience::All, sound).map_or(0, |()| room.participants.len());
                    }
                    Whom::These(ids) => ids.iter().filter_map(|id| room.participants.iter().find(|it| it.id == *id)),
                };
                let told = |it: &&Participant| room.mixer.announce(Audience::One(it.seat), sound.clone()).is_ok();
                audiences.filter(told).count()
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
    /// Counts all whom it concerns; only those for whom it changes something hear a cue.
    fn mute(&mut self, whom: &Whom, muted: Muted) -> usize {
        let is_meant = |id: &MediaId| match whom {
            Whom::All => true,
            Whom::These(ids) => ids.contains(id),
        };
        let (mut meant, mut changed) = (0, Vec::new());
        for participant in self.participants.iter_mut().filter(|participant| is_meant(&participant.id)) {
            meant += 1;
            if std::mem::replace(&mut participant.muted, muted) != muted {
                self.mixer.mute(participant.seat, muted);
                changed.push(participant.seat);
            }
        }
        let cue = match muted {
            Muted::Yes => "muted",
            Muted::No => "unmuted",
        };
        match whom {
            // One sound for all is mixed and encoded once.
            Whom::All if changed.is_empty() => {}
            Whom::All => self.announce(cue),
            Whom::These(_) => changed.into_iter().for_each(|seat| self.announce_to(Audience::One(seat), cue)),
        }
        meant
    }

    fn change_lock(&mut self, lock: Lock) -> usize {
        if std::mem::replace(&mut self.lock, lock) != lock {
            self.announce(match lock {
                Lock::Locked => "locked",
                Lock::Open => "unlocked",
            });
        }
        self.participants.len()
    }

    /// Where many come at once, one cue is enough; and nobody is to wait for an announcement until all cues have sounded.
    fn tell_in_passing(&mut self, cue: &str) {
        if !self.mixer.is_announcing() {
            self.announce(cue);
        }
    }

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

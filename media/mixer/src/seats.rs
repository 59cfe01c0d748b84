//! Who is in the room: one dense table, in which a place is taken again after it was left.

use crate::SEATS;
use crate::announcer::Announcer;
use crate::loudness::{Loudness, power};

/// A participant of one room, from [`Mixer::join`](crate::Mixer::join) on. After they have left, or in another room, it means
/// nothing or someone else in that room; a place has four million seats before the first one comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seat(u32);

impl Seat {
    fn new(index: usize, generation: u32) -> Seat {
        Seat(generation << INDEX_BITS | index as u32)
    }

    fn index(self) -> usize {
        self.0 as usize & (SEATS - 1)
    }
}

/// One place of the table.
#[derive(Debug)]
pub(crate) struct Slot {
    pub seat: Seat,
    pub taken: Taken,
    pub is_muted: bool,
    pub is_on_stage: bool,
    pub heard: Heard,
    pub power: f32,
    pub loudness: Loudness,
    pub listens: Listens,
    /// What is announced to this one apart from the others.
    pub announcer: Option<Box<Announcer>>,
}

/// Whether a slot has somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    No,
    Yes,
    /// Left since the last turn: what was said still fades.
    Until,
}

/// What came since the last turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Nothing,
    /// Less than a voice; kept only of those on the stage.
    Noise,
    Voice,
}

/// Where the sound for a participant lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listens {
    /// Came since the last turn.
    NotYet,
    ToCommon,
    /// To one of the sounds of their own.
    ToOwn(usize),
}

impl Slot {
    fn new(seat: Seat) -> Slot {
        Slot {
            seat,
            taken: Taken::Yes,
            is_muted: false,
            is_on_stage: false,
            heard: Heard::Nothing,
            power: 0.0,
            loudness: Loudness::new(),
            listens: Listens::NotYet,
            announcer: None,
        }
    }

    pub fn may_speak(&self) -> bool {
        self.taken == Taken::Yes && !self.is_muted
    }
}

/// All places, and the blocks that were heard.
#[derive(Debug)]
pub(crate) struct Seats {
    slots: Vec<Slot>,
    free: Vec<usize>,
    taken: usize,
    block: usize,
    /// One block a slot.
    heard: Vec<i16>,
}

impl Seats {
    pub fn new(block: usize) -> Seats {
        Seats { slots: Vec::new(), free: Vec::new(), taken: 0, block, heard: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.taken
    }

    pub fn join(&mut self) -> Option<Seat> {
        let index = self.free.pop().unwrap_or(self.slots.len());
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Slot::new(slot.seat);
        } else if index < SEATS {
            self.slots.push(Slot::new(Seat::new(index, 1)));
            self.heard.resize(self.slots.len() * self.block, 0);
        } else {
            return None;
        }
        self.taken += 1;
        Some(self.slots[index].seat)
    }

    pub fn leave(&mut self, seat: Seat) {
        let Some(slot) = self.find_mut(seat) else { return };
        slot.taken = Taken::Until;
        slot.announcer = None;
        let generation = seat.0 >> INDEX_BITS;
        slot.seat = Seat::new(seat.index(), (generation + 1) & (u32::MAX >> INDEX_BITS));
        self.taken -= 1;
    }

    pub fn find(&self, seat: Seat) -> Option<&Slot> {
        self.slots.get(seat.index()).filter(|slot| slot.seat == seat && slot.taken == Taken::Yes)
    }

    pub fn find_mut(&mut self, seat: Seat) -> Option<&mut Slot> {
        self.slots.get_mut(seat.index()).filter(|slot| slot.seat == seat && slot.taken == Taken::Yes)
    }

    pub fn hear(&mut self, seat: Seat, block: &[i16]) {
        let length = self.block;
        let Some(slot) = self.find_mut(seat) else { return };
        if slot.is_muted && !slot.is_on_stage {
            return;
        }
        slot.power = power(block);
        slot.heard = if slot.loudness.is_voice(slot.power) { Heard::Voice } else { Heard::Noise };
        if slot.heard == Heard::Voice || slot.is_on_stage {
            let kept = &mut self.heard[seat.index() * length..][..length];
            let (taken, missing) = kept.split_at_mut(block.len().min(length));
            taken.copy_from_slice(&block[..taken.len()]);
            missing.fill(0);
        }
    }

    /// What was heard of a slot that has [`Heard::Voice`] or is on the stage.
    pub fn block(&self, index: usize) -> &[i16] {
        &self.heard[index * self.block..][..self.block]
    }

    pub fn slot(&self, index: usize) -> &Slot {
        &self.slots[index]
    }

    pub fn slot_mut(&mut self, index: usize) -> &mut Slot {
        &mut self.slots[index]
    }

    /// All who are in the room, with their indexes.
    pub fn taken_mut(&mut self) -> impl Iterator<Item = (usize, &mut Slot)> {
        self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.taken == Taken::Yes)
    }

    /// Counts what was heard, and names those who speak and have no place on the stage.
    pub fn listen(&mut self, speaking: &mut Vec<usize>) {
        for (index, slot) in self.taken_mut() {
            if slot.is_muted {
                slot.loudness.hush();
                continue;
            }
            slot.loudness.turn(if slot.heard == Heard::Nothing { 0.0 } else { slot.power });
            if slot.heard == Heard::Voice && !slot.is_on_stage {
                speaking.push(index);
            }
        }
    }

    /// Forgets what was heard in the turn, and who left in it.
    pub fn end(&mut self) {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            slot.heard = Heard::Nothing;
            if slot.taken == Taken::Until {
                slot.taken = Taken::No;
                self.free.push(index);
            }
        }
    }
}

/// The rest counts the generations of a place.
const INDEX_BITS: u32 = SEATS.ilog2();
const _: () = assert!(SEATS.is_power_of_two());

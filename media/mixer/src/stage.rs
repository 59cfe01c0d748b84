//! Those who are heard: at most [`SPEAKERS`], and for one block those who cease to be.

use crate::SPEAKERS;
use crate::fade::Fade;
use crate::seats::{Heard, Seats, Slot};

/// The places of those who are mixed; between turns of speakers alone, loudest first.
#[derive(Debug)]
pub(crate) struct Stage {
    places: Vec<Place>,
    empty: Vec<Place>,
    /// Those who speak and have no place.
    waiting: Vec<usize>,
}

/// One voice in the mix.
#[derive(Debug)]
struct Place {
    /// In the table of seats.
    index: usize,
    /// Whether the place is kept after the turn.
    is_speaker: bool,
    /// Turns since a voice was heard.
    pause: u32,
    sound: Sound,
    /// What goes into the mix, faded.
    part: Vec<i16>,
}

/// What a place has for the mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    None,
    /// A block that ends in silence.
    Ending,
    /// A block at full loudness at its end.
    Going,
}

impl Stage {
    pub fn new(block: usize) -> Stage {
        let place = || Place { index: 0, is_speaker: false, pause: 0, sound: Sound::None, part: vec![0; block] };
        // In one turn all can give way to others.
        let empty: Vec<Place> = (0..2 * SPEAKERS).map(|_| place()).collect();
        Stage { places: Vec::with_capacity(empty.len()), empty, waiting: Vec::new() }
    }

    /// Makes room for so many who speak at once.
    pub fn expect(&mut self, seats: usize) {
        self.waiting.reserve(seats);
    }

    /// Chooses who is heard, and prepares what each of them adds to the mix.
    pub fn turn(&mut self, seats: &mut Seats, fade: &Fade) {
        for place in &mut self.places {
            let slot = seats.slot(place.index);
            place.pause = if slot.heard == Heard::Voice { 0 } else { place.pause + 1 };
            place.is_speaker = slot.may_speak() && place.pause <= LONGEST_PAUSE;
        }
        self.fill(seats);
        for place in &mut self.places {
            place.turn(seats, fade);
        }
        self.places.sort_unstable_by(|one, two| louder(seats, one.index, two.index));
    }

    /// Gives places to those who wait, loudest first.
    fn fill(&mut self, seats: &mut Seats) {
        seats.listen(&mut self.waiting);
        self.waiting.sort_unstable_by(|one, two| louder(seats, *one, *two));
        for index in self.waiting.drain(..) {
            let speakers = self.places.iter_mut().filter(|place| place.is_speaker);
            if speakers.count() == SPEAKERS {
                let level = |place: &Place| seats.slot(place.index).loudness.level();
                let speakers = self.places.iter_mut().filter(|place| place.is_speaker);
                let Some(quietest) = speakers.min_by(|one, two| level(one).total_cmp(&level(two))) else { break };
                if seats.slot(index).loudness.level() < level(quietest) * LOUDER {
                    break;
                }
                quietest.is_speaker = false;
            }
            let Some(mut place) = self.empty.pop() else { break };
            (place.index, place.is_speaker, place.pause, place.sound) = (index, true, 0, Sound::None);
            self.places.push(place);
            seats.slot_mut(index).is_on_stage = true;
        }
        self.waiting.clear();
    }

    /// What there is to be mixed.
    pub fn parts(&self) -> impl Iterator<Item = &[i16]> {
        self.places.iter().filter_map(Place::part)
    }

    /// What one of them adds.
    pub fn part(&self, index: usize) -> Option<&[i16]> {
        self.places.iter().find(|place| place.index == index).and_then(Place::part)
    }

    /// Those who have a place, loudest first.
    pub fn speakers<'s>(&'s self, seats: &'s Seats) -> impl Iterator<Item = &'s Slot> {
        self.places.iter().map(|place| seats.slot(place.index)).filter(|slot| slot.may_speak())
    }

    /// Takes those from the stage who have faded.
    pub fn end(&mut self, seats: &mut Seats) {
        for place in self.places.extract_if(.., |place| !place.is_speaker) {
            seats.slot_mut(place.index).is_on_stage = false;
            self.empty.push(place);
        }
    }
}

impl Place {
    fn turn(&mut self, seats: &Seats, fade: &Fade) {
        let was_going = self.sound == Sound::Going;
        let is_heard = seats.slot(self.index).heard != Heard::Nothing;
        let goes_on = is_heard && self.is_speaker;
        self.sound = match (was_going, goes_on) {
            (_, true) => Sound::Going,
            (true, false) => Sound::Ending,
            (false, false) => return self.sound = Sound::None,
        };
        if is_heard {
            self.part.copy_from_slice(seats.block(self.index));
        } else {
            reflect(&mut self.part);
        }
        match (was_going, goes_on) {
            (true, true) | (false, false) => (),
            (false, true) => fade.rise(&mut self.part),
            (true, false) => fade.fall(&mut self.part),
        }
    }

    fn part(&self) -> Option<&[i16]> {
        (self.sound != Sound::None).then_some(&self.part)
    }
}

/// What may follow a block after which nothing came: the block turned about its last sample, which keeps both value and slope.
fn reflect(block: &mut [i16]) {
    block.reverse();
    let last = block.first().copied().map_or(0, i32::from);
    for sample in block.iter_mut() {
        *sample = (2 * last - i32::from(*sample)).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    }
    // The last sample itself was heard already; the one that is doubled at the other end is faded to nothing.
    block.copy_within(1.., 0);
}

/// The order of those who are heard: by level, then by place, so that it is never left to chance.
fn louder(seats: &Seats, one: usize, two: usize) -> std::cmp::Ordering {
    let level = |index| seats.slot(index).loudness.level();
    level(two).total_cmp(&level(one)).then(one.cmp(&two))
}

/// In turns: a speaker who is silent for longer loses the place.
const LONGEST_PAUSE: u32 = 40;
/// 3 dB: how much louder than the quietest speaker one must be to take that place.
const LOUDER: f32 = 2.0;

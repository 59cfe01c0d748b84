//! Keys heard in sound (ITU-T Q.24, ETSI ES 201 235-3).

use std::time::Duration;

use super::bank::{Bank, Frame, Frames, Turn};
use super::{HERTZ, KEYS};
use crate::level::peak;

/// What a detector heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A key has sounded for some 30 to 40 ms.
    Pressed(char),
    /// It has been silent for 35 to 40 ms, and sounded so long before, to 5 ms.
    Released(char, Duration),
}

/// Hears keys in a sound of 8 or 16 kHz.
///
/// A key counts if both its tones are within 1.5 % of their frequencies (2.5 % is where doubt ends, 3.5 % never counts), from
/// -27 to -3 dBm0 each (below -36 never), the higher at most 8 dB weaker and 6 dB stronger than the lower, for 40 ms
/// (less than 23 ms never). Silence of 40 ms ends it; interruptions of 10 ms do not, nor does one lost packet of 20 ms.
/// Nearly all of the sound must be these two tones, steady in level and in phase: harmonics, noise and other voices
/// beside them are what speech and music give themselves away by.
#[derive(Clone)]
pub struct Detector {
    bank: &'static Bank,
    rate: u32,
    frames: Frames,
    last: Frame,
    run: Run,
    down: Option<Down>,
    suspect: bool,
}

/// Frames in a row that one key may sound in.
#[derive(Clone, Copy, Default)]
struct Run {
    pair: Pair,
    count: u64,
    /// The latest ones; the frame n of the run is at n modulo their number.
    marks: [Mark; ENOUGH],
}

/// One of each group, as places in [`HERTZ`].
#[derive(Clone, Copy, Default, PartialEq)]
struct Pair {
    low: usize,
    high: usize,
}

/// What a frame of a run showed.
#[derive(Clone, Copy, Default)]
struct Mark {
    powers: [f32; 2],
    turns: [Turn; 2],
}

/// The key that sounds.
#[derive(Clone, Copy)]
struct Down {
    pair: Pair,
    powers: [f32; 2],
    /// Frames since its first, that one included.
    frames: u64,
    /// The latest of them without the key.
    missing: u64,
}

impl Detector {
    /// For samples of so many a second; None unless that is 8000 or 16,000.
    pub fn new(rate: u32) -> Option<Detector> {
        let (frames, last, run) = (Frames::default(), Frame::default(), Run::default());
        Some(Detector { bank: Bank::of(rate)?, rate, frames, last, run, down: None, suspect: false })
    }

    /// Takes the next samples, as many as there are, and tells what they complete.
    pub fn push(&mut self, mut samples: &[i16]) -> Vec<Heard> {
        // Does not allocate before the first key.
        let mut heard = Vec::new();
        self.suspect = self.down.is_some();
        while !samples.is_empty() {
            let (rest, frame) = self.frames.take(self.bank, samples);
            samples = rest;
            if let Some(frame) = frame {
                self.handle_frame(&frame, &mut heard);
            }
        }
        heard
    }

    /// A key sounds in the samples last pushed, or seems to: who passes keys on in another way mutes them.
    ///
    /// So it is from 10 to 17 ms after a key's beginning, which leaves too little for anyone else to hear, until
    /// [`Heard::Released`]; and in speech now and then for a moment.
    pub fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// The key that sounds.
    pub fn key(&self) -> Option<char> {
        self.down.map(|down| down.pair.key())
    }

    fn handle_frame(&mut self, frame: &Frame, heard: &mut Vec<Heard>) {
        self.run.extend(frame, &self.last);
        self.last = *frame;
        self.suspect |= self.run.count >= 2;
        if let Some(down) = &mut self.down {
            down.extend(frame);
        }
        let established = self.run.is_key();
        let replaced = |down: &Down| established && down.pair != self.run.pair;
        if let Some(down) = self.down.take_if(|down| down.missing >= PAUSE || replaced(down)) {
            let samples = (down.frames - down.missing) * self.bank.hop() as u64;
            let length = Duration::from_micros(samples * 1_000_000 / u64::from(self.rate));
            heard.push(Heard::Released(down.pair.key(), length));
        }
        if established && self.down.is_none() {
            self.down = Some(self.run.down());
            heard.push(Heard::Pressed(self.run.pair.key()));
        }
    }
}

impl Run {
    fn extend(&mut self, frame: &Frame, before: &Frame) {
        let Some(loudest) = Pair::loudest(frame, PURE) else {
            self.count = 0;
            return;
        };
        let found = match self.count {
            0 => Some((loudest, [Turn::default(); 2])),
            _ => loudest.tuned(frame, before),
        };
        let (pair, turns) = found.unwrap_or((loudest, [Turn::default(); 2]));
        // Of the first frame alone the key is but guessed.
        if found.is_none() || self.count > 1 && pair != self.pair {
            self.count = 0;
        }
        self.pair = pair;
        self.marks[self.count as usize % ENOUGH] = Mark { powers: pair.powers(frame), turns };
        self.count += 1;
    }

    /// Long enough, and steady in its latest frames.
    fn is_key(&self) -> bool {
        if self.count < ENOUGH as u64 {
            return false;
        }
        let places = [self.pair.low, self.pair.high];
        places.iter().enumerate().all(|(tone, place)| {
            let powers = self.marks.map(|mark| mark.powers[tone]);
            let (least, most) =
                (powers.iter().fold(f32::MAX, |a, b| a.min(*b)), powers.iter().fold(0.0_f32, |a, b| a.max(*b)));
            let turns = self.marks.map(|mark| mark.turns[tone]);
            let sum: Turn = turns.into_iter().sum();
            let straight: f32 = turns.into_iter().map(Turn::size).sum();
            least >= most * HALF_COVERED
                && sum.size() >= straight * STEADY
                && sum.hertz().abs() <= HERTZ[*place] * TOLERANCE
        })
    }

    fn down(&self) -> Down {
        let mean = |tone: usize| self.marks.iter().map(|mark| mark.powers[tone]).sum::<f32>() / ENOUGH as f32;
        Down { pair: self.pair, powers: [mean(0), mean(1)], frames: ENOUGH as u64, missing: 0 }
    }
}

impl Down {
    fn extend(&mut self, frame: &Frame) {
        self.frames += 1;
        self.missing += 1;
        let powers = self.pair.powers(frame);
        let loud = powers[0] >= self.powers[0] * HALF_COVERED && powers[1] >= self.powers[1] * HALF_COVERED;
        if loud && Pair::loudest(frame, AUDIBLE) == Some(self.pair) {
            self.missing = 0;
            for (known, power) in self.powers.iter_mut().zip(powers) {
                *known += (power - *known) / 8.0;
            }
        }
    }
}

impl Pair {
    /// The strongest of each group, if they can be a key and make up such a part of the whole.
    fn loudest(frame: &Frame, part: f32) -> Option<Pair> {
        let strongest = |group: std::ops::Range<usize>| {
            group.reduce(|best, next| if frame.at[next] > frame.at[best] { next } else { best })
        };
        let pair = Pair { low: strongest(0..4)?, high: strongest(4..8)? };
        let [low, high] = pair.powers(frame);
        let loud = low.min(high) >= *FLOOR;
        let balanced = high >= low * NORMAL_TWIST && low >= high * REVERSE_TWIST;
        (loud && balanced && low + high >= frame.whole * part).then_some(pair)
    }

    /// The pair whose frequencies these really are, to which the strongest lines are only near.
    fn tuned(self, frame: &Frame, before: &Frame) -> Option<(Pair, [Turn; 2])> {
        let nearest = |line: usize, group: std::ops::Range<usize>| {
            let hertz = HERTZ[line] + frame.turn(before, line).hertz();
            let place = group.into_iter().find(|place| (hertz / HERTZ[*place] - 1.0).abs() <= LOOSE)?;
            Some((place, frame.turn(before, place)))
        };
        let ((low, low_turn), (high, high_turn)) = (nearest(self.low, 0..4)?, nearest(self.high, 4..8)?);
        Some((Pair { low, high }, [low_turn, high_turn]))
    }

    fn powers(self, frame: &Frame) -> [f32; 2] {
        [frame.at[self.low], frame.at[self.high]]
    }

    fn key(self) -> char {
        char::from(KEYS[4 * self.low + self.high - 4])
    }
}

/// Frames that make a key: a tone of 23 ms has the middles of five at most, one of 40 ms those of eight.
const ENOUGH: usize = 6;
/// Frames that make a pause: one of 40 ms has the middles of eight, a lost packet spoils six.
const PAUSE: u64 = 7;
/// Of a tone's power, when it fills half of the frame: 6 dB less.
const HALF_COVERED: f32 = 0.25;
/// What the two tones are of the whole sound, at least, for a key to begin.
const PURE: f32 = 0.8;
/// The same while it lasts.
const AUDIBLE: f32 = 0.4;
/// How straight a tone's phase goes on: 1 for a sine.
const STEADY: f32 = 0.9;
/// Middle between what must be heard and what must not, as a part of the frequency.
const TOLERANCE: f32 = 0.025;
/// For a single frame, whose frequency is known less well.
const LOOSE: f32 = 0.03;
/// The higher group may be weaker by 8 dB and somewhat more.
const NORMAL_TWIST: f32 = 0.1;
/// And stronger by 6.
const REVERSE_TWIST: f32 = 0.16;
/// The weaker tone's power, at -32 dBm0.
static FLOOR: std::sync::LazyLock<f32> = std::sync::LazyLock::new(|| peak(-32.0).powi(2) as f32);

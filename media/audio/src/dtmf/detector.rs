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
/// Nearly all of the sound must be these two tones, steady in level: harmonics, noise and other voices
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
    /// What was interrupted before it was a key.
    broken: Option<Broken>,
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
    whole: f32,
}

/// A run that ended early.
#[derive(Clone, Copy)]
struct Broken {
    pair: Pair,
    /// Frames since its first, that one included.
    age: u64,
    /// The latest of them, in which it did not sound.
    missing: u64,
}

/// The key that sounds.
#[derive(Clone, Copy)]
struct Down {
    pair: Pair,
    /// Of both tones together.
    power: f32,
    /// Frames since its first, that one included.
    frames: u64,
    /// The latest of them, in which it did not sound.
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
        self.suspect |= self.run.is_suspect();
        if let Some(down) = &mut self.down {
            down.extend(frame);
        }
        let established = self.run.is_key();
        let replaced = |down: &Down| established && down.pair != self.run.pair;
        if let Some(down) = self.down.take_if(|down| down.missing >= PAUSE || replaced(down)) {
            // A tone has the middles of its length in hops, or of one more: between the two.
            let samples = (2 * (down.frames - down.missing) + 1) * self.bank.hop() as u64 / 2;
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
        let loudest = Pair::loudest(frame).filter(|pair| pair.is_part_of(frame, CLEAR));
        let tuned = loudest.filter(|_| self.count > 0).and_then(|pair| pair.tuned(frame, before));
        // Of its first frame alone the key of a run is but guessed.
        let goes_on = tuned.is_some_and(|(pair, _)| self.count == 1 || pair == self.pair);
        if !goes_on {
            self.broken = Broken::after(self);
            self.count = 0;
        }
        let found = tuned.or_else(|| loudest.map(|pair| (pair, [Turn::default(); 2])));
        if let Some((pair, turns)) = found {
            self.pair = pair;
            self.marks[self.count as usize % ENOUGH] = Mark { powers: pair.powers(frame), turns, whole: frame.whole };
            self.count += 1;
        }
        if let Some(broken) = &mut self.broken {
            broken.age += 1;
            let sounds = self.count > 0 && self.pair == broken.pair;
            broken.missing = if sounds { 0 } else { broken.missing + 1 };
        }
        self.broken.take_if(|broken| broken.missing >= PAUSE);
    }

    /// Its two latest frames could belong to a key.
    fn is_suspect(&self) -> bool {
        let Some(before) = self.count.checked_sub(2) else { return false };
        let [one, two] = [before, before + 1].map(|place| self.marks[place as usize % ENOUGH]);
        let powers = [0, 1].map(|tone| one.powers[tone] + two.powers[tone]);
        is_balanced(powers, [NORMAL_TWIST, REVERSE_TWIST])
            && powers[0] + powers[1] >= (one.whole + two.whole) * DOUBTFUL
    }

    /// Long enough, and in its latest frames pure, balanced, steady, and in tune.
    fn is_key(&self) -> bool {
        if self.count < ENOUGH as u64 {
            return false;
        }
        let [low, high] = self.powers();
        let whole: f32 = self.marks.iter().map(|mark| mark.whole).sum();
        let tones = [self.pair.low, self.pair.high];
        is_balanced([low, high], [NORMAL_TWIST, REVERSE_TWIST])
            && low + high >= whole * PURE
            && self.varies_within(HALF_COVERED, |mark| mark.powers[0] + mark.powers[1])
            && tones.iter().enumerate().all(|(tone, place)| {
                let turns = self.marks.map(|mark| mark.turns[tone]);
                let sum: Turn = turns.into_iter().sum();
                self.varies_within(DISTORTED, |mark| mark.powers[tone])
                    && sum.hertz().abs() <= HERTZ[*place] * TOLERANCE
            })
    }

    fn varies_within(&self, part: f32, of: impl Fn(&Mark) -> f32) -> bool {
        let least = self.marks.iter().map(&of).fold(f32::MAX, f32::min);
        let most = self.marks.iter().map(&of).fold(0.0, f32::max);
        least >= most * part
    }

    /// The sums of each tone's.
    fn powers(&self) -> [f32; 2] {
        [0, 1].map(|tone| self.marks.iter().map(|mark| mark.powers[tone]).sum())
    }

    fn down(&self) -> Down {
        let [low, high] = self.powers();
        let begun = self.broken.filter(|broken| broken.pair == self.pair);
        let frames = begun.map_or(self.count, |broken| broken.age);
        Down { pair: self.pair, power: (low + high) / ENOUGH as f32, frames, missing: 0 }
    }
}

impl Broken {
    /// What is to be remembered of a run that ends now: what went before it, if that was the same key.
    fn after(run: &Run) -> Option<Broken> {
        let earlier = run.broken.filter(|broken| run.count < 2 || broken.pair == run.pair);
        earlier.or_else(|| (run.count >= 2).then_some(Broken { pair: run.pair, age: run.count, missing: 0 }))
    }
}

impl Down {
    fn extend(&mut self, frame: &Frame) {
        self.frames += 1;
        self.missing += 1;
        let power: f32 = self.pair.powers(frame).iter().sum();
        let same = Pair::loudest(frame) == Some(self.pair) && self.pair.is_part_of(frame, AUDIBLE);
        if same && power >= self.power * HALF_COVERED {
            self.missing = 0;
            self.power += (power - self.power) / 8.0;
        }
    }
}

/// The higher tone is at least so strong beside the lower one, and the lower one beside the higher.
fn is_balanced([low, high]: [f32; 2], [normal, reverse]: [f32; 2]) -> bool {
    high >= low * normal && low >= high * reverse
}

impl Pair {
    /// The strongest of each group, if they can be a key.
    fn loudest(frame: &Frame) -> Option<Pair> {
        let strongest = |group: std::ops::Range<usize>| {
            group.reduce(|best, next| if frame.at[next] > frame.at[best] { next } else { best })
        };
        let pair = Pair { low: strongest(0..4)?, high: strongest(4..8)? };
        let powers = pair.powers(frame);
        let loud = powers[0].min(powers[1]) >= *FLOOR;
        (loud && is_balanced(powers, [PASSING_TWIST; 2])).then_some(pair)
    }

    /// Its tones make up so much of all the sound.
    fn is_part_of(self, frame: &Frame, part: f32) -> bool {
        self.powers(frame).iter().sum::<f32>() >= frame.whole * part
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
/// Of a tone's strongest moment, where GSM's coder favours now the one and now the other.
const DISTORTED: f32 = 0.08;
/// What the two tones are of all the sound while a key begins. Noise 15 dB below leaves 0.97, GSM at least 0.9; vowels
/// whose harmonics are in tune reach 0.89.
const PURE: f32 = 0.9;
/// The same while there is but a suspicion, with the edge of the tone in the first frame.
const DOUBTFUL: f32 = 0.85;
/// The same of a single frame.
const CLEAR: f32 = 0.6;
/// The same while the key lasts.
const AUDIBLE: f32 = 0.4;
/// Middle between what must be heard and what must not, as a part of the frequency.
const TOLERANCE: f32 = 0.025;
/// For a single frame, whose frequency is known less well.
const LOOSE: f32 = 0.04;
/// The higher group may be weaker by 8 dB, and by 11 none is.
const NORMAL_TWIST: f32 = 0.08;
/// It may be stronger by 6 dB, and by 9 none is.
const REVERSE_TWIST: f32 = 0.125;
/// Either way in a single frame: 14 dB.
const PASSING_TWIST: f32 = 0.04;
/// The weaker tone's power, at -32 dBm0.
static FLOOR: std::sync::LazyLock<f32> = std::sync::LazyLock::new(|| peak(-32.0).powi(2) as f32);

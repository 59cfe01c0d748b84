//! Sound for tests: the same on every machine, since all of it is made of integers.

use crate::{FRAME_BYTES, FRAME_SAMPLES};

/// SplitMix64.
pub struct Random(u64);

impl Random {
    /// The seed is printed, and taken from `SEED` where that is set.
    pub fn new() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Random(seed)
    }

    pub fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn sample(&mut self) -> i16 {
        self.next() as i16
    }

    /// Any 33 bytes with the signature.
    pub fn frame(&mut self) -> [u8; FRAME_BYTES] {
        let mut frame = [0; FRAME_BYTES].map(|_: u8| self.next() as u8);
        frame[0] = 0xd0 | frame[0] & 0x0f;
        frame
    }
}

/// Each scene and how many frames it lasts.
pub const SCENES: [(Scene, usize); 8] = [
    (Scene::Silence, 50),
    (Scene::Tones, 250),
    (Scene::Noise, 250),
    (Scene::Speech, 500),
    (Scene::FullScale, 250),
    (Scene::Steps, 150),
    (Scene::Faint, 100),
    (Scene::Swing, 150),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    Silence,
    /// Two sines at a time, of all pitches and levels.
    Tones,
    /// White, of all levels.
    Noise,
    /// A sliding buzz or noise in two sliding resonances, in syllables.
    Speech,
    /// Nothing but what clips.
    FullScale,
    /// Constants that jump, and single pulses.
    Steps,
    /// At the lowest bits that are used.
    Faint,
    /// From one extreme, held until the high-pass has forgotten it, to the other: the only sound whose bits the rescaling
    /// of the autocorrelation (§4.2.4) pushes out of 16.
    Swing,
}

impl Scene {
    pub fn frames(self, count: usize) -> Vec<[i16; FRAME_SAMPLES]> {
        // So that the tones have one of the few frames in which the Schur recursion (§4.2.5) meets its boundary, P0 = |P1|.
        self.frames_by(&mut Random::seeded(16 + self as u64), count)
    }

    /// The same scene by another chance.
    pub fn frames_by(self, random: &mut Random, count: usize) -> Vec<[i16; FRAME_SAMPLES]> {
        let length = count * FRAME_SAMPLES;
        let samples: Vec<i16> = match self {
            Scene::Silence => vec![0; length],
            Scene::Tones => tones(length, random),
            Scene::Noise => (0..length).map(|index| random.sample() >> (index / 1600 % 14)).collect(),
            Scene::Speech => speech(length, random),
            Scene::FullScale => full_scale(length, random),
            Scene::Steps => steps(length, random),
            Scene::Faint => (0..length).map(|_| random.sample() >> 11).collect(),
            Scene::Swing => {
                (0..length).map(|index| if (index / 7990).is_multiple_of(2) { i16::MIN } else { i16::MAX }).collect()
            }
        };
        samples.as_chunks().0.to_vec()
    }
}

fn tones(length: usize, random: &mut Random) -> Vec<i16> {
    let (mut first, mut second) = (0_u16, 0_u16);
    let (mut pitches, mut shift) = ((0, 0), 0);
    let sample = |index: usize| {
        if index.is_multiple_of(800) {
            pitches = (random.next() as u16 >> 1, random.next() as u16 >> 1);
            shift = random.next() % 12;
        }
        (first, second) = (first.wrapping_add(pitches.0), second.wrapping_add(pitches.1));
        ((sine(first) + sine(second)) >> 1 >> shift) as i16
    };
    (0..length).map(sample).collect()
}

fn speech(length: usize, random: &mut Random) -> Vec<i16> {
    let (mut phase, mut formants) = (0_u16, [Resonance::default(), Resonance::default()]);
    let sample = |index: usize| {
        // A syllable of 200 ms: 120 ms of voice, 40 ms of hiss, 40 ms of pause; its shape changes as it goes.
        let (syllable, place) = (index / 1600, index % 1600);
        let pitch = 500 + (syllable * 397 % 2500 + place / 4) as u16;
        let before = phase;
        phase = phase.wrapping_add(pitch);
        let source = match place {
            ..960 if phase < before => 12_000,
            ..960 => i64::from(random.sample() >> 9),
            960..1280 => i64::from(random.sample() >> 5),
            _ => i64::from(random.sample() >> 13),
        };
        let loudness = 1 + (syllable * 7 % 16) as i64;
        let low = formants[0].filter(source, 2500 + (syllable * 911 % 4000 + place) as u16);
        let high = formants[1].filter(low, 9000 + (syllable * 1777 % 9000) as u16 - place as u16);
        (high * loudness / 16).clamp(-32768, 32767) as i16
    };
    (0..length).map(sample).collect()
}

/// Two poles.
#[derive(Default)]
struct Resonance(i64, i64);

impl Resonance {
    /// At a frequency of which 65536 is the sampling rate.
    fn filter(&mut self, input: i64, frequency: u16) -> i64 {
        let cosine = i64::from(sine(frequency.wrapping_add(1 << 14)));
        let output = input + ((self.0 * 2 * cosine * 15 / 16) >> 15) - self.1 * 225 / 256;
        (self.1, self.0) = (self.0, output);
        output
    }
}

fn full_scale(length: usize, random: &mut Random) -> Vec<i16> {
    let (mut period, mut level) = (2, i16::MAX);
    let sample = |index: usize| {
        if index.is_multiple_of(640) {
            period = 2 + random.next() as usize % 150;
        }
        match index / 3200 % 4 {
            // Squares, a hiss of extremes, any value held for long, and a sine four times too loud.
            0 if index % period < period / 2 => i16::MAX,
            0 => i16::MIN,
            1 if random.next() & 1 == 0 => i16::MAX,
            1 => i16::MIN,
            2 => {
                if random.next().is_multiple_of(64) {
                    level = !level;
                }
                level
            }
            _ => (sine((index * period * 16) as u16) * 4).clamp(-32768, 32767) as i16,
        }
    };
    (0..length).map(sample).collect()
}

fn steps(length: usize, random: &mut Random) -> Vec<i16> {
    let mut level = 0;
    let sample = |index: usize| {
        if index.is_multiple_of(400) {
            level = random.sample() >> (random.next() % 12);
        }
        if index.is_multiple_of(731) { random.sample() } else { level }
    };
    (0..length).map(sample).collect()
}

/// −32767 to 32767, by Bhāskara's fraction: right to 0.2 %. The whole turn is 65536.
fn sine(phase: u16) -> i32 {
    let along = i64::from(phase & 0x7fff);
    let arch = along * (32768 - along);
    let magnitude = (32767 * 16 * arch / ((5 << 30) - 4 * arch)) as i32;
    if phase < 0x8000 { magnitude } else { -magnitude }
}

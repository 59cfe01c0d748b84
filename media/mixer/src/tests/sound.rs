//! Participants who make sounds, and a room that records what each of them hears.

use std::f64::consts::TAU;

use crate::{Mixer, Seat};

/// SplitMix64; seeds are printed, and taken from `SEED` where that is set.
pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A block of noise whose samples have this standard deviation.
    pub fn noise(&mut self, block: usize, deviation: f64) -> Vec<i16> {
        let unit = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let mut normal = || (-2.0 * unit(self.next()).ln()).sqrt() * (TAU * unit(self.next())).cos();
        (0..block).map(|_| (deviation * normal()).round() as i16).collect()
    }
}

/// A sine that goes on from block to block, without end.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    pub hertz: f64,
    pub peak: f64,
}

impl Voice {
    pub fn block(&self, rate: u32, turn: usize) -> Vec<i16> {
        let block = rate as usize / 50;
        let sample = |at: usize| self.peak * (TAU * self.hertz * at as f64 / f64::from(rate)).sin();
        (turn * block..(turn + 1) * block).map(|at| sample(at).round() as i16).collect()
    }

    /// The highest step between two samples, and the highest change of that step.
    pub fn steepest(&self, rate: u32) -> [f64; 2] {
        let chord = 2.0 * (TAU * self.hertz / f64::from(rate) / 2.0).sin();
        [self.peak * chord, self.peak * chord * chord]
    }
}

/// A room and its time.
pub struct Room {
    pub mixer: Mixer,
    pub rate: u32,
    pub at: usize,
}

impl Room {
    pub fn new(rate: u32) -> Room {
        Room { mixer: Mixer::new(rate), rate, at: 0 }
    }

    pub fn join(&mut self) -> Seat {
        self.mixer.join().unwrap()
    }

    /// One turn in which these speak.
    pub fn turn(&mut self, voices: &[(Seat, Voice)]) {
        for (seat, voice) in voices {
            self.mixer.hear(*seat, &voice.block(self.rate, self.at));
        }
        self.mixer.turn();
        self.at += 1;
    }

    /// What one hears while these speak, for so many turns.
    pub fn listen(&mut self, listener: Seat, voices: &[(Seat, Voice)], turns: usize) -> Vec<i16> {
        let mut heard = Vec::new();
        for _ in 0..turns {
            self.turn(voices);
            heard.extend_from_slice(self.told(listener));
        }
        heard
    }

    pub fn told(&self, seat: Seat) -> &[i16] {
        self.mixer.told(seat).samples()
    }

    pub fn speakers(&self) -> Vec<Seat> {
        self.mixer.speakers().collect()
    }
}

/// The highest step between two samples, and the highest change of that step: a click has far more of both than a tone.
pub fn steepest(samples: &[i16]) -> [f64; 2] {
    let step = |two: &[i16]| f64::from(two[1]) - f64::from(two[0]);
    let steps: Vec<f64> = samples.windows(2).map(step).collect();
    let first = steps.iter().fold(0.0, |most: f64, step| most.max(step.abs()));
    let second = steps.windows(2).fold(0.0, |most: f64, two| most.max((two[1] - two[0]).abs()));
    [first, second]
}

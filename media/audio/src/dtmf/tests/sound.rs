//! Sounds to be heard, and chance to make them.

use std::f64::consts::TAU;

use crate::dtmf::{Detector, HERTZ, Heard, KEYS};
use crate::level::peak;

/// SplitMix64; seeds are printed, and taken from `SEED` where that is set.
pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.between(1e-12, 1.0).ln()).sqrt() * self.between(0.0, TAU).cos()
    }

    pub fn add_noise(&mut self, samples: &mut [i16], dbm0: f64) {
        // A sine's power is half the square of its peak.
        let deviation = peak(dbm0) / 2.0_f64.sqrt();
        for sample in samples {
            *sample = (f64::from(*sample) + deviation * self.normal()).round() as i16;
        }
    }
}

/// The two tones of a key, as some telephone makes them.
#[derive(Clone, Copy, Debug)]
pub struct Tones {
    pub rate: u32,
    pub milliseconds: f64,
    /// Of the lower and the higher one.
    pub dbm0: [f64; 2],
    pub detuned: [f64; 2],
}

impl Tones {
    pub fn new(rate: u32) -> Tones {
        Tones { rate, milliseconds: 100.0, dbm0: [-10.0; 2], detuned: [1.0; 2] }
    }

    /// Of both together.
    pub fn level(&self) -> f64 {
        10.0 * self.dbm0.iter().map(|dbm0| 10f64.powf(dbm0 / 10.0)).sum::<f64>().log10()
    }

    pub fn samples(&self, random: &mut Random, key: u8) -> Vec<i16> {
        let place = KEYS.iter().position(|known| *known == key).unwrap();
        let tones = [(HERTZ[place / 4], 0), (HERTZ[4 + place % 4], 1)].map(|(hertz, tone)| {
            (f64::from(hertz) * self.detuned[tone], peak(self.dbm0[tone]), random.between(0.0, TAU))
        });
        let count = (self.milliseconds * f64::from(self.rate) / 1000.0).round() as usize;
        let at = |place: usize| {
            let seconds = place as f64 / f64::from(self.rate);
            tones.iter().map(|(hertz, peak, phase)| peak * (TAU * hertz * seconds + phase).sin()).sum::<f64>()
        };
        (0..count).map(|place| at(place).round() as i16).collect()
    }

    /// Between silences.
    pub fn alone(&self, random: &mut Random, key: u8) -> Vec<i16> {
        let silence = self.rate as usize / 10;
        let mut samples = vec![0; silence + random.below(silence as u64 / 5) as usize];
        samples.extend(self.samples(random, key));
        samples.extend(vec![0; silence]);
        samples
    }
}

/// What a detector hears, in blocks of any length.
pub fn heard(random: &mut Random, rate: u32, samples: &[i16]) -> Vec<Heard> {
    let mut detector = Detector::new(rate).unwrap();
    let mut heard = Vec::new();
    let mut rest = samples;
    while !rest.is_empty() {
        let (block, after) = rest.split_at(rest.len().min(1 + random.below(500) as usize));
        heard.extend(detector.push(block));
        rest = after;
    }
    heard
}

/// The keys of what was pressed.
pub fn keys(heard: &[Heard]) -> String {
    let pressed = heard.iter().filter_map(|heard| match heard {
        Heard::Pressed(key) => Some(*key),
        Heard::Released(..) => None,
    });
    pressed.collect()
}

/// Sounds like those of speech: pulses of 80 to 400 Hz, gliding, through three formants of a vowel, in syllables.
pub fn speech(random: &mut Random, rate: u32, seconds: u32) -> Vec<i16> {
    let mut samples = Vec::new();
    while samples.len() < (rate * seconds) as usize {
        let count = (random.between(0.08, 0.35) * f64::from(rate)) as usize;
        let from = random.between(80.0, 400.0);
        let to = from * random.between(0.85, 1.15);
        let formants = [(300.0, 900.0, 80.0), (800.0, 2300.0, 100.0), (2200.0, 3200.0, 150.0)];
        let mut formants =
            formants.map(|(low, high, width)| Resonance::new(random.between(low, high), width, f64::from(rate)));
        let mut phase = 0.0;
        let mut syllable: Vec<f64> = (0..count)
            .map(|place| {
                let part = place as f64 / count as f64;
                phase += (from + (to - from) * part) / f64::from(rate);
                let pulse = if phase >= 1.0 { 1.0 } else { 0.0 } + 0.002 * random.normal();
                phase = phase.fract();
                let swell = (part * 12.0).min((1.0 - part) * 6.0).min(1.0);
                swell * formants.iter_mut().map(|formant| formant.pass(pulse)).sum::<f64>()
            })
            .collect();
        let most = syllable.iter().fold(1e-9_f64, |most, sample| most.max(sample.abs()));
        let loud = peak(random.between(-20.0, 0.0)) / most;
        syllable.iter_mut().for_each(|sample| *sample *= loud);
        samples.extend(syllable.iter().map(|sample| sample.round() as i16));
        samples.extend(vec![0; (random.between(0.0, 0.1) * f64::from(rate)) as usize]);
    }
    samples.truncate((rate * seconds) as usize);
    samples
}

/// One formant: two poles.
struct Resonance {
    coefficients: [f64; 2],
    last: [f64; 2],
}

impl Resonance {
    fn new(hertz: f64, width: f64, rate: f64) -> Resonance {
        let radius = (-TAU / 2.0 * width / rate).exp();
        Resonance { coefficients: [2.0 * radius * (TAU * hertz / rate).cos(), -radius * radius], last: [0.0; 2] }
    }

    fn pass(&mut self, sample: f64) -> f64 {
        let next = sample + self.coefficients[0] * self.last[0] + self.coefficients[1] * self.last[1];
        self.last = [next, self.last[0]];
        next
    }
}

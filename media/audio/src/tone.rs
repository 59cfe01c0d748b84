//! Tones: one or two sines, with or without a cadence.

use std::f64::consts::TAU;

use crate::dtmf::{HERTZ, KEYS};
use crate::level::peak;

/// One frequency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sine {
    /// In Hz, below half the rate.
    pub hertz: f32,
    /// Its level in dBm0, at most 3.17.
    pub dbm0: f32,
}

/// One or two frequencies at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Always there.
    pub first: Sine,
    /// The other one of a dual tone.
    pub second: Option<Sine>,
}

impl Tone {
    /// A single frequency.
    pub const fn new(hertz: f32, dbm0: f32) -> Tone {
        Tone { first: Sine { hertz, dbm0 }, second: None }
    }

    /// Two frequencies of one level each.
    pub const fn dual(low: f32, high: f32, dbm0: f32) -> Tone {
        Tone { first: Sine { hertz: low, dbm0 }, second: Some(Sine { hertz: high, dbm0 }) }
    }

    /// The pair that a key sounds (ITU-T Q.23), at -9 dBm0 each; None if there is no such key.
    pub fn dtmf(key: char) -> Option<Tone> {
        let place = KEYS.iter().position(|known| char::from(*known) == key.to_ascii_uppercase())?;
        Some(Tone::dual(HERTZ[place / 4], HERTZ[4 + place % 4], -9.0))
    }
}

/// A step of a cadence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// None is silence.
    pub tone: Option<Tone>,
    /// Its length.
    pub milliseconds: u32,
}

/// A cadence as samples, from its first phase and around again without end.
#[derive(Debug, Clone)]
pub struct Signal<'c> {
    cadence: &'c [Phase],
    rate: u32,
    phase: usize,
    /// Samples left in the phase.
    left: u64,
    oscillators: [Oscillator; 2],
}

impl<'c> Signal<'c> {
    /// At `rate` samples a second. A cadence without length is silence.
    pub fn new(cadence: &'c [Phase], rate: u32) -> Signal<'c> {
        let cadence = if cadence.iter().all(|phase| phase.milliseconds == 0) { &[] } else { cadence };
        let mut signal = Signal { cadence, rate, phase: 0, left: 0, oscillators: [Oscillator::SILENT; 2] };
        signal.enter(0);
        signal
    }

    fn enter(&mut self, phase: usize) {
        self.phase = phase;
        let Some(Phase { tone, milliseconds }) = self.cadence.get(phase) else {
            self.left = u64::MAX;
            return;
        };
        self.left = u64::from(*milliseconds) * u64::from(self.rate) / 1000;
        let sines = [tone.map(|tone| tone.first), tone.and_then(|tone| tone.second)];
        self.oscillators = sines.map(|sine| sine.map_or(Oscillator::SILENT, |sine| Oscillator::new(sine, self.rate)));
    }
}

impl Iterator for Signal<'_> {
    type Item = i16;

    fn next(&mut self) -> Option<i16> {
        while self.left == 0 {
            self.enter((self.phase + 1) % self.cadence.len());
        }
        self.left -= 1;
        let [first, second] = &mut self.oscillators;
        Some((first.next() + second.next()).round() as i16)
    }
}

/// A sine by turning a vector: two multiplications a component, stable for hours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oscillator {
    sine: f64,
    cosine: f64,
    turn_sine: f64,
    turn_cosine: f64,
}

impl Oscillator {
    pub(crate) const SILENT: Oscillator = Oscillator { sine: 0.0, cosine: 0.0, turn_sine: 0.0, turn_cosine: 1.0 };

    pub(crate) fn new(sine: Sine, rate: u32) -> Oscillator {
        let (turn_sine, turn_cosine) = (TAU * f64::from(sine.hertz) / f64::from(rate)).sin_cos();
        Oscillator { sine: 0.0, cosine: peak(f64::from(sine.dbm0)), turn_sine, turn_cosine }
    }

    pub(crate) fn next(&mut self) -> f64 {
        let sine = self.sine;
        (self.sine, self.cosine) = (
            sine * self.turn_cosine + self.cosine * self.turn_sine,
            self.cosine * self.turn_cosine - sine * self.turn_sine,
        );
        sine
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, Signal, Tone};
    use crate::{RATE, goertzel, level};

    fn seconds(tone: Tone, seconds: usize) -> Vec<i16> {
        Signal::new(&[Phase { tone: Some(tone), milliseconds: 3_600_000 }], RATE).take(seconds * 8000).collect()
    }

    #[test]
    fn a_tone_has_the_frequency_and_level_asked_for() {
        for (hertz, dbm0) in [(425.0, -10.0), (1000.0, 0.0), (3000.0, -30.0), (20.0, 3.0)] {
            let samples = seconds(Tone::new(hertz, dbm0), 1);
            assert!((level(&samples) - f64::from(dbm0)).abs() < 0.02, "{hertz} {}", level(&samples));
            assert!((goertzel(&samples, RATE, f64::from(hertz)) - f64::from(dbm0)).abs() < 0.02);
            assert!(goertzel(&samples, RATE, f64::from(hertz) + 50.0) < f64::from(dbm0) - 40.0);
        }
    }

    #[test]
    fn a_tone_keeps_its_level_for_an_hour() {
        let samples = seconds(Tone::new(425.0, -10.0), 3600);
        assert!((level(&samples[3599 * 8000..]) + 10.0).abs() < 0.02);
    }

    #[test]
    fn each_key_sounds_its_two_frequencies() {
        for (key, low, high) in [('1', 697.0, 1209.0), ('5', 770.0, 1336.0), ('#', 941.0, 1477.0), ('d', 941.0, 1633.0)]
        {
            let samples = seconds(Tone::dtmf(key).unwrap(), 1);
            for hertz in [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0] {
                let found = goertzel(&samples, RATE, hertz);
                let expected = hertz == low || hertz == high;
                assert_eq!(found > -10.0, expected, "{key} {hertz} {found}");
            }
        }
        assert_eq!(Tone::dtmf('x'), None);
    }

    #[test]
    fn a_cadence_sounds_and_pauses_by_turns() {
        let busy =
            [Phase { tone: Some(Tone::new(425.0, -10.0)), milliseconds: 480 }, Phase { tone: None, milliseconds: 480 }];
        let samples: Vec<i16> = Signal::new(&busy, RATE).take(4 * 3840).collect();
        for (turn, part) in samples.chunks(3840).enumerate() {
            assert_eq!(level(part) > -11.0, turn % 2 == 0, "{turn}");
        }
        assert!(Signal::new(&[], RATE).take(100).all(|sample| sample == 0));
        assert!(Signal::new(&[Phase { tone: None, milliseconds: 0 }], RATE).take(100).all(|sample| sample == 0));
    }
}

//! Keys made as sound.

use std::collections::VecDeque;
use std::f64::consts::PI;
use std::time::Duration;

use crate::Tone;
use crate::tone::Oscillator;

/// Sounds keys over other sound, one after the other, each in its length or for as long as it is held.
///
/// A tone has at least 40 ms, soft edges of 3 ms, and 40 ms of silence behind it: what any receiver hears (ITU-T Q.24).
#[derive(Debug, Clone)]
pub struct Sounder {
    rate: u32,
    /// The first one sounds.
    keys: VecDeque<Key>,
    oscillators: [Oscillator; 2],
    /// Samples of the first key that have been made.
    at: u64,
    /// How far it has swelled, in samples of an edge.
    swell: u64,
    /// Samples of the silence behind it that have been made.
    silent: u64,
}

#[derive(Debug, Clone, Copy)]
struct Key {
    tone: Tone,
    /// In samples, from the middle of one edge to that of the other; None while it is held.
    length: Option<u64>,
}

impl Sounder {
    /// Keys that may sound and wait at once.
    pub const MOST: usize = 64;

    /// For sound of so many samples a second.
    pub fn new(rate: u32) -> Sounder {
        let oscillators = [Oscillator::SILENT; 2];
        Sounder { rate, keys: VecDeque::new(), oscillators, at: 0, swell: 0, silent: 0 }
    }

    /// A key of a length that is known. False if there is no such key, or [`Sounder::MOST`] wait: it is left out.
    #[must_use]
    pub fn strike(&mut self, key: char, length: Duration) -> bool {
        let length = self.samples(length);
        self.append(key, Some(length))
    }

    /// A key that is held until it is released; one that is still held is released by it. False as for
    /// [`Sounder::strike`].
    #[must_use]
    pub fn press(&mut self, key: char) -> bool {
        self.append(key, None)
    }

    /// The held key is to sound so long in all; it ends at once if it already has.
    pub fn release(&mut self, length: Duration) {
        let length = self.samples(length);
        if let Some(key) = self.keys.back_mut() {
            key.length.get_or_insert(length);
        }
    }

    /// A key sounds or waits.
    pub fn is_busy(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Puts the next samples of the keys in the place of a block's, and leaves what lies behind the last key's silence.
    /// False once all is over: the next block would stay as it is.
    pub fn fill(&mut self, block: &mut [i16]) -> bool {
        for sample in block {
            let Some(key) = self.keys.front().copied() else { return false };
            *sample = self.sample(key);
        }
        self.is_busy()
    }

    fn append(&mut self, key: char, length: Option<u64>) -> bool {
        let Some(tone) = Tone::dtmf(key).filter(|_| self.keys.len() < Sounder::MOST) else { return false };
        self.release(Duration::ZERO);
        self.keys.push_back(Key { tone, length });
        true
    }

    fn sample(&mut self, key: Key) -> i16 {
        if self.at == 0 {
            let sines = [Some(key.tone.first), key.tone.second];
            self.oscillators =
                sines.map(|sine| sine.map_or(Oscillator::SILENT, |sine| Oscillator::new(sine, self.rate)));
        }
        let edge = self.samples(EDGE).max(1);
        let shortest = self.samples(SHORTEST);
        match key.length {
            Some(length) if self.at >= length.max(shortest) => match self.swell.checked_sub(1) {
                Some(less) => self.swell = less,
                None => return self.silence(),
            },
            _ => self.swell = edge.min(self.swell + 1),
        }
        self.at += 1;
        let [first, second] = &mut self.oscillators;
        let sound = first.next() + second.next();
        let gain = if self.swell == edge { 1.0 } else { 0.5 - 0.5 * (PI * self.swell as f64 / edge as f64).cos() };
        (gain * sound).round() as i16
    }

    fn silence(&mut self) -> i16 {
        self.silent += 1;
        if self.silent >= self.samples(PAUSE) {
            self.keys.pop_front();
            (self.at, self.swell, self.silent) = (0, 0, 0);
        }
        0
    }

    fn samples(&self, length: Duration) -> u64 {
        u64::try_from(length.as_micros()).unwrap_or(u64::MAX).saturating_mul(u64::from(self.rate)) / 1_000_000
    }
}

/// So that a tone begins and ends without a click (ETSI ES 201 235-2 allows 5 ms).
const EDGE: Duration = Duration::from_millis(3);
/// Of a tone.
const SHORTEST: Duration = Duration::from_millis(40);
/// Between two tones.
const PAUSE: Duration = Duration::from_millis(40);

//! Decoded sound on its way out, and what went out before it.

/// Sound at one rate: what is to be played, and the last of what was, by which it is joined, stretched and gone on with.
pub struct Sound {
    samples: Vec<i16>,
    at: usize,
    rate: u32,
}

impl Sound {
    /// Silence before, and nothing to be played.
    pub fn new(rate: u32) -> Sound {
        let past = past(rate);
        Sound { samples: vec![0; past], at: past, rate }
    }

    /// Samples a second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Samples to be played.
    pub fn ready(&self) -> usize {
        self.samples.len() - self.at
    }

    /// Samples that there is memory for.
    pub fn capacity(&self) -> usize {
        self.samples.capacity()
    }

    /// The samples to be played in microseconds.
    pub fn ready_micros(&self) -> i64 {
        micros(self.ready(), self.rate)
    }

    /// All that is there, and which sample is to be played next; at least [`past`] samples lie before it. What is put in, taken out
    /// or changed must lie behind it.
    pub fn parts(&mut self) -> (&mut Vec<i16>, usize) {
        (&mut self.samples, self.at)
    }

    /// The last samples, as far as they are there, played or not.
    pub fn past(&self) -> &[i16] {
        &self.samples[self.samples.len() - past(self.rate)..]
    }

    /// Plays so many samples, or all that there are.
    pub fn play(&mut self, count: usize) -> &[i16] {
        let keep = past(self.rate);
        if self.at > 4 * keep {
            self.samples.drain(..self.at - keep);
            self.at = keep;
        }
        let start = self.at;
        self.at = (start + count).min(self.samples.len());
        &self.samples[start..self.at]
    }
}

/// Samples of the past that are kept: 50 ms.
pub const fn past(rate: u32) -> usize {
    rate as usize / 20
}

/// Samples in so many microseconds.
pub fn samples(micros: i64, rate: u32) -> usize {
    usize::try_from(micros.max(0) * i64::from(rate) / 1_000_000).unwrap_or(0)
}

/// Microseconds of so many samples.
pub fn micros(samples: usize, rate: u32) -> i64 {
    samples as i64 * 1_000_000 / i64::from(rate)
}

/// Passes over from what is in `onto` to `other`, or from `other` to what is in `onto`; both have one length.
pub fn cross_fade(onto: &mut [i16], other: &[i16], way: Way) {
    let count = onto.len() as f32;
    for (at, (onto, other)) in onto.iter_mut().zip(other).enumerate() {
        let part = (at as f32 + 0.5) / count;
        let (from, to) = match way {
            Way::Into => (f32::from(*onto), f32::from(*other)),
            Way::From => (f32::from(*other), f32::from(*onto)),
        };
        *onto = (from + (to - from) * part).round() as i16;
    }
}

/// Which of two sounds comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The one that is there already.
    Into,
    /// The other.
    From,
}

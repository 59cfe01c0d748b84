//! From the rate of a codec to the rate of whoever listens.

use audio::Resampler;

use super::sound::{Way, cross_fade, micros};

/// Sound at the ear's rate.
pub struct Output {
    rate: u32,
    from: u32,
    /// Those that were made, by the rate that they take.
    resamplers: Vec<(u32, Resampler)>,
    samples: Vec<i16>,
    /// The end of what came at another rate, which what follows passes over from.
    tail: Vec<i16>,
    /// Nothing came through the resampler yet, and nothing is to be joined with.
    fresh: bool,
}

impl Output {
    /// To `rate`, so far from the same.
    pub fn new(rate: u32) -> Output {
        Output { rate, from: rate, resamplers: Vec::new(), samples: Vec::new(), tail: Vec::new(), fresh: true }
    }

    /// Samples that are there.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Samples that there is memory for.
    pub fn capacity(&self) -> usize {
        self.samples.capacity() + self.tail.capacity()
    }

    /// The samples that are there in microseconds.
    pub fn micros(&self) -> i64 {
        self.micros_of(self.len())
    }

    /// How long so many samples are, in microseconds.
    pub fn micros_of(&self, samples: usize) -> i64 {
        micros(samples, self.rate)
    }

    /// Samples of what is pushed that make so many.
    pub fn needed(&self, samples: usize) -> usize {
        (samples * self.from as usize).div_ceil(self.rate as usize)
    }

    /// Adds sound.
    pub fn push(&mut self, sound: &[i16]) {
        let start = self.samples.len();
        match self.resamplers.iter_mut().find(|(from, _)| *from == self.from) {
            None => self.samples.extend_from_slice(sound),
            Some((_, resampler)) => resampler.push(sound, &mut self.samples),
        }
        if !self.tail.is_empty() {
            let count = self.tail.len().min(self.samples.len() - start);
            if count == self.tail.len() {
                cross_fade(&mut self.samples[start..], &self.tail, Way::From);
            }
            self.tail.clear();
        } else if self.fresh && self.from != self.rate {
            // What the resampler keeps back is owed from the first sample on, so that every block comes whole.
            let whole = sound.len() * self.rate as usize / self.from as usize;
            let missing = whole.saturating_sub(self.samples.len() - start);
            self.samples.resize(self.samples.len() + missing, 0);
            self.samples[start..].rotate_right(missing);
        }
        self.fresh = false;
    }

    /// Sound will come at the rate `from`, and none has come so far.
    pub fn begin_at(&mut self, from: u32) {
        self.from = from;
        self.fresh = true;
        if from != self.rate && !self.resamplers.iter().any(|(known, _)| *known == from) {
            self.resamplers.push((from, Resampler::live(from, self.rate)));
        }
    }

    /// From now on sound comes at the rate `from`. `rest` is what comes before that, and `more` what would have followed.
    pub fn turn_to(&mut self, from: u32, rest: &[i16], more: &[i16]) {
        self.push(rest);
        let start = self.samples.len();
        self.push(more);
        if let Some((_, resampler)) = self.resamplers.iter_mut().find(|(from, _)| *from == self.from) {
            resampler.finish(&mut self.samples);
        }
        let end = self.samples.len();
        let tail = (more.len() * self.rate as usize / self.from as usize).min(end - start);
        self.tail.clear();
        self.tail.extend(self.samples.drain(end - tail..));
        self.begin_at(from);
        self.fresh = false;
    }

    /// Takes the first samples out; there must be as many.
    pub fn pull(&mut self, block: &mut [i16]) {
        block.copy_from_slice(&self.samples[..block.len()]);
        self.samples.drain(..block.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Phase, Signal, Tone, goertzel, level};

    fn tone(rate: u32) -> impl Iterator<Item = i16> {
        const TONE: [Phase; 1] = [Phase { tone: Some(Tone::new(450.0, -10.0)), milliseconds: 60_000 }];
        Signal::new(&TONE, rate)
    }

    #[test]
    fn every_block_takes_as_much_time_as_it_gives() {
        for (from, rate) in
            [(8000, 8000), (8000, 16_000), (8000, 48_000), (16_000, 8000), (44_100, 8000), (44_100, 48_000)]
        {
            let mut output = Output::new(rate);
            output.begin_at(from);
            let (mut sound, mut heard) = (tone(from), Vec::new());
            for _ in 0..50 {
                let needed = output.needed(rate as usize / 50 - output.len());
                assert_eq!(needed, from as usize / 50, "{from} to {rate}");
                let piece: Vec<i16> = sound.by_ref().take(needed).collect();
                output.push(&piece);
                let mut block = vec![0; rate as usize / 50];
                output.pull(&mut block);
                heard.extend(block);
            }
            let later = &heard[rate as usize / 10..];
            let (all, at) = (level(later), goertzel(later, rate, 450.0));
            assert!((all + 10.0).abs() < 0.1 && at > all - 0.1, "{from} to {rate}: {at} of {all}");
        }
    }

    #[test]
    fn a_change_of_rate_is_not_heard() {
        for (from, to) in [(8000, 16_000), (16_000, 8000), (44_100, 16_000), (8000, 44_100)] {
            let mut output = Output::new(16_000);
            output.begin_at(from);
            let first: Vec<i16> = tone(from).take(from as usize / 5 + from as usize / 250).collect();
            let (now, more) = first.split_at(from as usize / 5);
            output.push(&now[..from as usize / 10]);
            output.turn_to(to, &now[from as usize / 10..], more);
            let second: Vec<i16> = tone(to).skip(to as usize / 5).take(to as usize / 5).collect();
            output.push(&second);
            let heard = &output.samples;
            assert!(heard.len().abs_diff(16_000 * 2 / 5) <= 16_000 / 250, "{from} to {to}: {}", heard.len());
            // From the sound's beginning to its end, without what the resamplers keep back.
            for piece in heard[160..].windows(160).step_by(16) {
                assert!((level(piece) + 10.0).abs() < 0.8, "{from} to {to}: {}", level(piece));
            }
            assert!(goertzel(&heard[160..5920], 16_000, 450.0) > -10.5);
        }
    }
}

//! Sound in the place of packets that did not come, in the manner of G.711 Appendix I: the last periods again and again, softer and
//! softer.

use super::pitch::align;
use super::sound::past;

/// Goes on with a sound for which nothing better is known.
#[derive(Default)]
pub struct Concealer {
    /// What was heard last.
    past: Vec<i16>,
    rate: u32,
    period: usize,
    /// The piece that is repeated goes from `start` to the end of `past`; `next` is where it stands.
    start: usize,
    next: usize,
    made: usize,
    /// What is missing from the first sample to the last one of the past; it fades within the first milliseconds.
    step: f32,
}

impl Concealer {
    /// Begins after a sound whose last [`past`] samples these are.
    pub fn begin(&mut self, sound: &[i16], rate: u32) {
        self.past.clear();
        self.past.extend_from_slice(sound);
        self.rate = rate;
        let (millisecond, end) = (rate as usize / 1000, sound.len());
        let (window, shortest, longest) = (10 * millisecond, 5 * millisecond, 15 * millisecond);
        let template = &sound[end - window..];
        let (offset, likeness) = align(template, &sound[end - window - longest..], 0..=longest - shortest, rate);
        // What has no period sounds least like one when it is repeated seldom.
        self.period = if likeness < 0.3 { longest } else { longest - offset };
        self.start = end - self.period;
        self.next = self.start;
        self.made = 0;
        self.step = f32::from(sound[end - 1]) - f32::from(sound[self.start - 1]);
    }

    /// Samples from one repetition to the next.
    pub fn period(&self) -> usize {
        self.period
    }

    /// Whether all that follows is silence.
    pub fn is_over(&self) -> bool {
        self.made >= self.samples(HOLD + FADE)
    }

    /// Appends so many samples.
    pub fn go_on(&mut self, count: usize, out: &mut Vec<i16>) {
        let (hold, fade, smooth) = (self.samples(HOLD), self.samples(FADE), self.rate as usize / 500);
        for _ in 0..count {
            if self.next == self.past.len() {
                self.repeat();
            }
            let gain = 1.0 - (self.made as f32 - hold as f32).max(0.0) / fade as f32;
            let mut sample = f32::from(self.past[self.next]);
            if self.made < smooth {
                sample += self.step * (1.0 - self.made as f32 / smooth as f32);
            }
            let overlap = self.period / 4;
            let left = self.past.len() - self.next;
            if left <= overlap {
                let before = f32::from(self.past[self.following() - left]);
                sample += (before - sample) * (overlap - left + 1) as f32 / (overlap + 1) as f32;
            }
            out.push((sample * gain.max(0.0)).round() as i16);
            self.next += 1;
            self.made += 1;
        }
    }

    fn repeat(&mut self) {
        self.start = self.following();
        self.next = self.start;
    }

    /// Where the next repetition starts: one period back at first, then two and three, since one alone soon buzzes.
    fn following(&self) -> usize {
        let periods = (1 + self.made / self.samples(10)).min(3);
        self.past.len() - periods * self.period
    }

    fn samples(&self, milliseconds: u32) -> usize {
        (self.rate * milliseconds / 1000) as usize
    }
}

/// Milliseconds at the full level.
const HOLD: u32 = 20;
/// Milliseconds from there to silence.
const FADE: u32 = 80;

const _: () = assert!(past(8000) >= 3 * 120 + 120 / 4, "three of the longest periods and the overlap before them");

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Phase, Signal, Tone, goertzel, level};

    #[test]
    fn a_tone_goes_on_and_then_fades() {
        for (rate, hertz) in [(8000, 440.0), (8000, 150.0), (16_000, 1000.0), (48_000, 440.0)] {
            let cadence = [Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds: 1000 }];
            let sound: Vec<i16> = Signal::new(&cadence, rate).take(past(rate)).collect();
            let (mut concealer, mut out) = (Concealer::default(), Vec::new());
            concealer.begin(&sound, rate);
            let pieces = rate as usize / 100;
            (0..13).for_each(|_| concealer.go_on(pieces, &mut out));
            assert!(concealer.is_over());
            let whole = &out[..2 * pieces];
            let (all, at) = (level(whole), goertzel(whole, rate, f64::from(hertz)));
            assert!((all + 10.0).abs() < 0.7 && at > all - 0.7, "{rate} {hertz}: {at} of {all}");
            let levels: Vec<_> = out.chunks(pieces).map(level).collect();
            assert!(levels[2..10].is_sorted_by(|one, two| one > two), "{levels:?}");
            assert!(out[10 * pieces..].iter().all(|sample| *sample == 0));
            let steps = sound.iter().chain(&out).zip(sound.iter().chain(&out).skip(1));
            let most = |pairs: &[i16]| pairs.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max().unwrap_or(0);
            let highest = steps.map(|(one, two)| (two - one).abs()).max().unwrap();
            assert!(highest <= most(&sound) * 5 / 4, "a click: {highest} of {}", most(&sound));
        }
    }
}

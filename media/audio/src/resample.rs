//! From one rate to another.

use std::f64::consts::PI;

/// All of a sound at another rate; its length in time stays.
pub fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    let mut resampler = Resampler::new(from, to);
    let mut out = Vec::new();
    resampler.push(samples, &mut out);
    resampler.finish(&mut out);
    out
}

/// A windowed sinc in polyphase form: one row of taps for each place that an output sample can have between two input
/// samples. What lies below 0.87 of the lower rate's half passes unchanged (3.5 kHz for telephone sound); from that
/// half on nothing is left, by 80 dB. It delays by nothing in the sound and by 5 ms of the lower rate (8 kHz) in time.
#[derive(Debug, Clone)]
pub struct Resampler {
    /// Output samples of a period, and the input samples that they stand for: the ratio in lowest terms.
    up: usize,
    down: usize,
    taps: usize,
    rows: Rows,
    bank: Vec<f32>,
    /// Input not used up; the next output's first tap is on `input[at]`.
    input: Vec<f32>,
    at: usize,
    /// How far past its input sample the next output lies, in parts of `up`.
    place: usize,
    /// Input samples that output is still owed for, in parts of `up`; negative ones are ahead.
    owed: i64,
}

#[derive(Debug, Clone, Copy)]
enum Rows {
    /// A row a place.
    Exact,
    /// More places than rows: between two of them.
    Between,
}

impl Resampler {
    /// From and to so many samples a second, each at least 1.
    pub fn new(from: u32, to: u32) -> Resampler {
        Resampler::with(&THOROUGH, from, to)
    }

    /// The same for sound that somebody waits for: it delays by 2 ms of 8 kHz. What lies below 0.8 of the lower rate's half
    /// passes unchanged (3.2 kHz for telephone sound, 3.4 kHz less 1 dB); from 1.04 of that half on 60 dB are gone.
    pub fn live(from: u32, to: u32) -> Resampler {
        Resampler::with(&LIVE, from, to)
    }

    fn with(shape: &Shape, from: u32, to: u32) -> Resampler {
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        let passed = f64::min(1.0, f64::from(to) / f64::from(from));
        // The taps on either side, a multiple of four so that both sides together fill vectors of eight.
        let side = ((shape.crossings / passed).ceil() as usize).next_multiple_of(4);
        let (rows, places, count) =
            if up <= MOST_ROWS { (Rows::Exact, up, up) } else { (Rows::Between, MOST_ROWS, MOST_ROWS + 1) };
        let mut bank = Vec::with_capacity(count * 2 * side);
        for place in 0..count {
            let fraction = place as f64 / places as f64;
            let row = (0..2 * side).map(|tap| {
                let distance = tap as f64 - (side - 1) as f64 - fraction;
                if up == down {
                    f64::from(u8::from(distance == 0.0))
                } else {
                    shape.tap_at(distance, passed, side as f64)
                }
            });
            let sum: f64 = row.clone().sum();
            bank.extend(row.map(|tap| (tap / sum) as f32));
        }
        // Silence before the first sample puts the first output upon it.
        let input = vec![0.0; side - 1];
        Resampler { up, down, taps: 2 * side, rows, bank, input, at: 0, place: 0, owed: 0 }
    }

    /// Appends the output that this input completes.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.input.extend(samples.iter().map(|sample| f32::from(*sample)));
        self.owed += (samples.len() * self.up) as i64;
        self.produce(out);
    }

    /// Appends the output that waits for input, as if silence followed, and is as new.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        self.input.resize(self.input.len() + self.taps, 0.0);
        self.produce(out);
        self.input.clear();
        self.input.resize(self.taps / 2 - 1, 0.0);
        (self.at, self.place, self.owed) = (0, 0, 0);
    }

    fn produce(&mut self, out: &mut Vec<i16>) {
        while self.owed > 0 && self.at + self.taps <= self.input.len() {
            let window = &self.input[self.at..self.at + self.taps];
            let row = |row: usize| dot(window, &self.bank[row * self.taps..][..self.taps]);
            let sample = match self.rows {
                Rows::Exact => row(self.place),
                Rows::Between => {
                    let exact = self.place as f32 * MOST_ROWS as f32 / self.up as f32;
                    let (below, part) = (exact as usize, exact.fract());
                    row(below) * (1.0 - part) + row(below + 1) * part
                }
            };
            out.push(rounded(sample));
            self.owed -= self.down as i64;
            self.place += self.down;
            self.at += self.place / self.up;
            self.place %= self.up;
        }
        let used = self.at.min(self.input.len());
        self.input.drain(..used);
        self.at -= used;
    }
}

/// A low pass: how long, how wide, how deep.
struct Shape {
    /// Zero crossings of the sinc on either side, at the lower rate.
    crossings: f64,
    /// Middle of the flank between what passes and what does not, as a part of the lower rate's half.
    cutoff: f64,
    /// Of Kaiser's window.
    beta: f64,
}

impl Shape {
    /// The filter so many input samples from its middle: a sinc that passes the lower rate's half less the width of the
    /// flank, under Kaiser's window.
    fn tap_at(&self, distance: f64, passed: f64, side: f64) -> f64 {
        let cutoff = passed * self.cutoff;
        let angle = PI * cutoff * distance;
        let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
        let window = bessel(self.beta * (1.0 - (distance / side).powi(2)).max(0.0).sqrt()) / bessel(self.beta);
        cutoff * sinc * window
    }
}

/// The modified Bessel function of order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut step) = (1.0, 1.0, 1.0);
    while term > sum * 1e-12 {
        term *= (x / (2.0 * step)).powi(2);
        sum += term;
        step += 1.0;
    }
    sum
}

/// In eight sums side by side, which the compiler puts into vectors; both lengths are multiples of eight.
fn dot(one: &[f32], two: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (one, two) in one.as_chunks::<8>().0.iter().zip(two.as_chunks::<8>().0) {
        for lane in 0..8 {
            sums[lane] += one[lane] * two[lane];
        }
    }
    sums.iter().sum()
}

/// Halves away from zero, what is too loud at the limit; without the call into the C library that `round` is for the oldest
/// processors that we build for.
fn rounded(sample: f32) -> i16 {
    (sample + 0.5_f32.copysign(sample)) as i16
}

fn greatest_common_divisor(mut one: u32, mut two: u32) -> u32 {
    while two != 0 {
        (one, two) = (two, one % two);
    }
    one.max(1)
}

/// Kaiser's window for 80 dB.
const THOROUGH: Shape = Shape { crossings: 40.0, cutoff: 0.935, beta: 7.86 };
/// Kaiser's window for 60 dB.
const LIVE: Shape = Shape { crossings: 16.0, cutoff: 0.92, beta: 5.65 };
/// Between rows 1/512 of a sample apart a straight line is right to 100 dB.
const MOST_ROWS: usize = 512;

#[cfg(test)]
mod tests {
    use super::{Resampler, resample};
    use crate::{Phase, Signal, Tone, goertzel, level};

    fn tone(hertz: f32, rate: u32) -> Vec<i16> {
        let cadence = [Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds: 60_000 }];
        Signal::new(&cadence, rate).take(rate as usize).collect()
    }

    #[test]
    fn a_tone_keeps_frequency_level_and_length_from_any_rate() {
        for rate in [4000, 8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 48_000, 96_000, 192_000, 7919]
        {
            for hertz in [300.0, 1000.0, 1700.0] {
                let sound = resample(&tone(hertz, rate), rate, 8000);
                assert_eq!(sound.len(), 8000, "{rate}");
                let middle = &sound[400..7600];
                let (all, at) = (level(middle), goertzel(middle, 8000, f64::from(hertz)));
                assert!((at + 10.0).abs() < 0.05 && (all + 10.0).abs() < 0.05, "{rate} {hertz}: {at} {all}");
            }
        }
        for rate in [16_000, 44_100, 48_000] {
            let sound = resample(&tone(3000.0, 8000), 8000, rate);
            assert_eq!(sound.len(), rate as usize);
            let middle = &sound[rate as usize / 4..rate as usize * 3 / 4];
            assert!((goertzel(middle, rate, 3000.0) + 10.0).abs() < 0.05);
            assert!(goertzel(middle, rate, 5000.0) < -85.0, "{rate} {}", goertzel(middle, rate, 5000.0));
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone() {
        for hertz in [4000.0, 4400.0, 5000.0, 7000.0, 12_000.0, 20_000.0] {
            let sound = resample(&tone(hertz, 48_000), 48_000, 8000);
            assert!(level(&sound[400..7600]) < -80.0, "{hertz}: {}", level(&sound[400..7600]));
        }
        assert!((level(&resample(&tone(3450.0, 48_000), 48_000, 8000)[400..7600]) + 10.0).abs() < 0.1);
    }

    #[test]
    fn pieces_of_any_size_give_the_same_sound() {
        for (from, to) in [(44_100, 8000), (8000, 48_000), (16_000, 8000), (44_101, 8000), (8000, 8000)] {
            let sound = tone(440.0, from);
            let whole = resample(&sound, from, to);
            let mut resampler = Resampler::new(from, to);
            for round in 0..2 {
                let mut pieces = Vec::new();
                let mut rest = &sound[..];
                for size in [1, 7, 160, 161, 1000, 3].into_iter().cycle() {
                    let (piece, after) = rest.split_at(size.min(rest.len()));
                    resampler.push(piece, &mut pieces);
                    rest = after;
                    if rest.is_empty() {
                        break;
                    }
                }
                resampler.finish(&mut pieces);
                assert_eq!(pieces, whole, "{from} to {to}, round {round}");
            }
        }
        assert_eq!(resample(&[], 44_100, 8000), []);
    }

    #[test]
    fn live_sound_waits_for_2_ms_and_loses_little() {
        for (from, to) in
            [(8000, 16_000), (8000, 48_000), (16_000, 8000), (48_000, 8000), (44_100, 8000), (8000, 44_100)]
        {
            let heard = |hertz| {
                let (mut resampler, mut out) = (Resampler::live(from, to), Vec::new());
                resampler.push(&tone(hertz, from), &mut out);
                let waits = to as usize - out.len();
                assert!(waits <= to as usize / 490, "{from} to {to}: {waits}");
                out
            };
            for hertz in [300.0, 1000.0, 3200.0] {
                let sound = heard(hertz);
                let at = goertzel(&sound[to as usize / 20..], to, f64::from(hertz));
                assert!((at + 10.0).abs() < 0.1, "{from} to {to}, {hertz}: {at}");
            }
            match from > to {
                true => {
                    let left = level(&heard(4200.0)[to as usize / 20..]);
                    assert!(left < -68.0, "{from} to {to}: {left}");
                }
                false => {
                    let image = goertzel(&heard(3200.0)[to as usize / 20..], to, 4800.0);
                    assert!(image < -68.0, "{from} to {to}: {image}");
                }
            }
        }
    }

    #[test]
    fn equal_rates_change_nothing() {
        let sound = tone(3990.0, 8000);
        assert_eq!(resample(&sound, 8000, 8000), sound);
    }
}

//! The enhancer: makes voiced excitation more periodic by a mean over the pitch cycles around each block
//! (RFC 3951 §4.6).

mod cycles;

use std::ops::Range;

use crate::Mode;
use crate::filter::{dot, energy};
use crate::mode::SUB_BLOCK;

use cycles::{Cycles, SURROUND};

/// Whether an excitation was received or made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Received,
    Concealed,
}

/// Enhances one stream's excitation, with a delay.
#[derive(Clone, Debug)]
pub struct Enhancer {
    mode: Mode,
    /// The newest excitation.
    history: [f32; HISTORY],
    /// The pitch period in samples of each block of it.
    periods: [usize; BLOCKS],
    last: Arrival,
}

impl Enhancer {
    pub fn new(mode: Mode) -> Self {
        Enhancer { mode, history: [0.0; HISTORY], periods: [40; BLOCKS], last: Arrival::Received }
    }

    /// Samples by which the output lags behind the input.
    pub const fn delay(mode: Mode) -> usize {
        match mode {
            Mode::Ms20 => SUB_BLOCK,
            Mode::Ms30 => 2 * SUB_BLOCK,
        }
    }

    /// The pitch period of the newest block, in samples: 20 to 118.
    pub fn last_period(&self) -> usize {
        self.periods[BLOCKS - 1]
    }

    /// Takes in a frame of excitation; `out`, of the same length, is the enhanced excitation up to the delay.
    pub fn enhance(&mut self, excitation: &[f32], arrival: Arrival, out: &mut [f32]) {
        let new = excitation.len();
        self.history.copy_within(new.., 0);
        self.history[HISTORY - new..].copy_from_slice(excitation);
        self.estimate_periods(new / BLOCK);
        if std::mem::replace(&mut self.last, arrival) == Arrival::Concealed {
            self.join(new);
        }
        let start = HISTORY - new - Self::delay(self.mode);
        for (n, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let cycles = Cycles::around(&self.history, start + n * BLOCK, &self.periods);
            smooth(&cycles, out);
        }
    }

    /// Finds the periods of the newest `count` blocks at half the sampling rate (RFC 3951 §4.6.1).
    fn estimate_periods(&mut self, count: usize) {
        self.periods.copy_within(count.., 0);
        let first = BLOCKS - count;
        let reach = MAX_PERIOD / 2;
        let mut halved = [0.0; (HISTORY - 5 * BLOCK + MAX_PERIOD) / 2];
        let halved = &mut halved[..reach + count * BLOCK / 2];
        halve(&self.history, first * BLOCK - MAX_PERIOD, halved);
        for (n, period) in self.periods[first..].iter_mut().enumerate() {
            *period = 2 * best_lag(halved, reach + n * BLOCK / 2, BLOCK / 2, MIN_PERIOD / 2..reach);
        }
    }

    /// Fades the concealed excitation that is still to be played into a backward continuation of the new frame
    /// (RFC 3951 §4.5.3).
    fn join(&mut self, new: usize) {
        let length = Self::delay(self.mode);
        let (past, frame) = self.history.split_at_mut(HISTORY - new);
        let first = BLOCKS - new / BLOCK;
        let estimate = self.periods[first];
        // The frame's beginning against what follows it a period later.
        let score = |period: &usize| {
            let later = &frame[(*period).min(new)..];
            periodicity(&frame[..length.min(later.len())], &later[..length.min(later.len())])
        };
        let period =
            (estimate - 1..=estimate + 1).rev().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or(estimate);
        self.periods[first - 1] = period;

        let mut backward = [0.0; 2 * SUB_BLOCK];
        let backward = &mut backward[..length];
        let repeated = period.min(length);
        backward[length - repeated..].copy_from_slice(&frame[period - repeated..period]);
        let rest = length - repeated;
        backward[..rest].copy_from_slice(&past[past.len() - rest..]);

        let concealed = &mut past[HISTORY - new - length..];
        let ratio = 2.0 * (energy(concealed) / energy(backward).max(f32::MIN_POSITIVE)).sqrt();
        let weight = |n: usize| (n + 1) as f32 / (length + 1) as f32;
        for (n, (concealed, backward)) in concealed.iter_mut().zip(backward).enumerate() {
            // A sudden rise is limited to twice the amplitude until the last ten samples.
            let limit = match (n + 10).checked_sub(length) {
                _ if ratio >= 1.0 => 1.0,
                None => ratio,
                Some(rise) => ratio + (1.0 - ratio) * rise as f32 / 10.0,
            };
            *concealed = (1.0 - weight(n)) * *concealed + weight(n) * limit * *backward;
        }
    }
}

/// Low-passes `history` from `start` on and takes every second sample.
fn halve(history: &[f32; HISTORY], start: usize, out: &mut [f32]) {
    for (n, out) in out.iter_mut().enumerate() {
        let from = start + 2 * n - LOW_PASS.len() / 2;
        *out = dot(&history[from..], &LOW_PASS);
    }
}

/// The lag at which the `length` samples from `start` on are most like those before them; the shortest of equals.
fn best_lag(signal: &[f32], start: usize, length: usize, lags: Range<usize>) -> usize {
    let target = &signal[start..start + length];
    let mut best = (lags.start, f32::NEG_INFINITY);
    for lag in lags {
        let score = periodicity(target, &signal[start - lag..][..length]);
        if score > best.1 {
            best = (lag, score);
        }
    }
    best.0
}

/// The squared correlation over the other's energy; 0 if they are not alike at all.
fn periodicity(target: &[f32], other: &[f32]) -> f32 {
    let correlation = dot(target, other);
    if correlation > 0.0 { correlation * correlation / energy(other) } else { 0.0 }
}

/// Weighs the cycles around a block against the block itself, whose energy is kept and from which the result may differ
/// only so far (RFC 3951 §4.6.3 to §4.6.5).
fn smooth(cycles: &Cycles, out: &mut [f32]) {
    let current = cycles.current();
    let mut surround = [0.0; BLOCK];
    for (cycle, weight) in cycles.others().zip(SURROUND) {
        for (sum, sample) in surround.iter_mut().zip(cycle) {
            *sum += weight * sample;
        }
    }
    let own = energy(current).max(1.0);
    let others = energy(&surround).max(1.0);
    let level = (energy(current) / others).sqrt();
    let difference: f32 = current.iter().zip(&surround).map(|(a, b)| (a - level * b).powi(2)).sum();
    let (of_surround, of_current) = if difference <= CHANGE * energy(current) {
        (level, 0.0)
    } else {
        let common = dot(&surround, current) / own;
        let remainder = others / own - common * common;
        if remainder > 1e-4 {
            let share = ((CHANGE - CHANGE * CHANGE / 4.0) / remainder).sqrt();
            (share, 1.0 - CHANGE / 2.0 - share * common)
        } else {
            (0.0, 1.0)
        }
    };
    for ((out, around), own) in out.iter_mut().zip(&surround).zip(current) {
        *out = of_surround * around + of_current * own;
    }
}

/// Samples of a block.
const BLOCK: usize = 2 * SUB_BLOCK;

/// Blocks of history.
const BLOCKS: usize = 8;
const HISTORY: usize = BLOCKS * BLOCK;

/// Periods are looked for from this one on.
const MIN_PERIOD: usize = 20;

/// Periods are shorter than this.
const MAX_PERIOD: usize = 120;

/// How far a block may be changed: the energy of the difference over its own.
const CHANGE: f32 = 0.05;

/// `lpFilt_coefsTbl`.
const LOW_PASS: [f32; 7] = [-0.066_65, 0.125, 0.316_65, 0.414_063, 0.316_65, 0.125, -0.066_65];

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses(first: usize, period: usize, length: usize) -> Vec<f32> {
        (0..length).map(|n| if n >= first && (n - first).is_multiple_of(period) { 1000.0 } else { 0.0 }).collect()
    }

    #[test]
    fn the_period_of_a_periodic_excitation_is_found() {
        for mode in [Mode::Ms20, Mode::Ms30] {
            let mut enhancer = Enhancer::new(mode);
            let length = mode.frame_samples();
            let mut out = vec![0.0; length];
            for frame in pulses(0, 46, 6 * length).chunks_exact(length) {
                enhancer.enhance(frame, Arrival::Received, &mut out);
            }
            assert!([46, 92].contains(&enhancer.last_period()), "{mode:?}: {}", enhancer.last_period());
        }
    }

    #[test]
    fn a_periodic_excitation_loses_the_noise_and_keeps_its_energy() {
        let length = Mode::Ms30.frame_samples();
        let clean = pulses(0, 50, 8 * length);
        let noisy: Vec<f32> = clean.iter().enumerate().map(|(n, s)| s + ((n * 7919) % 41) as f32 - 20.0).collect();
        let mut enhancer = Enhancer::new(Mode::Ms30);
        let mut enhanced = vec![0.0; noisy.len()];
        for (frame, out) in noisy.chunks_exact(length).zip(enhanced.chunks_exact_mut(length)) {
            enhancer.enhance(frame, Arrival::Received, out);
        }
        let delay = Enhancer::delay(Mode::Ms30);
        let span = 4 * length..7 * length;
        let (clean, noisy) = (&clean[span.clone()], &noisy[span.clone()]);
        let enhanced = &enhanced[span.start + delay..span.end + delay];
        let noise = |signal: &[f32]| signal.iter().zip(clean).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        assert!(noise(enhanced) < 0.6 * noise(noisy), "{} of {}", noise(enhanced), noise(noisy));
        assert!((energy(enhanced) / energy(noisy) - 1.0).abs() < 0.05);
    }

    #[test]
    fn the_frame_after_a_loss_is_led_into() {
        for mode in [Mode::Ms20, Mode::Ms30] {
            let (length, delay) = (mode.frame_samples(), Enhancer::delay(mode));
            let mut enhancer = Enhancer::new(mode);
            let mut out = vec![0.0; length];
            let concealed = vec![100.0; length];
            enhancer.enhance(&concealed, Arrival::Concealed, &mut out);
            let before = enhancer.history;
            // The pulse before its first would have been ten samples before its beginning.
            enhancer.enhance(&pulses(20, 30, length), Arrival::Received, &mut out);
            let joined = &enhancer.history[HISTORY - length - delay..HISTORY - length];
            assert!((joined[1] - 100.0).abs() < 6.0, "{mode:?}: {joined:?}");
            assert!(joined[delay - 10] > 150.0, "{mode:?}: {joined:?}");
            assert!(joined[delay - 1] < 10.0, "{mode:?}: {joined:?}");
            assert_eq!(enhancer.history[..HISTORY - length - delay], before[length..HISTORY - delay]);
        }
    }
}

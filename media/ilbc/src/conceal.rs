//! What is played in place of a lost frame: the last excitation's pitch cycles, mixed with noise as far as it was
//! unvoiced (RFC 3951 §4.5.2).

use crate::Mode;
use crate::filter::{FLAT, Lpc, dot, energy};
use crate::mode::MAX_SAMPLES;

/// Remembers the last frame, so that it can be continued.
#[derive(Clone, Debug)]
pub struct Concealer {
    length: usize,
    excitation: [f32; MAX_SAMPLES],
    lpc: Lpc,
    /// Of the frames lost since the last one received.
    loss: Option<Loss>,
    seed: u32,
}

#[derive(Clone, Copy, Debug)]
struct Loss {
    frames: usize,
    pitch: Pitch,
}

/// How the last excitation received repeats itself.
#[derive(Clone, Copy, Debug)]
struct Pitch {
    period: usize,
    /// Normalised correlation with the cycle before, 0 to 1.
    periodicity: f32,
}

impl Concealer {
    pub fn new(mode: Mode) -> Self {
        Concealer { length: mode.frame_samples(), excitation: [0.0; MAX_SAMPLES], lpc: FLAT, loss: None, seed: 777 }
    }

    /// Remembers a frame received and its last filter (RFC 3951 §4.5.1).
    pub fn received(&mut self, excitation: &[f32; MAX_SAMPLES], lpc: &Lpc) {
        self.excitation = *excitation;
        self.lpc = *lpc;
        self.loss = None;
    }

    /// The excitation and the filter of a lost frame; `period` is the enhancer's last estimate in samples.
    pub fn conceal(&mut self, period: usize) -> ([f32; MAX_SAMPLES], Lpc) {
        let loss = match self.loss {
            Some(Loss { frames, pitch }) => Loss { frames: frames + 1, pitch },
            None => Loss { frames: 1, pitch: self.pitch_near(period) },
        };
        self.loss = Some(loss);
        let fade = match loss.frames * self.length {
            0..=320 => 1.0,
            321..=640 => 0.9,
            641..=960 => 0.7,
            961..=1280 => 0.5,
            _ => 0.0,
        };
        let voiced = ((loss.pitch.periodicity.sqrt() - 0.4) / 0.3).clamp(0.0, 1.0);
        // A short cycle is repeated in pairs, which sounds less like a machine.
        let delay = if loss.pitch.period < 80 { 2 * loss.pitch.period } else { loss.pitch.period };

        let (mut noise, mut mixed) = ([0.0; MAX_SAMPLES], [0.0; MAX_SAMPLES]);
        for n in 0..self.length {
            noise[n] = self.delayed(&noise, n, self.random_delay());
            let decline = [1.0, 0.95, 0.9][n / 80];
            mixed[n] = fade * decline * (voiced * self.delayed(&mixed, n, delay) + (1.0 - voiced) * noise[n]);
            self.seed = next(self.seed);
        }
        if energy(&mixed) < QUIET * QUIET * self.length as f32 {
            mixed = noise.map(|sample| fade * sample);
        }
        self.excitation = mixed;
        (mixed, self.lpc)
    }

    /// The sample `delay` before the `n`th of a frame that follows the last excitation.
    fn delayed(&self, frame: &[f32; MAX_SAMPLES], n: usize, delay: usize) -> f32 {
        match n.checked_sub(delay) {
            Some(at) => frame[at],
            None => self.excitation[self.length + n - delay],
        }
    }

    /// 50 to 119 samples.
    fn random_delay(&self) -> usize {
        50 + (next(self.seed) % 70) as usize
    }

    /// The best period within three samples of `period`.
    fn pitch_near(&self, period: usize) -> Pitch {
        let excitation = &self.excitation[..self.length];
        let mut best = (f32::NEG_INFINITY, Pitch { period, periodicity: 0.0 });
        for period in period - 3..=period + 3 {
            let start = self.length - PITCH_SPAN.min(self.length - period);
            let (now, before) = (&excitation[start..], &excitation[start - period..self.length - period]);
            let (correlation, power) = (dot(now, before), energy(before));
            if power > 0.0 && correlation * correlation / power > best.0 {
                let periodicity = correlation.abs() / (power.sqrt() * energy(now).sqrt()).max(f32::MIN_POSITIVE);
                best = (correlation * correlation / power, Pitch { period, periodicity });
            }
        }
        best.1
    }
}

/// The generator of the specification, modulo 2³¹; its chance needs not be any better.
fn next(seed: u32) -> u32 {
    seed.wrapping_mul(69_069).wrapping_add(1) & 0x7fff_ffff
}

/// Samples over which two cycles are compared.
const PITCH_SPAN: usize = 60;

/// Below this root mean square (30 dB) only noise is played.
const QUIET: f32 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses(period: usize) -> [f32; MAX_SAMPLES] {
        std::array::from_fn(|n| if n % period == 0 { 2000.0 } else { 10.0 })
    }

    #[test]
    fn a_lost_voiced_frame_goes_on_with_its_pitch() {
        let mut concealer = Concealer::new(Mode::Ms30);
        concealer.received(&pulses(60), &FLAT);
        let (excitation, _) = concealer.conceal(62);
        let expected = pulses(60);
        for (n, (ours, expected)) in excitation.iter().zip(expected).enumerate() {
            assert!((ours - expected).abs() < 0.16 * expected, "{n}: {ours} instead of {expected}");
        }
    }

    #[test]
    fn a_long_loss_fades_to_silence() {
        for mode in [Mode::Ms20, Mode::Ms30] {
            let mut concealer = Concealer::new(mode);
            concealer.received(&pulses(60), &FLAT);
            let energies: Vec<f32> = (0..12).map(|_| energy(&concealer.conceal(60).0)).collect();
            assert!(energies.iter().all(|energy| *energy <= energies[0]), "{energies:?}");
            assert!(energies[6] < 0.3 * energies[0], "{energies:?}");
            assert_eq!(energies.last(), Some(&0.0));
        }
    }

    #[test]
    fn a_loss_before_the_first_frame_is_silent() {
        assert_eq!(Concealer::new(Mode::Ms20).conceal(20).0, [0.0; MAX_SAMPLES]);
    }
}

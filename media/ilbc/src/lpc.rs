//! The spectral envelope: linear prediction of the frame, quantised and interpolated to a filter a sub-block
//! (RFC 3951 §3.2, §3.3, §4.1).

use std::f32::consts::PI;

use crate::Mode;
use crate::filter::{FLAT, Lpc, ORDER, dot, expand_bandwidth};
use crate::lsf::{self, Index, Lsf};
use crate::mode::MAX_SUB_BLOCKS;

/// One filter a sub-block; those past the mode's last are [`FLAT`].
pub type Filters = [Lpc; MAX_SUB_BLOCKS];

/// What the analysis of a frame gives.
pub struct Envelope {
    /// The codebook indices, one a codebook and analysis.
    pub indices: [Index; 2],
    /// The filters that the decoder will use too.
    pub synthesis: Filters,
    /// The perceptual weighting of each sub-block, from the unquantised envelope (RFC 3951 §3.4).
    pub weighting: Filters,
}

/// Finds the envelope frame by frame.
#[derive(Clone, Debug)]
pub struct Analyser {
    mode: Mode,
    /// The newest 300 samples of high-passed input.
    history: [f32; LOOKBACK + WINDOW],
    symmetric: [f32; WINDOW],
    asymmetric: [f32; WINDOW],
    unquantised: Interpolator,
    quantised: Interpolator,
}

impl Analyser {
    pub fn new(mode: Mode) -> Self {
        Analyser {
            mode,
            history: [0.0; LOOKBACK + WINDOW],
            symmetric: symmetric_window(),
            asymmetric: asymmetric_window(),
            unquantised: Interpolator::new(mode),
            quantised: Interpolator::new(mode),
        }
    }

    /// The envelope of the next frame of high-passed `samples`.
    pub fn analyse(&mut self, samples: &[f32]) -> Envelope {
        self.history.copy_within(samples.len().., 0);
        let end = self.history.len() - samples.len();
        self.history[end..].copy_from_slice(samples);

        let mut fallback = self.unquantised.last;
        let mut envelope_at = |start: usize, window: &[f32; WINDOW]| {
            let lpc = expand_bandwidth(&predict(&self.history[start..], window), SYNTHESIS_EXPANSION);
            fallback = lsf::from_lpc(&lpc).unwrap_or(fallback);
            fallback
        };
        let spectra = match self.mode {
            Mode::Ms20 => [envelope_at(LOOKBACK, &self.asymmetric); 2],
            Mode::Ms30 => [envelope_at(0, &self.symmetric), envelope_at(LOOKBACK, &self.asymmetric)],
        };
        let indices = spectra.map(|spectrum| lsf::quantise(&spectrum));
        Envelope {
            indices,
            synthesis: self.quantised.interpolate(indices.map(lsf::dequantise)),
            weighting: self.unquantised.interpolate(spectra).map(|lpc| expand_bandwidth(&lpc, WEIGHTING_EXPANSION)),
        }
    }
}

/// Line spectral frequencies of a frame, moved gradually from those of the frame before (RFC 3951 §3.2.6, §3.2.7).
#[derive(Clone, Debug)]
pub struct Interpolator {
    mode: Mode,
    last: Lsf,
}

impl Interpolator {
    pub fn new(mode: Mode) -> Self {
        Interpolator { mode, last: lsf::MEAN }
    }

    /// The filters of the next frame; in the 20 ms mode only the first of `spectra` counts.
    pub fn interpolate(&mut self, spectra: [Lsf; 2]) -> Filters {
        let [first, second] = spectra;
        let last = self.last;
        let mut filters = [FLAT; MAX_SUB_BLOCKS];
        let between = |from: &Lsf, to: &Lsf, weight: f32| lsf::to_lpc(&lsf::mix(from, to, weight));
        match self.mode {
            Mode::Ms20 => {
                for (filter, weight) in filters.iter_mut().zip([3.0 / 4.0, 2.0 / 4.0, 1.0 / 4.0, 0.0]) {
                    *filter = between(&last, &first, weight);
                }
                self.last = first;
            }
            Mode::Ms30 => {
                filters[0] = between(&last, &first, 1.0 / 2.0);
                for (filter, weight) in filters[1..].iter_mut().zip([1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]) {
                    *filter = between(&first, &second, weight);
                }
                self.last = second;
            }
        }
        filters
    }
}

/// The prediction polynomial of the windowed samples, by autocorrelation, lag window and the Levinson-Durbin recursion.
fn predict(samples: &[f32], window: &[f32; WINDOW]) -> Lpc {
    let mut windowed = *window;
    for (weight, sample) in windowed.iter_mut().zip(samples) {
        *weight *= sample;
    }
    let mut correlation = [0.0; ORDER + 1];
    for (lag, value) in correlation.iter_mut().enumerate() {
        *value = dot(&windowed, &windowed[lag..]) * lag_window(lag);
    }
    levinson_durbin(&correlation)
}

/// [`FLAT`] for silence.
fn levinson_durbin(correlation: &[f32; ORDER + 1]) -> Lpc {
    let mut lpc = FLAT;
    let mut error = correlation[0];
    if error < f32::EPSILON {
        return lpc;
    }
    for order in 1..=ORDER {
        let sum: f32 = (0..order).map(|k| lpc[k] * correlation[order - k]).sum();
        let reflection = -sum / error;
        let previous = lpc;
        for k in 1..=order {
            lpc[k] += reflection * previous[order - k];
        }
        error *= 1.0 - reflection * reflection;
    }
    lpc
}

/// Hann window, for the middle of a 30 ms frame.
fn symmetric_window() -> [f32; WINDOW] {
    std::array::from_fn(|n| (PI * (n + 1) as f32 / (WINDOW + 1) as f32).sin().powi(2))
}

/// Window with its weight on the end of the frame: a rise of 220 samples, a fall of 20.
fn asymmetric_window() -> [f32; WINDOW] {
    let rise = WINDOW - FALL;
    std::array::from_fn(|n| match n.checked_sub(rise) {
        None => (PI * (n + 1) as f32 / (2 * rise + 1) as f32).sin().powi(2),
        Some(fall) => (PI * fall as f32 / (2 * FALL) as f32).cos(),
    })
}

/// Smooths the spectrum by a Gaussian of 60 Hz, and adds white noise 40 dB below the signal.
fn lag_window(lag: usize) -> f32 {
    match lag {
        0 => 1.0001,
        _ => (-0.5 * (2.0 * PI * 60.0 / 8000.0 * lag as f32).powi(2)).exp(),
    }
}

/// Samples of an analysis window.
const WINDOW: usize = 240;

/// Samples before the newest window that the first analysis of a 30 ms frame reaches back to.
const LOOKBACK: usize = 60;

/// Falling samples at the end of the asymmetric window.
const FALL: usize = 20;

const SYNTHESIS_EXPANSION: f32 = 0.9025;
const WEIGHTING_EXPANSION: f32 = 0.4222;

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of `lpc_winTbl`, `lpc_asymwinTbl` and `lpc_lagwinTbl` of RFC 3951, which are in units of 2⁻¹⁵.
    #[test]
    fn the_windows_are_those_of_the_specification() {
        let close = |ours: f32, table: f32| assert!((ours - table).abs() < 3.1e-5, "{ours} instead of {table}");
        for (n, table) in [(0, 0.000183), (1, 0.000671), (60, 0.509766), (119, 0.999969), (239, 0.000183)] {
            close(symmetric_window()[n], table);
        }
        for (n, table) in
            [(0, 0.000061), (50, 0.126282), (99, 0.427246), (219, 0.999969), (221, 0.996918), (239, 0.078461)]
        {
            close(asymmetric_window()[n], table);
        }
        for (lag, table) in [(0, 1.0001), (1, 0.99889), (10, 0.894909)] {
            close(lag_window(lag), table);
        }
    }

    #[test]
    fn prediction_recovers_a_resonance() {
        let (radius, angle) = (0.9f32, 0.6f32);
        let resonance = [2.0 * radius * angle.cos(), -radius * radius];
        let mut samples = vec![0.0f32; WINDOW];
        for n in 0..WINDOW {
            let impulse = if n % 80 == 0 { 1000.0 } else { 0.0 };
            let past = |k: usize| n.checked_sub(k).map_or(0.0, |at| samples[at]);
            samples[n] = impulse + resonance[0] * past(1) + resonance[1] * past(2);
        }
        let lpc = predict(&samples, &symmetric_window());
        assert!((lpc[1] + resonance[0]).abs() < 0.1, "{lpc:?}");
        assert!((lpc[2] + resonance[1]).abs() < 0.1, "{lpc:?}");
    }
}

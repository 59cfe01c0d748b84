//! From samples to frames.

use crate::frame::{Parameters, Quarter};
use crate::lar::{self, Interpolation};
use crate::long_term::Past;
use crate::preprocess::Preprocess;
use crate::short_term::Analysis;
use crate::{FRAME_BYTES, FRAME_SAMPLES, QUARTER, lpc, rpe};

/// The sending side of one stream (§4.2).
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    preprocess: Preprocess,
    interpolation: Interpolation,
    analysis: Analysis,
    past: Past,
}

impl Encoder {
    /// The frame for the next 20 ms: 16-bit samples at 8 kHz, of which the upper 13 bits are used.
    pub fn encode(&mut self, samples: &[i16; FRAME_SAMPLES]) -> [u8; FRAME_BYTES] {
        let mut signal = self.preprocess.filter(samples);
        let lars = lar::quantize(&lpc::reflection(&mut signal));
        // The filter is the decoder's: its coefficients are those that will be received.
        self.analysis.filter(&mut signal, &self.interpolation.advance(&lars));
        let (quarters, _) = signal.as_chunks::<QUARTER>();
        let quarters = [0, 1, 2, 3].map(|index| self.quarter(&quarters[index]));
        Parameters { lars, quarters }.to_bytes()
    }

    fn quarter(&mut self, signal: &[i16; QUARTER]) -> Quarter {
        let (lag, gain) = self.past.search(signal);
        let prediction = self.past.predict(lag, gain);
        let mut residual = *signal;
        for (sample, predicted) in residual.iter_mut().zip(prediction) {
            *sample = sample.saturating_sub(predicted);
        }
        let excitation = rpe::quantize(&residual);
        self.past.push(&prediction, &rpe::dequantize(&excitation));
        Quarter { lag, gain, excitation }
    }
}

//! The lattice filters: one takes the shape of the spectrum away (§4.2.10), the other gives it back (§4.3.4).

use crate::FRAME_SAMPLES;
use crate::arithmetic::mult_r;
use crate::lar::SECTIONS;

/// Leaves what the eight samples before do not foretell.
#[derive(Debug, Clone, Default)]
pub struct Analysis {
    /// u: for each stage, the last sample that came to it backwards.
    last: [i16; 8],
}

impl Analysis {
    /// In place. Stage by stage over all samples, which gives the same as sample by sample: no stage hears of a later
    /// one.
    pub fn filter(&mut self, samples: &mut [i16; FRAME_SAMPLES], sections: &[[i16; 8]; 4]) {
        let mut backward = *samples;
        for (stage, last) in self.last.iter_mut().enumerate() {
            let mut coefficients = [0; FRAME_SAMPLES];
            for (range, section) in SECTIONS.into_iter().zip(sections) {
                coefficients[range].fill(section[stage]);
            }
            let mut delayed = [*last; FRAME_SAMPLES];
            delayed[1..].copy_from_slice(&backward[..FRAME_SAMPLES - 1]);
            *last = backward[FRAME_SAMPLES - 1];
            for k in 0..FRAME_SAMPLES {
                let ahead = samples[k];
                samples[k] = ahead.saturating_add(mult_r(coefficients[k], delayed[k]));
                backward[k] = delayed[k].saturating_add(mult_r(coefficients[k], ahead));
            }
        }
    }
}

/// The reverse of [`Analysis`].
#[derive(Debug, Clone, Default)]
pub struct Synthesis {
    /// v; the last of the nine is written only.
    delayed: [i16; 9],
}

impl Synthesis {
    /// In place.
    pub fn filter(&mut self, samples: &mut [i16; FRAME_SAMPLES], sections: &[[i16; 8]; 4]) {
        for (range, section) in SECTIONS.into_iter().zip(sections) {
            for sample in &mut samples[range] {
                for stage in (0..8).rev() {
                    let delayed = self.delayed[stage];
                    *sample = sample.saturating_sub(mult_r(section[stage], delayed));
                    self.delayed[stage + 1] = delayed.saturating_add(mult_r(section[stage], *sample));
                }
                self.delayed[0] = *sample;
            }
        }
    }
}

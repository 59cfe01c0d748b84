//! What becomes of the samples before they are analysed (§4.2.0 to §4.2.3), and its reverse (§4.3.5 to §4.3.7).

use crate::FRAME_SAMPLES;
use crate::arithmetic::mult_r;

/// Takes away what is constant and raises the high frequencies.
#[derive(Debug, Clone, Default)]
pub struct Preprocess {
    /// z1: the sample before.
    before: i16,
    /// L_z2: what the high-pass gave for it, with 15 more places.
    offset_free: i32,
    /// mp: the same, rounded.
    rounded: i16,
}

impl Preprocess {
    pub fn filter(&mut self, samples: &[i16; FRAME_SAMPLES]) -> [i16; FRAME_SAMPLES] {
        samples.map(|sample| {
            let sample = sample >> 3 << 2;
            let step = i32::from(sample) - i32::from(self.before);
            self.before = sample;
            // The specification multiplies the upper and the lower half apart; the sum is this.
            let leaked = (i64::from(self.offset_free) * LEAK + (1 << 14)) >> 15;
            self.offset_free = (leaked as i32).saturating_add(step << 15);
            let rounded = (self.offset_free.saturating_add(1 << 14) >> 15) as i16;
            let emphasised = rounded.saturating_add(mult_r(self.rounded, -EMPHASIS));
            self.rounded = rounded;
            emphasised
        })
    }
}

/// Lowers the high frequencies again.
#[derive(Debug, Clone, Default)]
pub struct Postprocess {
    /// msr: the result before.
    before: i16,
}

impl Postprocess {
    /// In place. Of each sample the upper 13 bits are used.
    pub fn filter(&mut self, samples: &mut [i16; FRAME_SAMPLES]) {
        for sample in samples {
            self.before = sample.saturating_add(mult_r(self.before, EMPHASIS));
            *sample = self.before.saturating_add(self.before) & !7;
        }
    }
}

/// alpha of the high-pass: 32735 / 32768.
const LEAK: i64 = 32735;

/// beta of the pre-emphasis: 28180 / 32768.
const EMPHASIS: i16 = 28180;

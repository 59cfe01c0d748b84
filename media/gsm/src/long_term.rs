//! What a quarter repeats of the 15 ms before it: the pitch of a voice (§4.2.11, §4.2.12, §4.2.18, §4.3.2).

use std::ops::RangeInclusive;

use crate::QUARTER;
use crate::arithmetic::{correlation, mult, mult_r, norm, peak};

/// How far back a quarter may look, in samples.
pub const LAGS: RangeInclusive<u8> = 40..=120;

/// The last 120 samples as the decoder has them, between the two filters; the encoder follows.
#[derive(Debug, Clone)]
pub struct Past([i16; PAST]);

impl Default for Past {
    fn default() -> Past {
        Past([0; PAST])
    }
}

impl Past {
    /// The lag at which the past resembles `wanted` most, and the code of the gain that brings it nearest.
    pub fn search(&self, wanted: &[i16; QUARTER]) -> (u8, u8) {
        let peak = peak(wanted);
        let shift = if peak == 0 { 0 } else { 6_u32.saturating_sub(norm(i32::from(peak) << 16)) };
        // No sample is above 512, so 40 products fit twice.
        let scaled = wanted.map(|sample| sample >> shift);
        let (mut lag, mut best) = (*LAGS.start(), 0);
        for candidate in LAGS {
            let correlation = correlation(&scaled, self.back(candidate));
            if correlation > best {
                (lag, best) = (candidate, correlation);
            }
        }
        let likeness = (best << 1) >> (6 - shift);
        let repeated = self.back(lag).map(|sample| sample >> 3);
        let power = correlation(&repeated, &repeated) << 1;
        (lag, gain(likeness, power))
    }

    /// What is repeated from `lag` back, which must be one of the [`LAGS`], with the gain of this code.
    pub fn predict(&self, lag: u8, gain: u8) -> [i16; QUARTER] {
        let factor = GAINS[usize::from(gain & 3)];
        self.back(lag).map(|sample| mult_r(factor, sample))
    }

    /// Makes the next 40 samples, of what is repeated and what is added to it, and remembers them.
    pub fn push(&mut self, prediction: &[i16; QUARTER], added: &[i16; QUARTER]) -> &[i16; QUARTER] {
        self.0.copy_within(QUARTER.., 0);
        for (k, sample) in self.0[PAST - QUARTER..].iter_mut().enumerate() {
            *sample = prediction[k].saturating_add(added[k]);
        }
        self.back(*LAGS.start())
    }

    fn back(&self, lag: u8) -> &[i16; QUARTER] {
        self.0[PAST - usize::from(lag)..].first_chunk().expect("the lag is at least a quarter")
    }
}

/// The code of the first gain whose decision level `likeness` / `power` does not exceed.
fn gain(likeness: i32, power: i32) -> u8 {
    if likeness <= 0 {
        return 0;
    }
    if likeness >= power {
        return 3;
    }
    let shift = norm(power);
    let (likeness, power) = (((likeness << shift) >> 16) as i16, ((power << shift) >> 16) as i16);
    DECISIONS.iter().filter(|decision| likeness > mult(power, **decision)).count() as u8
}

const PAST: usize = 120;

/// DLB (table 4.3a).
const DECISIONS: [i16; 3] = [6554, 16384, 26214];

/// QLB (table 4.3b).
const GAINS: [i16; 4] = [3277, 11469, 21299, 32767];

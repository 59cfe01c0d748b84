//! The filter bank of 24 taps that splits 16,000 samples a second into two bands and joins them again (G.722 §5).
//!
//! Both directions work on a block behind the end of the one before it, so that nothing is shifted for a sample, and as
//! sums of products of 16 bits, for which processors have an instruction.

use crate::{BLOCK, limit, saturate};

/// The first half of the filter; the second is its mirror image (table H).
const HALF: [i16; 12] = [3, -11, -11, 53, 12, -156, 32, 362, -210, -805, 951, 3876];
const TAPS: usize = 2 * HALF.len();

/// Samples of an earlier block that the first of this one needs.
const BEFORE: usize = TAPS - 2;

/// The transmit side (LOWT, HIGHT): two samples of sound in, one of each band out.
#[derive(Clone, Debug)]
pub(crate) struct Analysis {
    sound: [i16; BEFORE + 2 * BLOCK],
}

impl Analysis {
    pub(crate) fn new() -> Self {
        Self { sound: [0; BEFORE + 2 * BLOCK] }
    }

    /// Gives the lower and the higher band's sample, each of 15 bits, for every two of at most two [`BLOCK`]s of sound.
    pub(crate) fn split(&mut self, sound: &[i16], mut each: impl FnMut(usize, i32, i32)) {
        self.sound[BEFORE..BEFORE + sound.len()].copy_from_slice(sound);
        for (index, window) in self.sound[..BEFORE + sound.len()].array_windows().step_by(2).enumerate() {
            each(index, limit(product(window, &SUM) >> 14), limit(product(window, &DIFFERENCE) >> 14));
        }
        self.sound.copy_within(sound.len()..sound.len() + BEFORE, 0);
    }
}

/// The whole filter, for the lower band.
const SUM: [i16; TAPS] = taps(1);
/// The filter with every second sign turned, for the higher band.
const DIFFERENCE: [i16; TAPS] = taps(-1);

const fn taps(older: i16) -> [i16; TAPS] {
    let mut taps = [0; TAPS];
    let mut index = 0;
    while index < HALF.len() {
        let sign = if index % 2 == 0 { older } else { 1 };
        taps[index] = sign * HALF[index];
        taps[TAPS - 1 - index] = sign * older * HALF[index];
        index += 1;
    }
    taps
}

/// Samples of a band for one of sound, a power of two for the sake of the instruction; the oldest four count nothing.
const PHASE: usize = 16;

/// The receive side (ACCUMC, ACCUMD): one sample of each band in, two of sound out.
#[derive(Clone, Debug)]
pub(crate) struct Synthesis {
    sums: [i16; PHASE - 1 + BLOCK],
    differences: [i16; PHASE - 1 + BLOCK],
}

impl Synthesis {
    pub(crate) fn new() -> Self {
        Self { sums: [0; PHASE - 1 + BLOCK], differences: [0; PHASE - 1 + BLOCK] }
    }

    /// Writes two samples of sound for each of the at most [`BLOCK`] that the bands, 15 bits each, give.
    pub(crate) fn join(&mut self, sound: &mut [[i16; 2]], mut each: impl FnMut(usize) -> (i32, i32)) {
        let length = sound.len();
        for index in 0..length {
            let (low, high) = each(index);
            self.sums[PHASE - 1 + index] = (low + high) as i16;
            self.differences[PHASE - 1 + index] = (low - high) as i16;
        }
        let windows = self.differences.array_windows().zip(self.sums.array_windows());
        for (sound, (differences, sums)) in sound.iter_mut().zip(windows) {
            *sound = [product(differences, &FIRST), product(sums, &SECOND)].map(|sum| saturate(sum >> 11) as i16);
        }
        self.sums.copy_within(length..length + PHASE - 1, 0);
        self.differences.copy_within(length..length + PHASE - 1, 0);
    }
}

/// Every second tap, for the first sample of two.
const FIRST: [i16; PHASE] = phase(1);
/// The taps between those, for the second.
const SECOND: [i16; PHASE] = phase(0);

const fn phase(from: usize) -> [i16; PHASE] {
    let mut phase = [0; PHASE];
    let mut index = 0;
    while index < TAPS / 2 {
        phase[PHASE - TAPS / 2 + index] = SUM[2 * index + from];
        index += 1;
    }
    phase
}

#[inline(always)]
fn product<const N: usize>(window: &[i16; N], taps: &[i16; N]) -> i32 {
    window.iter().zip(taps).map(|(sample, tap)| i32::from(*sample) * i32::from(*tap)).sum()
}

//! The pitch cycles before and after a block, each moved to where it is most like the block (RFC 3951 §4.6.2).

use super::{BLOCK, BLOCKS, HISTORY};
use crate::filter::dot;

/// A block amid the three cycles before and the three after it; silence where the history does not reach.
pub struct Cycles([[f32; BLOCK]; 2 * SIDE + 1]);

/// Weights of [`Cycles::others`]: a Hann window over all seven, without its middle.
pub const SURROUND: [f32; 2 * SIDE] = [0.146_446_6, 0.5, 0.853_553_4, 0.853_553_4, 0.5, 0.146_446_6];

impl Cycles {
    /// The cycles around the block that begins at `start`, given the `periods` of the history's blocks.
    pub fn around(history: &[f32; HISTORY], start: usize, periods: &[usize; BLOCKS]) -> Cycles {
        let mut cycles = Cycles([[0.0; BLOCK]; 2 * SIDE + 1]);
        let block = &history[start..start + BLOCK];
        cycles.0[SIDE].copy_from_slice(block);
        let period = |index: usize| Quarters::from_samples(periods[index]);
        let center = |index: usize| Quarters::from_samples(index * BLOCK + BLOCK / 2);
        let half = Quarters::from_samples(BLOCK / 2);

        let own = nearest(Quarters(4 * start as i32 + 2 * BLOCK as i32 - 2), center);
        let (mut at, mut of) = (Quarters::from_samples(start), own);
        for cycle in cycles.0[..SIDE].iter_mut().rev() {
            at = at - period(of);
            let next = nearest(at + half - period(of), center);
            if at.0 < 4 * OVERHANG {
                break;
            }
            at = refine(history, block, at, cycle);
            of = next;
        }
        let mut at = Quarters::from_samples(start);
        for cycle in &mut cycles.0[SIDE + 1..] {
            of = nearest(at + half, |index| center(index) - period(index));
            at = at + period(of);
            if at.0 + 4 * (BLOCK as i32 + OVERHANG) >= 4 * HISTORY as i32 {
                break;
            }
            at = refine(history, block, at, cycle);
        }
        cycles
    }

    pub fn current(&self) -> &[f32; BLOCK] {
        &self.0[SIDE]
    }

    /// The cycles before the block, then those after it.
    pub fn others(&self) -> impl Iterator<Item = &[f32; BLOCK]> {
        self.0[..SIDE].iter().chain(&self.0[SIDE + 1..])
    }
}

/// A place in the history in quarters of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Quarters(i32);

impl Quarters {
    fn from_samples(samples: usize) -> Self {
        Quarters(4 * samples as i32)
    }
}

impl std::ops::Add for Quarters {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Quarters(self.0 + other.0)
    }
}

impl std::ops::Sub for Quarters {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Quarters(self.0 - other.0)
    }
}

/// The history's block whose `place` is nearest to `at`; the first of equals.
fn nearest(at: Quarters, place: impl Fn(usize) -> Quarters) -> usize {
    (0..BLOCKS).min_by_key(|index| (place(*index).0 - at.0).abs()).unwrap_or_default()
}

/// Finds the place near `estimate`, to a quarter of a sample, where the history is most like `block`, and copies what
/// is there to `cycle`. The place returned is one sample later, as the specification reckons on from it.
fn refine(history: &[f32; HISTORY], block: &[f32], estimate: Quarters, cycle: &mut [f32; BLOCK]) -> Quarters {
    let rounded = (estimate.0 - 2).max(0) / 4;
    let first = (rounded - SLOP).max(0) as usize;
    let last = ((rounded + SLOP) as usize).min(HISTORY - BLOCK - 1);
    let mut correlations = [0.0; 2 * SLOP as usize + 1];
    let correlations = &mut correlations[..=last - first];
    for (n, correlation) in correlations.iter_mut().enumerate() {
        *correlation = dot(&history[first + n..][..BLOCK], block);
    }
    let mut best = (0, f32::NEG_INFINITY);
    for quarter in 0..4 * correlations.len() {
        let correlation = interpolate(correlations, quarter);
        if correlation > best.1 {
            best = (quarter, correlation);
        }
    }

    let (whole, before) = (best.0.div_ceil(4), (4 - best.0 % 4) % 4);
    let start = (first + whole) as i32 - REACH;
    let mut padded = [0.0; BLOCK + 2 * REACH as usize];
    for (n, sample) in padded.iter_mut().enumerate() {
        *sample = usize::try_from(start + n as i32).ok().and_then(|at| history.get(at)).copied().unwrap_or_default();
    }
    for (n, sample) in cycle.iter_mut().enumerate() {
        *sample = dot(&padded[n..], &UPSAMPLING[before]);
    }
    Quarters::from_samples(first + 1) + Quarters(best.0 as i32)
}

/// The value between the samples of `signal` at a number of quarters from its first; silence surrounds it.
fn interpolate(signal: &[f32], quarters: usize) -> f32 {
    let (whole, fraction) = (quarters / 4, quarters % 4);
    let reach = REACH.min(signal.len() as i32 / 2);
    (-reach..=reach)
        .filter_map(|offset| {
            let sample = signal.get(usize::try_from(whole as i32 + offset).ok()?)?;
            Some(sample * UPSAMPLING[fraction][(REACH - offset) as usize])
        })
        .sum()
}

/// Cycles on either side of a block.
const SIDE: usize = 3;

/// Whole samples by which an estimated place may be off.
const SLOP: i32 = 2;
const OVERHANG: i32 = 2;

/// Samples on either side that an interpolated one is made of.
const REACH: i32 = 3;

/// `polyphaserTbl`: interpolation at zero to three quarters of a sample, the newest sample first.
const UPSAMPLING: [[f32; 7]; 4] = [
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [0.015_625, -0.076_904, 0.288_33, 0.862_061, -0.106_445, 0.018_799, -0.015_625],
    [0.023_682, -0.124_268, 0.601_563, 0.601_563, -0.124_268, 0.023_682, -0.023_682],
    [0.018_799, -0.106_445, 0.862_061, 0.288_33, -0.076_904, 0.015_625, -0.018_799],
];

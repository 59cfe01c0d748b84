//! The quantiser's step, which follows the signal: its logarithm adapts (LOGSCL, LOGSCH), its value is looked up (SCALEL,
//! SCALEH; G.722 §3.5).

/// How far the lower band's logarithm reaches: nine octaves above the least step, 32.
const LOW_TOP: i32 = 18432;
/// How far the higher band's logarithm reaches: eleven octaves above the least step, 8.
const HIGH_TOP: i32 = 22528;
/// The lower band's steps begin two octaves up in [`STEPS`].
const LOW_FIRST: usize = 64;

/// The logarithm of a step, in 1/2048 of an octave above the band's least, and where [`STEPS`] has the step itself.
#[derive(Clone, Debug)]
pub(crate) struct Scale<const FIRST: usize, const TOP: i32> {
    logarithm: i32,
}

pub(crate) type LowScale = Scale<LOW_FIRST, LOW_TOP>;
pub(crate) type HighScale = Scale<0, HIGH_TOP>;

impl<const FIRST: usize, const TOP: i32> Scale<FIRST, TOP> {
    pub(crate) fn new() -> Self {
        Self { logarithm: 0 }
    }

    /// Where [`STEPS`] has the step, 1/32 of an octave each.
    pub(crate) fn index(&self) -> usize {
        FIRST + (self.logarithm >> 6) as usize
    }

    /// The step (DETL, DETH), a multiple of 4 and at most 16,384.
    pub(crate) fn step(&self) -> i32 {
        i32::from(STEPS[self.index()])
    }

    /// Leaks 1/128 and adds what the code is worth.
    pub(crate) fn adapt(&mut self, worth: i32) {
        self.logarithm = (((self.logarithm * 127) >> 7) + worth).clamp(0, TOP);
    }
}

/// One octave in steps of 1/32: the Recommendation's table ILB.
const OCTAVE: [u16; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/// All steps, from 8 in eleven octaves to 16,384.
pub(crate) static STEPS: [i16; 353] = steps();

const fn steps() -> [i16; 353] {
    let mut steps = [0; 353];
    let mut index = 0;
    while index < steps.len() {
        let octave = OCTAVE[index % 32] as u32;
        steps[index] = (((octave << 1) >> (11 - index / 32)) << 2) as i16;
        index += 1;
    }
    steps
}

/// What turns a division by the lower band's step into a multiplication: 2^41 by the step, rounded up. Exact for
/// dividends below 2^27, since those times the rounding's excess stay below 2^41.
pub(crate) static RECIPROCALS: [u64; 353] = reciprocals();

const fn reciprocals() -> [u64; 353] {
    let steps = steps();
    let mut reciprocals = [0; 353];
    let mut index = LOW_FIRST;
    while index < steps.len() {
        reciprocals[index] = (1_u64 << 41).div_ceil(steps[index] as u64);
        index += 1;
    }
    reciprocals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_reset_the_steps_are_32_and_8() {
        assert_eq!((LowScale::new().step(), HighScale::new().step()), (32, 8));
    }

    #[test]
    fn reciprocals_divide_exactly_at_every_edge() {
        for index in LOW_FIRST..STEPS.len() {
            let step = STEPS[index] as u64;
            for dividend in (0..1_u64 << 27).step_by(100_003).chain((1 << 27) - 5000..1 << 27) {
                let edge = dividend / step * step;
                for dividend in [dividend, edge, edge.saturating_sub(1)] {
                    assert_eq!((dividend * RECIPROCALS[index]) >> 41, dividend / step, "{dividend} by {step}");
                }
            }
        }
    }
}

//! The start state: where it lies, and its quantisation sample by sample (RFC 3951 §3.5, §4.2).

use std::ops::Range;

use crate::Mode;
use crate::filter::{FLAT, Lpc, Memory, energy};
use crate::lpc::Filters;
use crate::mode::{MAX_STATE_SAMPLES, SUB_BLOCK};

/// Where the start state lies in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first of its two sub-blocks, from 0.
    pub sub_block: usize,
    /// Which end of the 80 samples is quantised sample by sample.
    pub end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    First,
    Last,
}

impl Place {
    /// The two sub-blocks with the most energy, and the end of them with more of it (RFC 3951 §3.5.1).
    pub fn find(mode: Mode, residual: &[f32]) -> Place {
        let favour: &[f32] = match mode {
            Mode::Ms20 => &[0.9, 1.0, 0.9],
            Mode::Ms30 => &[0.8, 0.9, 1.0, 0.9, 0.8],
        };
        let mut best = (0, f32::NEG_INFINITY);
        for (sub_block, favour) in favour.iter().enumerate() {
            let pair = &residual[sub_block * SUB_BLOCK..][..2 * SUB_BLOCK];
            let energy = tapered_energy(pair) * favour;
            if energy > best.1 {
                best = (sub_block, energy);
            }
        }
        let [first, last] =
            [End::First, End::Last].map(|end| energy(&residual[Place { sub_block: best.0, end }.samples(mode)]));
        Place { sub_block: best.0, end: if first > last { End::First } else { End::Last } }
    }

    /// Both sub-blocks.
    pub fn sub_blocks(self) -> Range<usize> {
        let start = self.sub_block * SUB_BLOCK;
        start..start + 2 * SUB_BLOCK
    }

    /// The samples that are quantised one by one.
    pub fn samples(self, mode: Mode) -> Range<usize> {
        let Range { start, end } = self.sub_blocks();
        match self.end {
            End::First => start..start + mode.state_samples(),
            End::Last => end - mode.state_samples()..end,
        }
    }
}

/// Energy of two sub-blocks whose five samples at each end count less towards the edge.
fn tapered_energy(pair: &[f32]) -> f32 {
    let taper = [1.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0, 4.0 / 6.0, 5.0 / 6.0];
    let head = pair.iter().zip(taper);
    let tail = pair.iter().rev().zip(taper);
    let edges: f32 = head.chain(tail).map(|(sample, weight)| weight * sample * sample).sum();
    edges + energy(&pair[taper.len()..pair.len() - taper.len()])
}

/// The quantised start state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Index of the largest magnitude, 6 bits.
    pub scale: usize,
    /// Index of each sample, 3 bits; those past the mode's last are 0.
    pub samples: [usize; MAX_STATE_SAMPLES],
}

/// Quantises the start state of `residual`, shaping the noise by the weighting filter (RFC 3951 §3.5.2, §3.5.3).
pub fn quantise(mode: Mode, residual: &[f32], place: Place, synthesis: &Filters, weighting: &Filters) -> Code {
    let range = place.samples(mode);
    let mut target = [0.0; 2 * MAX_STATE_SAMPLES];
    let target = &mut target[..2 * range.len()];
    target[..range.len()].copy_from_slice(&residual[range.clone()]);
    all_pass(&synthesis[place.sub_block], target);
    let target = fold(target);

    let peak = target.iter().fold(10.0f32, |peak, sample| peak.max(sample.abs()));
    let scale = nearest(&SCALE, peak.log10());
    for sample in &mut *target {
        *sample *= FULL_SCALE / 10f32.powf(SCALE[scale]);
    }

    let mut code = Code { scale, samples: [0; MAX_STATE_SAMPLES] };
    let (mut wanted, mut reached) = (Memory::default(), Memory::default());
    for ((n, sample), index) in target.iter().enumerate().zip(&mut code.samples) {
        let weight = &weighting[(range.start + n) / SUB_BLOCK];
        let weighted = sample - wanted.weigh(weight);
        wanted.push(weighted);
        let predicted = -reached.weigh(weight);
        *index = nearest(&SAMPLE, weighted - predicted);
        reached.push(predicted + SAMPLE[*index]);
    }
    code
}

/// The samples of a quantised start state, into `out` (RFC 3951 §4.2).
pub fn reconstruct(code: &Code, synthesis: &Lpc, out: &mut [f32]) {
    let scale = 10f32.powf(SCALE[code.scale]) / FULL_SCALE;
    let mut reversed = [0.0; 2 * MAX_STATE_SAMPLES];
    let reversed = &mut reversed[..2 * out.len()];
    for (sample, index) in reversed.iter_mut().zip(code.samples[..out.len()].iter().rev()) {
        *sample = scale * SAMPLE[*index];
    }
    all_pass(synthesis, reversed);
    for (sample, out) in fold(reversed).iter().rev().zip(out) {
        *out = *sample;
    }
}

/// Filters by z⁻¹⁰·A(z⁻¹)/A(z), which spreads the energy evenly; run on the reversed signal it undoes itself.
fn all_pass(lpc: &Lpc, signal: &mut [f32]) {
    let mut zeros = FLAT;
    for (zero, pole) in zeros.iter_mut().zip(lpc.iter().rev()) {
        *zero = *pole;
    }
    let (mut inputs, mut outputs) = (Memory::default(), Memory::default());
    for sample in signal {
        let input = *sample;
        *sample = zeros[0] * input + inputs.weigh(&zeros) - outputs.weigh(lpc);
        inputs.push(input);
        outputs.push(*sample);
    }
}

/// Adds the second half, the filter's ringing, to the first, which makes the convolution circular.
fn fold(signal: &mut [f32]) -> &mut [f32] {
    let (first, second) = signal.split_at_mut(signal.len() / 2);
    for (sample, ringing) in first.iter_mut().zip(second) {
        *sample += *ringing;
    }
    first
}

/// Index of the nearest entry of a rising table.
fn nearest(table: &[f32], value: f32) -> usize {
    let above = table.partition_point(|entry| *entry < value);
    match above {
        0 => 0,
        _ if above == table.len() => above - 1,
        _ if value - table[above - 1] < table[above] - value => above - 1,
        _ => above,
    }
}

/// Largest magnitude that a scaled sample has.
const FULL_SCALE: f32 = 4.5;

/// `state_sq3Tbl`: a scaled sample.
const SAMPLE: [f32; 8] = [-3.719_849, -2.177_49, -1.130_005, -0.309_692, 0.444_214, 1.329_712, 2.436_279, 3.983_887];

/// `state_frgqTbl`: log₁₀ of the largest magnitude.
#[rustfmt::skip]
const SCALE: [f32; 64] = [
    1.000_085, 1.071_695, 1.140_395, 1.206_868, 1.277_188, 1.351_503, 1.429_38, 1.500_727,
    1.569_049, 1.639_599, 1.707_071, 1.781_531, 1.840_799, 1.901_55, 1.956_695, 2.006_75,
    2.055_474, 2.102_787, 2.142_819, 2.183_592, 2.217_962, 2.257_177, 2.295_739, 2.332_967,
    2.369_248, 2.402_792, 2.435_08, 2.468_598, 2.503_394, 2.539_284, 2.572_944, 2.605_036,
    2.636_331, 2.668_939, 2.698_78, 2.729_101, 2.759_786, 2.789_834, 2.818_679, 2.848_074,
    2.877_47, 2.906_899, 2.936_655, 2.967_804, 3.000_115, 3.033_367, 3.066_355, 3.104_231,
    3.141_499, 3.183_012, 3.222_952, 3.265_433, 3.308_441, 3.350_823, 3.395_275, 3.442_793,
    3.490_801, 3.542_514, 3.604_064, 3.666_05, 3.740_994, 3.830_749, 3.938_77, 4.101_764,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsf;
    use crate::mode::MAX_SUB_BLOCKS;

    #[test]
    fn the_start_state_is_where_the_energy_is() {
        for (mode, at, place) in [
            (Mode::Ms20, 50, Place { sub_block: 0, end: End::Last }),
            (Mode::Ms20, 15, Place { sub_block: 0, end: End::First }),
            (Mode::Ms20, 95, Place { sub_block: 1, end: End::Last }),
            (Mode::Ms30, 190, Place { sub_block: 4, end: End::First }),
        ] {
            let mut residual = vec![1.0; mode.frame_samples()];
            residual[at - 10..at + 10].fill(1000.0);
            assert_eq!(Place::find(mode, &residual), place, "{mode:?} {at}");
        }
    }

    #[test]
    fn a_quantised_start_state_is_near_the_original() {
        let synthesis = [lsf::to_lpc(&lsf::MEAN); MAX_SUB_BLOCKS];
        let residual: Vec<f32> = (0..240).map(|n| ((n * 7919) % 2003) as f32 - 1001.0).collect();
        let place = Place { sub_block: 1, end: End::Last };
        let code = quantise(Mode::Ms30, &residual, place, &synthesis, &[FLAT; MAX_SUB_BLOCKS]);
        let mut out = [0.0; 58];
        reconstruct(&code, &synthesis[1], &mut out);
        let original = &residual[place.samples(Mode::Ms30)];
        let error: f32 = original.iter().zip(&out).map(|(a, b)| (a - b).powi(2)).sum();
        let ratio = 10.0 * (energy(original) / error).log10();
        assert!(ratio > 11.0, "{ratio} dB");
    }

    #[test]
    fn the_nearest_entry_is_found() {
        for (n, entry) in SAMPLE.iter().enumerate() {
            assert_eq!(nearest(&SAMPLE, entry + 0.1), n);
            assert_eq!(nearest(&SAMPLE, entry - 0.1), n);
        }
        assert_eq!((nearest(&SAMPLE, -100.0), nearest(&SAMPLE, 100.0)), (0, 7));
    }
}

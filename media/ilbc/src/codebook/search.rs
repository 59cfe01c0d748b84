//! The encoder's search for the vectors and gains of a block (RFC 3951 §3.6.2, §3.6.4, §3.7).

use super::{Code, Codebook, MAX_MEMORY, STAGES, gain};
use crate::filter::{Lpc, Memory, dot, energy};
use crate::mode::SUB_BLOCK;

/// How many stretches of a section each stage looks at, the newest first.
#[derive(Clone, Copy, Debug)]
pub struct Reach(pub [usize; STAGES]);

/// Finds the vectors whose weighted sum is nearest to the weighted `target`.
pub fn search(memory: &[f32], target: &[f32], weighting: &Lpc, reach: Reach) -> Code {
    let mut weighted = [0.0; MAX_MEMORY + SUB_BLOCK];
    let weighted = &mut weighted[..memory.len() + target.len()];
    weighted[..memory.len()].copy_from_slice(memory);
    weighted[memory.len()..].copy_from_slice(target);
    Memory::default().synthesise(weighting, weighted);
    let (memory, target) = weighted.split_at_mut(memory.len());

    let codebook = Codebook::new(memory, target.len());
    let target_energy = energy(target);
    let mut coded = [0.0; SUB_BLOCK];
    let mut code = Code::default();
    let mut scale = 1.0;
    for stage in 0..STAGES {
        let best = best_vector(&codebook, target, stage, reach.0[stage]);
        let wanted = if stage == 0 { best.gain.clamp(0.0, GREATEST_GAIN) } else { best.gain };
        code.index[stage] = best.index;
        code.gain[stage] = gain::quantise(stage, wanted, scale);
        let gain = gain::dequantise(stage, code.gain[stage], scale);
        scale = gain.abs();
        for ((target, coded), sample) in target.iter_mut().zip(&mut coded).zip(codebook.vector(best.index)) {
            *target -= gain * sample;
            *coded += gain * sample;
        }
    }
    code.gain[0] = match_energy(code.gain[0], target_energy, energy(&coded));
    code
}

/// Raises the first gain until the coded block has the target's energy, but hardly to more than twice itself; the later
/// gains follow it, being multiples (RFC 3951 §3.7).
fn match_energy(found: usize, target: f32, coded: f32) -> usize {
    let gain = gain::FIRST[found];
    let mut raised = found;
    while let Some(next) = gain::FIRST.get(raised + 1) {
        if coded * next * next >= target * gain * gain || gain::FIRST[raised] >= 2.0 * gain {
            break;
        }
        raised += 1;
    }
    raised
}

#[derive(Clone, Copy)]
struct Candidate {
    index: usize,
    gain: f32,
    /// How much of the target's energy the vector takes away.
    measure: f32,
}

/// The best vector of the first section as far as `reach` goes, or of the second near to it.
fn best_vector(codebook: &Codebook, target: &[f32], stage: usize, reach: usize) -> Candidate {
    let consider = |best: Candidate, index: usize| {
        let vector = codebook.vector(index);
        let correlation = dot(vector, target);
        // The first gain cannot be negative.
        if stage == 0 && correlation <= 0.0 {
            return best;
        }
        let gain = correlation / (energy(vector) + f32::MIN_POSITIVE);
        let measure = correlation * gain;
        if measure > best.measure && gain.abs() < GREATEST_GAIN { Candidate { index, gain, measure } } else { best }
    };
    let none = Candidate { index: 0, gain: 0.0, measure: f32::NEG_INFINITY };
    let repeating = codebook.stretches()..codebook.section();
    let first = (0..reach).chain(repeating).fold(none, consider);
    near(codebook, first.index, reach).map(|position| codebook.section() + position).fold(first, consider)
}

/// The 34 positions of a section around `base` in the order of their delays: the repeating vectors come before the
/// stretches, which end at `reach`.
fn near(codebook: &Codebook, base: usize, reach: usize) -> impl Iterator<Item = usize> {
    let (stretches, section) = (codebook.stretches(), codebook.section());
    let repeating = section - stretches;
    let delay = (base + repeating) % section;
    let first = delay.saturating_sub(NEAR / 2).min(repeating + reach - NEAR);
    (first..first + NEAR).map(move |delay| (delay + stretches) % section)
}

/// Vectors of the second section that a stage looks at.
const NEAR: usize = 34;

/// Gains above this are left to other vectors.
const GREATEST_GAIN: f32 = 1.3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebook::construct;
    use crate::filter::FLAT;

    fn memory() -> Vec<f32> {
        (0..147).map(|n| ((n * 7919) % 2003) as f32 - 1001.0).collect()
    }

    #[test]
    fn a_block_that_the_memory_holds_is_found() {
        let memory = memory();
        let target: Vec<f32> = memory[30..70].iter().map(|sample| 0.9 * sample).collect();
        let code = search(&memory, &target, &FLAT, Reach([108; 3]));
        assert_eq!(code.index[0], 77);
        let mut coded = [0.0; 40];
        construct(&memory, &code, &mut coded);
        let error: f32 = target.iter().zip(coded).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(error < 0.01 * energy(&target), "{error}");
    }

    #[test]
    fn the_second_section_is_searched_around_the_best_of_the_first() {
        let codebook = Codebook::new(&memory(), 40);
        let near = |base, reach| near(&codebook, base, reach).collect::<Vec<_>>();
        assert_eq!(near(50, 108), (33..67).collect::<Vec<_>>());
        assert_eq!(near(107, 108), (74..108).collect::<Vec<_>>());
        assert_eq!(near(43, 44), (10..44).collect::<Vec<_>>());
        assert_eq!(near(5, 44), (116..128).chain(0..22).collect::<Vec<_>>());
        assert_eq!(near(108, 44), (108..128).chain(0..14).collect::<Vec<_>>());
        assert_eq!(near(127, 44), (110..128).chain(0..16).collect::<Vec<_>>());
    }

    #[test]
    fn silence_is_coded_by_the_smallest_gain() {
        let code = search(&[0.0; 85], &[0.0; 23], &FLAT, Reach([58; 3]));
        assert_eq!((code.index[0], code.gain[0]), (0, 0));
    }
}

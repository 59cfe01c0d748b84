//! The adaptive codebook: vectors out of what is decoded already, three stages of them a block (RFC 3951 §3.6, §4.4).

mod gain;
mod search;

use crate::filter::dot;
use crate::mode::SUB_BLOCK;

pub use search::{Reach, search};

/// Stages, each of which refines what the ones before it left over.
pub const STAGES: usize = 3;

/// The most samples of memory: that of a whole sub-block.
pub const MAX_MEMORY: usize = 147;

/// A block's codebook and gain indices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// The vector of each stage.
    pub index: [usize; STAGES],
    /// Its gain: 5, 4 and 3 bits.
    pub gain: [usize; STAGES],
}

/// Decodes a block from the `memory` of decoded samples before it (RFC 3951 §4.4); an index past the codebook is its
/// last vector.
pub fn construct(memory: &[f32], code: &Code, out: &mut [f32]) {
    let codebook = Codebook::new(memory, out.len());
    out.fill(0.0);
    let mut scale = 1.0;
    for (stage, (index, gain)) in code.index.iter().zip(code.gain).enumerate() {
        let gain = gain::dequantise(stage, gain, scale);
        for (out, sample) in out.iter_mut().zip(codebook.vector(*index)) {
            *out += gain * sample;
        }
        scale = gain.abs();
    }
}

/// All vectors of a block's length: those of the memory itself, then those of the memory filtered. Either section has
/// every stretch of it, the newest first, and for whole sub-blocks 20 more that repeat its end with a shorter period.
struct Codebook {
    sections: [[f32; MAX_MEMORY]; 2],
    memory: usize,
    length: usize,
    /// The repeating vectors of periods 20 to 39 of both sections.
    repeating: [[[f32; SUB_BLOCK]; REPEATING]; 2],
}

impl Codebook {
    fn new(memory: &[f32], length: usize) -> Self {
        let mut sections = [[0.0; MAX_MEMORY]; 2];
        sections[0][..memory.len()].copy_from_slice(memory);
        expand(memory, &mut sections[1]);
        let mut repeating = [[[0.0; SUB_BLOCK]; REPEATING]; 2];
        if length == SUB_BLOCK {
            for (section, vectors) in sections.iter().zip(&mut repeating) {
                for (n, vector) in vectors.iter_mut().enumerate() {
                    repeat(&section[..memory.len()], n + SHORTEST_PERIOD, vector);
                }
            }
        }
        Codebook { sections, memory: memory.len(), length, repeating }
    }

    /// Vectors of a section that are stretches of it.
    fn stretches(&self) -> usize {
        self.memory - self.length + 1
    }

    /// Vectors of a section.
    fn section(&self) -> usize {
        self.stretches() + if self.length == SUB_BLOCK { REPEATING } else { 0 }
    }

    fn vector(&self, index: usize) -> &[f32] {
        let index = index.min(2 * self.section() - 1);
        let (section, position) = (index / self.section(), index % self.section());
        match position.checked_sub(self.stretches()) {
            None => &self.sections[section][self.memory - self.length - position..][..self.length],
            Some(repeating) => &self.repeating[section][repeating],
        }
    }
}

/// Filters the memory for the second section; what lies outside of it is silence (RFC 3951 §3.6.3.2).
fn expand(memory: &[f32], out: &mut [f32; MAX_MEMORY]) {
    let mut padded = [0.0; MAX_MEMORY + EXPANSION.len()];
    padded[EXPANSION_DELAY..][..memory.len()].copy_from_slice(memory);
    for (n, out) in out[..memory.len()].iter_mut().enumerate() {
        *out = dot(&padded[n..], &EXPANSION);
    }
}

/// The last `period` samples again and again, with a cross-fade of five samples into the first repetition
/// (RFC 3951 §3.6.3.3).
fn repeat(memory: &[f32], period: usize, out: &mut [f32; SUB_BLOCK]) {
    let (before, cycle) = memory.split_at(memory.len() - period);
    for (out, sample) in out.iter_mut().zip(cycle.iter().cycle()) {
        *out = *sample;
    }
    let fade = &before[before.len() - FADE..];
    for (n, (out, sample)) in out[period - FADE..].iter_mut().zip(fade).enumerate() {
        let weight = n as f32 / FADE as f32;
        *out = (1.0 - weight) * *out + weight * sample;
    }
}

/// Repeating vectors of a section.
const REPEATING: usize = 20;
const SHORTEST_PERIOD: usize = 20;
const FADE: usize = 5;

/// `cbfiltersTbl`, in the order of the samples it weighs.
const EXPANSION: [f32; 8] = [-0.033_691, 0.083_74, -0.144_043, 0.713_379, 0.806_152, -0.184_326, 0.108_887, -0.034_18];

/// Samples before the filter's own place that it weighs.
const EXPANSION_DELAY: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(length: usize) -> Vec<f32> {
        (0..length).map(|n| n as f32).collect()
    }

    #[test]
    fn the_first_vector_is_the_newest_stretch_and_each_next_one_sample_older() {
        let memory = ramp(147);
        let codebook = Codebook::new(&memory, 40);
        assert_eq!((codebook.stretches(), codebook.section()), (108, 128));
        assert_eq!(codebook.vector(0), &memory[107..]);
        assert_eq!(codebook.vector(107), &memory[..40]);
        let codebook = Codebook::new(&memory[..85], 22);
        assert_eq!((codebook.stretches(), codebook.section()), (64, 64));
        assert_eq!(codebook.vector(63), &memory[..22]);
    }

    #[test]
    fn a_repeating_vector_fades_into_its_own_beginning() {
        let memory = ramp(147);
        let codebook = Codebook::new(&memory, 40);
        let vector = codebook.vector(108);
        assert_eq!(vector[..15], memory[127..142]);
        assert_eq!(vector[15], 142.0);
        assert!((vector[19] - (0.2 * 146.0 + 0.8 * 126.0)).abs() < 1e-3);
        assert_eq!(vector[20..], memory[127..]);
    }

    #[test]
    fn the_filtered_section_is_about_the_unfiltered_one_half_a_sample_later() {
        let memory: Vec<f32> = (0..147).map(|n| (n as f32 * 0.3).sin()).collect();
        let codebook = Codebook::new(&memory, 40);
        for (n, sample) in codebook.vector(128 + 60).iter().enumerate() {
            let expected = ((47.0 + n as f32 + 0.5) * 0.3).sin();
            assert!((sample - 1.3 * expected).abs() < 0.35, "{n}: {sample} {expected}");
        }
    }

    #[test]
    fn an_index_past_the_codebook_is_its_last_vector() {
        let codebook = Codebook::new(&ramp(85), 23);
        assert_eq!(codebook.vector(127), codebook.vector(125));
    }
}

//! The excitation of a frame as it grows from its start state outwards, first to the end of the frame, then backwards
//! in time to its beginning (RFC 3951 §3.6, §4.3).

use std::ops::Range;

use crate::Mode;
use crate::codebook::{MAX_MEMORY, Reach};
use crate::mode::{MAX_SAMPLES, SUB_BLOCK};
use crate::state::{End, Place};

/// A stretch of the excitation that the adaptive codebook codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its samples in the frame.
    pub samples: Range<usize>,
    side: Side,
    /// Samples of decoded excitation that it may be predicted from.
    memory: usize,
}

/// On which side of what is decoded a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    After,
    /// These are coded backwards in time.
    Before,
}

impl Block {
    /// The blocks of a frame in the order of their coding: what the start state leaves of its two sub-blocks, the
    /// sub-blocks after, and those before.
    pub fn all(mode: Mode, place: Place) -> impl Iterator<Item = Block> {
        let (pair, state) = (place.sub_blocks(), place.samples(mode));
        let rest = match place.end {
            End::First => Block { samples: state.end..pair.end, side: Side::After, memory: REST_MEMORY },
            End::Last => Block { samples: pair.start..state.start, side: Side::Before, memory: REST_MEMORY },
        };
        let sub_block = |side| move |start| Block { samples: start..start + SUB_BLOCK, side, memory: MAX_MEMORY };
        let after = (pair.end..mode.frame_samples()).step_by(SUB_BLOCK).map(sub_block(Side::After));
        let before = (0..pair.start).step_by(SUB_BLOCK).rev().map(sub_block(Side::Before));
        std::iter::once(rest).chain(after).chain(before)
    }

    /// The sub-block that it is in.
    pub fn sub_block(&self) -> usize {
        self.samples.start / SUB_BLOCK
    }

    /// How far the search for the `n`th block of a frame looks back (`search_rangeTbl`).
    pub fn reach(n: usize) -> Reach {
        match n {
            0 => Reach([58; 3]),
            1 => Reach([108, 44, 44]),
            _ => Reach([108; 3]),
        }
    }

    /// The block's samples of `frame` in the order of their coding.
    pub fn pick<'a>(&self, frame: &[f32], buffer: &'a mut [f32; SUB_BLOCK]) -> &'a [f32] {
        let picked = &mut buffer[..self.samples.len()];
        picked.copy_from_slice(&frame[self.samples.clone()]);
        if self.side == Side::Before {
            picked.reverse();
        }
        picked
    }
}

/// The part of a frame's excitation that is decoded.
pub struct Excitation {
    samples: [f32; MAX_SAMPLES],
    known: Range<usize>,
}

impl Excitation {
    /// Begins with the start state at `known`, which `reconstruct` fills in.
    pub fn new(known: Range<usize>, reconstruct: impl FnOnce(&mut [f32])) -> Self {
        let mut samples = [0.0; MAX_SAMPLES];
        reconstruct(&mut samples[known.clone()]);
        Excitation { samples, known }
    }

    /// What `block` may be predicted from, the sample next to it last; silence where nothing is decoded.
    pub fn memory<'a>(&self, block: &Block, buffer: &'a mut [f32; MAX_MEMORY]) -> &'a [f32] {
        let memory = &mut buffer[..block.memory];
        let known = &self.samples[self.known.clone()];
        let length = known.len().min(memory.len());
        let (silence, newest) = memory.split_at_mut(block.memory - length);
        silence.fill(0.0);
        match block.side {
            Side::After => newest.copy_from_slice(&known[known.len() - length..]),
            Side::Before => {
                newest.copy_from_slice(&known[..length]);
                newest.reverse();
            }
        }
        memory
    }

    /// Adds a block, its `samples` in the order of their coding.
    pub fn extend(&mut self, block: &Block, samples: &[f32]) {
        let place = &mut self.samples[block.samples.clone()];
        place.copy_from_slice(samples);
        match block.side {
            Side::After => self.known.end = block.samples.end,
            Side::Before => {
                place.reverse();
                self.known.start = block.samples.start;
            }
        }
    }

    /// All samples; those past the mode's last are 0.
    pub fn into_samples(self) -> [f32; MAX_SAMPLES] {
        self.samples
    }
}

/// Memory of the block that completes the start state's sub-blocks.
const REST_MEMORY: usize = 85;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_grow_from_the_start_state_to_the_whole_frame() {
        for (mode, places) in [(Mode::Ms20, 0..3), (Mode::Ms30, 0..5)] {
            for (sub_block, end) in places.flat_map(|n| [(n, End::First), (n, End::Last)]) {
                let place = Place { sub_block, end };
                let mut known = place.samples(mode);
                for block in Block::all(mode, place) {
                    match block.side {
                        Side::After => {
                            assert_eq!(std::mem::replace(&mut known.end, block.samples.end), block.samples.start)
                        }
                        Side::Before => {
                            assert_eq!(std::mem::replace(&mut known.start, block.samples.start), block.samples.end);
                        }
                    }
                }
                assert_eq!(known, 0..mode.frame_samples());
                assert_eq!(Block::all(mode, place).count(), mode.predicted_sub_blocks() + 1);
            }
        }
    }

    #[test]
    fn a_block_before_sees_the_excitation_backwards() {
        let mut excitation = Excitation::new(40..98, |samples| {
            for (n, sample) in samples.iter_mut().enumerate() {
                *sample = n as f32 + 1.0;
            }
        });
        let block = Block { samples: 0..40, side: Side::Before, memory: 85 };
        let mut buffer = [9.0; MAX_MEMORY];
        let memory = excitation.memory(&block, &mut buffer);
        assert_eq!((memory.len(), memory[84], memory[83], memory[27], memory[26]), (85, 1.0, 2.0, 58.0, 0.0));
        excitation.extend(&block, &[7.0; 40]);
        assert_eq!(excitation.known, 0..98);
    }
}

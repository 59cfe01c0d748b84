use crate::Mode;
use crate::bits::Parameters;
use crate::codebook::{self, Code, MAX_MEMORY};
use crate::excitation::{Block, Excitation};
use crate::filter::{HighPass, Memory};
use crate::lpc::{Analyser, Envelope};
use crate::mode::{MAX_SAMPLES, MAX_SUB_BLOCKS, SUB_BLOCK};
use crate::state::{self, Place};

/// Encodes one stream of speech (RFC 3951 §3).
#[derive(Clone, Debug)]
pub struct Encoder {
    mode: Mode,
    high_pass: HighPass,
    analyser: Analyser,
    inverse: Memory,
}

impl Encoder {
    /// An encoder at the beginning of its stream.
    pub fn new(mode: Mode) -> Self {
        Encoder { mode, high_pass: HighPass::input(), analyser: Analyser::new(mode), inverse: Memory::default() }
    }

    /// Encodes the next frame.
    ///
    /// # Panics
    /// If `samples` is not [`Mode::frame_samples`] long, or `out` not [`Mode::frame_bytes`].
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) {
        assert_eq!(samples.len(), self.mode.frame_samples(), "samples of a frame");
        assert_eq!(out.len(), self.mode.frame_bytes(), "bytes of a frame");
        let mut residual = [0.0; MAX_SAMPLES];
        let residual = &mut residual[..samples.len()];
        for (filtered, sample) in residual.iter_mut().zip(samples) {
            *filtered = self.high_pass.filter(f32::from(*sample));
        }
        let envelope = self.analyser.analyse(residual);
        for (sub_block, lpc) in residual.chunks_exact_mut(SUB_BLOCK).zip(&envelope.synthesis) {
            self.inverse.analyse(lpc, sub_block);
        }
        encode_residual(self.mode, residual, &envelope).pack(self.mode, out);
    }
}

fn encode_residual(mode: Mode, residual: &[f32], envelope: &Envelope) -> Parameters {
    let place = Place::find(mode, residual);
    let state = state::quantise(mode, residual, place, &envelope.synthesis, &envelope.weighting);
    let mut excitation = Excitation::new(place.samples(mode), |samples| {
        state::reconstruct(&state, &envelope.synthesis[place.sub_block], samples);
    });
    let mut blocks = [Code::default(); MAX_SUB_BLOCKS - 1];
    for (n, (block, code)) in Block::all(mode, place).zip(&mut blocks).enumerate() {
        let (mut target, mut memory, mut coded) = ([0.0; SUB_BLOCK], [0.0; MAX_MEMORY], [0.0; SUB_BLOCK]);
        let target = block.pick(residual, &mut target);
        let memory = excitation.memory(&block, &mut memory);
        let coded = &mut coded[..target.len()];
        *code = codebook::search(memory, target, &envelope.weighting[block.sub_block()], Block::reach(n));
        codebook::construct(memory, code, coded);
        excitation.extend(&block, coded);
    }
    Parameters { envelope: envelope.indices, place, state, blocks }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEECH: &[u8] = include_bytes!("../../../tests/vectors/ilbc/speech.s16le");
    const WEBRTC_20: &[u8] = include_bytes!("../../../tests/vectors/ilbc/webrtc-20ms.frames");
    const WEBRTC_30: &[u8] = include_bytes!("../../../tests/vectors/ilbc/webrtc-30ms.frames");

    /// Shares of the frames in which WebRTC's encoder chose the same; its fixed point often tips the balance.
    #[test]
    fn the_indices_are_mostly_those_of_another_encoder() {
        let cases = [
            (Mode::Ms20, WEBRTC_20, [0.90, 0.90, 0.90, 0.89, 0.67]),
            (Mode::Ms30, WEBRTC_30, [0.82, 0.90, 0.95, 0.91, 0.81]),
        ];
        for (mode, frames, least) in cases {
            let mut encoder = Encoder::new(mode);
            let samples: Vec<i16> = SPEECH.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
            let mut count = 0.0;
            let mut same = [0.0; 5];
            for (samples, theirs) in
                samples.chunks_exact(mode.frame_samples()).zip(frames.chunks_exact(mode.frame_bytes()))
            {
                let mut ours = vec![0; mode.frame_bytes()];
                encoder.encode(samples, &mut ours);
                let [ours, theirs] =
                    [&ours, theirs].map(|frame| Parameters::unpack(mode, frame).expect("a frame by an encoder"));
                let share = |same: bool| if same { 1.0 } else { 0.0 };
                let state = ours.state.samples.iter().zip(&theirs.state.samples).filter(|(a, b)| a == b).count();
                let shares = [
                    share(ours.envelope[0] == theirs.envelope[0]),
                    share(ours.envelope[1] == theirs.envelope[1]),
                    share(ours.place == theirs.place),
                    state as f32 / ours.state.samples.len() as f32,
                    share(ours.blocks[1].index[0] == theirs.blocks[1].index[0]),
                ];
                count += 1.0;
                same = std::array::from_fn(|n| same[n] + shares[n]);
            }
            let same = same.map(|same| same / count);
            assert!(same.iter().zip(least).all(|(same, least)| *same >= least), "{mode:?}: {same:?}");
        }
    }
}

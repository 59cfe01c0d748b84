use crate::Mode;
use crate::bits::Parameters;
use crate::codebook::{self, MAX_MEMORY};
use crate::conceal::Concealer;
use crate::enhance::{Arrival, Enhancer};
use crate::excitation::{Block, Excitation};
use crate::filter::{FLAT, HighPass, Memory};
use crate::lpc::{Filters, Interpolator};
use crate::lsf;
use crate::mode::{MAX_SAMPLES, MAX_SUB_BLOCKS, SUB_BLOCK};
use crate::state;

/// Decodes one stream of speech (RFC 3951 §4).
///
/// The sound is that of the frame before by the enhancer's delay: 5 ms in the 20 ms mode, 10 ms in the 30 ms mode.
#[derive(Clone, Debug)]
pub struct Decoder {
    mode: Mode,
    interpolator: Interpolator,
    concealer: Concealer,
    enhancer: Enhancer,
    /// The filters of the frame before, whose last excitation the enhancer still holds.
    filters: Filters,
    synthesis: Memory,
    high_pass: HighPass,
}

/// Why a frame cannot be decoded; [`Decoder::conceal`] takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Not the mode's number of bytes, but this.
    #[error("{0} bytes are no frame of this mode")]
    Length(usize),
    /// Its last bit says that it holds no speech (RFC 3951 §3.8).
    #[error("the empty frame bit is set")]
    Empty,
    /// Its start state lies outside of the frame.
    #[error("no such start state")]
    StartState,
}

impl Decoder {
    /// A decoder at the beginning of its stream.
    pub fn new(mode: Mode) -> Self {
        Decoder {
            mode,
            interpolator: Interpolator::new(mode),
            concealer: Concealer::new(mode),
            enhancer: Enhancer::new(mode),
            filters: [FLAT; MAX_SUB_BLOCKS],
            synthesis: Memory::default(),
            high_pass: HighPass::output(),
        }
    }

    /// Decodes the next frame.
    ///
    /// # Errors
    /// [`BadFrame`]; then neither the decoder nor `out` is changed, and the caller conceals.
    ///
    /// # Panics
    /// If `out` is not [`Mode::frame_samples`] long.
    pub fn decode(&mut self, frame: &[u8], out: &mut [i16]) -> Result<(), BadFrame> {
        if frame.len() != self.mode.frame_bytes() {
            return Err(BadFrame::Length(frame.len()));
        }
        let parameters = Parameters::unpack(self.mode, frame)?;
        let filters = self.interpolator.interpolate(parameters.envelope.map(lsf::dequantise));
        let excitation = decode_excitation(self.mode, &parameters, &filters);
        self.concealer.received(&excitation, &filters[self.mode.sub_blocks() - 1]);
        self.synthesise(&excitation, filters, Arrival::Received, out);
        Ok(())
    }

    /// Sound in place of a frame that is lost, late or bad, fading as more follow each other (RFC 3951 §4.5).
    ///
    /// # Panics
    /// If `out` is not [`Mode::frame_samples`] long.
    pub fn conceal(&mut self, out: &mut [i16]) {
        let (excitation, lpc) = self.concealer.conceal(self.enhancer.last_period());
        self.synthesise(&excitation, [lpc; MAX_SUB_BLOCKS], Arrival::Concealed, out);
    }

    /// Enhances and filters an excitation, which is delayed by the enhancer (RFC 3951 §4.6 to §4.8).
    fn synthesise(&mut self, excitation: &[f32; MAX_SAMPLES], filters: Filters, arrival: Arrival, out: &mut [i16]) {
        assert_eq!(out.len(), self.mode.frame_samples(), "samples of a frame");
        let mut speech = [0.0; MAX_SAMPLES];
        let speech = &mut speech[..out.len()];
        self.enhancer.enhance(&excitation[..out.len()], arrival, speech);

        let delayed = Enhancer::delay(self.mode) / SUB_BLOCK;
        let before = &self.filters[self.mode.sub_blocks() - delayed..self.mode.sub_blocks()];
        for (sub_block, lpc) in speech.chunks_exact_mut(SUB_BLOCK).zip(before.iter().chain(&filters)) {
            self.synthesis.synthesise(lpc, sub_block);
        }
        self.filters = filters;
        for (out, sample) in out.iter_mut().zip(speech) {
            // The cast saturates.
            *out = self.high_pass.filter(*sample).round() as i16;
        }
    }
}

fn decode_excitation(mode: Mode, parameters: &Parameters, filters: &Filters) -> [f32; MAX_SAMPLES] {
    let place = parameters.place;
    let mut excitation = Excitation::new(place.samples(mode), |samples| {
        state::reconstruct(&parameters.state, &filters[place.sub_block], samples);
    });
    for (block, code) in Block::all(mode, place).zip(&parameters.blocks) {
        let (mut memory, mut samples) = ([0.0; MAX_MEMORY], [0.0; SUB_BLOCK]);
        let samples = &mut samples[..block.samples.len()];
        codebook::construct(excitation.memory(&block, &mut memory), code, samples);
        excitation.extend(&block, samples);
    }
    excitation.into_samples()
}

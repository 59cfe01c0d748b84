//! From frames to samples.

use crate::frame::{BadFrame, Parameters};
use crate::lar::Interpolation;
use crate::long_term::{LAGS, Past};
use crate::muting::Muting;
use crate::preprocess::Postprocess;
use crate::short_term::Synthesis;
use crate::{FRAME_BYTES, FRAME_SAMPLES, QUARTER, rpe};

/// The receiving side of one stream (§4.3).
#[derive(Debug, Clone)]
pub struct Decoder {
    past: Past,
    /// nrp: the last lag that was one of the [`LAGS`].
    lag: u8,
    interpolation: Interpolation,
    synthesis: Synthesis,
    postprocess: Postprocess,
    muting: Muting,
    /// What was past when what is lost began to fade. Of a steady sound the frames after the loss say only how it goes on from a past
    /// as loud as it was.
    unfaded: Option<Past>,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder {
            past: Past::default(),
            lag: *LAGS.start(),
            interpolation: Interpolation::default(),
            synthesis: Synthesis::default(),
            postprocess: Postprocess::default(),
            muting: Muting::default(),
            unfaded: None,
        }
    }
}

impl Decoder {
    /// The next 20 ms: 16-bit samples at 8 kHz, of which the upper 13 bits are used.
    ///
    /// # Errors
    /// [`BadFrame`] for another signature than 0xD; the decoder is as before, and the frame may be taken for lost.
    pub fn decode(&mut self, frame: &[u8; FRAME_BYTES]) -> Result<[i16; FRAME_SAMPLES], BadFrame> {
        let parameters = Parameters::parse(frame)?;
        self.muting.received(&parameters);
        if let Some(past) = self.unfaded.take() {
            self.past = past;
        }
        Ok(self.synthesize(&parameters))
    }

    /// 20 ms in place of a lost frame (GSM 06.11): first the last frame again; then it fades, and from 320 ms on there is
    /// the specification's silence, whose samples are within ±24.
    pub fn conceal(&mut self) -> [i16; FRAME_SAMPLES] {
        if self.muting.is_fading() && self.unfaded.is_none() {
            self.unfaded = Some(self.past.clone());
        }
        let parameters = self.muting.lost();
        self.synthesize(&parameters)
    }

    fn synthesize(&mut self, parameters: &Parameters) -> [i16; FRAME_SAMPLES] {
        let mut signal = [0; FRAME_SAMPLES];
        for (quarter, samples) in parameters.quarters.iter().zip(signal.as_chunks_mut::<QUARTER>().0) {
            if LAGS.contains(&quarter.lag) {
                self.lag = quarter.lag;
            }
            let prediction = self.past.predict(self.lag, quarter.gain);
            *samples = *self.past.push(&prediction, &rpe::dequantize(&quarter.excitation));
        }
        self.synthesis.filter(&mut signal, &self.interpolation.advance(&parameters.lars));
        self.postprocess.filter(&mut signal);
        signal
    }
}

//! Payloads into samples.

use crate::{Codec, G729Decoder, Library, opus};
use audio::Law;
use g722::Band;

/// The state of one stream that is heard.
pub struct Decoder {
    rate: u32,
    state: State,
}

enum State {
    G711(Law),
    G722(Box<g722::Decoder>),
    Opus(Box<opus::Decoder>),
    G729(Box<dyn G729Decoder>),
    Gsm(Box<gsm::Decoder>),
    /// Begins again where the phone turns to frames of another length.
    Ilbc(ilbc::Mode, Box<ilbc::Decoder>),
    L16,
}

/// A payload that is none of its codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a payload of this codec")]
pub struct Broken;

impl Decoder {
    /// For one who works at `rate` samples a second; [`Decoder::rate`] says what comes of it. `None`: no library for it is there.
    pub fn new(codec: Codec, rate: u32, library: &Library) -> Option<Decoder> {
        let rate = codec.rate_near(rate);
        let state = match codec {
            Codec::Pcmu => State::G711(Law::Mu),
            Codec::Pcma => State::G711(Law::A),
            Codec::G722 => {
                State::G722(Box::new(g722::Decoder::new(if rate == 8000 { Band::Narrow } else { Band::Wide })))
            }
            Codec::Opus => State::Opus(Box::new(opus::Decoder::new(rate)?)),
            Codec::G729 => State::G729(library.g729()?.decoder()),
            Codec::Gsm => State::Gsm(Box::default()),
            Codec::Ilbc(mode) => State::Ilbc(mode, Box::new(ilbc::Decoder::new(mode))),
            Codec::L16(_) => State::L16,
        };
        Some(Decoder { rate, state })
    }

    /// Samples a second of what it makes.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// How many samples a payload will make, without decoding it; 0 for one that is broken or says that there is silence.
    pub fn samples(&self, payload: &[u8]) -> usize {
        match &self.state {
            State::G711(_) => payload.len(),
            State::G722(_) => payload.len() * self.rate as usize / 8000,
            State::Opus(_) => opus::samples(payload, self.rate).unwrap_or(0),
            State::G729(_) => payload.len() / G729_FRAME * G729_SAMPLES,
            State::Gsm(_) => payload.len() / gsm::FRAME_BYTES * gsm::FRAME_SAMPLES,
            State::Ilbc(mode, _) => {
                let mode = ilbc_mode(*mode, payload);
                payload.len() / mode.frame_bytes() * mode.frame_samples()
            }
            State::L16 => payload.len() / 2,
        }
    }

    /// Appends the samples of a payload.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Broken> {
        let (start, samples) = (out.len(), self.samples(payload));
        match &mut self.state {
            State::G711(law) => {
                out.resize(start + samples, 0);
                law.decode_slice(payload, &mut out[start..]);
            }
            State::G722(decoder) => {
                out.resize(start + samples, 0);
                decoder.decode(payload, &mut out[start..]);
            }
            State::Opus(decoder) => decoder.decode(payload, samples, out)?,
            State::G729(decoder) => {
                let (frames, rest) = payload.as_chunks::<G729_FRAME>();
                frames.iter().for_each(|frame| out.extend(decoder.decode(frame)));
                match rest.len() {
                    // Annex B: the last frame may describe the silence that follows.
                    0 => {}
                    G729_SILENCE => out.extend(decoder.decode(rest)),
                    _ => return Err(Broken),
                }
            }
            State::Gsm(decoder) => {
                let (frames, rest) = payload.as_chunks::<{ gsm::FRAME_BYTES }>();
                for frame in frames {
                    out.extend(decoder.decode(frame).map_err(|_| Broken)?);
                }
                if !rest.is_empty() {
                    return Err(Broken);
                }
            }
            State::Ilbc(mode, decoder) => {
                let spoken = ilbc_mode(*mode, payload);
                if spoken != *mode {
                    (*mode, **decoder) = (spoken, ilbc::Decoder::new(spoken));
                }
                let frames = payload.chunks_exact(spoken.frame_bytes());
                if !frames.remainder().is_empty() {
                    return Err(Broken);
                }
                for frame in frames {
                    let mut samples = [0; 240];
                    let samples = &mut samples[..spoken.frame_samples()];
                    if decoder.decode(frame, samples).is_err() {
                        decoder.conceal(samples);
                    }
                    out.extend_from_slice(samples);
                }
            }
            State::L16 => {
                let (pairs, rest) = payload.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(Broken);
                }
                out.extend(pairs.iter().map(|pair| i16::from_be_bytes(*pair)));
            }
        }
        Ok(())
    }

    /// Appends `samples` in the place of a payload that was lost, by what the codec itself knows of what was before, and by
    /// `next`, the payload after it, where that is there already. `false`: this codec knows nothing, and nothing is appended.
    pub fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) -> bool {
        match &mut self.state {
            State::G711(_) | State::G722(_) | State::L16 => false,
            State::Opus(decoder) => decoder.conceal(samples, next, out),
            State::G729(decoder) => fill(samples, out, || decoder.conceal()),
            State::Gsm(decoder) => fill(samples, out, || decoder.conceal()),
            State::Ilbc(mode, decoder) => {
                let end = out.len() + samples;
                while out.len() < end {
                    let mut frame = [0; 240];
                    let frame = &mut frame[..mode.frame_samples()];
                    decoder.conceal(frame);
                    out.extend_from_slice(frame);
                }
                out.truncate(end);
                true
            }
        }
    }
}

/// In which frames a payload is: those that it is a multiple of.
fn ilbc_mode(usual: ilbc::Mode, payload: &[u8]) -> ilbc::Mode {
    let fits = |mode: &ilbc::Mode| payload.len().is_multiple_of(mode.frame_bytes());
    [usual, ilbc::Mode::Ms20, ilbc::Mode::Ms30].into_iter().find(fits).unwrap_or(usual)
}

/// Frame after frame, until there are so many samples more.
fn fill<const N: usize>(samples: usize, out: &mut Vec<i16>, mut frame: impl FnMut() -> [i16; N]) -> bool {
    let end = out.len() + samples;
    while out.len() < end {
        out.extend(frame());
    }
    out.truncate(end);
    true
}

pub(crate) const G729_FRAME: usize = 10;
pub(crate) const G729_SAMPLES: usize = 80;
/// Bytes of a frame that describes silence.
const G729_SILENCE: usize = 2;

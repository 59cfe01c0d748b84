//! Samples into payloads.

use crate::decoder::{G729_FRAME, G729_SAMPLES};
use crate::{Codec, Format, G729Encoder, Library, opus};
use audio::Law;
use g722::Band;

/// The state of one stream that is said.
pub struct Encoder {
    rate: u32,
    state: State,
}

enum State {
    G711(Law),
    G722(Box<g722::Encoder>),
    Opus(Box<opus::Encoder>),
    G729(Box<dyn G729Encoder>),
    Gsm(Box<gsm::Encoder>),
    Ilbc(ilbc::Mode, Box<ilbc::Encoder>),
    L16,
}

impl Encoder {
    /// For one who works at `rate` samples a second; [`Encoder::rate`] says at which it takes them. `None`: no library for it is
    /// there.
    pub fn new(format: &Format, rate: u32, library: &Library) -> Option<Encoder> {
        let Format { codec, parameters, .. } = format;
        let rate = match codec {
            Codec::Opus => codec.rate_near(rate.min(parameters.playback_rate)),
            _ => codec.rate_near(rate),
        };
        let state = match codec {
            Codec::Pcmu => State::G711(Law::Mu),
            Codec::Pcma => State::G711(Law::A),
            Codec::G722 => {
                State::G722(Box::new(g722::Encoder::new(if rate == 8000 { Band::Narrow } else { Band::Wide })))
            }
            Codec::Opus => State::Opus(Box::new(opus::Encoder::new(rate, parameters)?)),
            Codec::G729 => State::G729(library.g729()?.encoder(parameters.annex_b)),
            Codec::Gsm => State::Gsm(Box::default()),
            Codec::Ilbc(mode) => State::Ilbc(*mode, Box::new(ilbc::Encoder::new(*mode))),
            Codec::L16(_) => State::L16,
        };
        Some(Encoder { rate, state })
    }

    /// Samples a second of what it takes.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The sound of one packet, a time that [`Codec::packet_time`] gives, as a payload in the front of `out`; returns its
    /// length, 0 where there is nothing to be sent now, as in silence.
    ///
    /// What does not fit into `out` is cut off; [`LONGEST`](Encoder::LONGEST) bytes are enough for everything.
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> usize {
        match &mut self.state {
            State::G711(law) => {
                law.encode_slice(samples, out);
                samples.len().min(out.len())
            }
            State::G722(encoder) => encoder.encode(samples, out),
            State::Opus(encoder) => encoder.encode(samples, out),
            State::G729(encoder) => {
                let mut length = 0;
                for (frame, place) in samples.as_chunks::<G729_SAMPLES>().0.iter().zip(out.chunks_exact_mut(G729_FRAME))
                {
                    let written = encoder.encode(frame, place.as_mut_array().expect("a chunk of this size"));
                    length += written;
                    if written < G729_FRAME {
                        break;
                    }
                }
                length
            }
            State::Gsm(encoder) => {
                let (frames, _) = samples.as_chunks::<{ gsm::FRAME_SAMPLES }>();
                let (places, _) = out.as_chunks_mut::<{ gsm::FRAME_BYTES }>();
                let mut length = 0;
                for (frame, place) in frames.iter().zip(places) {
                    *place = encoder.encode(frame);
                    length += place.len();
                }
                length
            }
            State::Ilbc(mode, encoder) => {
                let frames = samples.chunks_exact(mode.frame_samples());
                let mut length = 0;
                for (frame, place) in frames.zip(out.chunks_exact_mut(mode.frame_bytes())) {
                    encoder.encode(frame, place);
                    length += place.len();
                }
                length
            }
            State::L16 => {
                let (pairs, _) = out.as_chunks_mut::<2>();
                for (pair, sample) in pairs.iter_mut().zip(samples) {
                    *pair = sample.to_be_bytes();
                }
                2 * samples.len().min(pairs.len())
            }
        }
    }

    /// Bytes of the longest payload that [`Encoder::encode`] makes.
    pub const LONGEST: usize = 1400;
}

//! G.729 (annexes A and B) by libbcg729, loaded at run time where the operator has installed it: its licence does not let us bring
//! it along.

mod sys;

use codec::{G729, G729Decoder, G729Encoder, Library};
use std::sync::Arc;

/// There is no such library here, or one without the functions that are needed.
#[derive(Debug, thiserror::Error)]
#[error("libbcg729: {0}")]
pub struct NotFound(#[from] libloading::Error);

/// The codecs of this machine: with G.729 if its library is installed.
///
/// # Errors
/// It is not, which is no fault.
pub fn load() -> Result<Library, NotFound> {
    let functions = Arc::new(sys::Functions::load()?);
    Ok(Library::with_g729(Arc::new(Bcg729(functions))))
}

struct Bcg729(Arc<sys::Functions>);

impl G729 for Bcg729 {
    fn encoder(&self, annex_b: bool) -> Box<dyn G729Encoder> {
        Box::new(Encoder(sys::Encoder::new(self.0.clone(), annex_b)))
    }

    fn decoder(&self) -> Box<dyn G729Decoder> {
        Box::new(Decoder(sys::Decoder::new(self.0.clone())))
    }
}

struct Encoder(Option<sys::Encoder>);
struct Decoder(Option<sys::Decoder>);

impl G729Encoder for Encoder {
    fn encode(&mut self, samples: &[i16; 80], frame: &mut [u8; 10]) -> usize {
        // Without memory for a state there is silence.
        self.0.as_mut().map_or(0, |encoder| encoder.encode(samples, frame))
    }
}

impl G729Decoder for Decoder {
    fn decode(&mut self, frame: &[u8]) -> [i16; 80] {
        match frame.len() {
            10 | 2 => self.0.as_mut().map_or([0; 80], |decoder| decoder.decode(Some(frame))),
            _ => self.conceal(),
        }
    }

    fn conceal(&mut self) -> [i16; 80] {
        self.0.as_mut().map_or([0; 80], |decoder| decoder.decode(None))
    }
}

#[cfg(test)]
mod tests {
    use audio::{Phase, Signal, Tone, goertzel, level};
    use codec::{Codec, Decoder, Encoder, Format, Library, Parameters};

    fn library() -> Library {
        super::load().unwrap_or_else(|error| panic!("{error}; apt-get install libbcg729-0"))
    }

    /// A tone after its way, with every `lost`th packet left out.
    fn heard(lost: usize) -> (f64, f64) {
        let library = library();
        let parameters = Parameters { annex_b: false, ..Parameters::default() };
        let format = Format { codec: Codec::G729, payload_type: 18, parameters };
        let mut encoder = Encoder::new(&format, 8000, &library).expect("there is a library");
        let mut decoder = Decoder::new(Codec::G729, 8000, &library).expect("there is a library");
        let cadence = [Phase { tone: Some(Tone::new(440.0, -10.0)), milliseconds: 60_000 }];
        let sound: Vec<i16> = Signal::new(&cadence, 8000).take(16_000).collect();
        let mut heard = Vec::new();
        for (number, block) in sound.chunks_exact(160).enumerate() {
            let mut payload = [0; Encoder::LONGEST];
            let length = encoder.encode(block, &mut payload);
            assert_eq!(length, 20);
            match number % lost {
                9 => assert!(decoder.conceal(160, None, &mut heard)),
                _ => decoder.decode(&payload[..length], &mut heard).expect("a payload"),
            }
        }
        assert_eq!(heard.len(), sound.len());
        let middle = &heard[8000..];
        (level(middle), goertzel(middle, 8000, 440.0))
    }

    #[test]
    fn a_tone_comes_through_and_lost_frames_are_made_up_for() {
        assert!(library().has(Codec::G729));
        let (all, at) = heard(usize::MAX);
        assert!((all + 10.0).abs() < 1.5 && (at + 10.0).abs() < 1.5, "{at} of {all}");
        // The codec itself comes back softly after a loss.
        let (all, at) = heard(20);
        assert!(all > -20.0 && at > -22.0, "{at} of {all}");
    }

    #[test]
    fn silence_is_described_and_then_left_out() {
        let library = library();
        let format = Format { codec: Codec::G729, payload_type: 18, parameters: Parameters::default() };
        let mut encoder = Encoder::new(&format, 8000, &library).unwrap();
        let mut decoder = Decoder::new(Codec::G729, 8000, &library).unwrap();
        let mut lengths = Vec::new();
        for _ in 0..100 {
            let mut payload = [0; Encoder::LONGEST];
            let length = encoder.encode(&[0; 160], &mut payload);
            let mut heard = Vec::new();
            decoder.decode(&payload[..length], &mut heard).unwrap();
            lengths.push(length);
        }
        assert!(lengths.contains(&0) && lengths.iter().any(|length| length % 10 == 2), "{lengths:?}");
    }

    #[test]
    fn no_bytes_make_the_library_fall() {
        let mut decoder = Decoder::new(Codec::G729, 8000, &library()).unwrap();
        let mut random = 7_u64;
        let mut out = Vec::new();
        for _ in 0..5000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let length = (random >> 33) as usize % 45;
            let payload: Vec<u8> = (0..length).map(|at| (random >> (at % 50)) as u8).collect();
            out.clear();
            let _ = decoder.decode(&payload, &mut out);
        }
    }
}

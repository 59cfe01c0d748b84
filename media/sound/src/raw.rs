//! Files that are nothing but samples.

use crate::kind::Raw;
use crate::{LONGEST, Pcm, SoundError};
use audio_codec::g722::{Bitrate, G722Decoder};

pub(crate) fn decode(raw: Raw, content: &[u8]) -> Result<Pcm, SoundError> {
    match raw {
        Raw::Law(law) => {
            let samples: Vec<i16> = content.iter().map(|code| law.decode(*code)).collect();
            Pcm::new(8000).with(&samples, 1)
        }
        Raw::Linear(rate) => {
            let samples: Vec<i16> = content.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
            Pcm::new(rate).with(&samples, 1)
        }
        Raw::G722 => {
            // Each byte is two samples at 16 kHz.
            if content.len() as u64 > 8000 * LONGEST.as_secs() {
                return Err(SoundError::TooLong);
            }
            let mut samples = vec![0; 2 * content.len()];
            let mut decoder = G722Decoder::with_options(Bitrate::Mode1_64000, false, false);
            let decoded = decoder.decode_frame_into(content, &mut samples).map_err(|_| SoundError::Empty)?;
            Pcm::new(16_000).with(&samples[..decoded], 1)
        }
    }
}

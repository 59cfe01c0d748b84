//! Files that are nothing but samples.

use crate::kind::Raw;
use crate::{LONGEST, Pcm, SoundError};
use g722::Band;

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
            if content.len() as u64 > 8000 * LONGEST.as_secs() {
                return Err(SoundError::TooLong);
            }
            let mut samples = vec![0; 2 * content.len()];
            let decoded = g722::Decoder::new(Band::Wide).decode(content, &mut samples);
            Pcm::new(16_000).with(&samples[..decoded], 1)
        }
        Raw::Gsm => {
            let mut decoder = gsm::Decoder::default();
            let mut pcm = Pcm::new(8000);
            for (index, frame) in content.as_chunks().0.iter().enumerate() {
                pcm.push(&decoder.decode(frame).map_err(|_| SoundError::Gsm(index))?, 1)?;
            }
            Ok(pcm)
        }
    }
}

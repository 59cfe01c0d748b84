//! Sound to be played: decoded once, coded once for each codec, shared by all calls.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::{Law, RATE, Wav, WavError, chime, resample};

/// Samples of a packet of 20 ms.
pub const FRAME: usize = 160;

/// A piece of sound at 8 kHz, mono. Clones share it, and two are equal if they share it.
#[derive(Clone)]
pub struct Prompt {
    sound: Arc<Sound>,
}

struct Sound {
    samples: Box<[i16]>,
    mu: OnceLock<Arc<[u8]>>,
    a: OnceLock<Arc<[u8]>>,
}

impl Prompt {
    /// From samples at 8 kHz.
    pub fn new(samples: impl Into<Box<[i16]>>) -> Prompt {
        Prompt { sound: Arc::new(Sound { samples: samples.into(), mu: OnceLock::new(), a: OnceLock::new() }) }
    }

    /// From a WAV file of any rate.
    pub fn from_wav(file: &[u8]) -> Result<Prompt, WavError> {
        let wav = Wav::parse(file)?;
        Ok(Prompt::new(resample(&wav.samples, wav.rate, RATE)))
    }

    /// Three notes and a pause, for want of anything better: it needs neither file nor speech synthesis.
    pub fn chime() -> Prompt {
        Prompt::new(chime::samples())
    }

    /// The sound itself.
    pub fn samples(&self) -> &[i16] {
        &self.sound.samples
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.samples().len() as u64 * 1_000_000 / u64::from(RATE))
    }

    /// The sound in packets of 20 ms; coded at the first call.
    pub fn frames(&self, law: Law) -> Frames {
        let cell = match law {
            Law::Mu => &self.sound.mu,
            Law::A => &self.sound.a,
        };
        let codes = cell.get_or_init(|| {
            let mut codes = vec![law.silence(); self.samples().len().next_multiple_of(FRAME)];
            law.encode_slice(self.samples(), &mut codes);
            codes.into()
        });
        Frames { codes: Arc::clone(codes) }
    }
}

impl PartialEq for Prompt {
    fn eq(&self, other: &Prompt) -> bool {
        Arc::ptr_eq(&self.sound, &other.sound)
    }
}

impl Eq for Prompt {}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({:?})", self.duration())
    }
}

/// A prompt in one codec, cut into packets of [`FRAME`] bytes; the last one is filled up with silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    codes: Arc<[u8]>,
}

impl Frames {
    /// The payload of a packet, counted from 0; None past the end.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.codes.chunks_exact(FRAME).nth(index)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.codes.len() / FRAME
    }

    /// The prompt has no sound at all.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FRAME, Prompt};
    use crate::Law;

    #[test]
    fn a_prompt_is_cut_into_whole_frames_of_20_ms_and_coded_once() {
        let prompt = Prompt::new(vec![1000; 3 * FRAME + 1]);
        for law in [Law::Mu, Law::A] {
            let frames = prompt.frames(law);
            assert_eq!(frames.len(), 4);
            assert!((0..4).all(|index| frames.get(index).unwrap().len() == FRAME));
            assert_eq!(frames.get(4), None);
            let last = frames.get(3).unwrap();
            assert_eq!((last[0], last[1]), (law.encode(1000), law.silence()));
            assert!(std::sync::Arc::ptr_eq(&frames.codes, &prompt.clone().frames(law).codes));
        }
        assert_eq!(prompt.duration(), Duration::from_micros(60_125));
        assert!(Prompt::new(vec![]).frames(Law::A).is_empty());
    }
}

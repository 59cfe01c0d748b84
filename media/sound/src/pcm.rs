//! Decoded sound as it grows.

use crate::{LONGEST, SoundError};
use audio::Wav;

/// One channel, never longer than [`LONGEST`].
pub(crate) struct Pcm {
    pub rate: u32,
    pub samples: Vec<i16>,
}

impl Pcm {
    pub fn new(rate: u32) -> Pcm {
        Pcm { rate, samples: Vec::new() }
    }

    /// Appends samples of so many channels, one of each by turns, as their mean.
    pub fn push(&mut self, interleaved: &[i16], channels: usize) -> Result<(), SoundError> {
        if !(1000..=Wav::MAX_RATE).contains(&self.rate) {
            return Err(SoundError::Rate(self.rate));
        }
        let channels = channels.max(1);
        let room = u64::from(self.rate) * LONGEST.as_secs();
        if (self.samples.len() + interleaved.len() / channels) as u64 > room {
            return Err(SoundError::TooLong);
        }
        let mean = |frame: &[i16]| {
            let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
            (sum / channels as i32) as i16
        };
        match channels {
            1 => self.samples.extend_from_slice(interleaved),
            _ => self.samples.extend(interleaved.chunks_exact(channels).map(mean)),
        }
        Ok(())
    }

    pub fn with(mut self, interleaved: &[i16], channels: usize) -> Result<Pcm, SoundError> {
        self.push(interleaved, channels)?;
        Ok(self)
    }
}

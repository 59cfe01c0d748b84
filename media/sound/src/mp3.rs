//! MP3, and the older layers of MPEG audio.

use crate::{Pcm, SoundError};
use nanomp3::{Channels, SliceReader};

/// Why an MP3 file is not played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mp3Error {
    /// No frame was found.
    #[error("there is no frame of sound in it")]
    NoFrame,
    /// Another rate, layer or number of channels than before.
    #[error("its rate or its channels change in the middle")]
    Changes,
}

/// What is no frame is skipped, as a decoder of a stream must, so that a damaged file plays with a gap.
pub(crate) fn decode(content: &[u8]) -> Result<Pcm, SoundError> {
    let mut reader = SliceReader::<i16>::new(content);
    let channels = match reader.channels().ok_or(Mp3Error::NoFrame)? {
        Channels::Mono => 1,
        Channels::Stereo => 2,
    };
    let mut pcm = Pcm::new(reader.sample_rate());
    while let Some(frame) = reader.read_frame().map_err(|_| Mp3Error::Changes)? {
        pcm.push(frame, channels)?;
    }
    Ok(pcm)
}

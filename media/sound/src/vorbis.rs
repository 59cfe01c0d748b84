//! Vorbis in Ogg.

mod codebooks;

use crate::ogg::Packets;
use crate::{Pcm, SoundError};
use lewton::audio::{PreviousWindowRight, read_audio_packet_generic};
use lewton::header::{read_header_ident, read_header_setup};
use lewton::samples::InterleavedSamples;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a Vorbis file is not played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VorbisError {
    /// The header of this number, from 1, is missing or damaged.
    #[error("header {0} of 3 is damaged or missing")]
    Head(u8),
    /// More channels than are mixed.
    #[error("{0} channels; up to 8 are read")]
    Channels(u8),
    /// A packet that is no Vorbis.
    #[error("packet {0} is damaged")]
    Packet(usize),
}

pub(crate) fn decode(content: &[u8]) -> Result<Pcm, SoundError> {
    let mut packets = Packets::new(content);
    let mut header = |number| packets.next()?.ok_or(SoundError::Vorbis(VorbisError::Head(number)));
    let (first, second, third) = (header(1)?, header(2)?, header(3)?);
    let ident = read_header_ident(&first.content).map_err(|_| VorbisError::Head(1))?;
    if !(1..=8).contains(&ident.audio_channels) {
        return Err(VorbisError::Channels(ident.audio_channels).into());
    }
    // What it says is for people.
    if !second.content.starts_with(b"\x03vorbis") {
        return Err(VorbisError::Head(2).into());
    }
    if !codebooks::are_bounded(&third.content) {
        return Err(VorbisError::Head(3).into());
    }
    let sizes = (ident.blocksize_0, ident.blocksize_1);
    let setup = contained(|| read_header_setup(&third.content, ident.audio_channels, sizes).ok());
    let setup = setup.ok_or(VorbisError::Head(3))?;
    let mut window = PreviousWindowRight::new();
    let mut pcm = Pcm::new(ident.audio_sample_rate);
    let mut start = None;
    let mut index = 0;
    while let Some(packet) = packets.next()? {
        let decoded = contained(|| read_audio_packet_generic(&ident, &setup, &packet.content, &mut window).ok());
        let decoded: InterleavedSamples<i16> = decoded.ok_or(VorbisError::Packet(index))?;
        pcm.push(&decoded.samples, decoded.channel_count)?;
        index += 1;
        let Some(granule) = packet.granule else { continue };
        let here = pcm.samples.len() as u64;
        let start = *start.get_or_insert(granule.saturating_sub(here));
        if packet.ends_stream {
            pcm.samples.truncate(granule.saturating_sub(start).min(here) as usize);
            break;
        }
    }
    Ok(pcm)
}

/// Does what the decoder may panic at: damaged curves overflow its arithmetic (tests/vectors/sound/damaged.ogg).
fn contained<T>(decode: impl FnOnce() -> Option<T>) -> Option<T> {
    // What a panic leaves half done is not used again: the file is refused.
    catch_unwind(AssertUnwindSafe(decode)).ok().flatten()
}

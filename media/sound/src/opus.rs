//! Opus in Ogg (RFC 7845).

use crate::ogg::Packets;
use crate::{Pcm, SoundError};
use ropus::{Channels, DecodeMode, Decoder};

/// Why an Opus file is not played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpusError {
    /// The identification header is cut short.
    #[error("its header is cut short")]
    Head,
    /// A version that is not compatible with 1.
    #[error("version {0} is not read")]
    Version(u8),
    /// More than one coded stream or more than two channels.
    #[error("{0} channels; one or two are read")]
    Channels(u8),
    /// No comment header follows.
    #[error("its second header is missing")]
    NoTags,
    /// A packet that is no Opus.
    #[error("packet {0} is damaged")]
    Packet(usize),
}

pub(crate) fn decode(content: &[u8]) -> Result<Pcm, SoundError> {
    let mut packets = Packets::new(content);
    let head = packets.next()?.ok_or(OpusError::Head)?;
    let Head { skip, gain } = Head::parse(&head.content)?;
    let tags = packets.next()?.ok_or(OpusError::NoTags)?;
    if !tags.content.starts_with(b"OpusTags") {
        return Err(OpusError::NoTags.into());
    }
    // A decoder of one channel mixes two by itself.
    let mut decoder = Decoder::new(RATE, Channels::Mono).map_err(|_| OpusError::Head)?;
    decoder.set_gain(i32::from(gain)).map_err(|_| OpusError::Head)?;
    let mut pcm = Pcm::new(RATE);
    let mut frame = vec![0; decoder.max_frame_samples_per_channel()];
    // Samples before the first one of the file, where it was cut out of a longer one (RFC 7845 §4.3).
    let mut start = None;
    let mut index = 0;
    while let Some(packet) = packets.next()? {
        // A packet without a byte stands for one that was lost, and this is no network.
        let failed = OpusError::Packet(index);
        if packet.content.is_empty() {
            return Err(failed.into());
        }
        let decoded = decoder.decode(&packet.content, &mut frame, DecodeMode::Normal).map_err(|_| failed)?;
        pcm.push(frame.get(..decoded).ok_or(failed)?, 1)?;
        index += 1;
        let Some(granule) = packet.granule else { continue };
        let here = pcm.samples.len() as u64;
        let start = *start.get_or_insert(granule.saturating_sub(here));
        if packet.ends_stream {
            // What the last packet has too much (RFC 7845 §4.4).
            let length = granule.saturating_sub(start).min(here);
            pcm.samples.truncate(length as usize);
            break;
        }
    }
    let skip = usize::from(skip).min(pcm.samples.len());
    pcm.samples.drain(..skip);
    Ok(pcm)
}

/// What counts of the identification header (RFC 7845 §5.1).
struct Head {
    /// Samples at 48 kHz that are decoded and not played.
    skip: u16,
    /// In 256ths of a decibel.
    gain: i16,
}

impl Head {
    fn parse(packet: &[u8]) -> Result<Head, OpusError> {
        let (head, mapping) = packet.split_first_chunk::<19>().ok_or(OpusError::Head)?;
        let [.., version, channels, s0, s1, _, _, _, _, g0, g1, family] = *head;
        if version & 0xf0 != 0 {
            return Err(OpusError::Version(version));
        }
        // Family 1 with one stream is coded like family 0.
        let streams = if family == 0 { Some(1) } else { mapping.first().copied() };
        if !(1..=2).contains(&channels) || family > 1 || streams != Some(1) {
            return Err(OpusError::Channels(channels));
        }
        Ok(Head { skip: u16::from_le_bytes([s0, s1]), gain: i16::from_le_bytes([g0, g1]) })
    }
}

/// Opus is decoded at 48 kHz, whatever it was made from.
const RATE: u32 = 48_000;

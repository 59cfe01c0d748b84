//! An Ogg/Opus file (RFC 7845) as it grows.

use crate::format::{Layout, Rate};
use crate::ogg::Pages;
use ropus::{Application, Bitrate, Channels, Encoder};

/// A file with one stream.
pub struct Opus {
    encoder: Encoder,
    pages: Pages,
    rate: Rate,
    channels: usize,
    /// Samples of one channel that a decoder drops at the start.
    skip: usize,
    /// Sound that fills no frame yet, all channels.
    rest: Vec<i16>,
    /// Samples of one channel taken, and encoded.
    taken: u64,
    encoded: u64,
    packet: Vec<u8>,
}

impl Opus {
    /// An empty one; `serial` is that of the Ogg stream, not 0, which some programs do not like.
    pub fn new(rate: Rate, layout: Layout, serial: u32) -> Opus {
        let (channels, bits) = match layout {
            Layout::Stereo => (Channels::Stereo, BITS_STEREO),
            Layout::Mixed => (Channels::Mono, BITS_MIXED),
        };
        let bits = match rate {
            Rate::Narrow => bits,
            Rate::Wide => bits * 3 / 2,
        };
        let encoder = Encoder::builder(rate.hz(), channels, Application::Audio)
            .bitrate(Bitrate::Bits(bits))
            .complexity(COMPLEXITY)
            .build()
            .expect("8 and 16 kHz, one or two channels, are among what Opus takes");
        let channels = usize::from(layout.channels());
        let skip = encoder.lookahead() as usize;
        let mut pages = Pages::new(serial);
        pages.packet(&head(layout.channels() as u8, (skip as u64 * ratio(rate)) as u16, rate), 0);
        pages.flush();
        pages.packet(&tags(), 0);
        pages.flush();
        let rest = Vec::with_capacity(2 * channels * frame(rate));
        Opus { encoder, pages, rate, channels, skip, rest, taken: 0, encoded: 0, packet: vec![0; LONGEST] }
    }

    /// Appends samples, those of one moment side by side.
    pub fn push(&mut self, samples: &[i16]) {
        self.taken += (samples.len() / self.channels) as u64;
        self.rest.extend_from_slice(samples);
        self.encode();
    }

    /// The whole file. Silence pushes out what the encoder still holds; the last page's granule position cuts it off (RFC 7845 §4.4).
    pub fn finish(mut self) -> Vec<u8> {
        let end = self.taken + self.skip as u64;
        while self.encoded < end {
            self.rest.resize(self.channels * frame(self.rate), 0);
            self.encode();
        }
        self.pages.finish(end * ratio(self.rate))
    }

    fn encode(&mut self) {
        let frame = frame(self.rate);
        let mut frames = self.rest.chunks_exact(self.channels * frame);
        for sound in &mut frames {
            let length = self.encoder.encode(sound, &mut self.packet).expect("a frame of 20 ms is encoded");
            self.encoded += frame as u64;
            self.pages.packet(&self.packet[..length], self.encoded * ratio(self.rate));
        }
        let left = frames.remainder().len();
        let used = self.rest.len() - left;
        self.rest.copy_within(used.., 0);
        self.rest.truncate(left);
    }
}

/// The identification header (RFC 7845 §5.1).
fn head(channels: u8, skip: u16, rate: Rate) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend(skip.to_le_bytes());
    head.extend(rate.hz().to_le_bytes());
    head.extend([0; 3]);
    head
}

/// The comment header (RFC 7845 §5.2), without comments.
fn tags() -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    tags.extend((VENDOR.len() as u32).to_le_bytes());
    tags.extend(VENDOR.as_bytes());
    tags.extend([0; 4]);
    tags
}

/// Samples of one channel in a frame of 20 ms.
fn frame(rate: Rate) -> usize {
    rate.hz() as usize / 50
}

/// Granule positions count at 48 kHz (RFC 7845 §4).
fn ratio(rate: Rate) -> u64 {
    48_000 / u64::from(rate.hz())
}

const VENDOR: &str = "tandem";
/// Bits a second at 8 kHz; at 16 kHz half as many more.
const BITS_STEREO: u32 = 40_000;
const BITS_MIXED: u32 = 24_000;
/// 0–10. From 5 on, the encoder looks for pitch, which costs 60 % more and leaves the error of tones as it is; below 2, that grows by 6 dB.
const COMPLEXITY: u8 = 2;
/// The longest packet of one frame (RFC 6716 §3.2.1) with its first byte.
const LONGEST: usize = 1276;

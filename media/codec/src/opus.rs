//! Opus, by the crate ropus.

use crate::{Broken, Parameters};
use ropus::{Application, Bitrate, Channels, DecodeMode, InbandFec};

/// Mono; what comes in stereo is mixed down by the codec.
pub struct Decoder {
    decoder: ropus::Decoder,
    /// Samples of the packet before, which is what one that is lost most likely had.
    usual: usize,
}

impl Decoder {
    pub fn new(rate: u32) -> Option<Decoder> {
        let decoder = ropus::Decoder::new(rate, Channels::Mono).ok()?;
        Some(Decoder { decoder, usual: rate as usize / 50 })
    }

    pub fn decode(&mut self, payload: &[u8], samples: usize, out: &mut Vec<i16>) -> Result<(), Broken> {
        if samples == 0 {
            return Err(Broken);
        }
        let start = out.len();
        out.resize(start + samples, 0);
        let written = self.decoder.decode(payload, &mut out[start..], DecodeMode::Normal);
        out.truncate(start + written.map_or(0, |written| written.min(samples)));
        self.usual = samples;
        written.map(|_| ()).map_err(|_| Broken)
    }

    pub fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) -> bool {
        // Opus conceals in steps of 2.5 ms.
        let step = self.decoder.sample_rate() as usize / 400;
        let (start, whole) = (out.len(), samples.next_multiple_of(step));
        out.resize(start + whole, 0);
        let (mode, payload) = match next {
            Some(next) if whole <= self.usual => (DecodeMode::Fec, next),
            _ => (DecodeMode::Normal, &[][..]),
        };
        let written = self.decoder.decode(payload, &mut out[start..], mode);
        out.truncate(start + written.map_or(0, |written| written.min(samples)));
        written.is_ok()
    }
}

pub struct Encoder(ropus::Encoder);

impl Encoder {
    pub fn new(rate: u32, parameters: &Parameters) -> Option<Encoder> {
        let bitrate = match (parameters.bitrate, rate) {
            (0, 8000) => 16_000,
            (0, 16_000) => 24_000,
            (0, _) => 32_000,
            (bitrate, _) => bitrate.clamp(6000, 128_000),
        };
        let builder = ropus::Encoder::builder(rate, Channels::Mono, Application::Voip)
            .bitrate(Bitrate::try_bits(bitrate).ok()?)
            .complexity(COMPLEXITY)
            .dtx(parameters.dtx);
        let builder = match parameters.fec {
            true => builder.inband_fec(InbandFec::Enabled).packet_loss_perc(EXPECTED_LOSS),
            false => builder,
        };
        builder.build().ok().map(Encoder)
    }

    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> usize {
        let length = self.0.encode(samples, out).unwrap_or(0);
        // In silence the codec gives packets of a byte or two that need not be sent (RFC 6716 §2.1.9).
        if length <= 2 && self.0.dtx() { 0 } else { length }
    }
}

/// Samples of a packet by its first bytes (RFC 6716 §3.1, §3.2); `None`: broken.
pub fn samples(payload: &[u8], rate: u32) -> Option<usize> {
    let toc = *payload.first()?;
    // In samples of 48 kHz.
    let frame = match toc >> 3 {
        configuration @ 0..=11 => [480, 960, 1920, 2880][usize::from(configuration % 4)],
        configuration @ 12..=15 => [480, 960][usize::from(configuration % 2)],
        configuration => [120, 240, 480, 960][usize::from(configuration % 4)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(payload.get(1)? & 0x3f),
    };
    let total = frame * frames;
    // RFC 6716 §3.2.5: 120 ms at most.
    (1..=5760).contains(&total).then_some(total * rate as usize / 48_000)
}

/// Of 0 to 10: half of what 10 costs, and hardly worse for speech.
const COMPLEXITY: u8 = 5;
/// Percent of packets lost for which error correction is laid out.
const EXPECTED_LOSS: u8 = 10;

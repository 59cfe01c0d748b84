//! WAV files.

use crate::Law;

/// The sound of a WAV file, mixed down to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second.
    pub rate: u32,
    /// One channel: the mean of all.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Highest rate taken, in Hz.
    pub const MAX_RATE: u32 = 192_000;

    /// Reads PCM of 8, 16, 24 or 32 bits, floating point of 32 or 64 and both laws of G.711, with one channel or two, at 1 kHz
    /// to [`MAX_RATE`](Self::MAX_RATE). A file cut short, or one written as it came with no length, gives what is there.
    pub fn parse(file: &[u8]) -> Result<Wav, WavError> {
        let mut chunks = match file {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', chunks @ ..] => chunks,
            _ => return Err(WavError::NotWav),
        };
        let mut format = None;
        while let Some((head, rest)) = chunks.split_first_chunk::<8>() {
            let [a, b, c, d, size @ ..] = *head;
            let size = u32::from_le_bytes(size) as usize;
            let content = &rest[..size.min(rest.len())];
            match &[a, b, c, d] {
                b"fmt " => format = Some(Format::parse(content)?),
                b"data" => return format.ok_or(WavError::NoFormat)?.decode(content),
                _ => {}
            }
            chunks = rest.get(size.next_multiple_of(2)..).unwrap_or(&[]);
        }
        Err(WavError::NoSound)
    }
}

/// Why a file is not played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// No RIFF file of the WAVE kind.
    #[error("not a WAV file")]
    NotWav,
    /// No `fmt ` chunk before the sound.
    #[error("a WAV file without a format")]
    NoFormat,
    /// No `data` chunk.
    #[error("a WAV file without sound")]
    NoSound,
    /// A coding that is not read: its tag and bits a sample.
    #[error("WAV coding {0:#06x} with {1} bits; PCM of 8, 16, 24 or 32 bits, floating point, A-law and µ-law are read")]
    Coding(u16, u16),
    /// Neither one channel nor two.
    #[error("{0} channels; one or two are read")]
    Channels(u16),
    /// Slower than 1 kHz or faster than [`Wav::MAX_RATE`].
    #[error("{0} samples a second; 1000 to {max} are read", max = Wav::MAX_RATE)]
    Rate(u32),
}

#[derive(Clone, Copy)]
struct Format {
    coding: Coding,
    channels: u16,
    rate: u32,
}

#[derive(Clone, Copy)]
enum Coding {
    Unsigned8,
    /// Signed, little-endian, of two to four bytes.
    Signed(usize),
    /// From -1 to 1.
    Float32,
    Float64,
    Law(Law),
}

impl Format {
    fn parse(chunk: &[u8]) -> Result<Format, WavError> {
        let word = |at: usize| chunk.get(at..at + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
        let (Some(tag), Some(channels), Some(low), Some(high), Some(bits)) =
            (word(0), word(2), word(4), word(6), word(14))
        else {
            return Err(WavError::NoFormat);
        };
        let rate = u32::from(high) << 16 | u32::from(low);
        // The extensible form keeps the tag in the first bytes of its sub-format.
        let tag = if tag == 0xfffe { word(24).unwrap_or(tag) } else { tag };
        let coding = match (tag, bits) {
            (1, 8) => Coding::Unsigned8,
            (1, 16 | 24 | 32) => Coding::Signed(usize::from(bits / 8)),
            (3, 32) => Coding::Float32,
            (3, 64) => Coding::Float64,
            (6, 8) => Coding::Law(Law::A),
            (7, 8) => Coding::Law(Law::Mu),
            _ => return Err(WavError::Coding(tag, bits)),
        };
        if !(1..=2).contains(&channels) {
            return Err(WavError::Channels(channels));
        }
        if !(1000..=Wav::MAX_RATE).contains(&rate) {
            return Err(WavError::Rate(rate));
        }
        Ok(Format { coding, channels, rate })
    }

    fn decode(self, data: &[u8]) -> Result<Wav, WavError> {
        let samples: Vec<i16> = match self.coding {
            Coding::Unsigned8 => data.iter().map(|byte| (i16::from(*byte) - 128) << 8).collect(),
            Coding::Law(law) => data.iter().map(|code| law.decode(*code)).collect(),
            Coding::Float32 => {
                data.as_chunks().0.iter().map(|bytes| from_float(f64::from(f32::from_le_bytes(*bytes)))).collect()
            }
            Coding::Float64 => data.as_chunks().0.iter().map(|bytes| from_float(f64::from_le_bytes(*bytes))).collect(),
            Coding::Signed(bytes) => {
                data.chunks_exact(bytes).map(|word| i16::from_le_bytes([word[bytes - 2], word[bytes - 1]])).collect()
            }
        };
        let samples = match self.channels {
            1 => samples,
            _ => samples.as_chunks::<2>().0.iter().map(|[left, right]| left.midpoint(*right)).collect(),
        };
        Ok(Wav { rate: self.rate, samples })
    }
}

/// What is too loud is cut, and what is no number is silence.
fn from_float(sample: f64) -> i16 {
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::{Wav, WavError};
    use crate::Law;

    /// A file with another chunk, of odd length, before the sound.
    fn file(tag: u16, channels: u16, rate: u32, bits: u16, sound: &[u8]) -> Vec<u8> {
        let mut format = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
        format.extend(rate.to_le_bytes());
        format.extend((rate * u32::from(channels * bits / 8)).to_le_bytes());
        format.extend((channels * bits / 8).to_le_bytes());
        format.extend(bits.to_le_bytes());
        let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
        for (name, content) in [(b"LIST", &b"odd"[..]), (b"fmt ", &format), (b"data", sound)] {
            file.extend(name);
            file.extend((content.len() as u32).to_le_bytes());
            file.extend(content);
            file.extend(std::iter::repeat_n(0, content.len() % 2));
        }
        file
    }

    fn samples(file: &[u8]) -> Vec<i16> {
        Wav::parse(file).unwrap().samples
    }

    #[test]
    fn every_coding_gives_its_samples() {
        assert_eq!(samples(&file(1, 1, 8000, 8, &[0, 128, 255])), [-32_768, 0, 32_512]);
        assert_eq!(samples(&file(1, 1, 8000, 16, &[0, 128, 1, 0, 255, 127])), [-32_768, 1, 32_767]);
        assert_eq!(samples(&file(1, 1, 8000, 24, &[9, 0, 128, 9, 1, 0])), [-32_768, 1]);
        assert_eq!(samples(&file(1, 1, 8000, 32, &[9, 9, 255, 255])), [-1]);
        let floats = [-1.0, 0.5, 2.0, f32::NAN, f32::NEG_INFINITY];
        let expected = [-32_768, 16_384, 32_767, 0, -32_768];
        assert_eq!(samples(&file(3, 1, 8000, 32, &floats.map(f32::to_le_bytes).concat())), expected);
        assert_eq!(
            samples(&file(3, 1, 8000, 64, &floats.map(|sample| f64::from(sample).to_le_bytes()).concat())),
            expected
        );
        assert_eq!(samples(&file(6, 1, 8000, 8, &[0x2a, 0xd5])), [0x2a, 0xd5].map(|code| Law::A.decode(code)));
        assert_eq!(samples(&file(7, 1, 8000, 8, &[0x00, 0xff])), [-32_124, 0]);
    }

    #[test]
    fn two_channels_become_their_mean() {
        assert_eq!(samples(&file(1, 2, 44_100, 16, &[255, 127, 255, 127, 10, 0, 20, 0, 7, 7])), [32_767, 15]);
        assert_eq!(samples(&file(1, 2, 44_100, 8, &[255, 1, 128, 128])), [0, 0]);
    }

    #[test]
    fn the_extensible_form_names_its_coding_further_on() {
        let mut wav = file(0xfffe, 1, 48_000, 16, &[1, 0]);
        let at = wav.windows(4).position(|window| window == b"fmt ").unwrap();
        wav[at + 4] = 40;
        let guid = [&[22, 0, 16, 0, 4, 0, 0, 0, 1, 0][..], &[0; 14]].concat();
        wav.splice(at + 8 + 16..at + 8 + 16, guid);
        assert_eq!(Wav::parse(&wav), Ok(Wav { rate: 48_000, samples: vec![1] }));
    }

    #[test]
    fn a_file_cut_short_gives_what_is_there() {
        let mut streamed = file(1, 1, 8000, 16, &[1, 0, 2, 0, 3]);
        let length = streamed.len() - 6 - 4;
        streamed[length..length + 4].fill(0xff);
        streamed.pop();
        assert_eq!(samples(&streamed), [1, 2]);
    }

    #[test]
    fn what_is_not_read_is_named() {
        let error = |file: &[u8]| Wav::parse(file).unwrap_err();
        assert_eq!(error(b"RIFF\0\0\0\0AVI LIST"), WavError::NotWav);
        assert_eq!(error(b"RIFF\0\0\0\0WAVEdata\0\0\0\0"), WavError::NoFormat);
        assert_eq!(error(b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\x01\0"), WavError::NoFormat);
        assert_eq!(error(&file(1, 1, 8000, 16, &[])[..50]), WavError::NoSound);
        assert_eq!(error(&file(3, 1, 8000, 16, &[])), WavError::Coding(3, 16));
        assert_eq!(error(&file(1, 6, 8000, 16, &[])), WavError::Channels(6));
        assert_eq!(error(&file(1, 1, 999, 16, &[])), WavError::Rate(999));
        assert_eq!(error(&file(1, 1, 192_001, 16, &[])), WavError::Rate(192_001));
    }
}

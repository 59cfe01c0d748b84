//! A WAV file of 16-bit PCM as it grows.

/// A file whose lengths are written at its end.
pub struct Wav {
    bytes: Vec<u8>,
}

impl Wav {
    /// An empty one; `expected` samples of all channels are made room for.
    pub fn new(rate: u32, channels: u16, expected: usize) -> Wav {
        let mut bytes = Vec::with_capacity(HEADER + 2 * expected);
        bytes.extend(b"RIFF\0\0\0\0WAVEfmt ");
        bytes.extend(16_u32.to_le_bytes());
        bytes.extend(1_u16.to_le_bytes());
        bytes.extend(channels.to_le_bytes());
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * u32::from(channels) * 2).to_le_bytes());
        bytes.extend((channels * 2).to_le_bytes());
        bytes.extend(16_u16.to_le_bytes());
        bytes.extend(b"data\0\0\0\0");
        Wav { bytes }
    }

    /// Appends samples, those of one moment side by side.
    pub fn push(&mut self, samples: &[i16]) {
        self.bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    }

    /// The whole file.
    pub fn finish(mut self) -> Vec<u8> {
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
        let (riff, data) = (length(self.bytes.len() - 8), length(self.bytes.len() - HEADER));
        self.bytes[4..8].copy_from_slice(&riff);
        self.bytes[HEADER - 4..HEADER].copy_from_slice(&data);
        self.bytes
    }
}

const HEADER: usize = 44;

#[cfg(test)]
mod tests {
    use super::Wav;

    #[test]
    fn the_reader_of_prompts_reads_it() {
        let mut wav = Wav::new(8000, 2, 4);
        wav.push(&[1, 3]);
        wav.push(&[-32_768, -32_768]);
        let file = wav.finish();
        assert_eq!(file.len(), 44 + 8);
        assert_eq!(file[4..8], 44_u32.to_le_bytes());
        let read = audio::Wav::parse(&file).unwrap();
        assert_eq!((read.rate, read.samples), (8000, vec![2, -32_768]));
    }
}

//! The parameters of a frame, and their place in 33 bytes.

use crate::FRAME_BYTES;

/// The frame does not begin with the signature 0xD (RFC 3551 §4.5.8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GSM full-rate frame: its first four bits are {signature:#x}, not 0xd")]
pub struct BadFrame {
    /// The first four bits, as they came.
    pub signature: u8,
}

/// What a frame says of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// LARc: the log area ratios' codes, of [`LAR_BITS`] each.
    pub lars: [u8; 8],
    pub quarters: [Quarter; 4],
}

/// What a frame says of 5 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarter {
    /// Nc, 7 bits: samples back to what is repeated; senders keep it in 40 to 120.
    pub lag: u8,
    /// bc, 2 bits: how much of that is repeated.
    pub gain: u8,
    pub excitation: Excitation,
}

/// What is added to the repetition: every third sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excitation {
    /// Mc, 2 bits: the first sample that is not 0.
    pub grid: u8,
    /// xmaxc, 6 bits: the block's amplitude, almost logarithmic.
    pub amplitude: u8,
    /// xMc, 3 bits each.
    pub pulses: [u8; 13],
}

impl Parameters {
    /// Reads a frame.
    pub fn parse(frame: &[u8; FRAME_BYTES]) -> Result<Parameters, BadFrame> {
        let (head, quarters) = frame.split_at(HEAD_BYTES);
        let mut bits = Bits::read(head);
        let mut lars = LAR_BITS.map(|_| 0);
        for (lar, width) in lars.iter_mut().zip(LAR_BITS).rev() {
            *lar = bits.pop(width);
        }
        match bits.pop(4) {
            SIGNATURE => {}
            signature => return Err(BadFrame { signature }),
        }
        let quarter = |index: usize| Quarter::parse(&quarters[index * QUARTER_BYTES..][..QUARTER_BYTES]);
        Ok(Parameters { lars, quarters: [0, 1, 2, 3].map(quarter) })
    }

    /// Writes a frame.
    pub fn to_bytes(self) -> [u8; FRAME_BYTES] {
        let mut frame = [0; FRAME_BYTES];
        let (head, quarters) = frame.split_at_mut(HEAD_BYTES);
        let mut bits = Bits::default();
        bits.push(SIGNATURE, 4);
        for (lar, width) in self.lars.into_iter().zip(LAR_BITS) {
            bits.push(lar, width);
        }
        bits.write(head);
        for (quarter, bytes) in self.quarters.iter().zip(quarters.chunks_exact_mut(QUARTER_BYTES)) {
            quarter.to_bits().write(bytes);
        }
        frame
    }
}

impl Quarter {
    fn parse(bytes: &[u8]) -> Quarter {
        let mut bits = Bits::read(bytes);
        let mut pulses = [0; 13];
        for pulse in pulses.iter_mut().rev() {
            *pulse = bits.pop(3);
        }
        let (amplitude, grid) = (bits.pop(6), bits.pop(2));
        let (gain, lag) = (bits.pop(2), bits.pop(7));
        Quarter { lag, gain, excitation: Excitation { grid, amplitude, pulses } }
    }

    fn to_bits(self) -> Bits {
        let Excitation { grid, amplitude, pulses } = self.excitation;
        let mut bits = Bits::default();
        bits.push(self.lag, 7);
        bits.push(self.gain, 2);
        bits.push(grid, 2);
        bits.push(amplitude, 6);
        for pulse in pulses {
            bits.push(pulse, 3);
        }
        bits
    }
}

/// Up to 64 bits, the last one pushed lowest. Both parts of a frame fill whole bytes, so each is one of these.
#[derive(Default)]
struct Bits(u64);

impl Bits {
    fn read(bytes: &[u8]) -> Bits {
        Bits(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    fn write(self, bytes: &mut [u8]) {
        let length = bytes.len();
        bytes.copy_from_slice(&self.0.to_be_bytes()[8 - length..]);
    }

    fn push(&mut self, value: u8, width: u32) {
        debug_assert!(u32::from(value) < 1 << width);
        self.0 = self.0 << width | u64::from(value);
    }

    fn pop(&mut self, width: u32) -> u8 {
        let value = self.0 & ((1 << width) - 1);
        self.0 >>= width;
        value as u8
    }
}

const SIGNATURE: u8 = 0xd;

const LAR_BITS: [u32; 8] = [6, 6, 5, 5, 4, 4, 3, 3];

/// The signature and the log area ratios: 40 bits.
const HEAD_BYTES: usize = 5;

/// 56 bits.
const QUARTER_BYTES: usize = 7;

#[cfg(test)]
mod tests {
    use super::Parameters;
    use crate::vectors::Random;

    #[test]
    fn every_bit_of_a_frame_has_a_place() {
        let mut random = Random::new();
        for _ in 0..1000 {
            let frame = random.frame();
            assert_eq!(Parameters::parse(&frame).map(Parameters::to_bytes), Ok(frame));
        }
    }

    #[test]
    fn the_fields_are_in_the_order_of_rfc_3551_table_3() {
        let mut frame = [0; 33];
        frame[..12].copy_from_slice(&[0xd8, 0x20, 0xa2, 0xc1, 0x0a, 0x51, 0x42, 0x8d, 0x00, 0x00, 0x00, 0x07]);
        let parameters = Parameters::parse(&frame).unwrap();
        assert_eq!(parameters.lars, [0x20, 0x20, 0x14, 0x0b, 0, 4, 1, 2]);
        let quarter = parameters.quarters[0];
        let excitation = quarter.excitation;
        assert_eq!((quarter.lag, quarter.gain, excitation.grid, excitation.amplitude), (40, 2, 2, 5));
        assert_eq!(excitation.pulses, [0, 6, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    }
}

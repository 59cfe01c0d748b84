//! G.711: sixteen bits in eight, by a logarithmic law.

/// The two laws. Both are symmetric in the one's complement, as ITU-T G.191 codes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law, payload type 0 (PCMU).
    Mu,
    /// A-law, payload type 8 (PCMA).
    A,
}

impl Law {
    /// The code of silence.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xff,
            Law::A => 0xd5,
        }
    }

    /// The payload type that RFC 3551 gives it.
    pub const fn payload_type(self) -> u8 {
        match self {
            Law::Mu => 0,
            Law::A => 8,
        }
    }

    /// One sample.
    pub fn decode(self, code: u8) -> i16 {
        match self {
            Law::Mu => MU_DECODED[usize::from(code)],
            Law::A => A_DECODED[usize::from(code)],
        }
    }

    /// One code.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => MU_ENCODED[usize::from(sample as u16 >> 2)],
            Law::A => A_ENCODED[usize::from(sample as u16 >> 4)],
        }
    }

    /// As many samples as both slices hold.
    pub fn decode_slice(self, codes: &[u8], samples: &mut [i16]) {
        let table = match self {
            Law::Mu => &MU_DECODED,
            Law::A => &A_DECODED,
        };
        for (sample, code) in samples.iter_mut().zip(codes) {
            *sample = table[usize::from(*code)];
        }
    }

    /// As many codes as both slices hold.
    pub fn encode_slice(self, samples: &[i16], codes: &mut [u8]) {
        for (code, sample) in codes.iter_mut().zip(samples) {
            *code = self.encode(*sample);
        }
    }
}

static MU_DECODED: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_mu(code as u8);
        code += 1;
    }
    table
};

static A_DECODED: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_a(code as u8);
        code += 1;
    }
    table
};

/// By the upper 14 bits, which are all that µ-law looks at.
static MU_ENCODED: [u8; 1 << 14] = {
    let mut table = [0; 1 << 14];
    let mut index = 0;
    while index < table.len() {
        table[index] = compress_mu((index << 2) as u16 as i16);
        index += 1;
    }
    table
};

/// By the upper 12 bits, which are all that A-law looks at.
static A_ENCODED: [u8; 1 << 12] = {
    let mut table = [0; 1 << 12];
    let mut index = 0;
    while index < table.len() {
        table[index] = compress_a((index << 4) as u16 as i16);
        index += 1;
    }
    table
};

const fn expand_mu(code: u8) -> i16 {
    let bits = !code;
    let (exponent, mantissa) = (bits >> 4 & 7, (bits & 15) as i16);
    let magnitude = (((mantissa << 3) + 132) << exponent) - 132;
    if bits & 0x80 != 0 { -magnitude } else { magnitude }
}

const fn compress_mu(sample: i16) -> u8 {
    let (magnitude, sign) = if sample < 0 { (!sample, 0x80) } else { (sample, 0) };
    let biased = (magnitude >> 2) + 33;
    let biased = if biased > 0x1fff { 0x1fff } else { biased };
    let exponent = 10 - biased.leading_zeros() as u8;
    let mantissa = (biased >> (exponent + 1)) as u8 & 15;
    !(sign | exponent << 4 | mantissa)
}

const fn expand_a(code: u8) -> i16 {
    let bits = code ^ 0x55;
    let (exponent, mantissa) = (bits >> 4 & 7, (bits & 15) as i16);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        exponent => ((mantissa << 4) + 264) << (exponent - 1),
    };
    if bits & 0x80 != 0 { magnitude } else { -magnitude }
}

const fn compress_a(sample: i16) -> u8 {
    let (magnitude, sign) = if sample < 0 { (!sample >> 4, 0) } else { (sample >> 4, 0x80) };
    let bits = if magnitude < 32 {
        magnitude as u8
    } else {
        let exponent = 12 - magnitude.leading_zeros() as u8;
        exponent << 4 | (magnitude >> (exponent - 1)) as u8 & 15
    };
    (sign | bits) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::Law;

    /// Decision values of G.711 tables 1a (A-law, 13 bits) and 2a (µ-law, 14 bits): where each of the 128 intervals
    /// begins.
    fn decisions(law: Law) -> Vec<i32> {
        let mut decisions = vec![0];
        let (segments, first_step, unit) = match law {
            Law::Mu => (8, 2, 4),
            Law::A => (7, 2, 8),
        };
        let mut at = 0;
        for segment in 0..segments {
            let (steps, step) = match law {
                // The first interval of µ-law is half as wide: zero lies in its middle.
                Law::Mu => (16, first_step << segment),
                Law::A => (if segment == 0 { 32 } else { 16 }, first_step << segment),
            };
            for index in 0..steps {
                at += if law == Law::Mu && segment == 0 && index == 0 { 1 } else { step };
                decisions.push(at * unit);
            }
        }
        decisions.truncate(128);
        decisions
    }

    #[test]
    fn every_sample_falls_into_the_interval_that_the_itu_tables_give() {
        for law in [Law::Mu, Law::A] {
            let decisions = decisions(law);
            let positive = |number: usize| if law == Law::Mu { !(number as u8) } else { (0x80 | number as u8) ^ 0x55 };
            for sample in 0..=i16::MAX {
                let number = decisions.partition_point(|decision| *decision <= i32::from(sample)) - 1;
                assert_eq!(law.encode(sample), positive(number), "{law:?} {sample}");
                assert_eq!(law.encode(!sample), positive(number) ^ 0x80, "{law:?} {}", !sample);
            }
        }
    }

    #[test]
    fn a_code_decodes_into_the_middle_of_its_interval() {
        for law in [Law::Mu, Law::A] {
            let decisions = decisions(law);
            for number in 1..127 {
                let middle = (decisions[number] + decisions[number + 1]) / 2;
                let code = if law == Law::Mu { !(number as u8) } else { (0x80 | number as u8) ^ 0x55 };
                assert_eq!(i32::from(law.decode(code)), middle, "{law:?} {number}");
                assert_eq!(i32::from(law.decode(code ^ 0x80)), -middle, "{law:?} -{number}");
            }
        }
        assert_eq!((Law::Mu.decode(0xff), Law::Mu.decode(0x80), Law::Mu.decode(0x00)), (0, 32124, -32124));
        assert_eq!((Law::A.decode(0xd5), Law::A.decode(0xaa), Law::A.decode(0x2a)), (8, 32256, -32256));
    }

    #[test]
    fn coding_a_decoded_code_gives_it_back() {
        for law in [Law::Mu, Law::A] {
            for code in 0..=255 {
                // Minus zero of µ-law is the one code without a sample of its own.
                let expected = if law == Law::Mu && code == 0x7f { 0xff } else { code };
                assert_eq!(law.encode(law.decode(code)), expected, "{law:?}");
            }
            assert_eq!(law.encode(0), law.silence());
        }
    }
}

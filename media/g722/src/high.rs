use crate::limit;
use crate::predictor::Predictor;
use crate::scale::HighScale;

/// The code of silence: a higher band that has rested since its reset, and hears nothing, says this and stays at rest.
pub(crate) const SILENCE: u8 = 3;

/// The higher band's coder: two bits a sample.
#[derive(Clone, Debug)]
pub(crate) struct High {
    scale: HighScale,
    predictor: Predictor,
}

impl High {
    /// As the Recommendation's reset leaves it.
    pub(crate) fn new() -> Self {
        Self { scale: HighScale::new(), predictor: Predictor::default() }
    }

    /// The code, 0 to 3, of a sample of 15 bits (BLOCK 1H, then as the decoder).
    #[inline(always)]
    pub(crate) fn encode(&mut self, sample: i32) -> u8 {
        // Not saturated, since no decision level lies beyond 2256.
        let error = sample - self.predictor.guess();
        let sign = error >> 31;
        let large = (error ^ sign) >= (LEVEL * self.scale.step()) >> 12;
        let code = (1 - u8::from(large)) + 2 * (1 + sign) as u8;
        self.adapt(code);
        code
    }

    /// The sample, 15 bits, of a code, 0 to 3 (BLOCK 5H and 6H, then as the encoder).
    #[inline(always)]
    pub(crate) fn decode(&mut self, code: u8) -> i32 {
        let guess = self.predictor.guess();
        limit(guess + self.adapt(code))
    }

    /// BLOCK 2H to 4H; by how much the code says that the guess was wrong.
    #[inline(always)]
    fn adapt(&mut self, code: u8) -> i32 {
        let code = usize::from(code & 3);
        let difference = (self.scale.step() * i32::from(OUTPUT[code])) >> 15;
        self.scale.adapt(i32::from(WORTH[code]));
        self.predictor.update(difference as i16);
        difference
    }
}

/// The decision level between small and large, in 1/4096 of the step (table Q2).
const LEVEL: i32 = 564;

/// Output by code in 1/32,768 of the step (table OQ2).
const OUTPUT: [i16; 4] = [-7408, -1616, 7408, 1616];

/// What a code adds to the step's logarithm (table WH).
const WORTH: [i16; 4] = [798, -214, 798, -214];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_band_that_never_heard_anything_says_silence_for_ever() {
        let (mut encoder, mut decoder) = (High::new(), High::new());
        for _ in 0..100_000 {
            assert_eq!(encoder.encode(0), SILENCE);
            assert_eq!(decoder.decode(SILENCE), 0);
        }
    }
}

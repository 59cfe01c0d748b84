use crate::saturate;

/// What both bands guess the next sample with (G.722 §6.2.1.4, BLOCK 4): two poles over what was rebuilt, six zeros over
/// the differences. Encoder and decoder hold the same one.
///
/// The zeros lie in eight lanes of 16 bits, two of them always 0, so that they are a register of the oldest x86-64.
#[derive(Clone, Debug, Default)]
pub(crate) struct Predictor {
    /// SL, SH: the guess.
    guess: i32,
    /// SZL, SZH: the zeros' part of it.
    zeros: i32,
    /// The last two samples rebuilt, the newest first (RLT, RH).
    rebuilt: [i32; 2],
    /// The last two without the poles' part, of which only the signs are used (PLT, PH).
    partial: [i32; 2],
    /// The poles' coefficients (AL, AH).
    poles: [i32; 2],
    /// The last six differences, the newest first (DLT, DH).
    differences: [i16; LANES],
    /// The zeros' coefficients (BL, BH).
    coefficients: [i16; LANES],
    /// The sum of the differences' magnitudes.
    magnitude: i32,
}

const LANES: usize = 8;
const ZEROS: usize = 6;
const STEPS: [i16; LANES] = [128, 128, 128, 128, 128, 128, 0, 0];

impl Predictor {
    /// The next sample, as far as it can be known.
    pub(crate) fn guess(&self) -> i32 {
        self.guess
    }

    /// Takes in by how much the guess was wrong, as the code tells it. No quantiser gives more than 10,228 either way.
    #[inline(always)]
    pub(crate) fn update(&mut self, difference: i16) {
        let d = i32::from(difference);
        let partial = saturate(self.zeros + d);
        let rebuilt = saturate(self.guess + d);
        self.adapt_poles(partial);
        let poles = self.filter_poles(rebuilt);
        self.adapt_zeros(difference);
        self.zeros = self.filter_zeros(difference);
        self.guess = saturate(poles + self.zeros);
    }

    /// UPPOL2 and UPPOL1.
    #[inline(always)]
    fn adapt_poles(&mut self, partial: i32) {
        let [first, second] = self.poles;
        let opposite = (partial ^ self.partial[0]) >> 31;
        let opposite_second = (partial ^ self.partial[1]) >> 31;
        self.partial = [partial, self.partial[0]];

        let pull = saturate(first << 2);
        // Minus -32,768 is 32,767 in 16 bits.
        let pull = if opposite == 0 { (-pull).min(32767) } else { pull };
        let second = ((pull >> 7) + (128 ^ opposite_second) - opposite_second + ((second * 127) >> 7)).clamp(-12288, 12288);
        let bound = 15360 - second;
        let first = ((192 ^ opposite) - opposite + ((first * 255) >> 8)).clamp(-bound, bound);
        self.poles = [first, second];
    }

    /// FILTEP.
    #[inline(always)]
    fn filter_poles(&mut self, rebuilt: i32) -> i32 {
        self.rebuilt = [rebuilt, self.rebuilt[0]];
        let [first, second] = [0, 1].map(|i| (self.poles[i] * saturate(self.rebuilt[i] << 1)) >> 15);
        saturate(first + second)
    }

    /// UPZERO. The sums stay within 16 bits by themselves: what leaks away at the ends of the range is 128.
    #[inline(always)]
    fn adapt_zeros(&mut self, difference: i16) {
        let moved = -i16::from(difference != 0);
        for ((b, d), step) in self.coefficients.iter_mut().zip(self.differences).zip(STEPS) {
            let opposite = (d ^ difference) >> 15;
            let leaked = ((i32::from(*b) * 255) >> 8) as i16;
            *b = leaked.wrapping_add(((step & moved) ^ opposite).wrapping_sub(opposite));
        }
    }

    /// FILTEZ, with the newest difference in its place. A sum that can leave 16 bits is saturated after each addition, in
    /// the Recommendation's order; as long as the differences are small none can.
    #[inline(always)]
    fn filter_zeros(&mut self, difference: i16) -> i32 {
        let [d1, d2, d3, d4, d5, d6, ..] = self.differences;
        self.magnitude += i32::from(difference).abs() - i32::from(d6).abs();
        self.differences = [difference, d1, d2, d3, d4, d5, 0, 0];
        let mut products = [0_i16; LANES];
        for ((product, d), b) in products.iter_mut().zip(self.differences).zip(self.coefficients) {
            *product = ((i32::from(d) * i32::from(b)) >> 14) as i16;
        }
        if 2 * self.magnitude <= i32::from(i16::MAX) {
            i32::from(products.into_iter().fold(0, i16::wrapping_add))
        } else {
            i32::from(products[..ZEROS].iter().rev().fold(0, |sum: i16, product| sum.saturating_add(*product)))
        }
    }
}

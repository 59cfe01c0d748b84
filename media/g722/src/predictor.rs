use crate::saturate;

/// What both bands guess the next sample with (G.722 §3.6, BLOCK 4): two poles over what was rebuilt, six zeros over
/// the differences. Encoder and decoder hold the same one.
///
/// The zeros lie in eight lanes of 16 bits, a register of the oldest x86-64. The last two lanes go along without being
/// counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Predictor {
    /// SL, SH: the guess.
    guess: i32,
    /// SZL, SZH: the zeros' part of it.
    zeros: i32,
    /// Twice the last two samples rebuilt, the newest first, saturated (of RLT, RH).
    rebuilt: [i32; 2],
    /// Minus 1 where one of the last two samples, without the poles' part, was below zero (of PLT, PH), and 0 elsewhere.
    signs: [i32; 2],
    /// The poles' coefficients (AL, AH).
    poles: [i32; 2],
    /// The last differences, the newest first (DLT, DH).
    differences: [i16; LANES],
    /// The zeros' coefficients (BL, BH).
    coefficients: [i16; LANES],
    /// For how many more samples a large difference is among the six.
    loud: u8,
}

const LANES: usize = 8;
const ZEROS: usize = 6;
const COUNTED: [i16; LANES] = [1, 1, 1, 1, 1, 1, 0, 0];

/// By how much the zeros' coefficients leak, in 1/65,536. The last lane, which does not count, differs from the others so
/// that compilers take the instruction for the upper half of a product, which needs no room for 32 bits.
const LEAK: [i16; LANES] = [-256, -256, -256, -256, -256, -256, -256, -255];

impl Predictor {
    /// The next sample, as far as it can be known.
    pub(crate) fn guess(&self) -> i32 {
        self.guess
    }

    /// Takes in by how much the guess was wrong, as the code tells it. No quantiser gives more than 10,228 either way.
    #[inline(always)]
    pub(crate) fn update(&mut self, difference: i16) {
        let d = i32::from(difference);
        self.adapt_poles((self.zeros + d) >> 31);
        let poles = self.filter_poles(saturate((self.guess + d) << 1));
        self.adapt_zeros(difference);
        self.zeros = self.filter_zeros(difference);
        self.guess = saturate(poles + self.zeros);
    }

    /// UPPOL2 and UPPOL1, with the newest sign (PARREC).
    #[inline(always)]
    fn adapt_poles(&mut self, sign: i32) {
        let [first, second] = self.poles;
        let [opposite, opposite_second] = self.signs.map(|earlier| sign ^ earlier);
        self.signs = [sign, self.signs[0]];

        // Minus 32,768 would be turned about into 32,767, and its 128th is that of the next word.
        let pull = negated((first << 2).clamp(-32767, 32767), !opposite) >> 7;
        let second = (pull + negated(128, opposite_second) + ((second * 127) >> 7)).clamp(-12288, 12288);
        let bound = 15360 - second;
        let first = (negated(192, opposite) + ((first * 255) >> 8)).min(bound).max(-bound);
        self.poles = [first, second];
    }

    /// FILTEP.
    #[inline(always)]
    fn filter_poles(&mut self, rebuilt: i32) -> i32 {
        self.rebuilt = [rebuilt, self.rebuilt[0]];
        let [first, second] = [0, 1].map(|i| (self.poles[i] * self.rebuilt[i]) >> 15);
        saturate(first + second)
    }

    /// UPZERO. The sums stay within 16 bits by themselves: what leaks away at the ends of the range is 128.
    #[inline(always)]
    fn adapt_zeros(&mut self, difference: i16) {
        let by = 128 * difference.signum();
        for ((b, d), leak) in self.coefficients.iter_mut().zip(self.differences).zip(LEAK) {
            let below = d >> 15;
            let leaked = ((i32::from(*b) * i32::from(leak)) >> 16) as i16;
            *b = b.wrapping_add(leaked).wrapping_add((by ^ below).wrapping_sub(below));
        }
    }

    /// FILTEZ, with the newest difference in its place.
    #[inline(always)]
    fn filter_zeros(&mut self, difference: i16) -> i32 {
        let [d1, d2, d3, d4, d5, d6, d7, _] = self.differences;
        self.differences = [difference, d1, d2, d3, d4, d5, d6, d7];
        let mut products = [0_i16; LANES];
        for ((product, d), b) in products.iter_mut().zip(self.differences).zip(self.coefficients) {
            // The product by 2^14, put together from its halves, for which there are instructions.
            let upper = ((i32::from(d) * i32::from(b)) >> 16) as i16;
            let lower = d.wrapping_mul(b).cast_unsigned();
            *product = upper << 2 | (lower >> 14).cast_signed();
        }
        self.loud = if difference.unsigned_abs() > QUIET { ZEROS as u8 } else { self.loud.saturating_sub(1) };
        if self.loud == 0 {
            products.into_iter().zip(COUNTED).map(|(product, counted)| i32::from(product) * i32::from(counted)).sum()
        } else {
            saturated_sum(&products)
        }
    }
}

/// Six products of differences up to this one, each at most its double, leave 16 bits in no order.
const QUIET: u16 = 2730;

/// A sum that can leave 16 bits is saturated after each addition, in the Recommendation's order.
#[cold]
#[inline(never)]
fn saturated_sum(products: &[i16; LANES]) -> i32 {
    i32::from(products[..ZEROS].iter().rev().fold(0, |sum: i16, product| sum.saturating_add(*product)))
}

/// The value, turned about where the sign is minus 1 and not 0.
fn negated(value: i32, sign: i32) -> i32 {
    (value ^ sign) - sign
}

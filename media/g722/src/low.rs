use crate::limit;
use crate::predictor::Predictor;
use crate::scale::{LowScale, RECIPROCALS};

/// The lower band's coder: six bits a sample, of which the upper four steer the adaptation.
#[derive(Clone, Debug)]
pub(crate) struct Low {
    scale: LowScale,
    predictor: Predictor,
}

impl Low {
    /// As the Recommendation's reset leaves it.
    pub(crate) fn new() -> Self {
        Self { scale: LowScale::new(), predictor: Predictor::default() }
    }

    /// The code, 0 to 63, of a sample of 15 bits (BLOCK 1L, then as the decoder).
    #[inline(always)]
    pub(crate) fn encode(&mut self, sample: i32) -> u8 {
        // Not saturated, since no decision level lies beyond 11,676.
        let error = sample - self.predictor.guess();
        let negative = error < 0;
        let magnitude = (if negative { !error } else { error }) as u64;
        // A decision level L is reached where L · step >> 12 is at most the magnitude, so where L is at most this quotient.
        let reached = ((((magnitude + 1) << 12) - 1) * RECIPROCALS[self.scale.index()]) >> 41;
        let code = CODES[usize::from(negative)][reached.min(TOP_LEVEL as u64) as usize];
        self.adapt(code);
        code
    }

    /// The sample, 15 bits, of a code, 0 to 63 (BLOCK 5L and 6L, then as the encoder).
    #[inline(always)]
    pub(crate) fn decode(&mut self, code: u8) -> i32 {
        let fine = (self.scale.step() * i32::from(FINE[usize::from(code & 63)])) >> 15;
        let sample = limit(self.predictor.guess() + fine);
        self.adapt(code);
        sample
    }

    /// BLOCK 2L to 4L: what the code's upper four bits say about the signal.
    #[inline(always)]
    fn adapt(&mut self, code: u8) {
        let coarse = usize::from((code >> 2) & 15);
        let difference = (self.scale.step() * i32::from(COARSE[coarse])) >> 15;
        self.scale.adapt(i32::from(WORTH[coarse]));
        self.predictor.update(difference as i16);
    }
}

/// Decision levels of the quantiser of 6 bits, in 1/4096 of the step (table Q6).
const LEVELS: [u16; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
const TOP_LEVEL: usize = 2919;

/// The code of every quotient from 0 to the topmost decision level, for errors from 0 up and for those below.
static CODES: [[u8; TOP_LEVEL + 1]; 2] = codes();

const fn codes() -> [[u8; TOP_LEVEL + 1]; 2] {
    let mut codes = [[0; TOP_LEVEL + 1]; 2];
    let (mut quotient, mut interval) = (0, 0);
    while quotient <= TOP_LEVEL {
        while interval < LEVELS.len() && LEVELS[interval] as usize <= quotient {
            interval += 1;
        }
        // Intervals count from 1. From 0 up they are numbered downwards from 61; below, two codes that the quantisers of
        // 5 and 4 bits have no room for come first, then downwards from 31.
        codes[0][quotient] = 62 - interval as u8;
        codes[1][quotient] = if interval <= 2 { 64 - interval as u8 } else { 34 - interval as u8 };
        quotient += 1;
    }
    codes
}

/// Output levels of the quantiser of 6 bits, in 1/4096 of the step (table OQ6), by interval.
const FINE_LEVELS: [i16; 31] = [
    0, 17, 54, 91, 130, 170, 211, 254, 300, 347, 396, 447, 501, 558, 618, 682, 750, 822, 899, 982, 1072, 1170, 1279,
    1399, 1535, 1689, 1873, 2088, 2376, 2738, 3101,
];

/// Output by code in 1/32,768 of the step. Codes 0 to 3, which no encoder sends, read as the least below zero.
static FINE: [i16; 64] = fine();

const fn fine() -> [i16; 64] {
    let mut fine = [0; 64];
    let mut code = 0;
    while code < fine.len() {
        fine[code] = 8 * match code {
            0..4 => -FINE_LEVELS[1],
            4..32 => -FINE_LEVELS[34 - code],
            32..62 => FINE_LEVELS[62 - code],
            _ => -FINE_LEVELS[64 - code],
        };
        code += 1;
    }
    fine
}

/// Output by the upper four bits in 1/32,768 of the step (table OQ4).
const COARSE: [i16; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];

/// What the upper four bits add to the step's logarithm (table WL).
const WORTH: [i16; 16] = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];

//! Log area ratios: how reflection coefficients are sent, and how they move from one frame to the next
//! (§4.2.6 to §4.2.9, table 4.1).

use std::ops::Range;

use crate::arithmetic::{mult, mult_r};

/// The samples that share coefficients; the first three sections lead over from the frame before.
pub const SECTIONS: [Range<usize>; 4] = [0..13, 13..27, 27..40, 40..160];

/// The codes to send for reflection coefficients.
pub fn quantize(reflection: &[i16; 8]) -> [u8; 8] {
    let mut codes = [0; 8];
    for ((code, coefficient), row) in codes.iter_mut().zip(reflection).zip(&TABLE) {
        let scaled = mult(row.scale, to_ratio(*coefficient)).saturating_add(row.offset).saturating_add(256) >> 9;
        *code = (scaled.clamp(row.lowest, row.highest) - row.lowest) as u8;
    }
    codes
}

/// Remembers the ratios of the frame before.
#[derive(Debug, Clone, Default)]
pub struct Interpolation {
    before: [i16; 8],
}

impl Interpolation {
    /// The reflection coefficients for each of the [`SECTIONS`]; none is −32768.
    pub fn advance(&mut self, codes: &[u8; 8]) -> [[i16; 8]; 4] {
        let mut sections = [[0; 8]; 4];
        for index in 0..8 {
            let before = self.before[index];
            let now = dequantize(codes[index], &TABLE[index]);
            self.before[index] = now;
            let ratios = [
                (before >> 2).saturating_add(now >> 2).saturating_add(before >> 1),
                (before >> 1).saturating_add(now >> 1),
                (before >> 2).saturating_add(now >> 2).saturating_add(now >> 1),
                now,
            ];
            for (section, ratio) in sections.iter_mut().zip(ratios) {
                section[index] = to_reflection(ratio);
            }
        }
        sections
    }
}

fn dequantize(code: u8, row: &Row) -> i16 {
    let scaled = (i16::from(code) + row.lowest) << 10;
    let ratio = mult_r(row.inverse, scaled.saturating_sub(row.offset << 1));
    ratio.saturating_add(ratio)
}

/// A logarithm in three straight lines.
fn to_ratio(coefficient: i16) -> i16 {
    let ratio = match coefficient.saturating_abs() {
        magnitude @ ..22118 => magnitude >> 1,
        magnitude @ 22118..31130 => magnitude - 11059,
        magnitude => (magnitude - 26112) << 2,
    };
    if coefficient < 0 { -ratio } else { ratio }
}

/// The reverse of [`to_ratio`].
fn to_reflection(ratio: i16) -> i16 {
    let coefficient = match ratio.saturating_abs() {
        magnitude @ ..11059 => magnitude << 1,
        magnitude @ 11059..20070 => magnitude + 11059,
        magnitude => (magnitude >> 2).saturating_add(26112),
    };
    if ratio < 0 { -coefficient } else { coefficient }
}

/// How one of the eight is coded.
struct Row {
    /// A.
    scale: i16,
    /// B.
    offset: i16,
    /// MIC.
    lowest: i16,
    /// MAC.
    highest: i16,
    /// INVA.
    inverse: i16,
}

const fn row(scale: i16, offset: i16, lowest: i16, highest: i16, inverse: i16) -> Row {
    Row { scale, offset, lowest, highest, inverse }
}

static TABLE: [Row; 8] = [
    row(20480, 0, -32, 31, 13107),
    row(20480, 0, -32, 31, 13107),
    row(20480, 2048, -16, 15, 13107),
    row(20480, -2560, -16, 15, 13107),
    row(13964, 94, -8, 7, 19223),
    row(15360, -1792, -8, 7, 17476),
    row(8534, -341, -4, 3, 31454),
    row(9036, -1144, -4, 3, 29708),
];

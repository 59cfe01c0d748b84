//! The gains of the three stages, each a multiple of the one before (RFC 3951 §3.6.4.2).

/// Index of the gain nearest to `gain`, in units of `scale`: the magnitude of the gain before, or 1 for the first.
pub fn quantise(stage: usize, gain: f32, scale: f32) -> usize {
    let scale = scale.max(LEAST_SCALE);
    let mut best = (0, f32::INFINITY);
    for (index, entry) in table(stage).iter().enumerate() {
        let distance = (gain - scale * entry).powi(2);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best.0
}

/// # Panics
/// If the index has more than the stage's 5, 4 or 3 bits.
pub fn dequantise(stage: usize, index: usize, scale: f32) -> f32 {
    scale.max(LEAST_SCALE) * table(stage)[index]
}

fn table(stage: usize) -> &'static [f32] {
    match stage {
        0 => &FIRST,
        1 => &SECOND,
        _ => &THIRD,
    }
}

const LEAST_SCALE: f32 = 0.1;

/// `gain_sq5Tbl`.
#[rustfmt::skip]
pub const FIRST: [f32; 32] = [
    0.037_476, 0.075_012, 0.112_488, 0.150_024, 0.187_5, 0.224_976, 0.262_512, 0.299_988,
    0.337_524, 0.375, 0.412_476, 0.450_012, 0.487_488, 0.525_024, 0.562_5, 0.599_976,
    0.637_512, 0.674_988, 0.712_524, 0.75, 0.787_476, 0.825_012, 0.862_488, 0.900_024,
    0.937_5, 0.974_976, 1.012_512, 1.049_988, 1.087_524, 1.125, 1.162_476, 1.200_012,
];

/// `gain_sq4Tbl`.
#[rustfmt::skip]
const SECOND: [f32; 16] = [
    -1.049_988, -0.900_024, -0.75, -0.599_976, -0.450_012, -0.299_988, -0.150_024, 0.0,
    0.150_024, 0.299_988, 0.450_012, 0.599_976, 0.75, 0.900_024, 1.049_988, 1.200_012,
];

/// `gain_sq3Tbl`.
const THIRD: [f32; 8] = [-1.0, -0.659_973, -0.330_017, 0.0, 0.25, 0.5, 0.75, 1.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gain_quantises_to_itself() {
        for (stage, scale) in [(0, 1.0), (1, 0.7), (2, 0.05)] {
            for index in 0..table(stage).len() {
                assert_eq!(quantise(stage, dequantise(stage, index, scale), scale), index);
            }
        }
    }
}

//! How the spectrum of a frame is shaped: eight reflection coefficients (§4.2.4, §4.2.5).

use crate::FRAME_SAMPLES;
use crate::arithmetic::{correlation, div, mult_r, norm, peak};

/// The reflection coefficients, none of them −32768. Of loud frames the lowest bits are lost, as the specification
/// says.
pub fn reflection(samples: &mut [i16; FRAME_SAMPLES]) -> [i16; 8] {
    schur(&autocorrelation(samples))
}

/// Half of L_ACF: what the specification doubles is doubled by nobody here, since only ratios matter.
fn autocorrelation(samples: &mut [i16; FRAME_SAMPLES]) -> [i32; 9] {
    let peak = peak(samples);
    let shift = if peak == 0 { 0 } else { 4_u32.saturating_sub(norm(i32::from(peak) << 16)) };
    if shift > 0 {
        let factor = 1 << (15 - shift);
        samples.iter_mut().for_each(|sample| *sample = mult_r(*sample, factor));
    }
    // No sample is above 2048, so 160 products fit.
    let correlations = [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|lag| correlation(&samples[lag..], samples));
    // 2048 does not come back as 32768: the shift is that of 16 bits.
    samples.iter_mut().for_each(|sample| *sample <<= shift);
    correlations
}

/// The Schur recursion.
fn schur(correlations: &[i32; 9]) -> [i16; 8] {
    let mut coefficients = [0; 8];
    if correlations[0] == 0 {
        return coefficients;
    }
    let shift = norm(correlations[0]);
    let mut forward = correlations.map(|correlation| ((correlation << shift) >> 16) as i16);
    let mut backward = forward;
    for (order, coefficient) in coefficients.iter_mut().enumerate() {
        let magnitude = forward[1].saturating_abs();
        if forward[0] < magnitude {
            break;
        }
        let quotient = div(magnitude, forward[0]);
        *coefficient = if forward[1] > 0 { -quotient } else { quotient };
        forward[0] = forward[0].saturating_add(mult_r(forward[1], *coefficient));
        for m in 1..8 - order {
            let (ahead, behind) = (forward[m + 1], backward[m]);
            forward[m] = ahead.saturating_add(mult_r(behind, *coefficient));
            backward[m] = behind.saturating_add(mult_r(ahead, *coefficient));
        }
    }
    coefficients
}

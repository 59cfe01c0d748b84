//! How loud a sound is, as a whole and at one frequency.

use std::f64::consts::TAU;

use crate::FULL_SCALE;

/// Level of all of it in dBm0; minus infinity for silence.
pub fn level(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
    decibels(2.0 * sum / samples.len().max(1) as f64)
}

/// Level of the part at one frequency in dBm0, by Goertzel's filter: exact for whole periods, and as narrow as the rate
/// divided by the number of samples.
pub fn goertzel(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let omega = TAU * hertz / f64::from(rate);
    let coefficient = 2.0 * omega.cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (f64::from(*sample) + coefficient * one - two, one);
    }
    let power = one * one + two * two - coefficient * one * two;
    let half = samples.len().max(1) as f64 / 2.0;
    decibels(power / (half * half))
}

/// From the square of a sine's peak.
fn decibels(peak_squared: f64) -> f64 {
    10.0 * (peak_squared / (PEAK * PEAK)).log10() + FULL_SCALE
}

/// The peak of a sine of so many dBm0.
pub(crate) fn peak(dbm0: f64) -> f64 {
    PEAK * 10f64.powf((dbm0 - FULL_SCALE) / 20.0)
}

/// The highest sample that µ-law tells from its neighbour: 8159 in 14 bits.
const PEAK: f64 = 4.0 * 8159.0;

#[cfg(test)]
mod tests {
    use super::{goertzel, level};
    use crate::Law;

    #[test]
    fn the_digital_milliwatt_of_g711_is_0_dbm0_at_1000_hz() {
        // G.711 tables 5 and 6.
        let mu = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e].map(|code| Law::Mu.decode(code));
        let a = [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4].map(|code| Law::A.decode(code));
        // A-law's full scale is 3.14 dBm0, and a little above the highest sample of µ-law.
        for (period, error) in [(mu, 0.01), (a, 0.07)] {
            let samples = period.repeat(100);
            assert!(level(&samples).abs() < error, "{}", level(&samples));
            assert!(goertzel(&samples, 8000, 1000.0).abs() < error, "{}", goertzel(&samples, 8000, 1000.0));
            assert!(goertzel(&samples, 8000, 1200.0) < -60.0);
        }
        assert_eq!(level(&[0; 160]), f64::NEG_INFINITY);
    }
}

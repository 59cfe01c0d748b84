//! Regular pulse excitation: of what no filter foretells, every third sample is sent, with 3 bits
//! (§4.2.13 to §4.2.17).

use crate::QUARTER;
use crate::arithmetic::{correlation, mult, mult_r, peak};
use crate::frame::Excitation;

/// The excitation that comes nearest to `residual`, as an ear has it.
pub fn quantize(residual: &[i16; QUARTER]) -> Excitation {
    let weighted = weight(residual);
    let (grid, pulses) = select(&weighted);
    let peak = peak(&pulses);
    // The amplitude's exponent counts the bits above the lowest nine.
    let exponent = (i16::BITS - (peak >> 9).leading_zeros()) as u8;
    let amplitude = (peak >> (exponent + 5)) as u8 + (exponent << 3);
    let (exponent, mantissa) = split(amplitude);
    let inverse = INVERSES[mantissa];
    let pulses = pulses.map(|pulse| ((mult(pulse << (6 - exponent), inverse) >> 12) + 4) as u8);
    Excitation { grid, amplitude, pulses }
}

/// The samples that an excitation stands for.
pub fn dequantize(excitation: &Excitation) -> [i16; QUARTER] {
    let (exponent, mantissa) = split(excitation.amplitude);
    let factor = FACTORS[mantissa];
    let shift = 6 - exponent;
    let half = if shift > 0 { 1 << (shift - 1) } else { 0 };
    let mut samples = [0; QUARTER];
    let places = samples.iter_mut().skip(usize::from(excitation.grid)).step_by(3);
    for (sample, pulse) in places.zip(excitation.pulses) {
        let level = ((i16::from(pulse) << 1) - 7) << 12;
        *sample = mult_r(factor, level).saturating_add(half) >> shift;
    }
    samples
}

/// A low-pass: what is left out between the pulses shall be little.
fn weight(residual: &[i16; QUARTER]) -> [i16; QUARTER] {
    let mut padded = [0; QUARTER + WEIGHTS.len() - 1];
    padded[WEIGHTS.len() / 2..][..QUARTER].copy_from_slice(residual);
    let mut sums = [1 << 12; QUARTER];
    for (delay, weight) in WEIGHTS.into_iter().enumerate() {
        for (sum, sample) in sums.iter_mut().zip(&padded[delay..]) {
            *sum += i32::from(*sample) * i32::from(weight);
        }
    }
    sums.map(|sum| (sum >> 13).clamp(i16::MIN.into(), i16::MAX.into()) as i16)
}

/// The grid whose pulses have the most energy, the first of equals, and these pulses.
fn select(weighted: &[i16; QUARTER]) -> (u8, [i16; 13]) {
    let mut selected = (0, [0; 13]);
    let mut most = -1;
    for grid in 0..4 {
        let mut pulses = [0; 13];
        for (pulse, sample) in pulses.iter_mut().zip(weighted.iter().skip(usize::from(grid)).step_by(3)) {
            *pulse = *sample;
        }
        let quartered = pulses.map(|pulse| pulse >> 2);
        let energy = correlation(&quartered, &quartered);
        if energy > most {
            most = energy;
            selected = (grid, pulses);
        }
    }
    selected
}

/// Exponent, −4 to 6, and mantissa, 0 to 7, of an amplitude's code.
fn split(amplitude: u8) -> (i16, usize) {
    let amplitude = i16::from(amplitude);
    let mut exponent = if amplitude > 15 { (amplitude >> 3) - 1 } else { 0 };
    let mut mantissa = amplitude - (exponent << 3);
    if mantissa == 0 {
        return (-4, 7);
    }
    while mantissa <= 7 {
        mantissa = mantissa << 1 | 1;
        exponent -= 1;
    }
    (exponent, usize::from((mantissa & 7) as u8))
}

/// H (table 4.4).
const WEIGHTS: [i16; 11] = [-134, -374, 0, 2054, 5741, 8192, 5741, 2054, 0, -374, -134];

/// NRFAC (table 4.5), by mantissa.
const INVERSES: [i16; 8] = [29128, 26215, 23832, 21846, 20165, 18725, 17476, 16384];

/// FAC (table 4.6), by mantissa.
const FACTORS: [i16; 8] = [18431, 20479, 22527, 24575, 26623, 28671, 30719, 32767];

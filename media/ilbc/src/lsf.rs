//! Line spectral frequencies: the form in which an envelope is quantised and interpolated (RFC 3951 §3.2.3 to §3.2.6).

mod codebook;

use std::f32::consts::PI;

use crate::filter::{Lpc, ORDER};

/// Line spectral frequencies in radians a sample, rising from 0 to π.
pub type Lsf = [f32; ORDER];

/// The codebook entries for frequencies 1–3, 4–6 and 7–10.
pub type Index = [usize; 3];

/// The long-term mean of speech, from which every stream begins.
pub const MEAN: Lsf =
    [0.281_738, 0.445_801, 0.663_33, 0.962_524, 1.251_831, 1.533_081, 1.850_586, 2.137_817, 2.481_445, 2.777_344];

/// The frequencies of a minimum-phase polynomial; `None` if it is not one, or so sharp that two roots fall into one step
/// of the search.
pub fn from_lpc(lpc: &Lpc) -> Option<Lsf> {
    let halves = line_spectral_polynomials(lpc);
    let mut frequencies = [0.0; ORDER];
    let mut low = 0.0;
    // The roots of both polynomials alternate, the sum's first.
    for (n, frequency) in frequencies.iter_mut().enumerate() {
        let half = &halves[n % 2];
        let start = evaluate(half, low);
        let mut below = low;
        loop {
            let above = (below + GRID).min(PI);
            if (evaluate(half, above) < 0.0) != (start < 0.0) {
                low = bisect(half, below, above);
                break;
            }
            if above >= PI {
                return None;
            }
            below = above;
        }
        *frequency = low;
    }
    Some(frequencies)
}

/// The polynomial with these frequencies.
pub fn to_lpc(lsf: &Lsf) -> Lpc {
    let [sum, difference] = [0, 1].map(|first| {
        let mut product = [0.0; ORDER + 2];
        product[0] = 1.0;
        for frequency in lsf.iter().skip(first).step_by(2) {
            multiply(&mut product, -2.0 * frequency.cos());
        }
        product
    });
    let mut lpc = [0.0; ORDER + 1];
    for n in 0..=ORDER {
        let (sum_before, difference_before) = if n == 0 { (0.0, 0.0) } else { (sum[n - 1], difference[n - 1]) };
        lpc[n] = 0.5 * ((sum[n] + sum_before) + (difference[n] - difference_before));
    }
    lpc
}

/// `weight` of `from` and the rest of `to`.
pub fn mix(from: &Lsf, to: &Lsf, weight: f32) -> Lsf {
    std::array::from_fn(|n| weight * from[n] + (1.0 - weight) * to[n])
}

pub fn quantise(lsf: &Lsf) -> Index {
    [
        nearest(&codebook::LOW, &lsf[..3]), //
        nearest(&codebook::MIDDLE, &lsf[3..6]),
        nearest(&codebook::HIGH, &lsf[6..]),
    ]
}

/// The frequencies of these entries, moved apart where they would make an unstable filter.
///
/// # Panics
/// If an index is outside its codebook of 64, 128 or 128 entries.
pub fn dequantise([low, middle, high]: Index) -> Lsf {
    let mut lsf = [0.0; ORDER];
    lsf[..3].copy_from_slice(&codebook::LOW[low]);
    lsf[3..6].copy_from_slice(&codebook::MIDDLE[middle]);
    lsf[6..].copy_from_slice(&codebook::HIGH[high]);
    separate(&mut lsf);
    lsf
}

/// Keeps neighbours at least 50 Hz apart, each moved by half of that (RFC 3951 §3.2.5).
fn separate(lsf: &mut Lsf) {
    for _ in 0..2 {
        for n in 0..ORDER - 1 {
            if lsf[n + 1] < lsf[n] {
                lsf[n + 1] = lsf[n] + SEPARATION / 2.0;
                lsf[n] = lsf[n + 1] - SEPARATION / 2.0;
            } else if lsf[n + 1] - lsf[n] < SEPARATION {
                lsf[n] -= SEPARATION / 2.0;
                lsf[n + 1] += SEPARATION / 2.0;
            }
            lsf[n] = lsf[n].clamp(LOWEST, HIGHEST);
        }
    }
    // Two passes do not order every combination that a damaged frame can hold; these never come from an encoder.
    if !lsf.is_sorted_by(|a, b| a < b) || lsf[ORDER - 1] > HIGHEST {
        lsf.sort_by(f32::total_cmp);
        for n in 0..ORDER {
            let floor = if n == 0 { LOWEST } else { lsf[n - 1] + SEPARATION / 2.0 };
            let ceiling = HIGHEST - (ORDER - 1 - n) as f32 * SEPARATION / 2.0;
            lsf[n] = lsf[n].max(floor).min(ceiling);
        }
    }
}

fn nearest<const DIMENSION: usize>(codebook: &[[f32; DIMENSION]], target: &[f32]) -> usize {
    let distance = |entry: &[f32; DIMENSION]| -> f32 { entry.iter().zip(target).map(|(a, b)| (a - b).powi(2)).sum() };
    let mut best = (0, f32::INFINITY);
    for (index, entry) in codebook.iter().enumerate() {
        let distance = distance(entry);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best.0
}

/// The first half of A(z) ± z⁻¹¹·A(z⁻¹), each divided by its root at z = ∓1.
fn line_spectral_polynomials(lpc: &Lpc) -> [[f32; ORDER / 2 + 1]; 2] {
    let mut halves = [[1.0; ORDER / 2 + 1]; 2];
    let [sum, difference] = &mut halves;
    for n in 0..ORDER / 2 {
        sum[n + 1] = lpc[n + 1] + lpc[ORDER - n] - sum[n];
        difference[n + 1] = lpc[n + 1] - lpc[ORDER - n] + difference[n];
    }
    halves
}

/// The symmetric polynomial with this first half on the unit circle, without its linear phase: a sum of cosines of the
/// frequency's multiples, by Clenshaw's recurrence.
fn evaluate(half: &[f32; ORDER / 2 + 1], frequency: f32) -> f32 {
    let cosine = frequency.cos();
    let [first, middle @ .., last] = half;
    let (newest, before) = middle
        .iter()
        .fold((*first, 0.0), |(newest, before), coefficient| (2.0 * cosine * newest - before + coefficient, newest));
    cosine * newest - before + 0.5 * last
}

fn bisect(half: &[f32; ORDER / 2 + 1], mut low: f32, mut high: f32) -> f32 {
    let negative_below = evaluate(half, low) < 0.0;
    for _ in 0..10 {
        let middle = 0.5 * (low + high);
        if (evaluate(half, middle) < 0.0) == negative_below {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Multiplies a polynomial in place by 1 + `middle`·z⁻¹ + z⁻².
fn multiply(polynomial: &mut [f32; ORDER + 2], middle: f32) {
    for n in (0..polynomial.len()).rev() {
        let before = n.checked_sub(1).map_or(0.0, |at| polynomial[at]);
        let before_that = n.checked_sub(2).map_or(0.0, |at| polynomial[at]);
        polynomial[n] += middle * before + before_that;
    }
}

/// 50 Hz in radians a sample.
const SEPARATION: f32 = 0.039;
const LOWEST: f32 = 0.01;
const HIGHEST: f32 = PI - 0.0016;

/// Step of the root search: 31 Hz.
const GRID: f32 = PI / 128.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_survive_the_way_to_a_polynomial_and_back() {
        let back = from_lpc(&to_lpc(&MEAN)).expect("minimum phase");
        for (a, b) in back.iter().zip(&MEAN) {
            assert!((a - b).abs() < 1e-3, "{back:?}");
        }
    }

    #[test]
    fn an_unstable_polynomial_has_no_frequencies() {
        let mut lpc = crate::filter::FLAT;
        lpc[1] = -2.5;
        lpc[10] = 1.7;
        assert_eq!(from_lpc(&lpc), None);
    }

    #[test]
    fn every_combination_of_entries_rises_from_0_to_pi() {
        for low in 0..codebook::LOW.len() {
            for middle in 0..codebook::MIDDLE.len() {
                for high in 0..codebook::HIGH.len() {
                    let lsf = dequantise([low, middle, high]);
                    let rises = lsf.is_sorted_by(|a, b| b - a > SEPARATION / 4.0);
                    assert!(rises && lsf[0] > 0.0 && lsf[9] < PI, "{low} {middle} {high}: {lsf:?}");
                }
            }
        }
    }

    #[test]
    fn entries_of_the_codebook_quantise_to_themselves() {
        let lsf = dequantise([17, 40, 99]);
        assert_eq!(quantise(&lsf), [17, 40, 99]);
    }
}

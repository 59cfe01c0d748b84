//! Where one piece of sound looks like another.

use std::ops::RangeInclusive;

/// Finds the place in `within` at which it is most like `template`: its offset, from those allowed, and how alike the two are, from
/// -1 to 1 for any sound and its equal; 1 for silence. `within` reaches at least as far as the template at the last offset.
///
/// It looks at 8 kHz first and then more closely, so that 48 kHz cost little more.
pub fn align(template: &[i16], within: &[i16], offsets: RangeInclusive<usize>, rate: u32) -> (usize, f32) {
    let (first, last) = offsets.into_inner();
    let step = (rate / 8000).max(1) as usize;
    let (mut coarse, mut wide) = ([0.0; TEMPLATE], [0.0; WITHIN]);
    let coarse = thinned(template, step, &mut coarse);
    let wide = thinned(&within[first..], step, &mut wide);
    let places = (last - first) / step + 1;
    let best = best((0..places).filter_map(|place| {
        let piece = wide.get(place..place + coarse.len())?;
        Some((place, likeness(coarse, piece)))
    }));
    if step == 1 {
        return (first + best.0, best.1);
    }
    let middle = first + best.0 * step;
    let near = middle.saturating_sub(step).max(first)..=(middle + step).min(last);
    self::best(near.map(|offset| (offset, likeness_of(template, &within[offset..offset + template.len()]))))
}

/// How alike two pieces of one length are, from -1 to 1.
pub fn likeness_of(one: &[i16], two: &[i16]) -> f32 {
    let (mut cross, mut first, mut second) = (0_i64, 0_i64, 0_i64);
    for (one, two) in one.iter().zip(two) {
        let (one, two) = (i64::from(*one), i64::from(*two));
        cross += one * two;
        first += one * one;
        second += two * two;
    }
    normal(cross as f32, first as f32, second as f32)
}

/// Root of the mean square.
pub fn strength(samples: &[i16]) -> f32 {
    let sum: i64 = samples.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum();
    (sum as f32 / samples.len().max(1) as f32).sqrt()
}

fn best(places: impl Iterator<Item = (usize, f32)>) -> (usize, f32) {
    places.reduce(|best, next| if next.1 > best.1 { next } else { best }).unwrap_or((0, -1.0))
}

fn thinned<'t>(samples: &[i16], step: usize, into: &'t mut [f32]) -> &'t [f32] {
    let mut count = 0;
    for (sample, place) in samples.iter().step_by(step).zip(into.iter_mut()) {
        *place = f32::from(*sample);
        count += 1;
    }
    &into[..count]
}

fn likeness(one: &[f32], two: &[f32]) -> f32 {
    let mut sums = [[0.0; 8]; 3];
    let ((ones, one), (twos, two)) = (one.as_chunks::<8>(), two.as_chunks::<8>());
    for (one, two) in ones.iter().zip(twos) {
        for lane in 0..8 {
            sums[0][lane] += one[lane] * two[lane];
            sums[1][lane] += one[lane] * one[lane];
            sums[2][lane] += two[lane] * two[lane];
        }
    }
    for (lane, (one, two)) in one.iter().zip(two).enumerate() {
        sums[0][lane] += one * two;
        sums[1][lane] += one * one;
        sums[2][lane] += two * two;
    }
    let [cross, first, second] = sums.map(|lanes| lanes.iter().sum());
    normal(cross, first, second)
}

fn normal(cross: f32, first: f32, second: f32) -> f32 {
    match (first > 0.0, second > 0.0) {
        (true, true) => cross / (first * second).sqrt(),
        (false, false) => 1.0,
        (true, false) | (false, true) => 0.0,
    }
}

/// 12 ms at 8 kHz, with room for 11,025.
const TEMPLATE: usize = 136;
/// 40 ms.
const WITHIN: usize = 448;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_found_at_any_rate() {
        for rate in [8000, 16_000, 44_100, 48_000] {
            let sound: Vec<i16> = (0..rate / 20)
                .map(|at| f64::from(at) / f64::from(rate) * 120.0 * std::f64::consts::TAU)
                .map(|angle| (8000.0 * angle.sin() + 4000.0 * (3.0 * angle).sin()) as i16)
                .collect();
            let millisecond = rate as usize / 1000;
            let (period, likeness) = align(&sound[..8 * millisecond], &sound, 3 * millisecond..=15 * millisecond, rate);
            assert!(period.abs_diff(rate as usize / 120) <= 1 && likeness > 0.99, "{rate}: {period} {likeness}");
        }
    }

    #[test]
    fn silence_is_like_silence_and_like_nothing_else() {
        assert_eq!(likeness_of(&[0; 8], &[0; 8]), 1.0);
        assert_eq!(likeness_of(&[0; 8], &[9; 8]), 0.0);
        assert_eq!(likeness_of(&[9; 8], &[-9; 8]), -1.0);
    }
}

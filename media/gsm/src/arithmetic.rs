//! The operations of §5.1 that Rust does not have by a name of its own: 16 bits are a fraction with 15 binary places.

/// Product, cut off. The factors are not both −32768.
#[inline(always)]
pub fn mult(a: i16, b: i16) -> i16 {
    debug_assert!(a != i16::MIN || b != i16::MIN);
    ((i32::from(a) * i32::from(b)) >> 15) as i16
}

/// Product, rounded. The factors are not both −32768.
#[inline(always)]
pub fn mult_r(a: i16, b: i16) -> i16 {
    debug_assert!(a != i16::MIN || b != i16::MIN);
    ((i32::from(a) * i32::from(b) + (1 << 14)) >> 15) as i16
}

/// How far `value`, which is above 0, can be shifted to the left without changing its sign.
pub fn norm(value: i32) -> u32 {
    debug_assert!(value > 0);
    value.leading_zeros() - 1
}

/// Quotient of 0 ≤ `numerator` ≤ `denominator`, and 32767 where they are equal.
pub fn div(numerator: i16, denominator: i16) -> i16 {
    match numerator {
        0 => 0,
        _ if numerator == denominator => i16::MAX,
        _ => ((i32::from(numerator) << 15) / i32::from(denominator)) as i16,
    }
}

/// The largest magnitude, at most 32767.
pub fn peak(samples: &[i16]) -> i16 {
    samples.iter().fold(0, |peak, sample| peak.max(sample.saturating_abs()))
}

/// Sum of the products of the samples in pairs; the caller knows that 32 bits hold it.
#[inline(always)]
pub fn correlation(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

//! Who owns a key: weighted rendezvous hashing, equal on every machine and in every version.
//!
//! Only integers are used, because the last bit of a floating-point logarithm differs between platforms.

use siphasher::sip::SipHasher13;

/// A 64-bit hash of `key`, stable across processes, platforms and versions. Not secret: never a defence against chosen keys.
pub fn hash(key: &[u8]) -> u64 {
    SipHasher13::new_with_keys(0x7461_6e64_656d_2e72, 0x696e_672e_6f77_6e65).hash(key)
}

/// One place on a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Identifies the owner; the place keeps its keys for as long as this stays the same.
    pub id: u64,
    /// Share of the keys relative to the others'; 0 owns nothing.
    pub weight: u32,
}

/// The place that owns the key with this [`hash`], as an index into `places`; `None` when no weight is left.
///
/// Adding or removing a place moves only the keys that it gains or had.
pub fn owner(key: u64, places: &[Place]) -> Option<usize> {
    let candidates = places.iter().enumerate().filter(|(_, place)| place.weight > 0);
    candidates.min_by_key(|(_, place)| (cost(key, place), place.id)).map(|(index, _)| index)
}

/// All places with any weight, as indices into `places`: the owner first, then who owns the key when it is gone, and so on.
pub fn order(key: u64, places: &[Place]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..places.len()).filter(|&index| places[index].weight > 0).collect();
    order.sort_by_key(|&index| (cost(key, &places[index]), places[index].id));
    order
}

/// `-log2(u) / weight` for a `u` in (0, 1] drawn from key and place: exponentially distributed with rate `weight`, so that the
/// smallest one is a place with the chance of its weight.
fn cost(key: u64, place: &Place) -> u64 {
    minus_log2(mix(key ^ mix(place.id))) / u64::from(place.weight)
}

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// `-log2((value + 1) / 2^64)` with 56 fractional bits; the mantissa's logarithm by a parabola, which errs by less than 0.009.
fn minus_log2(value: u64) -> u64 {
    const FRACTION: u32 = 56;
    let value = value.saturating_add(1);
    let zeros = value.leading_zeros();
    // 1.m with m in 64 fractional bits.
    let mantissa = (value << zeros) << 1;
    let m = mantissa >> 32;
    let bend = (((m * ((1 << 32) - m)) >> 32) * 1_454_000_000) >> 32;
    let log = (m + bend) << (FRACTION - 32);
    ((u64::from(zeros) + 1) << FRACTION) - log
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(weights: &[u32]) -> Vec<Place> {
        weights.iter().enumerate().map(|(id, &weight)| Place { id: id as u64 + 1, weight }).collect()
    }

    fn keys(count: u32) -> impl Iterator<Item = u64> {
        (0..count).map(|n| hash(format!("call-{n}").as_bytes()))
    }

    #[test]
    fn hash_never_changes() {
        assert_eq!(hash(b""), 0xc17a_d523_49cf_a1b5);
        assert_eq!(hash(b"alice@tandem.local"), 0x2bf4_f411_dca4_4a48);
    }

    #[test]
    fn keys_are_shared_out_by_weight() {
        let places = places(&[100, 100, 50, 0]);
        let mut owned = [0u32; 4];
        for key in keys(50_000) {
            owned[owner(key, &places).expect("there is weight")] += 1;
        }
        assert_eq!(owned[3], 0);
        for (place, share) in [(0, 0.4), (1, 0.4), (2, 0.2)] {
            let got = f64::from(owned[place]) / 50_000.0;
            assert!((got - share).abs() < 0.01, "place {place} owns {got}");
        }
    }

    #[test]
    fn a_place_that_leaves_moves_only_its_own_keys_to_the_next_in_order() {
        let all = places(&[100, 100, 100, 100]);
        for key in keys(2_000) {
            let order = order(key, &all);
            assert_eq!(owner(key, &all), Some(order[0]));
            let gone = 2;
            let mut left = all.clone();
            left[gone].weight = 0;
            let expected = if order[0] == gone { order[1] } else { order[0] };
            assert_eq!(owner(key, &left), Some(expected));
        }
    }

    #[test]
    fn more_weight_for_one_place_takes_keys_for_it_only() {
        let before = places(&[100, 100, 100]);
        let after = places(&[100, 150, 100]);
        for key in keys(2_000) {
            let (was, is) = (owner(key, &before), owner(key, &after));
            assert!(was == is || is == Some(1));
        }
    }

    #[test]
    fn an_empty_ring_owns_nothing() {
        assert_eq!(owner(1, &[]), None);
        assert_eq!(owner(1, &places(&[0, 0])), None);
    }
}

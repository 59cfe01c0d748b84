//! Which nonce-counts were seen, so that a captured REGISTER authenticates nothing a second time (RFC 7616 §3.4).

/// The counts of one nonce: the highest, and which of the 16 below it, since requests may overtake each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NonceCounts {
    /// A hash of the nonce; 0 = none.
    pub nonce: u64,
    /// When it was issued, Unix milliseconds; 0 = unknown.
    pub issued_at: u64,
    highest: u32,
    /// Bit n: `highest - 1 - n` was seen.
    seen: u16,
}

impl NonceCounts {
    /// The counts of a nonce that nothing is known of: whatever is below the first count seen is taken for used.
    pub fn first(nonce: u64, issued_at: u64, count: u32) -> NonceCounts {
        NonceCounts { nonce, issued_at, highest: count, seen: u16::MAX }
    }

    /// Whether this count was used, or is too old to tell.
    pub fn is_used(&self, count: u32) -> bool {
        match self.highest.checked_sub(count) {
            None => false,
            Some(0) => true,
            Some(below) => below > 16 || self.seen >> (below - 1) & 1 == 1,
        }
    }

    /// The counts with this one used too.
    pub fn with(self, count: u32) -> NonceCounts {
        if count > self.highest {
            let step = count - self.highest;
            let moved = if step < 16 { self.seen << step } else { 0 };
            let last = if step <= 16 { 1 << (step - 1) } else { 0 };
            NonceCounts { highest: count, seen: moved | last, ..self }
        } else {
            let below = self.highest - count;
            let bit = if (1..=16).contains(&below) { 1 << (below - 1) } else { 0 };
            NonceCounts { seen: self.seen | bit, ..self }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_count_is_used_once_in_whatever_order_within_the_window() {
        let mut counts = NonceCounts::first(1, 0, 1);
        let mut seen = BTreeSet::from([1]);
        for count in [3, 2, 9, 4, 8, 25, 10, 24, 26, 41, 58, 57, 74] {
            assert!(!counts.is_used(count), "{count}");
            counts = counts.with(count);
            seen.insert(count);
            for known in 1..=200 {
                let too_old = known + 16 < *seen.last().unwrap();
                assert_eq!(counts.is_used(known), seen.contains(&known) || too_old, "{known} after {count}");
            }
        }
    }

    #[test]
    fn below_the_first_count_seen_everything_is_used() {
        let counts = NonceCounts::first(1, 0, 5);
        assert!((1..=5).all(|count| counts.is_used(count)));
        assert!(!counts.is_used(6));
    }
}

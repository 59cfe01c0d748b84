//! Reproducible randomness from a seed.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// A stream of numbers that nobody can continue who has only seen some of them: a keyed hash of a counter.
#[derive(Debug, Clone)]
pub struct Random {
    key: (u64, u64),
    count: u64,
}

impl Random {
    /// The stream of this seed; equal seeds give equal streams.
    pub fn new(seed: u64) -> Random {
        Random { key: (seed, seed.rotate_left(32) ^ 0x7461_6e64_656d_2121), count: 0 }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.count += 1;
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        hasher.write_u64(self.count);
        hasher.finish()
    }
}

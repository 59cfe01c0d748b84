//! The replay window (RFC 3711 §3.3.2).

/// The highest index used, and which of the [`Window::LENGTH`] up to it were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    highest: u64,
    /// Bit n: the index n below the highest was used.
    used: [u64; 2],
}

impl Window {
    pub const LENGTH: u64 = 128;

    /// One index was used.
    pub fn new(index: u64) -> Window {
        Window { highest: index, used: [1, 0] }
    }

    /// One index was used, and nothing up to `before` may be used again.
    pub fn after(before: u64, index: u64) -> Window {
        let between = index.saturating_sub(before);
        let old = if between < Window::LENGTH { u128::MAX << between } else { 0 };
        Window { highest: index, used: halves(old | 1) }
    }

    pub fn highest(&self) -> u64 {
        self.highest
    }

    pub fn is_new(&self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < Window::LENGTH && self.bits() >> behind & 1 == 0,
        }
    }

    /// Marks an index that is new.
    pub fn add(&mut self, index: u64) {
        let bits = match self.highest.checked_sub(index) {
            Some(behind) => self.bits() | 1 << (behind % Window::LENGTH),
            None => {
                let ahead = u32::try_from(index - self.highest).unwrap_or(u32::MAX);
                self.highest = index;
                self.bits().checked_shl(ahead).unwrap_or(0) | 1
            }
        };
        self.used = halves(bits);
    }

    fn bits(&self) -> u128 {
        u128::from(self.used[1]) << 64 | u128::from(self.used[0])
    }
}

/// Two words, because one of 128 bits would be aligned to 16 bytes.
fn halves(bits: u128) -> [u64; 2] {
    [bits as u64, (bits >> 64) as u64]
}

//! Time as the packet path counts it.

use std::time::Duration;

/// Microseconds on the steady clock of one shard, from any start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub u64);

impl Micros {
    /// Microseconds from `earlier` to here; 0 if that lies later.
    pub fn since(self, earlier: Micros) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This much later.
    #[must_use]
    pub fn after(self, pause: Duration) -> Micros {
        Micros(self.0.saturating_add(u64::try_from(pause.as_micros()).unwrap_or(u64::MAX)))
    }

    /// The same moment in ticks of an RTP clock, as they wrap around (RFC 3550 A.8).
    pub(crate) fn ticks(self, clock: u32) -> u32 {
        (self.0.wrapping_mul(u64::from(clock)) / 1_000_000) as u32
    }
}

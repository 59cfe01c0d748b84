//! Wall-clock time, where another machine reads it; timers run on `Instant`.

use std::time::Duration;

/// Seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(pub u64);

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub u64);

impl UnixTime {
    /// This much later.
    pub fn after(self, time: Duration) -> UnixTime {
        UnixTime(self.0.saturating_add(time.as_secs()))
    }

    /// How long after `earlier`; zero when it is not later.
    pub fn since(self, earlier: UnixTime) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl UnixMillis {
    /// How long after `earlier`; zero when it is not later.
    pub fn since(self, earlier: UnixMillis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds.
    pub fn seconds(self) -> UnixTime {
        UnixTime(self.0 / 1000)
    }
}

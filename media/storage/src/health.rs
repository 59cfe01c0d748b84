//! How recordings fare, for metrics and alerts.

use std::time::{Instant, SystemTime};

/// A look at one moment. An alert is due while `failing_since` is there, and whenever `lost_seconds` has grown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// Recordings that go on.
    pub recordings: usize,
    /// Segments that wait in the spool.
    pub spooled_segments: usize,
    /// Their size.
    pub spooled_bytes: u64,
    /// Segments that wait in memory, because the spool takes none.
    pub held_segments: usize,
    /// Their size.
    pub held_bytes: u64,
    /// Segments that reached the store.
    pub stored_segments: u64,
    /// Sound that came and could not be kept, since the start.
    pub lost_seconds: f64,
    /// Since when the store or the spool refuses, or sound is lost.
    pub failing_since: Option<SystemTime>,
    /// What was said last.
    pub last_error: Option<String>,
}

/// One thing that fails for a while, and says so once.
#[derive(Debug)]
pub struct Trouble {
    what: What,
    since: Option<(SystemTime, Instant)>,
}

/// What can fail.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// Nothing can be put.
    Store,
    /// Nothing can be written to the spool.
    Spool,
    /// Neither, and memory is full.
    Memory,
}

impl Trouble {
    /// All is well.
    pub fn none(what: What) -> Trouble {
        Trouble { what, since: None }
    }

    /// It failed.
    pub fn begins(&mut self, error: &str) {
        if self.since.is_some() {
            return;
        }
        self.since = Some((SystemTime::now(), Instant::now()));
        match self.what {
            What::Store => tracing::error!(error, "the object store takes no recordings; they wait in the spool"),
            What::Spool => tracing::error!(error, "the spool takes no recordings; they wait in memory"),
            What::Memory => tracing::error!(error, "recordings are LOST: store, spool and memory take no more"),
        }
    }

    /// It works.
    pub fn ends(&mut self) {
        let Some((_, since)) = self.since.take() else { return };
        let seconds = since.elapsed().as_secs();
        match self.what {
            What::Store => tracing::info!(seconds, "the object store takes recordings again"),
            What::Spool => tracing::info!(seconds, "the spool takes recordings again"),
            What::Memory => tracing::info!(seconds, "recordings are kept again"),
        }
    }

    /// Since when it fails.
    pub fn since(&self) -> Option<SystemTime> {
        self.since.map(|(since, _)| since)
    }
}

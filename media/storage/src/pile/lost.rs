//! Sound that came and could not be kept.

use recording::Rate;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count that taps add to from their threads, at 16 kHz.
#[derive(Debug, Default)]
pub struct Lost(AtomicU64);

impl Lost {
    /// So many samples of a side more.
    pub fn add(&self, samples: u64, rate: Rate) {
        self.0.fetch_add(samples * u64::from(Rate::Wide.hz() / rate.hz()), Ordering::Relaxed);
    }

    /// In seconds.
    pub fn seconds(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / f64::from(Rate::Wide.hz())
    }
}

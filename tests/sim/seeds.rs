//! Which seeds a test runs.

use std::env;

/// Runs a scenario for each seed; a failure says for which.
pub fn for_seeds(count: u64, scenario: impl Fn(u64)) {
    let number = |name| env::var(name).ok().map(|text: String| text.parse::<u64>().expect("a number"));
    let seeds = match (number("SIM_SEED"), number("SIM_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(count)) => 0..count,
        (None, None) => 0..count,
    };
    for seed in seeds {
        let seed = Running(seed);
        scenario(seed.0);
    }
}

/// The seed under test, for whoever reads the failure.
struct Running(u64);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SIM_SEED={}", self.0);
        }
    }
}

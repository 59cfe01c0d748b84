//! Ends with 1, and says why, where this process may not load programs into the kernel; `tests/run` asks.

use forward::{Forwarder, LoadError};
use std::process::ExitCode;

fn main() -> ExitCode {
    match Forwarder::load(1, &(1..=u16::MAX)) {
        Err(why @ LoadError::Forbidden) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
        // What else is wrong is for the tests to find.
        Ok(_) | Err(LoadError::Refused(_)) => ExitCode::SUCCESS,
    }
}

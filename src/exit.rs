//! How the process ends when something is wrong: one line, and a status that scripts can tell apart.

use crate::config::ConfigError;
use std::fmt;

/// The status for a wrong configuration, directory or command line (`EX_USAGE` of sysexits.h).
pub const CONFIGURATION: i32 = 64;

/// Why the process ends.
#[derive(Debug)]
pub enum Failure {
    /// The user's files or arguments are at fault: status 64.
    Configuration(String),
    /// Anything else: status 1.
    Operation(String),
}

impl Failure {
    /// The exit status.
    pub fn status(&self) -> i32 {
        match self {
            Failure::Configuration(_) => CONFIGURATION,
            Failure::Operation(_) => 1,
        }
    }

    /// A failure of the world around: `what` failed because of `why`.
    pub fn operation(what: impl fmt::Display, why: impl fmt::Display) -> Failure {
        Failure::Operation(format!("{what}: {why}"))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Configuration(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Configuration(text) | Failure::Operation(text) => f.write_str(text),
        }
    }
}

//! Whole calls: both SIP legs, the offer and the answer between them, the hunt for who answers, and the service a caller is in.
//!
//! A [`Shard`] is driven from outside: messages, answers, media events and time go in by `handle_*`, and after each of them
//! [`Shard::poll_output`] is read until it is empty. Nothing here has a socket, a clock or a thread.
#![forbid(unsafe_code)]

mod media;
mod output;
mod settings;
mod shard;

pub use media::{LegStats, Media, MediaEvent, MediaId, NoPort, Opened, Remote, Sound};
pub use output::{Answer, Ended, Event, Output, Prompt, Query, QueryId, Side, Stream};
pub use settings::{Limits, ReferPolicy, Settings};
pub use shard::Shard;

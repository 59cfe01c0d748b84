//! The sound of a conference room: 2 to 500 participants, in blocks of 20 ms, at any rate that the room is opened with.
//!
//! Whoever keeps the time gives each block that came to [`Mixer::hear`], calls [`Mixer::turn`] every 20 ms, and sends each
//! participant what [`Mixer::told`] has for them. At most [`SPEAKERS`] are mixed; those who say nothing hear one
//! [`Told::Common`] sound, so that one encoded packet serves all of them.

mod announcer;
mod fade;
mod limiter;
mod loudness;
mod mixer;
mod seats;
mod stage;
#[cfg(test)]
mod tests;

pub use announcer::{AnnounceError, Audience};
pub use mixer::{Mixer, Muted, Told};
pub use seats::Seat;

/// How many are mixed at once.
pub const SPEAKERS: usize = 5;

/// How many a room holds.
pub const SEATS: usize = 1024;

//! The media node: shards that own whole calls, each one thread with its SIP, its RTP sockets and its timers.
//!
//! A packet's way is [`shard`]'s loop → [`plane`] → the other leg's socket, without lock or allocation. Calls themselves are
//! plain data in the crate `call`; what they need from the world (sockets, registry, prompts) they get here.
//! Metrics are exported once a second; install the recorder before [`Bound::start`].

mod advertise;
mod config;
mod inside;
mod meters;
pub mod plane;
mod ports;
mod prompts;
mod running;
mod shard;
mod token;

pub use advertise::Advertise;
pub use config::{Config, Rtp};
pub use ports::Ports;
pub use running::{Bound, Drained, Running, StartError, bind, start};
pub use token::{Component, Token};

//! The lite side of ICE (RFC 8445 §2.5) for one component: connectivity checks of a browser answered, and the address
//! found to which its media goes. RTP and RTCP share that address (rtcp-mux).
//!
//! A lite agent stands on an address that everyone reaches. It has host candidates only, sends no checks of its own, and
//! is always controlled: the peer checks, nominates, and is believed once its checks prove that it has our SDP.
//! Credentials come from random bytes passed in; nothing here has a socket or a clock.

mod candidate;
mod credentials;
mod integrity;
mod lite;
mod message;
mod reply;

pub use candidate::{host_candidate, host_priority};
pub use credentials::{Credentials, InvalidCredentials, Ufrag};
pub use lite::{Heard, Lite};
pub use message::LONGEST;

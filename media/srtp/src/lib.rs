//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714): which protection two sides agree on, with which keys, and the packets
//! themselves.
//!
//! [`Outbound`] protects what one side sends, [`Inbound`] opens what it receives. Both work in place, keep their key
//! schedules, and allocate nothing on a packet's way.

mod cm;
mod derive;
mod gcm;
mod head;
mod inbound;
mod outbound;
mod sources;
mod suite;
mod transform;
#[cfg(test)]
mod vectors;

pub use inbound::{Inbound, Refused};
pub use outbound::{Outbound, Unprotectable};
pub use suite::{MasterKey, Suite, WrongLength};

/// Most bytes that protection adds to a packet: the tag of GCM and the index of SRTCP.
pub const OVERHEAD: usize = 20;

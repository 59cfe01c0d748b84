//! Keys for SRTP, agreed on in the media itself (DTLS-SRTP, RFC 5763 and RFC 5764), by DTLS 1.2 and 1.3 (RFC 6347,
//! RFC 9147).
//!
//! An [`Identity`] is made at the start of the node, and its [`Fingerprint`] goes into every SDP; a [`Handshake`] takes
//! datagrams and the time, and gives datagrams, deadlines and, once the peer's certificate is the one that its SDP
//! promised, keys. It has no socket and no clock; randomness comes from the system, where the cryptography takes it.
//!
//! The peer's certificate must have an elliptic curve key (P-256 or P-384), as those of browsers do; RSA is refused.

mod failure;
mod fingerprint;
mod handshake;
mod identity;
mod keys;
mod record;

pub use failure::Failure;
pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use handshake::{Event, Handshake, LONGEST, Role};
pub use identity::{Identity, IdentityError};

//! Sealed tokens: what a later message needs travels in the message, under a cluster key.
//!
//! A token is `base64url(kind and key epoch, payload, MAC)`, at most 39 characters. The MAC is HMAC-SHA256 cut to 8 bytes
//! (7 behind an IPv6 flow), compared in constant time. A token authenticates; it does not hide what it carries.

mod base64;
mod contact;
mod flow;
mod keys;
mod seal;

pub use contact::{ContactToken, ShardId, ShardIdError};
pub use flow::{Flow, FlowEnd, HopToken};
pub use keys::{BranchKey, Key, KeyRing, Keys};
pub use seal::Token;
pub(crate) use seal::{Kind, Payload, open, seal};

#[cfg(test)]
mod tests;

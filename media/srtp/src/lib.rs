//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714): which protection two sides agree on, with which keys, and the packets themselves.

mod suite;

pub use suite::{MasterKey, Suite, WrongLength};

//! The proxy role: sockets toward phones, browsers and carriers, and the way of each message from one to the other.
//!
//! [`edge`] decides and is pure; the workers around it own the sockets. The proxy is stateless (RFC 3261 §16.11): it holds
//! nothing whose loss changes the meaning of a later message, except the connections themselves.
#![forbid(unsafe_code)]

mod config;
pub mod edge;
mod recent;
mod start;
mod stun;
mod worker;

pub use config::{Advertise, Certificate, Config, ConnectionLimits, Listen};
pub use start::{Running, StartError, start};
pub use worker::CertificateError;

//! The proxy role: sockets toward phones, browsers and carriers, and the way of each message from one to the other.
//!
//! [`edge`] decides and is pure; the workers around it own the sockets. The proxy is stateless (RFC 3261 §16.11): it holds
//! nothing whose loss changes the meaning of a later message, except the connections themselves.
#![forbid(unsafe_code)]

mod config;
pub mod edge;
mod recent;
mod stun;

pub use config::{Advertise, Certificate, Config, ConnectionLimits, Listen};

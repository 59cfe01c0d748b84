//! An ear on simulated networks, in simulated time.

mod clocks;
mod loss;
mod malice;
mod network;
mod plain;
mod senders;
mod silence;

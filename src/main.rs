//! `tandem`: the exchange and its administration, in one binary.
mod config;
fn main() {}

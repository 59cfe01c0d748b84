//! Whole calls through a shard: scripted phones, simulated time, seeded networks. Every scenario ends with nothing left anywhere.
#![allow(clippy::unwrap_used)]

mod basic;
mod codecs;
mod conferences;
mod encryption;
mod hunt;
mod keys;
mod media;
mod offers;
mod phone;
mod policy;
mod quality;
mod recordings;
mod records;
mod rings;
mod services;
mod sessions;
mod stability;
mod weather;
mod world;

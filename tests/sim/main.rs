//! The whole exchange on simulated time and a simulated network, every run repeatable from its seed.
//!
//! All proxies share one public address, as behind an anycast route or a load balancer without memory: each datagram to it reaches a
//! random live proxy. Datagrams are lost, doubled and delayed on every path. `SIM_SEED=n` runs one seed of each test, `SIM_SEEDS=n`
//! so many.

mod address;
mod calls;
mod cluster;
mod faults;
mod media;
mod members;
mod network;
mod phone;
mod registration;
mod registry;
mod rings;
mod routes;
mod same;
mod seeds;
mod trace;
mod world;

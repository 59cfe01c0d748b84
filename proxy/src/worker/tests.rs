//! Workers with real sockets on loopback: phones over every transport, a made-up media shard, a made-up registry.

mod cluster;
mod connections;
mod phone;
mod transports;

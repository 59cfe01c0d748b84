//! What the roles say to each other and share: messages, ring, membership, directory snapshot.
#![forbid(unsafe_code)]

#[cfg(feature = "grpc")]
pub mod client;
pub mod directory;
pub mod gruu;
pub mod keys;
pub mod membership;
pub mod registrar;
pub mod reports;
pub mod ring;
pub mod rooms;
pub mod time;
pub mod view;

/// Messages and services generated from `proto/*.proto`.
#[allow(missing_docs, clippy::all)]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/tandem.rs"));
}

//! The registry: users' bindings, the directory, membership and keys, over one file or etcd.
#![forbid(unsafe_code)]

pub mod bindings;
pub mod calls;
pub mod directory;
mod health;
pub mod keys;
pub mod members;
pub mod registrar;
pub mod rooms;
mod running;
mod service;
pub mod store;
pub mod tls;

pub use health::Health;
pub use running::{Config, Running, StartError, StoreConfig, start};
pub use tls::Tls;

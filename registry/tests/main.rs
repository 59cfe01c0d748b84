//! The registry against real stores.

mod cluster;
mod etcd;
mod store;

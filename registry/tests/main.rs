//! The registry against real stores.

mod alone;
mod cluster;
mod etcd;
mod store;

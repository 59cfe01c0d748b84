//! The registry against real stores.

mod etcd;
mod store;

//! The registry against real stores.

mod access;
mod alone;
mod cluster;
mod store;

/// How a registry reaches the members that a test has started.
fn options(etcd: &support::Etcd) -> registry::store::etcd::Options {
    registry::store::etcd::Options { endpoints: etcd.endpoints(), ..Default::default() }
}

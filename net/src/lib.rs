//! Sockets: what an event loop of ours needs from Linux and `std` does not give.
//!
//! A worker is one thread with one [`Epoll`], its sockets and a [`Waker`] by which other threads reach it. All sockets are
//! nonblocking, closed on exec, and of one family (an IPv6 socket never speaks IPv4). All `unsafe` of the project is in `sys`, here, and in `media/g729`.

mod batch;
pub mod bpf;
mod epoll;
mod host;
mod network;
mod route;
mod sys;
pub mod tcp;
pub mod udp;

pub use batch::{BATCH, ReceiveBatch, send_batch};
pub use epoll::{Epoll, Events, Interest, Ready, Waker};
pub use host::{ephemeral_ports, is_local, monotonic, process_cpu, raise_nofile_limit, route_source, thread_cpu};
pub use network::{Network, NetworkError};
pub use route::{Interface, Route, interface, route};

/// May several sockets be bound to the same address, the kernel spreading peers over them (`SO_REUSEPORT`)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// One socket owns the address; a second bind fails.
    Exclusive,
    /// One socket a worker; each must ask for it.
    Workers,
}

//! RTP without sockets: what arrives for a call is taken by a program in the kernel (eBPF), and what is made here is sent by another.
//!
//! Packets that just pass are given new addresses there and sent on; the process is told of each and counts it as if it had forwarded it.
//! Packets that must be looked into are laid into memory that the process shares with the kernel, where it finds many at a time. Neither
//! costs the process a system call.
//!
//! A [`Forwarder`] serves the process, a [`Lane`] one of its threads; so do [`Departures`] and an [`Outbox`] for what leaves. What is no
//! plain RTP of a [`Flow`] comes to the socket as ever; so does everything where there is no forwarder. When the process dies, so does all
//! that it had the kernel do.

mod assembler;
mod departures;
mod programs;

pub use departures::{Departures, Outbox};

use net::bpf::{self, Link, Map, Program, Ring};
use programs::arrival;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddrV4;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The program in the kernel, with the flows that it forwards.
pub struct Forwarder {
    flows: Map,
    rings: Map,
    program: Program,
    /// By interface; `None` for one that takes no program.
    links: Mutex<HashMap<u32, Option<Link>>>,
    /// Flows installed so far.
    installed: AtomicU32,
}

/// One thread's part of a [`Forwarder`].
pub struct Lane {
    forwarder: Arc<Forwarder>,
    index: u32,
    ring: Ring,
}

/// The packets of one phone, and what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Given back with each packet.
    pub tag: u64,
    /// Where they come from.
    pub from: SocketAddrV4,
    /// Where they arrive.
    pub at: SocketAddrV4,
    /// The number of the interface by which they do.
    pub arrives: u32,
    /// RTP payload types that are taken, a bit each. Others come to the socket.
    pub passes: u128,
    /// Where the packets go.
    pub course: Course,
}

/// Where the packets of a flow go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Out again, as they are.
    Onward(Way),
    /// To the process, through its lane.
    Inward,
}

/// The way of packets that leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where they come from.
    pub source: SocketAddrV4,
    /// Where they go.
    pub to: SocketAddrV4,
    /// The number of the interface by which they do.
    pub leaves: u32,
}

/// A packet that the kernel has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whose it was.
    pub tag: u64,
    /// When, on the kernel's steady clock (`CLOCK_MONOTONIC`).
    pub at: Duration,
    /// Bytes of RTP, header included.
    pub length: usize,
    /// What was done with it.
    pub fate: Fate,
}

/// What the kernel has done with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has gone on. Here is the fixed part of its header (RFC 3550 §5.1).
    Onward([u8; 12]),
    /// It has come in, whole.
    Inward,
}

/// Why the kernel forwards nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Such programs are for those who administrate the network.
    #[error("the process may not load programs into the kernel: that takes root, or CAP_BPF and CAP_NET_ADMIN")]
    Forbidden,
    /// The kernel cannot or will not.
    #[error("the kernel does not take the program: {0}")]
    Refused(#[source] io::Error),
}

/// Why the kernel does not take a flow.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// Packets are framed in a way that the program does not read (a tunnel's).
    #[error("interface {0} is no Ethernet")]
    Framing(u32),
    /// The longest packets that the program takes do not fit an interface.
    #[error("interface {0} carries only {1} bytes a packet")]
    Narrow(u32, u32),
    /// The program cannot be put to an interface.
    #[error("interface {0} takes no program, which needs Linux 6.6: {1}")]
    Interface(u32, #[source] io::Error),
    /// As it was found before, the program cannot be put to an interface.
    #[error("interface {0} takes no program")]
    Known(u32),
    /// There are as many flows as there may be.
    #[error("the kernel keeps no more flows: {0}")]
    Full(#[source] io::Error),
}

impl LoadError {
    fn of(error: io::Error) -> LoadError {
        match error.kind() {
            io::ErrorKind::PermissionDenied => LoadError::Forbidden,
            _ => LoadError::Refused(error),
        }
    }
}

impl Forwarder {
    /// Loads the program for a process with so many [lanes](Lane), for flows that arrive at these ports; other packets are passed by as soon
    /// as that is seen.
    ///
    /// # Errors
    /// See [`LoadError`]: the caller forwards packets itself.
    pub fn load(lanes: u32, ports: &RangeInclusive<u16>) -> Result<Forwarder, LoadError> {
        if cfg!(target_endian = "big") {
            return Err(LoadError::Refused(io::ErrorKind::Unsupported.into()));
        }
        let flows = bpf::hash_map(arrival::KEY as u32, arrival::VALUE as u32, FLOWS).map_err(LoadError::of)?;
        let pattern = bpf::ring_map(RING).map_err(LoadError::of)?;
        let rings = bpf::array_of_maps(&pattern, lanes).map_err(LoadError::of)?;
        let program =
            Program::load(&arrival::forwarder(&flows, &rings, ports), c"Apache-2.0").map_err(LoadError::of)?;
        Ok(Forwarder { flows, rings, program, links: Mutex::default(), installed: AtomicU32::new(0) })
    }

    /// The lane at `index`, below the number that the forwarder was loaded for; there is one of each at a time.
    ///
    /// # Errors
    /// The kernel has no memory for it.
    pub fn lane(self: &Arc<Forwarder>, index: u32) -> io::Result<Lane> {
        let map = bpf::ring_map(RING)?;
        let ring = Ring::new(&map, RING)?;
        self.rings.set_map(index, &map)?;
        Ok(Lane { forwarder: self.clone(), index, ring })
    }

    /// Sees what arrives on an interface from now on.
    fn watch(&self, interface: u32) -> Result<(), FlowError> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        match links.get(&interface) {
            Some(Some(_)) => return Ok(()),
            Some(None) => return Err(FlowError::Known(interface)),
            None => {}
        }
        let (link, watched) = match self.link(interface) {
            Ok(link) => (Some(link), Ok(())),
            Err(error) => (None, Err(error)),
        };
        links.insert(interface, link);
        watched
    }

    fn link(&self, interface: u32) -> Result<Link, FlowError> {
        let failed = |error| FlowError::Interface(interface, error);
        let found = net::interface(interface).map_err(failed)?;
        if !found.is_ethernet {
            return Err(FlowError::Framing(interface));
        }
        if found.mtu < LEAST_MTU {
            return Err(FlowError::Narrow(interface, found.mtu));
        }
        self.program.link_ingress(interface).map_err(failed)
    }
}

impl Lane {
    /// Has the kernel take a flow, in the place of one with the same source and the same port, if there is one.
    ///
    /// # Errors
    /// See [`FlowError`]: its packets come to the socket.
    pub fn install(&self, flow: &Flow) -> Result<(), FlowError> {
        self.forwarder.watch(flow.arrives)?;
        if let Course::Onward(Way { leaves, .. }) = flow.course {
            // Where the answers arrive.
            self.forwarder.watch(leaves)?;
        }
        let number = self.forwarder.installed.fetch_add(1, Ordering::Relaxed);
        let value = arrival::value(flow, self.index, number);
        self.forwarder.flows.set(&arrival::key(flow), &value).map_err(FlowError::Full)
    }

    /// From now on the packets of a flow come to the socket.
    pub fn withdraw(&self, flow: &Flow) {
        // Only one that is not there fails.
        let _ = self.forwarder.flows.remove(&arrival::key(flow));
    }

    /// The next packet that was taken, in the order of their arrival; if it has come in, it is copied to the front of `buffer`, which has
    /// room for [`LONGEST`] bytes.
    ///
    /// The ring has room for some 100,000 packets that went on or 10,000 with sound; beyond these, packets come to the socket.
    pub fn take(&mut self, buffer: &mut [u8]) -> Option<Taken> {
        self.ring.take(|record| arrival::taken(record, buffer))
    }
}

impl Drop for Lane {
    /// The packets of its flows come to the sockets, if there still are any.
    fn drop(&mut self) {
        let _ = self.forwarder.rings.remove(&self.index.to_ne_bytes());
    }
}

/// Bytes of RTP at most that are taken: with its headers a packet fits any link, and sound is never longer.
pub const LONGEST: usize = 1372;
/// Bytes that interfaces and ways must carry in one packet.
pub const LEAST_MTU: u32 = 1428;
/// At most; memory is taken for those that are there.
const FLOWS: u32 = 1 << 18;
/// Bytes of a lane's ring.
const RING: u32 = 1 << 22;

#[cfg(test)]
mod tests;

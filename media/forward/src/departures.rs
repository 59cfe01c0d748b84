//! Packets of the process, sent by the kernel many at a time.
//!
//! A datagram over a socket costs a system call and a trip through the network stack each. Here packets are laid ready into memory that
//! the process shares with a program in the kernel, and one datagram over the loopback interface has it send them all (`programs::departure`).

use crate::programs::departure::{self, Order};
use crate::{LEAST_MTU, LoadError, Way};
use net::bpf::{self, Link, Map, Program, Shared};
use net::udp::{self, Class, Options};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The program in the kernel, with the memory of all threads.
pub struct Departures {
    lanes: Map,
    /// The loopback interface.
    loopback: u32,
    secret: u64,
    _link: Link,
}

/// One thread's packets.
pub struct Outbox {
    departures: Arc<Departures>,
    index: u32,
    shared: Shared,
    /// Sends orders, to itself.
    carrier: UdpSocket,
    to_itself: SocketAddr,
    /// An order, as long as the longest packet that it names.
    order: Box<[u8; LONGEST_DEPARTING]>,
    /// The number of the next packet to be laid, and of the next to be ordered.
    laid: u64,
    ordered: u64,
    /// Bytes of the longest packet that is not yet ordered.
    longest: usize,
    /// Packets whose order could not be given.
    lost: u64,
    /// Interfaces, and whether packets may leave by them.
    interfaces: HashMap<u32, bool>,
}

impl Departures {
    /// Loads the program for a process with so many outboxes. By what is drawn from `random` it knows its orders.
    ///
    /// # Errors
    /// See [`LoadError`]: the caller sends by sockets.
    pub fn load(lanes: u32, random: u64) -> Result<Departures, LoadError> {
        let loopback = net::route(Ipv4Addr::LOCALHOST, None).map_err(LoadError::Refused)?.interface;
        let shared = bpf::shared_array(MEMORY as u32, lanes).map_err(LoadError::of)?;
        let secret = departure::secret(random);
        let program = departure::sender(&shared, loopback, secret);
        let program = Program::load(&program, c"Apache-2.0").map_err(LoadError::of)?;
        let link = program.link_ingress(loopback).map_err(LoadError::of)?;
        Ok(Departures { lanes: shared, loopback, secret, _link: link })
    }

    /// The outbox at `index`, below the number that the program was loaded for; there is one of each at a time.
    ///
    /// # Errors
    /// There is no socket or memory for it, or an order does not reach the program (a firewall on the loopback interface).
    pub fn outbox(self: &Arc<Departures>, index: u32) -> io::Result<Outbox> {
        let shared = Shared::new(&self.lanes, index as usize * MEMORY, MEMORY)?;
        // What is made of an order has its class.
        let carrier =
            udp::bind((Ipv4Addr::LOCALHOST, 0).into(), &Options { class: Class::Expedited, ..Options::PLAIN })?;
        let to_itself = carrier.local_addr()?;
        let mut outbox = Outbox {
            departures: self.clone(),
            index,
            shared,
            carrier,
            to_itself,
            order: Box::new([0; LONGEST_DEPARTING]),
            laid: 0,
            ordered: 0,
            longest: 0,
            lost: 0,
            interfaces: HashMap::new(),
        };
        outbox.begin()?;
        let end = Instant::now() + PATIENCE;
        while !outbox.is_heard() {
            if Instant::now() > end {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "an order over the loopback interface is not heard",
                ));
            }
            std::thread::yield_now();
        }
        Ok(outbox)
    }
}

impl Outbox {
    /// Can packets go this way? Asked before [`Outbox::lay`], and again when the way is another or [`Outbox::renew`] was called.
    pub fn suits(&mut self, way: &Way) -> bool {
        let suits = |interface| {
            let found = net::interface(interface);
            found.is_ok_and(|found| found.is_ethernet && found.mtu >= LEAST_MTU)
        };
        // An order must not be in fragments either.
        [self.departures.loopback, way.leaves]
            .iter()
            .all(|interface| *self.interfaces.entry(*interface).or_insert_with_key(|interface| suits(*interface)))
    }

    /// Looks at the interfaces anew, and tries again to be heard where that was in vain; called about once a second. Says whether orders are
    /// heard, as far as is known.
    pub fn renew(&mut self) -> bool {
        self.interfaces.clear();
        self.send();
        let is_heard = self.is_heard();
        if !is_heard {
            // What cannot be sent is tried again.
            let _ = self.begin();
        }
        is_heard
    }

    /// Lays a UDP payload ready to be sent with the next [`Outbox::send`], or before. `false`: it is too long, or the last order is not carried
    /// out at present, and it must be sent otherwise.
    pub fn lay(&mut self, way: &Way, payload: &[u8]) -> bool {
        if payload.len() > LONGEST_DEPARTING || !self.is_heard() {
            return false;
        }
        self.put(way, payload);
        if self.laid - self.ordered == BATCH as u64 {
            self.send();
        }
        true
    }

    /// Sends all that is laid ready.
    pub fn send(&mut self) {
        if self.laid == self.ordered {
            return;
        }
        let (first, count) = (self.ordered, (self.laid - self.ordered) as u32);
        self.ordered = self.laid;
        let length = std::mem::take(&mut self.longest).max(Order::LENGTH);
        if self.give(first, count, length).is_err() {
            self.lost += u64::from(count);
        }
    }

    /// How many packets the kernel did not take since this was asked.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn put(&mut self, way: &Way, payload: &[u8]) {
        let leaves = if way.leaves == self.departures.loopback { 0 } else { way.leaves };
        let ethernet = departure::ethernet(leaves != 0, self.departures.secret);
        let headers = headers(way, payload.len() as u16);
        let length = ethernet.len() + headers.len() + payload.len();
        let slot = LANE + (self.laid as usize % SLOTS) * SLOT;
        // While there is another number nobody takes it.
        self.shared.store(slot, u64::MAX);
        self.shared.write(slot + 8, &(length as u32).to_ne_bytes());
        self.shared.write(slot + 12, &leaves.to_ne_bytes());
        self.shared.write(slot + 16, &ethernet);
        self.shared.write(slot + 16 + ethernet.len(), &headers);
        self.shared.write(slot + 16 + ethernet.len() + headers.len(), payload);
        self.shared.store(slot, self.laid);
        self.laid += 1;
        self.longest = self.longest.max(payload.len());
    }

    /// Has the kernel send packets, with an order of so many bytes.
    fn give(&mut self, first: u64, count: u32, length: usize) -> io::Result<()> {
        let order = Order { secret: self.departures.secret, first, lane: self.index, count };
        self.order[..Order::LENGTH].copy_from_slice(&order.to_bytes());
        self.carrier.send_to(&self.order[..length], self.to_itself).map(drop)
    }

    /// Has the last order been carried out? It is when it has been given, unless the loopback interface loses or delays it.
    fn is_heard(&self) -> bool {
        self.shared.load(TAKEN) == self.ordered
    }

    /// Begins to count where nobody has counted before, with an order of nothing that is as long as any.
    fn begin(&mut self) -> io::Result<()> {
        let begun = self.shared.load(TAKEN).max(self.laid) + SLOTS as u64;
        (self.laid, self.ordered) = (begun, begun);
        self.give(begun, 0, LONGEST_DEPARTING)
    }
}

/// The headers of IP and UDP (RFC 791 §3.1, RFC 768). The sum of UDP is that of its pseudo header, which whoever needs it makes whole.
fn headers(way: &Way, payload: u16) -> [u8; IP_AND_UDP] {
    let udp_length = payload + 8;
    let mut headers = [0; IP_AND_UDP];
    // Version and length, class of voice (RFC 3246), length; never in fragments; 64 hops, UDP.
    headers[..4].copy_from_slice(&[0x45, 46 << 2, 0, 0]);
    headers[2..4].copy_from_slice(&(udp_length + 20).to_be_bytes());
    headers[6..10].copy_from_slice(&[0x40, 0, 64, 17]);
    headers[12..16].copy_from_slice(&way.source.ip().octets());
    headers[16..20].copy_from_slice(&way.to.ip().octets());
    headers[20..22].copy_from_slice(&way.source.port().to_be_bytes());
    headers[22..24].copy_from_slice(&way.to.port().to_be_bytes());
    headers[24..26].copy_from_slice(&udp_length.to_be_bytes());
    let addresses = sum(&headers[12..20], 0);
    let header = sum(&headers[..12], addresses);
    headers[10..12].copy_from_slice(&(!folded(header)).to_be_bytes());
    headers[26..28].copy_from_slice(&folded(addresses + 17 + u32::from(udp_length)).to_be_bytes());
    headers
}

/// The sum of words of 16 bits, not yet folded (RFC 1071).
fn sum(bytes: &[u8], sum: u32) -> u32 {
    let (words, _) = bytes.as_chunks::<2>();
    words.iter().fold(sum, |sum, word| sum + u32::from(u16::from_be_bytes(*word)))
}

fn folded(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// Bytes of a UDP payload at most: what came as the longest that is taken, protected, fits.
const LONGEST_DEPARTING: usize = LEAST_MTU as usize - IP_AND_UDP;
/// Bytes of the headers of IP and UDP.
const IP_AND_UDP: usize = 28;
/// How long the first order may be on its way.
const PATIENCE: Duration = Duration::from_millis(200);

/// Packets that one order names at most: so many wait for their turn in the kernel without being dropped (`netdev_max_backlog`).
pub(crate) const BATCH: usize = 64;
/// Places for packets: those of one order, and those laid while it is carried out. A power of two.
pub(crate) const SLOTS: usize = 2 * BATCH;
/// Bytes of a place: the packet's number, its length, the interface by which it leaves the machine if it does, and the packet with all its headers.
pub(crate) const SLOT: usize = 16 + FRAME;
/// Bytes of a packet at most.
pub(crate) const FRAME: usize = (14 + IP_AND_UDP + LONGEST_DEPARTING).next_multiple_of(8);
/// Where in a lane's memory the number is of the packet after the last that was taken.
pub(crate) const TAKEN: usize = 0;
/// Where the first place is.
pub(crate) const LANE: usize = 64;
/// Bytes of a lane's memory: whole pages, also of 64 kB.
const MEMORY: usize = (LANE + SLOTS * SLOT).next_multiple_of(1 << 16);

#[cfg(test)]
mod tests;

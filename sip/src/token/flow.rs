//! Over which connection or addresses a phone is reached, and from which inside hop a request came.

use super::{KeyRing, Kind, Payload, Token, open, seal};
use crate::hop::{Hop, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One way to a phone: user part of Path and Record-Route, `f` parameter of our Via (RFC 5626 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Member id of the proxy that holds the flow.
    pub proxy: u16,
    /// What the phone speaks.
    pub transport: Transport,
    /// Which of the proxy's listeners it came in at.
    pub listener: u8,
    /// The phone's end.
    pub end: FlowEnd,
}

/// The far end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowEnd {
    /// The address datagrams come from. An IPv6 address is kept without flow label and scope.
    Peer(SocketAddr),
    /// A connection of the proxy.
    Slot {
        /// The worker that owns the connection.
        worker: u8,
        /// Its place in the worker's table.
        slot: u32,
        /// Counts the connections that have used the slot, so that a reused one does not match.
        generation: u32,
    },
}

impl Flow {
    /// Seals the flow: 24 characters for IPv4, 39 for IPv6, 28 for a connection.
    pub fn seal(&self, ring: &KeyRing) -> Token {
        let mut payload = Payload::new();
        payload.push(self.proxy.to_be_bytes());
        payload.push([self.listener]);
        let shape = match self.end {
            FlowEnd::Peer(address) => push_address(&mut payload, address, Shape::PeerV4, Shape::PeerV6),
            FlowEnd::Slot { worker, slot, generation } => {
                payload.push([worker]);
                payload.push(slot.to_be_bytes());
                payload.push(generation.to_be_bytes());
                Shape::Slot
            }
        };
        seal(ring, shape.kind(self.transport), &payload, &[])
    }

    /// The flow of a token that [`Flow::seal`] made under a key of this ring.
    pub fn open(ring: &KeyRing, text: &str) -> Option<Flow> {
        let (kind, payload) = open(ring, text, kind_of, &[])?;
        let (shape, transport) = shape_of(kind.number)?;
        let end = match shape {
            Shape::PeerV4 => FlowEnd::Peer(v4(&payload, 3)),
            Shape::PeerV6 => FlowEnd::Peer(v6(&payload, 3)),
            Shape::Slot => {
                let [worker] = payload.array(3);
                let (slot, generation) = (u32::from_be_bytes(payload.array(4)), u32::from_be_bytes(payload.array(8)));
                FlowEnd::Slot { worker, slot, generation }
            }
            Shape::HopV4 | Shape::HopV6 => return None,
        };
        let [listener] = payload.array(2);
        Some(Flow { proxy: u16::from_be_bytes(payload.array(0)), transport, listener, end })
    }
}

/// The inside hop that a request came from, sealed into the Via under which a proxy forwards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HopToken {
    /// Where responses go.
    pub hop: Hop,
}

impl HopToken {
    /// Seals the hop with the flow ring: 20 characters for IPv4, 36 for IPv6.
    pub fn seal(&self, ring: &KeyRing) -> Token {
        let mut payload = Payload::new();
        let shape = push_address(&mut payload, self.hop.address, Shape::HopV4, Shape::HopV6);
        seal(ring, shape.kind(self.hop.transport), &payload, &[])
    }

    /// The hop of a token that [`HopToken::seal`] made under a key of this ring; a flow's token is not one.
    pub fn open(ring: &KeyRing, text: &str) -> Option<HopToken> {
        let (kind, payload) = open(ring, text, kind_of, &[])?;
        let (shape, transport) = shape_of(kind.number)?;
        let address = match shape {
            Shape::HopV4 => v4(&payload, 0),
            Shape::HopV6 => v6(&payload, 0),
            Shape::PeerV4 | Shape::PeerV6 | Shape::Slot => return None,
        };
        Some(HopToken { hop: Hop { transport, address } })
    }
}

/// How the payload is laid out. With the transport it makes the kind's number, because an IPv6 flow has no byte to spare.
#[derive(Clone, Copy)]
enum Shape {
    PeerV4,
    PeerV6,
    Slot,
    HopV4,
    HopV6,
}

impl Shape {
    const ALL: [Shape; 5] = [Shape::PeerV4, Shape::PeerV6, Shape::Slot, Shape::HopV4, Shape::HopV6];

    fn kind(self, transport: Transport) -> Kind {
        let length = match self {
            Shape::PeerV4 => 3 + 6,
            Shape::PeerV6 => 3 + 18,
            Shape::Slot => 3 + 9,
            Shape::HopV4 => 6,
            Shape::HopV6 => 18,
        };
        Kind { number: self as u8 * Transport::ALL.len() as u8 + transport.index(), length }
    }
}

fn shape_of(number: u8) -> Option<(Shape, Transport)> {
    let (shape, transport) = (usize::from(number) / Transport::ALL.len(), usize::from(number) % Transport::ALL.len());
    Some((*Shape::ALL.get(shape)?, Transport::ALL[transport]))
}

fn kind_of(number: u8) -> Option<Kind> {
    shape_of(number).map(|(shape, transport)| shape.kind(transport))
}

fn push_address(payload: &mut Payload, address: SocketAddr, v4: Shape, v6: Shape) -> Shape {
    let shape = match address.ip() {
        IpAddr::V4(ip) => {
            payload.push(ip.octets());
            v4
        }
        IpAddr::V6(ip) => {
            payload.push(ip.octets());
            v6
        }
    };
    payload.push(address.port().to_be_bytes());
    shape
}

fn v4(payload: &Payload, at: usize) -> SocketAddr {
    (Ipv4Addr::from(payload.array::<4>(at)), u16::from_be_bytes(payload.array(at + 4))).into()
}

fn v6(payload: &Payload, at: usize) -> SocketAddr {
    (Ipv6Addr::from(payload.array::<16>(at)), u16::from_be_bytes(payload.array(at + 16))).into()
}

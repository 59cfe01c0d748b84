//! The connections of a worker, and what the edge may know of all flows of the proxy.

use super::connection::{Connection, Side};
use super::names::Names;
use super::sockets::Token;
use crate::edge::{Flows, PublicName};
use dashmap::DashMap;
use sip::token::{Flow, FlowEnd};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A worker's connections by slot; the generation tells a slot's connections apart.
pub(super) struct Table {
    own: u8,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Where generations start.
    seed: u32,
    pub names: Names,
    shared: Arc<Shared>,
}

/// Which connection of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub slot: u32,
    pub generation: u32,
}

struct Slot {
    generation: u32,
    /// How the peer knows us while there is a connection; kept here because the connection is taken out while it is worked on.
    name: Option<PublicName>,
    connection: Option<Box<Connection>>,
}

/// What the workers of a process know of each other's connections; written when one comes or goes.
#[derive(Default)]
pub(crate) struct Shared {
    /// By worker and slot: generation, and the name by which the peer knows us.
    names: DashMap<(u8, u32), (u32, PublicName)>,
    total: AtomicUsize,
    by_address: DashMap<IpAddr, usize>,
}

impl Shared {
    fn count_in(&self, peer: IpAddr) {
        self.total.fetch_add(1, Ordering::Relaxed);
        *self.by_address.entry(peer).or_default() += 1;
    }

    fn count_out(&self, peer: IpAddr) {
        self.total.fetch_sub(1, Ordering::Relaxed);
        self.by_address.remove_if_mut(&peer, |_, count| {
            *count -= 1;
            *count == 0
        });
    }
}

impl Table {
    /// `seed` sets where generations start, so that tokens of an earlier run of this proxy match no connection of this one.
    pub fn new(own: u8, names: Names, shared: Arc<Shared>, seed: u64) -> Table {
        Table { own, slots: Vec::new(), free: Vec::new(), names, shared, seed: seed as u32 }
    }

    /// Connections from phones in the whole process, and those from one address.
    pub fn population(&self, peer: IpAddr) -> (usize, usize) {
        (self.shared.total.load(Ordering::Relaxed), self.shared.by_address.get(&peer).map_or(0, |count| *count))
    }

    /// Takes a connection in.
    pub fn insert(&mut self, connection: Connection) -> Place {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: self.seed, name: None, connection: None });
            self.slots.len() as u32 - 1
        });
        let generation = self.slots[slot as usize].generation;
        if let Side::Public { name, .. } = connection.side() {
            self.shared.count_in(connection.peer().ip());
            self.slots[slot as usize].name = Some(name.clone());
            self.shared.names.insert((self.own, slot), (generation, name.clone()));
        }
        self.slots[slot as usize].connection = Some(Box::new(connection));
        Place { slot, generation }
    }

    /// Takes a connection out to work on it; it counts as there until [`Table::remove`].
    pub fn take(&mut self, place: Place) -> Option<Box<Connection>> {
        self.slot(place)?.connection.take()
    }

    /// Puts back what was taken out.
    pub fn put_back(&mut self, place: Place, connection: Box<Connection>) {
        if let Some(slot) = self.slot(place) {
            slot.connection = Some(connection);
        }
    }

    /// The connection of a place, unless it is gone.
    pub fn get(&mut self, place: Place) -> Option<&mut Connection> {
        self.slot(place)?.connection.as_deref_mut()
    }

    /// Frees the place of a connection that was taken out.
    pub fn remove(&mut self, place: Place, connection: &Connection) {
        let Some(slot) = self.slot(place) else { return };
        slot.generation = slot.generation.wrapping_add(1);
        slot.name = None;
        self.free.push(place.slot);
        if let Side::Public { .. } = connection.side() {
            self.shared.count_out(connection.peer().ip());
            self.shared.names.remove(&(self.own, place.slot));
        }
    }

    /// Every place in use.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.connections().map(|(place, _)| place)
    }

    /// The connections whose time is over.
    pub fn overdue(&self, now: Instant) -> Vec<Place> {
        let overdue = self.connections().filter(|(_, connection)| connection.is_overdue(now));
        overdue.map(|(place, _)| place).collect()
    }

    /// The place of an epoll event, unless its connection is gone.
    pub fn place(&self, slot: u32, generation_bits: u32) -> Option<Place> {
        let generation = self.slots.get(slot as usize)?.generation;
        (generation & Token::GENERATION == generation_bits).then_some(Place { slot, generation })
    }

    fn connections(&self) -> impl Iterator<Item = (Place, &Connection)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            Some((Place { slot: index as u32, generation: slot.generation }, slot.connection.as_deref()?))
        })
    }

    fn slot(&mut self, place: Place) -> Option<&mut Slot> {
        self.slots.get_mut(place.slot as usize).filter(|slot| slot.generation == place.generation)
    }
}

impl Flows for Table {
    fn public_name(&self, flow: &Flow) -> Option<PublicName> {
        match flow.end {
            FlowEnd::Peer(peer) => self.names.of(peer.ip(), self.names.udp_listener(flow.listener, peer)?),
            FlowEnd::Slot { worker, slot, generation } if worker == self.own => {
                let slot = self.slots.get(slot as usize).filter(|slot| slot.generation == generation)?;
                slot.name.clone()
            }
            FlowEnd::Slot { worker, slot, generation } => {
                let named = self.shared.names.get(&(worker, slot))?;
                let (current, name) = named.value();
                (*current == generation).then(|| name.clone())
            }
        }
    }
}

use super::clients::ClientKey;
use super::{Counts, Event, ServerId};
use crate::hop::{Hop, Transmit};
use crate::timer::{Queue, Timers};
use std::collections::VecDeque;

/// What clients and servers write to: their timers and their output.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) timers: Timers,
    pub(super) due: Queue<TransactionId>,
    pub(super) transmits: VecDeque<Transmit>,
    pub(super) events: VecDeque<Event>,
    pub(super) counts: Counts,
}

/// Whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TransactionId {
    Client(ClientKey),
    Server(ServerId),
}

impl Outbox {
    pub(super) fn new(timers: Timers) -> Outbox {
        let (due, transmits, events) = (Queue::new(), VecDeque::new(), VecDeque::new());
        Outbox { timers, due, transmits, events, counts: Counts::default() }
    }

    pub(super) fn transmit(&mut self, to: Hop, bytes: Vec<u8>) {
        self.transmits.push_back(Transmit { to, bytes });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.transmits.is_empty() && self.events.is_empty()
    }
}

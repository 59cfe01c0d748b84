//! What the edge wants done, in order, over one reused buffer of bytes.

use proto::wire;
use sip::hop::Hop;
use sip::token::Flow;
use std::collections::VecDeque;
use std::ops::Range;

/// A question to the registry; comes back with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueryId(pub(super) u64);

/// One thing to do. A range is a message in [`Outbox::bytes`].
#[derive(Debug)]
pub enum Output {
    /// Send over a phone's connection, or to its address.
    ToFlow(Flow, Range<usize>),
    /// Send to a member of the cluster.
    ToHop(Hop, Range<usize>),
    /// Ask the registry to apply a registration.
    Register(QueryId, Box<wire::RegisterRequest>),
    /// Ask the registry where a user is.
    Locate(QueryId, Box<wire::LocateRequest>),
    /// Close a connection: its peer was banned.
    Close(Flow),
}

/// Collects the outputs of many messages; emptied by [`Outbox::poll`], its bytes by [`Outbox::clear`].
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    outputs: VecDeque<Output>,
}

impl Outbox {
    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The bytes that outputs refer to; they stay until [`Outbox::clear`].
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets all bytes; ranges handed out before are void.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.outputs.clear();
    }

    /// Where the next message's bytes go, by appending.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Sends what `write` appends over `flow`.
    pub(super) fn send_over(&mut self, flow: Flow, write: impl FnOnce(&mut Vec<u8>)) {
        let range = self.write(write);
        self.outputs.push_back(Output::ToFlow(flow, range));
    }

    /// Sends what `write` appends to `hop`.
    pub(super) fn send_to(&mut self, hop: Hop, write: impl FnOnce(&mut Vec<u8>)) {
        let range = self.write(write);
        self.outputs.push_back(Output::ToHop(hop, range));
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.bytes.len();
        write(&mut self.bytes);
        start..self.bytes.len()
    }
}

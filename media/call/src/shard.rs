//! All calls of one thread.

use crate::media::{Media, MediaEvent, MediaId};
use crate::output::{Answer, Output, QueryId};
use crate::settings::Settings;
use proto::time::UnixMillis;
use proto::view::View;
use proto::wire;
use sip::hop::Hop;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// All calls of one thread, with their transactions and timers.
pub struct Shard {
    settings: Settings,
    view: Arc<View>,
    output: VecDeque<Output>,
}

impl Shard {
    /// A shard without calls; `seed` makes its tags, branches and back-offs.
    pub fn new(settings: Settings, view: Arc<View>, seed: u64) -> Shard {
        let _ = seed;
        Shard { settings, view, output: VecDeque::new() }
    }

    /// A message from inside the cluster. `wall` is the time of day, for reports and the overlap of rings.
    pub fn handle_message(&mut self, now: Instant, wall: UnixMillis, from: Hop, bytes: &[u8], media: &mut impl Media) {
        let _ = (now, wall, from, bytes, media);
    }

    /// The answer to a [`Query`](crate::Query). One that comes too late changes nothing.
    pub fn handle_answer(&mut self, now: Instant, query: QueryId, answer: Answer, media: &mut impl Media) {
        let _ = (now, query, answer, media);
    }

    /// Something that happened on an open pair of ports.
    pub fn handle_media(&mut self, now: Instant, id: MediaId, event: MediaEvent, media: &mut impl Media) {
        let _ = (now, id, event, media);
    }

    /// A hop over TCP could not be connected or broke: transactions that wait for it fail at once.
    pub fn handle_unreachable(&mut self, now: Instant, hop: Hop, media: &mut impl Media) {
        let _ = (now, hop, media);
    }

    /// Due timers; call it at or after [`Shard::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant, media: &mut impl Media) {
        let _ = (now, media);
    }

    /// The next thing to do; `None` until the next `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// When [`Shard::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// From now on new calls are answered 503; the live ones go on.
    pub fn drain(&mut self) {}

    /// No call, no transaction, no timer.
    pub fn is_idle(&self) -> bool {
        self.output.is_empty()
    }

    /// Every call now, oldest first, as it was last reported.
    pub fn calls(&self) -> impl Iterator<Item = wire::CallReport> {
        let _ = (&self.settings, &self.view);
        std::iter::empty()
    }
}

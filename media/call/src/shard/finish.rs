//! Calls that end for a reason outside of them: the exchange stops, or a bug was met.

use super::Shard;
use crate::best::Failure;
use crate::media::{Media, MediaId};
use crate::output::Output;
use crate::turn::{CallKey, Turn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

impl Shard {
    /// Live calls.
    pub fn count(&self) -> usize {
        self.calls.len()
    }

    /// Ends every call and tells both its sides: the exchange stops.
    pub fn hang_up(&mut self, now: Instant, media: &mut impl Media) {
        for key in self.calls.keys().copied().collect::<Vec<_>>() {
            self.with_call(now, key, media, |call, turn| call.end(turn, "the exchange stops", None, Failure::of(503)));
        }
        self.handle_events(now, media);
    }

    /// To be called when one of the `handle_*` has panicked: the call that was worked on ends, as well as it still can, and
    /// its ports are given back. The others go on.
    pub fn abandon(&mut self, now: Instant, media: &mut impl Media) {
        if let Some(key) = self.at_work.take() {
            self.abandon_call(now, key, media);
        }
        self.handle_events(now, media);
    }

    fn abandon_call(&mut self, now: Instant, key: CallKey, media: &mut impl Media) {
        let wall = self.wall(now);
        if let Some(mut call) = self.calls.remove(&key) {
            self.due.change(key, call.scheduled, None);
            let mut turn = Turn { now, wall, call: key, media, core: &mut self.core };
            // What the bug has left of the call may well panic again; then its phones hear of the end by their own timers.
            let told = catch_unwind(AssertUnwindSafe(|| call.end(&mut turn, "a bug", None, Failure::of(500))));
            if told.is_err() {
                call.reported = proto::reports::ENDED;
                let report = call.summary(&self.core.settings.node);
                self.core.output.push_back(Output::Report(Box::new(report)));
            }
        }
        let owners = &mut self.core.owners;
        let mut open: Vec<MediaId> = owners.media.extract_if(|_, owner| *owner == key).map(|(id, _)| id).collect();
        open.sort_unstable();
        for id in open {
            media.close(id);
        }
        owners.clients.retain(|_, owner| *owner != key);
        owners.servers.retain(|_, owner| *owner != key);
        owners.queries.retain(|_, owner| *owner != key);
        owners.tags.retain(|_, owner| *owner != key);
        owners.callers.retain(|_, owner| *owner != key);
    }
}

#[cfg(test)]
mod tests;

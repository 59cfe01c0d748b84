//! Answered calls tell from time to time how they sound.

use super::Shard;
use crate::media::Media;
use crate::output::Output;
use std::ops::Bound;

impl Shard {
    /// Reports how the next answered calls sound: of all calls a `turns`-th, from where the last turn ended. Each call has its
    /// report within `turns` + 1 turns, and no turn keeps the shard from its packets for long.
    pub fn report_quality(&mut self, turns: usize, media: &impl Media) {
        let share = self.calls.len().div_ceil(turns.max(1));
        let from = self.reported.map_or(Bound::Unbounded, Bound::Excluded);
        let mut last = None;
        for (key, call) in self.calls.range((from, Bound::Unbounded)).take(share) {
            last = Some(*key);
            if call.answered.is_some() {
                let report = call.summary_with_quality(&self.core.settings.node, media);
                self.core.output.push_back(Output::Report(Box::new(report)));
            }
        }
        self.reported = last;
    }
}

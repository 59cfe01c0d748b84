//! Calls that leave for another shard, or come from one.

use super::Shard;
use crate::call::Call;
use crate::media::Media;
use crate::record::{Clocks, Record, RestoreError};
use crate::turn::{CallKey, Turn};
use proto::time::UnixMillis;
use std::time::Instant;

impl Shard {
    /// The record of the answered call with this Call-ID of its caller; the call goes on here.
    pub fn save(&self, now: Instant, id: &str) -> Option<Record> {
        let clocks = Clocks { now, wall: self.wall(now) };
        self.calls.values().find(|call| call.id == id)?.save(clocks)
    }

    /// Goes on with a call that another shard has saved, over media ports of its own.
    pub fn restore(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        record: &Record,
        media: &mut impl Media,
    ) -> Result<(), RestoreError> {
        self.clock = Some((now, wall));
        let caller = record.caller();
        if self.core.owners.callers.contains_key(&caller) {
            return Err(RestoreError::Known);
        }
        let key = CallKey(self.core.next());
        let mut turn = Turn { now, wall, call: key, media, core: &mut self.core };
        let mut call = Call::restore(&mut turn, record)?;
        call.report(&mut turn);
        self.core.owners.callers.insert(caller, key);
        self.calls.insert(key, call);
        self.settle(now, key);
        Ok(())
    }
}

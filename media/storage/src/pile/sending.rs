//! Which parcel is put next, and what its fate means for the others.

use super::{Life, Pile, Place, Turn};
use crate::parcel::Parcel;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// How the store has fared lately.
#[derive(Default)]
pub struct Sending {
    underway: usize,
    /// Failed attempts since the last one that succeeded, those at the same time counted once.
    failures: u32,
    /// While it fails, nothing is tried before this.
    not_before: Option<Instant>,
    /// Parcels that have failed and are still there.
    failed: usize,
}

/// What the sender does next.
pub enum Next {
    /// Puts this parcel and says how it went.
    Put(u64, Source),
    /// Waits for [`Pile::changed`], or this moment.
    Wait(Option<Instant>),
    /// Ends.
    Nothing,
}

/// Where a parcel is to be had.
pub enum Source {
    /// Here.
    Memory(Arc<Parcel>),
    /// By [`Pile::read`].
    Spool,
}

impl Pile {
    /// The next step. A store that fails is tried with one parcel at a time, each time another one, so that one that is never taken does not
    /// keep the others away.
    pub fn next(&self, now: Instant) -> Next {
        let mut guard = self.state();
        let state = &mut *guard;
        let sending = &mut state.sending;
        if state.parcels.is_empty() && state.life == Life::Closing {
            return Next::Nothing;
        }
        if sending.underway >= AT_ONCE {
            return Next::Wait(None);
        }
        if let Some(at) = sending.not_before
            && (now < at || sending.underway > 0)
        {
            return Next::Wait((now < at).then_some(at));
        }
        let mut earliest: Option<Instant> = None;
        for (sequence, waiting) in &mut state.parcels {
            let source = match &waiting.place {
                Place::Spool => Source::Spool,
                Place::Memory(parcel) if state.spool.since().is_some() => Source::Memory(parcel.clone()),
                Place::Memory(_) => continue,
            };
            match waiting.turn {
                Turn::Underway => {}
                Turn::Due(Some(at)) if at > now => earliest = Some(earliest.map_or(at, |earliest| earliest.min(at))),
                Turn::Due(_) => {
                    waiting.turn = Turn::Underway;
                    sending.underway += 1;
                    return Next::Put(*sequence, source);
                }
            }
        }
        Next::Wait(earliest)
    }

    /// Resolves when [`next`](Pile::next) may say something else.
    pub async fn changed(&self) {
        self.for_sender.notified().await;
    }

    /// A parcel from the spool; `None` for one that is not whole.
    pub fn read(&self, sequence: u64) -> io::Result<Option<Parcel>> {
        self.spool.read(sequence)
    }

    /// A parcel is in the store.
    pub fn put(&self, sequence: u64) {
        let mut state = self.state();
        state.stored += 1;
        state.sending.failures = 0;
        state.sending.not_before = None;
        drop(state);
        if let Some(Place::Spool) = self.take_out(sequence) {
            self.spool.remove(sequence);
        }
    }

    /// A parcel was not taken.
    pub fn refused(&self, now: Instant, sequence: u64, error: String) {
        let mut guard = self.state();
        let state = &mut *guard;
        state.sending.underway -= 1;
        if let Some(waiting) = state.parcels.get_mut(&sequence) {
            waiting.failures += 1;
            waiting.turn = Turn::Due(Some(now + self.bounds.wait(waiting.failures)));
            if waiting.failures == 1 {
                state.sending.failed += 1;
            }
        }
        if state.sending.not_before.is_none_or(|at| at <= now) {
            state.sending.failures += 1;
            state.sending.not_before = Some(now + self.bounds.wait(state.sending.failures));
        }
        state.store.begins(&error);
        state.last_error = Some(error);
    }

    /// A file of the spool is not one that was written whole.
    pub fn damaged(&self, sequence: u64) {
        let aside = self.spool.set_aside(sequence);
        tracing::error!(path = %aside.display(), "a segment in the spool is damaged and not stored");
        self.state().last_error = Some(format!("{} is damaged", aside.display()));
        self.take_out(sequence);
    }

    fn take_out(&self, sequence: u64) -> Option<Place> {
        let mut guard = self.state();
        let state = &mut *guard;
        state.sending.underway -= 1;
        let waiting = state.parcels.remove(&sequence)?;
        match waiting.place {
            Place::Memory(_) => state.release(waiting.bytes, &self.bounds),
            Place::Spool => {
                state.spooled_bytes -= waiting.bytes;
                state.spooled_segments -= 1;
            }
        }
        state.unspooled.remove(&sequence);
        if waiting.failures > 0 {
            state.sending.failed -= 1;
        }
        if state.sending.failed == 0 {
            state.store.ends();
        }
        self.for_spooler.notify_all();
        Some(waiting.place)
    }
}

/// Parcels put at the same time.
const AT_ONCE: usize = 8;

//! The finished segments that are not in the store yet, in memory and in the spool.

mod lost;
mod sending;

pub use lost::Lost;
pub use sending::{Next, Source};

use crate::health::{Health, Trouble, What};
use crate::parcel::Parcel;
use crate::spool::{Left, Spool};
use recording::Rate;
use sending::Sending;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Shared by recorders, the spooler and the sender. A parcel comes into memory, goes from there into the spool, and leaves when it is in the
/// store; while the spool refuses, the store gets it from memory.
pub struct Pile {
    state: Mutex<State>,
    spool: Spool,
    bounds: Bounds,
    lost: Arc<Lost>,
    /// Something for the spooler: a parcel, room, or the end.
    for_spooler: Condvar,
    /// Something for the sender: a parcel, or the end.
    for_sender: Notify,
}

/// How much waits, and how long between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes in the spool.
    pub spool: u64,
    /// Bytes in memory.
    pub memory: u64,
    /// Between an attempt that failed and the next.
    pub first_wait: Duration,
    /// What doubling it ends at.
    pub longest_wait: Duration,
}

impl Bounds {
    /// After so many failures, at least one.
    fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(self.longest_wait)
    }
}

struct State {
    parcels: BTreeMap<u64, Waiting>,
    unspooled: BTreeSet<u64>,
    next: u64,
    held_bytes: u64,
    spooled_bytes: u64,
    spooled_segments: usize,
    stored: u64,
    sending: Sending,
    store: Trouble,
    spool: Trouble,
    memory: Trouble,
    last_error: Option<String>,
    life: Life,
}

struct Waiting {
    place: Place,
    bytes: u64,
    /// Attempts to put it that failed.
    failures: u32,
    turn: Turn,
}

enum Place {
    Memory(Arc<Parcel>),
    Spool,
}

enum Turn {
    /// Not before this.
    Due(Option<Instant>),
    Underway,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    Closing,
}

impl Pile {
    /// With what an earlier process left in the spool.
    pub fn new(spool: Spool, left: Vec<Left>, bounds: Bounds) -> Pile {
        let waiting = |left: &Left| {
            (left.sequence, Waiting { place: Place::Spool, bytes: left.bytes, failures: 0, turn: Turn::Due(None) })
        };
        let state = State {
            parcels: left.iter().map(waiting).collect(),
            unspooled: BTreeSet::new(),
            next: left.last().map_or(0, |left| left.sequence + 1),
            held_bytes: 0,
            spooled_bytes: left.iter().map(|left| left.bytes).sum(),
            spooled_segments: left.len(),
            stored: 0,
            sending: Sending::default(),
            store: Trouble::none(What::Store),
            spool: Trouble::none(What::Spool),
            memory: Trouble::none(What::Memory),
            last_error: None,
            life: Life::Open,
        };
        Pile {
            state: Mutex::new(state),
            spool,
            bounds,
            lost: Arc::new(Lost::default()),
            for_spooler: Condvar::new(),
            for_sender: Notify::new(),
        }
    }

    /// Where sound that cannot be kept is counted.
    pub fn lost(&self) -> &Arc<Lost> {
        &self.lost
    }

    /// Makes room for a segment's file of this size, or says that there is none.
    pub fn reserve(&self, file: usize) -> Option<Room> {
        let mut state = self.state();
        let bytes = file as u64 + ENTRY;
        // What takes no sound, so that it says what was lost, finds room where sound does not.
        let bound = if file == 0 { self.bounds.memory + FOR_ENTRIES } else { self.bounds.memory };
        if state.held_bytes + bytes > bound {
            let error = state.last_error.clone().unwrap_or_else(|| "the spool is too slow".to_owned());
            state.memory.begins(&error);
            return None;
        }
        state.held_bytes += bytes;
        Some(Room { bytes })
    }

    /// Takes a parcel into its room.
    pub fn add(&self, room: Room, parcel: Parcel) {
        let mut state = self.state();
        let sequence = state.next;
        state.next += 1;
        state.unspooled.insert(sequence);
        let waiting =
            Waiting { place: Place::Memory(Arc::new(parcel)), bytes: room.bytes, failures: 0, turn: Turn::Due(None) };
        state.parcels.insert(sequence, waiting);
        if state.spool.since().is_some() {
            self.for_sender.notify_one();
        }
        self.for_spooler.notify_all();
    }

    /// A segment of so many samples found no room.
    pub fn lose(&self, samples: u64, rate: Rate) {
        self.lost.add(samples, rate);
    }

    /// The spooler's work, until [`close`](Pile::close) and as far as the spool takes what there is by then.
    pub fn spool_all(&self) {
        let mut failures = 0;
        while let Some(task) = self.next_task() {
            let (sequence, written) = match task {
                Task::Write(sequence, parcel, room) => (Some(sequence), self.write(sequence, &parcel, room)),
                Task::Try => (None, self.spool.try_out().map(|()| 0).map_err(|error| error.to_string())),
            };
            match written {
                Ok(bytes) => {
                    failures = 0;
                    self.spooled(sequence, bytes);
                }
                Err(error) => {
                    failures += 1;
                    let mut state = self.state();
                    let error = format!("spool: {error}");
                    state.spool.begins(&error);
                    state.last_error = Some(error);
                    self.for_sender.notify_one();
                    if state.life == Life::Closing {
                        return;
                    }
                    // A parcel that is put makes room, so this may be woken early.
                    let _ = self.for_spooler.wait_timeout(state, self.bounds.wait(failures));
                }
            }
        }
    }

    /// Waits for something to do; `None` at the end.
    fn next_task(&self) -> Option<Task> {
        let mut state = self.state();
        loop {
            if let Some((sequence, parcel)) = state.first_unspooled() {
                return Some(Task::Write(sequence, parcel, self.bounds.spool.saturating_sub(state.spooled_bytes)));
            }
            if state.life == Life::Closing {
                return None;
            }
            // The store has taken what the spool refused, and nobody would learn that the spool is well again.
            if state.spool.since().is_some() && state.spooled_bytes < self.bounds.spool {
                return Some(Task::Try);
            }
            state = self.for_spooler.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn write(&self, sequence: u64, parcel: &Parcel, room: u64) -> Result<u64, String> {
        if parcel.sound.len() as u64 > room {
            return Err(format!("it has its {} bytes", self.bounds.spool));
        }
        self.spool.write(sequence, parcel).map_err(|error| error.to_string())
    }

    /// Nothing is added any more; what can be is still spooled and put.
    pub fn close(&self) {
        self.state().life = Life::Closing;
        self.for_spooler.notify_all();
        self.for_sender.notify_one();
    }

    /// Seconds of sound that are in memory only.
    pub fn held_seconds(&self) -> f64 {
        let held = |waiting: &Waiting| match &waiting.place {
            Place::Memory(parcel) => parcel.seconds(),
            Place::Spool => 0.0,
        };
        self.state().parcels.values().map(held).sum()
    }

    /// How it fares; the number of recordings is not known here.
    pub fn health(&self) -> Health {
        let state = self.state();
        Health {
            recordings: 0,
            spooled_segments: state.spooled_segments,
            spooled_bytes: state.spooled_bytes,
            held_segments: state.unspooled.len(),
            held_bytes: state.held_bytes,
            stored_segments: state.stored,
            lost_seconds: self.lost.seconds(),
            failing_since: [&state.store, &state.spool, &state.memory].iter().filter_map(|it| it.since()).min(),
            last_error: state.last_error.clone(),
        }
    }

    fn spooled(&self, sequence: Option<u64>, bytes: u64) {
        let mut guard = self.state();
        let state = &mut *guard;
        state.spool.ends();
        let Some(sequence) = sequence else { return };
        state.unspooled.remove(&sequence);
        let Some(waiting) = state.parcels.get_mut(&sequence) else {
            // It was put from memory meanwhile.
            drop(guard);
            return self.spool.remove(sequence);
        };
        waiting.place = Place::Spool;
        let held = std::mem::replace(&mut waiting.bytes, bytes);
        state.release(held, &self.bounds);
        state.spooled_bytes += bytes;
        state.spooled_segments += 1;
        self.for_sender.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for one parcel in memory, to be given back with it.
#[must_use]
pub struct Room {
    bytes: u64,
}

enum Task {
    /// This parcel, if it fits into so many bytes.
    Write(u64, Arc<Parcel>, u64),
    /// Whether anything can be written again.
    Try,
}

impl State {
    /// So many bytes of memory are free again. Half of it must be before all is well, or a memory on the brink would say so all the time.
    fn release(&mut self, bytes: u64, bounds: &Bounds) {
        self.held_bytes -= bytes;
        if self.held_bytes <= bounds.memory / 2 {
            self.memory.ends();
        }
    }

    fn first_unspooled(&self) -> Option<(u64, Arc<Parcel>)> {
        self.unspooled.iter().find_map(|sequence| match &self.parcels.get(sequence)?.place {
            Place::Memory(parcel) => Some((*sequence, parcel.clone())),
            Place::Spool => None,
        })
    }
}

/// What an entry takes in memory, about.
const ENTRY: u64 = 1024;
/// What entries without sound may take beyond the bound of memory.
const FOR_ENTRIES: u64 = 1 << 20;

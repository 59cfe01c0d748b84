//! Where the thread of a call pours sound.

use crate::pile::Lost;
use recording::Rate;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, OnceLock};

/// One recording, fed by one thread. Nothing here waits: sound is gathered into blocks of 100 ms, and a block that the queue has no room
/// for becomes a gap. Dropped, it ends the recording.
///
/// The recording's time is what is told here, so [`push`](Tap::push) and [`gap`](Tap::gap) go on in a pause.
pub struct Tap {
    block: Block,
    /// Samples of a side in a full block.
    full: usize,
    rate: Rate,
    state: State,
    queue: SyncSender<Block>,
    /// Blocks to be used again.
    used: Receiver<Block>,
    /// What is missing behind `block`.
    missed: Missed,
    /// What is missing behind the last block of all.
    last: Arc<OnceLock<Missed>>,
    lost: Arc<Lost>,
}

/// Sound of both sides, and what is missing before it.
#[derive(Debug, Default)]
pub struct Block {
    pub missed: Missed,
    pub left: Vec<i16>,
    pub right: Vec<i16>,
}

/// Samples that are missing, without a word about their order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    pub queue_full: u64,
    pub paused: u64,
    pub lost: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Recording,
    Paused,
}

/// The recorder's ends of a tap.
pub struct Drain {
    pub queue: Receiver<Block>,
    pub used: SyncSender<Block>,
    pub last: Arc<OnceLock<Missed>>,
}

impl Tap {
    /// A tap whose queue has room for so many blocks of 100 ms.
    pub fn new(rate: Rate, blocks: usize, lost: Arc<Lost>) -> (Tap, Drain) {
        let (queue, drained) = std::sync::mpsc::sync_channel(blocks);
        let (give_back, used) = std::sync::mpsc::sync_channel(SPARE);
        let last = Arc::new(OnceLock::new());
        let full = rate.hz() as usize / 10;
        let tap = Tap {
            block: Block::with_room(full),
            full,
            rate,
            state: State::Recording,
            queue,
            used,
            missed: Missed::default(),
            last: last.clone(),
            lost,
        };
        (tap, Drain { queue: drained, used: give_back, last })
    }

    /// Takes the next sound of both sides, of any length; the shorter side is followed by silence. In a pause, only its time counts.
    pub fn push(&mut self, mut left: &[i16], mut right: &[i16]) {
        if self.state == State::Paused {
            self.missed.paused += left.len().max(right.len()) as u64;
            return self.tell();
        }
        while !left.is_empty() || !right.is_empty() {
            let count = left.len().max(right.len()).min(self.full - self.block.left.len());
            let (one, two) = (left.len().min(count), right.len().min(count));
            let end = self.block.left.len() + count;
            self.block.left.extend_from_slice(&left[..one]);
            self.block.left.resize(end, 0);
            self.block.right.extend_from_slice(&right[..two]);
            self.block.right.resize(end, 0);
            (left, right) = (&left[one..], &right[two..]);
            if end == self.full {
                self.flush();
            }
        }
    }

    /// So many samples of both sides did not come.
    pub fn gap(&mut self, samples: u64) {
        self.flush();
        match self.state {
            State::Recording => self.missed.lost += samples,
            State::Paused => self.missed.paused += samples,
        }
        self.tell();
    }

    /// From here on, no sound is taken.
    pub fn pause(&mut self) {
        self.flush();
        self.state = State::Paused;
    }

    /// Sound is taken again.
    pub fn resume(&mut self) {
        self.state = State::Recording;
    }

    /// Ends the recording, as dropping it does.
    pub fn finish(self) {}

    /// Sends what has been missed for a second, so that a long pause is known while it lasts.
    fn tell(&mut self) {
        let Missed { queue_full, paused, lost } = self.missed;
        if queue_full + paused + lost >= u64::from(self.rate.hz()) {
            self.send();
        }
    }

    fn flush(&mut self) {
        if !self.block.left.is_empty() {
            self.send();
        }
    }

    fn send(&mut self) {
        let mut next = self.used.try_recv().unwrap_or_else(|_| Block::with_room(self.full));
        std::mem::swap(&mut next, &mut self.block);
        next.missed = std::mem::take(&mut self.missed);
        if let Err(TrySendError::Full(mut refused) | TrySendError::Disconnected(mut refused)) =
            self.queue.try_send(next)
        {
            let samples = refused.left.len() as u64;
            refused.missed.queue_full += samples;
            self.missed = refused.missed;
            self.lost.add(samples, self.rate);
            refused.clear();
            self.block = refused;
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.flush();
        let _ = self.last.set(self.missed);
    }
}

impl Block {
    fn with_room(samples: usize) -> Block {
        Block { missed: Missed::default(), left: Vec::with_capacity(samples), right: Vec::with_capacity(samples) }
    }

    /// Without sound, ready to be used again.
    pub fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }
}

/// Used blocks that wait for their tap.
const SPARE: usize = 8;

#[cfg(test)]
mod tests;

//! The thread that makes segments of what taps send.

use crate::parcel::Parcel;
use crate::pile::{Pile, Room};
use crate::tap::{Block, Drain, Missed};
use bytes::Bytes;
use recording::{Rate, Segmenter, Why};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

/// One thread's recordings.
pub struct Recorder {
    pub news: Receiver<Recording>,
    pub pile: Arc<Pile>,
    /// Recordings of all threads.
    pub count: Arc<AtomicUsize>,
    /// Everything is to be ended.
    pub stopping: Arc<AtomicBool>,
}

/// One that goes on.
pub struct Recording {
    pub id: String,
    pub folder: String,
    pub rate: Rate,
    pub segmenter: Segmenter,
    pub drain: Drain,
    pub missed: Missed,
}

enum After {
    GoesOn,
    Over,
}

impl Recorder {
    /// Works until there are neither recordings nor anybody who could begin one, or until it is stopped. It looks at the taps, rather than
    /// being woken by them: a wake would cost the call's thread more than its sound does.
    pub fn run(self) {
        let mut live: Vec<Recording> = Vec::new();
        loop {
            let wait = if live.is_empty() { IDLE } else { LOOK };
            let news = match self.news.recv_timeout(wait) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) if live.is_empty() => return,
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(LOOK);
                    None
                }
            };
            live.extend(news.into_iter().chain(self.news.try_iter()));
            let is_stopping = self.stopping.load(Ordering::Acquire);
            let mut at = 0;
            while let Some(recording) = live.get_mut(at) {
                match self.step(recording) {
                    After::GoesOn if !is_stopping => at += 1,
                    after => self.end(live.swap_remove(at), after),
                }
            }
            if is_stopping {
                return;
            }
        }
    }

    /// Takes what has come. A panic, which would be a codec's, ends this recording alone.
    fn step(&self, recording: &mut Recording) -> After {
        let worked = catch_unwind(AssertUnwindSafe(|| {
            loop {
                match recording.drain.queue.try_recv() {
                    Ok(block) => recording.take(block, &self.pile),
                    Err(TryRecvError::Empty) => return After::GoesOn,
                    Err(TryRecvError::Disconnected) => return After::Over,
                }
            }
        }));
        worked.unwrap_or_else(|_| {
            tracing::error!(recording = recording.id, "a recording is broken off by a panic");
            After::Over
        })
    }

    fn end(&self, recording: Recording, after: After) {
        let id = recording.id.clone();
        if catch_unwind(AssertUnwindSafe(|| recording.end(&self.pile, after))).is_err() {
            tracing::error!(recording = id, "a recording is broken off by a panic");
        }
        self.count.fetch_sub(1, Ordering::Release);
    }
}

impl Recording {
    fn take(&mut self, mut block: Block, pile: &Pile) {
        self.miss(block.missed);
        self.segmenter.push(&block.left, &block.right);
        block.clear();
        // One that its tap has no use for is dropped.
        let _ = self.drain.used.try_send(block);
        self.store(pile);
    }

    fn miss(&mut self, missed: Missed) {
        if missed.queue_full > 0 && self.missed.queue_full == 0 {
            tracing::error!(recording = self.id, "sound is LOST: the recorder does not keep up");
        }
        self.segmenter.gap(missed.queue_full, Why::QueueFull);
        self.segmenter.gap(missed.lost, Why::Lost);
        self.segmenter.gap(missed.paused, Why::Paused);
        self.missed.queue_full += missed.queue_full;
        self.missed.lost += missed.lost;
        self.missed.paused += missed.paused;
    }

    fn store(&mut self, pile: &Pile) {
        while let Some(segment) = self.segmenter.poll_segment() {
            match pile.reserve(segment.bytes.len()) {
                Some(room) => {
                    let kept = self.segmenter.keep(segment);
                    self.add(pile, room, kept.entry, kept.bytes);
                }
                None => pile.lose(self.segmenter.lose(segment), self.rate),
            }
        }
    }

    fn add(&self, pile: &Pile, room: Room, entry: recording::Entry, sound: Vec<u8>) {
        pile.add(room, Parcel { folder: self.folder.clone(), entry, sound: Bytes::from(sound) });
    }

    fn end(mut self, pile: &Pile, after: After) {
        if let (After::Over, Some(last)) = (after, self.drain.last.get()) {
            self.miss(*last);
        }
        self.segmenter.close();
        self.store(pile);
        let Missed { queue_full, paused, lost } = self.missed;
        let seconds = |samples: u64| samples as f64 / f64::from(self.rate.hz());
        let (queue_full, paused, lost) = (seconds(queue_full), seconds(paused), seconds(lost));
        tracing::info!(recording = self.id, folder = self.folder, queue_full, paused, lost, "recording ended");
        let Recording { id, folder, segmenter, .. } = self;
        let Some(room) = pile.reserve(0) else {
            tracing::error!(recording = id, "a recording's end cannot be said in its manifest");
            return;
        };
        pile.add(room, Parcel { folder, entry: segmenter.end(), sound: Bytes::new() });
    }
}

/// Between looks at the taps, which hold blocks of 100 ms.
const LOOK: Duration = Duration::from_millis(50);
/// The same while there are none.
const IDLE: Duration = Duration::from_millis(500);

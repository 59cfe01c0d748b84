//! When the packets of prompts are due: every 20 ms each, spread so that they do not all leave at once.

use std::time::{Duration, Instant};

/// How often a stream has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Every 10 ms: its packets are no multiple of 20 ms.
    Ten,
    /// Every 20 ms.
    Twenty,
}

impl Step {
    /// In milliseconds.
    pub fn milliseconds(self) -> u16 {
        match self {
            Step::Ten => 10,
            Step::Twenty => 20,
        }
    }

    /// For packets of so many milliseconds.
    pub fn of(packet_time: u16) -> Step {
        if packet_time.is_multiple_of(20) { Step::Twenty } else { Step::Ten }
    }
}

/// A wheel of as many spokes as fit into the 20 ms of a packet; no packet has a timer of its own.
#[derive(Debug)]
pub struct Pacer<T> {
    spokes: [Vec<T>; SPOKES],
    /// The spoke that is next, or at work.
    turn: usize,
    /// When the next spoke is due; None while nothing plays.
    due: Option<Instant>,
}

impl<T> Default for Pacer<T> {
    fn default() -> Pacer<T> {
        Pacer { spokes: std::array::from_fn(|_| Vec::new()), turn: 0, due: None }
    }
}

impl<T> Pacer<T> {
    /// The stream's packets are due from now on.
    pub fn add(&mut self, now: Instant, step: Step, stream: T)
    where
        T: Clone,
    {
        self.due.get_or_insert(now);
        let Some(shortest) = (0..SPOKES).min_by_key(|spoke| self.spokes[*spoke].len()) else { return };
        if step == Step::Ten {
            self.spokes[(shortest + SPOKES / 2) % SPOKES].push(stream.clone());
        }
        self.spokes[shortest].push(stream);
    }

    /// When the next packets are due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// The streams whose packets are due at `now`, to be given back by [`Pacer::keep`] without those that ended.
    pub fn due(&mut self, now: Instant) -> Option<Vec<T>> {
        let due = self.due.filter(|&due| due <= now)?;
        // A thread that slept too long has lost that time: a burst to make up for it would only overflow jitter buffers.
        let due = if now - due > LATE { now } else { due };
        self.due = Some(due + PACKET / SPOKES as u32);
        Some(std::mem::take(&mut self.spokes[self.turn]))
    }

    /// Ends the turn of [`Pacer::due`].
    pub fn keep(&mut self, streams: Vec<T>) {
        self.spokes[self.turn] = streams;
        self.turn = (self.turn + 1) % SPOKES;
        if self.spokes.iter().all(Vec::is_empty) {
            self.due = None;
        }
    }
}

const SPOKES: usize = 4;
/// Sound in one packet.
pub const PACKET: Duration = Duration::from_millis(20);
/// How late a turn is made up for.
pub(super) const LATE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_is_due_once_in_20_ms_and_they_are_spread() {
        let start = Instant::now();
        let mut pacer = Pacer::<u64>::default();
        assert_eq!(pacer.poll_timeout(), None);
        for id in 0..8 {
            pacer.add(start, Step::Twenty, id);
        }
        let mut played = [0; 8];
        for _ in 0..50 * SPOKES {
            let now = pacer.poll_timeout().unwrap();
            let streams = pacer.due(now).unwrap();
            assert_eq!(streams.len(), 2);
            streams.iter().for_each(|id| played[*id as usize] += 1);
            pacer.keep(streams);
        }
        assert_eq!(played, [50; 8]);
        assert_eq!(pacer.poll_timeout(), Some(start + 50 * PACKET));
    }

    #[test]
    fn a_wheel_without_streams_stands_still() {
        let now = Instant::now();
        let mut pacer = Pacer::default();
        pacer.add(now, Step::Twenty, 1_u64);
        while let Some(at) = pacer.poll_timeout() {
            assert!(pacer.due(at).is_some());
            pacer.keep(Vec::new());
        }
    }

    #[test]
    fn lost_time_is_not_made_up_for() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.add(start, Step::Twenty, 1_u64);
        let late = start + Duration::from_secs(1);
        let mut turns = 0;
        while let Some(streams) = pacer.due(late) {
            pacer.keep(if streams.is_empty() { vec![1_u64] } else { streams });
            turns += 1;
        }
        assert_eq!(turns, 1);
    }

    #[test]
    fn a_stream_of_10_ms_has_two_turns_in_20() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.add(start, Step::Ten, ());
        let mut turns = Vec::new();
        for _ in 0..2 * SPOKES {
            let now = pacer.poll_timeout().unwrap();
            let streams = pacer.due(now).unwrap();
            turns.push(streams.len());
            pacer.keep(streams);
        }
        assert_eq!(turns, [1, 0, 1, 0, 1, 0, 1, 0]);
    }
}

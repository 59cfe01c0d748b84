//! The timers of RFC 3261 §17 (table 4 in its appendix A) and RFC 6026, and the queue they wait in.

use crate::hop::Transport;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The three values from which every timer follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Estimate of the round trip.
    pub t1: Duration,
    /// Longest pause between two repetitions of a non-INVITE request or an INVITE's response.
    pub t2: Duration,
    /// How long a message stays in the network.
    pub t4: Duration,
}

impl Default for Timers {
    /// 500 ms, 4 s, 5 s (RFC 3261 §17.1.1.1, §17.1.2.2).
    fn default() -> Timers {
        Timers { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timers {
    /// Until a sender gives up, 64·T1: timers B, F, H, L and M, and how long a CANCEL waits for the final response (§9.1).
    pub fn give_up(&self) -> Duration {
        self.t1 * 64
    }

    /// How long copies of an INVITE's failure may come: timer D.
    pub fn failure_copies(&self, transport: Transport) -> Duration {
        if transport.is_reliable() { Duration::ZERO } else { self.give_up() }
    }

    /// How long copies of a non-INVITE request may come: timer J.
    pub fn request_copies(&self, transport: Transport) -> Duration {
        if transport.is_reliable() { Duration::ZERO } else { self.give_up() }
    }

    /// How long copies of an ACK or of a non-INVITE response may come: timers I and K.
    pub fn late_copies(&self, transport: Transport) -> Duration {
        if transport.is_reliable() { Duration::ZERO } else { self.t4 }
    }

    /// How long the user of an INVITE server transaction may stay silent before it says 100 (§17.2.1).
    pub const TRYING: Duration = Duration::from_millis(200);
}

/// Repetition of a message with growing pauses: timers A, E and G, and the 2xx of §13.3.1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// When next.
    pub at: Instant,
    pause: Duration,
}

impl Resend {
    /// First after T1; `None` where the transport itself repeats.
    pub fn over(transport: Transport, now: Instant, timers: &Timers) -> Option<Resend> {
        (!transport.is_reliable()).then(|| Resend::new(now, timers))
    }

    /// First after T1, whatever the transport.
    pub fn new(now: Instant, timers: &Timers) -> Resend {
        Resend { at: now + timers.t1, pause: timers.t1 }
    }

    /// The next one after this pause.
    pub fn every(self, now: Instant, pause: Duration) -> Resend {
        Resend { at: now + pause, pause }
    }

    /// The next one after a pause twice as long, but not longer than `longest`.
    pub fn doubled(self, now: Instant, longest: Duration) -> Resend {
        self.every(now, (self.pause * 2).min(longest))
    }
}

/// What is due when, in an order that depends on nothing else.
#[derive(Debug, Clone)]
pub struct Queue<K> {
    entries: BTreeSet<(Instant, K)>,
}

impl<K: Ord + Copy> Queue<K> {
    /// With nothing in it.
    pub fn new() -> Queue<K> {
        Queue { entries: BTreeSet::new() }
    }

    /// Moves an entry from one time to another; `None` is no entry.
    pub fn change(&mut self, key: K, from: Option<Instant>, to: Option<Instant>) {
        if from == to {
            return;
        }
        if let Some(at) = from {
            self.entries.remove(&(at, key));
        }
        if let Some(at) = to {
            self.entries.insert((at, key));
        }
    }

    /// When the first entry is due.
    pub fn next(&self) -> Option<Instant> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// Takes the first entry if it is due.
    pub fn pop(&mut self, now: Instant) -> Option<K> {
        let (at, _) = self.entries.first()?;
        if *at > now {
            return None;
        }
        self.entries.pop_first().map(|(_, key)| key)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Ord + Copy> Default for Queue<K> {
    fn default() -> Queue<K> {
        Queue::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_when_due_and_in_their_order() {
        let start = Instant::now();
        let at = |millis| Some(start + Duration::from_millis(millis));
        let mut queue = Queue::new();
        for (key, due) in [(3, 20), (1, 20), (2, 10), (4, 5), (5, 30)] {
            queue.change(key, None, at(due));
        }
        queue.change(4, at(5), at(25));
        queue.change(5, at(30), None);
        assert_eq!(queue.next(), at(10));
        assert_eq!(queue.pop(start), None);
        let due: Vec<_> = std::iter::from_fn(|| queue.pop(start + Duration::from_millis(20))).collect();
        assert_eq!(due, [2, 1, 3]);
        assert_eq!(queue.next(), at(25));
        queue.change(4, at(25), None);
        assert!(queue.is_empty());
    }
}

//! One synchronization source, after RFC 3550 A.1, A.3 and A.8.

use std::time::Duration;

use super::Statistics;
use crate::rtcp::ReportBlock;
use crate::{Header, Micros, Ssrc};

/// Sequence numbers are extended by their wraps and start one wrap up, so that the first packet may have come too
/// early.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub ssrc: Ssrc,
    first: u64,
    highest: u64,
    /// Bit n: the packet n before the highest was seen.
    seen: u128,
    /// Different packets from `first` to `highest`.
    arrived: u64,
    duplicates: u64,
    reordered: u64,
    strays: u64,
    restarts: u64,
    /// Of the time before the last restart.
    past_expected: u64,
    past_arrived: u64,
    /// The number that would prove a jump.
    proof: Option<u16>,
    clock: u32,
    /// Timestamp of the highest packet.
    newest: u32,
    /// Timestamp of the last packet that came.
    timestamp: u32,
    /// Arrival less timestamp, in ticks.
    transit: u32,
    /// In sixteenths of a tick.
    jitter: u32,
    max_jitter: u32,
    /// Of formats with other clocks.
    past_jitter: Duration,
    reported: (u64, u64),
}

impl Source {
    /// A source that has sent nothing before this packet, which is still to be counted.
    pub fn new(now: Micros, header: &Header, clock: u32) -> Source {
        let first = u64::from(header.sequence) + WRAP;
        Source {
            ssrc: header.ssrc,
            first,
            highest: first - 1,
            seen: 0,
            arrived: 0,
            duplicates: 0,
            reordered: 0,
            strays: 0,
            restarts: 0,
            past_expected: 0,
            past_arrived: 0,
            proof: None,
            clock,
            newest: header.timestamp,
            timestamp: header.timestamp.wrapping_sub(1),
            transit: now.ticks(clock).wrapping_sub(header.timestamp),
            jitter: 0,
            max_jitter: 0,
            past_jitter: Duration::ZERO,
            reported: (0, 0),
        }
    }

    /// The sender was silent by intent: this packet follows the last one, and its timestamp accounts for most of the
    /// pause.
    pub fn is_meant(&self, header: &Header, pause: u64, clock: u32) -> bool {
        let ticks = u64::from(header.timestamp.wrapping_sub(self.newest));
        let moved = ticks * 1_000_000 / u64::from(clock.max(1));
        header.sequence == (self.highest as u16).wrapping_add(1) && moved.abs_diff(pause) <= pause / 2
    }

    pub fn on_packet(&mut self, now: Micros, header: &Header, clock: u32) {
        let ahead = header.sequence.wrapping_sub(self.highest as u16);
        let behind = usize::from(ahead.wrapping_neg());
        if (1..MAX_DROPOUT).contains(&ahead) {
            self.highest += u64::from(ahead);
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.newest = header.timestamp;
            self.arrived += 1;
        } else if behind < WINDOW {
            if self.seen & 1 << behind != 0 {
                self.duplicates += 1;
                return;
            }
            self.seen |= 1 << behind;
            self.first = self.first.min(self.highest - behind as u64);
            self.arrived += 1;
            self.reordered += 1;
        } else if self.proof == Some(header.sequence) {
            self.restart(header.sequence, header.timestamp);
        } else {
            // A jump is believed only when a second packet follows it (RFC 3550 A.1).
            self.strays += 1;
            self.proof = Some(header.sequence.wrapping_add(1));
            return;
        }
        self.measure(now, header, clock);
    }

    /// Counts anew from the packet before this one, which was taken for a stray.
    fn restart(&mut self, sequence: u16, timestamp: u32) {
        self.past_expected += self.expected();
        self.past_arrived += self.arrived;
        self.restarts += 1;
        self.strays -= 1;
        self.highest = u64::from(sequence) + WRAP;
        self.first = self.highest - 1;
        self.seen = 0b11;
        self.newest = timestamp;
        self.arrived = 2;
        self.proof = None;
        self.reported = (0, 0);
    }

    fn measure(&mut self, now: Micros, header: &Header, clock: u32) {
        if clock != self.clock {
            self.past_jitter = self.past_jitter.max(self.duration(self.max_jitter));
            (self.jitter, self.max_jitter, self.clock) = (0, 0, clock);
            self.transit = now.ticks(clock).wrapping_sub(header.timestamp);
        }
        // Packets of one picture, or of one event (RFC 4733), share a timestamp and say nothing about jitter.
        if header.timestamp == self.timestamp {
            return;
        }
        self.timestamp = header.timestamp;
        let transit = now.ticks(clock).wrapping_sub(header.timestamp);
        let difference = (transit.wrapping_sub(self.transit) as i32).unsigned_abs();
        self.transit = transit;
        // More than a second is a sender that set its timestamps anew.
        if difference <= clock {
            self.jitter = self.jitter + difference - ((self.jitter + 8) >> 4);
            self.max_jitter = self.max_jitter.max(self.jitter);
        }
    }

    fn expected(&self) -> u64 {
        self.highest + 1 - self.first
    }

    pub fn jitter(&self) -> Duration {
        self.duration(self.jitter)
    }

    fn duration(&self, sixteenths: u32) -> Duration {
        Duration::from_micros(u64::from(sixteenths) * 1_000_000 / 16 / u64::from(self.clock.max(1)))
    }

    pub fn add_to(&self, sum: &mut Statistics) {
        let (expected, arrived) = (self.past_expected + self.expected(), self.past_arrived + self.arrived);
        sum.expected += expected;
        sum.lost += expected - arrived;
        sum.duplicates += self.duplicates;
        sum.reordered += self.reordered;
        sum.strays += self.strays;
        sum.sources += 1 + self.restarts;
        sum.max_jitter = sum.max_jitter.max(self.past_jitter).max(self.duration(self.max_jitter));
    }

    pub fn report(&mut self) -> ReportBlock {
        let (expected, arrived) = (self.expected(), self.arrived);
        let (expected_before, arrived_before) = std::mem::replace(&mut self.reported, (expected, arrived));
        let interval = expected.saturating_sub(expected_before);
        let lost = interval.saturating_sub(arrived.saturating_sub(arrived_before));
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: (lost * 256).checked_div(interval).map_or(0, |fraction| fraction.min(255) as u8),
            lost: i32::try_from(expected - arrived).unwrap_or(i32::MAX).min(0x7f_ffff),
            highest_sequence: (self.highest - WRAP) as u32,
            jitter: self.jitter >> 4,
            last_sender_report: 0,
            delay: 0,
        }
    }
}

const WRAP: u64 = 1 << 16;
/// Packets before the highest that are told apart.
const WINDOW: usize = 128;
/// Packets that may be missing in a row before a jump is taken for a new start.
const MAX_DROPOUT: u16 = 3000;

//! What arrived of a stream: counts, loss, order, gaps and jitter.

use std::time::Duration;

use crate::rtcp::ReportBlock;
use crate::{Header, Micros, Ssrc};

mod source;

use source::Source;

/// Counts one direction of one port. It follows two sources at a time, so that a stream and its retransmissions (RFC
/// 4588), or the old and the new sender around a change, do not disturb each other; a third takes the place of the one
/// heard least recently, whose counts are kept.
#[derive(Debug, Clone, Default)]
pub struct Reception {
    current: Option<Source>,
    other: Option<Source>,
    /// Of the sources given up.
    past: Statistics,
    packets: u64,
    bytes: u64,
    gaps: u64,
    longest_gap: u64,
    heard: Option<Micros>,
}

impl Reception {
    /// A pause from here on is a gap: five packets of 20 ms.
    pub const GAP: Duration = Duration::from_millis(100);

    /// Counts a packet of `bytes` (as arrived, header included) whose format has this clock, in ticks a second.
    pub fn on_packet(&mut self, now: Micros, header: &Header, bytes: usize, clock: u32) {
        self.packets += 1;
        self.bytes += bytes as u64;
        if self.current.as_ref().is_none_or(|current| current.ssrc != header.ssrc) {
            self.turn_to(header.ssrc);
        }
        let source = self.current.get_or_insert_with(|| Source::new(now, header, clock));
        if let Some(heard) = self.heard.replace(now) {
            let pause = now.since(heard);
            if pause >= GAP_MICROS && !source.is_meant(header, pause, clock) {
                self.gaps += 1;
                self.longest_gap = self.longest_gap.max(pause);
            }
        }
        source.on_packet(now, header, clock);
    }

    fn turn_to(&mut self, ssrc: Ssrc) {
        if self.other.as_ref().is_some_and(|other| other.ssrc == ssrc) {
            std::mem::swap(&mut self.current, &mut self.other);
            return;
        }
        let Some(current) = self.current.take() else { return };
        if let Some(oldest) = self.other.replace(current) {
            oldest.add_to(&mut self.past);
        }
    }

    /// The pause from here to the next packet is meant: the stream is held, or was negotiated anew.
    pub fn pause(&mut self) {
        self.heard = None;
    }

    /// When the last packet came, unless [`pause`](Self::pause) was called since.
    pub fn heard(&self) -> Option<Micros> {
        self.heard
    }

    /// Everything up to now.
    pub fn statistics(&self) -> Statistics {
        let mut sum = self.past;
        for source in [&self.other, &self.current].into_iter().flatten() {
            source.add_to(&mut sum);
        }
        sum.packets = self.packets;
        sum.bytes = self.bytes;
        sum.gaps = self.gaps;
        sum.longest_gap = Duration::from_micros(self.longest_gap);
        sum.jitter = self.current.as_ref().map_or(Duration::ZERO, Source::jitter);
        sum
    }

    /// The report on the current source for RTCP; the fraction lost is that since the last call (RFC 3550 A.3). The
    /// times of the last sender report are the caller's to fill in.
    pub fn report(&mut self) -> Option<ReportBlock> {
        self.current.as_mut().map(Source::report)
    }
}

/// What one direction of a call saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Packets that arrived, duplicates and strays included.
    pub packets: u64,
    /// Their bytes, RTP headers included.
    pub bytes: u64,
    /// Packets that the sequence numbers tell of.
    pub expected: u64,
    /// Expected and never seen.
    pub lost: u64,
    /// Seen more than once.
    pub duplicates: u64,
    /// Seen later than one sent after them.
    pub reordered: u64,
    /// Far from every sequence known, and with no successor: counted in `packets` alone.
    pub strays: u64,
    /// Pauses of at least [`Reception::GAP`] that the sender did not mean.
    pub gaps: u64,
    /// The longest of them.
    pub longest_gap: Duration,
    /// Interarrival jitter (RFC 3550 A.8) of the current source, now.
    pub jitter: Duration,
    /// Highest jitter that any source had.
    pub max_jitter: Duration,
    /// Different senders, or restarts of one, one after the other; 1 for a call without such.
    pub sources: u64,
}

const GAP_MICROS: u64 = Reception::GAP.as_micros() as u64;

#[cfg(test)]
mod tests;

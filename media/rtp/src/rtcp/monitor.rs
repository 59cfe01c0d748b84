//! What is learnt from RTCP that passes: how far away a phone is, and what it says of what it hears.

use std::time::Duration;

use super::{Compound, ReportBlock, Rtcp, VoipMetrics, ntp_middle};
use crate::{Micros, Ssrc};

/// Watches the RTCP of one phone and toward it, without taking part: it needs sender reports of the other side that pass
/// to the phone, and the phone's reports that name them.
#[derive(Debug, Clone, Default)]
pub struct Monitor {
    /// Sender reports that were passed on to the phone, the newest in the place before `next`.
    forwarded: [Option<Forwarded>; FORWARDED],
    next: usize,
    /// Smoothed like that of RFC 6298 §2, in microseconds.
    round_trip: Option<u64>,
    told: Option<Told>,
    metrics: Option<VoipMetrics>,
}

#[derive(Debug, Clone, Copy)]
struct Forwarded {
    ssrc: Ssrc,
    ntp_middle: u32,
    at: Micros,
}

/// What a phone last said of the stream that it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Packets lost since the start; negative where duplicates outnumber losses.
    pub lost: i32,
    /// 256ths of the packets lost between its last two reports.
    pub fraction_lost: u8,
}

impl Monitor {
    /// A round trip above this is none: the phone counts otherwise than RFC 3550 says.
    pub const LONGEST: Duration = Duration::from_secs(10);

    /// A datagram is passed on to the phone.
    pub fn on_forwarded(&mut self, now: Micros, datagram: &[u8]) {
        let Ok(compound) = Compound::parse(datagram) else { return };
        for packet in compound.packets() {
            if let Rtcp::SenderReport { ssrc, sender, .. } = packet {
                self.forwarded[self.next] = Some(Forwarded { ssrc, ntp_middle: ntp_middle(sender.ntp), at: now });
                self.next = (self.next + 1) % FORWARDED;
            }
        }
    }

    /// A datagram came from the phone.
    pub fn on_heard(&mut self, now: Micros, datagram: &[u8]) {
        let Ok(compound) = Compound::parse(datagram) else { return };
        for packet in compound.packets() {
            match packet {
                Rtcp::SenderReport { reports, .. } | Rtcp::ReceiverReport { reports, .. } => {
                    for block in reports {
                        self.take(now, &block);
                    }
                }
                Rtcp::Extended { blocks, .. } => {
                    let mut blocks = blocks.filter(|(kind, _, _)| *kind == VoipMetrics::BLOCK);
                    if let Some(metrics) = blocks.find_map(|(_, _, body)| VoipMetrics::read(body)) {
                        self.metrics = Some(metrics);
                    }
                }
                Rtcp::Description(_)
                | Rtcp::Bye { .. }
                | Rtcp::TransportFeedback(_)
                | Rtcp::PayloadFeedback(_)
                | Rtcp::Other { .. } => {}
            }
        }
    }

    fn take(&mut self, now: Micros, block: &ReportBlock) {
        self.told = Some(Told { lost: block.lost, fraction_lost: block.fraction_lost });
        let named = |sent: &&Forwarded| (sent.ssrc, sent.ntp_middle) == (block.ssrc, block.last_sender_report);
        let Some(sent) = self.forwarded.iter().flatten().find(named) else { return };
        let held = (u64::from(block.delay) * 1_000_000) >> 16;
        let Some(took) = now.since(sent.at).checked_sub(held) else { return };
        if took <= Monitor::LONGEST.as_micros() as u64 {
            self.round_trip = Some(self.round_trip.map_or(took, |smoothed| (7 * smoothed + took) / 8));
        }
    }

    /// From here to the phone and back, smoothed over its reports; to a microsecond as computed, to 15 µs as phones tell.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.map(Duration::from_micros)
    }

    /// What the phone last said of what it hears.
    pub fn told(&self) -> Option<Told> {
        self.told
    }

    /// The last VoIP metrics (RFC 3611 §4.7) that it sent.
    pub fn metrics(&self) -> Option<VoipMetrics> {
        self.metrics
    }
}

/// Sender reports remembered; a phone names the last that it had, which a lost or slow report makes an older one.
const FORWARDED: usize = 4;

#[cfg(test)]
mod tests;

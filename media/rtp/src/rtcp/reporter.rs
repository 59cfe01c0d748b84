//! The reports of one who takes part in a stream itself (RFC 3550 §6): a relay only passes those of the phones.

use super::{Builder, Compound, Rtcp, SenderInfo, VoipMetrics, ntp_middle};
use crate::{Micros, Reception, Ssrc};

/// What one end has to tell the other, and when.
#[derive(Debug, Clone)]
pub struct Reporter {
    ssrc: Ssrc,
    due: Micros,
    /// Packets and bytes of payload said so far, and at the last report.
    packets: u32,
    octets: u32,
    told: u32,
    /// The phone's last sender report: its source, the middle of its time, and when it came.
    heard: Option<(Ssrc, u32, Micros)>,
}

/// What is needed of the end at the moment of a report.
#[derive(Debug)]
pub struct Moment<'m> {
    /// On the clock that drives everything.
    pub now: Micros,
    /// The same moment as the time of day, seconds since 1900 in 32.32 bits.
    pub ntp: u64,
    /// The same moment on the stream's own clock.
    pub timestamp: u32,
    /// What was heard of the phone.
    pub reception: &'m mut Reception,
    /// How that sounds; the source is filled in.
    pub metrics: Option<VoipMetrics>,
    /// 32 random bits.
    pub random: u32,
}

impl Reporter {
    /// For a stream of ours; the first report is due half an interval from here.
    pub fn new(now: Micros, ssrc: Ssrc) -> Reporter {
        Reporter { ssrc, due: Micros(now.0 + INTERVAL / 2), packets: 0, octets: 0, told: 0, heard: None }
    }

    /// Counts a packet that was sent.
    pub fn on_sent(&mut self, payload: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
    }

    /// A datagram of RTCP came from the phone.
    pub fn on_heard(&mut self, now: Micros, datagram: &[u8]) {
        let Ok(compound) = Compound::parse(datagram) else { return };
        for packet in compound.packets() {
            if let Rtcp::SenderReport { ssrc, sender, .. } = packet {
                self.heard = Some((ssrc, ntp_middle(sender.ntp), now));
            }
        }
    }

    /// Whether a report is due.
    pub fn is_due(&self, now: Micros) -> bool {
        now >= self.due
    }

    /// Appends the report that is due: SR or RR, CNAME, and VoIP metrics where there are any. The next one is due in 2.5 to 7.5 s
    /// (RFC 3550 §6.3.1).
    pub fn report(&mut self, moment: Moment<'_>, cname: &str, out: &mut Vec<u8>) {
        let Moment { now, ntp, timestamp, reception, metrics, random } = moment;
        self.due = Micros(now.0 + INTERVAL / 2 + u64::from(random) * INTERVAL / (1 << 32));
        let mut block = reception.report();
        if let (Some(block), Some((ssrc, middle, at))) = (&mut block, self.heard)
            && block.ssrc == ssrc
        {
            block.last_sender_report = middle;
            block.delay = u32::try_from((now.since(at) << 16) / 1_000_000).unwrap_or(u32::MAX);
        }
        let mut builder = Builder::new(out);
        if self.packets == self.told {
            builder.receiver_report(self.ssrc, block.as_slice());
        } else {
            let sender = SenderInfo { ntp, timestamp, packets: self.packets, octets: self.octets };
            builder.sender_report(self.ssrc, sender, block.as_slice());
        }
        self.told = self.packets;
        builder.description(self.ssrc, cname);
        if let (Some(block), Some(metrics)) = (block, metrics) {
            builder.voip_metrics(self.ssrc, &VoipMetrics { ssrc: block.ssrc, ..metrics });
        }
    }
}

/// Microseconds from one report to the next, on average.
const INTERVAL: u64 = 5_000_000;

#[cfg(test)]
mod tests;

//! Compound packets of our own.

use std::time::Duration;

use super::{ReportBlock, SenderInfo, VoipMetrics};
use crate::Ssrc;

/// Writes a compound packet into a buffer. RFC 3550 §6.1: a report first, then a description with the CNAME, then the
/// rest.
#[derive(Debug)]
pub struct Builder<'b> {
    out: &'b mut Vec<u8>,
}

impl<'b> Builder<'b> {
    /// Appends to `out`.
    pub fn new(out: &'b mut Vec<u8>) -> Builder<'b> {
        Builder { out }
    }

    /// An SR; reports past the 31st are left out.
    pub fn sender_report(&mut self, ssrc: Ssrc, sender: SenderInfo, reports: &[ReportBlock]) -> &mut Self {
        let SenderInfo { ntp, timestamp, packets, octets } = sender;
        self.part(200, reports.len().min(MAX_COUNT), |out| {
            put(out, [ssrc.0, (ntp >> 32) as u32, ntp as u32, timestamp, packets, octets]);
            put_reports(out, reports);
        })
    }

    /// An RR; reports past the 31st are left out.
    pub fn receiver_report(&mut self, ssrc: Ssrc, reports: &[ReportBlock]) -> &mut Self {
        self.part(201, reports.len().min(MAX_COUNT), |out| {
            put(out, [ssrc.0]);
            put_reports(out, reports);
        })
    }

    /// An SDES with one chunk and its CNAME, of which at most 255 bytes are written.
    pub fn description(&mut self, ssrc: Ssrc, cname: &str) -> &mut Self {
        let text = &cname.as_bytes()[..cname.len().min(255)];
        self.part(202, 1, |out| {
            put(out, [ssrc.0]);
            out.extend_from_slice(&[1, text.len() as u8]);
            out.extend_from_slice(text);
            out.push(0);
        })
    }

    /// An XR with VoIP metrics (RFC 3611 §4.7).
    pub fn voip_metrics(&mut self, ssrc: Ssrc, metrics: &VoipMetrics) -> &mut Self {
        self.part(207, 0, |out| {
            put(out, [ssrc.0, u32::from(VoipMetrics::BLOCK) << 24 | 8]);
            out.extend_from_slice(&metrics.to_bytes());
        })
    }

    /// A BYE of one source.
    pub fn bye(&mut self, ssrc: Ssrc) -> &mut Self {
        self.part(203, 1, |out| put(out, [ssrc.0]))
    }

    /// One part: its head, its content, zeros to a whole word.
    fn part(&mut self, packet_type: u8, count: usize, content: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let start = self.out.len();
        self.out.extend_from_slice(&[2 << 6 | count as u8, packet_type, 0, 0]);
        content(self.out);
        let length = (self.out.len() - start).next_multiple_of(4);
        self.out.resize(start + length, 0);
        let words = u16::try_from(length / 4 - 1).expect("31 reports are 190 words");
        self.out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
        self
    }
}

fn put<const N: usize>(out: &mut Vec<u8>, words: [u32; N]) {
    out.extend_from_slice(words.map(u32::to_be_bytes).as_flattened());
}

fn put_reports(out: &mut Vec<u8>, reports: &[ReportBlock]) {
    for block in reports.iter().take(MAX_COUNT) {
        let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let loss = u32::from(block.fraction_lost) << 24 | lost;
        put(out, [block.ssrc.0, loss, block.highest_sequence, block.jitter, block.last_sender_report, block.delay]);
    }
}

/// The middle 32 bits of an NTP time, in which reports name one another.
pub fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// How long a packet takes to the receiver and back, from its report on us (RFC 3550 §6.4.1). None if it has had no
/// report of ours, or if its times cannot be.
pub fn round_trip(now_ntp: u64, report: &ReportBlock) -> Option<Duration> {
    if report.last_sender_report == 0 {
        return None;
    }
    let ticks = ntp_middle(now_ntp).wrapping_sub(report.last_sender_report).wrapping_sub(report.delay);
    (ticks < 1 << 31).then(|| Duration::from_nanos((u64::from(ticks) * 1_000_000_000) >> 16))
}

const MAX_COUNT: usize = 31;

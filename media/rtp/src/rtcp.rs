//! RTCP (RFC 3550 §6): compound packets read in place, and the reports that we send.

mod build;
mod monitor;
mod reporter;
mod view;
mod voip;

pub use build::{Builder, ntp_middle, round_trip};
pub use monitor::{Monitor, Told};
pub use reporter::{Moment, Reporter};
pub use view::{Compound, Extended, Feedback, Packets, ReportBlocks, Rtcp, RtcpError, SdesItem, SdesItems};
pub use voip::VoipMetrics;

use crate::Ssrc;

/// What a sender tells about itself (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderInfo {
    /// Time of the report, seconds since 1900 in 32.32 bits.
    pub ntp: u64,
    /// The same moment on the stream's own clock.
    pub timestamp: u32,
    /// Packets sent since the start.
    pub packets: u32,
    /// Bytes of payload sent since the start.
    pub octets: u32,
}

/// What a receiver tells about one source (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: Ssrc,
    /// 256ths of the packets expected since the last report.
    pub fraction_lost: u8,
    /// Packets lost since the start, 24 bits; negative where duplicates outnumber losses.
    pub lost: i32,
    /// Highest sequence number with its wraps above.
    pub highest_sequence: u32,
    /// Interarrival jitter in ticks.
    pub jitter: u32,
    /// Middle 32 bits of the time in the source's last report; 0 if there was none.
    pub last_sender_report: u32,
    /// Time since that report came, in 65536ths of a second.
    pub delay: u32,
}

#[cfg(test)]
mod tests;

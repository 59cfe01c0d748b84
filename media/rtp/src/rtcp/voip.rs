//! The VoIP metrics block of extended reports (RFC 3611 §4.7): what a phone says of the sound that it hears.

use std::time::Duration;

use crate::Ssrc;

/// What is read of the block. `None` where the phone does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The source that it is about.
    pub ssrc: Ssrc,
    /// 256ths of the packets lost on their way.
    pub loss_rate: u8,
    /// 256ths of the packets that came too late to be heard.
    pub discard_rate: u8,
    /// Between the phones' RTP, as the phone last measured it.
    pub round_trip: Option<Duration>,
    /// R factor, 0 to 100.
    pub r: Option<u8>,
    /// MOS for listening, in tenths, 10 to 50.
    pub mos_listening: Option<u8>,
    /// MOS for conversation, in tenths, 10 to 50.
    pub mos_conversation: Option<u8>,
}

impl VoipMetrics {
    /// The block's type.
    pub const BLOCK: u8 = 7;

    /// Reads the block's content; `None` if it is not eight words long.
    pub fn read(body: &[u8]) -> Option<VoipMetrics> {
        let body: &[u8; 32] = body.try_into().ok()?;
        let milliseconds = u16::from_be_bytes([body[12], body[13]]);
        let mos = |tenths: u8| (10..=50).contains(&tenths).then_some(tenths);
        Some(VoipMetrics {
            ssrc: Ssrc(u32::from_be_bytes([body[0], body[1], body[2], body[3]])),
            loss_rate: body[4],
            discard_rate: body[5],
            round_trip: (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into())),
            r: (body[20] <= 100).then_some(body[20]),
            mos_listening: mos(body[22]),
            mos_conversation: mos(body[23]),
        })
    }

    /// The block's content. What is not in here is said not to be known; there are no bursts, only one gap.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut body = [0; 32];
        body[..4].copy_from_slice(&self.ssrc.0.to_be_bytes());
        // Loss between bursts is all the loss that there is.
        (body[4], body[5], body[7]) = (self.loss_rate, self.discard_rate, self.loss_rate);
        let trip = self.round_trip.map_or(0, |trip| u16::try_from(trip.as_millis()).unwrap_or(u16::MAX));
        body[12..14].copy_from_slice(&trip.to_be_bytes());
        // Levels of signal, noise and echo, and the outside's R factor.
        (body[16], body[17], body[18], body[21]) = (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
        body[19] = GAP_MIN;
        body[20] = self.r.unwrap_or(UNKNOWN);
        (body[22], body[23]) = (self.mos_listening.unwrap_or(UNKNOWN), self.mos_conversation.unwrap_or(UNKNOWN));
        body
    }
}

const UNKNOWN: u8 = 127;
/// Packets received in a row that end a burst, as RFC 3611 §4.7.2 recommends.
const GAP_MIN: u8 = 16;

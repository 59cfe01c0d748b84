//! What one side sends.

use std::fmt;

use crate::MasterKey;
use crate::head::{RtpHead, rtcp_sender};
use crate::sources::{NoPlace, Sources};
use crate::transform::{Transform, transform};

/// Protects what one side sends.
pub struct Outbound {
    transform: Box<dyn Transform>,
    rtp: Sources,
    /// Of the next RTCP packet. All sources share it, so that each of them has another index every time.
    rtcp_index: u32,
}

impl Outbound {
    /// Derives the session keys; rollover counters begin at 0.
    pub fn new(key: &MasterKey) -> Outbound {
        Outbound { transform: transform(key), rtp: Sources::default(), rtcp_index: 0 }
    }

    /// `packet[..length]` is an RTP packet; protected in place; returns the new length. Needs [`OVERHEAD`] bytes of
    /// room behind it.
    ///
    /// Packets may come in another order than that of their numbers, up to 128 late.
    ///
    /// # Errors
    /// The packet must not be sent; it is as it was.
    ///
    /// [`OVERHEAD`]: crate::OVERHEAD
    pub fn protect_rtp(&mut self, packet: &mut [u8], length: usize) -> Result<usize, Unprotectable> {
        let head = packet.get(..length).and_then(RtpHead::parse).ok_or(Unprotectable::Malformed)?;
        let end = length + self.transform.rtp_overhead();
        let packet = packet.get_mut(..end).ok_or(Unprotectable::NoRoom)?;
        let place = self.rtp.place_rtp(head.ssrc, head.sequence)?;
        self.transform.protect_rtp(packet, head, place.index);
        self.rtp.take(place);
        Ok(end)
    }

    /// The same for a compound RTCP packet.
    ///
    /// # Errors
    /// The packet must not be sent; it is as it was.
    pub fn protect_rtcp(&mut self, packet: &mut [u8], length: usize) -> Result<usize, Unprotectable> {
        let ssrc = packet.get(..length).and_then(rtcp_sender).ok_or(Unprotectable::Malformed)?;
        let end = length + self.transform.rtcp_overhead();
        let packet = packet.get_mut(..end).ok_or(Unprotectable::NoRoom)?;
        if self.rtcp_index >= RTCP_INDICES {
            return Err(Unprotectable::KeyUsedUp);
        }
        self.transform.protect_rtcp(packet, ssrc, self.rtcp_index);
        self.rtcp_index += 1;
        Ok(end)
    }
}

impl fmt::Debug for Outbound {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("rtp", &self.rtp).field("rtcp_index", &self.rtcp_index).finish()
    }
}

/// Why a packet cannot be protected; it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unprotectable {
    /// Neither RTP nor RTCP of version 2, or shorter than its header.
    #[error("not a packet")]
    Malformed,
    /// The buffer has no room for the tag.
    #[error("no room for the tag")]
    NoRoom,
    /// The source has sent a packet of this number, or one more than 128 later: both would be encrypted alike.
    #[error("sequence number used twice")]
    Repeated,
    /// More than 1024 sources have sent with this key.
    #[error("too many sources for one key")]
    TooManySources,
    /// 2^48 packets of RTP or 2^31 of RTCP were sent: it is time for a new key.
    #[error("key used up")]
    KeyUsedUp,
}

impl From<NoPlace> for Unprotectable {
    fn from(reason: NoPlace) -> Unprotectable {
        match reason {
            NoPlace::Used => Unprotectable::Repeated,
            NoPlace::TooManySources => Unprotectable::TooManySources,
            NoPlace::KeyUsedUp => Unprotectable::KeyUsedUp,
        }
    }
}

/// RFC 3711 §9.2.
const RTCP_INDICES: u32 = 1 << 31;

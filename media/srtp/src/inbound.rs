//! What one side receives.

use std::fmt;

use crate::MasterKey;
use crate::head::{RTCP_HEAD, RtpHead, rtcp_sender};
use crate::sources::{NoPlace, Sources};
use crate::transform::{E_BIT, Forged, Transform, transform};

/// Opens what one side receives. A packet that is refused changes nothing, so that a stranger's packets do no harm.
pub struct Inbound {
    transform: Box<dyn Transform>,
    rtp: Sources,
    rtcp: Sources,
}

impl Inbound {
    /// Derives the session keys; rollover counters begin at 0.
    pub fn new(key: &MasterKey) -> Inbound {
        Inbound { transform: transform(key), rtp: Sources::default(), rtcp: Sources::default() }
    }

    /// Returns the length of the plain packet, in place at the front of `packet`.
    ///
    /// # Errors
    /// The packet is to be dropped; it is as it was.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let head = RtpHead::parse(packet).ok_or(Refused::Short)?;
        let length = packet.len().checked_sub(self.transform.rtp_overhead()).ok_or(Refused::Short)?;
        if head.length > length {
            return Err(Refused::Short);
        }
        let place = self.rtp.place_rtp(head.ssrc, head.sequence)?;
        self.transform.open_rtp(packet, head, place.index)?;
        self.rtp.take(place);
        Ok(length)
    }

    /// The same for SRTCP.
    ///
    /// # Errors
    /// The packet is to be dropped; it is as it was.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let ssrc = rtcp_sender(packet).ok_or(Refused::Short)?;
        let length = packet.len().checked_sub(self.transform.rtcp_overhead()).ok_or(Refused::Short)?;
        if length < RTCP_HEAD {
            return Err(Refused::Short);
        }
        let word = &packet[packet.len() - self.transform.rtcp_index_from_end()..];
        let word = u32::from_be_bytes(*word.first_chunk().ok_or(Refused::Short)?);
        if word & E_BIT == 0 {
            return Err(Refused::Unencrypted);
        }
        let index = word & !E_BIT;
        let place = self.rtcp.place_rtcp(ssrc, index)?;
        self.transform.open_rtcp(packet, ssrc, index)?;
        self.rtcp.take(place);
        Ok(length)
    }
}

impl fmt::Debug for Inbound {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("rtp", &self.rtp).field("rtcp", &self.rtcp).finish()
    }
}

/// Why a packet is not opened; it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Shorter than header and tag, or not version 2.
    #[error("too short for a protected packet")]
    Short,
    /// The tag is not that of the packet: changed on its way, or protected with another key or rollover counter.
    #[error("tag does not match")]
    Forged,
    /// A packet of this number was opened before, or one more than 128 later.
    #[error("replayed, or too old to tell")]
    Replayed,
    /// SRTCP with the E bit clear.
    #[error("not encrypted")]
    Unencrypted,
    /// More than 1024 sources have sent with this key.
    #[error("too many sources for one key")]
    TooManySources,
    /// The sender has used all 2^48 indices of RTP or 2^31 of RTCP.
    #[error("key used up")]
    KeyUsedUp,
}

impl From<NoPlace> for Refused {
    fn from(reason: NoPlace) -> Refused {
        match reason {
            NoPlace::Used => Refused::Replayed,
            NoPlace::TooManySources => Refused::TooManySources,
            NoPlace::KeyUsedUp => Refused::KeyUsedUp,
        }
    }
}

impl From<Forged> for Refused {
    fn from(_: Forged) -> Refused {
        Refused::Forged
    }
}

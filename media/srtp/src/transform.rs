//! Encryption and authentication of single packets, whose indices are known.

use aes::{Aes128Enc, Aes256Enc};

use crate::cm::Cm;
use crate::derive::{SessionKeys, Use};
use crate::gcm::Gcm;
use crate::head::RtpHead;
use crate::{MasterKey, Suite};

/// The keys of one direction and what they do to a packet. Nothing of it changes with packets.
///
/// Indices of RTP have 48 bits: rollover counter and sequence number. Those of RTCP have 31.
pub(crate) trait Transform: Send + Sync {
    /// Bytes added to an RTP packet.
    fn rtp_overhead(&self) -> usize;
    /// Bytes added to an RTCP packet.
    fn rtcp_overhead(&self) -> usize;
    /// Where in a protected RTCP packet its E bit and index stand, in bytes from the end.
    fn rtcp_index_from_end(&self) -> usize;

    /// Protects a packet with room for [`Transform::rtp_overhead`] at its end.
    fn protect_rtp(&self, packet: &mut [u8], head: RtpHead, index: u64);
    /// Protects a packet with room for [`Transform::rtcp_overhead`] at its end.
    fn protect_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32);
    /// Opens a packet of at least `head.length` + [`Transform::rtp_overhead`] bytes; leaves a forged one as it is.
    fn open_rtp(&self, packet: &mut [u8], head: RtpHead, index: u64) -> Result<(), Forged>;
    /// Opens a packet of at least 8 + [`Transform::rtcp_overhead`] bytes; leaves a forged one as it is.
    fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32) -> Result<(), Forged>;
}

/// The tag is not that of the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forged;

/// The bit that says that an RTCP packet is encrypted, beside its index.
pub(crate) const E_BIT: u32 = 1 << 31;

/// Derives the session keys.
pub(crate) fn transform(key: &MasterKey) -> Box<dyn Transform> {
    let (rtp, rtcp) = (&SessionKeys::derive(key, Use::Rtp), &SessionKeys::derive(key, Use::Rtcp));
    match key.suite() {
        Suite::AesCm128HmacSha1_80 => Box::new(Cm::<Aes128Enc, 10>::new(rtp, rtcp)),
        Suite::AesCm128HmacSha1_32 => Box::new(Cm::<Aes128Enc, 4>::new(rtp, rtcp)),
        Suite::AesCm256HmacSha1_80 => Box::new(Cm::<Aes256Enc, 10>::new(rtp, rtcp)),
        Suite::AeadAes128Gcm => Box::new(Gcm::<Aes128Enc>::new(rtp, rtcp)),
        Suite::AeadAes256Gcm => Box::new(Gcm::<Aes256Enc>::new(rtp, rtcp)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Inbound, Outbound};

    #[test]
    fn a_direction_is_less_than_a_kilobyte() {
        for suite in Suite::ALL {
            let keys = size_of_val(&*transform(&MasterKey::from_random(suite, [1; MasterKey::LONGEST])));
            println!("{}: {keys} bytes of keys", suite.name());
            assert!(keys <= 800);
        }
        // Beside them 40 bytes a source.
        assert!(size_of::<Outbound>() <= 80 && size_of::<Inbound>() <= 128);
    }
}

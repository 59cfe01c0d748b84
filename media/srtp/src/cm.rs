//! AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1; RFC 6188).

use aes::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCore, consts::U16};
use ctr::{CtrCore, flavors::Ctr32BE};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::derive::{SessionKeys, schedule};
use crate::head::{RTCP_HEAD, RtpHead};
use crate::transform::{E_BIT, Forged, Transform};

/// `TAG` is the length of RTP's tags in bytes.
pub(crate) struct Cm<A, const TAG: usize> {
    rtp: Keys<A>,
    rtcp: Keys<A>,
}

impl<A: KeyInit, const TAG: usize> Cm<A, TAG> {
    pub fn new(rtp: &SessionKeys, rtcp: &SessionKeys) -> Cm<A, TAG> {
        Cm { rtp: Keys::new(rtp), rtcp: Keys::new(rtcp) }
    }
}

impl<A, const TAG: usize> Transform for Cm<A, TAG>
where
    A: BlockCipherEncrypt<BlockSize = U16> + Send + Sync,
{
    fn rtp_overhead(&self) -> usize {
        TAG
    }

    fn rtcp_overhead(&self) -> usize {
        INDEX + RTCP_TAG
    }

    fn rtcp_index_from_end(&self) -> usize {
        INDEX + RTCP_TAG
    }

    fn protect_rtp(&self, packet: &mut [u8], head: RtpHead, index: u64) {
        let (content, tag) = packet.split_at_mut(packet.len() - TAG);
        self.rtp.apply(&mut content[head.length..], head.ssrc, index);
        let whole = self.rtp.mac(content).chain_update(rollover(index)).finalize().into_bytes();
        tag.copy_from_slice(&whole[..TAG]);
    }

    fn protect_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32) {
        let (content, tag) = packet.split_at_mut(packet.len() - RTCP_TAG);
        let (plain, word) = content.split_at_mut(content.len() - INDEX);
        self.rtcp.apply(&mut plain[RTCP_HEAD..], ssrc, u64::from(index));
        word.copy_from_slice(&(E_BIT | index).to_be_bytes());
        tag.copy_from_slice(&self.rtcp.mac(content).finalize().into_bytes()[..RTCP_TAG]);
    }

    fn open_rtp(&self, packet: &mut [u8], head: RtpHead, index: u64) -> Result<(), Forged> {
        let (content, tag) = packet.split_at_mut(packet.len() - TAG);
        self.rtp.mac(content).chain_update(rollover(index)).verify_truncated_left(tag).map_err(|_| Forged)?;
        self.rtp.apply(&mut content[head.length..], head.ssrc, index);
        Ok(())
    }

    fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32) -> Result<(), Forged> {
        let (content, tag) = packet.split_at_mut(packet.len() - RTCP_TAG);
        self.rtcp.mac(content).verify_truncated_left(tag).map_err(|_| Forged)?;
        let end = content.len() - INDEX;
        self.rtcp.apply(&mut content[RTCP_HEAD..end], ssrc, u64::from(index));
        Ok(())
    }
}

struct Keys<A> {
    aes: A,
    mac: Hmac<Sha1>,
    /// Times 2^16, as the counter begins.
    salt: u128,
}

impl<A: KeyInit> Keys<A> {
    fn new(keys: &SessionKeys) -> Keys<A> {
        let salt = keys.salt.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)) << 16;
        let mac = Hmac::new_from_slice(&keys.authentication).expect("HMAC takes keys of every length");
        Keys { aes: schedule(keys.key()), mac, salt }
    }
}

impl<A: BlockCipherEncrypt<BlockSize = U16>> Keys<A> {
    /// Encrypts or decrypts; the two are one.
    fn apply(&self, part: &mut [u8], ssrc: u32, index: u64) {
        let counter = self.salt ^ u128::from(ssrc) << 64 ^ u128::from(index) << 16;
        // 2^16 blocks of 16 bytes are more than any datagram has, so that 32 bits of the counter never overflow.
        let core = CtrCore::<&A, Ctr32BE>::inner_iv_init(&self.aes, &counter.to_be_bytes().into());
        core.apply_keystream_partial(part.into());
    }
}

impl<A> Keys<A> {
    fn mac(&self, content: &[u8]) -> Hmac<Sha1> {
        self.mac.clone().chain_update(content)
    }
}

/// The rollover counter, which is authenticated and not sent.
fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// Bytes of a tag of RTCP in each of these suites.
const RTCP_TAG: usize = 10;
/// Bytes of E bit and index.
const INDEX: usize = 4;

/// The keystream of the packet 0 of the source 0.
#[cfg(test)]
pub(crate) fn keystream<A: KeyInit + BlockCipherEncrypt<BlockSize = U16>>(
    keys: &SessionKeys,
    length: usize,
) -> Vec<u8> {
    let mut stream = vec![0; length];
    Keys::<A>::new(keys).apply(&mut stream, 0, 0);
    stream
}

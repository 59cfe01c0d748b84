//! AES-GCM (RFC 7714).

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit, consts::U12, consts::U16};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;

use crate::derive::{SessionKeys, schedule};
use crate::head::{RTCP_HEAD, RtpHead};
use crate::transform::{E_BIT, Forged, Transform};

pub(crate) struct Gcm<A> {
    rtp: Keys<A>,
    rtcp: Keys<A>,
}

impl<A: KeyInit + BlockCipherEncrypt<BlockSize = U16>> Gcm<A> {
    pub fn new(rtp: &SessionKeys, rtcp: &SessionKeys) -> Gcm<A> {
        Gcm { rtp: Keys::new(rtp), rtcp: Keys::new(rtcp) }
    }
}

impl<A: BlockCipherEncrypt<BlockSize = U16> + Send + Sync> Transform for Gcm<A> {
    fn rtp_overhead(&self) -> usize {
        TAG
    }

    fn rtcp_overhead(&self) -> usize {
        TAG + INDEX
    }

    fn rtcp_index_from_end(&self) -> usize {
        INDEX
    }

    fn protect_rtp(&self, packet: &mut [u8], head: RtpHead, index: u64) {
        let (content, tag) = packet.split_at_mut(packet.len() - TAG);
        let (clear, secret) = content.split_at_mut(head.length);
        self.rtp.seal(head.ssrc, index, clear, secret, tag);
    }

    fn protect_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32) {
        let (content, trailer) = packet.split_at_mut(packet.len() - TAG - INDEX);
        let (clear, secret) = content.split_at_mut(RTCP_HEAD);
        let (tag, word) = trailer.split_at_mut(TAG);
        word.copy_from_slice(&(E_BIT | index).to_be_bytes());
        self.rtcp.seal(ssrc, u64::from(index), &associated(clear, index), secret, tag);
    }

    fn open_rtp(&self, packet: &mut [u8], head: RtpHead, index: u64) -> Result<(), Forged> {
        let (content, tag) = packet.split_at_mut(packet.len() - TAG);
        let (clear, secret) = content.split_at_mut(head.length);
        self.rtp.open(head.ssrc, index, clear, secret, tag)
    }

    fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32) -> Result<(), Forged> {
        let (content, trailer) = packet.split_at_mut(packet.len() - TAG - INDEX);
        let (clear, secret) = content.split_at_mut(RTCP_HEAD);
        self.rtcp.open(ssrc, u64::from(index), &associated(clear, index), secret, &trailer[..TAG])
    }
}

struct Keys<A> {
    gcm: AesGcm<A, U12>,
    /// Of 96 bits.
    salt: u128,
}

impl<A: KeyInit + BlockCipherEncrypt<BlockSize = U16>> Keys<A> {
    fn new(keys: &SessionKeys) -> Keys<A> {
        let salt = keys.salt[..12].iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
        Keys { gcm: AesGcm::from(schedule::<A>(keys.key())), salt }
    }
}

impl<A: BlockCipherEncrypt<BlockSize = U16>> Keys<A> {
    fn seal(&self, ssrc: u32, index: u64, clear: &[u8], secret: &mut [u8], tag: &mut [u8]) {
        let sealed = self.gcm.encrypt_inout_detached(&self.nonce(ssrc, index), clear, secret.into());
        tag.copy_from_slice(&sealed.expect("a datagram is shorter than GCM's limit"));
    }

    fn open(&self, ssrc: u32, index: u64, clear: &[u8], secret: &mut [u8], tag: &[u8]) -> Result<(), Forged> {
        let tag = tag.try_into().map_err(|_| Forged)?;
        self.gcm.decrypt_inout_detached(&self.nonce(ssrc, index), clear, secret.into(), tag).map_err(|_| Forged)
    }

    /// Two zero bytes, SSRC, index in 48 bits, with the salt over them (RFC 7714 §8.1, §9.1).
    fn nonce(&self, ssrc: u32, index: u64) -> Array<u8, U12> {
        let [_, _, _, _, nonce @ ..] = (self.salt ^ u128::from(ssrc) << 48 ^ u128::from(index)).to_be_bytes();
        Array(nonce)
    }
}

/// What of an RTCP packet is authenticated and not encrypted: the clear header, E bit and index (RFC 7714 §9.2).
fn associated(clear: &[u8], index: u32) -> [u8; RTCP_HEAD + INDEX] {
    let mut bytes = [0; RTCP_HEAD + INDEX];
    bytes[..RTCP_HEAD].copy_from_slice(clear);
    bytes[RTCP_HEAD..].copy_from_slice(&(E_BIT | index).to_be_bytes());
    bytes
}

/// Bytes of a tag.
const TAG: usize = 16;
/// Bytes of E bit and index.
const INDEX: usize = 4;

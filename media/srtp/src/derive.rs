//! Session keys from a master key (RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11), with a key derivation rate of 0.

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit, consts::U16};
use aes::{Aes128Enc, Aes256Enc};

use crate::MasterKey;

/// What a master key's session keys are for; the label of the first of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Rtp = 0,
    Rtcp = 3,
}

/// The keys of one use.
pub(crate) struct SessionKeys {
    /// As long as the master key, zeroes behind it.
    pub encryption: [u8; 32],
    /// Bytes of it.
    pub length: usize,
    /// For HMAC-SHA1.
    pub authentication: [u8; 20],
    /// AES-GCM takes the first 12 bytes.
    pub salt: [u8; 14],
}

impl SessionKeys {
    pub fn derive(master: &MasterKey, purpose: Use) -> SessionKeys {
        // A salt of 12 bytes stands at the front of 14.
        let mut salt = [0; 14];
        salt[..master.salt().len()].copy_from_slice(master.salt());
        match master.key().len() {
            16 => derive(&schedule::<Aes128Enc>(master.key()), salt, purpose, 16),
            _ => derive(&schedule::<Aes256Enc>(master.key()), salt, purpose, 32),
        }
    }

    /// The key for AES.
    pub fn key(&self) -> &[u8] {
        &self.encryption[..self.length]
    }
}

/// The key schedule of AES.
pub(crate) fn schedule<A: KeyInit>(key: &[u8]) -> A {
    A::new_from_slice(key).expect("the suite says how long its key is")
}

fn derive<A: BlockCipherEncrypt<BlockSize = U16>>(aes: &A, salt: [u8; 14], purpose: Use, length: usize) -> SessionKeys {
    let mut keys = SessionKeys { encryption: [0; 32], length, authentication: [0; 20], salt: [0; 14] };
    let label = purpose as u8;
    generate(aes, salt, label, &mut keys.encryption[..length]);
    generate(aes, salt, label + 1, &mut keys.authentication);
    generate(aes, salt, label + 2, &mut keys.salt);
    keys
}

/// AES in counter mode over the label and the master salt (RFC 3711 §4.3.3).
fn generate<A: BlockCipherEncrypt<BlockSize = U16>>(aes: &A, mut salt: [u8; 14], label: u8, output: &mut [u8]) {
    salt[7] ^= label;
    for (part, number) in output.chunks_mut(16).zip(0..) {
        let mut block = Array([0; 16]);
        block[..14].copy_from_slice(&salt);
        block[15] = number;
        aes.encrypt_block(&mut block);
        part.copy_from_slice(&block[..part.len()]);
    }
}

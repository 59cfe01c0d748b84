//! What proves that a message is whole and from one who knows the password.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The MAC of MESSAGE-INTEGRITY over a message up to that attribute (RFC 8489 §14.5), its header telling a length that
/// ends with the attribute.
pub fn message_integrity(pwd: &str, before: &[u8]) -> Hmac<Sha1> {
    const ATTRIBUTE: usize = 24;
    const HEADER: usize = 20;
    let length = (before.len() + ATTRIBUTE - HEADER) as u16;
    let mut mac = Hmac::new_from_slice(pwd.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(&before[..2]);
    mac.update(&length.to_be_bytes());
    mac.update(&before[4..]);
    mac
}

/// The value of FINGERPRINT over a message up to that attribute (RFC 8489 §14.7).
pub fn fingerprint(before: &[u8]) -> [u8; 4] {
    (crc32(before) ^ 0x5354_554e).to_be_bytes()
}

/// CRC-32 of ISO HDLC.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| (crc >> 8) ^ TABLE[usize::from(crc as u8 ^ byte)])
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_value_of_crc_32() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
    }
}

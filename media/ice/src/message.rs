//! STUN messages read in place (RFC 8489 §5).

use std::net::{IpAddr, SocketAddr};

use hmac::Mac;

use crate::integrity::{fingerprint, message_integrity};

/// Bytes of the longest message that is read; checks of browsers have some hundred.
pub const LONGEST: usize = 1500;

pub const HEADER_LEN: usize = 20;
pub const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Types of messages.
pub mod kind {
    pub const BINDING_REQUEST: u16 = 0x0001;
    pub const BINDING_SUCCESS: u16 = 0x0101;
    pub const BINDING_ERROR: u16 = 0x0111;
}

/// Types of attributes.
pub mod attribute {
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const ICE_CONTROLLED: u16 = 0x8029;
}

/// A message that is whole, and whose fingerprint is right where it has one.
#[derive(Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// One of [`kind`], or another.
    pub kind: u16,
    pub username: Option<&'a [u8]>,
    pub use_candidate: bool,
    /// The sender believes to be controlled.
    pub controlled: bool,
    /// Attributes that must be understood and are not.
    pub unknown: Vec<u16>,
    /// Where MESSAGE-INTEGRITY starts, and its value.
    integrity: Option<(usize, &'a [u8])>,
}

impl<'a> Message<'a> {
    /// Nothing, where the bytes are no STUN message of at most [`LONGEST`] bytes or its fingerprint is wrong.
    pub fn parse(bytes: &'a [u8]) -> Option<Message<'a>> {
        let &[k0, k1, l0, l1, c0, c1, c2, c3, ..] = bytes.first_chunk::<HEADER_LEN>()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let is_whole = bytes.len() == HEADER_LEN + length && length.is_multiple_of(4) && bytes.len() <= LONGEST;
        if !is_whole || k0 & 0b1100_0000 != 0 || [c0, c1, c2, c3] != COOKIE {
            return None;
        }
        let mut message = Message {
            bytes,
            kind: u16::from_be_bytes([k0, k1]),
            username: None,
            use_candidate: false,
            controlled: false,
            unknown: Vec::new(),
            integrity: None,
        };
        let mut at = HEADER_LEN;
        while at < bytes.len() {
            let (&[t0, t1, l0, l1], rest) = bytes[at..].split_first_chunk()?;
            let value = rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
            let next = at + 4 + value.len().next_multiple_of(4);
            message.take(u16::from_be_bytes([t0, t1]), value, at, next)?;
            at = next;
        }
        (at == bytes.len()).then_some(message)
    }

    /// Of attributes that stand twice the first counts; behind MESSAGE-INTEGRITY only the fingerprint does, and
    /// nothing may follow that.
    fn take(&mut self, kind: u16, value: &'a [u8], at: usize, next: usize) -> Option<()> {
        match kind {
            attribute::FINGERPRINT => {
                let is_last = next == self.bytes.len();
                (is_last && value == fingerprint(&self.bytes[..at])).then_some(())?;
            }
            _ if self.integrity.is_some() => {}
            attribute::MESSAGE_INTEGRITY => self.integrity = Some((at, value)),
            attribute::USERNAME => self.username = self.username.or(Some(value)),
            attribute::USE_CANDIDATE => self.use_candidate = true,
            attribute::ICE_CONTROLLED => self.controlled = true,
            // Known, and of no use in a request to a lite agent.
            attribute::PRIORITY
            | attribute::XOR_MAPPED_ADDRESS
            | attribute::ERROR_CODE
            | attribute::UNKNOWN_ATTRIBUTES => {}
            0x8000.. => {}
            unknown => self.unknown.push(unknown),
        }
        Some(())
    }

    /// What ties the response to the request.
    pub fn transaction(&self) -> &'a [u8] {
        &self.bytes[8..HEADER_LEN]
    }

    /// It carries MESSAGE-INTEGRITY, right or wrong.
    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Its MESSAGE-INTEGRITY proves that the sender knows the password.
    pub fn is_authentic(&self, pwd: &str) -> bool {
        let (at, value) = match self.integrity {
            Some(integrity) => integrity,
            None => return false,
        };
        message_integrity(pwd, &self.bytes[..at]).verify_slice(value).is_ok()
    }
}

/// The value of XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
pub fn xor_mapped(address: SocketAddr, transaction: &[u8]) -> Vec<u8> {
    let mask = || COOKIE.iter().chain(transaction);
    let xor = |bytes: &[u8]| bytes.iter().zip(mask()).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>();
    let (family, ip) = match address.ip() {
        IpAddr::V4(ip) => (1, xor(&ip.octets())),
        IpAddr::V6(ip) => (2, xor(&ip.octets())),
    };
    [&[0, family], &xor(&address.port().to_be_bytes())[..], &ip].concat()
}

#[cfg(test)]
mod tests;

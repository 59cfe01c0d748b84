//! Responses as they are written.

use hmac::Mac;

use crate::integrity::{fingerprint, message_integrity};
use crate::message::{COOKIE, HEADER_LEN, attribute};

/// A response on its way into a buffer.
pub struct Reply<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> Reply<'a> {
    /// The header. `transaction` is the request's.
    pub fn new(bytes: &'a mut Vec<u8>, kind: u16, transaction: &[u8]) -> Reply<'a> {
        bytes.clear();
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&COOKIE);
        bytes.extend_from_slice(transaction);
        Reply { bytes }
    }

    /// An attribute, filled up with zeros.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        self.bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// MESSAGE-INTEGRITY, where the peer has shown that it knows the password, and FINGERPRINT.
    pub fn finish(mut self, pwd: Option<&str>) {
        if let Some(pwd) = pwd {
            let mac = message_integrity(pwd, self.bytes).finalize().into_bytes();
            self.attribute(attribute::MESSAGE_INTEGRITY, &mac);
        }
        const FINGERPRINT: usize = 8;
        let length = (self.bytes.len() + FINGERPRINT - HEADER_LEN) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let fingerprint = fingerprint(self.bytes);
        self.attribute(attribute::FINGERPRINT, &fingerprint);
    }
}

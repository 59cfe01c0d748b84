//! STUN Binding requests on the SIP port: the keep-alive of phones over UDP (RFC 5626 §4.4.2, RFC 5389 §7).

use std::net::{IpAddr, SocketAddr};

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// Attributes below this one must be understood; USERNAME, MESSAGE-INTEGRITY, REALM and NONCE are, by being ignored:
/// a keep-alive is not authenticated.
const OPTIONAL: u16 = 0x8000;
const IGNORED: [u16; 4] = [0x0006, 0x0008, 0x0014, 0x0015];

/// Whether a datagram on the SIP port is STUN: no SIP message starts with a byte below 4.
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && bytes[0] < 4 && bytes[4..8] == COOKIE
}

/// Appends the answer to a Binding request from `peer`; false when it deserves none.
pub fn answer(bytes: &[u8], peer: SocketAddr, out: &mut Vec<u8>) -> bool {
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    if !is_stun(bytes) || word(0) != BINDING_REQUEST || usize::from(word(2)) != bytes.len() - HEADER {
        return false;
    }
    let transaction = &bytes[4..HEADER];
    let Some(unknown) = unknown_attributes(&bytes[HEADER..]) else { return false };
    let start = out.len();
    let kind = if unknown.is_empty() { BINDING_SUCCESS } else { BINDING_ERROR };
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(transaction);
    if unknown.is_empty() {
        mapped_address(peer, transaction, out);
    } else {
        attribute(ERROR_CODE, &[0, 0, 4, 20], out);
        let list: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
        attribute(UNKNOWN_ATTRIBUTES, &list, out);
    }
    let length = (out.len() - start - HEADER) as u16;
    out[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
    true
}

/// The attributes that should have been understood, four at most; `None` when their lengths make no sense.
fn unknown_attributes(mut rest: &[u8]) -> Option<Vec<u16>> {
    let mut unknown = Vec::new();
    while !rest.is_empty() {
        let kind = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
        let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
        if kind < OPTIONAL && !IGNORED.contains(&kind) && unknown.len() < 4 {
            unknown.push(kind);
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    Some(unknown)
}

fn mapped_address(peer: SocketAddr, transaction: &[u8], out: &mut Vec<u8>) {
    let port = peer.port() ^ 0x2112;
    let mut value = vec![0, if peer.is_ipv4() { 1 } else { 2 }];
    value.extend_from_slice(&port.to_be_bytes());
    match peer.ip() {
        IpAddr::V4(address) => value.extend(address.octets().iter().zip(transaction).map(|(a, b)| a ^ b)),
        IpAddr::V6(address) => value.extend(address.octets().iter().zip(transaction).map(|(a, b)| a ^ b)),
    }
    attribute(XOR_MAPPED_ADDRESS, &value, out);
}

fn attribute(kind: u16, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2 and §2.3: the mapped addresses of its two responses.
    const TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn request(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, attributes.len() as u8, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend_from_slice(&TRANSACTION);
        bytes.extend_from_slice(attributes);
        bytes
    }

    #[test]
    fn the_mapped_address_is_encoded_as_in_rfc5769() {
        let mut out = Vec::new();
        assert!(answer(&request(&[]), "192.0.2.1:32853".parse().unwrap(), &mut out));
        assert_eq!(out[..4], [1, 1, 0, 12]);
        assert_eq!(out[20..], [0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        out.clear();
        let peer = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        assert!(answer(&request(&[]), peer, &mut out));
        let value = [
            0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25,
            0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        assert_eq!(out[20..], value);
    }

    #[test]
    fn an_attribute_that_must_be_understood_and_is_not_is_named() {
        let mut out = Vec::new();
        assert!(answer(&request(&[0, 3, 0, 4, 0, 0, 0, 0]), "192.0.2.1:1".parse().unwrap(), &mut out));
        assert_eq!(out[..2], [1, 0x11]);
        assert_eq!(out[20..], [0, 9, 0, 4, 0, 0, 4, 20, 0, 10, 0, 2, 0, 3, 0, 0]);
    }

    #[test]
    fn what_is_no_binding_request_gets_no_answer() {
        let peer = "192.0.2.1:1".parse().unwrap();
        let mut response = request(&[]);
        response[0] = 1;
        for bytes in [&request(&[0, 3, 0, 9]), &request(&[0, 3]), &response, &b"OPTIONS sip:a SIP/2.0\r\n\r\n".to_vec()]
        {
            let mut out = Vec::new();
            assert!(!answer(bytes, peer, &mut out) && out.is_empty());
        }
    }
}

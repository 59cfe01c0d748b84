//! Host candidates as SDP has them.

use std::net::{IpAddr, SocketAddr};

use crate::integrity::crc32;

/// The value of `a=candidate` for an address of our own that RTP and RTCP share (RFC 8839 §5.1): UDP, component 1.
///
/// `preference` orders our addresses: 65535 where there is one only, else a different one for each (RFC 8445 §5.1.2.1).
/// Candidates on the same IP address share their foundation, whichever stream they belong to.
pub fn host_candidate(address: SocketAddr, preference: u16) -> String {
    let foundation = match address.ip() {
        IpAddr::V4(ip) => crc32(&ip.octets()),
        IpAddr::V6(ip) => crc32(&ip.octets()),
    };
    let priority = host_priority(preference);
    format!("{foundation} 1 udp {priority} {} {} typ host", address.ip(), address.port())
}

/// Priority of a host candidate for component 1, higher is better (RFC 8445 §5.1.2.1).
pub const fn host_priority(preference: u16) -> u32 {
    const HOST: u32 = 126;
    const COMPONENT: u32 = 1;
    (HOST << 24) | ((preference as u32) << 8) | (256 - COMPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_rfc_8839() {
        let line = host_candidate("192.0.2.1:40000".parse().unwrap(), 65535);
        let (foundation, rest) = line.split_once(' ').unwrap();
        assert!((1..=32).contains(&foundation.len()) && foundation.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(rest, "1 udp 2130706431 192.0.2.1 40000 typ host");
        let line = host_candidate("[2001:db8::1]:40002".parse().unwrap(), 65534);
        assert!(line.ends_with(" 1 udp 2130706175 2001:db8::1 40002 typ host"), "{line}");
    }

    #[test]
    fn one_address_has_one_foundation() {
        let foundation = |address: &str| {
            let line = host_candidate(address.parse().unwrap(), 1);
            line.split(' ').next().unwrap().to_string()
        };
        assert_eq!(foundation("192.0.2.1:1"), foundation("192.0.2.1:2"));
        assert_ne!(foundation("192.0.2.1:1"), foundation("192.0.2.2:1"));
    }
}

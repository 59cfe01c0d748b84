use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::chars::HOST;

/// Host of a URI or of Via.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// A domain name as written; compared without case.
    Name(&'a str),
    /// An address; IPv6 is written in brackets.
    Ip(IpAddr),
}

impl<'a> Host<'a> {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub fn parse(text: &'a str) -> Option<Host<'a>> {
        match text.as_bytes() {
            [b'[', .., b']'] => {
                text[1..text.len() - 1].parse::<Ipv6Addr>().ok().map(|address| Host::Ip(IpAddr::V6(address)))
            }
            [] => None,
            [.., last]
                if last.is_ascii_digit()
                    && let Ok(address) = text.parse() =>
            {
                Some(Host::Ip(IpAddr::V4(address)))
            }
            bytes => (HOST.is_all(bytes) && bytes[0] != b'.' && bytes[0] != b'-').then_some(Host::Name(text)),
        }
    }

    /// The address, if the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::Ip(address) => Some(*address),
        }
    }
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Host::Ip(a), Host::Ip(b)) => a == b,
            (Host::Name(_), Host::Ip(_)) | (Host::Ip(_), Host::Name(_)) => false,
        }
    }
}

impl Eq for Host<'_> {}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Ip(IpAddr::V4(address)) => address.fmt(f),
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// `host`, `host:port` or `host : port`.
pub(crate) fn host_and_port(text: &str) -> Option<(Host<'_>, Option<u16>)> {
    let after_brackets = if text.starts_with('[') { text.find(']')? } else { 0 };
    match memchr::memchr(b':', &text.as_bytes()[after_brackets..]) {
        None => Some((Host::parse(text)?, None)),
        Some(at) => {
            let (host, port) = (&text[..after_brackets + at], &text[after_brackets + at + 1..]);
            let port = port.trim_ascii_start();
            if !port.bytes().all(|c| c.is_ascii_digit()) {
                return None;
            }
            Some((Host::parse(host.trim_ascii_end())?, Some(port.parse().ok()?)))
        }
    }
}

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
        Host::take(text).filter(|(_, rest)| rest.is_empty()).map(|(host, _)| host)
    }

    /// The host at the start of `text`, and what follows it.
    #[inline]
    pub(crate) fn take(text: &'a str) -> Option<(Host<'a>, &'a str)> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let (inside, rest) = bracketed.split_once(']')?;
            let address: Ipv6Addr = inside.parse().ok()?;
            return Some((Host::Ip(address.into()), rest));
        }
        let (name, rest) = text.split_at(HOST.run(text.as_bytes()));
        let (first, last) = (*name.as_bytes().first()?, *name.as_bytes().last()?);
        if last.is_ascii_digit()
            && let Ok(address) = name.parse::<Ipv4Addr>()
        {
            return Some((Host::Ip(address.into()), rest));
        }
        (!matches!(first, b'.' | b'-')).then_some((Host::Name(name), rest))
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

/// The port number at the start of `text`, and what follows it.
#[inline]
pub(crate) fn take_port(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    Some((digits.parse().ok()?, rest))
}

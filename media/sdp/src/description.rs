//! A description as received.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::line::Lines;
use crate::media::{Defaults, Media};
use crate::{MAX_BYTES, MAX_LINES, MAX_MEDIA, SdpError};

/// A description read in place: all it holds are views into the received bytes.
#[derive(Debug, Clone)]
pub struct Sdp<'a> {
    bytes: &'a [u8],
    origin: OriginLine<'a>,
    connection: Option<Address<'a>>,
    media: Vec<Media<'a>>,
}

impl<'a> Sdp<'a> {
    /// Reads a description within the limits of this crate. Lines that a relay has no use for are not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Sdp<'a>, SdpError> {
        if bytes.len() > MAX_BYTES {
            return Err(SdpError::TooLong);
        }
        let mut lines = Lines::new(bytes);
        if !lines.next().is_some_and(|line| line.letter == b'v' && line.text().trim() == "0") {
            return Err(SdpError::Version);
        }
        let mut origin = None;
        let mut defaults = Defaults::default();
        let mut media: Vec<Media<'a>> = Vec::new();
        while let Some(line) = lines.next() {
            if line.number > MAX_LINES {
                return Err(SdpError::TooManyLines);
            }
            if line.letter == b'm' {
                media.push(Media::parse(&line, &defaults, lines.rest())?);
                if media.len() > MAX_MEDIA {
                    return Err(SdpError::TooManyMedia);
                }
                continue;
            }
            match (line.letter, media.last_mut()) {
                (b'?', _) => return Err(SdpError::NotALine(line.number)),
                (_, Some(stream)) => stream.read_line(&line)?,
                (b'o', None) => origin = Some(OriginLine::parse(line.text()).ok_or(SdpError::Origin(line.number))?),
                (_, None) => defaults.read_line(&line)?,
            }
        }
        if let Some(lost) = media.iter().find(|stream| stream.port != 0 && stream.connection.is_none()) {
            return Err(SdpError::NoConnection(lost.line_number()));
        }
        Ok(Sdp { bytes, origin: origin.ok_or(SdpError::NoOrigin)?, connection: defaults.connection, media })
    }

    /// The text as received.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The o= line.
    pub fn origin(&self) -> OriginLine<'a> {
        self.origin
    }

    /// The address of the session's own c= line.
    pub fn connection(&self) -> Option<Address<'a>> {
        self.connection
    }

    /// The streams in the order of their m= lines, rejected ones too.
    pub fn media(&self) -> &[Media<'a>] {
        &self.media
    }

    /// The value of the first t= line.
    pub fn timing(&self) -> Option<&'a str> {
        Lines::new(self.bytes).find(|line| line.letter == b't').map(|line| line.text())
    }

    /// True if at least one stream is in use and the sender listens on none of them: the other side is on hold.
    pub fn is_hold(&self) -> bool {
        let mut active = self.media.iter().filter(|stream| !stream.is_rejected()).peekable();
        active.peek().is_some() && active.all(Media::is_hold)
    }
}

/// The o= line (RFC 8866 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginLine<'a> {
    /// Who it is at that host; `-` as a rule.
    pub user: &'a str,
    /// Unlimited digits; equal through one session.
    pub session_id: &'a str,
    /// Unlimited digits; grows by one with each change (RFC 3264 §5, §8).
    pub version: &'a str,
    /// The host as written.
    pub address: &'a str,
}

impl<'a> OriginLine<'a> {
    fn parse(value: &'a str) -> Option<OriginLine<'a>> {
        let mut fields = value.split_ascii_whitespace();
        let (user, session_id, version) = (fields.next()?, fields.next()?, fields.next()?);
        let (_net, _family, address) = (fields.next()?, fields.next()?, fields.next()?);
        Some(OriginLine { user, session_id, version, address })
    }

    /// Compares versions as numbers of any length.
    pub fn cmp_version(&self, other: &OriginLine<'_>) -> Ordering {
        let (one, two) = (self.version.trim_start_matches('0'), other.version.trim_start_matches('0'));
        one.len().cmp(&two.len()).then_with(|| one.cmp(two))
    }
}

/// Where a c= or a=rtcp line points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// An address; the time to live and count of a multicast one are left out.
    Ip(IpAddr),
    /// A host name, or an address of a network that is not the Internet.
    Name(&'a str),
}

impl<'a> Address<'a> {
    /// Reads `IN IP4 192.0.2.1`.
    pub(crate) fn parse(value: &'a str) -> Option<Address<'a>> {
        let mut fields = value.split_ascii_whitespace();
        let (net, _family, address) = (fields.next()?, fields.next()?, fields.next()?);
        let bare = address.split('/').next().unwrap_or(address);
        Some(match bare.parse() {
            Ok(ip) if net.eq_ignore_ascii_case("IN") => Address::Ip(ip),
            Ok(_) | Err(_) => Address::Name(address),
        })
    }

    /// The address, unless it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Address::Ip(ip) => Some(*ip),
            Address::Name(_) => None,
        }
    }

    /// 0.0.0.0 or `::`, which puts a stream on hold in the manner of RFC 2543.
    pub fn is_unspecified(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }
}

#[cfg(test)]
mod tests;

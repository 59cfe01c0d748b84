//! What the other phone is told: the description of the first with the relay's own addresses in it.

use std::fmt;
use std::io::Write;
use std::iter;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::line::{Line, Lines};
use crate::{Direction, Formats, Kind, Media, Sdp};

/// Where the relay takes one stream from the phone that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaPort {
    /// Of either family, whatever the received description has.
    pub address: IpAddr,
    /// Port for RTP; 0 rejects the stream.
    pub rtp: u16,
    /// Port for RTCP; equal to `rtp` where both share one.
    pub rtcp: u16,
}

impl MediaPort {
    /// For a stream that the relay does not carry.
    pub const REJECTED: MediaPort = MediaPort { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), rtp: 0, rtcp: 0 };
}

/// How a stream of RTP goes between us and the phone that is told; what the other phone said of that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF` ...
    pub protocol: String,
    /// Attributes that belong to it, without `a=`: `crypto:1 AES_CM_128_HMAC_SHA1_80 inline:...`.
    pub attributes: Vec<String>,
}

impl Transport {
    /// A stream with ICE, in which we have the lite side.
    fn has_ice(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.starts_with("ice-ufrag:"))
    }

    /// RTP and RTCP share a port, whatever the other phone said of that.
    fn is_shared(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute == "rtcp-mux")
    }
}

/// The o= line of a description that we send: one session a leg, its version one more with each description that
/// differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Random, constant through the leg.
    pub session_id: u64,
    /// Grows by one with each change (RFC 3264 §8).
    pub version: u64,
    /// Ours.
    pub address: IpAddr,
}

impl Origin {
    /// For the next description that differs from the last one sent.
    #[must_use]
    pub fn next(self) -> Origin {
        Origin { version: self.version + 1, ..self }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, ending: &[u8]) {
        let Origin { session_id, version, address } = self;
        put(out, format_args!("o=- {session_id} {version} IN {}", Net(*address)), ending);
    }
}

/// The received description for the other side: one port, transport and list of formats a stream in the order of its m= lines,
/// missing ports rejected, missing transports and lists as they were said.
pub fn rewrite(
    sdp: &Sdp<'_>,
    ports: &[MediaPort],
    transports: &[Option<Transport>],
    formats: &[Option<Formats>],
    origin: Origin,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(sdp.bytes().len() + 512);
    Rewrite { ports, transports, formats, origin, direction: None }.write(sdp, &mut out);
    out
}

/// What a relay changes in a description that it anchors.
///
/// Replaced: o=, every c=, the port of each m=, a=rtcp. Left out: what belongs to a path that the relay ends, which is
/// ICE (candidates, credentials, options), BUNDLE and source filters; of a stream with a [`Transport`] of its own also keys,
/// fingerprints and capabilities (RFC 5939). Rejected streams stay rejected in their place; everything else passes byte for
/// byte. An unspecified address stays unspecified, so that a hold in the manner of RFC 2543 arrives as one.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite<'p> {
    /// One a stream in the order of the m= lines; streams past the end are rejected.
    pub ports: &'p [MediaPort],
    /// One a stream likewise; `None`, and streams past the end, go as they were said to.
    pub transports: &'p [Option<Transport>],
    /// One a stream likewise; `None`, and streams past the end, have the formats that were said.
    pub formats: &'p [Option<Formats>],
    /// The new o= line.
    pub origin: Origin,
    /// Said for every stream instead of what the description says, to hold a phone or to take it back.
    pub direction: Option<Direction>,
}

impl Rewrite<'_> {
    /// Appends the changed description.
    pub fn write(&self, sdp: &Sdp<'_>, out: &mut Vec<u8>) {
        let inherited = self.session_address(sdp);
        let mut streams = sdp.media().iter().zip(self.ports.iter().copied().chain(iter::repeat(MediaPort::REJECTED)));
        let mut stream: Option<Stream<'_>> = None;
        let mut index = 0;
        let is_secured_anew = self.transports.iter().any(Option::is_some);
        for line in Lines::new(sdp.bytes()) {
            match (line.letter, &mut stream) {
                (b'm', _) => {
                    if stream.is_none() && self.transports.iter().flatten().any(Transport::has_ice) {
                        put(out, format_args!("a=ice-lite"), line.ending());
                    }
                    self.finish(stream.take(), out);
                    let (media, port) = streams.next().expect("the parser found as many m= lines");
                    let transport = self.transports.get(index).and_then(Option::as_ref);
                    let formats = self.formats.get(index).and_then(Option::as_ref);
                    stream = Some(Stream::begin(media, port, (transport, formats), inherited, &line, out));
                    index += 1;
                }
                (b'c', Some(stream)) => stream.write_connection(line.ending(), out),
                (b'c', None) => put(out, format_args!("c=IN {}", Net(inherited)), line.ending()),
                (b'o', None) => self.origin.write(out, line.ending()),
                (_, stream) => match line.attribute() {
                    Some((name, value)) if belongs_to_path(name, value) => {}
                    Some((name, _)) if stream.is_none() && is_secured_anew && belongs_to_security(name) => {}
                    Some((name, None)) if self.direction.is_some() && Direction::from_attribute(name).is_some() => {}
                    attribute => match stream {
                        Some(stream) => stream.write_line(&line, attribute, out),
                        None => out.extend_from_slice(line.raw),
                    },
                },
            }
        }
        self.finish(stream, out);
    }

    /// The session's c= line: what its first stream in use inherits.
    fn session_address(&self, sdp: &Sdp<'_>) -> IpAddr {
        let in_use = |(media, port): &(&Media<'_>, &MediaPort)| {
            !media.is_rejected() && port.rtp != 0 && !media.has_own_connection()
        };
        let first = sdp.media().iter().zip(self.ports).find(in_use);
        first.map_or(self.origin.address, |(media, port)| address_told(media, port.address))
    }

    fn finish(&self, stream: Option<Stream<'_>>, out: &mut Vec<u8>) {
        let Some(mut stream) = stream else { return };
        let ending = stream.ending;
        let mut put_last = |line: fmt::Arguments<'_>| {
            end_line(out);
            put(out, line, ending);
        };
        if mem::take(&mut stream.lacks_connection) {
            put_last(format_args!("c=IN {}", Net(stream.address)));
        }
        if stream.lacks_rtcp() {
            put_last(format_args!("a=rtcp:{}", stream.port.rtcp));
        }
        for attribute in stream.transport.iter().flat_map(|transport| &transport.attributes) {
            put_last(format_args!("a={attribute}"));
        }
        if let Some(direction) = self.direction {
            put_last(format_args!("a={}", direction.as_str()));
        }
        if let Some(formats) = stream.formats {
            end_line(out);
            formats.write(ending, out);
        }
    }
}

/// A stream on its way out, from its m= line to the next.
struct Stream<'s> {
    media: &'s Media<'s>,
    port: MediaPort,
    transport: Option<&'s Transport>,
    formats: Option<&'s Formats>,
    address: IpAddr,
    /// Inherits no longer what the session says, and has no line of its own to say so.
    lacks_connection: bool,
    wrote_connection: bool,
    ending: &'s [u8],
}

impl<'s> Stream<'s> {
    fn begin(
        media: &'s Media<'s>,
        port: MediaPort,
        (transport, formats): (Option<&'s Transport>, Option<&'s Formats>),
        inherited: IpAddr,
        line: &Line<'s>,
        out: &mut Vec<u8>,
    ) -> Stream<'s> {
        let port = if media.is_rejected() { MediaPort::REJECTED } else { port };
        let address = if port.rtp == 0 { inherited } else { address_told(media, port.address) };
        let transport = transport.filter(|_| port.rtp != 0);
        let protocol = transport.map_or(media.protocol, |transport| &transport.protocol);
        let formats = formats.filter(|_| port.rtp != 0);
        let (kind, rtp) = (media.kind_text, port.rtp);
        match formats {
            Some(formats) => put(out, format_args!("m={kind} {rtp} {protocol} {}", formats.listed()), line.ending()),
            None => put(out, format_args!("m={kind} {rtp} {protocol} {}", media.formats), line.ending()),
        }
        let ending = if line.ending().is_empty() { b"\r\n" } else { line.ending() };
        Stream {
            media,
            port,
            transport,
            formats,
            address,
            lacks_connection: !media.has_own_connection() && address != inherited,
            wrote_connection: false,
            ending,
        }
    }

    /// The first c= line; the further ones of a layered multicast stream (RFC 8866 §5.7) have no sense at a relay.
    fn write_connection(&mut self, ending: &[u8], out: &mut Vec<u8>) {
        if self.media.has_own_connection() && !mem::replace(&mut self.wrote_connection, true) {
            put(out, format_args!("c=IN {}", Net(self.address)), ending);
        }
    }

    fn write_line(&mut self, line: &Line<'_>, attribute: Option<(&str, Option<&str>)>, out: &mut Vec<u8>) {
        // RFC 8866 §5: only the title stands between m= and c=.
        if line.letter != b'i' && mem::take(&mut self.lacks_connection) {
            put(out, format_args!("c=IN {}", Net(self.address)), self.ending);
        }
        match attribute {
            Some((name, value)) if self.formats.is_some_and(|formats| !formats.keeps(name, value)) => {}
            // Sound may be made anew under a source of our own, now or later; a browser plays only the sources that it was told of, and
            // any where it was told of none.
            Some(("ssrc" | "ssrc-group", _)) if self.transport.is_some() && self.media.kind == Kind::Audio => {}
            // Of a refused stream too: it may name the keys of another.
            Some((name, _)) if (self.transport.is_some() || self.port.rtp == 0) && belongs_to_security(name) => {}
            Some(("rtcp" | "rtcp-mux" | "mid", _)) if self.transport.is_some_and(Transport::is_shared) => {}
            // ZRTP agrees on keys between the phones, so nothing between them may be encrypted otherwise.
            Some(("zrtp-hash", _)) if self.is_encrypted() => {}
            Some(("rtcp", _)) if self.port.rtp == 0 => {}
            Some(("rtcp", Some(value))) if value.contains(' ') => {
                put(out, format_args!("a=rtcp:{} IN {}", self.port.rtcp, Net(self.address)), line.ending());
            }
            Some(("rtcp", _)) => put(out, format_args!("a=rtcp:{}", self.port.rtcp), line.ending()),
            Some(_) | None => out.extend_from_slice(line.raw),
        }
    }

    fn is_encrypted(&self) -> bool {
        !self.media.is_plain_rtp() || self.transport.is_some_and(|transport| !transport.attributes.is_empty())
    }

    /// RTCP is where nobody would look for it (RFC 3605), and no line says so yet.
    fn lacks_rtcp(&self) -> bool {
        let MediaPort { rtp, rtcp, .. } = self.port;
        let is_shared = self.transport.is_some_and(Transport::is_shared);
        rtp != 0
            && !is_shared
            && rtcp != rtp
            && Some(rtcp) != rtp.checked_add(1)
            && self.media.is_rtp()
            && self.media.rtcp.is_none()
    }
}

/// Our address, or the unspecified one of its family where the sender's is unspecified too.
fn address_told(media: &Media<'_>, ours: IpAddr) -> IpAddr {
    match (media.is_nowhere(), ours) {
        (false, _) => ours,
        (true, IpAddr::V4(_)) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        (true, IpAddr::V6(_)) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// Attributes of a transport path that ends at the relay (RFC 8839, RFC 9143, RFC 4570).
fn belongs_to_path(name: &str, value: Option<&str>) -> bool {
    match name {
        "candidate" | "end-of-candidates" | "remote-candidates" | "bundle-only" | "source-filter" => true,
        "group" => value.is_some_and(|value| value.starts_with("BUNDLE")),
        _ => name.starts_with("ice-"),
    }
}

/// Attributes of the protection of a path that ends at the relay (RFC 4567, RFC 4568, RFC 5939, RFC 8842).
fn belongs_to_security(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "crypto",
        "fingerprint",
        "setup",
        "tls-id",
        "identity",
        "key-mgmt",
        "acap",
        "tcap",
        "pcfg",
        "acfg",
        "csup",
        "creq",
    ];
    NAMES.contains(&name)
}

/// `IP4 192.0.2.1`
pub(crate) struct Net(pub IpAddr);

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "IP4 {address}"),
            IpAddr::V6(address) => write!(f, "IP6 {address}"),
        }
    }
}

/// The very last line of what was said may have no end.
fn end_line(out: &mut Vec<u8>) {
    if !out.ends_with(b"\n") {
        out.extend_from_slice(CRLF);
    }
}

pub(crate) const CRLF: &[u8] = b"\r\n";

pub(crate) fn put(out: &mut Vec<u8>, line: fmt::Arguments<'_>, ending: &[u8]) {
    out.write_fmt(line).expect("a Vec takes every byte");
    out.extend_from_slice(ending);
}

#[cfg(test)]
mod tests;

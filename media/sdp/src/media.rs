//! One stream of a description: an m= line with what follows it.

use std::net::SocketAddr;

use crate::line::{Line, Lines};
use crate::{Address, Clocks, Crypto, Format, SdpError};

/// One stream. Directions, ICE and the like that the session declares for all streams are already applied.
#[derive(Debug, Clone)]
pub struct Media<'a> {
    /// What flows.
    pub kind: Kind,
    /// The kind as written.
    pub kind_text: &'a str,
    /// The port for RTP; 0 for a rejected stream.
    pub port: u16,
    /// `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, `udptl` ...
    pub protocol: &'a str,
    /// The format list as written; payload types for RTP.
    pub formats: &'a str,
    /// The stream's own c= line or else the session's. Only a rejected stream can be without.
    pub connection: Option<Address<'a>>,
    /// Which ways it flows, as its sender sees it.
    pub direction: Direction,
    /// The a=rtcp attribute (RFC 3605).
    pub rtcp: Option<Rtcp<'a>>,
    /// RTP and RTCP may share (offer) or share (answer) one port (RFC 5761).
    pub rtcp_mux: bool,
    /// Milliseconds of sound in a packet that the sender wants to receive.
    pub ptime: Option<u16>,
    /// The sender speaks ICE (RFC 8839): its user fragment.
    pub ice: Option<&'a str>,
    /// The sender has a certificate for DTLS (RFC 8842): its first fingerprint as written.
    pub fingerprint: Option<&'a str>,
    /// Who begins the handshake of DTLS, as written (RFC 4145): `active`, `passive`, `actpass`, `holdconn`.
    pub setup: Option<&'a str>,
    /// The stream's name (RFC 5888).
    pub mid: Option<&'a str>,
    /// The sender gives SRTP keys in the description (RFC 4568).
    pub crypto: bool,
    /// At least one a=candidate line.
    pub candidates: bool,
    /// The payload types with what is said of them.
    listed: Vec<Format<'a>>,
    /// Number of the m= line, from 1.
    line: usize,
    /// The c= line is the stream's own.
    own_connection: bool,
    /// So is the fingerprint.
    own_fingerprint: bool,
    /// Everything after the m= line, further streams included.
    rest: &'a [u8],
}

impl<'a> Media<'a> {
    pub(crate) fn parse(line: &Line<'a>, defaults: &Defaults<'a>, rest: &'a [u8]) -> Result<Media<'a>, SdpError> {
        let wrong = SdpError::Media(line.number);
        let mut fields = line.text().splitn(4, ' ');
        let mut field = || fields.next().filter(|text| !text.is_empty()).ok_or(wrong);
        let (kind_text, port, protocol, formats) = (field()?, field()?, field()?, field()?.trim());
        if formats.is_empty() {
            return Err(wrong);
        }
        let port = port.split('/').next().unwrap_or(port).parse().map_err(|_| wrong)?;
        Ok(Media {
            kind: Kind::from_text(kind_text),
            kind_text,
            port,
            protocol,
            formats,
            connection: defaults.connection,
            direction: defaults.direction,
            rtcp: None,
            rtcp_mux: false,
            ptime: None,
            ice: defaults.ice,
            fingerprint: defaults.fingerprint,
            setup: defaults.setup,
            mid: None,
            crypto: false,
            candidates: false,
            listed: Format::listed(formats),
            line: line.number,
            own_connection: false,
            own_fingerprint: false,
            rest,
        })
    }

    pub(crate) fn read_line(&mut self, line: &Line<'a>) -> Result<(), SdpError> {
        if line.letter == b'c' && !self.own_connection {
            self.connection = Some(Address::parse(line.text()).ok_or(SdpError::Connection(line.number))?);
            self.own_connection = true;
        }
        match line.attribute() {
            Some((name @ ("rtpmap" | "fmtp"), Some(value))) => Format::learn(&mut self.listed, name, value),
            Some(("rtcp", Some(value))) => self.rtcp = Rtcp::parse(value),
            Some(("rtcp-mux", None)) => self.rtcp_mux = true,
            Some(("ptime", Some(value))) => {
                self.ptime = value.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
            }
            Some(("ice-ufrag", Some(value))) => self.ice = Some(value.trim()),
            Some(("fingerprint", Some(value))) if !self.own_fingerprint => {
                (self.fingerprint, self.own_fingerprint) = (Some(value.trim()), true);
            }
            Some(("setup", Some(value))) => self.setup = Some(value.trim()),
            Some(("mid", Some(value))) => self.mid = Some(value.trim()),
            Some(("crypto", _)) => self.crypto = true,
            Some(("candidate", _)) => self.candidates = true,
            Some((name, None)) => self.direction = Direction::from_attribute(name).unwrap_or(self.direction),
            Some((_, Some(_))) | None => {}
        }
        Ok(())
    }

    pub(crate) fn line_number(&self) -> usize {
        self.line
    }

    pub(crate) fn has_own_connection(&self) -> bool {
        self.own_connection
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        Lines::new(self.rest).take_while(|line| line.letter != b'm')
    }

    /// The stream's own a= lines in order: name, and value after the colon.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.lines().filter_map(|line| line.attribute())
    }

    /// Port 0: offered without use, or refused.
    pub fn is_rejected(&self) -> bool {
        self.port == 0
    }

    /// The sender does not listen: it holds the other side (RFC 3264 §8.4; an unspecified address is RFC 2543's way,
    /// except with ICE, where it only means that no candidate was known yet).
    pub fn is_hold(&self) -> bool {
        !self.direction.receives() || self.is_nowhere()
    }

    /// The address is unspecified and nothing else says where the sender is.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.ice.is_none() && self.connection.is_some_and(|connection| connection.is_unspecified())
    }

    /// Flows as datagrams, so that a relay with a pair of UDP ports can carry it.
    pub fn is_datagram(&self) -> bool {
        !self.protocol.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("TCP"))
    }

    /// Flows as RTP in some profile.
    pub fn is_rtp(&self) -> bool {
        self.protocol.split('/').any(|part| part.eq_ignore_ascii_case("RTP"))
    }

    /// Flows as RTP whose keys come from DTLS (RFC 5764 §8).
    pub fn is_dtls(&self) -> bool {
        self.is_rtp() && self.protocol.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("UDP/TLS/"))
    }

    /// Flows as RTP without encryption: `RTP/AVP` or `RTP/AVPF`.
    pub fn is_plain_rtp(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("RTP/AVP") || self.protocol.eq_ignore_ascii_case("RTP/AVPF")
    }

    /// Where the sender wants RTP (or its like). None if rejected or known by name only.
    pub fn rtp_address(&self) -> Option<SocketAddr> {
        let ip = self.connection?.ip()?;
        (self.port != 0).then(|| SocketAddr::new(ip, self.port))
    }

    /// Where the sender wants RTCP: a=rtcp, else one above RTP. An answer with `rtcp_mux` wants it on RTP's port
    /// instead.
    pub fn rtcp_address(&self) -> Option<SocketAddr> {
        let rtp = self.rtp_address()?;
        match self.rtcp {
            Some(rtcp) => {
                Some(SocketAddr::new(rtcp.address.map_or(Some(rtp.ip()), |address| address.ip())?, rtcp.port))
            }
            None => Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
        }
    }

    /// The payload formats of an RTP stream in order of preference, each once; what is not a payload type is left out.
    pub fn payloads(&self) -> impl Iterator<Item = Format<'a>> {
        self.listed.iter().copied()
    }

    /// What is said of one of them.
    pub(crate) fn payload(&self, payload_type: u8) -> Option<Format<'a>> {
        self.payloads().find(|format| format.payload_type == payload_type)
    }

    /// The stream's a=crypto attributes in order of preference; what is not understood is left out.
    pub fn cryptos(&self) -> impl Iterator<Item = Crypto<'a>> + use<'a> {
        self.attributes().filter_map(|(name, value)| Crypto::parse(value.filter(|_| name == "crypto")?))
    }

    /// The clocks of the payload types, named once for all packets.
    pub fn clocks(&self) -> Clocks {
        self.payloads().collect()
    }
}

/// What an m= line says that flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Speech and sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Text as it is typed (T.140, RFC 4103).
    Text,
    /// Fax (T.38).
    Image,
    /// Data channels, floor control.
    Application,
    /// MSRP.
    Message,
    /// Anything else.
    Other,
}

impl Kind {
    fn from_text(text: &str) -> Kind {
        match text {
            "audio" => Kind::Audio,
            "video" => Kind::Video,
            "text" => Kind::Text,
            "image" => Kind::Image,
            "application" => Kind::Application,
            "message" => Kind::Message,
            _ => Kind::Other,
        }
    }
}

/// Which ways a stream flows, from the point of view of who says it (RFC 8866 §6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Sends only: the other side is on hold.
    SendOnly,
    /// Receives only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    pub(crate) fn from_attribute(name: &str) -> Option<Direction> {
        match name {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        }
    }

    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// Whoever says this sends.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whoever says this receives.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same stream seen from the other end; the widest answer to an offer (RFC 3264 §6.1).
    pub fn reversed(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            Direction::SendRecv | Direction::Inactive => self,
        }
    }

    /// What both allow.
    pub fn and(self, other: Direction) -> Direction {
        match (self.sends() && other.sends(), self.receives() && other.receives()) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }
}

/// An a=rtcp attribute (RFC 3605).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtcp<'a> {
    /// The port for RTCP.
    pub port: u16,
    /// Its address where that is not the stream's.
    pub address: Option<Address<'a>>,
}

impl<'a> Rtcp<'a> {
    fn parse(value: &'a str) -> Option<Rtcp<'a>> {
        let (port, address) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        Some(Rtcp { port: port.parse().ok()?, address: Address::parse(address) })
    }
}

/// What the session part says for all streams.
#[derive(Default)]
pub(crate) struct Defaults<'a> {
    pub connection: Option<Address<'a>>,
    direction: Direction,
    ice: Option<&'a str>,
    fingerprint: Option<&'a str>,
    setup: Option<&'a str>,
}

impl<'a> Defaults<'a> {
    pub fn read_line(&mut self, line: &Line<'a>) -> Result<(), SdpError> {
        if line.letter == b'c' {
            self.connection = Some(Address::parse(line.text()).ok_or(SdpError::Connection(line.number))?);
        }
        match line.attribute() {
            Some(("ice-ufrag", Some(value))) => self.ice = Some(value.trim()),
            Some(("fingerprint", Some(value))) => self.fingerprint = self.fingerprint.or(Some(value.trim())),
            Some(("setup", Some(value))) => self.setup = Some(value.trim()),
            Some((name, None)) => self.direction = Direction::from_attribute(name).unwrap_or(self.direction),
            Some((_, Some(_))) | None => {}
        }
        Ok(())
    }
}

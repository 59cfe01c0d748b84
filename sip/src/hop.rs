//! Where a message goes: a transport and an address.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// What carries a message (RFC 3261 §18, RFC 7118).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// One message a datagram; may be lost.
    Udp,
    /// A stream, framed by Content-Length.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket, one message a frame.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Transport {
    /// Every transport, in the order of [`Transport::index`].
    pub const ALL: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

    /// Whether the transport itself repeats what was lost, so that transactions need not (RFC 3261 §17).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// Whether only the two ends can read it.
    pub const fn is_secure(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// As a Via's sent-protocol writes it, `UDP` for example.
    pub const fn via_text(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// As a URI's `transport` parameter writes it, `udp` for example.
    pub const fn uri_text(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// The port where none is written (RFC 3261 §19.1.2, RFC 7118 §5.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }

    /// Position in [`Transport::ALL`].
    pub const fn index(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.via_text())
    }
}

/// The name of no [`Transport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a transport; known are UDP, TCP, TLS, WS and WSS")]
pub struct UnknownTransport;

impl FromStr for Transport {
    type Err = UnknownTransport;

    /// Either case, as in a Via or a URI.
    fn from_str(text: &str) -> Result<Transport, UnknownTransport> {
        Transport::ALL.into_iter().find(|known| known.via_text().eq_ignore_ascii_case(text)).ok_or(UnknownTransport)
    }
}

/// The far end of one step of a message's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// What carries the message.
    pub transport: Transport,
    /// Who receives it.
    pub address: SocketAddr,
}

impl Hop {
    /// This address over this transport.
    pub const fn new(transport: Transport, address: SocketAddr) -> Hop {
        Hop { transport, address }
    }
}

impl fmt::Display for Hop {
    /// `UDP 192.0.2.1:5060`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport, self.address)
    }
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub to: Hop,
    /// The whole message.
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transport_reads_back_in_either_case() {
        for (index, transport) in Transport::ALL.into_iter().enumerate() {
            assert_eq!(transport.to_string().parse(), Ok(transport));
            assert_eq!(transport.uri_text().parse(), Ok(transport));
            assert_eq!(usize::from(transport.index()), index);
        }
        assert_eq!("SCTP".parse::<Transport>(), Err(UnknownTransport));
    }

    #[test]
    fn only_udp_loses_messages() {
        assert!(Transport::ALL.into_iter().all(|transport| transport.is_reliable() == (transport != Transport::Udp)));
    }
}

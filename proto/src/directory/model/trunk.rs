//! Lines to the outside.

use super::Srtp;
use crate::directory::destination::Destination;
use crate::directory::network::Network;
use crate::directory::pattern::Match;
use crate::directory::text::Secret;
use serde::{Deserialize, Serialize};

/// A carrier or another exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trunk {
    /// Its name.
    pub name: Box<str>,
    /// The domain in its addresses.
    pub domain: Box<str>,
    /// Where calls are sent.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// Calls from these addresses are this trunk's.
    #[serde(default)]
    pub from: Vec<Network>,
    /// How the exchange registers there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<Registration>,
    /// Codecs that it takes, the preferred one first.
    #[serde(default)]
    pub codecs: Vec<Box<str>>,
    /// Whether media is encrypted.
    #[serde(default)]
    pub srtp: Srtp,
    /// Calls at once, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// What its calls may reach.
    #[serde(default)]
    pub inbound: Vec<Inbound>,
}

/// One of a trunk's addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Host name or address.
    pub host: Box<str>,
    /// Port; none: by DNS, or the transport's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How it is reached.
    pub transport: PeerTransport,
    /// Share of the calls.
    pub weight: u16,
}

/// How a peer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerTransport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// An encrypted stream.
    Tls,
}

/// An account at a carrier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// The account's name.
    pub user: Box<str>,
    /// Its password; the realm is not known before the carrier asks, so it cannot be a hash.
    pub password: Secret,
}

/// What a call from a trunk reaches by the number it asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// What is dialled.
    #[serde(rename = "match")]
    pub pattern: Match,
    /// What it means.
    pub to: Destination,
}

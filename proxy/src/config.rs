//! How the proxy role runs; the root package fills it from `tandem.toml`.

use crate::edge::LimitSettings;
use net::Network;
use sip::hop::Transport;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The proxy role of one process. Start from [`Config::new`], which has the defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// The member's name, unique in the cluster.
    pub name: String,
    /// The cluster's public name: the host of the Contacts that phones see.
    pub cluster: String,
    /// The region whose media shards take calls from phones that no region's networks claim.
    pub region: String,
    /// Addresses that phones, browsers and carriers reach; 256 at most.
    pub listen: Vec<Listen>,
    /// The cluster-side SIP face, UDP and TCP.
    pub inside: SocketAddr,
    /// What phones are told, first match on the peer's address; no match is "auto".
    pub advertise: Vec<Advertise>,
    /// The certificate of TLS and WSS.
    pub certificate: Certificate,
    /// Worker threads, 1–64.
    pub workers: usize,
    /// What one source may send.
    pub limits: LimitSettings,
    /// AORs remembered for the time when no registry answers; 0 where the registry runs in this process.
    pub remembered: usize,
    /// What connections may cost.
    pub connections: ConnectionLimits,
}

impl Config {
    /// Every value but the names and addresses that only the operator knows.
    pub fn new(name: &str, cluster: &str, region: &str, listen: Vec<Listen>, inside: SocketAddr) -> Config {
        Config {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            region: region.to_owned(),
            listen,
            inside,
            advertise: Vec::new(),
            certificate: Certificate::Generated,
            workers: std::thread::available_parallelism().map_or(1, |cores| cores.get()).min(64),
            limits: LimitSettings::default(),
            remembered: 262_144,
            connections: ConnectionLimits::default(),
        }
    }
}

/// A public listener, `udp://0.0.0.0:5060`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// What is spoken there.
    pub transport: Transport,
    /// Where; port 0 lets the kernel choose, which [`crate::Running::addresses`] tells.
    pub address: SocketAddr,
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.transport.uri_text(), self.address)
    }
}

/// Peers in `to` are told `host`.
#[derive(Clone, Debug)]
pub struct Advertise {
    /// Whom the rule is for.
    pub to: Network,
    /// The address or name they are told; `None` = the address that the kernel would send from.
    pub host: Option<String>,
}

/// The certificate of TLS and WSS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Self-signed, made at each start.
    Generated,
    /// PEM files, read again when they change.
    Files {
        /// Certificate chain, leaf first.
        chain: PathBuf,
        /// Private key.
        key: PathBuf,
    },
}

/// What connections may cost.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at most, over all stream transports and workers.
    pub total: usize,
    /// Connections from one address at most; exempt networks have no such limit.
    pub per_address: usize,
    /// A connection on which nothing was received for this time is closed.
    pub idle: Duration,
    /// TLS and WebSocket handshakes, and a message once begun, must be done in this time.
    pub handshake: Duration,
    /// Bytes that may wait for one peer to read; a peer that lets more pile up is cut off.
    pub backlog: usize,
}

impl Default for ConnectionLimits {
    fn default() -> ConnectionLimits {
        ConnectionLimits {
            total: 100_000,
            // An office behind one address.
            per_address: 5_000,
            // Phones refresh a flow at least this often (RFC 5626 §4.4.1 recommends 840–960 s over TCP).
            idle: Duration::from_secs(1200),
            handshake: Duration::from_secs(10),
            backlog: 256 * 1024,
        }
    }
}

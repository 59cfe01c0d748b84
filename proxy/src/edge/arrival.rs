//! Where a message came in, and how the peers of flows know us.

use sip::hop::Hop;
use sip::token::Flow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Which of the two faces a message came in on; it tells the message's direction, whatever addresses say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// From a phone, a browser or a carrier, over this flow.
    Public(Flow),
    /// From another member of the cluster, which is trusted.
    Inside(Hop),
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The face that it came in on.
    pub face: Face,
    /// The sender's address.
    pub peer: SocketAddr,
}

/// Our `host:port` as the peer of a flow is told it, in Via and Record-Route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicName(Arc<str>);

impl PublicName {
    /// `host` is a name or an address without brackets.
    pub fn new(host: &str, port: u16) -> PublicName {
        let bracketed = host.contains(':') && !host.starts_with('[');
        PublicName(if bracketed { format!("[{host}]:{port}") } else { format!("{host}:{port}") }.into())
    }

    /// `host:port`, an IPv6 host in brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host alone, an IPv6 one in brackets.
    pub fn host(&self) -> &str {
        self.0.rsplit_once(':').map_or(&self.0, |(host, _)| host)
    }
}

impl fmt::Display for PublicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the edge must know of the connections; the worker's table, or a simulated one.
pub trait Flows {
    /// The name by which the peer of this proxy's `flow` knows us; `None` when its connection is gone (UDP never is).
    fn public_name(&self, flow: &Flow) -> Option<PublicName>;
}

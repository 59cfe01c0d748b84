//! How a proxy or media node reaches the registries: questions over pipelined streams, and the membership that keeps its view.

mod driver;
mod join;
mod link;
mod registrar;

pub use join::join;
pub use registrar::RemoteRegistrar;

use std::net::SocketAddr;
use std::time::Duration;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

/// How registries are reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configured registries; those that the membership names are asked as well.
    pub registries: Vec<SocketAddr>,
    /// Mutual TLS; `None` only on loopback.
    pub tls: Option<ClientTlsConfig>,
}

impl Options {
    /// A connection to one registry, made now.
    ///
    /// # Errors
    /// The registry does not accept, or its certificate is not of the cluster's authority.
    pub async fn connect(&self, registry: SocketAddr) -> Result<Channel, tonic::transport::Error> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{registry}"))?
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            // A registry whose machine vanished without a word is noticed in this time.
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        if let Some(tls) = &self.tls {
            endpoint = endpoint.tls_config(tls.clone())?;
        }
        endpoint.connect().await
    }
}

const CONNECT: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(2);

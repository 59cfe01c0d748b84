//! Certificates of the roles among each other.

use crate::config::Tls;
use crate::exit::Failure;
use std::net::SocketAddr;
use std::path::Path;
use tonic::transport::Channel;

/// Reads the PEM files that `registry.tls` names.
pub fn read(tls: &Tls) -> Result<registry::Tls, Failure> {
    let file = |key: &str, path: &Path| {
        std::fs::read_to_string(path)
            .map_err(|why| Failure::Configuration(format!("registry.tls.{key}: cannot read {}: {why}", path.display())))
    };
    Ok(registry::Tls { ca: file("ca", &tls.ca)?, cert: file("cert", &tls.cert)?, key: file("key", &tls.key)? })
}

/// A connection to a registry for administration.
pub async fn channel(address: &str, tls: Option<&Tls>) -> anyhow::Result<Channel> {
    let address: SocketAddr = address.parse().map_err(|_| anyhow::anyhow!("not an address like 127.0.0.1:7400"))?;
    let tls = tls.map(read).transpose().map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let options = proto::client::Options { registries: vec![address], tls: tls.as_ref().map(registry::Tls::client) };
    options.connect(address).await.map_err(|why| match std::error::Error::source(&why) {
        Some(source) => anyhow::anyhow!("{source}"),
        None => anyhow::anyhow!("{why}"),
    })
}

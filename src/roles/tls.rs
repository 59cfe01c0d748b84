//! Certificates of the roles among each other.

use crate::config::{self, Config, Store};
use crate::exit::Failure;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tonic::transport::Channel;

/// Reads the PEM files that `registry.tls` names.
pub fn read(tls: &config::Tls) -> Result<registry::Tls, Failure> {
    let file = |key: &str, path: &Path| {
        std::fs::read_to_string(path)
            .map_err(|why| Failure::Configuration(format!("registry.tls.{key}: cannot read {}: {why}", path.display())))
    };
    Ok(registry::Tls { ca: file("ca", &tls.ca)?, cert: file("cert", &tls.cert)?, key: file("key", &tls.key)? })
}

/// Where a registry without configured certificates leaves the bundle for other members.
pub fn bundle(config: &Config) -> PathBuf {
    match &config.registry.store {
        Store::Embedded(folder) => folder.join("cluster.pem"),
        Store::Etcd(_) => PathBuf::from("tandem-data/cluster.pem"),
    }
}

/// A connection to a registry for administration: with the configured certificates, or off loopback with the bundle that the
/// registry made.
pub async fn channel(address: &str, config: &Config) -> anyhow::Result<Channel> {
    let address: SocketAddr = address.parse().map_err(|_| anyhow::anyhow!("not an address like 127.0.0.1:7400"))?;
    let bundle = bundle(config);
    let tls = match &config.registry.tls {
        Some(tls) => Some(read(tls).map_err(|failure| anyhow::anyhow!("{failure}"))?),
        None if !address.ip().is_loopback() && bundle.exists() => Some(registry::Tls::read(&bundle, &bundle, &bundle)?),
        None => None,
    };
    let options = proto::client::Options { registries: vec![address], tls: tls.as_ref().map(registry::Tls::client) };
    options.connect(address).await.map_err(|why| match std::error::Error::source(&why) {
        Some(source) => anyhow::anyhow!("{source}"),
        None => anyhow::anyhow!("{why}"),
    })
}

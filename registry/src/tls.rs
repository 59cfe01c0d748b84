//! Mutual TLS between the roles: whoever has a certificate of the cluster's authority is a member.
//!
//! Where no certificates are configured the cluster has an authority of its own. It is made at the first start and kept in the store;
//! each registry issues itself a certificate in memory, and writes a bundle (certificate, key and authority in one PEM file) that the
//! operator copies to proxies and media nodes, where it stands for `ca`, `cert` and `key` at once.

use crate::store::{Shared, StoreError};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

/// The PEM texts of one member.
#[derive(Clone)]
pub struct Tls {
    /// The cluster's authority.
    pub ca: String,
    /// This process's certificate chain, for the name [`NAME`].
    pub cert: String,
    /// Its private key.
    pub key: String,
}

/// The name that every member's certificate carries: members are known by their authority, not by their addresses.
pub const NAME: &str = "tandem.cluster";

impl Tls {
    /// Reads PEM files; all three may be the same one, a bundle.
    ///
    /// # Errors
    /// The first file that cannot be read, with its path.
    pub fn read(ca: &Path, cert: &Path, key: &Path) -> io::Result<Tls> {
        let read = |path: &Path| {
            let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
            std::fs::read_to_string(path).map_err(named)
        };
        Ok(Tls { ca: read(ca)?, cert: read(cert)?, key: read(key)? })
    }

    /// Writes a bundle that only its owner can read.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_bundle(&self, path: &Path) -> io::Result<()> {
        let mut file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        write!(file, "{}{}{}", self.cert, self.key, self.ca)
    }

    /// For connections to other members.
    pub fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.ca))
            .identity(Identity::from_pem(&self.cert, &self.key))
            .domain_name(NAME)
    }

    /// For connections from other members: nobody gets in without a certificate.
    pub fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .client_ca_root(Certificate::from_pem(&self.ca))
            .identity(Identity::from_pem(&self.cert, &self.key))
    }
}

impl std::fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Issues a certificate of the cluster's own authority, which is made if the store has none yet.
///
/// # Errors
/// The store does not answer, or what it holds is no authority.
pub async fn issue(store: &Shared) -> Result<Tls, StoreError> {
    let kept = store.read_or_create(AUTHORITY, || new_authority().into_bytes()).await?;
    let unreadable = |why: &dyn std::fmt::Display| {
        StoreError::Refused(format!(
            "its value of {AUTHORITY} cannot be used ({why}); delete it to have a new authority made"
        ))
    };
    let text = String::from_utf8(kept.value).map_err(|why| unreadable(&why))?;
    let start = text.find("-----BEGIN PRIVATE KEY").ok_or_else(|| unreadable(&"no key"))?;
    let (ca, key) = text.split_at(start);
    let key = KeyPair::from_pem(key).map_err(|why| unreadable(&why))?;
    let issuer = Issuer::new(authority(), key);
    let (own_key, params) = member();
    let cert = params.signed_by(&own_key, &issuer).map_err(|why| unreadable(&why))?;
    Ok(Tls { ca: ca.to_owned(), cert: cert.pem(), key: own_key.serialize_pem() })
}

/// Certificate and key of a new authority.
fn new_authority() -> String {
    let key = KeyPair::generate().expect("the operating system gives randomness");
    let certificate = authority().self_signed(&key).expect("a fresh key signs");
    certificate.pem() + &key.serialize_pem()
}

/// What the authority's certificate says; certificates that it signs repeat the name.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("tandem cluster authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn member() -> (KeyPair, CertificateParams) {
    let key = KeyPair::generate().expect("the operating system gives randomness");
    let mut params = CertificateParams::new([NAME.to_owned()]).expect("it is a DNS name");
    params.distinguished_name = named("tandem member");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    (key, params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Where the authority's certificate and key are kept.
const AUTHORITY: &str = "certificate/authority";

#[cfg(test)]
mod tests;

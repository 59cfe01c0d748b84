//! Certificates as an operator makes them for the members of a cluster.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

/// Signs certificates.
pub struct Authority {
    /// Its own, in PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = key();
        let certificate = params.self_signed(&key).expect("a fresh key signs").pem();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    /// Certificate and key in PEM for a name or an address, as a server and as a client.
    pub fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new([name.to_owned()]).expect("it is a DNS name or an address");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = key();
        (params.signed_by(&key, &self.issuer).expect("a fresh key signs").pem(), key.serialize_pem())
    }
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

/// Certificate, key and authority of a member in one PEM text. Members are known by their authority, so one serves all.
pub fn bundle() -> String {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("tandem.cluster");
    format!("{certificate}{key}{}", authority.certificate)
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the operating system gives randomness")
}

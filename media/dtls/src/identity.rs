//! Who we are in DTLS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dimpl::{Config, DtlsCertificate};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::Fingerprint;

/// A certificate with its key, which all handshakes of a node share. It proves nothing but that the one who speaks in the
/// media is the one who sent the SDP with its fingerprint, so it is made anew at each start and never stored.
pub struct Identity {
    certificate: DtlsCertificate,
    fingerprint: Fingerprint,
    pub(crate) config: Arc<Config>,
}

impl Identity {
    /// A new one: an EC key on P-256, signed by itself.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate() -> Result<Identity, IdentityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "tandem");
        let certificate = params.self_signed(&key)?.der().to_vec();
        let config = Config::builder()
            // Nothing is sent but to where the media goes, so a cookie would prove nothing and cost a round trip.
            .use_server_cookie(false)
            .flight_start_rto(FIRST_RETRANSMISSION)
            .flight_retries(RETRANSMISSIONS)
            .handshake_timeout(GIVE_UP)
            .max_queue_rx(QUEUED_RECORDS)
            .build()?;
        Ok(Identity {
            fingerprint: Fingerprint::of(&certificate),
            certificate: DtlsCertificate { certificate, private_key: key.serialize_der() },
            config: Arc::new(config),
        })
    }

    /// For `a=fingerprint`: displayed, it is that attribute's value.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(crate) fn certificate(&self) -> DtlsCertificate {
        self.certificate.clone()
    }
}

impl fmt::Debug for Identity {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint)
    }
}

/// Why no identity could be made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificate could not be made.
    #[error("make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The settings of DTLS do not fit its cryptography.
    #[error("set DTLS up: {0}")]
    Config(#[from] dimpl::Error),
}

/// Callers hear nothing before the handshake is over, so what is lost is sent again after a quarter of the second that
/// RFC 6347 §4.2.4.1 proposes; then after twice as long each time.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(50);
/// More than fit into [`GIVE_UP`], which alone decides.
const RETRANSMISSIONS: usize = 20;
/// From the first datagram.
const GIVE_UP: Duration = Duration::from_secs(30);
/// Records that wait for missing ones before them, of at most [`crate::LONGEST`] bytes each.
pub(crate) const QUEUED_RECORDS: usize = 64;

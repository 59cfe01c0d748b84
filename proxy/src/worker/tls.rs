//! TLS for phones and browsers: 1.2 and 1.3, a generated certificate or files that are read again when they change.

use crate::config::Certificate;
use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What accepts TLS connections; shared by the workers.
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    certificate: Arc<Current>,
    files: Option<Files>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file that cannot be read, or holds no PEM of the kind.
    #[error("{file}: {why}")]
    File {
        /// Its name.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key is not the certificate's, or of a kind that TLS does not know.
    #[error(transparent)]
    Unfit(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

struct Files {
    chain: PathBuf,
    key: PathBuf,
    read_at: ArcSwap<[Option<SystemTime>; 2]>,
}

impl Tls {
    /// `names` are the hosts that a generated certificate is for.
    pub fn new(certificate: &Certificate, names: &[String]) -> Result<Tls, CertificateError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (key, files) = match certificate {
            Certificate::Generated => (generate(&provider, names)?, None),
            Certificate::Files { chain, key } => {
                let times = ArcSwap::from_pointee(changed_at(chain, key));
                let files = Files { chain: chain.clone(), key: key.clone(), read_at: times };
                (read(&provider, chain, key)?, Some(files))
            }
        };
        let certificate = Arc::new(Current(ArcSwap::from_pointee(key)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        // A phone that comes back, or finds another worker, need not do the whole handshake again.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_half_rtt_data = false;
        Ok(Tls { config: Arc::new(config), certificate, files })
    }

    /// The server's side of a new connection, which holds at most `backlog` bytes of each kind.
    pub fn accept(&self, backlog: usize) -> Result<ServerConnection, rustls::Error> {
        let mut connection = ServerConnection::new(self.config.clone())?;
        connection.set_buffer_limit(Some(backlog));
        Ok(connection)
    }

    /// Reads the files again if they have changed; bad ones change nothing.
    pub fn refresh(&self) {
        let Some(files) = &self.files else { return };
        let times = changed_at(&files.chain, &files.key);
        if **files.read_at.load() == times {
            return;
        }
        files.read_at.store(Arc::new(times));
        match read(self.config.crypto_provider(), &files.chain, &files.key) {
            Ok(key) => {
                self.certificate.0.store(Arc::new(key));
                tracing::info!(chain = %files.chain.display(), "certificate read again");
            }
            Err(why) => tracing::warn!(%why, "the new certificate is not used: the old one stays"),
        }
    }
}

fn changed_at(chain: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [chain, key].map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
}

fn generate(provider: &CryptoProvider, names: &[String]) -> Result<CertifiedKey, CertificateError> {
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    Ok(CertifiedKey::from_der(vec![made.cert.der().clone()], key, provider)?)
}

fn read(provider: &CryptoProvider, chain: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let wrong = |file: &Path, why: rustls::pki_types::pem::Error| {
        let why = match why {
            rustls::pki_types::pem::Error::Io(why) => why.to_string(),
            rustls::pki_types::pem::Error::NoItemsFound => "holds no PEM of the kind that belongs there".to_owned(),
            other => other.to_string(),
        };
        CertificateError::File { file: file.to_owned(), why }
    };
    let certificates = CertificateDer::pem_file_iter(chain).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|why| wrong(chain, why))?;
    if certificates.is_empty() {
        return Err(wrong(chain, rustls::pki_types::pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| wrong(key, why))?;
    Ok(CertifiedKey::from_der(certificates, private, provider)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("tandem-proxy-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn write(&self, name: &str) -> Certificate {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            let (chain, key) = (self.0.join("chain.pem"), self.0.join("key.pem"));
            fs::write(&chain, made.cert.pem()).unwrap();
            fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            Certificate::Files { chain, key }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn leaf(tls: &Tls) -> Vec<u8> {
        tls.certificate.0.load().cert[0].to_vec()
    }

    #[test]
    fn changed_files_are_read_again_and_bad_ones_change_nothing() {
        let folder = Folder::new("certificate");
        let tls = Tls::new(&folder.write("one.example"), &[]).unwrap();
        let first = leaf(&tls);
        tls.refresh();
        assert_eq!(leaf(&tls), first);
        folder.write("two.example");
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        let files = tls.files.as_ref().unwrap();
        fs::File::open(&files.chain).unwrap().set_modified(later).unwrap();
        tls.refresh();
        let second = leaf(&tls);
        assert_ne!(second, first);
        fs::write(&files.chain, "no certificate").unwrap();
        tls.refresh();
        assert_eq!(leaf(&tls), second);
    }

    #[test]
    fn a_certificate_is_made_for_names_and_addresses() {
        let tls = Tls::new(&Certificate::Generated, &["sip.example".into(), "127.0.0.1".into(), "::1".into()]).unwrap();
        let leaf = leaf(&tls);
        for name in [&b"sip.example"[..], &[127, 0, 0, 1], &std::net::Ipv6Addr::LOCALHOST.octets()] {
            assert!(leaf.windows(name.len()).any(|part| part == name));
        }
        assert!(tls.accept(1 << 16).is_ok());
    }

    #[test]
    fn an_unfit_file_is_named() {
        let folder = Folder::new("unfit");
        let certificate = folder.write("one.example");
        fs::write(folder.0.join("key.pem"), "no key").unwrap();
        let error = Tls::new(&certificate, &[]).err().unwrap().to_string();
        assert!(error.contains("key.pem"), "{error}");
        fs::remove_file(folder.0.join("chain.pem")).unwrap();
        let error = Tls::new(&certificate, &[]).err().unwrap().to_string();
        assert!(error.contains("chain.pem"), "{error}");
    }
}

//! How a registry reaches etcd: from the keys of `registry.etcd` and the files that they name.

use crate::config::{Etcd, good_value};
use crate::exit::Failure;
use registry::store::etcd::{Options, Tls};
use std::path::Path;

/// Reads the files.
pub fn read(endpoints: &[String], etcd: Option<&Etcd>) -> Result<Options, Failure> {
    let mut options = Options { endpoints: endpoints.to_vec(), ..Options::default() };
    let Some(etcd) = etcd else { return Ok(options) };
    if let Some(ca) = &etcd.ca {
        let identity = match (&etcd.cert, &etcd.key) {
            (Some(cert), Some(key)) => Some((pem("cert", cert, CERTIFICATE)?, pem("key", key, KEY)?)),
            (_, _) => None,
        };
        let tls = Tls { ca: pem("ca", ca, CERTIFICATE)?, identity };
        tls.check().map_err(|why| wrong("", format!("these are no certificate and key: {why}")))?;
        options.tls = Some(tls);
    }
    if let (Some(user), Some(file)) = (&etcd.user, &etcd.password_file) {
        let text = text("password_file", file)?;
        let password = text.lines().next().unwrap_or_default();
        if password.is_empty() {
            return Err(wrong("password_file", format!("the first line of {} is empty", file.display())));
        }
        options.user = Some((user.clone(), password.to_owned()));
    }
    Ok(options)
}

/// A PEM file with something of this kind in it.
fn pem(key: &str, path: &Path, kind: &str) -> Result<String, Failure> {
    let text = text(key, path)?;
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{kind}-----"));
    match text.lines().any(begins) {
        true => Ok(text),
        false => Err(wrong(key, format!("{} has no {} in PEM", path.display(), kind.to_lowercase()))),
    }
}

fn text(key: &str, path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|why| wrong(key, format!("cannot read {}: {why}", path.display())))
}

fn wrong(key: &str, why: String) -> Failure {
    let key = format!("registry.etcd.{key}");
    let key = key.trim_end_matches('.');
    Failure::Configuration(format!("{key}: {why}{}", good_value(key)))
}

const CERTIFICATE: &str = "CERTIFICATE";
const KEY: &str = "PRIVATE KEY";

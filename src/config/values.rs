//! The kinds of value that configuration keys take.

use net::Network;
use serde::{Deserialize, Deserializer, de::Error};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A public listener, `udp://0.0.0.0:5060`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// udp, tcp, tls, ws or wss.
    pub transport: sip::hop::Transport,
    /// Address and port.
    pub address: SocketAddr,
}

impl FromStr for Listen {
    type Err = String;
    fn from_str(text: &str) -> Result<Listen, String> {
        let wrong = || format!("\"{text}\" is not a listener like \"udp://0.0.0.0:5060\" (udp, tcp, tls, ws, wss)");
        let (transport, address) = text.split_once("://").ok_or_else(wrong)?;
        let transport = match transport {
            "udp" => sip::hop::Transport::Udp,
            "tcp" => sip::hop::Transport::Tcp,
            "tls" => sip::hop::Transport::Tls,
            "ws" => sip::hop::Transport::Ws,
            "wss" => sip::hop::Transport::Wss,
            _ => return Err(wrong()),
        };
        Ok(Listen { transport, address: address.parse().map_err(|_| wrong())? })
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Listen, D::Error> {
        parsed(from)
    }
}

/// One `advertise` rule: peers in `to` are told `host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertise {
    /// Peers that the rule is for.
    pub to: Network,
    /// The address or name they are told; `None` = the address that the kernel would send from.
    pub host: Option<String>,
}

impl Advertise {
    /// Everybody is told the address that the kernel would send from.
    pub fn automatic() -> Advertise {
        Advertise { to: Network { address: IpAddr::from([0, 0, 0, 0]), prefix: 0 }, host: None }
    }
}

impl<'de> Deserialize<'de> for Advertise {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Advertise, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Rule {
            to: String,
            host: String,
        }
        let Rule { to, host } = Rule::deserialize(from)?;
        let to: Network = to.parse().map_err(Error::custom)?;
        let host = (host != "auto").then_some(host);
        if host.as_deref().is_some_and(|h| h.parse::<IpAddr>().is_err() && !hostname(h)) {
            return Err(Error::custom("host is neither \"auto\" nor an address nor a name"));
        }
        Ok(Advertise { to, host })
    }
}

/// `"auto"` (one a core) or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shards {
    /// One a core.
    Auto,
    /// So many, 1–64.
    Count(usize),
}

impl Shards {
    /// The number of threads on this machine.
    pub fn count(self) -> usize {
        match self {
            Shards::Auto => std::thread::available_parallelism().map_or(1, |n| n.get()).min(64),
            Shards::Count(n) => n,
        }
    }
}

impl<'de> Deserialize<'de> for Shards {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Shards, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(i64),
            Word(String),
        }
        match Raw::deserialize(from)? {
            Raw::Number(n @ 1..=64) => Ok(Shards::Count(n as usize)),
            Raw::Word(word) if word == "auto" => Ok(Shards::Auto),
            Raw::Number(_) | Raw::Word(_) => Err(Error::custom("neither \"auto\" nor a number from 1 to 64")),
        }
    }
}

/// `"generated"` or a chain and a key in PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// Made at the first start.
    Generated,
    /// Read from files, again when they change.
    Files {
        /// Certificate chain, leaf first.
        chain: PathBuf,
        /// Private key.
        key: PathBuf,
    },
}

impl<'de> Deserialize<'de> for Certificate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Certificate, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Word(String),
            Files { chain: PathBuf, key: PathBuf },
        }
        match Raw::deserialize(from) {
            Ok(Raw::Word(word)) if word == "generated" => Ok(Certificate::Generated),
            Ok(Raw::Files { chain, key }) => Ok(Certificate::Files { chain, key }),
            Ok(Raw::Word(_)) | Err(_) => {
                Err(Error::custom("neither \"generated\" nor { chain = \"fullchain.pem\", key = \"privkey.pem\" }"))
            }
        }
    }
}

/// The PEM files of mutual TLS between the roles.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The cluster's authority.
    pub ca: PathBuf,
    /// This process's certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How etcd lets the registry in: over TLS where there is a `ca`, as a user where there is one.
#[derive(Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Etcd {
    /// The authority of etcd's certificates, a PEM file.
    pub ca: Option<PathBuf>,
    /// Our certificate, where etcd asks for one.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The user whose role may read and write all keys.
    pub user: Option<String>,
    /// The file of the password, in its first line.
    pub password_file: Option<PathBuf>,
}

impl Etcd {
    /// The key that the others need and that is not there, with the reason.
    pub fn missing(&self) -> Option<(&'static str, &'static str)> {
        let has_identity = self.cert.is_some() || self.key.is_some();
        let missing = [
            ("registry.etcd.ca", "without it nobody asks for a certificate", has_identity && self.ca.is_none()),
            ("registry.etcd.cert", "the key needs a certificate", has_identity && self.cert.is_none()),
            ("registry.etcd.key", "the certificate needs its key", has_identity && self.key.is_none()),
            ("registry.etcd.user", "the password needs a user", self.password_file.is_some() && self.user.is_none()),
            ("registry.etcd.password_file", "the user needs it", self.user.is_some() && self.password_file.is_none()),
        ];
        missing.into_iter().find(|(_, _, is_missing)| *is_missing).map(|(key, why, _)| (key, why))
    }
}

/// Where the registry's data lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// One file in a folder of this machine.
    Embedded(PathBuf),
    /// An etcd cluster.
    Etcd(Vec<String>),
}

impl FromStr for Store {
    type Err = String;
    fn from_str(text: &str) -> Result<Store, String> {
        if let Some(folder) = text.strip_prefix("embedded:").filter(|f| !f.is_empty()) {
            return Ok(Store::Embedded(folder.into()));
        }
        let members: Vec<String> = match text.strip_prefix("etcd://") {
            Some(list) => list.split(',').map(|m| m.trim().to_owned()).collect(),
            None => Vec::new(),
        };
        let is_endpoint =
            |m: &String| m.rsplit_once(':').is_some_and(|(h, p)| !h.is_empty() && p.parse::<u16>().is_ok());
        if members.is_empty() || !members.iter().all(is_endpoint) {
            return Err(format!("\"{text}\" is neither \"embedded:FOLDER\" nor \"etcd://HOST:PORT,HOST:PORT\""));
        }
        Ok(Store::Etcd(members))
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Store, D::Error> {
        parsed(from)
    }
}

/// The object store of prompts, voicemail and recordings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objects {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket.
    S3(String),
}

impl FromStr for Objects {
    type Err = String;
    fn from_str(text: &str) -> Result<Objects, String> {
        match text.split_once(':') {
            Some(("file", folder)) if !folder.is_empty() => Ok(Objects::Folder(folder.into())),
            Some(("s3", bucket)) if bucket.len() > 2 && bucket.starts_with("//") => Ok(Objects::S3(bucket[2..].into())),
            Some(_) | None => Err(format!("\"{text}\" is neither \"file:FOLDER\" nor \"s3://BUCKET/PREFIX\"")),
        }
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objects::Folder(folder) => write!(f, "file:{}", folder.display()),
            Objects::S3(bucket) => write!(f, "s3://{bucket}"),
        }
    }
}

impl<'de> Deserialize<'de> for Objects {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Objects, D::Error> {
        parsed(from)
    }
}

/// An inclusive range of UDP ports, `"20000-29999"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The first port, 1024 or above.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl FromStr for PortRange {
    type Err = String;
    fn from_str(text: &str) -> Result<PortRange, String> {
        let range = text.split_once('-').and_then(|(first, last)| {
            Some(PortRange { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
        });
        match range {
            Some(range) if range.first >= 1024 && range.last > range.first && range.last - range.first >= 3 => {
                Ok(range)
            }
            Some(_) | None => Err(format!("\"{text}\" is not a range of at least four ports from 1024 up, FIRST-LAST")),
        }
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<PortRange, D::Error> {
        parsed(from)
    }
}

/// A duration such as `"10s"`, `"500ms"`, `"5m"`, `"1h"`.
pub fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u32>() {
        Ok(number) if milliseconds > 0 => Ok(Duration::from_millis(u64::from(number) * milliseconds)),
        Ok(_) | Err(_) => {
            Err(Error::custom(format!("\"{text}\" is not a duration like \"10s\", \"500ms\", \"5m\" or \"1h\"")))
        }
    }
}

/// A list of networks such as `"10.0.0.0/8"`.
pub fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Network>, D::Error> {
    Vec::<String>::deserialize(from)?.iter().map(|text| text.parse().map_err(Error::custom)).collect()
}

/// Whether `text` can stand as a host name: letters, digits, dashes and dots.
pub fn hostname(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// This machine's name, or `node-1` where it has none that can stand in a URI.
pub fn own_hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if hostname(name) { name.to_owned() } else { "node-1".to_owned() }
}

fn parsed<'de, T: FromStr<Err = String>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(Error::custom)
}

/// `media.rtp.forward`
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Forward {
    /// The kernel wherever it can, else the process.
    Kernel,
    /// The process, from sockets.
    Process,
}

/// `media.recording.form`
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum RecordingForm {
    /// PCM of 16 bits.
    Wav,
    /// Opus in Ogg.
    Opus,
}

/// `media.recording.layout`
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum RecordingLayout {
    /// Each side is a channel.
    Stereo,
    /// Both in one.
    Mixed,
}

//! `tandem.toml`: how one process runs. Every key has a default; the defaults are those of `deploy/examples/tandem.toml`.

mod error;
mod values;

pub use error::{ConfigError, good_value};
pub use values::{
    Advertise, Certificate, Etcd, Forward, Listen, Objects, PortRange, RecordingForm, RecordingLayout, Shards, Store,
    Tls,
};

use net::Network;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use values::{duration, hostname, networks};

/// The example that ships with Tandem: its values are the ones that errors hold up as good.
pub const EXAMPLE: &str = include_str!("../deploy/examples/tandem.toml");

/// One process: who it is and how each role runs.
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The member's name, unique in the cluster; default: the host's name.
    pub name: String,
    /// The cluster's public name: the host part of the Contacts that phones see.
    pub cluster: String,
    /// The region that this process serves.
    pub region: String,
    /// Where the sealing keys come from.
    pub keys: Keys,
    /// The proxy role.
    pub proxy: Proxy,
    /// The registry role, and how the other roles reach it.
    pub registry: Registry,
    /// The media role.
    pub media: Media,
    /// Console, metrics and health.
    pub console: Console,
    /// Call records.
    pub records: Records,
    /// Traces.
    pub trace: Trace,
    /// What the file sets for later versions.
    #[serde(skip)]
    later: Vec<String>,
}

/// Where the cluster's keys come from.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// Made at the first start and kept in the store; members fetch theirs.
    Generated,
}

/// `[proxy]`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// Addresses that phones, browsers and carriers reach.
    pub listen: Vec<Listen>,
    /// The cluster-side SIP face, UDP and TCP.
    pub inside: SocketAddr,
    /// What phones are told, first match on the peer's address.
    pub advertise: Vec<Advertise>,
    /// The certificate of TLS and WSS.
    pub certificate: Certificate,
    /// Networks that are never limited or banned.
    #[serde(deserialize_with = "networks")]
    pub exempt: Vec<Network>,
    /// Worker threads.
    pub workers: Shards,
    /// Connections at most, over all stream transports.
    pub connections: usize,
    /// A connection without traffic is closed after this time.
    #[serde(deserialize_with = "duration")]
    pub idle: Duration,
}

/// `[registry]`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// The gRPC address.
    pub listen: SocketAddr,
    /// Where the data lives.
    pub store: Store,
    /// How etcd lets us in.
    pub etcd: Option<Etcd>,
    /// For the roles proxy and media: the registries' addresses.
    pub join: Vec<SocketAddr>,
    /// Mutual TLS between the roles; required off loopback.
    pub tls: Option<Tls>,
    /// The longest time that a binding is granted.
    #[serde(deserialize_with = "duration")]
    pub max_expires: Duration,
    /// The shortest time that a binding is granted; less is answered 423.
    #[serde(deserialize_with = "duration")]
    pub min_expires: Duration,
}

/// `[media]`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// The first shard's SIP address; the others follow upward.
    pub inside: SocketAddr,
    /// Ports and addresses of RTP.
    pub rtp: Rtp,
    /// Shards, one thread each.
    pub shards: Shards,
    /// Where prompts, voicemail and recordings are kept.
    pub objects: Objects,
    /// How calls are recorded.
    pub recording: Recording,
    /// The text-to-speech command.
    pub speech: Speech,
    /// A leg that sends nothing for this time ends its call.
    #[serde(deserialize_with = "duration")]
    pub silence: Duration,
}

/// `media.rtp`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Rtp {
    /// UDP ports, below the kernel's ephemeral range.
    pub ports: PortRange,
    /// What phones are told, first match on the peer's address.
    pub advertise: Vec<Advertise>,
    /// `"kernel"`: RTP is taken by the kernel where it can, else by the process; `"process"`: always by that.
    pub forward: Forward,
}

/// `media.recording`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// `"wav"` or `"opus"`.
    pub form: RecordingForm,
    /// `"stereo"` (a side a channel) or `"mixed"`.
    pub layout: RecordingLayout,
    /// Sound in one file: what a node that dies loses at most.
    #[serde(deserialize_with = "duration")]
    pub segment: Duration,
    /// The folder in which finished files wait until the object store has them.
    pub spool: PathBuf,
    /// Megabytes that wait there at most.
    pub spool_limit: u64,
}

/// `media.speech`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Speech {
    /// Program and arguments; `{language}`, `{voice}`, `{file}` and `{text}` are filled in.
    pub command: Vec<String>,
    /// What stands for `{voice}`: `{language}+f3`, say; empty: the language.
    pub voice: String,
}

/// `[console]`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// HTTP address of `/metrics`, `/live` and `/ready`.
    pub listen: SocketAddr,
}

/// `[records]`
#[derive(Deserialize, Debug, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Records {
    /// Where call records go.
    pub database: String,
}

/// `[trace]`
#[derive(Deserialize, Debug, Clone, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Trace {
    /// An OTLP collector (gRPC); empty: none.
    pub otlp: String,
    /// A HEP server; empty: none.
    pub hep: String,
}

impl Config {
    /// Reads and checks a file; every error names the file, the key and a good value.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|why| ConfigError::Unreadable { file: path.display().to_string(), why })?;
        Config::parse(&path.display().to_string(), &text)
    }

    /// Parses the text of a configuration file; `file` is only used in errors.
    pub fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
        let mut config: Config =
            toml::de::Deserializer::parse(text)
                .map_err(|e| ConfigError::syntax(file, text, &e))
                .and_then(|d| serde_path_to_error::deserialize(d).map_err(|e| ConfigError::key(file, text, &e)))?;
        config.check(file)?;
        config.later = later(text);
        Ok(config)
    }

    /// Keys that the file sets and whose feature this version does not have yet; each is reported once at start.
    pub fn not_yet_in_force(&self) -> &[String] {
        &self.later
    }

    fn check(&self, file: &str) -> Result<(), ConfigError> {
        let wrong = |key: &str, why: String| Err(ConfigError::value(file, key, why));
        if !hostname(&self.name) {
            return wrong("name", format!("\"{}\" is not a name of letters, digits, dots and dashes", self.name));
        }
        if !hostname(&self.cluster) {
            return wrong("cluster", format!("\"{}\" is not a host name", self.cluster));
        }
        if self.proxy.listen.is_empty() {
            return wrong("proxy.listen", "no address to listen on".into());
        }
        if self.registry.min_expires > self.registry.max_expires {
            return wrong("registry.min_expires", "it is longer than registry.max_expires".into());
        }
        if let Some(etcd) = &self.registry.etcd {
            if let Some((key, why)) = etcd.missing() {
                return wrong(key, format!("missing; {why}"));
            }
            if let Store::Embedded(_) = self.registry.store {
                return wrong("registry.etcd", "registry.store names no etcd".into());
            }
        }
        let named = self.media.rtp.advertise.iter().filter_map(|rule| rule.host.as_deref());
        if let Some(name) = named.into_iter().find(|host| host.parse::<std::net::IpAddr>().is_err()) {
            return wrong("media.rtp.advertise", format!("\"{name}\" is no address, which SDP needs"));
        }
        if !(1..=600).contains(&self.media.recording.segment.as_secs()) {
            return wrong("media.recording.segment", "must be from 1s to 10m; \"10s\" is a good value".into());
        }
        if self.media.silence < Duration::from_secs(5) {
            return wrong("media.silence", "below 5s, a pause in speech would end calls".into());
        }
        Ok(())
    }
}

impl Media {
    /// What lies in the default data folder lies in this one instead.
    pub fn move_into(&mut self, data: &Path) {
        let usual = Media::default();
        if self.objects == usual.objects {
            self.objects = Objects::Folder(data.join("objects"));
        }
        if self.recording.spool == usual.recording.spool {
            self.recording.spool = data.join("spool");
        }
    }
}

/// The keys of a file that mean something to later versions only.
fn later(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap_or_default();
    let value = |table_name: &str, key: &str| table.get(table_name)?.get(key)?.as_str().filter(|text| !text.is_empty());
    let mut keys = Vec::new();
    for (table, key) in [("records", "database"), ("trace", "hep")] {
        keys.extend(value(table, key).map(|value| format!("{table}.{key} = \"{value}\"")));
    }
    keys
}

impl Default for Config {
    fn default() -> Config {
        Config {
            name: values::own_hostname(),
            cluster: "demo".into(),
            region: "paris".into(),
            keys: Keys::Generated,
            proxy: Proxy::default(),
            registry: Registry::default(),
            media: Media::default(),
            console: Console::default(),
            records: Records::default(),
            trace: Trace::default(),
            later: Vec::new(),
        }
    }
}

impl Default for Proxy {
    fn default() -> Proxy {
        let listen = [
            "udp://0.0.0.0:5060",
            "tcp://0.0.0.0:5060",
            "tls://0.0.0.0:5061",
            "ws://0.0.0.0:5066",
            "wss://0.0.0.0:5067",
        ];
        Proxy {
            listen: listen.iter().map(|l| l.parse().expect("the defaults are well formed")).collect(),
            inside: ([127, 0, 0, 1], 5080).into(),
            advertise: vec![Advertise::automatic()],
            certificate: Certificate::Generated,
            exempt: vec![Network { address: [127, 0, 0, 0].into(), prefix: 8 }],
            workers: Shards::Auto,
            connections: 100_000,
            // Phones refresh a flow at least this often (RFC 5626 §4.4.1 recommends 840–960 s over TCP).
            idle: Duration::from_secs(1200),
        }
    }
}

impl Default for Registry {
    fn default() -> Registry {
        Registry {
            listen: ([127, 0, 0, 1], 7400).into(),
            store: Store::Embedded("tandem-data".into()),
            etcd: None,
            join: Vec::new(),
            tls: None,
            max_expires: Duration::from_secs(3600),
            min_expires: Duration::from_secs(60),
        }
    }
}

impl Default for Media {
    fn default() -> Media {
        let command = ["espeak-ng", "-v", "{language}", "-w", "{file}", "{text}"];
        Media {
            inside: ([127, 0, 0, 1], 5090).into(),
            rtp: Rtp::default(),
            shards: Shards::Auto,
            objects: Objects::Folder("tandem-data/objects".into()),
            recording: Recording::default(),
            speech: Speech { command: command.map(String::from).to_vec(), voice: String::new() },
            silence: Duration::from_secs(60),
        }
    }
}

impl Default for Recording {
    fn default() -> Recording {
        Recording {
            form: RecordingForm::Wav,
            layout: RecordingLayout::Stereo,
            segment: Duration::from_secs(10),
            spool: "tandem-data/spool".into(),
            spool_limit: 1024,
        }
    }
}

impl Default for Rtp {
    fn default() -> Rtp {
        Rtp {
            ports: PortRange { first: 20000, last: 29999 },
            advertise: vec![Advertise::automatic()],
            forward: Forward::Kernel,
        }
    }
}

impl Default for Speech {
    fn default() -> Speech {
        Media::default().speech
    }
}

impl Default for Console {
    fn default() -> Console {
        Console { listen: ([127, 0, 0, 1], 8080).into() }
    }
}

impl Default for Records {
    fn default() -> Records {
        Records { database: "sqlite:tandem-data/records.db".into() }
    }
}

#[cfg(test)]
mod tests;

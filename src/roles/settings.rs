//! From `tandem.toml` to what each role is started with.

use super::{etcd, tls};
use crate::config::{Advertise, Certificate, Config, Forward, Objects, RecordingForm, RecordingLayout, Store};
use crate::exit::Failure;
use registry::{StartError, StoreConfig};
use std::path::PathBuf;

pub fn registry(config: &Config) -> Result<registry::Config, Failure> {
    Ok(registry::Config {
        name: config.name.clone(),
        region: config.region.clone(),
        listen: config.registry.listen,
        store: match &config.registry.store {
            Store::Embedded(folder) => StoreConfig::Embedded(folder.clone()),
            Store::Etcd(endpoints) => StoreConfig::Etcd(etcd::read(endpoints, config.registry.etcd.as_ref())?),
        },
        tls: config.registry.tls.as_ref().map(tls::read).transpose()?,
        bundle: tls::bundle(config),
        bindings: registry::bindings::Settings {
            min_expires: config.registry.min_expires.as_secs() as u32,
            max_expires: config.registry.max_expires.as_secs() as u32,
        },
        periods: Default::default(),
        demo: Some(proto::directory::DEMO),
    })
}

/// None of it is the configuration's fault: that was checked before.
pub fn registry_failure(why: &StartError) -> Failure {
    Failure::Operation(why.to_string())
}

pub fn proxy(config: &Config, remembered: usize) -> proxy::Config {
    let listen =
        config.proxy.listen.iter().map(|l| proxy::Listen { transport: l.transport, address: l.address }).collect();
    let mut settings = proxy::Config::new(&config.name, &config.cluster, &config.region, listen, config.proxy.inside);
    settings.advertise = config
        .proxy
        .advertise
        .iter()
        .map(|Advertise { to, host }| proxy::Advertise { to: *to, host: host.clone() })
        .collect();
    settings.certificate = match &config.proxy.certificate {
        Certificate::Generated => proxy::Certificate::Generated,
        Certificate::Files { chain, key } => proxy::Certificate::Files { chain: chain.clone(), key: key.clone() },
    };
    settings.workers = config.proxy.workers.count();
    settings.remembered = remembered;
    settings.limits.exempt = config.proxy.exempt.clone();
    settings.connections.total = config.proxy.connections;
    settings.connections.idle = config.proxy.idle;
    settings
}

pub fn node(config: &Config) -> node::Config {
    let ports = config.media.rtp.ports;
    let objects = match &config.media.objects {
        Objects::Folder(folder) => folder.clone(),
        Objects::S3(_) => PathBuf::from("tandem-data/objects"),
    };
    node::Config {
        name: config.name.clone(),
        region: config.region.clone(),
        cluster: config.cluster.clone(),
        inside: config.media.inside,
        shards: config.media.shards.count(),
        rtp: node::Rtp {
            ports: ports.first..=ports.last,
            advertise: config
                .media
                .rtp
                .advertise
                .iter()
                .map(|Advertise { to, host }| node::Advertise {
                    to: *to,
                    host: host.as_deref().and_then(|host| host.parse().ok()),
                })
                .collect(),
            forward: match config.media.rtp.forward {
                Forward::Kernel => node::Forward::Kernel,
                Forward::Process => node::Forward::Process,
            },
            ..node::Rtp::default()
        },
        silence: config.media.silence,
        prompts: objects.join("prompts"),
        speech: config.media.speech.command.clone(),
        voice: config.media.speech.voice.clone(),
        spoken: objects.join("speech"),
        recording: node::Recording {
            objects: config.media.objects.to_string(),
            // Two nodes of one machine have two.
            spool: config.media.recording.spool.join(&config.name),
            spool_bytes: config.media.recording.spool_limit << 20,
            form: match config.media.recording.form {
                RecordingForm::Wav => node::Form::Wav,
                RecordingForm::Opus => node::Form::Opus,
            },
            layout: match config.media.recording.layout {
                RecordingLayout::Stereo => node::Layout::Stereo,
                RecordingLayout::Mixed => node::Layout::Mixed,
            },
            segment: config.media.recording.segment,
        },
        ..node::Config::default()
    }
}

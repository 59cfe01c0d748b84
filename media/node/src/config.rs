//! What a media node is told at its start.

use crate::advertise::Advertise;
use call::{Limits, ReferPolicy};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use storage::{Form, Layout};

/// One media node.
#[derive(Debug, Clone)]
pub struct Config {
    /// The member's name, as `get calls` shows it.
    pub name: String,
    /// The region that it serves.
    pub region: String,
    /// The cluster's public name, the host of every Contact.
    pub cluster: String,
    /// SIP of shard 0, UDP and TCP; shard k listens on the port + k. With port 0 the kernel chooses each.
    pub inside: SocketAddr,
    /// Shards, 1–64, one thread each.
    pub shards: usize,
    /// Ports and addresses of media.
    pub rtp: Rtp,
    /// A phone that should send and has been silent for this time ends its call.
    pub silence: Duration,
    /// The folder with prompts.
    pub prompts: PathBuf,
    /// Speech synthesis: program and arguments, in which `{language}`, `{voice}`, `{file}` and `{text}` are filled in. Empty: none.
    pub speech: Vec<String>,
    /// What stands for `{voice}`; `{language}` in it is filled in. Empty: the language.
    pub voice: String,
    /// The folder where spoken texts are kept.
    pub spoken: PathBuf,
    /// How calls are recorded.
    pub recording: Recording,
    /// What a REFER in a call is answered with.
    pub refer: ReferPolicy,
    /// Bounds of each shard.
    pub limits: Limits,
}

/// `media.objects` and `media.recording`
#[derive(Debug, Clone)]
pub struct Recording {
    /// Where recordings go: `file:FOLDER` or `s3://BUCKET/PREFIX`.
    pub objects: String,
    /// The folder in which finished segments wait for it; of this process alone.
    pub spool: PathBuf,
    /// Bytes that wait there at most.
    pub spool_bytes: u64,
    /// The kind of file.
    pub form: Form,
    /// What becomes of the two sides of a call.
    pub layout: Layout,
    /// Sound in one file, 1–600 s.
    pub segment: Duration,
}

/// `media.rtp`
#[derive(Debug, Clone)]
pub struct Rtp {
    /// UDP ports for all shards together. Outside the kernel's ephemeral range nobody else takes one by chance.
    pub ports: RangeInclusive<u16>,
    /// What phones are told, first match on the peer's address.
    pub advertise: Vec<Advertise>,
    /// How long a pair stays unused after a call at the least, so that the next one does not hear the last one's late packets. The pair
    /// that has rested longest is always taken first: with few calls a second, pairs rest for minutes.
    pub rest: Duration,
    /// Who takes RTP that arrives.
    pub forward: Forward,
}

/// `media.rtp.forward`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The kernel where it can (eBPF, Linux 6.6, IPv4, with the rights to it), which forwards what just passes and lays the rest into shared
    /// memory; else the process.
    Kernel,
    /// The process, from sockets.
    Process,
}

impl Default for Config {
    /// One shard on loopback.
    fn default() -> Config {
        Config {
            name: "node-1".to_owned(),
            region: "default".to_owned(),
            cluster: "tandem.local".to_owned(),
            inside: SocketAddr::from(([127, 0, 0, 1], 5090)),
            shards: 1,
            rtp: Rtp::default(),
            // Longer than any pause that a phone makes by itself; RTCP, due every 5 s, counts as a sign of life too.
            silence: Duration::from_secs(60),
            prompts: PathBuf::from("tandem-data/objects/prompts"),
            speech: ["espeak-ng", "-v", "{language}", "-w", "{file}", "{text}"].map(str::to_owned).to_vec(),
            voice: String::new(),
            spoken: PathBuf::from("tandem-data/objects/speech"),
            recording: Recording::default(),
            refer: ReferPolicy::Refuse,
            limits: Limits::default(),
        }
    }
}

impl Default for Recording {
    fn default() -> Recording {
        Recording {
            objects: "file:tandem-data/objects".to_owned(),
            spool: PathBuf::from("tandem-data/spool"),
            // 9 hours of one call in stereo.
            spool_bytes: 1 << 30,
            form: Form::Wav,
            layout: Layout::Stereo,
            segment: Duration::from_secs(10),
        }
    }
}

impl Default for Rtp {
    fn default() -> Rtp {
        Rtp { ports: 20_000..=29_999, advertise: Vec::new(), rest: Duration::from_secs(2), forward: Forward::Kernel }
    }
}

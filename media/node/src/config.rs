//! What a media node is told at its start.

use crate::advertise::Advertise;
use call::{Limits, ReferPolicy};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

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
    /// What a REFER in a call is answered with.
    pub refer: ReferPolicy,
    /// Bounds of each shard.
    pub limits: Limits,
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
            refer: ReferPolicy::Refuse,
            limits: Limits::default(),
        }
    }
}

impl Default for Rtp {
    fn default() -> Rtp {
        Rtp { ports: 20_000..=29_999, advertise: Vec::new(), rest: Duration::from_secs(2) }
    }
}

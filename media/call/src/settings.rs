//! What a shard is told once, at its start.

use codec::Library;
use sip::timer::Timers;
use sip::token::ShardId;
use std::net::SocketAddr;
use std::time::Duration;

/// Identity and policy of one shard.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which shard this is; part of every Call-ID and tag that it mints.
    pub id: ShardId,
    /// The node's name, as `get calls` shows it.
    pub node: String,
    /// The region whose proxies and shards it works with.
    pub region: String,
    /// Where its SIP is reached inside the cluster, over UDP and TCP.
    pub address: SocketAddr,
    /// The cluster's public name: the host of every Contact.
    pub cluster: String,
    /// RFC 3261 timers.
    pub timers: Timers,
    /// Session-Expires that this side asks for (RFC 4028); at least `min_session`.
    pub session: Duration,
    /// The smallest Session-Expires taken; at least 90 s (RFC 4028 §5).
    pub min_session: Duration,
    /// How long a registry may think before the shard uses what it knows itself.
    pub locate_patience: Duration,
    /// How long one flow of a phone may give no sign at all before the phone's next one is tried (RFC 5626 §5.3).
    pub flow_patience: Duration,
    /// Who may send the other side elsewhere.
    pub refer: ReferPolicy,
    /// Codecs that are there beside our own.
    pub library: Library,
    /// What is refused.
    pub limits: Limits,
}

/// What a REFER in a call is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferPolicy {
    /// 403.
    Refuse,
    /// Passed on when Refer-To is in a domain of the directory and names no other dialog, else 403.
    OwnDomains,
}

/// Bounds that keep one call, or all of them, from taking what others need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls at once; one more is answered 503 with Retry-After.
    pub calls: usize,
    /// Phones that ring at once for one call; further bindings are left out.
    pub forks: usize,
    /// Redirects and forwards that one call follows.
    pub redirects: usize,
    /// Media streams of one leg; an offer with more is answered 488.
    pub streams: usize,
    /// Bytes of one header value that is passed on; a longer one is dropped.
    pub header: usize,
    /// Users whose last known bindings are remembered for when no registry answers.
    pub remembered: usize,
}

impl Settings {
    /// The defaults for this shard at this address.
    pub fn new(id: ShardId, address: SocketAddr) -> Settings {
        Settings {
            id,
            node: String::new(),
            region: String::new(),
            address,
            cluster: "tandem.invalid".to_owned(),
            timers: Timers::default(),
            session: Duration::from_secs(1800),
            min_session: Duration::from_secs(90),
            locate_patience: Duration::from_secs(3),
            flow_patience: Duration::from_secs(4),
            refer: ReferPolicy::Refuse,
            library: Library::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { calls: 10_000, forks: 16, redirects: 5, streams: 4, header: 1024, remembered: 20_000 }
    }
}

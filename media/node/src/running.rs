//! From a configuration to running shards, and to their end.

use crate::config::{Config, Forward, Recording};
use crate::inside::Inside;
use crate::kernel::Programs;
use crate::meters::Meters;
use crate::plane::{self, Plane, Recorder};
use crate::ports::Ports;
use crate::prompts::{Prompts, Speech};
use crate::shard::{self, Post, Shard, Wish};
use net::Epoll;
use proto::registrar::Registrar;
use proto::reports::CallReports;
use proto::rooms::RoomOrders;
use proto::view::View;
use sip::token::ShardId;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use storage::{Objects, Recordings};

/// A node that has its addresses and does not answer yet.
pub struct Bound {
    config: Config,
    inside: Vec<(SocketAddr, Inside)>,
}

/// A node at work.
pub struct Running {
    addresses: Vec<SocketAddr>,
    shards: Vec<(Post, JoinHandle<()>)>,
    recordings: Option<Recordings>,
}

/// How a [`Running::drain`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call ended by itself.
    Idle,
    /// So many calls were still up at the deadline and were hung up.
    Cut(usize),
}

/// Why a node does not start. Each names the key of the configuration to look at.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address of a shard cannot be had.
    #[error("bind [media.inside] {0}: {1}; a free address of this machine such as \"127.0.0.1:5090\" is a good value")]
    Inside(SocketAddr, io::Error),
    /// Proxies could not answer to it.
    #[error("[media.inside] {0} is no address that proxies can send to; \"127.0.0.1:5090\" is a good value")]
    Anywhere(SocketAddr),
    /// Too few ports for a single call on each shard.
    #[error("[media.rtp.ports] {0}-{1} has no four ports for each of {2} shards; \"20000-29999\" is a good value")]
    Ports(u16, u16, usize),
    /// A rule tells hosts of one family an address of the other.
    #[error("[media.rtp.advertise] tells {0} the address {1}, which is of another family")]
    Family(net::Network, std::net::IpAddr),
    /// There is no such object store.
    #[error(transparent)]
    Objects(#[from] storage::OpenError),
    /// The machine gives no thread, descriptor or randomness.
    #[error("media node: {0}")]
    Machine(#[from] io::Error),
    /// The node has not joined its cluster, so that its calls would have no name.
    #[error("the media node has no member id yet")]
    NoId,
}

/// Takes the addresses of `config`, so that what cannot work is known before the cluster hears of this node.
pub fn bind(config: Config) -> Result<Bound, StartError> {
    check(&config)?;
    let mut inside = Vec::new();
    for index in 0..config.shards.clamp(1, MAX_SHARDS) {
        let mut address = config.inside;
        if address.port() != 0 {
            address.set_port(address.port().saturating_add(index as u16));
        }
        let failed = |error| StartError::Inside(address, error);
        let bound = Inside::bind(address).map_err(failed)?;
        inside.push((bound.address().map_err(failed)?, bound));
    }
    Ok(Bound { config, inside })
}

/// [`bind`] and [`Bound::start`] in one, for a node that has its id already.
pub fn start(
    config: Config,
    view: Arc<View>,
    registrar: Arc<dyn Registrar>,
    reports: Arc<CallReports>,
    rooms: &RoomOrders,
) -> Result<Running, StartError> {
    bind(config)?.start(view, registrar, reports, rooms)
}

fn check(config: &Config) -> Result<(), StartError> {
    if config.inside.ip().is_unspecified() {
        return Err(StartError::Anywhere(config.inside));
    }
    let ports = &config.rtp.ports;
    if ports.len() < 5 * config.shards {
        return Err(StartError::Ports(*ports.start(), *ports.end(), config.shards));
    }
    for rule in &config.rtp.advertise {
        if let Some(host) = rule.host
            && host.is_ipv4() != rule.to.address.is_ipv4()
        {
            return Err(StartError::Family(rule.to, host));
        }
    }
    if let Ok(ephemeral) = net::ephemeral_ports()
        && ports.start() <= ephemeral.end()
        && ephemeral.start() <= ports.end()
    {
        tracing::warn!(
            ports = ?ports,
            ephemeral = ?ephemeral,
            "[media.rtp.ports] overlaps the kernel's ephemeral ports: other programs will hold some of them now and then; \
             choose ports below, or set net.ipv4.ip_local_port_range"
        );
    }
    Ok(())
}

impl Bound {
    /// SIP of each shard.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.inside.iter().map(|(address, _)| *address).collect()
    }

    /// Starts the shards, which attend to `rooms` from then on.
    pub fn start(
        self,
        view: Arc<View>,
        registrar: Arc<dyn Registrar>,
        reports: Arc<CallReports>,
        rooms: &RoomOrders,
    ) -> Result<Running, StartError> {
        let addresses = self.addresses();
        let Bound { config, inside } = self;
        let node = view.id().ok_or(StartError::NoId)?;
        let files = net::raise_nofile_limit()?;
        tracing::info!(shards = inside.len(), files, ports = ?config.rtp.ports, "media node starts");
        let speech =
            Speech { command: config.speech.clone(), voice: config.voice.clone(), folder: config.spoken.clone() };
        let prompts = Prompts::start(config.prompts.clone(), speech)?;
        let count = inside.len();
        let identity = dtls::Identity::generate().map_err(io::Error::other)?;
        let identity = Arc::new(identity);
        let library = g729::load().unwrap_or_else(|absent| {
            tracing::debug!(%absent, "calls have no G.729");
            codec::Library::default()
        });
        let recorder = recorder(&config.recording)?;
        let recordings = recorder.as_ref().map(|recorder| recorder.recordings.clone());
        let programs = match config.rtp.forward {
            Forward::Kernel => Programs::load(count as u32, &config.rtp.ports)?,
            Forward::Process => None,
        };
        let mut running = Running { addresses, shards: Vec::new(), recordings: recordings.clone() };
        for (index, (address, inside)) in inside.into_iter().enumerate() {
            let (now, epoll) = (Instant::now(), Arc::new(Epoll::new()?));
            inside.watch(&epoll)?;
            let seed = || getrandom::u64().map_err(io::Error::from);
            let ports = Ports::share(&config.rtp.ports, index, count, config.rtp.rest, seed()?);
            let media = plane::Settings {
                advertise: config.rtp.advertise.clone(),
                silence: config.silence,
                seed: seed()?,
                identity: identity.clone(),
                library: library.clone(),
                recorder: recorder.clone(),
            };
            let settings = call::Settings {
                node: config.name.clone(),
                region: config.region.clone(),
                cluster: config.cluster.clone(),
                refer: config.refer,
                limits: config.limits,
                library: library.clone(),
                ..call::Settings::new(ShardId { node, shard: index as u8 }, address)
            };
            let kernel = programs.as_ref().map(|programs| programs.of_shard(index as u32)).transpose()?;
            let shard = Shard {
                plane: Plane::new(now, epoll.clone(), ports, &media, kernel),
                calls: call::Shard::new(settings, view.clone(), seed()?),
                mailbox: shard::mailbox(&epoll),
                registrar: registrar.clone(),
                prompts: prompts.clone(),
                reports: reports.clone(),
                // They are one thing of all shards.
                meters: Meters::new(index, recordings.clone().filter(|_| index == 0)),
                ordered: BTreeMap::new(),
                orders: 0,
                spans: HashMap::new(),
                epoll,
                inside,
            };
            let post = shard.mailbox.post();
            let orders = post.clone();
            rooms.attend(move |order, share| orders.order(order, share));
            let thread = std::thread::Builder::new().name(format!("media-{index}")).spawn(move || shard.run())?;
            running.shards.push((post, thread));
        }
        Ok(running)
    }
}

impl Running {
    /// SIP of each shard.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Calls that live.
    pub fn calls(&self) -> usize {
        self.shards.iter().map(|(post, _)| post.calls()).sum()
    }

    /// Are all shards at work? One that has ended by itself has told the log why.
    pub fn is_healthy(&self) -> bool {
        self.shards.iter().all(|(_, thread)| !thread.is_finished())
    }

    /// Refuses new calls, waits for the live ones to end, up to `patience`, then ends. Blocks.
    pub fn drain(self, patience: Duration) -> Drained {
        let deadline = Instant::now() + patience;
        self.shards.iter().for_each(|(post, _)| post.wish(Wish::Drain));
        while self.shards.iter().any(|(_, thread)| !thread.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let left = self.shards.iter().filter(|(_, thread)| !thread.is_finished()).map(|(post, _)| post.calls()).sum();
        self.stop();
        if left == 0 { Drained::Idle } else { Drained::Cut(left) }
    }

    /// Hangs up every call and ends, within about a second. Blocks.
    pub fn stop(self) {
        for (post, _) in &self.shards {
            post.wish(Wish::Stop);
        }
        for (_, thread) in self.shards {
            if thread.join().is_err() {
                tracing::error!("a shard had panicked");
            }
        }
        if let Some(recordings) = self.recordings {
            recordings.stop(LAST_SEGMENTS);
        }
    }
}

/// Who keeps recordings. A spool that cannot be used costs the recordings and not the calls.
fn recorder(config: &Recording) -> Result<Option<Recorder>, StartError> {
    let objects = Objects::open(&config.objects)?;
    let settings = storage::Settings {
        spool_bytes: config.spool_bytes,
        segment: config.segment,
        ..storage::Settings::new(objects, config.spool.clone())
    };
    let recordings = Recordings::start(settings);
    let recordings = recordings.inspect_err(|why| tracing::error!(%why, "NOTHING is recorded")).ok();
    Ok(recordings.map(|recordings| Recorder { recordings, form: config.form, layout: config.layout }))
}

const MAX_SHARDS: usize = 64;
/// How long the end of a node waits for the store to take what was recorded last; the spool keeps the rest.
const LAST_SEGMENTS: Duration = Duration::from_secs(5);

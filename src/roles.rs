//! The roles of one process: which ones run, what they share, and in what order they start and end.

pub mod etcd;
mod settings;
pub mod tls;

use crate::arguments;
use crate::config::{Config, Store};
use crate::console::{Console, Readiness};
use crate::exit::Failure;
use crate::{logging, welcome};
use proto::client::{self, RemoteRegistrar};
use proto::registrar::Registrar;
use proto::reports::CallReports;
use proto::rooms::RoomOrders;
use proto::view::View;
use proto::wire::{Member, Role};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which roles a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All three.
    All,
    /// A proxy.
    Proxy,
    /// A registry.
    Registry,
    /// A media node.
    Media,
}

/// Runs until SIGTERM or Ctrl-C.
pub fn run(which: Which, arguments: &arguments::Role) -> Result<(), Failure> {
    let mut config = match &arguments.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    if let Some(folder) = &arguments.data {
        config.registry.store = Store::Embedded(folder.clone());
        config.media.move_into(folder);
    }
    if matches!(which, Which::Proxy | Which::Media) && config.registry.join.is_empty() {
        return Err(Failure::Configuration(
            "registry.join: a proxy or media node needs the registries' addresses; for example \
             registry.join = [\"10.0.0.1:7400\"]"
                .into(),
        ));
    }
    net::raise_nofile_limit().map_err(|why| Failure::operation("raise the limit on open files", why))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|why| Failure::operation("start the runtime", why))?;
    runtime.block_on(serve(which, &config))
}

async fn serve(which: Which, config: &Config) -> Result<(), Failure> {
    let logging = logging::start(config)?;
    for key in config.not_yet_in_force() {
        tracing::warn!(key, "accepted, but not yet in force in this version");
    }
    let console = Console::install().map_err(|why| Failure::operation("metrics", why))?;
    let console_address = console
        .serve(config.console.listen)
        .await
        .map_err(|why| Failure::operation(format!("console.listen: bind {}", config.console.listen), why))?;
    // The handlers stand before the roles start, so that an early signal ends in order too.
    let mut terminate = signal(SignalKind::terminate()).map_err(|why| Failure::operation("SIGTERM", why))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|why| Failure::operation("SIGINT", why))?;

    let process = tokio::select! {
        started = Process::start(which, config) => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    console.set_ready(Readiness::Runs(process.registry.as_ref().map(|registry| registry.health.clone())));
    if which == Which::All {
        print!("{}", welcome::text(config, &process.view.directory.load(), console_address));
    }
    tracing::info!(name = config.name, ?which, %console_address, "ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending: no new calls, waiting for those that are up");
    console.set_ready(Readiness::Ends);
    process.stop().await;
    logging.stop();
    Ok(())
}

/// What runs in this process.
struct Process {
    view: Arc<View>,
    registry: Option<registry::Running>,
    node: Option<node::Running>,
    proxy: Option<proxy::Running>,
    member: Option<watch::Sender<Member>>,
    /// Says whether the media node can speak.
    voice: Option<JoinHandle<()>>,
    reports: Arc<CallReports>,
    rooms: Arc<RoomOrders>,
}

impl Process {
    /// Starts the roles inside out: whoever is told of a role finds it listening.
    async fn start(which: Which, config: &Config) -> Result<Process, Failure> {
        let (reports, rooms) = (Arc::new(CallReports::default()), Arc::new(RoomOrders::default()));
        match which {
            Which::All | Which::Registry => {
                let registry = registry::start(settings::registry(config)?)
                    .await
                    .map_err(|why| settings::registry_failure(&why))?;
                let view = registry.view.clone();
                let mut process = Process {
                    view,
                    registry: Some(registry),
                    node: None,
                    proxy: None,
                    member: None,
                    voice: None,
                    reports,
                    rooms,
                };
                if which == Which::All {
                    process.start_beside_registry(config).await?;
                }
                Ok(process)
            }
            Which::Proxy | Which::Media => Process::join(which, config, reports, rooms).await,
        }
    }

    /// Media node and proxy in the registry's own process.
    async fn start_beside_registry(&mut self, config: &Config) -> Result<(), Failure> {
        let registry = self.registry.as_mut().expect("started just before");
        let registrar = registry.registrar.clone();
        let joined = |why| Failure::operation("registry.store", why);
        let shards = config.media.shards.count() as u32;
        let (said, says) = watch::channel(member(config, Role::Media, config.media.inside, shards));
        let node_id = registry.join_with(says, self.reports.clone(), self.rooms.clone()).await.map_err(joined)?;
        self.voice = Some(tokio::spawn(say_whether_mute(said, config.media.speech.command.clone())));
        // Node and proxy are two members; each takes its id from the view at its start, the proxy's stays there.
        self.view.own_id.store(node_id, Ordering::Release);
        let (view, reports) = (self.view.clone(), self.reports.clone());
        let node = node::start(settings::node(config), view, registrar.clone(), reports, &self.rooms)
            .map_err(|why| Failure::Operation(why.to_string()))?;
        self.node = Some(node);
        let proxy_id = registry.join(member(config, Role::Proxy, config.proxy.inside, 0)).await.map_err(joined)?;
        self.view.own_id.store(proxy_id, Ordering::Release);
        let proxy = proxy::start(settings::proxy(config, which_cache(Which::All)), self.view.clone(), registrar)
            .map_err(|why| Failure::Operation(why.to_string()))?;
        self.proxy = Some(proxy);
        Ok(())
    }

    /// A proxy or media node on its own: it joins first, since keys, id and directory come from there.
    async fn join(
        which: Which,
        config: &Config,
        reports: Arc<CallReports>,
        rooms: Arc<RoomOrders>,
    ) -> Result<Process, Failure> {
        let tls = config.registry.tls.as_ref().map(tls::read).transpose()?;
        let options =
            client::Options { registries: config.registry.join.clone(), tls: tls.as_ref().map(registry::Tls::client) };
        let view = Arc::new(View::unjoined());
        let (role, inside, shards) = match which {
            Which::Proxy => (Role::Proxy, config.proxy.inside, 0),
            Which::Media | Which::All | Which::Registry => {
                (Role::Media, config.media.inside, config.media.shards.count() as u32)
            }
        };
        let (member, said) = watch::channel(member(config, role, inside, shards));
        let voice = (role == Role::Media)
            .then(|| tokio::spawn(say_whether_mute(member.clone(), config.media.speech.command.clone())));
        tokio::spawn(client::join(options.clone(), said, view.clone(), reports.clone(), rooms.clone()));
        let registrar: Arc<dyn Registrar> = Arc::new(RemoteRegistrar::start(options, view.clone()));
        let mut waited = Duration::ZERO;
        while view.id().is_none() || view.directory.load().generation() == 0 {
            tokio::time::sleep(POLL).await;
            waited += POLL;
            if waited.as_secs() % 10 == 9 && waited.subsec_millis() == 0 {
                tracing::warn!(join = ?config.registry.join, "waiting for a registry");
            }
        }
        let mut process = Process {
            view: view.clone(),
            registry: None,
            node: None,
            proxy: None,
            member: Some(member),
            voice,
            reports: reports.clone(),
            rooms: rooms.clone(),
        };
        match which {
            Which::Proxy => {
                let proxy = proxy::start(settings::proxy(config, which_cache(which)), view, registrar)
                    .map_err(|why| Failure::Operation(why.to_string()))?;
                process.proxy = Some(proxy);
            }
            Which::Media | Which::All | Which::Registry => {
                let node = node::start(settings::node(config), view, registrar, reports, &rooms)
                    .map_err(|why| Failure::Operation(why.to_string()))?;
                process.node = Some(node);
            }
        }
        Ok(process)
    }

    /// Ends the roles outside in: first nothing new comes, then what is there ends.
    async fn stop(self) {
        if let Some(member) = &self.member {
            member.send_modify(|member| member.weight = 0);
        }
        if let Some(node) = self.node {
            let drained = tokio::task::spawn_blocking(move || node.drain(DRAIN)).await;
            tracing::info!(?drained, "media node ended");
        }
        if let Some(proxy) = self.proxy {
            // The workers end before this returns; a panic of theirs has been logged.
            let _ = tokio::task::spawn_blocking(move || proxy.stop()).await;
        }
        if let Some(voice) = self.voice {
            // It would keep the membership alive; there is nothing to learn from its end.
            voice.abort();
            let _ = voice.await;
        }
        drop(self.member);
        if let Some(registry) = self.registry {
            registry.stop().await;
        }
    }
}

/// Where the registry runs in the same process, its own memory serves and nothing has to be remembered twice.
fn which_cache(which: Which) -> usize {
    match which {
        Which::All => 0,
        Which::Proxy | Which::Registry | Which::Media => 262_144,
    }
}

fn member(config: &Config, role: Role, inside: SocketAddr, shards: u32) -> Member {
    let mute = match role {
        Role::Media => node::why_mute(&config.media.speech.command).unwrap_or_default(),
        Role::Proxy | Role::Registry | Role::Unknown => String::new(),
    };
    Member {
        mute,
        name: config.name.clone(),
        role: role.into(),
        region: config.region.clone(),
        inside: inside.to_string(),
        shards,
        weight: 100,
        version: env!("CARGO_PKG_VERSION").into(),
        ..Member::default()
    }
}

/// Keeps what a media node says of its voice true: whoever has installed the program need not restart anything.
async fn say_whether_mute(member: watch::Sender<Member>, command: Vec<String>) {
    while !member.is_closed() {
        tokio::time::sleep(VOICE).await;
        let now = node::why_mute(&command).unwrap_or_default();
        member.send_if_modified(|member| std::mem::replace(&mut member.mute, now.clone()) != now);
    }
}

const POLL: Duration = Duration::from_millis(50);
/// How often a media node looks whether its speech command has come or gone.
const VOICE: Duration = Duration::from_secs(2);
/// How long calls that are up may go on after SIGTERM.
const DRAIN: Duration = Duration::from_secs(5);

//! The registry role of one process, from its configuration to its end.

mod local;

use crate::bindings::{self, Bindings, Ring};
use crate::calls::Calls;
use crate::directory::{Change, DirectoryError, DirectoryOwner};
use crate::health::Health;
use crate::keys::{self, Periods};
use crate::members::{EPOCH, Members, Snapshot, unix_seconds};
use crate::rooms::Rooms;
use crate::service::{ClusterService, DirectoryService, RegistrarService};
use crate::store::{Embedded, Etcd, Shared, StoreError, etcd};
use crate::tls::{self, Tls};
use local::LocalMembers;
use proto::client;
use proto::membership::Membership;
use proto::registrar::Registrar;
use proto::reports::CallReports;
use proto::rooms::RoomOrders;
use proto::view::View;
use proto::wire::{
    Member, Role, SourceFile, cluster_server::ClusterServer, directory_server::DirectoryServer,
    registrar_server::RegistrarServer,
};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::Server;

/// How the registry role runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The member's name, unique in the cluster.
    pub name: String,
    /// The region that it serves.
    pub region: String,
    /// The gRPC address.
    pub listen: SocketAddr,
    /// Where the data lives.
    pub store: StoreConfig,
    /// Mutual TLS between the roles; `None`: plain text on loopback, certificates of the cluster's own authority elsewhere.
    pub tls: Option<Tls>,
    /// Where the certificate goes that the cluster's own authority makes for proxies and media nodes.
    pub bundle: PathBuf,
    /// What phones are granted.
    pub bindings: bindings::Settings,
    /// How long keys seal.
    pub periods: Periods,
    /// A directory file to load into an empty store.
    pub demo: Option<&'static str>,
}

/// Where the data lives.
#[derive(Debug, Clone)]
pub enum StoreConfig {
    /// One file in this folder.
    Embedded(PathBuf),
    /// An etcd cluster.
    Etcd(etcd::Options),
}

/// Why the registry does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `registry.store`
    #[error("registry.store: {0}")]
    Store(#[from] StoreError),
    /// `registry.store`
    #[error("registry.store: {0}")]
    Directory(#[from] DirectoryError),
    /// `registry.listen`
    #[error("registry.listen: {address}: {why}; is another tandem running? choose another port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's reason.
        why: std::io::Error,
    },
    /// `registry.tls`
    #[error("registry.tls: {0}")]
    Tls(tonic::transport::Error),
    /// The bundle for other members.
    #[error("{path} cannot be written: {why}; make the folder writable, or configure registry.tls")]
    Bundle {
        /// The file.
        path: String,
        /// The operating system's reason.
        why: std::io::Error,
    },
}

/// A registry that runs.
pub struct Running {
    /// Answers REGISTER and locate questions.
    pub registrar: Arc<dyn Registrar>,
    /// The snapshots that the other roles of this process use.
    pub view: Arc<View>,
    /// The gRPC address.
    pub address: SocketAddr,
    /// Whether the store takes what the registry is told.
    pub health: Arc<Health>,
    own_id: u16,
    local: LocalMembers,
    tasks: Vec<JoinHandle<()>>,
}

/// Opens the store, reads or makes directory and keys, joins the cluster, and serves.
///
/// # Errors
/// [`StartError`] names the configuration key that is at fault.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let bind = |why| StartError::Listen { address: config.listen, why };
    let listener = TcpListener::bind(config.listen).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let store: Shared = match &config.store {
        StoreConfig::Embedded(folder) => Arc::new(Embedded::open(folder)?),
        StoreConfig::Etcd(options) => Arc::new(Etcd::connect(options).await?),
    };
    let health = Arc::new(Health::of(&store));
    let tls = certificates(&config, &store).await?;
    let rings = keys::read_or_create(&store, unix_seconds()).await?;
    let (rings, gruu) = proto::keys::from_wire(&rings)
        .ok_or_else(|| StoreError::Refused("its keys are incomplete; delete `keys` to have new ones made".into()))?;
    let view = Arc::new(View::new(rings, gruu));
    let members = Members::open(store.clone(), view.clone(), config.periods).await?;
    let directory = DirectoryOwner::open(store.clone(), view.clone()).await?;
    if let Some(demo) = config.demo
        && directory.is_new().await?
    {
        load_demo(&directory, demo).await?;
    }
    let calls = Arc::new(Calls::default());
    let rooms = Arc::new(Rooms::default());
    let mut local = LocalMembers::new(members.clone(), calls.clone(), rooms.clone(), view.clone());
    let own_id = local
        .join(Member {
            name: config.name.clone(),
            role: Role::Registry.into(),
            region: config.region.clone(),
            inside: address.to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..Member::default()
        })
        .await?;
    let mut tasks = vec![tokio::spawn(members.clone().follow()), tokio::spawn(directory.clone().follow())];
    let bindings = start_bindings(&config, store, &view, &members, own_id, &mut tasks).await?;
    let registrar: Arc<dyn Registrar> = Arc::new(bindings.clone());
    let peers = client::Options { registries: Vec::new(), tls: tls.as_ref().map(Tls::client) };
    let cluster =
        ClusterService { members: members.clone(), calls, rooms, bindings, view: view.clone(), peers, own_id };
    let mut server = Server::builder().tcp_nodelay(true);
    if let Some(tls) = &tls {
        server = server.tls_config(tls.server()).map_err(StartError::Tls)?;
    }
    let directory = DirectoryService { owner: directory, members: members.clone(), view: view.clone() };
    let router = server
        .add_service(RegistrarServer::new(RegistrarService { registrar: registrar.clone() }))
        .add_service(ClusterServer::new(cluster).max_decoding_message_size(REPORTS))
        .add_service(DirectoryServer::new(directory).max_decoding_message_size(APPLY_BYTES));
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tasks.push(tokio::spawn(async move {
        if let Err(why) = router.serve_with_incoming(incoming).await {
            tracing::error!(%why, "the gRPC server stopped");
        }
    }));
    Ok(Running { registrar, view, address, health, own_id: own_id as u16, local, tasks })
}

impl Running {
    /// This registry's member id.
    pub fn own_id(&self) -> u16 {
        self.own_id
    }

    /// Makes a role of this process a member; it stays one until [`Running::stop`]. Gives its id.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn join(&mut self, member: Member) -> Result<u32, StoreError> {
        self.local.join(member).await
    }

    /// The same for a media node, which may say something else of itself later, with the calls that it reports and the rooms for
    /// which it takes orders.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn join_with(
        &mut self,
        said: watch::Receiver<Member>,
        reports: Arc<CallReports>,
        rooms: Arc<RoomOrders>,
    ) -> Result<u32, StoreError> {
        self.local.join_with(said, reports, rooms).await
    }

    /// Leaves the cluster in order and closes the store.
    pub async fn stop(self) {
        self.local.leave().await;
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            // An aborted task has let go of the store once it is joined.
            let _ = task.await;
        }
    }
}

/// What this registry shows the other members, and what they are to bring: as configured, else made here, else nothing on loopback.
async fn certificates(config: &Config, store: &Shared) -> Result<Option<Tls>, StartError> {
    if config.tls.is_some() || config.listen.ip().is_loopback() {
        return Ok(config.tls.clone());
    }
    if !config.bundle.exists() {
        let unwritable = |why| StartError::Bundle { path: config.bundle.display().to_string(), why };
        if let Some(folder) = config.bundle.parent() {
            std::fs::create_dir_all(folder).map_err(unwritable)?;
        }
        tls::issue(store).await?.write_bundle(&config.bundle).map_err(unwritable)?;
        let bundle = config.bundle.display();
        tracing::info!(%bundle, "copy this to proxies and media nodes: registry.tls = {{ ca, cert, key }} all name it");
    }
    Ok(Some(tls::issue(store).await?))
}

/// The bindings and the tasks that keep them: alone on the embedded store, or as one of several on etcd.
async fn start_bindings(
    config: &Config,
    store: Shared,
    view: &Arc<View>,
    members: &Arc<Members>,
    own_id: u32,
    tasks: &mut Vec<JoinHandle<()>>,
) -> Result<Bindings, StoreError> {
    let own_id = own_id as u16;
    let bindings = match config.store {
        StoreConfig::Embedded(_) => {
            let bindings = Bindings::new(store, view.clone(), config.bindings, Ring::alone());
            let records = bindings.load().await?;
            tracing::info!(records, "bindings loaded");
            bindings
        }
        StoreConfig::Etcd(_) => {
            let mut snapshots = members.snapshots();
            let first = ring(own_id, &snapshots.borrow_and_update());
            let bindings = Bindings::new(store, view.clone(), config.bindings, first);
            let following = bindings.clone();
            tasks.push(tokio::spawn(async move {
                while snapshots.changed().await.is_ok() {
                    following.set_ring(ring(own_id, &snapshots.borrow_and_update()));
                }
            }));
            tasks.push(tokio::spawn(bindings.clone().follow_notes()));
            tasks.push(tokio::spawn(bindings.clone().sweep_store()));
            bindings
        }
    };
    tasks.push(tokio::spawn(bindings.clone().sweep()));
    Ok(bindings)
}

fn ring(own_id: u16, snapshot: &Snapshot) -> Ring {
    Ring::of(own_id, Arc::new(Membership::from_wire(&snapshot.membership)), EPOCH, snapshot.revision)
}

async fn load_demo(directory: &DirectoryOwner, demo: &'static str) -> Result<(), DirectoryError> {
    let files = [SourceFile { name: "directory.toml".into(), text: demo.into() }];
    match directory.change(move |empty| empty.apply(&files)).await? {
        Change::Applied { generation, .. } => {
            tracing::info!(generation, "the demo directory was loaded into an empty store")
        }
        Change::Rejected(problems) => tracing::error!(?problems, "the demo directory is not valid"),
    }
    Ok(())
}

/// The largest directory that is applied from files; `import` takes more.
/// What a node with some hundred thousand calls says of them when it joins.
const REPORTS: usize = 64 << 20;
const APPLY_BYTES: usize = 256 << 20;

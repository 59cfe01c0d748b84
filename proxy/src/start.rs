//! Starts the workers and ends them.

use crate::config::{Config, Listen};
use crate::edge::{Edge, PassedRegistrations, Settings};
use crate::worker::{CertificateError, Common, Mail, Mailbox, Shared, Sockets, Tls, Worker};
use net::udp::{self, Options};
use net::{Epoll, Share, tcp};
use proto::registrar::Registrar;
use proto::view::View;
use sip::hop::Transport;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Why the proxy does not start; each names the key to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be bound.
    #[error("bind [{key}] {listener}: {why}; {}", hint(.why))]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address as it is configured.
        listener: String,
        /// What the kernel says.
        why: io::Error,
    },
    /// No usable certificate.
    #[error("[proxy.certificate] {0}; give {{ chain = \"fullchain.pem\", key = \"privkey.pem\" }} or \"generated\"")]
    Certificate(#[from] CertificateError),
    /// More listeners than a flow token can tell apart.
    #[error("[proxy.listen] has {0} listeners; 255 are the most")]
    TooManyListeners(usize),
    /// More or fewer workers than a flow token can tell apart.
    #[error("[proxy.workers] is {0}; choose 1 to 64, or \"auto\"")]
    Workers(usize),
    /// The kernel gives no threads or descriptors.
    #[error("cannot start a proxy worker: {0}")]
    Kernel(#[from] io::Error),
}

fn hint(why: &io::Error) -> &'static str {
    match why.kind() {
        ErrorKind::AddrInUse => "is another tandem or Asterisk running? choose another port",
        ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE; choose a port from 1024 up",
        ErrorKind::AddrNotAvailable => "no interface has this address; 0.0.0.0 stands for all",
        _ => "choose another address, such as 0.0.0.0:5060",
    }
}

/// The proxy at work. It stops when this is dropped.
pub struct Running {
    listen: Vec<Listen>,
    inside: SocketAddr,
    mailboxes: Arc<[Mailbox]>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// The public listeners with the ports that they really have, in the order of the configuration.
    pub fn addresses(&self) -> &[Listen] {
        &self.listen
    }

    /// The cluster-side face with the port that it really has.
    pub fn inside(&self) -> SocketAddr {
        self.inside
    }

    /// Accepts no more connections; those there are go on, and so do datagrams.
    pub fn drain(&self) {
        self.tell(|| Mail::Drain);
    }

    /// Sends what is to be sent, closes all connections and returns when every worker has ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.tell(|| Mail::Stop);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a proxy worker had ended by a panic");
            }
        }
    }

    fn tell(&self, mail: impl Fn() -> Mail) {
        for mailbox in self.mailboxes.iter() {
            mailbox.post(mail()).expect("only messages can find a mailbox full");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Binds every address and starts the workers. The view should have keys and this member's id by now: they are in every token.
///
/// # Errors
/// An address or certificate cannot be used; nothing is left running then.
pub fn start(mut config: Config, view: Arc<View>, registrar: Arc<dyn Registrar>) -> Result<Running, StartError> {
    if !(1..=64).contains(&config.workers) {
        return Err(StartError::Workers(config.workers));
    }
    if config.listen.len() > 255 {
        return Err(StartError::TooManyListeners(config.listen.len()));
    }
    for listen in &mut config.listen {
        let taken = |why| StartError::Bind { key: "proxy.listen", listener: listen.to_string(), why };
        listen.address = reserve(listen.transport, listen.address).map_err(taken)?;
    }
    let taken = |why| StartError::Bind { key: "proxy.inside", listener: config.inside.to_string(), why };
    config.inside = reserve_inside(config.inside).map_err(taken)?;
    let tls = if config.listen.iter().any(|listen| listen.transport.is_secure()) {
        Some(Arc::new(Tls::new(&config.certificate, &certified_names(&config, &view))?))
    } else {
        None
    };
    let epolls = (0..config.workers).map(|_| Epoll::new()).collect::<io::Result<Vec<_>>>()?;
    let mailboxes: Arc<[Mailbox]> = epolls.iter().map(|epoll| Mailbox::new(epoll.waker())).collect();
    let shared = Arc::new(Shared::default());
    let passed = Arc::new(PassedRegistrations::new(config.remembered));
    let settings = settings(&config);
    let common = Common { config, view, registrar, tls, shared, mailboxes };
    let seeds = RandomState::new();
    let mut workers = Vec::new();
    for (index, epoll) in epolls.into_iter().enumerate() {
        let sockets = Sockets::bind(&common.config.listen, common.config.inside)?;
        let seed = seeds.hash_one(index);
        let edge = Edge::new(settings.clone(), common.view.clone(), passed.clone(), seed);
        workers.push(Worker::new(index as u8, epoll, sockets, edge, &common, seed)?);
    }
    let mut running = Running {
        listen: common.config.listen,
        inside: common.config.inside,
        mailboxes: common.mailboxes,
        threads: Vec::new(),
    };
    for (index, worker) in workers.into_iter().enumerate() {
        let thread = std::thread::Builder::new().name(format!("proxy-{index}"));
        running.threads.push(thread.spawn(move || worker.run())?);
    }
    Ok(running)
}

fn settings(config: &Config) -> Settings {
    let bound = config.listen.iter().map(|listen| listen.address.ip()).filter(|ip| !ip.is_unspecified());
    let bound = bound.map(|ip| if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() });
    let told = config.advertise.iter().filter_map(|rule| rule.host.clone());
    Settings {
        hosts: bound.chain(told).collect(),
        limits: config.limits.clone(),
        ..Settings::new(&config.name, &config.cluster, &config.region, config.inside)
    }
}

/// The hosts that a generated certificate is for.
fn certified_names(config: &Config, view: &View) -> Vec<String> {
    let directory = view.directory.load();
    let domains = directory.model().domains.iter();
    let domains =
        domains.flat_map(|domain| [&domain.name].into_iter().chain(&domain.aliases)).map(|name| name.to_string());
    let bound = config.listen.iter().map(|listen| listen.address.ip()).filter(|ip| !ip.is_unspecified());
    let told = config.advertise.iter().filter_map(|rule| rule.host.clone());
    let own = [config.cluster.clone(), "localhost".into(), "127.0.0.1".into(), "::1".into()];
    let mut names: Vec<String> =
        own.into_iter().chain(told).chain(domains).chain(bound.map(|ip| ip.to_string())).collect();
    names.sort();
    names.dedup();
    names
}

/// Takes an address for itself alone for a moment: a second process could otherwise share it unnoticed (SO_REUSEPORT), and port 0
/// becomes a number that all workers can bind.
fn reserve(transport: Transport, address: SocketAddr) -> io::Result<SocketAddr> {
    if transport.is_reliable() {
        tcp::listen(address, Share::Exclusive, 1)?.local_addr()
    } else {
        udp::bind(address, &Options::PLAIN)?.local_addr()
    }
}

/// The inside face has one port for UDP and TCP.
fn reserve_inside(address: SocketAddr) -> io::Result<SocketAddr> {
    let mut left = if address.port() == 0 { 16 } else { 1 };
    loop {
        left -= 1;
        let chosen = reserve(Transport::Udp, address)?;
        match reserve(Transport::Tcp, chosen) {
            Ok(chosen) => return Ok(chosen),
            Err(why) if left == 0 => return Err(why),
            Err(_) => {}
        }
    }
}

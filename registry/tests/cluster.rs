//! Three registries on one etcd, and a proxy that is joined to them.

use crate::options;
use proto::client::{self, Options, RemoteRegistrar};
use proto::registrar::{Registrar, Unavailable};
use proto::view::View;
use proto::wire::{self, ContactUpdate, LocateRequest, Member, RegisterRequest, Role};
use registry::{Config, Running, StoreConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Etcd, own_address};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{oneshot, watch};

const USERS: usize = 150;
const LIMIT: Duration = Duration::from_secs(30);

/// A registry in a runtime of its own, which can be made to vanish.
struct Registry {
    runtime: Option<Runtime>,
    running: Running,
}

impl Registry {
    fn start(etcd: &Etcd, name: &str, listen: SocketAddr) -> Registry {
        let config = Config {
            name: name.into(),
            region: "paris".into(),
            listen,
            store: StoreConfig::Etcd(options(etcd)),
            tls: None,
            bundle: Default::default(),
            bindings: registry::bindings::Settings { min_expires: 60, max_expires: 3600 },
            periods: Default::default(),
            demo: Some(Box::leak(directory().into_boxed_str())),
        };
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime.block_on(registry::start(config)).expect("etcd answers");
        Registry { runtime: Some(runtime), running }
    }

    /// Ends it as kill -9 would: no task of it runs any more, nothing says goodbye.
    fn kill(mut self) {
        self.runtime.take().expect("killed once").shutdown_background();
        std::mem::forget(self.running);
    }
}

/// A proxy's side: joined to the registries, with a view that they keep.
struct Proxy {
    view: Arc<View>,
    registrar: RemoteRegistrar,
    _member: watch::Sender<Member>,
}

impl Proxy {
    async fn join(registries: &[SocketAddr]) -> Proxy {
        let options = Options { registries: registries.to_vec(), tls: None };
        let view = Arc::new(View::unjoined());
        let member = Member {
            name: "edge".into(),
            role: Role::Proxy.into(),
            region: "paris".into(),
            inside: format!("{}:5080", own_address()),
            ..Member::default()
        };
        let (sender, member) = watch::channel(member);
        tokio::spawn(client::join(options.clone(), member, view.clone(), Arc::default(), Arc::default()));
        let registrar = RemoteRegistrar::start(options, view.clone());
        Proxy { view, registrar, _member: sender }
    }

    fn registries(&self) -> usize {
        self.view.membership.load().members().iter().filter(|member| member.role == Role::Registry).count()
    }

    async fn register(&self, user: usize, cseq: u32) -> Result<wire::RegisterResponse, Unavailable> {
        let (answer, answered) = oneshot::channel();
        let request = RegisterRequest {
            aor: aor(user),
            call_id: format!("call-{user}"),
            cseq,
            contacts: vec![ContactUpdate { uri: contact(user), expires: 600, ..ContactUpdate::default() }],
            flow: format!("flow-{user}"),
            ..RegisterRequest::default()
        };
        self.registrar.register(request, Box::new(move |response| drop(answer.send(response))));
        answered.await.expect("every question is answered")
    }

    /// A phone: it tries again until it is told 200, as long as a phone does.
    async fn register_until_acknowledged(&self, user: usize, cseq: u32) {
        let begin = Instant::now();
        loop {
            match self.register(user, cseq).await {
                Ok(response) if response.status == 200 => {
                    assert_eq!(response.bindings.len(), 1, "{}", aor(user));
                    return;
                }
                Ok(response) => assert_eq!(response.status, 503, "{}", aor(user)),
                Err(Unavailable) => {}
            }
            assert!(begin.elapsed() < LIMIT, "{} was not registered in {LIMIT:?}", aor(user));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn locate(&self, user: usize) -> Result<wire::LocateResponse, Unavailable> {
        let (answer, answered) = oneshot::channel();
        let request = LocateRequest { aor: aor(user), ..LocateRequest::default() };
        self.registrar.locate(request, Box::new(move |response| drop(answer.send(response))));
        answered.await.expect("every question is answered")
    }

    async fn all_are_found(&self, users: usize) {
        for user in 0..users {
            let found = self.locate(user).await.expect("a registry answers");
            let uris: Vec<&str> = found.bindings.iter().map(|binding| binding.uri.as_str()).collect();
            assert_eq!(uris, [contact(user)], "{}", aor(user));
        }
    }
}

fn aor(user: usize) -> String {
    format!("u{user}@tandem.local")
}

fn contact(user: usize) -> String {
    format!("sip:u{user}@192.0.2.1:{}", 10_000 + user)
}

fn directory() -> String {
    let users =
        (0..USERS).map(|n| format!("[[user]]\nname = \"u{n}\"\ndomain = \"tandem.local\"\npassword = \"pw-u{n}\"\n"));
    "[[domain]]\nname = \"tandem.local\"\n".to_owned() + &users.collect::<String>()
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < LIMIT, "waited {LIMIT:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn three(etcd: &Etcd) -> (Vec<Registry>, Vec<SocketAddr>) {
    let addresses: Vec<SocketAddr> = (0..3).map(|_| SocketAddr::new(own_address(), 7400)).collect();
    let start = |(n, address): (usize, &SocketAddr)| Registry::start(etcd, &format!("registry-{n}"), *address);
    (addresses.iter().enumerate().map(start).collect(), addresses)
}

#[test]
fn of_three_registries_one_dies_and_no_acknowledged_registration_is_lost() {
    let etcd = Etcd::start(1);
    let (mut registries, addresses) = three(&etcd);
    Runtime::new().expect("a runtime").block_on(async {
        let proxy = Proxy::join(&addresses).await;
        eventually("the proxy sees three registries", || proxy.registries() == 3).await;
        eventually("the proxy has the directory", || proxy.view.directory.load().user_count() == USERS).await;
        assert!(proxy.view.id().is_some());
        let before = proxy.view.membership.load().member(registries[1].running.own_id()).cloned();
        for user in 0..USERS {
            proxy.register_until_acknowledged(user, 1).await;
            if user == USERS / 2 {
                let victim = registries.remove(1);
                tokio::task::spawn_blocking(move || victim.kill()).await.expect("no panic");
            }
        }
        proxy.all_are_found(USERS).await;
        eventually("the dead one leaves the membership", || proxy.registries() == 2).await;
        proxy.all_are_found(USERS).await;
        for user in 0..USERS {
            let response = proxy.register(user, 2).await.expect("a registry answers");
            assert_eq!((response.status, response.bindings.len()), (200, 1), "a refresh at whoever owns it now");
        }
        let again = {
            let address = addresses[1];
            let etcd = &etcd;
            tokio::task::block_in_place(|| Registry::start(etcd, "registry-1", address))
        };
        eventually("it comes back", || proxy.registries() == 3).await;
        assert_eq!(before.map(|member| member.id), Some(again.running.own_id()), "under its old id");
        proxy.all_are_found(USERS).await;
        tokio::task::spawn_blocking(move || {
            again.kill();
            registries.into_iter().for_each(Registry::kill);
        })
        .await
        .expect("no panic");
        let kept = proxy.view.membership.load();
        assert!(kept.members().len() >= 3, "with every registry gone the last snapshot stays");
        assert!(proxy.locate(0).await.is_err(), "and who asks is told soon");
    });
}

#[test]
fn the_etcd_leader_dies_and_no_acknowledged_registration_is_lost() {
    let mut etcd = Etcd::start(3);
    let (registries, addresses) = three(&etcd);
    Runtime::new().expect("a runtime").block_on(async {
        let proxy = Proxy::join(&addresses).await;
        eventually("the proxy sees three registries", || proxy.registries() == 3).await;
        eventually("the proxy has the directory", || proxy.view.directory.load().user_count() == USERS).await;
        let leader = etcd.leader();
        for user in 0..USERS {
            if user == USERS / 2 {
                etcd.members[leader].kill();
            }
            proxy.register_until_acknowledged(user, 1).await;
        }
        proxy.all_are_found(USERS).await;
        assert_eq!(proxy.registries(), 3, "no lease was lost");
        tokio::task::spawn_blocking(move || registries.into_iter().for_each(Registry::kill)).await.expect("no panic");
    });
}

#[test]
fn a_directory_applied_at_one_registry_reaches_all_and_their_members() {
    let etcd = Etcd::start(1);
    let (registries, addresses) = three(&etcd);
    Runtime::new().expect("a runtime").block_on(async {
        let proxy = Proxy::join(&addresses[..1]).await;
        eventually("the proxy has the directory", || proxy.view.directory.load().user_count() == USERS).await;
        let channel = Options { registries: vec![], tls: None }.connect(addresses[2]).await.expect("it listens");
        let mut admin = wire::directory_client::DirectoryClient::new(channel);
        let rows = vec![wire::ImportRow { name: "late".into(), password: "late".into(), ..wire::ImportRow::default() }];
        let import = wire::ImportRows { domain: "tandem.local".into(), class: String::new(), rows };
        let applied = admin.import(tokio_stream::iter([import])).await.expect("it is valid").into_inner();
        assert_eq!(applied.problems, []);
        eventually("the proxy has the new user", || proxy.view.directory.load().user("late@tandem.local").is_some())
            .await;
        assert_eq!(proxy.view.directory.load().generation(), applied.generation);
        for registry in &registries {
            eventually("every registry has it", || {
                registry.running.view.directory.load().generation() == applied.generation
            })
            .await;
        }
        let _ = Handle::current();
        tokio::task::spawn_blocking(move || registries.into_iter().for_each(Registry::kill)).await.expect("no panic");
    });
}

//! One registry on its own file: what survives a restart, and who is let in.

use proto::client::{self, Options, RemoteRegistrar};
use proto::directory::DEMO;
use proto::registrar::Registrar;
use proto::reports::{CallReports, ENDED};
use proto::rooms::RoomOrders;
use proto::view::View;
use proto::wire::{
    self, ApplyRequest, BindingsRequest, CallReport, CallsRequest, ContactUpdate, LocateRequest, LocateResponse,
    Member, MembersRequest, Problem, RegisterRequest, RegisterResponse, Role, SourceFile, announcement::Source,
    cluster_client::ClusterClient, directory_client::DirectoryClient, room_order::Order,
};
use registry::store::{Embedded, Shared};
use registry::{Config, Running, StoreConfig, Tls, tls};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Scratch, own_address};
use tokio::sync::{oneshot, watch};

const LIMIT: Duration = Duration::from_secs(20);

fn config(folder: &Path, listen: SocketAddr, tls: Option<Tls>) -> Config {
    Config {
        name: "r".into(),
        region: "paris".into(),
        listen,
        store: StoreConfig::Embedded(folder.to_owned()),
        tls,
        bundle: folder.join("cluster.pem"),
        bindings: registry::bindings::Settings { min_expires: 60, max_expires: 3600 },
        periods: Default::default(),
        demo: Some(DEMO),
    }
}

async fn start(folder: &Path) -> Running {
    registry::start(config(folder, SocketAddr::new(own_address(), 7400), None)).await.expect("nothing is in its way")
}

/// `None` while no registry is reached.
async fn try_register(registrar: &dyn Registrar, user: &str) -> Option<RegisterResponse> {
    let (answer, answered) = oneshot::channel();
    let contact = ContactUpdate { uri: format!("sip:{user}@192.0.2.1"), expires: 600, ..ContactUpdate::default() };
    let request = RegisterRequest {
        aor: format!("{user}@tandem.local"),
        call_id: "c".into(),
        cseq: 1,
        contacts: vec![contact],
        ..RegisterRequest::default()
    };
    registrar.register(request, Box::new(move |response| drop(answer.send(response))));
    answered.await.expect("it is answered").ok()
}

async fn register(registrar: &dyn Registrar, user: &str) -> RegisterResponse {
    try_register(registrar, user).await.expect("the store works")
}

async fn locate(registrar: &dyn Registrar, user: &str) -> LocateResponse {
    let (answer, answered) = oneshot::channel();
    let request = LocateRequest { aor: format!("{user}@tandem.local"), ..LocateRequest::default() };
    registrar.locate(request, Box::new(move |response| drop(answer.send(response))));
    answered.await.expect("it is answered").expect("the store works")
}

async fn eventually<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(begin.elapsed() < LIMIT, "waited {LIMIT:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_bindings_directory_keys_and_ids() {
    let scratch = Scratch::new();
    let mut first = start(scratch.path()).await;
    assert!(first.view.directory.load().user("alice@tandem.local").is_some(), "an empty store gets the demo");
    assert_eq!(register(&*first.registrar, "alice").await.status, 200);
    let media = |name: &str| Member {
        name: name.into(),
        role: Role::Media.into(),
        region: "paris".into(),
        inside: "127.0.0.1:5090".into(),
        shards: 2,
        weight: 100,
        ..Member::default()
    };
    let id = first.join(media("m")).await.expect("the store works");
    let (own_id, branch) = (first.own_id(), format!("{:?}", first.view.gruu.load()));
    let shard =
        eventually("the media node takes calls", async || first.view.membership.load().shard_for("paris", "c")).await;
    assert_eq!(u32::from(shard.node), id);
    first.stop().await;

    let mut second = start(scratch.path()).await;
    assert_eq!(second.own_id(), own_id);
    assert_eq!(locate(&*second.registrar, "alice").await.bindings.len(), 1);
    assert!(!locate(&*second.registrar, "nobody").await.known);
    assert_eq!(format!("{:?}", second.view.gruu.load()), branch);
    assert_eq!(second.join(media("m")).await.expect("the store works"), id, "a name keeps its id");
    let members = second.view.membership.load();
    assert!(members.members().iter().any(|member| member.role == Role::Registry));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_of_a_start_is_named() {
    let scratch = Scratch::new();
    let running = start(scratch.path()).await;
    let address = SocketAddr::new(own_address(), 7400);
    let taken_folder =
        registry::start(config(scratch.path(), address, None)).await.err().expect("the folder is in use");
    assert!(taken_folder.to_string().contains("registry.store"), "{taken_folder}");
    assert!(taken_folder.to_string().contains(&std::process::id().to_string()), "{taken_folder}");
    let other = Scratch::new();
    let taken_port =
        registry::start(config(other.path(), running.address, None)).await.err().expect("the port is taken");
    assert!(taken_port.to_string().contains("registry.listen"), "{taken_port}");
    running.stop().await;
    start(scratch.path()).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_with_a_certificate_join_and_strangers_do_not() {
    let scratch = Scratch::new();
    let (server, member) = {
        let store: Shared = Arc::new(Embedded::open(scratch.path()).expect("a folder"));
        (tls::issue(&store).await.expect("the store works"), tls::issue(&store).await.expect("the store works"))
    };
    let address = SocketAddr::new(own_address(), 7400);
    let running = registry::start(config(scratch.path(), address, Some(server))).await.expect("nothing is in its way");
    let join = |tls: Option<&Tls>| {
        let options = Options { registries: vec![address], tls: tls.map(Tls::client) };
        let (said, member) = watch::channel(Member {
            name: "edge".into(),
            role: Role::Proxy.into(),
            region: "paris".into(),
            inside: "127.0.0.1:5080".into(),
            ..Member::default()
        });
        let (view, reports) = (Arc::new(View::unjoined()), Arc::new(CallReports::default()));
        tokio::spawn(client::join(options.clone(), member, view.clone(), reports, Arc::default()));
        (RemoteRegistrar::start(options, view.clone()), view, said)
    };
    let (_strange, stranger, _said) = join(None);
    let (registrar, view, _member) = join(Some(&member));
    eventually("the member joins", async || view.id()).await;
    eventually("it has the directory", async || view.directory.load().user("bob@tandem.local").map(drop)).await;
    eventually("its stream is open", async || {
        let answer = try_register(&registrar, "bob").await?;
        (answer.status == 200).then_some(())
    })
    .await;
    assert_eq!(locate(&*running.registrar, "bob").await.bindings.len(), 1);
    assert_eq!(stranger.id(), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_refused_as_long_as_no_media_node_can_speak() {
    let scratch = Scratch::new();
    let mut running = start(scratch.path()).await;
    let options = Options { registries: vec![running.address], tls: None };
    let directory = DirectoryClient::new(options.connect(running.address).await.expect("it listens"));
    let problems = async |dry_run: bool| {
        let files = vec![SourceFile { name: "directory.toml".into(), text: DEMO.into() }];
        let request = ApplyRequest { files, dry_run };
        directory.clone().apply(request).await.expect("it answers").into_inner().problems
    };
    assert_eq!(problems(false).await, [], "nobody has said that it cannot speak");

    let media = |name: &str, mute: &str| Member {
        name: name.into(),
        role: Role::Media.into(),
        region: "paris".into(),
        inside: "127.0.0.1:5090".into(),
        shards: 1,
        weight: 100,
        mute: mute.into(),
        ..Member::default()
    };
    let why = "there is no program espeak-ng; install it with: apt-get install espeak-ng";
    let (beside, said) = watch::channel(media("m1", why));
    running.join_with(said, Arc::default(), Arc::default()).await.expect("the store works");
    let (elsewhere, said) = watch::channel(media("m2", "there is no program"));
    let view = Arc::new(View::unjoined());
    let joined = tokio::spawn(client::join(options.clone(), said, view.clone(), Arc::default(), Arc::default()));
    eventually("the other one joins", async || view.id()).await;
    for dry_run in [true, false] {
        let found = problems(dry_run).await;
        let [Problem { file, line, key, message }] = &found[..] else { panic!("{found:?}") };
        let demo_line = DEMO.lines().nth(*line as usize - 1).expect("a line of the demo");
        assert!(demo_line.contains("say:Bonjour"), "{line}: {demo_line}");
        assert_eq!((file.as_str(), key.as_str()), ("directory.toml", "number 9998: to"));
        assert!(message.contains(why), "{message}");
    }

    let can = |sender: &watch::Sender<Member>| sender.send_modify(|member| member.mute.clear());
    let cannot = |sender: &watch::Sender<Member>| sender.send_modify(|member| member.mute = why.to_owned());
    can(&elsewhere);
    eventually("one node's voice is enough", async || problems(true).await.is_empty().then_some(())).await;
    cannot(&elsewhere);
    eventually("it lost its voice", async || (problems(true).await.len() == 1).then_some(())).await;
    can(&beside);
    eventually("the node beside speaks", async || problems(true).await.is_empty().then_some(())).await;
    joined.abort();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_order_reaches_the_rooms_of_nodes_beside_and_elsewhere() {
    let scratch = Scratch::new();
    let mut running = start(scratch.path()).await;
    let media = |name: &str| Member {
        name: name.into(),
        role: Role::Media.into(),
        region: "paris".into(),
        inside: "127.0.0.1:5090".into(),
        shards: 1,
        weight: 100,
        ..Member::default()
    };
    // One shard a node; each has one of the rooms and says so.
    let node = |room: &'static str| {
        let rooms = Arc::new(RoomOrders::default());
        rooms.attend(move |order, share| {
            let is_list = matches!(order.order, Some(Order::List(_)));
            if order.room == room || is_list && order.room.is_empty() {
                let participants = if order.participant == "nobody" { 0 } else { 2 };
                let refused = if order.participant == "deaf" { "it cannot hear".into() } else { String::new() };
                let rooms = vec![wire::Room { name: room.into(), ..wire::Room::default() }];
                let rooms = if is_list { rooms } else { Vec::new() };
                share.answer(wire::RoomAnswer {
                    found: true,
                    participants,
                    refused,
                    rooms,
                    ..wire::RoomAnswer::default()
                });
            }
        });
        rooms
    };
    let said = watch::Sender::new(media("m")).subscribe();
    running.join_with(said, Arc::default(), node("standup")).await.expect("the store works");
    let options = Options { registries: vec![running.address], tls: None };
    let (_member, said) = watch::channel(media("n"));
    let elsewhere =
        tokio::spawn(client::join(options.clone(), said, Arc::new(View::unjoined()), Arc::default(), node("board")));
    let cluster = ClusterClient::new(options.connect(running.address).await.expect("it listens"));
    let ask = async |room: &str, participant: &str, order: Order| {
        let order = wire::RoomOrder { id: 0, room: room.into(), participant: participant.into(), order: Some(order) };
        let request = wire::RoomRequest { order: Some(order), forwarded: false };
        cluster.clone().rooms(request).await.map(tonic::Response::into_inner)
    };
    let rooms = async || {
        let answer = ask("", "", Order::List(wire::ListRooms {})).await.expect("it answers");
        assert!(answer.silent.is_empty(), "{answer:?}");
        let mut names: Vec<String> = answer.rooms.into_iter().map(|room| room.name).collect();
        names.sort();
        (names == ["board", "standup"]).then_some(())
    };
    eventually("both nodes answer", rooms).await;
    for room in ["standup", "board"] {
        assert_eq!(ask(room, "", Order::Lock(true)).await.expect("it is done").participants, 2);
        let said = |why: tonic::Status| why.message().to_owned();
        let refused = |participant: &'static str| ask(room, participant, Order::Mute(true));
        assert_eq!(
            refused("nobody").await.map_err(said),
            Err(format!("nobody is not in {room}; see: tandem get rooms"))
        );
        assert_eq!(refused("deaf").await.map_err(said), Err("it cannot hear".to_owned()));
    }
    let why = ask("8765", "", Order::Lock(true)).await.expect_err("there is none");
    assert!(why.message().starts_with("there is no conference 8765"), "{why}");
    let empty = wire::Announcement { source: Some(Source::Say(" ".into())), ..wire::Announcement::default() };
    let why = ask("standup", "", Order::Announce(empty)).await.expect_err("there is nothing to be said");
    assert_eq!(why.code(), tonic::Code::InvalidArgument);
    elsewhere.abort();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_members_calls_and_bindings() {
    let scratch = Scratch::new();
    let mut running = start(scratch.path()).await;
    let reports = Arc::new(CallReports::default());
    let media = Member {
        name: "m".into(),
        role: Role::Media.into(),
        region: "paris".into(),
        inside: "127.0.0.1:5090".into(),
        shards: 1,
        weight: 100,
        ..Member::default()
    };
    running
        .join_with(watch::Sender::new(media).subscribe(), reports.clone(), Arc::default())
        .await
        .expect("the store works");
    register(&*running.registrar, "alice").await;
    let channel = Options { registries: vec![], tls: None }.connect(running.address).await.expect("it listens");
    let cluster = ClusterClient::new(channel);

    let mut bindings = cluster.clone().bindings(BindingsRequest::default()).await.expect("it answers").into_inner();
    let first = bindings.message().await.expect("it answers").expect("alice is registered");
    assert_eq!((first.aor.as_str(), first.bindings[0].uri.as_str()), ("alice@tandem.local", "sip:alice@192.0.2.1"));
    assert!(bindings.message().await.expect("it answers").is_none());

    let calls = async || {
        let answer = cluster.clone().calls(CallsRequest { forwarded: false }).await.expect("it answers");
        answer.into_inner().calls
    };
    let report = |state: &str| CallReport { id: "c1".into(), state: state.into(), ..CallReport::default() };
    reports.push(report("answered"));
    eventually("the call is shown", async || (calls().await.len() == 1).then_some(())).await;
    reports.push(report(ENDED));
    eventually("it is gone", async || calls().await.is_empty().then_some(())).await;

    let members = cluster.clone().members(MembersRequest {}).await.expect("it answers").into_inner().members;
    let roles: Vec<Role> = members.iter().map(Member::role).collect();
    assert!(roles.contains(&Role::Registry) && roles.contains(&Role::Media), "{roles:?}");
    running.stop().await;
}

//! Which etcd members a registry uses, and how they let it in.

use crate::options;
use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use registry::store::etcd::{Options, Tls};
use registry::store::{Batch, Committed, Etcd, Shared, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Authority, own_address};

const USER: &str = "tandem";
const PASSWORD: &str = "not a secret";

fn user() -> Option<(String, String)> {
    Some((USER.to_owned(), PASSWORD.to_owned()))
}

async fn connect(options: &Options) -> Shared {
    Arc::new(Etcd::connect(options).await.expect("it lets us in"))
}

async fn refusal(options: &Options) -> String {
    Etcd::connect(options).await.err().expect("it does not let us in").to_string()
}

/// Reads, writes, watches and holds a lease.
async fn assert_useful(store: &Shared) {
    let mut watched = store.watch("access/");
    let lease = store.grant(Duration::from_secs(5)).await.expect("a lease");
    assert!(matches!(store.apply(Batch::default().put("access/a", vec![1])).await, Ok(Committed::Yes(_))));
    store.apply(Batch::default().put_under(lease.id, "access/b", vec![2])).await.expect("it answers");
    assert_eq!(store.read("access/a").await.expect("it answers").expect("it is there").value, [1]);
    tokio::time::timeout(LIMIT, watched.changed()).await.expect("told").expect("the store is open");
}

async fn until_it_commits(store: &Shared, what: &str) {
    let begin = Instant::now();
    while let Err(why) = store.apply(Batch::default().put("access/later", vec![])).await {
        assert!(begin.elapsed() < LIMIT, "{what}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_down_at_the_start_is_used_once_it_is_back() {
    for access in [None, user()] {
        let mut etcd = support::Etcd::start(3);
        if access.is_some() {
            etcd.require_password(ConnectOptions::new(), USER, PASSWORD);
        }
        etcd.members[0].kill();
        let two = Options { endpoints: etcd.endpoints()[..2].to_vec(), user: access.clone(), tls: None };
        let store = connect(&two).await;
        assert_useful(&store).await;
        etcd.members[0].restart();
        etcd.wait_until_healthy();
        // The third, which this store knows nothing of, makes the quorum.
        etcd.members[1].kill();
        until_it_commits(&store, "at the member that is back").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_endpoint_of_five_that_answers_is_enough_to_start() {
    let etcd = support::Etcd::start(1);
    let mut options = options(&etcd);
    for _ in 0..4 {
        options.endpoints.insert(0, format!("{}:2379", own_address()));
    }
    assert_useful(&connect(&options).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_asks_for_a_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let etcd = support::Etcd::start_with_certificates(3, &authority);
    let (ca, identity) = (authority.certificate.clone(), Some(authority.issue("registry")));
    let with = |ca: &str, identity| Options { tls: Some(Tls { ca: ca.to_owned(), identity }), ..options(&etcd) };
    assert_useful(&connect(&with(&ca, identity.clone())).await).await;

    let (nothing, strangers, plain) = (with(&ca, None), with(&ca, Some(stranger.issue("registry"))), options(&etcd));
    let impostor = with(&stranger.certificate, identity);
    let (nothing, strangers, plain, impostor) =
        tokio::join!(refusal(&nothing), refusal(&strangers), refusal(&plain), refusal(&impostor));
    for said in [nothing, strangers, plain] {
        assert!(said.contains("give registry.etcd a ca"), "{said}");
    }
    assert!(impostor.contains("invalid peer certificate"), "{impostor}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_asks_for_a_password_over_tls() {
    let authority = Authority::new();
    let mut etcd = support::Etcd::start_with_certificates(3, &authority);
    let (ca, (certificate, key)) = (authority.certificate.clone(), authority.issue("registry"));
    let tls =
        TlsOptions::new().ca_certificate(Certificate::from_pem(&ca)).identity(Identity::from_pem(&certificate, &key));
    let root = ConnectOptions::new().with_tls(tls);
    let tls = Some(Tls { ca, identity: Some((certificate, key)) });
    let with = |user| Options { tls: tls.clone(), user, ..options(&etcd) };

    let said = refusal(&with(user())).await;
    assert!(said.contains("not enabled") && said.contains("registry.etcd.user"), "{said}");
    etcd.require_password(root.clone(), USER, PASSWORD);
    let said = refusal(&with(Some((USER.to_owned(), "wrong".to_owned())))).await;
    assert!(said.contains("registry.etcd.password_file"), "{said}");
    let said = refusal(&with(None)).await;
    assert!(said.contains("registry.etcd"), "{said}");

    let store = connect(&with(user())).await;
    assert_useful(&store).await;
    // Users change, and tokens of before are refused.
    let admin = root.clone().with_user("root", PASSWORD);
    let mut admin = etcd_client::Client::connect(etcd.endpoints(), Some(admin)).await.expect("it lets root in");
    admin.user_add("another", "x", None).await.expect("root may add users");
    assert_useful(&store).await;
    // Members forget their tokens when they start anew.
    for member in &mut etcd.members {
        member.kill();
    }
    let said = store.read("access/a").await.expect_err("nobody is there");
    assert!(matches!(said, StoreError::Unavailable(_)), "{said}");
    for member in &mut etcd.members {
        member.restart();
    }
    etcd.wait_until_healthy();
    until_it_commits(&store, "after every member has started anew").await;
    assert_useful(&store).await;
}

const LIMIT: Duration = Duration::from_secs(20);

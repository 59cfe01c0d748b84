//! Both stores keep the same promises.

use crate::options;
use registry::store::{Batch, Committed, Embedded, Entry, Etcd, Operation, Range, Shared, Store, StoreError, Values};
use std::sync::Arc;
use std::time::Duration;
use support::Scratch;
use tokio::time::timeout;

/// Long enough for a slow machine; nothing waits for it unless it fails.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_promises() {
    let scratch = Scratch::new();
    let open = async || shared(Embedded::open(scratch.path()).expect("the folder is writable"));
    conformance(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_keeps_the_promises() {
    let etcd = support::Etcd::start(1);
    let open = async || shared(Etcd::connect(&options(&etcd)).await.expect("etcd answers"));
    conformance(open).await;
}

fn shared(store: impl Store) -> Shared {
    Arc::new(store)
}

async fn conformance(open: impl AsyncFn() -> Shared) {
    let store = open().await;
    a_value_is_read_back_with_its_revision(&store).await;
    a_batch_with_one_failed_comparison_changes_nothing(&store).await;
    a_range_is_in_order_and_in_bounds(&store).await;
    of_many_batches_at_once_only_the_conflicting_ones_fail(&store).await;
    of_writers_who_saw_the_same_revision_one_wins(&store).await;
    a_value_made_at_first_need_is_the_same_for_all(&store).await;
    a_watch_tells_of_every_change_under_its_prefix(&store).await;
    a_lease_takes_its_keys_with_it(&store).await;
    large_values_and_many_keys_fit(&store).await;
    drop(store);
    let store = open().await;
    let entry = store.read("durable").await.expect("it answers").expect("it was acknowledged");
    assert_eq!(entry.value, b"two", "what was acknowledged is there after a restart");
    assert!(put(&store, "after", b"").await > entry.revision, "revisions go on growing");
}

async fn put(store: &Shared, key: &str, value: &[u8]) -> u64 {
    match store.apply(Batch::default().put(key, value.to_vec())).await.expect("it answers") {
        Committed::Yes(revision) => revision,
        Committed::Conflict => panic!("nothing was compared"),
    }
}

async fn a_value_is_read_back_with_its_revision(store: &Shared) {
    assert_eq!(store.read("durable").await, Ok(None));
    let first = put(store, "durable", b"one").await;
    let second = put(store, "durable", b"two").await;
    assert!(0 < first && first < second);
    assert_eq!(store.read("durable").await, Ok(Some(Entry { value: b"two".to_vec(), revision: second })));
    store.apply(Batch::default().put("gone", vec![1])).await.expect("it answers");
    store.apply(Batch::default().delete("gone").delete("never was")).await.expect("it answers");
    assert_eq!(store.read("gone").await, Ok(None));
}

async fn a_batch_with_one_failed_comparison_changes_nothing(store: &Shared) {
    let revision = put(store, "cas/a", b"1").await;
    let stale =
        Batch::default().when("cas/a", revision).when("cas/b", 7).put("cas/a", b"2".to_vec()).put("cas/c", vec![]);
    assert_eq!(store.apply(stale).await, Ok(Committed::Conflict));
    assert_eq!(store.read("cas/a").await.map(|found| found.map(|entry| entry.value)), Ok(Some(b"1".to_vec())));
    assert_eq!(store.read("cas/c").await, Ok(None));
    assert_eq!(store.apply(Batch::swap("cas/a", 0, vec![])).await, Ok(Committed::Conflict), "0 = must not exist");
    let good = Batch::default().when("cas/a", revision).when("cas/b", 0).put("cas/a", b"2".to_vec()).delete("cas/c");
    assert!(matches!(store.apply(good).await, Ok(Committed::Yes(_))));
    assert_eq!(store.apply(Batch::swap("cas/a", revision, vec![])).await, Ok(Committed::Conflict));
}

async fn a_range_is_in_order_and_in_bounds(store: &Shared) {
    for key in ["range/b", "range/a", "range/c", "range0", "rang", "range/a/x"] {
        put(store, key, key.as_bytes()).await;
    }
    let keys = async |range: Range| -> Vec<String> {
        let found = store.read_range(range).await.expect("it answers");
        found.into_iter().map(|(key, _)| key).collect()
    };
    let all = Range::prefix("range/");
    assert_eq!(keys(all.clone()).await, ["range/a", "range/a/x", "range/b", "range/c"]);
    assert_eq!(keys(Range { limit: 2, ..all.clone() }).await, ["range/a", "range/a/x"]);
    assert_eq!(keys(Range { after: "range/a/x".into(), ..all.clone() }).await, ["range/b", "range/c"]);
    assert_eq!(keys(Range { after: "range/a/x".into(), limit: 1, ..all.clone() }).await, ["range/b"]);
    assert_eq!(keys(Range { after: "range/c".into(), ..all.clone() }).await, [""; 0]);
    let omitted = store.read_range(Range { values: Values::Omit, ..all }).await.expect("it answers");
    assert!(omitted.iter().all(|(_, entry)| entry.value.is_empty() && entry.revision > 0));
}

async fn of_many_batches_at_once_only_the_conflicting_ones_fail(store: &Shared) {
    let fence = put(store, "fence", b"").await;
    let batch = move |n: usize| {
        let revision = if n % 50 == 7 { 1 } else { 0 };
        Batch::default()
            .when("fence", fence)
            .when(format!("many/{n}"), revision)
            .put(format!("many/{n}"), vec![n as u8])
    };
    let tasks: Vec<_> = (0..400)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { (n, store.apply(batch(n)).await.expect("it answers")) })
        })
        .collect();
    for task in tasks {
        let (n, committed) = task.await.expect("no panic");
        assert_eq!(committed == Committed::Conflict, n % 50 == 7, "batch {n}");
    }
    assert_eq!(store.read_range(Range::prefix("many/")).await.expect("it answers").len(), 392);
}

async fn of_writers_who_saw_the_same_revision_one_wins(store: &Shared) {
    put(store, "counter", b"0").await;
    let count = async |store: Shared| {
        let mut won = 0;
        for _ in 0..20 {
            let entry = store.read("counter").await.expect("it answers").expect("it is there");
            let next = String::from_utf8_lossy(&entry.value).parse::<u32>().expect("a number") + 1;
            let swap = Batch::swap("counter", entry.revision, next.to_string().into_bytes());
            if let Committed::Yes(_) = store.apply(swap).await.expect("it answers") {
                won += 1;
            }
        }
        won
    };
    let (a, b, c) = tokio::join!(count(store.clone()), count(store.clone()), count(store.clone()));
    let entry = store.read("counter").await.expect("it answers").expect("it is there");
    assert_eq!(String::from_utf8_lossy(&entry.value), (a + b + c).to_string());
}

async fn a_value_made_at_first_need_is_the_same_for_all(store: &Shared) {
    let make = |value: u8| {
        let store = store.clone();
        async move { store.read_or_create("once", || vec![value]).await.expect("it answers") }
    };
    let (a, b, c) = tokio::join!(make(1), make(2), make(3));
    assert!(a == b && b == c);
}

async fn a_watch_tells_of_every_change_under_its_prefix(store: &Shared) {
    let mut watched = store.watch("watched/");
    let again = store.watch("watched/");
    let other = store.watch("unwatched/");
    // A watch may begin with news of what it might have missed.
    let _ = timeout(Duration::from_millis(500), watched.changed()).await;
    watched.mark_unchanged();
    let begun = *other.borrow();
    put(store, "watched/a", b"").await;
    timeout(LIMIT, watched.changed()).await.expect("told of a put").expect("the store is open");
    watched.mark_unchanged();
    store.apply(Batch::default().delete("watched/a")).await.expect("it answers");
    timeout(LIMIT, watched.changed()).await.expect("told of a deletion").expect("the store is open");
    assert!(again.has_changed().expect("the store is open"), "as is who watches the same");
    assert!(*other.borrow() <= begun + 1, "nothing changed there");
}

async fn a_lease_takes_its_keys_with_it(store: &Shared) {
    let lease = store.grant(Duration::from_secs(2)).await.expect("it answers");
    let other = store.grant(Duration::from_secs(2)).await.expect("it answers");
    let under = |key: &str, lease| Operation::Put { key: key.into(), value: vec![], lease };
    let operations = vec![
        under("leased/a", lease.id),
        under("leased/b", lease.id),
        under("leased/c", other.id),
        under("leased/d", 0),
    ];
    store.apply(Batch { operations, ..Batch::default() }).await.expect("it answers");
    put(store, "leased/b", b"kept").await;
    let mut watched = store.watch("leased/");
    let _ = timeout(Duration::from_millis(500), watched.changed()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!*lease.lost.borrow(), "held beyond its ttl");
    watched.mark_unchanged();
    drop(lease);
    timeout(LIMIT, watched.changed()).await.expect("told of the revocation").expect("the store is open");
    let left = store.read_range(Range::prefix("leased/")).await.expect("it answers");
    let left: Vec<&str> = left.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(left, ["leased/b", "leased/c", "leased/d"], "a later put without lease stays");
}

async fn large_values_and_many_keys_fit(store: &Shared) {
    let large = vec![7; 900_000];
    let (a, b) = tokio::join!(put(store, "large/a", &large), put(store, "large/b", &large));
    assert!(a != 0 && b != 0);
    assert_eq!(store.read("large/b").await.expect("it answers").expect("it is there").value, large);
    let puts = (0..25).map(|chunk| {
        let batch =
            (0..100).fold(Batch::default(), |batch, n| batch.put(format!("lots/{chunk:02}{n:02}"), vec![0; 200]));
        store.apply(batch)
    });
    for put in puts {
        put.await.expect("it answers");
    }
    assert_eq!(store.read_range(Range::prefix("lots/")).await.expect("it answers").len(), 2500);
    let some = Range { limit: 1700, ..Range::prefix("lots/") };
    assert_eq!(store.read_range(some).await.expect("it answers").len(), 1700);
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_told_whose_it_is() {
    let scratch = Scratch::new();
    let first = Embedded::open(scratch.path()).expect("the folder is writable");
    let holder = std::process::id().to_string();
    match Embedded::open(scratch.path()) {
        Err(StoreError::InUse { holder: found, .. }) => assert_eq!(found, holder),
        other => panic!("{:?}", other.err()),
    }
    drop(first);
    Embedded::open(scratch.path()).expect("it is free again");
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_file_without_an_orderly_end() {
    let scratch = Scratch::new();
    let store: Shared = Arc::new(Embedded::open(scratch.path()).expect("the folder is writable"));
    let lease = store.grant(Duration::from_secs(5)).await.expect("it answers");
    store.apply(Batch::default().put("kept", vec![1]).put_under(lease.id, "leased", vec![])).await.expect("it answers");
    // What kill -9 leaves: the file as it is now.
    let copy = Scratch::new();
    std::fs::copy(scratch.path().join("registry.redb"), copy.path().join("registry.redb")).expect("it can be read");
    let found: Shared = Arc::new(Embedded::open(copy.path()).expect("it is whole"));
    assert!(found.read("kept").await.expect("it answers").is_some());
    assert_eq!(found.read("leased").await, Ok(None), "its holder is dead");
}

#[tokio::test]
async fn a_store_whose_file_is_gone_acknowledges_nothing_until_it_is_back() {
    let (scratch, copy) = (Scratch::new(), Scratch::new());
    let (file, elsewhere) = (scratch.path().join("registry.redb"), scratch.path().join("elsewhere"));
    let store: Shared = Arc::new(Embedded::open(scratch.path()).expect("the folder is writable"));
    put(&store, "kept", b"1").await;
    store.is_writable().await.expect("it is");
    std::fs::copy(&file, copy.path().join("registry.redb")).expect("it can be read");
    std::fs::rename(&file, &elsewhere).expect("the folder is writable");
    for replaced in [false, true] {
        if replaced {
            std::fs::copy(copy.path().join("registry.redb"), &file).expect("the folder is writable");
        }
        let said = store.is_writable().await.expect_err("its file is gone").to_string();
        assert!(said.contains("registry.redb") && said.contains("put"), "{said}");
        store.apply(Batch::default().put("lost", vec![])).await.expect_err("it would be lost");
        assert_eq!(store.read("lost").await, Ok(None));
        assert!(store.read("kept").await.expect("it answers").is_some());
    }
    std::fs::rename(&elsewhere, &file).expect("the folder is writable");
    store.is_writable().await.expect("it is again");
    put(&store, "kept", b"2").await;
    drop(store);
    let store: Shared = Arc::new(Embedded::open(scratch.path()).expect("it is whole"));
    assert_eq!(store.read("kept").await.expect("it answers").expect("it is there").value, b"2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_without_a_quorum_is_not_writable() {
    let mut etcd = support::Etcd::start(3);
    let store: Shared = Arc::new(Etcd::connect(&options(&etcd)).await.expect("etcd answers"));
    let before = put(&store, "a", b"").await;
    store.is_writable().await.expect("it is");
    assert_eq!(put(&store, "a", b"").await, before + 1, "a check leaves no revision");
    etcd.members[..2].iter_mut().for_each(|member| member.kill());
    assert!(matches!(store.is_writable().await, Err(StoreError::Unavailable(_))));
    etcd.members[..2].iter_mut().for_each(|member| member.restart());
    etcd.wait_until_healthy();
    let begin = std::time::Instant::now();
    while let Err(why) = store.is_writable().await {
        assert!(begin.elapsed() < LIMIT, "{why}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let scratch = Scratch::new();
    let file = scratch.write("file", "");
    let refused = Embedded::open(&file.join("store")).err().expect("a file is no folder");
    assert!(refused.to_string().contains(&*file.to_string_lossy()), "{refused}");
    let broken = Scratch::new();
    broken.write("registry.redb", "not a database at all");
    let refused = Embedded::open(broken.path()).err().expect("that is no database");
    assert!(refused.to_string().contains("registry.redb"), "{refused}");
}

#[tokio::test]
async fn an_etcd_that_is_not_there_is_an_error_within_seconds() {
    let nowhere = format!("{}:2379", support::own_address());
    let options = registry::store::etcd::Options { endpoints: vec![nowhere], ..Default::default() };
    let connected = timeout(LIMIT, Etcd::connect(&options)).await.expect("it gives up");
    assert!(matches!(connected.err(), Some(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_of_three_etcd_members_gone_everything_goes_on() {
    let mut etcd = support::Etcd::start(3);
    let store: Shared = Arc::new(Etcd::connect(&options(&etcd)).await.expect("etcd answers"));
    let lease = store.grant(Duration::from_secs(5)).await.expect("it answers");
    let mut watched = store.watch("k/");
    put(&store, "k/before", b"").await;
    for gone in 0..1 {
        etcd.members[gone].kill();
        let mut tries = 0;
        while store.apply(Batch::default().put("k/after", vec![])).await.is_err() {
            tries += 1;
            assert!(tries < 10, "it did not come back");
        }
        assert!(store.read("k/before").await.expect("it answers").is_some());
    }
    watched.mark_unchanged();
    tokio::time::sleep(Duration::from_secs(1)).await;
    put(&store, "k/later", b"").await;
    timeout(LIMIT, watched.changed()).await.expect("the watch moved to another member").expect("the store is open");
    assert!(!*lease.lost.borrow());
}

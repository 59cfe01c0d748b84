use super::*;
use crate::store::{Done, Entry, Lease, Operation};
use proto::directory::Directory;
use proto::membership::Membership;
use proto::wire::{self, BindingsOf, ContactUpdate, Role, SourceFile};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use tokio::sync::{mpsc, watch};

/// A store whose commits happen when the test says so.
#[derive(Default)]
struct Held {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<String, Entry>,
    revision: u64,
    waiting: VecDeque<(Batch, Done<Committed>)>,
    reads: usize,
    is_down: bool,
}

impl Held {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Applies the oldest commit; false when none waits.
    fn release(&self) -> bool {
        let Some((batch, done)) = self.lock().waiting.pop_front() else { return false };
        done(self.perform(batch));
        true
    }

    fn perform(&self, batch: Batch) -> Result<Committed, StoreError> {
        let mut state = self.lock();
        if state.is_down {
            return Err(StoreError::Unavailable("down".into()));
        }
        let revision_of = |key: &String| state.entries.get(key).map_or(0, |entry| entry.revision);
        if batch.compares.iter().any(|compare| revision_of(&compare.key) != compare.revision) {
            return Ok(Committed::Conflict);
        }
        state.revision += 1;
        let revision = state.revision;
        for operation in batch.operations {
            match operation {
                Operation::Put { key, value, .. } => drop(state.entries.insert(key, Entry { value, revision })),
                Operation::Delete { key } => drop(state.entries.remove(&key)),
            }
        }
        Ok(Committed::Yes(revision))
    }

    fn record(&self, aor: &str) -> Record {
        let state = self.lock();
        state.entries.get(&key(aor)).map_or_else(Record::default, |entry| Record::decode(&entry.value).unwrap())
    }
}

impl crate::store::Store for Held {
    fn get(&self, key: &str, done: Done<Option<Entry>>) {
        let mut state = self.lock();
        state.reads += 1;
        let found = state.entries.get(key).cloned();
        let is_down = state.is_down;
        drop(state);
        done(if is_down { Err(StoreError::Unavailable("down".into())) } else { Ok(found) });
    }

    fn range(&self, range: Range, done: Done<Vec<(String, Entry)>>) {
        let state = self.lock();
        let found = state.entries.iter().filter(|(key, _)| key.starts_with(&range.prefix) && **key > range.after);
        let limit = if range.limit == 0 { usize::MAX } else { range.limit };
        let found = found.take(limit).map(|(key, entry)| (key.clone(), entry.clone())).collect();
        drop(state);
        done(Ok(found));
    }

    fn commit(&self, batch: Batch, done: Done<Committed>) {
        self.lock().waiting.push_back((batch, done));
    }

    fn lease(&self, _: Duration, _: Done<Lease>) {}

    fn check(&self, done: Done<()>) {
        done(Ok(()));
    }

    fn watch(&self, _: &str) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}

const SETTINGS: Settings = Settings { min_expires: 60, max_expires: 3600 };
const ALICE: &str = "alice@tandem.local";
const A: &str = "sip:alice@192.0.2.1";
const B: &str = "sip:alice@192.0.2.2";

fn view() -> Arc<View> {
    let rings = crate::keys::generate(0);
    let (keys, gruu) = proto::keys::from_wire(&rings).unwrap();
    let view = View::new(keys, gruu);
    let text = r#"
        [[domain]]
        name = "tandem.local"
        [[user]]
        name = "alice"
        domain = "tandem.local"
        password = "alice-demo"
    "#;
    let files = [SourceFile { name: "test.toml".into(), text: text.into() }];
    let change = Directory::empty().apply(&files).unwrap();
    view.directory.store(Arc::new(change.directory));
    Arc::new(view)
}

fn alone() -> (Arc<Held>, Bindings) {
    let store = Arc::new(Held::default());
    (store.clone(), Bindings::new(store, view(), SETTINGS, Ring::alone()))
}

/// One of two registries on the same store; each thinks that it owns what its ring says.
fn of_two(store: &Arc<Held>, own: u16) -> Bindings {
    let member = |id: u32| wire::Member {
        id,
        role: Role::Registry.into(),
        inside: format!("127.0.0.1:{id}"),
        ..wire::Member::default()
    };
    let membership = wire::Membership { members: vec![member(1), member(2)], ..wire::Membership::default() };
    let ring = Ring::of(own, Arc::new(Membership::from_wire(&membership)), "epoch", 0);
    Bindings::new(store.clone(), view(), SETTINGS, ring)
}

fn request(call_id: &str, cseq: u32, uri: &str) -> RegisterRequest {
    RegisterRequest {
        aor: ALICE.into(),
        call_id: call_id.into(),
        cseq,
        contacts: vec![ContactUpdate { uri: uri.into(), expires: 600, ..ContactUpdate::default() }],
        ..RegisterRequest::default()
    }
}

type Answers<T> = Arc<Mutex<Vec<Result<T, Unavailable>>>>;

fn reply<T: Send + 'static>(answers: &Answers<T>) -> Reply<T> {
    let answers = answers.clone();
    Box::new(move |answer| answers.lock().unwrap().push(answer))
}

/// The status, if it was answered at once.
fn register(bindings: &Bindings, request: RegisterRequest) -> Option<u32> {
    let answers = Answers::default();
    bindings.register(request, reply(&answers));
    let mut answers = answers.lock().unwrap();
    answers.pop().map(|answer| answer.unwrap().status)
}

fn located(bindings: &Bindings) -> Result<Vec<String>, Unavailable> {
    let answers = Answers::default();
    bindings.locate(LocateRequest { aor: ALICE.into(), ..LocateRequest::default() }, reply(&answers));
    let answer = answers.lock().unwrap().pop().expect("answered at once");
    answer.map(|found| found.bindings.into_iter().map(|binding| binding.uri).collect())
}

#[tokio::test]
async fn a_registration_is_answered_when_it_is_durable_and_a_refresh_at_once() {
    let (store, bindings) = alone();
    let answers = Answers::default();
    bindings.register(request("one", 1, A), reply(&answers));
    assert!(answers.lock().unwrap().is_empty());
    assert!(store.release());
    assert_eq!(answers.lock().unwrap()[0].as_ref().unwrap().status, 200);
    assert_eq!(store.record(ALICE).bindings.len(), 1);
    assert_eq!(register(&bindings, request("one", 2, A)), Some(200), "in the caller's thread");
    assert_eq!((store.release(), store.lock().reads), (false, 0));
}

#[tokio::test]
async fn nobody_outside_the_directory_registers_or_is_found() {
    let (_, bindings) = alone();
    let stranger = RegisterRequest { aor: "mallory@tandem.local".into(), ..request("one", 1, A) };
    assert_eq!(register(&bindings, stranger), Some(404));
    let answers = Answers::default();
    bindings.locate(LocateRequest { aor: "mallory@tandem.local".into(), ..LocateRequest::default() }, reply(&answers));
    assert!(!answers.lock().unwrap()[0].as_ref().unwrap().known);
}

#[tokio::test]
async fn a_user_has_one_record_however_the_aor_is_spelt() {
    let (store, bindings) = alone();
    register(&bindings, RegisterRequest { aor: "Alice@TANDEM.local".into(), ..request("one", 1, A) });
    store.release();
    assert_eq!(located(&bindings), Ok(vec![A.to_owned()]));
    assert_eq!(store.record(ALICE).bindings.len(), 1);
}

#[tokio::test]
async fn a_failing_store_changes_nothing_in_memory_and_reads_go_on() {
    let (store, bindings) = alone();
    register(&bindings, request("one", 1, A));
    store.release();
    store.lock().is_down = true;
    let answers = Answers::default();
    bindings.register(request("two", 1, B), reply(&answers));
    store.release();
    assert_eq!(answers.lock().unwrap()[0].as_ref().unwrap_err(), &Unavailable);
    assert_eq!(located(&bindings), Ok(vec![A.to_owned()]));
    assert_eq!(register(&bindings, request("one", 2, A)), Some(200), "what needs no write is still answered");
    store.lock().is_down = false;
    register(&bindings, request("two", 1, B));
    store.release();
    assert_eq!(store.record(ALICE).bindings.len(), 2, "and the phone's next try succeeds");
}

#[tokio::test]
async fn requests_wait_for_the_write_before_them_and_too_many_are_refused() {
    let (store, bindings) = alone();
    let answers = Answers::default();
    for n in 0..=WAITING as u32 + 1 {
        bindings.register(request(&format!("c{n}"), 1, &format!("sip:alice@192.0.2.{}", n % 2)), reply(&answers));
    }
    assert_eq!(answers.lock().unwrap().len(), 1, "one too many");
    assert!(answers.lock().unwrap()[0].is_err());
    while store.release() {}
    assert_eq!(answers.lock().unwrap().len(), WAITING + 2);
    assert_eq!(store.record(ALICE).bindings.len(), 2);
    assert_eq!(store.lock().revision, 2, "two contacts, two writes; the rest were refreshes");
}

#[tokio::test]
async fn a_restart_finds_what_was_acknowledged_and_absorbs_its_refresh() {
    let (store, bindings) = alone();
    register(&bindings, request("one", 1, A));
    store.release();
    drop(bindings);
    let bindings = Bindings::new(store.clone(), view(), SETTINGS, Ring::alone());
    assert_eq!(bindings.load().await, Ok(1));
    assert_eq!(located(&bindings), Ok(vec![A.to_owned()]));
    assert_eq!(register(&bindings, request("one", 2, A)), Some(200));
}

#[tokio::test]
async fn an_owner_reads_a_record_once_and_everybody_else_each_time() {
    let store = Arc::new(Held::default());
    let registries = [of_two(&store, 1), of_two(&store, 2)];
    let reads = registries.map(|bindings| {
        let before = store.lock().reads;
        for _ in 0..3 {
            assert_eq!(located(&bindings), Ok(vec![]));
        }
        store.lock().reads - before
    });
    assert!(reads == [1, 3] || reads == [3, 1], "{reads:?}");
}

#[tokio::test]
async fn another_set_of_registries_makes_an_owner_read_again() {
    let store = Arc::new(Held::default());
    let bindings = of_two(&store, 1);
    located(&bindings).unwrap();
    let before = store.lock().reads;
    let membership = wire::Membership {
        members: vec![wire::Member {
            id: 1,
            role: Role::Registry.into(),
            inside: "127.0.0.1:1".into(),
            ..Default::default()
        }],
        ..wire::Membership::default()
    };
    bindings.set_ring(Ring::of(1, Arc::new(Membership::from_wire(&membership)), "epoch", 0));
    located(&bindings).unwrap();
    located(&bindings).unwrap();
    assert_eq!(store.lock().reads, before + 1);
}

#[tokio::test]
async fn who_writes_a_record_of_another_tells_the_owner() {
    let store = Arc::new(Held::default());
    let registries = [of_two(&store, 1), of_two(&store, 2)];
    for bindings in &registries {
        located(bindings).unwrap();
    }
    // Whichever owns the record holds it in memory now; both change it.
    for (n, bindings) in registries.iter().enumerate() {
        register(bindings, request(&format!("c{n}"), 1, &format!("sip:alice@192.0.2.{n}")));
        while store.release() {
            tokio::time::sleep(PAUSE * 2).await;
        }
    }
    let note = store.lock().entries.keys().find(|key| key.starts_with("changed/")).cloned().expect("a note");
    let owner: usize = note.split('/').nth(1).unwrap().parse().unwrap();
    let inner = registries[owner - 1].inner.clone();
    let reading = tokio::spawn(async move { inner.read_notes(&format!("changed/{owner:05}/")).await });
    while !reading.is_finished() {
        store.release();
        tokio::task::yield_now().await;
    }
    assert!(!store.lock().entries.contains_key(&note), "a note that was read is gone");
    assert_eq!(located(&registries[owner - 1]).unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_owners_at_once_lose_nothing_that_they_acknowledged() {
    for seed in 0..200 {
        let mut random = sip::random::Random::new(seed);
        let store = Arc::new(Held::default());
        // Both believe to be alone.
        let registries: [Bindings; 2] =
            std::array::from_fn(|_| Bindings::new(store.clone(), view(), SETTINGS, Ring::alone()));
        let answers = Answers::default();
        for n in 0..8 {
            let bindings = &registries[(random.number() % 2) as usize];
            bindings.register(request(&format!("c{n}"), 1, &format!("sip:alice@192.0.2.{n}")), reply(&answers));
            if random.number().is_multiple_of(2) {
                store.release();
            }
        }
        for _ in 0..100 {
            while store.release() {}
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let answers = answers.lock().unwrap();
        assert_eq!(answers.len(), 8, "seed {seed}");
        let acknowledged = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(store.record(ALICE).bindings.len(), acknowledged, "seed {seed}");
        assert!(acknowledged >= 6, "seed {seed}: {acknowledged}");
    }
}

#[tokio::test]
async fn a_write_of_a_past_epoch_changes_nothing() {
    let store = Arc::new(Held::default());
    let bindings = of_two(&store, 1);
    located(&bindings).unwrap();
    store.perform(Batch::default().put("epoch", vec![])).unwrap();
    register(&bindings, request("one", 1, A));
    store.release();
    assert_eq!(store.record(ALICE), Record::default());
}

#[tokio::test]
async fn what_expired_goes_from_memory_and_store() {
    let (store, bindings) = alone();
    let past = unix_now() - 10;
    let mut old = Record::default();
    let outcome = registrar::register(
        &mut old,
        &request("one", 1, A),
        &Policy { min_expires: 0, max_expires: 3, contacts: 1, overflow: Overflow::Oldest, gruu: &view().gruu.load() },
        past,
        0,
    );
    let Outcome::Write { record, .. } = outcome else { panic!("nothing to write") };
    store.perform(Batch::default().put(key(ALICE), record.encode(past).unwrap())).unwrap();
    assert_eq!(bindings.load().await, Ok(1));
    let sweep = async || {
        let left: usize = (0..shard::SHARDS).map(|index| bindings.inner.sweep(index)).sum();
        tokio::task::yield_now().await;
        left
    };
    assert_eq!(sweep().await, 1);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(store.release(), "its deletion waits");
    assert!(!store.lock().entries.contains_key(&key(ALICE)));
    assert_eq!(sweep().await, 0);
}

#[tokio::test]
async fn administrators_see_every_live_binding_with_its_newest_refresh() {
    let (store, bindings) = alone();
    register(&bindings, request("one", 1, A));
    store.release();
    register(&bindings, request("one", 7, A));
    for (aor, domain, found) in [
        (None, None, 1),
        (Some(ALICE), None, 1),
        (None, Some("tandem.local"), 1),
        (None, Some("local"), 0),
        (Some("bob@x"), None, 0),
    ] {
        let (sender, mut list) = mpsc::channel(8);
        bindings.list(aor, domain, &sender).await.unwrap();
        drop(sender);
        let mut seen: Vec<BindingsOf> = Vec::new();
        while let Some(one) = list.recv().await {
            seen.push(one.unwrap());
        }
        assert_eq!(seen.len(), found, "{aor:?} {domain:?}");
        assert!(seen.iter().all(|of| of.aor == ALICE && of.bindings[0].cseq == 7));
    }
}

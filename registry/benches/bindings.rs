//! What a binding costs: memory, CPU of a first registration (made durable) and of a refresh, and how long a restart takes.
//!
//! `cargo bench -p registry -- 1000000` for that many users; 100,000 without a number.

use proto::directory::Directory;
use proto::registrar::Registrar;
use proto::view::View;
use proto::wire::{ContactUpdate, ImportRow, LocateRequest, RegisterRequest, SourceFile};
use registry::bindings::{Bindings, Ring, Settings};
use registry::store::{Embedded, Shared};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const DOMAIN: &str = "[[domain]]\nname = \"tandem.local\"\n";
const SETTINGS: Settings = Settings { min_expires: 60, max_expires: 3600 };

fn main() {
    let users = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let _guard = runtime.enter();
    let folder = std::env::temp_dir().join(format!("tandem-bench-{}", std::process::id()));

    let store: Shared = Arc::new(Embedded::open(&folder).expect("the temporary folder is writable"));
    let begin = Usage::now();
    let view = view(&runtime, &store, users);
    begin.report("a user in the directory", users);

    let bindings = Bindings::new(store.clone(), view.clone(), SETTINGS, Ring::alone());
    let begin = Usage::now();
    register_all(&bindings, users, 1);
    begin.report("a first registration, durable", users);
    for cseq in 2..4 {
        let begin = Usage::now();
        register_all(&bindings, users, cseq);
        begin.report("a refresh", users);
    }
    let begin = Usage::now();
    for user in 0..users {
        let request = LocateRequest { aor: aor(user), ..LocateRequest::default() };
        bindings.locate(request, Box::new(|found| assert_eq!(found.expect("in memory").bindings.len(), 1)));
    }
    begin.report("a locate", users);
    drop((bindings, store));

    let store: Shared = Arc::new(Embedded::open(&folder).expect("the temporary folder is writable"));
    let bindings = Bindings::new(store, view, SETTINGS, Ring::alone());
    let begin = Usage::now();
    let found = runtime.block_on(bindings.load()).expect("the store answers");
    assert_eq!(found, users);
    begin.report("a record at a restart", users);
    let file = std::fs::metadata(folder.join("registry.redb")).expect("it is there").len();
    println!("{:40} {:7} bytes", "a binding in the file", file / users as u64);
    let _ = std::fs::remove_dir_all(folder);
}

/// Everybody once; so many at a time wait for their answer as phones would.
fn register_all(bindings: &Bindings, users: usize, cseq: u32) {
    let answered = Arc::new(AtomicUsize::new(0));
    for user in 0..users {
        let answered_by_now = answered.clone();
        let reply = move |response: Result<proto::wire::RegisterResponse, _>| {
            assert_eq!(response.expect("the store answers").status, 200);
            answered_by_now.fetch_add(1, Ordering::Relaxed);
        };
        bindings.register(request(user, cseq), Box::new(reply));
        while user + 1 - answered.load(Ordering::Relaxed) > 2000 {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }
    while answered.load(Ordering::Relaxed) < users {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

fn request(user: usize, cseq: u32) -> RegisterRequest {
    RegisterRequest {
        aor: aor(user),
        // A phone that starts anew for each refresh, as siploader does.
        call_id: format!("{cseq}-{user}-0123456789abcdef@127.0.0.1"),
        cseq: 2,
        contacts: vec![ContactUpdate {
            uri: format!("sip:u{user:06}@127.0.0.1:9061"),
            expires: 3600,
            q: 1000,
            ..ContactUpdate::default()
        }],
        flow: "AAEAfwAAASNlAAAAAAAAAAAA".into(),
        received: "127.0.0.1:9060".into(),
        transport: "udp".into(),
        proxy: "node-1".into(),
        nonce: u64::from(cseq) << 32 | user as u64,
        nonce_count: 1,
        ..RegisterRequest::default()
    }
}

fn aor(user: usize) -> String {
    format!("u{user:06}@tandem.local")
}

fn view(runtime: &tokio::runtime::Runtime, store: &Shared, users: usize) -> Arc<View> {
    let rings = runtime.block_on(registry::keys::read_or_create(store, 0)).expect("the store answers");
    let (keys, gruu) = proto::keys::from_wire(&rings).expect("just made");
    let view = View::new(keys, gruu);
    let files = [SourceFile { name: "bench.toml".into(), text: DOMAIN.into() }];
    let with_domain = Directory::empty().apply(&files).expect("it is valid").directory;
    let row = |user: usize| ImportRow { name: format!("u{user:06}"), password: "x".into(), ..ImportRow::default() };
    let rows: Vec<ImportRow> = (0..users).map(row).collect();
    let full = with_domain.import(&rows, "tandem.local", None).expect("it is valid").directory;
    view.directory.store(Arc::new(full));
    Arc::new(view)
}

/// What the process has used by now.
struct Usage {
    cpu: f64,
    resident: usize,
    at: Instant,
}

impl Usage {
    fn now() -> Usage {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let stat = read("/proc/self/stat");
        let ticks = |field: usize| stat.split(' ').nth(field).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
        let pages = read("/proc/self/statm").split(' ').nth(1).and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        Usage { cpu: (ticks(13) + ticks(14)) / 100.0, resident: pages * 4096, at: Instant::now() }
    }

    fn report(&self, what: &str, count: usize) {
        let now = Usage::now();
        let cpu = (now.cpu - self.cpu) * 1e6 / count as f64;
        let resident = (now.resident as f64 - self.resident as f64) / count as f64;
        println!(
            "{what:40} {cpu:7.2} µs of CPU, {resident:6.0} bytes resident, {:6.1} s in all",
            self.at.elapsed().as_secs_f64()
        );
    }
}

//! Recordings from the tap to the store, with what can happen to disk, store and process on the way.

mod folder;
mod full_disk;
mod killed;
mod s3;
mod sound;

use bytes::Bytes;
use recording::{Entry, Verified};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;
use storage::{About, Form, Health, Id, Layout, Objects, Rate, Recordings, Settings, check};
use support::wait_for;

/// Settings for a test's patience: segments of a second, short waits, and a queue for sound that comes faster than it is spoken.
fn settings(objects: Objects, spool: &Path) -> Settings {
    Settings {
        segment: Duration::from_secs(1),
        queue: Duration::from_secs(60),
        first_wait: Duration::from_millis(50),
        longest_wait: Duration::from_millis(500),
        ..Settings::new(objects, spool.to_owned())
    }
}

/// 2026-11-21T18:03:12Z.
const STARTED: u64 = 1_795_284_192_000;

fn about(id: &str, form: Form, layout: Layout) -> About {
    let facts = BTreeMap::from([("call_id".to_owned(), format!("{id}@example.com"))]);
    About { id: Id::parse(id).expect("it is plain"), started: STARTED, rate: Rate::Narrow, layout, form, facts }
}

fn folder(id: &str) -> String {
    format!("recordings/2026/11/21/{id}")
}

fn open(folder: &Path) -> Objects {
    Objects::open(&format!("file:{}", folder.display())).expect("it is a folder")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// Waits for a state of health.
#[track_caller]
fn wait_until(recordings: &Recordings, what: &str, is: impl Fn(&Health) -> bool) -> Health {
    wait_for(what, Duration::from_secs(20), || Some(recordings.health()).filter(&is))
}

/// Everything that was begun is in the store, and all is well.
fn is_stored(health: &Health) -> bool {
    health.recordings == 0
        && health.spooled_segments == 0
        && health.held_segments == 0
        && health.failing_since.is_none()
}

/// A recording as it is in the store: what verification says, the entries, and the files with sound in order.
#[track_caller]
fn stored(objects: &Objects, id: &str) -> (Verified, Vec<Entry>, Vec<Bytes>) {
    block_on(async {
        let verified = check(objects, &folder(id)).await.unwrap_or_else(|fault| panic!("{id}: {fault}"));
        let (mut entries, mut files) = (Vec::new(), Vec::new());
        for key in objects.list(&folder(id)).await.expect("the store answers") {
            let content = objects.get(&key).await.expect("the store answers");
            if key.ends_with(".json") {
                entries.push(Entry::parse(&content).expect("it is an entry"));
            } else {
                files.push(content);
            }
        }
        (verified, entries, files)
    })
}

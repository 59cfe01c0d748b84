//! Disks that are full, and a store that is dead at the same time. The disk is a small tmpfs.

use crate::sound::{TONES, speak, tone, wav};
use crate::{about, is_stored, open, settings, stored, wait_until};
use recording::Why;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use storage::{Form, Layout, Recordings, Settings};
use support::{Scratch, wait_for};

/// A file system of its own, unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    #[track_caller]
    fn mount(path: PathBuf, size: &str) -> Disk {
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&path)
            .output()
            .expect("mount runs");
        let said = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "this test mounts a small disk, so it runs as root: {said}");
        Disk(path)
    }

    /// Leaves no byte free.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.0.join("ballast");
        let mut file = std::fs::File::create(&path).expect("the temporary folder is writable");
        while file.write_all(&[1; 4096]).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A store that refuses until it is mended: a file lies where its folder should be.
fn break_store(folder: &Path) {
    std::fs::write(folder, "not a folder").expect("the temporary folder is writable");
}

fn mend_store(folder: &Path) {
    std::fs::remove_file(folder).expect("the temporary folder is writable");
}

/// Speaks at ten times the speed of speech.
fn speak_fast(tap: &mut storage::Tap, place: &mut u64, seconds: usize) {
    speak(tap, place, 50 * seconds, || std::thread::sleep(Duration::from_millis(2)));
}

#[test]
fn with_a_full_spool_segments_go_from_memory_to_the_store() {
    let scratch = Scratch::new();
    let disk = Disk::mount(scratch.path().join("spool"), "256k");
    let objects = open(&scratch.path().join("objects"));
    let recordings = Recordings::start(settings(objects.clone(), &disk.0)).unwrap();
    let ballast = disk.fill();
    let mut tap = recordings.begin(about("full", Form::Wav, Layout::Stereo)).unwrap();
    let mut place = 0;
    speak_fast(&mut tap, &mut place, 4);
    let health = wait_until(&recordings, "the full spool to be told", |health| health.failing_since.is_some());
    let error = health.last_error.unwrap();
    assert!(error.starts_with("spool: ") && error.contains("No space left"), "{error}");
    wait_until(&recordings, "segments to be stored", |health| health.stored_segments >= 3);
    std::fs::remove_file(ballast).unwrap();
    wait_until(&recordings, "the spool to be well again", |health| health.failing_since.is_none());
    speak_fast(&mut tap, &mut place, 2);
    drop(tap);
    let health = wait_until(&recordings, "everything to be stored", is_stored);
    assert_eq!(health.lost_seconds, 0.0);
    let (verified, ..) = stored(&objects, "full");
    assert_eq!((verified.ended, verified.samples, verified.gaps), (true, 48_000, vec![]));
    recordings.stop(Duration::from_secs(5));
}

#[test]
fn the_disk_of_the_store_may_be_full_for_a_while() {
    let scratch = Scratch::new();
    let disk = Disk::mount(scratch.path().join("objects"), "256k");
    let objects = open(&disk.0);
    let recordings = Recordings::start(settings(objects.clone(), &scratch.path().join("spool"))).unwrap();
    let mut tap = recordings.begin(about("full", Form::Wav, Layout::Stereo)).unwrap();
    let mut place = 0;
    // 32 kB a second: some fit.
    speak_fast(&mut tap, &mut place, 12);
    let health = wait_until(&recordings, "the full store to be told", |health| health.failing_since.is_some());
    let error = health.last_error.unwrap();
    assert!(error.contains("No space left"), "{error}");
    assert!(health.stored_segments > 3 && health.spooled_segments > 0, "{:?}", recordings.health());
    let more = Command::new("mount").args(["-o", "remount,size=4m"]).arg(&disk.0).status().unwrap();
    assert!(more.success());
    drop(tap);
    wait_until(&recordings, "everything to be stored", is_stored);
    let (verified, _, files) = stored(&objects, "full");
    assert_eq!((verified.ended, verified.samples, verified.gaps), (true, 96_000, vec![]));
    assert!(wav(&files)[1] == (0..96_000).map(|at| tone(TONES[1], at)).collect::<Vec<i16>>());
    recordings.stop(Duration::from_secs(5));
}

#[test]
fn a_spool_has_no_more_than_its_bound() {
    let scratch = Scratch::new();
    let (store, spool) = (scratch.path().join("objects"), scratch.path().join("spool"));
    break_store(&store);
    let settings = Settings { spool_bytes: 100_000, ..settings(open(&store), &spool) };
    let recordings = Recordings::start(settings).unwrap();
    let mut tap = recordings.begin(about("bound", Form::Wav, Layout::Stereo)).unwrap();
    speak_fast(&mut tap, &mut 0, 8);
    let health = wait_until(&recordings, "segments in memory", |health| health.held_segments >= 4);
    assert!(health.spooled_bytes <= 100_000 && health.spooled_segments == 3, "{health:?}");
    assert!(health.failing_since.is_some() && health.lost_seconds == 0.0);
    mend_store(&store);
    drop(tap);
    wait_until(&recordings, "everything to be stored", is_stored);
    assert_eq!(stored(&open(&store), "bound").0.samples, 64_000);
    recordings.stop(Duration::from_secs(5));
}

#[test]
fn what_neither_store_nor_disk_nor_memory_takes_is_said_to_be_lost() {
    let scratch = Scratch::new();
    let disk = Disk::mount(scratch.path().join("spool"), "256k");
    let store = scratch.path().join("objects");
    break_store(&store);
    let settings = Settings { memory_bytes: 200_000, ..settings(open(&store), &disk.0) };
    let recordings = Recordings::start(settings).unwrap();
    let ballast = disk.fill();
    let mut tap = recordings.begin(about("lost", Form::Wav, Layout::Stereo)).unwrap();
    let mut place = 0;
    speak_fast(&mut tap, &mut place, 10);
    let health = wait_until(&recordings, "the loss to be told", |health| health.lost_seconds >= 3.0);
    assert!(health.failing_since.is_some() && health.held_bytes <= 200_000, "{health:?}");
    assert_eq!((health.held_segments, health.spooled_segments), (6, 0));

    std::fs::remove_file(ballast).unwrap();
    wait_for("the spool to take what memory has", Duration::from_secs(10), || {
        Some(recordings.health()).filter(|health| health.held_segments == 0 && health.spooled_segments == 6)
    });
    mend_store(&store);
    wait_until(&recordings, "all to be well again", |health| health.failing_since.is_none());
    speak_fast(&mut tap, &mut place, 2);
    drop(tap);
    let health = wait_until(&recordings, "everything to be stored", is_stored);
    let (verified, entries, files) = stored(&open(&store), "lost");
    assert!(verified.ended);
    let [gap] = verified.gaps[..] else { panic!("{:?}", verified.gaps) };
    assert_eq!((gap.why, gap.at, gap.samples), (Why::Lost, 6 * 8000, (health.lost_seconds * 8000.0) as u64));
    assert_eq!((verified.samples + gap.samples, entries.last().unwrap().behind()), (place, place));
    let kept = (0..gap.at).chain(gap.at + gap.samples..place).map(|at| tone(TONES[0], at)).collect::<Vec<i16>>();
    assert!(wav(&files)[0] == kept, "what is there lies where the manifest says");
    recordings.stop(Duration::from_secs(5));
}

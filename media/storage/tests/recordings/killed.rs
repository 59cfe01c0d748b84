//! A process that dies, and the next one on the same spool.

use crate::sound::{TONES, speak, tone, wav};
use crate::{about, block_on, folder, is_stored, open, settings, stored, wait_until};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use storage::{CheckError, Form, Layout, Recordings, check};
use support::{Program, Scratch, wait_for};

/// In the process that is to die: where it works.
const PLACE: &str = "TANDEM_TEST_RECORDS_IN";

fn segments(spool: &Path) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(spool) else { return Vec::new() };
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file of the spool").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "segment"));
    files.sort();
    files
}

#[test]
fn a_killed_process_loses_the_segment_in_progress_alone() {
    if let Some(place) = std::env::var_os(PLACE) {
        return record_until_killed(&PathBuf::from(place));
    }
    let scratch = Scratch::new();
    let (store, spool) = (scratch.path().join("objects"), scratch.path().join("spool"));
    std::fs::write(&store, "a dead store").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["killed::a_killed_process_loses_the_segment_in_progress_alone", "--exact", "--nocapture"]);
    let mut program = Program::start("recorder", command.env(PLACE, scratch.path()));
    wait_for("five segments in the spool", Duration::from_secs(20), || {
        assert!(program.is_running(), "it ended: {}", program.output());
        Some(()).filter(|()| segments(&spool).len() >= 5)
    });
    program.kill();
    let left = segments(&spool).len();
    std::fs::remove_file(&store).unwrap();
    // What it was writing, and what a loss of power may leave.
    std::fs::write(spool.join("0000000000000900.part"), "half a seg").unwrap();
    let first = std::fs::read(&segments(&spool)[0]).unwrap();
    std::fs::write(spool.join("0000000000000901.segment"), &first[..first.len() / 2]).unwrap();

    let objects = open(&store);
    let recordings = Recordings::start(settings(objects.clone(), &spool)).unwrap();
    let health = wait_until(&recordings, "the spool to be empty", is_stored);
    assert_eq!(health.stored_segments, left as u64);
    assert!(health.last_error.is_some_and(|error| error.contains("0000000000000901.damaged is damaged")));
    let (verified, entries, files) = stored(&objects, "killed");
    assert!(!verified.ended, "the manifest tells that it was broken off");
    assert_eq!((verified.samples, verified.gaps, entries.len()), (left as u64 * 8000, vec![], left));
    assert!(wav(&files)[0] == (0..left as u64 * 8000).map(|at| tone(TONES[0], at)).collect::<Vec<i16>>());
    let names: Vec<_> = std::fs::read_dir(&spool).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name == "lock" || name == "0000000000000901.damaged"), "{names:?}");

    // The next process's segments do not take the names of those that were there.
    let mut tap = recordings.begin(about("next", Form::Wav, Layout::Stereo)).unwrap();
    speak(&mut tap, &mut 0, 60, || ());
    drop(tap);
    wait_until(&recordings, "everything to be stored", is_stored);
    assert!(stored(&objects, "next").0.ended);
    let missing = block_on(check(&objects, &folder("never")));
    assert!(matches!(missing, Err(CheckError::Fault(recording::Fault::Empty))), "{missing:?}");
    recordings.stop(Duration::from_secs(5));
}

fn record_until_killed(place: &Path) {
    let objects = open(&place.join("objects"));
    let recordings = Recordings::start(settings(objects, &place.join("spool"))).expect("recordings start");
    let mut tap = recordings.begin(about("killed", Form::Wav, Layout::Stereo)).expect("a recording begins");
    let mut at = 0;
    // Far more than the parent waits for, and still bounded.
    speak(&mut tap, &mut at, 50 * 600, || std::thread::sleep(Duration::from_millis(2)));
}

#[test]
fn what_stop_does_not_store_in_time_is_in_the_spool() {
    let scratch = Scratch::new();
    let (store, spool) = (scratch.path().join("objects"), scratch.path().join("spool"));
    std::fs::write(&store, "a dead store").unwrap();
    let recordings = Recordings::start(settings(open(&store), &spool)).unwrap();
    let mut tap = recordings.begin(about("stopped", Form::Wav, Layout::Stereo)).unwrap();
    speak(&mut tap, &mut 0, 120, || ());
    drop(tap);
    let health = recordings.stop(Duration::from_millis(700));
    assert_eq!((health.spooled_segments, health.held_segments, health.lost_seconds), (4, 0, 0.0));
    assert_eq!(segments(&spool).len(), 4);
}

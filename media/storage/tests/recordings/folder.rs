//! All is well.

use crate::sound::{TONES, opus, speak, tone, wav, worst};
use crate::{about, block_on, folder, is_stored, open, settings, stored, wait_until};
use recording::{Fault, Gap, Why};
use std::time::Duration;
use storage::{CheckError, Form, Layout, Recordings, StartError, check};
use support::Scratch;

#[test]
fn every_kind_of_recording_is_stored_whole() {
    let scratch = Scratch::new();
    let objects = open(&scratch.path().join("objects"));
    let recordings = Recordings::start(settings(objects.clone(), &scratch.path().join("spool"))).unwrap();
    let kinds = [
        (Form::Wav, Layout::Stereo),
        (Form::Wav, Layout::Mixed),
        (Form::Opus, Layout::Stereo),
        (Form::Opus, Layout::Mixed),
    ];
    let mut taps: Vec<_> = kinds
        .iter()
        .enumerate()
        .map(|(n, (form, layout))| recordings.begin(about(&format!("call-{n}"), *form, *layout)).unwrap())
        .collect();
    assert_eq!(recordings.health().recordings, 4);
    let (mut places, pause) = ([0; 4], || std::thread::sleep(Duration::from_micros(200)));
    for _ in 0..5 {
        // Half a second in turn, so that no queue is full whatever the machine does.
        taps.iter_mut().zip(&mut places).for_each(|(tap, place)| speak(tap, place, 25, pause));
    }
    drop(taps);
    let health = wait_until(&recordings, "everything to be stored", is_stored);
    assert_eq!((health.lost_seconds, health.last_error.as_deref(), health.stored_segments), (0.0, None, 4 * 4));
    for n in 0..4 {
        let (verified, entries, files) = stored(&objects, &format!("call-{n}"));
        assert_eq!((verified.ended, verified.samples, verified.gaps), (true, 20_000, vec![]), "call-{n}");
        assert_eq!((entries.len(), files.len()), (4, 3));
        assert_eq!(entries[0].about["call_id"], format!("call-{n}@example.com"));
    }
    let sides = wav(&stored(&objects, "call-0").2);
    let said = TONES.map(|hz| (0..20_000).map(|at| tone(hz, at)).collect::<Vec<i16>>());
    assert!(sides == said);
    for (heard, hz) in opus(&stored(&objects, "call-2").2).iter().zip(TONES) {
        assert_eq!(heard.len(), 20_000 * 6);
        assert!(worst(heard, hz) < -15.0);
    }
    assert_eq!(
        std::fs::read_dir(scratch.path().join("spool")).unwrap().count(),
        1,
        "only the lock is left in the spool"
    );
}

#[test]
fn a_pause_is_marked_and_takes_no_sound() {
    let scratch = Scratch::new();
    let objects = open(&scratch.path().join("objects"));
    let recordings = Recordings::start(settings(objects.clone(), &scratch.path().join("spool"))).unwrap();
    let mut tap = recordings.begin(about("paused", Form::Wav, Layout::Stereo)).unwrap();
    let mut place = 0;
    speak(&mut tap, &mut place, 75, || ());
    tap.pause();
    speak(&mut tap, &mut place, 150, || ());
    tap.resume();
    speak(&mut tap, &mut place, 75, || ());
    tap.finish();
    wait_until(&recordings, "everything to be stored", is_stored);
    let (verified, entries, files) = stored(&objects, "paused");
    assert_eq!(
        (verified.samples, verified.gaps),
        (24_000, vec![Gap { at: 12_000, samples: 24_000, why: Why::Paused }])
    );
    assert_eq!(entries.last().unwrap().behind(), 48_000);
    let [left, _] = wav(&files);
    let said: Vec<i16> = (0..12_000).chain(36_000..48_000).map(|at| tone(TONES[0], at)).collect();
    assert!(left == said);
}

#[test]
fn what_is_altered_in_the_store_is_found() {
    let scratch = Scratch::new();
    let objects = open(&scratch.path().join("objects"));
    let recordings = Recordings::start(settings(objects.clone(), &scratch.path().join("spool"))).unwrap();
    let mut tap = recordings.begin(about("altered", Form::Wav, Layout::Stereo)).unwrap();
    speak(&mut tap, &mut 0, 150, || ());
    drop(tap);
    wait_until(&recordings, "everything to be stored", is_stored);
    let fault = || match block_on(check(&objects, &folder("altered"))) {
        Err(CheckError::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let path = scratch.path().join("objects").join(folder("altered"));
    let (first, second) = (path.join("000000.wav"), path.join("000001.wav"));
    let content = std::fs::read(&second).unwrap();
    std::fs::copy(&first, &second).unwrap();
    assert_eq!(fault(), Fault::AlteredFile(1));
    std::fs::remove_file(&second).unwrap();
    assert_eq!(fault(), Fault::NoFile(1));
    std::fs::write(&second, content).unwrap();
    std::fs::remove_file(path.join("000001.json")).unwrap();
    assert_eq!(fault(), Fault::Missing { expected: 1, found: 2 });
}

#[test]
fn stopping_ends_and_stores_what_goes_on() {
    let scratch = Scratch::new();
    let objects = open(&scratch.path().join("objects"));
    let recordings = Recordings::start(settings(objects.clone(), &scratch.path().join("spool"))).unwrap();
    let mut tap = recordings.begin(about("stopped", Form::Wav, Layout::Stereo)).unwrap();
    speak(&mut tap, &mut 0, 105, || ());
    let health = recordings.stop(Duration::from_secs(20));
    assert!(is_stored(&health), "{health:?}");
    assert!(recordings.begin(about("late", Form::Wav, Layout::Stereo)).is_err());
    tap.push(&[0; 160], &[0; 160]);
    drop(tap);
    let (verified, ..) = stored(&objects, "stopped");
    assert_eq!((verified.ended, verified.samples), (true, 16_800));
}

#[test]
fn two_processes_cannot_have_one_spool() {
    let scratch = Scratch::new();
    let spool = scratch.path().join("spool");
    let settings = settings(open(&scratch.path().join("objects")), &spool);
    let recordings = Recordings::start(settings.clone()).unwrap();
    match Recordings::start(settings.clone()) {
        Err(StartError::Spool { path, .. }) => assert_eq!(path, spool),
        other => panic!("{:?}", other.map(|_| ())),
    }
    recordings.stop(Duration::from_secs(5));
    drop(recordings);
    assert!(Recordings::start(settings).is_ok());
}

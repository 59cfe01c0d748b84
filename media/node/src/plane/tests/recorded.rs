//! Calls that are recorded, whatever happens on their sides.

use super::transcoding::{Speaker, talk};
use super::*;
use call::TapeFacts;
use codec::Codec;
use std::path::{Path, PathBuf};

pub fn with_recorder(bench: &mut Bench, name: &str) -> (PathBuf, storage::Recordings) {
    let folder = std::env::temp_dir().join(format!("tandem-recorded-{name}-{}", std::process::id()));
    let objects = storage::Objects::open(&format!("file:{}", folder.join("objects").display())).unwrap();
    let settings = storage::Settings {
        segment: Duration::from_secs(1),
        queue: Duration::from_secs(60),
        ..storage::Settings::new(objects, folder.join("spool"))
    };
    let recordings = storage::Recordings::start(settings).unwrap();
    let recorder =
        Recorder { recordings: recordings.clone(), form: storage::Form::Wav, layout: storage::Layout::Stereo };
    bench.plane.recorder = Some(recorder);
    (folder, recordings)
}

/// What was kept of a call.
#[derive(Default)]
struct Kept {
    left: Vec<i16>,
    right: Vec<i16>,
    /// Samples in gaps.
    lost: u64,
    /// Samples and gaps that the last entries tell of.
    length: u64,
    /// Recordings whose end is told.
    ended: u32,
}

impl Kept {
    /// Waits until so many recordings have ended.
    fn take(folder: &Path, recordings: u32) -> Kept {
        let began = Instant::now();
        loop {
            let kept = Kept::read(&folder.join("objects"));
            // What the recorder writes meanwhile is seen in any order.
            if kept.ended == recordings && kept.left.len() as u64 + kept.lost == kept.length {
                // The recorder may still tidy up there.
                let _ = std::fs::remove_dir_all(folder);
                return kept;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{} of {recordings} recordings have ended", kept.ended);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All that is in the folder, in the order of the names.
    fn read(folder: &Path) -> Kept {
        let mut kept = Kept::default();
        let mut paths = Vec::new();
        collect(folder, &mut paths);
        paths.sort();
        for path in paths {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if path.extension().is_some_and(|it| it == "wav") {
                let samples =
                    bytes.get(44..).unwrap_or_default().as_chunks().0.iter().map(|it| i16::from_le_bytes(*it));
                samples
                    .enumerate()
                    .for_each(|(at, it)| if at % 2 == 0 { kept.left.push(it) } else { kept.right.push(it) });
            } else if let Ok(entry) = recording::Entry::parse(&bytes) {
                kept.lost += entry.gaps.iter().map(|gap| gap.samples).sum::<u64>();
                if entry.end {
                    (kept.ended, kept.length) = (kept.ended + 1, kept.length + entry.behind());
                }
            }
        }
        kept
    }

    fn seconds(&self) -> f64 {
        self.left.len() as f64 / 8000.0
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() { collect(&path, into) } else { into.push(path) }
    }
}

pub fn facts() -> TapeFacts {
    TapeFacts { call_id: "1".to_owned(), caller: "a@b".to_owned(), callee: "c@d".to_owned() }
}

pub fn two(bench: &mut Bench, codecs: [Codec; 2]) -> Vec<(Speaker, Opened)> {
    let speakers = [Speaker::new(codecs[0], 0, 440.0), Speaker::new(codecs[1], 0, 700.0)];
    let mut bridged = Vec::new();
    for speaker in speakers {
        let opened = bench.plane.open(Some(speaker.phone.remote().rtp)).unwrap();
        bench.plane.connect(opened.id, speaker.remote());
        bridged.push((speaker, opened));
    }
    bench.plane.bridge(bridged[0].1.id, bridged[1].1.id);
    bridged
}

/// Two phones talk for 2 s, something happens, and they talk for 4 s more.
fn recorded(name: &str, taped: usize, act: impl FnOnce(&mut Bench, &mut Vec<(Speaker, Opened)>)) -> Kept {
    let mut bench = Bench::new();
    let (folder, _recordings) = with_recorder(&mut bench, name);
    let mut speakers = two(&mut bench, [Codec::Pcmu, Codec::Pcmu]);
    bench.plane.tape(speakers[taped].1.id, Tape::Begin(facts()));
    talk(&mut bench, &mut speakers, 100);
    act(&mut bench, &mut speakers);
    talk(&mut bench, &mut speakers, 200);
    speakers.iter().for_each(|(_, opened)| _ = bench.plane.close(opened.id));
    Kept::take(&folder, 1)
}

#[test]
fn the_left_side_is_whom_the_recording_was_asked_of() {
    for (taped, left, right) in [(0, 440.0, 700.0), (1, 700.0, 440.0)] {
        let kept = recorded(&format!("side-{taped}"), taped, |_, _| {});
        assert!(kept.seconds() > 5.9 && kept.lost == 0, "{} of 6 s, {} samples lost", kept.seconds(), kept.lost);
        for (side, hertz) in [(&kept.left, left), (&kept.right, right)] {
            let at = audio::goertzel(&side[8000..40_000], 8000, hertz);
            assert!((at + 10.0).abs() < 1.5, "{taped}: {hertz} Hz at {at}");
        }
    }
}

/// The callee turns to what cannot be looked into, and back.
#[test]
fn sound_that_passes_unseen_is_a_gap_of_a_recording() {
    let kept = recorded("gap", 0, |bench, speakers| {
        let remote = speakers[1].0.remote();
        bench.plane.connect(speakers[1].1.id, Remote { voice: None, ..remote.clone() });
        talk(bench, speakers, 150);
        bench.plane.connect(speakers[1].1.id, remote);
    });
    let lost = kept.lost as f64 / 8000.0;
    assert!((2.8..3.1).contains(&lost) && kept.seconds() > 5.8, "{lost} of 3 s lost, {} of 6 s kept", kept.seconds());
}

/// Of two calls, each recorded, one is made; the two recordings have different rates.
#[test]
fn both_recordings_of_two_calls_that_become_one_go_on() {
    let mut bench = Bench::new();
    let (folder, _recordings) = with_recorder(&mut bench, "both");
    let mut narrow = two(&mut bench, [Codec::Pcmu, Codec::Pcmu]);
    let mut wide = two(&mut bench, [Codec::G722, Codec::G722]);
    for speakers in [&narrow, &wide] {
        bench.plane.tape(speakers[0].1.id, Tape::Begin(facts()));
    }
    for (_, opened) in [narrow.pop().unwrap(), wide.pop().unwrap()] {
        bench.plane.close(opened.id);
    }
    let mut speakers = vec![narrow.pop().unwrap(), wide.pop().unwrap()];
    bench.plane.bridge(speakers[1].1.id, speakers[0].1.id);
    talk(&mut bench, &mut speakers, 150);
    speakers.iter().for_each(|(_, opened)| _ = bench.plane.close(opened.id));
    let kept = Kept::take(&folder, 2);
    assert_eq!(kept.lost, 0);
    // 3 s at 8000 and 3 s at 16,000 samples a second.
    assert!((70_000..74_000).contains(&kept.left.len()), "{}", kept.left.len());
}

/// The callee holds and resumes: both descriptions change, and the callee's is connected last.
#[test]
fn a_recording_goes_on_after_hold_and_resume() {
    let hold = |bench: &mut Bench, speakers: &mut Vec<(Speaker, Opened)>| {
        for directions in [[Direction::RecvOnly, Direction::SendOnly], [Direction::SendRecv; 2]] {
            for ((speaker, opened), direction) in speakers.iter().zip(directions) {
                bench.plane.connect(opened.id, Remote { direction, ..speaker.remote() });
            }
        }
    };
    let kept = recorded("hold", 0, hold);
    assert!(kept.seconds() > 5.9 && kept.lost == 0, "{} of 6 s", kept.seconds());
}

/// The caller's key came by INFO and is put into the callee's media.
#[test]
fn a_recording_goes_on_after_a_key_by_info() {
    let press = |bench: &mut Bench, speakers: &mut Vec<(Speaker, Opened)>| {
        assert!(bench.plane.press(speakers[1].1.id, '5', Duration::from_millis(100)));
    };
    let kept = recorded("press", 0, press);
    assert!(kept.seconds() > 5.9 && kept.lost == 0, "{} of 6 s", kept.seconds());
}

/// The answer after early media asks for packets of 10 ms, and a recording begins in the same moment.
#[test]
fn nothing_is_lost_when_a_recording_begins_as_packets_become_shorter() {
    let mut bench = Bench::new();
    let (folder, _recordings) = with_recorder(&mut bench, "lead");
    let speakers = [Speaker::new(Codec::Pcmu, 0, 440.0), Speaker::new(Codec::Pcma, 8, 700.0)];
    let mut bridged = Vec::new();
    for speaker in speakers {
        let opened = bench.plane.open(Some(speaker.phone.remote().rtp)).unwrap();
        bench.plane.connect(opened.id, speaker.remote());
        bridged.push((speaker, opened));
    }
    bench.plane.bridge(bridged[0].1.id, bridged[1].1.id);
    talk(&mut bench, &mut bridged, 50);
    let remote = bridged[1].0.remote();
    let voice = remote.voice.clone().map(|voice| call::Voice { packet_time: 10, ..voice });
    bench.plane.connect(bridged[1].1.id, Remote { voice, ..remote });
    bench.plane.tape(bridged[0].1.id, Tape::Begin(facts()));
    bridged[0].0.heard.clear();
    talk(&mut bench, &mut bridged, 150);
    let seconds = bridged[0].0.heard.len() as f64 / 8000.0;
    assert!(seconds > 2.8, "{seconds} of 3 s heard");
    // The recorder may still write there.
    let _ = std::fs::remove_dir_all(&folder);
}

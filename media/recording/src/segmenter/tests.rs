//! What a segmenter gives, read back by others' readers.

mod files;

use crate::{Entry, Form, Gap, Hash, Id, Layout, Rate, Segmenter, Settings, Why, verify};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

pub fn settings(form: Form, layout: Layout, rate: Rate, seconds: u64) -> Settings {
    Settings {
        id: Id::parse("call-1").unwrap(),
        started: 1_700_000_000_000,
        rate,
        layout,
        form,
        segment: Duration::from_secs(seconds),
        about: BTreeMap::from([("call_id".to_owned(), "a84b4c76e66710".to_owned())]),
    }
}

/// A recording with everything kept: entries and files.
struct Kept {
    segmenter: Segmenter,
    entries: Vec<Entry>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Kept {
    fn new(settings: Settings) -> Kept {
        Kept { segmenter: Segmenter::new(settings), entries: Vec::new(), files: BTreeMap::new() }
    }

    fn keep(&mut self) {
        while let Some(segment) = self.segmenter.poll_segment() {
            let kept = self.segmenter.keep(segment);
            let sound = kept.entry.sound.clone().unwrap();
            assert_eq!(sound.sha256, Hash::of(&kept.bytes));
            assert!(self.files.insert(sound.file, kept.bytes).is_none());
            self.entries.push(kept.entry);
        }
    }

    fn push(&mut self, left: &[i16], right: &[i16]) {
        self.segmenter.push(left, right);
        self.keep();
    }

    fn gap(&mut self, samples: u64, why: Why) {
        self.segmenter.gap(samples, why);
        self.keep();
    }

    fn end(mut self) -> (Vec<Entry>, BTreeMap<String, Vec<u8>>) {
        self.segmenter.close();
        self.keep();
        self.entries.push(self.segmenter.end());
        (self.entries, self.files)
    }
}

fn narrow() -> Settings {
    settings(Form::Wav, Layout::Stereo, Rate::Narrow, 1)
}

#[test]
fn segments_follow_each_other_and_the_last_entry_says_the_end() {
    let mut recording = Kept::new(narrow());
    let sound: Vec<i16> = (0..20_000).map(|n| n as i16).collect();
    sound.chunks(160).for_each(|block| recording.push(block, block));
    let (entries, files) = recording.end();
    let lengths: Vec<(u32, u64, u64, u64, bool)> =
        entries.iter().map(|entry| (entry.number, entry.start, entry.first, entry.samples, entry.end)).collect();
    assert_eq!(
        lengths,
        [
            (0, 1_700_000_000_000, 0, 8000, false),
            (1, 1_700_000_001_000, 8000, 8000, false),
            (2, 1_700_000_002_000, 16_000, 4000, false),
            (3, 1_700_000_002_500, 20_000, 0, true)
        ]
    );
    assert_eq!(files.keys().collect::<Vec<_>>(), ["000000.wav", "000001.wav", "000002.wav"]);
    assert_eq!(entries[0].about["call_id"], "a84b4c76e66710");
    assert!(entries[1].about.is_empty());
    let verified = verify(&entries, |file| files.get(file).cloned()).unwrap();
    assert_eq!((verified.ended, verified.samples, verified.gaps), (true, 20_000, vec![]));
    let stored: Vec<i16> = files.values().flat_map(|file| audio::Wav::parse(file).unwrap().samples).collect();
    assert!(stored == sound, "both sides alike have their own mean");
}

#[test]
fn a_block_longer_than_segments_is_cut() {
    let mut recording = Kept::new(narrow());
    recording.push(&[1; 20_000], &[1; 19_000]);
    let (entries, files) = recording.end();
    assert_eq!(entries.iter().map(|entry| entry.samples).collect::<Vec<_>>(), [8000, 8000, 4000, 0]);
    let last = audio::Wav::parse(&files["000002.wav"]).unwrap().samples;
    assert_eq!((last[2999], last[3000], last.len()), (1, 0, 4000), "the shorter side is followed by silence");
}

#[test]
fn what_is_missing_is_marked_at_its_place_and_takes_no_sound() {
    let mut recording = Kept::new(narrow());
    recording.push(&[1; 1000], &[1; 1000]);
    recording.gap(160, Why::QueueFull);
    recording.push(&[1; 1000], &[1; 1000]);
    recording.gap(100, Why::Paused);
    recording.gap(60, Why::Paused);
    recording.gap(5, Why::Lost);
    recording.gap(0, Why::Lost);
    let (entries, files) = recording.end();
    let gaps = [
        Gap { at: 1000, samples: 160, why: Why::QueueFull },
        Gap { at: 2160, samples: 160, why: Why::Paused },
        Gap { at: 2320, samples: 5, why: Why::Lost },
    ];
    assert_eq!(entries[0].gaps, gaps);
    assert_eq!((entries[0].samples, entries[0].behind(), entries[1].first), (2000, 2325, 2325));
    assert_eq!(files["000000.wav"].len(), 44 + 2000 * 4);
    let json = String::from_utf8(entries[0].to_json()).unwrap();
    assert!(json.contains(r#"{"at":1000,"samples":160,"why":"queue full"}"#), "{json}");
    assert_eq!(Entry::parse(json.as_bytes()).unwrap(), entries[0]);
}

#[test]
fn a_pause_lets_the_sound_before_it_go_and_is_one_gap() {
    let mut recording = Kept::new(narrow());
    recording.push(&[1; 4000], &[1; 4000]);
    recording.gap(3999, Why::Paused);
    assert!(recording.entries.is_empty());
    recording.gap(1, Why::Paused);
    assert_eq!(recording.entries.len(), 1, "the sound waits no longer than a segment lasts");
    (0..3600).for_each(|_| recording.gap(8000, Why::Paused));
    recording.push(&[2; 10], &[2; 10]);
    let (entries, files) = recording.end();
    assert_eq!(entries[0].gaps, [Gap { at: 4000, samples: 4000, why: Why::Paused }]);
    assert_eq!(entries[1].gaps, [Gap { at: 8000, samples: 3600 * 8000, why: Why::Paused }]);
    assert_eq!((entries[1].samples, entries.len()), (10, 3));
    assert!(verify(&entries, |file| files.get(file).cloned()).is_ok());
}

#[test]
fn a_lost_segment_is_a_gap_of_the_next() {
    let mut recording = Kept::new(narrow());
    recording.push(&[1; 8000], &[1; 8000]);
    recording.segmenter.push(&[1; 3000], &[1; 3000]);
    recording.segmenter.gap(500, Why::Paused);
    recording.segmenter.push(&[1; 5000 + 100], &[1; 5000 + 100]);
    let segment = recording.segmenter.poll_segment().unwrap();
    assert_eq!(recording.segmenter.lose(segment), 8000);
    recording.gap(7, Why::Lost);
    let (entries, files) = recording.end();
    let gaps = [
        Gap { at: 8000, samples: 3000, why: Why::Lost },
        Gap { at: 11_000, samples: 500, why: Why::Paused },
        Gap { at: 11_500, samples: 5000, why: Why::Lost },
        Gap { at: 16_600, samples: 7, why: Why::Lost },
    ];
    assert_eq!((entries[1].number, entries[1].first, entries[1].samples), (1, 8000, 100));
    assert_eq!(entries[1].gaps, gaps);
    assert_eq!(verify(&entries, |file| files.get(file).cloned()).unwrap().gaps, gaps);
}

#[test]
fn what_is_lost_up_to_the_end_is_said_by_the_end() {
    let mut segmenter = Segmenter::new(narrow());
    segmenter.push(&[1; 30_000], &[1; 30_000]);
    let first = segmenter.poll_segment().unwrap();
    segmenter.lose(first);
    let end = segmenter.end();
    assert_eq!((end.number, end.end, end.samples), (0, true, 0));
    assert_eq!(end.gaps, [Gap { at: 0, samples: 30_000, why: Why::Lost }]);
    assert!(verify(&[end], |_| None).is_ok());
}

#[test]
fn an_entry_has_a_bounded_number_of_gaps() {
    let mut recording = Kept::new(settings(Form::Wav, Layout::Mixed, Rate::Narrow, 600));
    for _ in 0..2500 {
        recording.push(&[1; 10], &[1; 10]);
        recording.gap(10, Why::QueueFull);
    }
    let (entries, _) = recording.end();
    assert_eq!(entries.iter().map(|entry| entry.gaps.len()).collect::<Vec<_>>(), [1000, 1000, 500, 0]);

    let mut segmenter = Segmenter::new(settings(Form::Wav, Layout::Mixed, Rate::Narrow, 600));
    for _ in 0..2500 {
        segmenter.push(&[1; 10], &[1; 10]);
        segmenter.gap(10, Why::QueueFull);
        while let Some(segment) = segmenter.poll_segment() {
            segmenter.lose(segment);
        }
    }
    let end = segmenter.end();
    assert!(end.gaps.len() <= 2001, "{} gaps", end.gaps.len());
    assert_eq!(end.behind(), 50_000);
}

#[derive(Debug, Clone)]
enum Input {
    Sound(usize, usize),
    Gap(u64, Why),
    Close,
}

fn input() -> impl Strategy<Value = Input> {
    let why = prop_oneof![Just(Why::QueueFull), Just(Why::Paused), Just(Why::Lost)];
    prop_oneof![
        4 => (0..5000_usize, 0..5000_usize).prop_map(|(left, right)| Input::Sound(left, right)),
        2 => (0..20_000_u64, why).prop_map(|(samples, why)| Input::Gap(samples, why)),
        1 => Just(Input::Close),
    ]
}

proptest! {
    #[test]
    fn sound_and_gaps_always_add_up(inputs in prop::collection::vec((input(), any::<bool>()), 0..60)) {
        let mut segmenter = Segmenter::new(narrow());
        let (mut entries, mut files) = (Vec::new(), BTreeMap::new());
        let (mut time, mut sound, mut lost) = (0, 0, 0);
        for (input, is_kept) in inputs {
            match input {
                Input::Sound(left, right) => {
                    segmenter.push(&vec![1; left], &vec![1; right]);
                    sound += left.max(right) as u64;
                    time += left.max(right) as u64;
                }
                Input::Gap(samples, why) => {
                    segmenter.gap(samples, why);
                    time += samples;
                }
                Input::Close => segmenter.close(),
            }
            while let Some(segment) = segmenter.poll_segment() {
                if is_kept {
                    let kept = segmenter.keep(segment);
                    files.insert(kept.entry.sound.clone().unwrap().file, kept.bytes);
                    entries.push(kept.entry);
                } else {
                    lost += segmenter.lose(segment);
                }
            }
        }
        segmenter.close();
        while let Some(segment) = segmenter.poll_segment() {
            lost += segmenter.lose(segment);
        }
        entries.push(segmenter.end());
        prop_assert_eq!(entries.last().unwrap().behind(), time);
        let verified = verify(&entries, |file| files.get(file).cloned()).unwrap();
        prop_assert_eq!(verified.samples, sound - lost);
        prop_assert_eq!(verified.gaps.iter().map(|gap| gap.samples).sum::<u64>(), time - (sound - lost));
        for entry in &entries {
            let stored = entry.sound.as_ref().map_or(0, |sound| (files[&sound.file].len() as u64 - 44) / 4);
            prop_assert_eq!(stored, entry.samples);
        }
    }
}

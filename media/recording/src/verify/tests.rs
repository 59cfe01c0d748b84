//! Each thing that can be wrong is found.

use super::{Fault, verify};
use crate::segmenter::tests::settings;
use crate::{Entry, Form, Layout, Rate, Segmenter};
use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<u8>>;

fn recording(loudness: i16) -> (Vec<Entry>, Files) {
    let mut segmenter = Segmenter::new(settings(Form::Wav, Layout::Mixed, Rate::Narrow, 1));
    segmenter.push(&[loudness; 30_000], &[]);
    segmenter.close();
    let (mut entries, mut files) = (Vec::new(), Files::new());
    while let Some(segment) = segmenter.poll_segment() {
        let kept = segmenter.keep(segment);
        files.insert(kept.entry.sound.clone().unwrap().file, kept.bytes);
        entries.push(kept.entry);
    }
    entries.push(segmenter.end());
    (entries, files)
}

fn check(entries: &[Entry], files: &Files) -> Result<(), Fault> {
    verify(entries, |file| files.get(file).cloned()).map(|_| ())
}

#[test]
fn one_without_an_end_is_sound_and_said_to_go_on() {
    let (entries, files) = recording(1);
    assert_eq!(check(&entries, &files), Ok(()));
    let verified = verify(&entries[..4], |file| files.get(file).cloned()).unwrap();
    assert_eq!((verified.ended, verified.samples), (false, 30_000));
    assert_eq!(check(&[], &files), Err(Fault::Empty));
}

#[test]
fn a_left_out_exchanged_or_added_entry_is_found() {
    let (entries, files) = recording(1);
    for left_out in 0..4 {
        let mut rest = entries.clone();
        rest.remove(left_out);
        let expected = left_out as u32;
        assert_eq!(check(&rest, &files), Err(Fault::Missing { expected, found: expected + 1 }));
    }
    let mut exchanged = entries.clone();
    exchanged.swap(1, 2);
    assert_eq!(check(&exchanged, &files), Err(Fault::Missing { expected: 1, found: 2 }));
    let mut added = entries.clone();
    added.push(entries[4].clone());
    assert_eq!(check(&added, &files), Err(Fault::AfterEnd(4)));
}

#[test]
fn an_altered_exchanged_or_missing_file_is_found() {
    let (entries, mut files) = recording(1);
    let original = files.clone();
    files.get_mut("000001.wav").unwrap()[1000] ^= 1;
    assert_eq!(check(&entries, &files), Err(Fault::AlteredFile(1)));
    files = original.clone();
    files.insert("000003.wav".to_owned(), original["000002.wav"].clone());
    assert_eq!(check(&entries, &files), Err(Fault::AlteredFile(3)));
    files.remove("000002.wav");
    assert_eq!(check(&entries, &files), Err(Fault::NoFile(2)));
}

#[test]
fn an_altered_entry_is_found_even_with_a_new_hash_of_its_own() {
    let (entries, files) = recording(1);
    for entry in 0..entries.len() {
        let mut altered = entries.clone();
        altered[entry].start += 1;
        assert_eq!(check(&altered, &files), Err(Fault::Altered(entry as u32)));
        altered[entry].chain = altered[entry].link();
        let next = entry as u32 + 1;
        let expected = if entry + 1 < entries.len() { Err(Fault::Unchained(next)) } else { Ok(()) };
        assert_eq!(check(&altered, &files), expected, "the end itself has nobody behind it to vouch for it");
    }
}

#[test]
fn an_entry_of_another_recording_is_found() {
    let (entries, mut files) = recording(1);
    let (others, other_files) = recording(2);
    let mut mixed = entries.clone();
    mixed[2] = others[2].clone();
    files.insert("000002.wav".to_owned(), other_files["000002.wav"].clone());
    assert_eq!(check(&mixed, &files), Err(Fault::Unchained(2)));
    mixed[2].recording = "call-2".to_owned();
    mixed[2].previous = mixed[1].chain;
    mixed[2].chain = mixed[2].link();
    assert_eq!(check(&mixed, &files), Err(Fault::Foreign(2)));
}

#[test]
fn times_that_cannot_be_are_found() {
    let (mut entries, files) = recording(1);
    entries[0].first = u64::MAX;
    entries[0].chain = entries[0].link();
    assert_eq!(check(&entries, &files), Err(Fault::Times(0)));
    let (mut entries, files) = recording(1);
    let far = crate::Gap { at: u64::MAX, samples: 1, why: crate::Why::Lost };
    entries[0].gaps = vec![far, far];
    entries[0].chain = entries[0].link();
    assert_eq!(check(&entries, &files), Err(Fault::Times(0)));
}

#[test]
fn an_entry_with_more_in_it_is_not_read() {
    let (entries, _) = recording(1);
    let json = String::from_utf8(entries[0].to_json()).unwrap();
    assert!(Entry::parse(json.as_bytes()).is_ok());
    assert!(Entry::parse(json.replacen('{', r#"{"more":1,"#, 1).as_bytes()).is_err());
    assert!(Entry::parse(json.replace("8000", "8001").as_bytes()).is_err());
    assert!(Entry::parse(json.replace(&entries[0].chain.to_string(), "00").as_bytes()).is_err());
}

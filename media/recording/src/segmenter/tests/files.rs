//! The Ogg/Opus files, read by the crate `ogg` and decoded at 48 kHz as players do.

use super::{Kept, settings};
use crate::{Form, Layout, Rate};
use ropus::{Channels, DecodeMode, Decoder};
use std::f64::consts::TAU;

/// Samples of each channel at 48 kHz, after the pre-skip and up to the last granule position.
fn decode(file: &[u8], channels: usize) -> Vec<Vec<f64>> {
    let mut reader = ogg::PacketReader::new(std::io::Cursor::new(file));
    let head = reader.read_packet_expected().unwrap();
    assert!(head.first_in_stream() && head.first_in_page() && head.last_in_page() && !head.last_in_stream());
    assert_eq!((&head.data[..9], head.data.len()), (&b"OpusHead\x01"[..], 19));
    assert_ne!(head.stream_serial(), 0);
    assert_eq!((usize::from(head.data[9]), head.data[18]), (channels, 0));
    let skip = usize::from(u16::from_le_bytes([head.data[10], head.data[11]]));
    let tags = reader.read_packet_expected().unwrap();
    assert!(tags.data.starts_with(b"OpusTags") && tags.last_in_page() && tags.absgp_page() == 0);
    let mut decoder =
        Decoder::new(48_000, if channels == 2 { Channels::Stereo } else { Channels::Mono }).expect("a valid rate");
    let mut sides = vec![Vec::new(); channels];
    let mut end = None;
    while let Some(packet) = reader.read_packet().unwrap() {
        assert_eq!(end, None, "something follows the last page");
        let mut sound = vec![0; 5760 * channels];
        let count = decoder.decode(&packet.data, &mut sound, DecodeMode::Normal).unwrap();
        for moment in sound[..count * channels].chunks(channels) {
            moment.iter().zip(&mut sides).for_each(|(sample, side)| side.push(f64::from(*sample)));
        }
        if packet.last_in_page() && !packet.last_in_stream() {
            assert_eq!(packet.absgp_page(), sides[0].len() as u64, "a page tells where its last packet ends");
        }
        end = packet.last_in_stream().then(|| packet.absgp_page() as usize);
    }
    let end = end.expect("the last page is marked");
    assert!(end <= sides[0].len() && sides[0].len() < end + 960, "less than a frame is cut off");
    sides.iter().map(|side| side[skip..end].to_vec()).collect()
}

fn tone(hz: f64, rate: Rate, count: usize) -> Vec<i16> {
    (0..count).map(|at| (8000.0 * (TAU * hz * at as f64 / f64::from(rate.hz())).sin()) as i16).collect()
}

/// How far what is heard is from a tone that began with the recording, in dB below it, at its worst 10 ms.
fn error(heard: &[f64], hz: f64) -> f64 {
    let expected = |at: usize| 8000.0 * (TAU * hz * at as f64 / 48_000.0).sin();
    let power = |block: usize| -> f64 {
        (block * 480..(block + 1) * 480).map(|at| (heard[at] - expected(at)).powi(2)).sum::<f64>() / 480.0
    };
    let worst = (0..heard.len() / 480).map(power).fold(0.0, f64::max);
    10.0 * (worst / (8000.0_f64.powi(2) / 2.0)).log10()
}

/// The amplitude of one tone in what is heard.
fn part(heard: &[f64], hz: f64) -> f64 {
    let angle = |at: usize| TAU * hz * at as f64 / 48_000.0;
    let sum = |wave: fn(f64) -> f64| heard.iter().enumerate().map(|(at, sample)| sample * wave(angle(at))).sum::<f64>();
    sum(f64::sin).hypot(sum(f64::cos)) * 2.0 / heard.len() as f64
}

#[test]
fn opus_segments_joined_are_the_sound_without_a_seam() {
    for rate in [Rate::Narrow, Rate::Wide] {
        let count = rate.hz() as usize * 7 / 2 + 33;
        let (left, right) = (tone(440.0, rate, count), tone(1000.0, rate, count));
        let mut recording = Kept::new(settings(Form::Opus, Layout::Stereo, rate, 1));
        left.chunks(177).zip(right.chunks(177)).for_each(|(left, right)| recording.push(left, right));
        let (entries, files) = recording.end();
        assert_eq!((entries.len(), files.len()), (5, 4));
        let mut sides = vec![Vec::new(), Vec::new()];
        for (entry, file) in entries.iter().zip(files.values()) {
            let heard = decode(file, 2);
            assert_eq!(heard[0].len() as u64, entry.samples * 48_000 / u64::from(rate.hz()));
            heard.into_iter().zip(&mut sides).for_each(|(heard, side)| side.extend(heard));
        }
        assert_eq!(sides[0].len(), count * 48_000 / rate.hz() as usize);
        for (side, hz) in sides.iter().zip([440.0, 1000.0]) {
            let error = error(side, hz);
            println!("{rate:?} {hz} Hz: error {error:.1} dB");
            assert!(error < -15.0, "{rate:?} {hz} Hz: the worst 10 ms are off by {error:.1} dB");
        }
    }
}

#[test]
fn what_one_side_says_is_not_heard_on_the_other_side() {
    for rate in [Rate::Narrow, Rate::Wide] {
        let mut recording = Kept::new(settings(Form::Opus, Layout::Stereo, rate, 4));
        let left = tone(700.0, rate, rate.hz() as usize * 3);
        let right: Vec<i16> = tone(1800.0, rate, left.len()).iter().map(|sample| sample / 50).collect();
        recording.push(&left, &right);
        let (_, files) = recording.end();
        let heard = decode(&files["000000.opus"], 2);
        let (spoken, leaked, own) = (part(&heard[0], 700.0), part(&heard[1], 700.0), part(&heard[1], 1800.0));
        let leak = 20.0 * (leaked / spoken).log10();
        println!("{rate:?}: {leak:.1} dB, own {own}");
        assert!(leak < -40.0, "{rate:?}: {leak:.1} dB of one side are on the other");
        assert!((own - 160.0).abs() < 60.0, "{rate:?}: what the other side says itself has {own}");
    }
}

#[test]
fn mixed_opus_has_both_sides_in_one_channel() {
    let rate = Rate::Narrow;
    let mut recording = Kept::new(settings(Form::Opus, Layout::Mixed, rate, 2));
    let (left, right) = (tone(440.0, rate, 8000), tone(1000.0, rate, 8000));
    recording.push(&left, &right);
    let (_, files) = recording.end();
    let heard = decode(&files["000000.opus"], 1).remove(0);
    for (hz, amplitude) in [(440.0, 8000.0), (1000.0, 8000.0), (2000.0, 0.0)] {
        assert!((part(&heard, hz) - amplitude).abs() < 800.0, "{hz} Hz has {}", part(&heard, hz));
    }
}

//! Keys, and what else is left of a partner when there is another one.

use super::recorded::{facts, two, with_recorder};
use super::transcoding::{Speaker, talk, with_keys};
use super::*;
use audio::{Phase, Signal, Tone};
use codec::Codec;

/// `*` is held while the packets turn from passing to being made anew, as when the code's last key begins a recording.
#[test]
fn a_key_that_is_down_while_a_recording_begins_is_told_once() {
    let mut bench = Bench::new();
    let (folder, _recordings) = with_recorder(&mut bench, "key");
    let mut speakers = two(&mut bench, [Codec::Pcmu, Codec::Pcmu]);
    bench.plane.watch(speakers[0].1.id);
    talk(&mut bench, &mut speakers, 5);
    let mut digit = rtp::DigitPackets::new('7', 160, 3200).unwrap();
    let (mut told, mut heard, mut receiver) = (Vec::new(), Vec::new(), rtp::DigitReceiver::default());
    let mut sequence = 1000;
    for turn in 0..60_u64 {
        if let Some(event) = digit.next() {
            let header =
                rtp::Header { marker: turn == 0, payload_type: 101, sequence, timestamp: 77, ssrc: rtp::Ssrc(9) };
            sequence += 1;
            bench.send(
                &speakers[0].0.phone.rtp,
                &speakers[0].1,
                Rtp,
                &[&header.to_bytes()[..], &event.to_bytes()].concat(),
            );
        }
        for _ in 0..4 {
            told.extend(bench.wait(Duration::from_millis(5)));
        }
        if turn == 2 {
            bench.plane.tape(speakers[0].1.id, Tape::Begin(facts()));
        }
        while let Some((header, payload)) = rtp_of(&speakers[1].0.phone.rtp) {
            if header.payload_type == 101 {
                heard.extend(receiver.on_packet(rtp::Micros(turn * 20_000), &header, &payload));
            }
        }
    }
    let keys: Vec<_> = told.iter().filter(|(_, event)| matches!(event, MediaEvent::Dtmf(_))).collect();
    let pressed = heard.iter().filter(|it| matches!(it, rtp::Heard::Pressed(_) | rtp::Heard::Struck(_, _))).count();
    // The recorder may still be at it.
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!((keys.len(), pressed), (1, 1), "told the call, told the phone: {keys:?} {heard:?}");
}

/// Early media of one phone ends in the midst of a key; another one answers.
#[test]
fn a_key_of_a_phone_that_is_gone_does_not_go_on() {
    let mut bench = Bench::new();
    let mut speakers = two(&mut bench, [Codec::Pcmu, Codec::Pcma]);
    talk(&mut bench, &mut speakers, 5);
    let event = rtp::DigitPackets::new('7', 160, 3200).unwrap().next().unwrap();
    let header = rtp::Header { marker: true, payload_type: 101, sequence: 900, timestamp: 77, ssrc: rtp::Ssrc(9) };
    bench.send(&speakers[1].0.phone.rtp, &speakers[1].1, Rtp, &[&header.to_bytes()[..], &event.to_bytes()].concat());
    talk(&mut bench, &mut speakers, 3);
    let (_, gone) = speakers.pop().unwrap();
    let other = Speaker::new(Codec::Pcma, 8, 1100.0);
    let opened = bench.plane.open(Some(other.phone.remote().rtp)).unwrap();
    bench.plane.connect(opened.id, other.remote());
    bench.plane.bridge(speakers[0].1.id, opened.id);
    bench.plane.close(gone.id);
    speakers.push((other, opened));
    speakers[0].0.heard.clear();
    talk(&mut bench, &mut speakers, 150);
    assert!(speakers[0].0.heard.len() > 8000, "samples heard in 3 s: {}", speakers[0].0.heard.len());
}

/// A key is down while one partner gives way to another, as when it is the last one of a code.
#[test]
fn a_key_that_is_down_is_told_to_no_other_partner_and_not_twice() {
    let mut bench = Bench::new();
    let mut speakers = two(&mut bench, [Codec::Pcmu, Codec::Pcma]);
    bench.plane.watch(speakers[0].1.id);
    talk(&mut bench, &mut speakers, 5);
    let other = Speaker::new(Codec::Pcma, 8, 1100.0);
    let opened = bench.plane.open(Some(other.phone.remote().rtp)).unwrap();
    bench.plane.connect(opened.id, with_keys(other.remote(), call::KeysHeard::Info, call::KeysTold::Info));
    let mut told = Vec::new();
    for (turn, event) in rtp::DigitPackets::new('7', 160, 1600).unwrap().enumerate() {
        let header = rtp::Header {
            marker: turn == 0,
            payload_type: 101,
            sequence: 900 + turn as u16,
            timestamp: 77,
            ssrc: rtp::Ssrc(9),
        };
        let datagram = [&header.to_bytes()[..], &event.to_bytes()].concat();
        bench.send(&speakers[0].0.phone.rtp, &speakers[0].1, Rtp, &datagram);
        told.extend(bench.wait(Duration::from_millis(20)));
        if turn == 3 {
            bench.plane.bridge(speakers[0].1.id, opened.id);
        }
    }
    told.extend(bench.wait(Duration::from_millis(500)));
    assert_eq!(told, [(speakers[0].1.id, MediaEvent::Dtmf('7'))]);
}

/// The caller was looked into for the sake of one phone; another one answers, whose packets could just pass.
#[test]
fn what_was_looked_into_for_one_partner_passes_to_the_next() {
    let mut bench = Bench::new();
    let mut speakers = two(&mut bench, [Codec::Pcmu, Codec::Pcmu]);
    talk(&mut bench, &mut speakers, 5);
    assert!(bench.plane.press(speakers[0].1.id, '5', Duration::from_millis(100)));
    let (_, gone) = speakers.pop().unwrap();
    let other = Speaker::new(Codec::Pcmu, 0, 1100.0);
    let opened = bench.plane.open(Some(other.phone.remote().rtp)).unwrap();
    bench.plane.connect(opened.id, other.remote());
    bench.plane.bridge(speakers[0].1.id, opened.id);
    bench.plane.close(gone.id);
    let partner = pair_of(&mut bench.plane.slots, opened.id).unwrap().partner;
    assert!(matches!(partner, Partner::Pair(_)), "{partner:?}");
}

/// As many keys as there are packets: each may become an INFO request, or a key of a code.
#[test]
fn keys_faster_than_anybody_types_are_not_all_told() {
    let mut bench = Bench::new();
    let speakers = [Speaker::new(Codec::Pcmu, 0, 440.0), Speaker::new(Codec::Pcma, 8, 700.0)];
    let [one, other] = speakers;
    let (a, b) = (bench.open(&one.phone), bench.open(&other.phone));
    bench.plane.connect(a.id, one.remote());
    let remote = other.remote();
    let voice = remote.voice.clone().map(|voice| call::Voice {
        keys_heard: call::KeysHeard::Info,
        keys_told: call::KeysTold::Info,
        ..voice
    });
    bench.plane.connect(b.id, Remote { voice, ..remote });
    bench.plane.bridge(a.id, b.id);
    let mut told = 0;
    for number in 0..5000_u32 {
        let header = rtp::Header {
            marker: true,
            payload_type: 101,
            sequence: number as u16,
            timestamp: number * 1000,
            ssrc: rtp::Ssrc(9),
        };
        bench.send(&one.phone.rtp, &a, Rtp, &[&header.to_bytes()[..], &[1, 0x8a, 0, 160]].concat());
    }
    told += bench.wait(Duration::from_millis(5)).len();
    assert!(told < 100, "{told} INFO requests in 5 ms");
}

/// A phone says a key as a tone to one that takes tones; what is told, and the key as the other phone hears it.
fn told_of_a_tone(codec: Codec, watched: bool) -> (Vec<char>, Vec<char>) {
    let mut bench = Bench::new();
    let mut speakers = vec![];
    for _ in 0..2 {
        let mut speaker = Speaker::new(codec, if codec == Codec::Pcmu { 0 } else { 96 }, 440.0);
        speaker.sound.fill(0);
        let opened = bench.open(&speaker.phone);
        let (heard, told) = (call::KeysHeard::Tones, call::KeysTold::Tones);
        bench.plane.connect(opened.id, with_keys(speaker.remote(), heard, told));
        speakers.push((speaker, opened));
    }
    bench.plane.bridge(speakers[0].1.id, speakers[1].1.id);
    if watched {
        bench.plane.watch(speakers[0].1.id);
    }
    let rate = speakers[0].0.sound.len() / 10;
    let tone = [Phase { tone: Tone::dtmf('5'), milliseconds: 100 }, Phase { tone: None, milliseconds: 60_000 }];
    let tone: Vec<i16> = Signal::new(&tone, rate as u32).take(rate / 10).collect();
    speakers[0].0.sound[rate / 2..rate / 2 + tone.len()].copy_from_slice(&tone);
    let mut told = Vec::new();
    for _ in 0..60 {
        for packet in speakers[0].0.packets() {
            bench.send(&speakers[0].0.phone.rtp, &speakers[0].1, Rtp, &packet);
        }
        for _ in 0..4 {
            let events = bench.wait(Duration::from_millis(5));
            told.extend(events.into_iter().map(|event| match event {
                (id, MediaEvent::Dtmf(key)) if id == speakers[0].1.id => key,
                other => panic!("{other:?}"),
            }));
        }
        speakers[1].0.listen();
    }
    let heard = audio::resample(&speakers[1].0.heard, rate as u32, 8000);
    let heard = audio::dtmf::Detector::new(8000).unwrap().push(&heard);
    let heard = heard.into_iter().filter_map(|it| match it {
        audio::dtmf::Heard::Pressed(key) => Some(key),
        audio::dtmf::Heard::Released(_, _) => None,
    });
    (told, heard.collect())
}

#[test]
fn a_tone_between_phones_that_take_tones_is_told_to_who_watches_and_passes_as_sound() {
    for codec in [Codec::Pcmu, Codec::Opus] {
        assert_eq!(told_of_a_tone(codec, true), (vec!['5'], vec!['5']), "{codec:?}");
        assert_eq!(told_of_a_tone(codec, false), (vec![], vec!['5']), "{codec:?}");
    }
}

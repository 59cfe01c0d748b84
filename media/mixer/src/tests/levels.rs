//! Who is heard, and how loudly.

use audio::{goertzel, level};

use super::sound::{Random, Room, Voice};
use crate::{Muted, SEATS, SPEAKERS, Seat, Told};

const FULL: f64 = 32_767.0;

#[test]
fn one_who_speaks_alone_is_heard_bit_for_bit() {
    for rate in [8000, 16_000, 48_000] {
        let mut room = Room::new(rate);
        let (listener, speaker) = (room.join(), room.join());
        room.turn(&[(speaker, Voice { hertz: 400.0, peak: FULL })]);
        let mut random = Random::new();
        for _ in 0..100 {
            let mut block = random.noise(rate as usize / 50, 8000.0);
            block[0] = i16::MIN;
            block[1] = i16::MAX;
            room.mixer.hear(speaker, &block);
            room.mixer.turn();
            assert_eq!(room.mixer.told(listener), Told::Common(&block));
            assert!(matches!(room.mixer.told(speaker), Told::Own(own) if own.iter().all(|sample| *sample == 0)));
        }
    }
}

#[test]
fn each_speaker_hears_all_others_and_never_the_own_voice() {
    for rate in [8000, 16_000, 48_000] {
        for peak in [3000.0, FULL] {
            let mut room = Room::new(rate);
            let listener = room.join();
            let voices: Vec<(Seat, Voice)> =
                [300.0, 500.0, 800.0, 1300.0, 2100.0].map(|hertz| (room.join(), Voice { hertz, peak })).to_vec();
            room.listen(listener, &voices, 100);
            let start = room.at;
            let seats = [&[listener], &voices.iter().map(|(seat, _)| *seat).collect::<Vec<_>>()[..]].concat();
            let mut heard = vec![Vec::new(); seats.len()];
            while room.at < start + 50 {
                room.turn(&voices);
                for (heard, seat) in heard.iter_mut().zip(&seats) {
                    heard.extend_from_slice(room.told(*seat));
                }
            }
            for (seat, heard) in seats.iter().zip(&heard) {
                let loudest = level(heard);
                for (speaker, voice) in &voices {
                    let found = goertzel(heard, rate, voice.hertz);
                    if speaker == seat {
                        assert!(found < loudest - 60.0 && found < -57.0, "{rate} {peak} {found} {loudest}");
                    } else if peak < 4000.0 {
                        assert!((found - goertzel(&voice.block(rate, 0), rate, voice.hertz)).abs() < 0.3, "{found}");
                    } else {
                        // Five times full scale in one: 14 dB less of each, at most.
                        assert!((-11.5..3.2).contains(&found), "{rate} {found}");
                    }
                }
            }
        }
    }
}

#[test]
fn five_at_full_scale_are_lowered_and_not_cut() {
    for rate in [8000, 16_000, 48_000] {
        let mut room = Room::new(rate);
        let listener = room.join();
        // All peaks meet: the worst that five can do.
        let voices: Vec<(Seat, Voice)> = (0..5).map(|_| (room.join(), Voice { hertz: 450.0, peak: FULL })).collect();
        let heard = room.listen(listener, &voices, 100);
        assert!(heard.iter().all(|sample| sample.unsigned_abs() <= 32_761));
        // A quarter of a millisecond; cut, they would be flat for one.
        let is_flat = |part: &[i16]| part[0].unsigned_abs() > 32_000 && part.iter().all(|sample| *sample == part[0]);
        assert!(!heard.windows(rate as usize / 4000 + 1).any(is_flat), "{rate}");
        let settled = &heard[heard.len() / 2..];
        assert!((level(settled) - 3.17).abs() < 0.1, "{}", level(settled));
        for harmonic in 2..8 {
            let found = goertzel(settled, rate, 450.0 * f64::from(harmonic));
            assert!(found < -45.0, "{rate} harmonic {harmonic}: {found}");
        }
        // One alone has all of it again after a second.
        room.listen(listener, &voices[..1], 60);
        room.turn(&voices[..1]);
        assert_eq!(room.told(listener), voices[0].1.block(rate, room.at - 1));
    }
}

#[test]
fn the_noise_of_500_microphones_is_not_heard() {
    for deviation in [5.0, 50.0, 150.0] {
        let mut room = Room::new(16_000);
        let seats: Vec<Seat> = (0..500).map(|_| room.join()).collect();
        let mut random = Random::new();
        let noises: Vec<Vec<i16>> = (0..97).map(|_| random.noise(320, deviation)).collect();
        let mut loudest = f64::NEG_INFINITY;
        for turn in 0..200 {
            for seat in &seats {
                room.mixer.hear(*seat, &noises[random.below(noises.len())]);
            }
            room.mixer.turn();
            loudest = loudest.max(level(room.told(seats[turn])));
        }
        assert_eq!(loudest, f64::NEG_INFINITY, "{deviation}");
        // A voice is heard above it within one block, and brings the noise of no other along.
        let voice = Voice { hertz: 500.0, peak: 8.0 * deviation + 50.0 };
        room.mixer.hear(seats[7], &voice.block(16_000, 0));
        room.mixer.turn();
        assert_eq!(room.speakers(), [seats[7]]);
        assert!(
            goertzel(&room.told(seats[8])[160..], 16_000, 500.0)
                > goertzel(&voice.block(16_000, 0), 16_000, 500.0) - 3.5
        );
    }
}

#[test]
fn the_five_loudest_are_heard() {
    let mut room = Room::new(16_000);
    let voices: Vec<(Seat, Voice)> = (0..20)
        .map(|at| {
            (room.join(), Voice { hertz: 200.0 + 50.0 * f64::from(at), peak: 600.0 * f64::from(1 + at * 7 % 20) })
        })
        .collect();
    room.turn(&voices);
    let mut loudest = voices.clone();
    loudest.sort_by(|one, two| two.1.peak.total_cmp(&one.1.peak));
    let expected: Vec<Seat> = loudest[..SPEAKERS].iter().map(|(seat, _)| *seat).collect();
    assert_eq!(room.speakers(), expected);
    // Those who are hardly louder change nothing.
    for _ in 0..100 {
        room.turn(&voices);
        assert_eq!(room.speakers(), expected);
    }
}

#[test]
fn a_speaker_keeps_the_place_for_800_ms_of_pause() {
    let mut room = Room::new(16_000);
    let speaker = room.join();
    let voice = Voice { hertz: 300.0, peak: 4000.0 };
    for is_sent in [false, true] {
        room.listen(speaker, &[(speaker, voice)], 10);
        let silent = Voice { hertz: 300.0, peak: 0.0 };
        let said = [(speaker, silent)];
        let said = if is_sent { &said[..] } else { &[] };
        room.listen(speaker, said, 40);
        assert_eq!(room.speakers(), [speaker]);
        room.turn(said);
        assert_eq!(room.speakers(), []);
    }
}

#[test]
fn a_louder_one_takes_the_place_of_the_quietest_only() {
    let mut room = Room::new(16_000);
    let mut voices: Vec<(Seat, Voice)> =
        (0..5).map(|at| (room.join(), Voice { hertz: 300.0, peak: 2000.0 + 500.0 * f64::from(at) })).collect();
    let late = room.join();
    room.listen(late, &voices, 10);
    voices.push((late, Voice { hertz: 300.0, peak: 2700.0 }));
    room.listen(late, &voices, 50);
    assert!(!room.speakers().contains(&late), "2.6 dB louder than the quietest is too little");
    voices[5].1.peak = 3000.0;
    room.turn(&voices);
    assert!(room.speakers().contains(&late) && !room.speakers().contains(&voices[0].0));
    assert_eq!(room.speakers().len(), SPEAKERS);
}

#[test]
fn a_pause_between_words_costs_no_speaker_the_place() {
    let mut room = Room::new(16_000);
    let voices: Vec<(Seat, Voice)> = (0..5).map(|_| (room.join(), Voice { hertz: 300.0, peak: 4000.0 })).collect();
    let quieter = (room.join(), Voice { hertz: 300.0, peak: 3000.0 });
    for turn in 0..200 {
        let mut said = if turn < 2 { vec![] } else { vec![quieter] };
        said.extend(
            voices.iter().enumerate().filter(|(at, _)| (turn + at) % 8 < 4 || turn < 2).map(|(_, voice)| *voice),
        );
        room.turn(&said);
        assert!(!room.speakers().contains(&quieter.0), "{turn}");
    }
}

#[test]
fn what_was_said_before_the_mute_does_not_count_after_it() {
    let mut room = Room::new(16_000);
    let voices: Vec<(Seat, Voice)> = (0..5).map(|_| (room.join(), Voice { hertz: 300.0, peak: 4000.0 })).collect();
    let late = room.join();
    room.turn(&[(late, Voice { hertz: 300.0, peak: 30_000.0 })]);
    room.mixer.mute(late, Muted::Yes);
    room.listen(late, &voices, 2);
    room.mixer.mute(late, Muted::No);
    let quiet = (late, Voice { hertz: 300.0, peak: 3000.0 });
    room.turn(&[&voices[..], &[quiet]].concat());
    assert!(!room.speakers().contains(&late));
}

#[test]
fn one_who_hears_more_than_all_voices_together_hears_it_uncut() {
    let mut room = Room::new(16_000);
    // The third cancels the second for everybody else.
    let voices = [FULL, FULL, -FULL].map(|peak| (room.join(), Voice { hertz: 450.0, peak }));
    let heard = room.listen(voices[2].0, &voices, 50);
    assert!(heard.iter().all(|sample| sample.unsigned_abs() <= 32_761));
    assert!(goertzel(&heard[320 * 30..], 16_000, 1350.0) < -45.0);
}

#[test]
fn one_who_is_muted_is_not_heard_until_unmuted() {
    let mut room = Room::new(16_000);
    let (listener, speaker) = (room.join(), room.join());
    let voice = Voice { hertz: 300.0, peak: 9000.0 };
    room.mixer.mute(speaker, Muted::Yes);
    let heard = room.listen(listener, &[(speaker, voice)], 50);
    assert!(heard.iter().all(|sample| *sample == 0));
    assert_eq!(room.speakers(), []);
    room.mixer.mute(speaker, Muted::No);
    room.listen(listener, &[(speaker, voice)], 2);
    assert_eq!(room.told(listener), voice.block(16_000, 51));
    // Told before the turn, in which something was heard already.
    room.mixer.hear(speaker, &voice.block(16_000, 52));
    room.mixer.mute(speaker, Muted::Yes);
    room.turn(&[]);
    assert_eq!(room.told(listener)[319], 0);
    assert_eq!(room.speakers(), []);
}

#[test]
fn an_old_seat_means_nothing() {
    let mut room = Room::new(16_000);
    let (listener, old) = (room.join(), room.join());
    room.mixer.leave(old);
    room.mixer.turn();
    let next = room.join();
    assert_ne!(next, old);
    let voice = Voice { hertz: 300.0, peak: 9000.0 };
    room.mixer.leave(old);
    room.mixer.mute(old, Muted::Yes);
    assert!(room.mixer.announce(crate::Audience::One(old), vec![9; 999].into()).is_err());
    room.listen(listener, &[(old, voice)], 5);
    assert_eq!(room.told(listener), [0; 320]);
    assert_eq!(room.mixer.told(old), Told::Own(&[0; 320]));
    assert_eq!(room.mixer.len(), 2);
    room.listen(listener, &[(next, voice)], 5);
    assert_eq!(room.speakers(), [next]);
}

#[test]
fn a_full_room_takes_nobody_until_someone_left() {
    let mut room = Room::new(8000);
    let seats: Vec<Seat> = (0..SEATS).map(|_| room.join()).collect();
    assert_eq!(room.mixer.join(), None);
    room.mixer.leave(seats[500]);
    room.mixer.turn();
    assert!(room.mixer.join().is_some_and(|seat| !seats.contains(&seat)));
    assert_eq!(room.mixer.len(), SEATS);
}

#[test]
fn blocks_of_any_length_are_taken() {
    let mut room = Room::new(16_000);
    let (listener, speaker) = (room.join(), room.join());
    for length in [0, 1, 15, 319, 320, 321, 5000] {
        for _ in 0..3 {
            room.mixer.hear(speaker, &vec![5000; length]);
            room.mixer.turn();
        }
        let expected: Vec<i16> = (0..320).map(|at| if at < length { 5000 } else { 0 }).collect();
        assert_eq!(room.told(listener), expected, "{length}");
    }
}

//! Nothing clicks, whatever changes.

use super::sound::{Room, Voice, steepest};
use crate::{Muted, Seat};

const VOICE: Voice = Voice { hertz: 437.0, peak: 9000.0 };
const OTHER: Voice = Voice { hertz: 613.0, peak: 7000.0 };

/// Asserts that samples are hardly steeper than these voices are together.
fn assert_smooth(what: &str, samples: &[i16], voices: &[Voice], rate: u32) {
    let limits = voices.iter().map(|voice| voice.steepest(rate)).fold([0.0, 0.0], |[a, b], [c, d]| [a + c, b + d]);
    let found = steepest(samples);
    // The fade has a slope of its own, and each sample is rounded twice.
    assert!(found[0] <= 1.15 * limits[0] + 2.0, "{what} {rate}: {found:?} {limits:?}");
    assert!(found[1] <= 1.15 * limits[1] + 4.0, "{what} {rate}: {found:?} {limits:?}");
}

/// What is heard around a change in the 20th turn, which comes at `phase` of the voice.
fn around(rate: u32, phase: usize, change: impl Fn(&mut Room, Seat, usize) -> bool) -> Vec<i16> {
    let mut room = Room::new(rate);
    let (listener, speaker) = (room.join(), room.join());
    room.at = phase;
    let mut heard = Vec::new();
    for turn in 0..40 {
        let is_said = change(&mut room, speaker, turn);
        let voices: &[_] = if is_said { &[(speaker, VOICE)] } else { &[] };
        room.turn(voices);
        heard.extend_from_slice(room.told(listener));
    }
    heard
}

#[test]
fn a_voice_that_begins_ends_is_muted_or_leaves_does_not_click() {
    for rate in [8000, 16_000, 48_000] {
        // A block is no whole number of periods: each phase is another one.
        for phase in 0..50 {
            let begins = around(rate, phase, |_, _, turn| turn > 20);
            assert_smooth("begins", &begins, &[VOICE], rate);
            let ends = around(rate, phase, |_, _, turn| turn < 20);
            assert_smooth("ends", &ends, &[VOICE], rate);
            let gap = around(rate, phase, |_, _, turn| turn != 20);
            assert_smooth("one block is missing", &gap, &[VOICE], rate);
            let muted = around(rate, phase, |room, speaker, turn| {
                room.mixer.mute(speaker, if (20..25).contains(&turn) { Muted::Yes } else { Muted::No });
                true
            });
            assert_smooth("muted", &muted, &[VOICE], rate);
            let leaves = around(rate, phase, |room, speaker, turn| {
                if turn == 20 {
                    room.mixer.leave(speaker);
                }
                true
            });
            assert_smooth("leaves", &leaves, &[VOICE], rate);
            let block = rate as usize / 50;
            for silent in
                [&begins[..20 * block], &ends[21 * block..], &muted[22 * block..25 * block], &leaves[21 * block..]]
            {
                assert!(silent.iter().all(|sample| *sample == 0));
            }
        }
    }
}

#[test]
fn one_who_leaves_after_a_last_block_does_not_click() {
    let mut room = Room::new(16_000);
    let (listener, speaker) = (room.join(), room.join());
    let mut heard = room.listen(listener, &[(speaker, VOICE)], 20);
    room.mixer.hear(speaker, &VOICE.block(16_000, 20));
    room.mixer.leave(speaker);
    // Somebody else sits down before the last block has faded, and says something at once.
    let next = room.join();
    room.at += 1;
    let mut voice = OTHER;
    voice.peak = 0.0;
    heard.extend(room.listen(listener, &[(next, voice)], 5));
    assert_smooth("last block", &heard, &[VOICE], 16_000);
    assert_eq!(heard[21 * 320..], [0; 4 * 320]);
}

#[test]
fn a_speaker_whose_place_another_takes_does_not_click() {
    let mut room = Room::new(16_000);
    let listener = room.join();
    let voices: Vec<(Seat, Voice)> = (0..7)
        .map(|at| (room.join(), Voice { hertz: 300.0 + 97.0 * f64::from(at), peak: 1000.0 * 1.5_f64.powi(at) }))
        .collect();
    let all: Vec<Voice> = voices.iter().map(|(_, voice)| *voice).collect();
    let mut heard = room.listen(listener, &voices[..5], 20);
    heard.extend(room.listen(listener, &voices[..6], 20));
    heard.extend(room.listen(listener, &voices, 20));
    assert_smooth("taken places", &heard, &all, 16_000);
    let loudest: Vec<Seat> = voices[2..].iter().rev().map(|(seat, _)| *seat).collect();
    assert_eq!(room.speakers(), loudest);
}

#[test]
fn one_who_joins_hears_the_room_come_up_in_one_block() {
    let mut room = Room::new(16_000);
    let (listener, speaker) = (room.join(), room.join());
    room.listen(listener, &[(speaker, VOICE)], 20);
    let late = room.join();
    assert_eq!(room.told(late), [0; 320]);
    let heard = room.listen(late, &[(speaker, VOICE)], 5);
    assert_smooth("joined", &[&[0; 320], &heard[..]].concat(), &[VOICE], 16_000);
    assert_eq!(room.told(late), room.told(listener));
}

#[test]
fn what_a_speaker_hears_goes_on_when_the_own_voice_begins_and_ends() {
    let mut room = Room::new(16_000);
    let (speaker, other) = (room.join(), room.join());
    let mut heard = room.listen(speaker, &[(other, OTHER)], 20);
    heard.extend(room.listen(speaker, &[(other, OTHER), (speaker, VOICE)], 20));
    heard.extend(room.listen(speaker, &[(other, OTHER)], 60));
    let said: Vec<i16> = (1..100).flat_map(|turn| OTHER.block(16_000, turn)).collect();
    assert_eq!(heard[320..], said);
}

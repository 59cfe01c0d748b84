//! Announcements to one or all.

use std::sync::Arc;

use audio::goertzel;

use super::sound::{Room, Voice, steepest};
use crate::{AnnounceError, Audience, Seat, Told};

const VOICE: Voice = Voice { hertz: 450.0, peak: 12_000.0 };

/// Of which no block ends where a period does, as those of [`VOICE`] all do: there a step of its loudness would be hidden.
const UNEVEN: Voice = Voice { hertz: 437.0, peak: 12_000.0 };

/// So many blocks of a tone.
fn tone(hertz: f64, blocks: usize) -> Arc<[i16]> {
    (0..blocks).flat_map(|turn| Voice { hertz, peak: 8000.0 }.block(16_000, turn)).collect()
}

fn room() -> (Room, Seat, Seat, Seat) {
    let mut room = Room::new(16_000);
    let (one, two, speaker) = (room.join(), room.join(), room.join());
    room.listen(one, &[(speaker, VOICE)], 5);
    (room, one, two, speaker)
}

/// Which of the tones of 1000, 1500, 2000 ... Hz is heard in each block.
fn tones(samples: &[i16]) -> String {
    let tone =
        |block: &[i16]| (0..6_u8).find(|tone| goertzel(block, 16_000, 1000.0 + 500.0 * f64::from(*tone)) > -15.0);
    samples.chunks(320).map(|block| tone(block).map_or('.', |tone| char::from(b'a' + tone))).collect()
}

#[test]
fn an_announcement_to_all_is_heard_by_all_over_a_mix_lowered_by_12_db() {
    let (mut room, one, two, speaker) = room();
    let before = goertzel(room.told(one), 16_000, VOICE.hertz);
    room.mixer.announce(Audience::All, tone(1000.0, 50)).unwrap();
    let mut heard = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..60 {
        assert_eq!(room.mixer.is_announcing(), room.at < 5 + 52);
        room.turn(&[(speaker, VOICE)]);
        assert!(matches!(room.mixer.told(one), Told::Common(_)));
        for (heard, seat) in heard.iter_mut().zip([one, two, speaker]) {
            heard.extend_from_slice(room.told(seat));
        }
    }
    assert!(!room.mixer.is_announcing());
    assert_eq!(heard[0], heard[1]);
    let [_, both, alone] = &heard.map(|heard| heard[10 * 320..50 * 320].to_vec());
    let after = goertzel(both, 16_000, VOICE.hertz);
    assert!((before - after - 12.04).abs() < 0.1, "{before} {after}");
    let announced = goertzel(&tone(1000.0, 10), 16_000, 1000.0) - 2.5;
    for heard in [both, alone] {
        assert!((goertzel(heard, 16_000, 1000.0) - announced).abs() < 0.1);
    }
    assert!(goertzel(alone, 16_000, VOICE.hertz) < -60.0);
    assert_eq!(room.told(one), VOICE.block(16_000, room.at - 1));
}

#[test]
fn an_announcement_to_one_is_heard_by_no_other() {
    let (mut room, one, two, speaker) = room();
    room.mixer.announce(Audience::One(one), tone(1000.0, 10)).unwrap();
    for turn in 0..20 {
        room.turn(&[(speaker, VOICE)]);
        assert_eq!(room.mixer.told(two), Told::Common(&VOICE.block(16_000, room.at - 1)));
        assert_eq!(matches!(room.mixer.told(one), Told::Own(_)), turn < 12, "{turn}");
        assert_eq!(tones(room.told(one)) == "a", (1..11).contains(&turn), "{turn}");
        assert!(room.told(speaker).iter().all(|sample| *sample == 0));
    }
    room.mixer.announce(Audience::One(speaker), tone(1500.0, 10)).unwrap();
    let heard = room.listen(speaker, &[(speaker, VOICE)], 14);
    assert_eq!(tones(&heard), ".bbbbbbbbbb...");
    assert!(goertzel(&heard, 16_000, VOICE.hertz) < -60.0);
}

#[test]
fn each_listener_hears_announcements_in_the_order_in_which_they_came() {
    let (mut room, one, two, _) = room();
    let announce = |room: &mut Room, to, hertz| room.mixer.announce(to, tone(hertz, 5)).unwrap();
    announce(&mut room, Audience::All, 1000.0);
    announce(&mut room, Audience::One(one), 1500.0);
    announce(&mut room, Audience::All, 2000.0);
    let mut heard = [Vec::new(), Vec::new()];
    for turn in 0..50 {
        match turn {
            // While one of them still has something else in between.
            13 => announce(&mut room, Audience::All, 2500.0),
            18 => announce(&mut room, Audience::One(two), 3000.0),
            // As the last one has just ended.
            33 => announce(&mut room, Audience::All, 3500.0),
            _ => (),
        }
        room.turn(&[]);
        for (heard, seat) in heard.iter_mut().zip([one, two]) {
            heard.extend_from_slice(room.told(seat));
        }
    }
    assert_eq!(tones(&heard[0]).replace('.', ""), "aaaaabbbbbcccccdddddfffff");
    assert_eq!(tones(&heard[1]).replace('.', ""), "aaaaacccccdddddeeeeefffff");
    assert!([one, two].iter().all(|seat| matches!(room.mixer.told(*seat), Told::Common(_))));
}

#[test]
fn announcements_do_not_click_even_where_they_begin_and_end_at_their_peak() {
    let (mut room, one, _, speaker) = room();
    let sound = Voice { hertz: 700.0, peak: 16_000.0 };
    // From one peak to another, and no whole number of blocks.
    let cut: Arc<[i16]> = (0..6).flat_map(|turn| sound.block(16_000, turn)).skip(6).take(1600).collect();
    for to in [Audience::All, Audience::One(one)] {
        for gap in [0, 3, 7, 30] {
            room.mixer.announce(to, cut.clone()).unwrap();
            room.mixer.announce(to, cut.clone()).unwrap();
            let mut heard = room.listen(one, &[(speaker, UNEVEN)], gap);
            room.mixer.announce(to, cut.clone()).unwrap();
            heard.extend(room.listen(one, &[(speaker, UNEVEN)], 40));
            let found = steepest(&heard);
            let [voice, sound] = [UNEVEN.steepest(16_000), sound.steepest(16_000)];
            assert!(found[0] < voice[0] + sound[0] && found[1] < voice[1] + sound[1], "{to:?} {gap} {found:?}");
        }
    }
}

#[test]
fn the_loudest_announcement_over_the_loudest_mix_is_not_cut() {
    let mut room = Room::new(16_000);
    let (one, speaker) = (room.join(), room.join());
    let (low, high) = (vec![i16::MIN; 320], vec![i16::MAX; 320]);
    for (said, sample) in [(&low, i16::MIN), (&high, i16::MAX)] {
        room.mixer.announce(Audience::All, vec![sample; 3200].into()).unwrap();
        for _ in 0..8 {
            room.mixer.hear(speaker, said);
            room.mixer.turn();
        }
        assert_eq!(room.told(one), &said[..]);
    }
}

#[test]
fn one_more_than_sixteen_is_refused() {
    let (mut room, one, two, _) = room();
    for to in [Audience::All, Audience::One(one)] {
        let waiting = (0..).take_while(|_| room.mixer.announce(to, tone(1000.0, 1)).is_ok()).count();
        assert_eq!(waiting, if to == Audience::All { 16 } else { 0 });
        assert_eq!(room.mixer.announce(to, tone(1000.0, 1)), Err(AnnounceError::TooMany));
    }
    room.mixer.leave(two);
    assert_eq!(room.mixer.announce(Audience::One(two), tone(1000.0, 1)), Err(AnnounceError::Left));
}

#[test]
fn one_with_an_announcement_of_their_own_comes_back_to_that_of_all_at_any_moment() {
    for at in 0..15 {
        let (mut room, one, _, speaker) = room();
        room.mixer.announce(Audience::One(one), tone(1000.0, 5)).unwrap();
        let mut heard = room.listen(one, &[(speaker, UNEVEN)], at);
        room.mixer.announce(Audience::All, tone(1500.0, 5)).unwrap();
        heard.extend(room.listen(one, &[(speaker, UNEVEN)], 25));
        assert_eq!(tones(&heard).replace('.', ""), "aaaaabbbbb", "{at}");
        let limits = [UNEVEN, Voice { hertz: 1500.0, peak: 8000.0 }].map(|voice| voice.steepest(16_000));
        let found = steepest(&heard);
        assert!(found[0] < limits[0][0] + limits[1][0] && found[1] < limits[0][1] + limits[1][1], "{at} {found:?}");
        assert!(heard.ends_with(&UNEVEN.block(16_000, room.at - 1)), "{at}");
    }
}

#[test]
fn announcements_that_are_stopped_end_at_once_without_a_click_and_others_may_follow() {
    let sound = Voice { hertz: 700.0, peak: 16_000.0 };
    let long: Arc<[i16]> = (0..40).flat_map(|turn| sound.block(16_000, turn)).collect();
    for at in 0..8 {
        let (mut room, one, two, speaker) = room();
        room.mixer.announce(Audience::All, long.clone()).unwrap();
        room.mixer.announce(Audience::One(one), long.clone()).unwrap();
        let mut heard = [Vec::new(), Vec::new()];
        for turn in 0..30 {
            match turn {
                turn if turn == at => room.mixer.stop_announcements(),
                15 => room.mixer.announce(Audience::All, tone(2000.0, 5)).unwrap(),
                _ => (),
            }
            room.turn(&[(speaker, UNEVEN)]);
            for (heard, seat) in heard.iter_mut().zip([one, two]) {
                heard.extend_from_slice(room.told(seat));
            }
        }
        let [voice, announced] = [UNEVEN, sound].map(|voice| voice.steepest(16_000));
        for heard in &heard {
            let found = steepest(&heard[..15 * 320]);
            assert!(found[0] < voice[0] + announced[0] && found[1] < voice[1] + announced[1], "{at} {found:?}");
            // A block in which the sound ends, one in which the voice rises: then the voice alone.
            let after: Vec<i16> = (at + 2..15).flat_map(|turn| UNEVEN.block(16_000, 5 + turn)).collect();
            assert_eq!(heard[(at + 2) * 320..15 * 320], after, "{at}");
            assert_eq!(tones(heard).replace('.', ""), "ccccc", "{at}");
        }
    }
}

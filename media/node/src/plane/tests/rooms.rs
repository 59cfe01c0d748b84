//! Many talk in one room.

use super::transcoding::{Speaker, talk};
use super::*;
use audio::{Ends, Phase, Prompt, Signal, Tone};
use call::{Order, Rule, Whom};
use codec::Codec;

const TONES: [f32; 3] = [440.0, 700.0, 1100.0];

fn room(bench: &mut Bench, codecs: [Codec; 3]) -> Vec<(Speaker, Opened)> {
    let speakers = codecs.into_iter().zip(TONES).map(|(codec, hertz)| Speaker::new(codec, 96, hertz));
    let mut inside = Vec::new();
    for speaker in speakers {
        let opened = bench.plane.open(Some(speaker.phone.remote().rtp)).unwrap();
        enter(bench, &speaker, &opened);
        inside.push((speaker, opened));
    }
    inside
}

fn enter(bench: &mut Bench, speaker: &Speaker, opened: &Opened) {
    bench.plane.connect(opened.id, speaker.remote());
    bench.plane.serve(opened.id, Sound::Room("standup".into()), &agreed(96));
}

/// Which of the tones each one hears.
fn hears(inside: &[(Speaker, Opened)]) -> Vec<Vec<f32>> {
    let tones =
        |speaker: &Speaker| TONES.into_iter().filter(|tone| speaker.level_of(f64::from(*tone)).0 > -14.0).collect();
    inside.iter().map(|(speaker, _)| tones(speaker)).collect()
}

#[test]
fn each_hears_all_others_and_never_oneself() {
    let mut bench = Bench::new();
    let mut inside = room(&mut bench, [Codec::Pcmu, Codec::G722, Codec::Opus]);
    talk(&mut bench, &mut inside, 150);
    assert_eq!(hears(&inside), [[700.0, 1100.0], [440.0, 1100.0], [440.0, 700.0]]);
    for (index, (speaker, _)) in inside.iter().enumerate() {
        let own = speaker.level_of(f64::from(TONES[index])).0;
        assert!(own < -45.0, "{index}: {own}");
    }
    let (speaker, opened) = inside.pop().unwrap();
    bench.plane.close(opened.id);
    drop(speaker);
    talk(&mut bench, &mut inside, 150);
    assert_eq!(hears(&inside), [[700.0], [440.0]]);
    inside.iter().for_each(|(_, opened)| _ = bench.plane.close(opened.id));
    bench.wait(Duration::from_millis(100));
    assert_eq!((bench.plane.rooms.len(), bench.plane.poll_timeout()), (0, None));
}

#[test]
fn who_is_mute_or_holds_is_not_heard() {
    let mut bench = Bench::new();
    let mut inside = room(&mut bench, [Codec::Pcmu, Codec::Pcma, Codec::Pcmu]);
    bench.plane.order(inside[0].1.id, Order::Mute);
    let held = Remote { direction: Direction::SendOnly, ..inside[1].0.remote() };
    bench.plane.connect(inside[1].1.id, held);
    bench.plane.serve(inside[1].1.id, Sound::Room("standup".into()), &agreed(96));
    talk(&mut bench, &mut inside, 150);
    assert_eq!(inside[1].0.heard.len(), 0, "who holds hears nothing");
    let heard = |speaker: &Speaker| TONES.map(|tone| speaker.level_of(f64::from(tone)).0 > -14.0);
    assert_eq!((heard(&inside[0].0), heard(&inside[2].0)), ([false, false, true], [false; 3]));
    bench.plane.order(inside[0].1.id, Order::Mute);
    let (speaker, opened) = &inside[1];
    enter(&mut bench, speaker, opened);
    talk(&mut bench, &mut inside, 150);
    assert_eq!(hears(&inside), [[700.0, 1100.0], [440.0, 1100.0], [440.0, 700.0]]);
}

#[test]
fn a_locked_room_is_closed_until_it_is_unlocked_or_empty() {
    let mut bench = Bench::new();
    let inside = room(&mut bench, [Codec::Pcmu; 3]);
    let is_locked = |bench: &Bench| bench.plane.is_locked("standup");
    assert!(!is_locked(&bench) && bench.plane.is_in_room(inside[0].1.id));
    bench.plane.order(inside[0].1.id, Order::Lock);
    assert!(is_locked(&bench));
    bench.plane.order(inside[1].1.id, Order::Lock);
    assert!(!is_locked(&bench));
    bench.plane.order(inside[1].1.id, Order::Lock);
    inside.iter().for_each(|(_, opened)| _ = bench.plane.close(opened.id));
    assert!(!is_locked(&bench) && !bench.plane.is_in_room(inside[0].1.id));
}

const ANNOUNCED: [f64; 2] = [1700.0, 2300.0];

/// Three seconds of a tone.
fn announcement(hertz: f64) -> Prompt {
    let cadence = [Phase { tone: Some(Tone::new(hertz as f32, -10.0)), milliseconds: 3000 }];
    Prompt::at_rate(Signal::new(&cadence, 8000).take(24_000).collect(), 8000, Ends::Silence)
}

/// Which of the announcements each one hears.
fn announced(inside: &[(Speaker, Opened)]) -> Vec<Vec<f64>> {
    let loud = |speaker: &Speaker| ANNOUNCED.into_iter().filter(|tone| speaker.level_of(*tone).0 > -16.0).collect();
    inside.iter().map(|(speaker, _)| loud(speaker)).collect()
}

#[test]
fn what_an_operator_announces_is_heard_by_all_or_by_one_over_the_speakers() {
    let mut bench = Bench::new();
    let mut inside = room(&mut bench, [Codec::Pcmu, Codec::G722, Codec::Opus]);
    talk(&mut bench, &mut inside, 50);
    assert_eq!(bench.plane.rule("board", Rule::Announce(Whom::All, announcement(ANNOUNCED[0]))), 0, "no such room");
    assert_eq!(bench.plane.rule("standup", Rule::Announce(Whom::All, announcement(ANNOUNCED[0]))), 3);
    let one = vec![inside[1].1.id];
    talk(&mut bench, &mut inside, 100);
    assert_eq!(announced(&inside), [[1700.0], [1700.0], [1700.0]]);
    // The speakers are still there, lower by 12 dB.
    let (under, _) = inside[0].0.level_of(f64::from(TONES[1]));
    assert!((under + 22.0).abs() < 2.0, "{under}");
    talk(&mut bench, &mut inside, 110);
    assert_eq!(announced(&inside), vec![Vec::<f64>::new(); 3]);
    assert_eq!(bench.plane.rule("standup", Rule::Announce(Whom::These(one), announcement(ANNOUNCED[1]))), 1);
    talk(&mut bench, &mut inside, 100);
    assert_eq!(announced(&inside), [vec![], vec![2300.0], vec![]]);
    assert_eq!(hears(&inside)[0], [700.0, 1100.0], "the others hear the room as before");
    let accepted = (0..).take_while(|_| bench.plane.rule("standup", Rule::Announce(Whom::All, Prompt::chime())) == 3);
    assert_eq!(accepted.count(), 16, "then no more are taken");
}

#[test]
fn an_operator_mutes_one_or_all_and_sees_it() {
    let mut bench = Bench::new();
    let mut inside = room(&mut bench, [Codec::Pcmu, Codec::Pcma, Codec::G722]);
    talk(&mut bench, &mut inside, 50);
    let seen = |bench: &Bench, inside: &[(Speaker, Opened)]| {
        let room = bench.plane.room("standup").unwrap();
        let muted = |(_, opened): &(Speaker, Opened)| {
            let one = room.participants.iter().find(|it| it.id == opened.id).unwrap();
            (one.muted, one.speaking)
        };
        (room.locked, inside.iter().map(muted).collect::<Vec<_>>())
    };
    assert_eq!(seen(&bench, &inside), (false, vec![(false, true); 3]));
    assert_eq!(bench.plane.rule("standup", Rule::Mute(Whom::These(vec![inside[0].1.id]))), 1);
    assert_eq!(bench.plane.rule("standup", Rule::Lock), 3);
    assert_eq!(seen(&bench, &inside), (true, vec![(true, false), (false, true), (false, true)]));
    assert!(bench.plane.is_locked("standup"));
    talk(&mut bench, &mut inside, 100);
    assert_eq!(hears(&inside), [vec![700.0, 1100.0], vec![1100.0], vec![700.0]]);
    bench.plane.rule("standup", Rule::Unlock);
    assert_eq!(bench.plane.rule("standup", Rule::Mute(Whom::All)), 3);
    talk(&mut bench, &mut inside, 100);
    assert_eq!(hears(&inside), vec![Vec::<f32>::new(); 3]);
    // A participant may end that.
    bench.plane.order(inside[0].1.id, Order::Mute);
    talk(&mut bench, &mut inside, 100);
    assert_eq!(hears(&inside), [vec![], vec![440.0], vec![440.0]]);
    bench.plane.rule("standup", Rule::Unmute(Whom::All));
    talk(&mut bench, &mut inside, 100);
    assert_eq!(hears(&inside), [[700.0, 1100.0], [440.0, 1100.0], [440.0, 700.0]]);
    assert_eq!(bench.plane.room("board"), None);
}

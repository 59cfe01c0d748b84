//! Keys that are pressed at one end arrive at the other, each once, in order, and as long as they were held.

use super::*;
use audio::{Law, Phase, Signal, Tone, dtmf, level};
use call::{KeysHeard, KeysTold};
use rtp::{DigitPackets, DigitReceiver, Header};

/// A key that is pressed.
#[derive(Clone, Copy, Debug)]
struct Pressed {
    key: char,
    held: Duration,
    /// From the beginning.
    at: Duration,
}

/// Keys of lengths that people and machines press, with pauses between them.
fn keys(random: &mut Random) -> Vec<Pressed> {
    let mut at = Duration::from_secs(2);
    let mut next = |_| {
        let key = char::from(b"0123456789*#ABCD"[random.below(16) as usize]);
        let held = Duration::from_millis(60 + random.below(341));
        let pressed = Pressed { key, held, at };
        at += held + Duration::from_millis(100 + random.below(150));
        pressed
    };
    (0..200).map(&mut next).collect()
}

/// How a phone tells keys and is told of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Events,
    Tones,
}

impl Way {
    fn put(self, remote: Remote) -> Remote {
        let (heard, told) = match self {
            Way::Events => (KeysHeard::Events(vec![(EVENT, 8000)]), KeysTold::Events(EVENT)),
            Way::Tones => (KeysHeard::Tones, KeysTold::Tones),
        };
        let voice = remote.voice.map(|voice| call::Voice { keys_heard: heard, keys_told: told, ..voice });
        Remote { voice, ..remote }
    }
}

/// What a network left of a key that was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Left {
    /// Of events: packets of its end that were lost before one arrived. Of tones: packets of it or beside it that were lost.
    lost: u32,
    /// Of events: one of its end arrived. Of tones: so much in a row that it must be heard.
    is_whole: bool,
}

/// The tones in packets of G.711, each of 20 ms, whose fates are known.
fn tones_left(codec: Codec, packets: &[(Header, Vec<u8>, Fate)]) -> Vec<Left> {
    let loud = |(_, payload, _): &(Header, Vec<u8>, Fate)| level(&samples(codec, payload)) > -45.0;
    let loud: Vec<bool> = packets.iter().map(loud).collect();
    let is_lost = |place: usize| packets.get(place).is_some_and(|(.., fate)| *fate == Fate::Lost);
    let mut left = Vec::new();
    let mut place = 0;
    while place < loud.len() {
        let start = place;
        while loud.get(place) == Some(&true) {
            place += 1;
        }
        if place > start {
            let arrived: Vec<bool> = (start..place).map(|place| !is_lost(place)).collect();
            let longest = arrived.split(|arrived| !arrived).map(<[bool]>::len).max();
            // Of four packets two are full of it at the least, and 40 ms are a key (ITU-T Q.24).
            let is_whole = !arrived.contains(&false) || longest >= Some(4);
            let lost = (start - 1..place + 4).filter(|place| is_lost(*place)).count() as u32;
            left.push(Left { lost, is_whole });
        }
        place += 1;
    }
    left
}

/// The events in packets whose fates are known; `None`: no packet of one arrived.
fn events_left(packets: &[(Header, Vec<u8>, Fate)]) -> Vec<Option<Left>> {
    let mut keys: Vec<(u32, bool, Left)> = Vec::new();
    for (header, payload, fate) in packets {
        if keys.last().is_none_or(|(timestamp, ..)| *timestamp != header.timestamp) {
            keys.push((header.timestamp, false, Left::default()));
        }
        let (_, has_arrived, left) = keys.last_mut().unwrap();
        let is_end = rtp::Event::parse(payload).unwrap().end;
        match fate {
            Fate::Lost if is_end && !left.is_whole => left.lost += 1,
            Fate::Lost => {}
            Fate::Arrives => (*has_arrived, left.is_whole) = (true, left.is_whole || is_end),
        }
    }
    keys.into_iter().map(|(_, has_arrived, left)| has_arrived.then_some(left)).collect()
}

/// What two phones sent each other, and what the second one understood.
struct Pressing {
    /// What the networks left of the keys on the way to the exchange, and on the way from it.
    legs: [Vec<Option<Left>>; 2],
    told: Vec<(char, Duration)>,
}

/// One presses keys; the other one is told of them.
fn press(codecs: [Codec; 2], ways: [Way; 2], weather: Weather, keys: &[Pressed], random: &mut Random) -> Pressing {
    let mut bench = Bench::new();
    let mut phones = codecs.map(|codec| {
        let mut speaker = Speaker::new(codec, codec.fixed_payload_type().unwrap_or(96), 440.0);
        speaker.sound = said(codec, ways[0], keys);
        Far::new(&mut bench, speaker, weather, random)
    });
    // Only the one speaks.
    phones[1].speaker.sound.fill(0);
    for (far, way) in phones.iter().zip(ways) {
        bench.plane.connect(far.opened.id, way.put(far.remote()));
    }
    bench.plane.bridge(phones[0].opened.id, phones[1].opened.id);
    let (mut sent, mut told) = (Vec::new(), Vec::new());
    let mut receiver = DigitReceiver::default();
    let mut waiting = keys.iter().filter(|_| ways[0] == Way::Events).peekable();
    let mut down: Option<(DigitPackets, u32)> = None;
    let (began, end) = (bench.now, keys.last().unwrap().at + Duration::from_secs(2));
    while bench.now - began < end {
        let now = bench.now;
        for (index, far) in phones.iter_mut().enumerate() {
            if far.is_at(now, far.speaks) {
                for mut packet in far.speaker.packets() {
                    let sound = rtp::Packet::parse(&packet).unwrap().header;
                    if index == 0 && down.is_none() {
                        let pressed = waiting.next_if(|pressed| pressed.at <= now - began);
                        down = pressed.map(|pressed| (events(pressed), sound.timestamp));
                    }
                    let event = down.as_mut().filter(|_| index == 0).map(|(events, start)| (events.next(), *start));
                    match event {
                        Some((Some(event), timestamp)) => {
                            let header = Header { payload_type: EVENT, timestamp, ..sound };
                            packet = [&header.to_bytes()[..], &event.to_bytes()].concat();
                        }
                        Some((None, _)) => down = None,
                        None => {}
                    }
                    let fate = far.say(now, &packet);
                    if index == 0 {
                        let packet = rtp::Packet::parse(&packet).unwrap();
                        sent.push((packet.header, packet.payload().to_vec(), fate));
                    }
                }
            }
            far.carry(&mut bench);
            if far.is_at(now, far.draws) {
                far.draw(now);
            }
        }
        let far = &phones[1];
        let mut hear = |heard| {
            if let rtp::Heard::Released(key, held) | rtp::Heard::Struck(key, held) = heard {
                told.push((key, Duration::from_micros(u64::from(held) * 125)));
            }
        };
        for (header, payload) in far.packets.iter().filter(|(header, _)| header.payload_type == EVENT) {
            receiver.on_packet(far.micros(now), header, payload).for_each(&mut hear);
        }
        receiver.handle_timeout(far.micros(now)).into_iter().for_each(&mut hear);
        bench.wait(STEP);
    }
    let [_, mut far] = phones;
    if ways[1] == Way::Tones {
        assert_eq!(told, [], "events to a phone that hears tones");
        if weather.late > Duration::ZERO {
            // The ear of a phone to which packets come late makes sound longer and shorter: here is what was said to it.
            far.heard = far.fates.iter().flat_map(|(_, payload, _)| samples(codecs[1], payload)).collect();
            far.fates.iter_mut().for_each(|(.., fate)| *fate = Fate::Arrives);
        }
        told = tones_in(&far.heard, far.rate);
    }
    let legs = [left(codecs[0], ways[0], &sent), left(codecs[1], ways[1], &far.fates)];
    Pressing { legs, told }
}

fn left(codec: Codec, way: Way, packets: &[(Header, Vec<u8>, Fate)]) -> Vec<Option<Left>> {
    let is_event = |header: &Header| header.payload_type == EVENT;
    match (way, codec) {
        (Way::Events, _) => {
            events_left(&packets.iter().filter(|(header, ..)| is_event(header)).cloned().collect::<Vec<_>>())
        }
        (Way::Tones, codec) => tones_left(codec, packets).into_iter().map(Some).collect(),
    }
}

/// Of G.711.
fn samples(codec: Codec, payload: &[u8]) -> Vec<i16> {
    let law = match codec {
        Codec::Pcmu => Law::Mu,
        Codec::Pcma => Law::A,
        _ => panic!("{codec:?} cannot be looked into"),
    };
    payload.iter().map(|code| law.decode(*code)).collect()
}

fn tones_in(sound: &[i16], rate: u32) -> Vec<(char, Duration)> {
    let released = |heard| match heard {
        dtmf::Heard::Released(key, held) => Some((key, held)),
        dtmf::Heard::Pressed(_) => None,
    };
    dtmf::Detector::new(rate).unwrap().push(sound).into_iter().filter_map(released).collect()
}

/// What a phone sends of a key.
fn events(pressed: &Pressed) -> DigitPackets {
    DigitPackets::new(pressed.key, 160, pressed.held.as_millis() as u16 * 8).unwrap()
}

/// The sound of keys, or silence.
fn said(codec: Codec, way: Way, keys: &[Pressed]) -> Vec<i16> {
    let rate = codec.rate() as usize;
    let mut sound = vec![0; rate * (keys.last().unwrap().at.as_secs() as usize + 4)];
    for pressed in keys.iter().filter(|_| way == Way::Tones) {
        let cadence = [Phase { tone: Tone::dtmf(pressed.key), milliseconds: 10_000 }];
        let at = |time: Duration| (time.as_secs_f64() * rate as f64) as usize;
        let (start, length) = (at(pressed.at), at(pressed.held));
        sound.splice(start..start + length, Signal::new(&cadence, rate as u32).take(length));
    }
    sound
}

/// Each key is told once, in order, and as long as it was held to a packet time, except for what the networks took away: a key may be
/// gone of which too little arrived, and each packet lost at its ends makes it longer or shorter. What is late makes a key longer by up
/// to `late`, since its length is told while it is held.
fn expect_all(codecs: [Codec; 2], ways: [Way; 2], weather: Weather, late: Duration) {
    let mut random = Random::new();
    let keys = keys(&mut random);
    let Pressing { legs: [there, back], told } = press(codecs, ways, weather, &keys, &mut random);
    assert_eq!(there.len(), keys.len(), "keys that were sent");
    // Not every key that is cut to pieces becomes one on the other side.
    let mut cut = keys.len().checked_sub(back.len()).expect("no key is doubled");
    let mut told = told.into_iter().peekable();
    let mut back = back.into_iter().peekable();
    let may_be_gone = |way, left: Option<Left>| left.is_none_or(|left| way == Way::Tones && !left.is_whole);
    let mut gone = 0;
    for (index, (pressed, there)) in keys.iter().zip(there).enumerate() {
        // Of equal keys that follow each other, and of which fewer are told, the first that may be gone is.
        let pressed_so = keys[index..].iter().take_while(|next| next.key == pressed.key).count();
        let told_so = told.clone().take_while(|(key, _)| *key == pressed.key).count();
        let is_gone = told_so < pressed_so
            && (cut > 0 && may_be_gone(ways[0], there) || back.peek().is_some_and(|back| may_be_gone(ways[1], *back)));
        let heard = told.next_if(|(key, _)| *key == pressed.key && !is_gone);
        let Some((_, mut held)) = heard else {
            gone += 1;
            if may_be_gone(ways[0], there) && cut > 0 {
                cut -= 1;
                continue;
            }
            let back = back.next().expect("the exchange has told it");
            assert!(may_be_gone(ways[1], back), "{pressed:?} is gone: {there:?} {back:?}");
            continue;
        };
        let back = back.next().expect("the exchange has told it");
        let (Some(there), Some(back)) = (there, back) else { panic!("{pressed:?} out of nothing: {there:?} {back:?}") };
        if ways[1] == Way::Tones && !back.is_whole && told_so > pressed_so {
            // A tone that is cut on its way to the phone may be two to it.
            held += told.next().map_or(Duration::ZERO, |(_, held)| held);
        }
        if there.is_whole && back.is_whole {
            let lost = there.lost + back.lost;
            // A detector is exact to 5 ms, and what an ear makes up for a lost packet fades into what comes after.
            let off = match ways.contains(&Way::Tones) {
                true => PACKET * (1 + 2 * lost) + Duration::from_millis(5),
                false => PACKET * (1 + lost),
            } + late;
            assert!(held.abs_diff(pressed.held) <= off, "{pressed:?} became {held:?}: {there:?} {back:?}");
        }
    }
    assert_eq!((told.next(), back.next()), (None, None), "told after the last key");
    println!("{gone} of {} keys are gone", keys.len());
    assert!(gone <= keys.len() / 50);
}

/// The payload type of events.
const EVENT: u8 = 101;
/// The time of a packet.
const PACKET: Duration = Duration::from_millis(20);

#[test]
fn a_key_is_told_once_and_as_long_as_it_was_held_through_10_percent_loss() {
    let narrow = [Codec::Pcmu, Codec::Pcma];
    expect_all(narrow, [Way::Events, Way::Events], Weather::LOSSY, Duration::ZERO);
    expect_all([Codec::G722, Codec::Pcma], [Way::Events, Way::Events], Weather::LOSSY, Duration::ZERO);
    expect_all(narrow, [Way::Events, Way::Tones], Weather::LOSSY, Duration::ZERO);
    expect_all(narrow, [Way::Tones, Way::Events], Weather::LOSSY, Duration::ZERO);
}

#[test]
fn events_are_keys_through_loss_jitter_and_duplicates() {
    let narrow = [Codec::Pcmu, Codec::Pcma];
    let late = Weather::WORSE.late;
    expect_all(narrow, [Way::Events, Way::Events], Weather::WORSE, late);
    expect_all(narrow, [Way::Events, Way::Tones], Weather::WORSE, late);
}

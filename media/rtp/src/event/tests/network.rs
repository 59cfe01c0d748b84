//! Digits over a network that loses, doubles and reorders.

use std::time::Duration;

use crate::event::{DigitReceiver, DigitSender, Heard};
use crate::random::Random;
use crate::{Micros, Sequencer, Ssrc};

/// A stream of keys as they were pressed, and its packets.
struct Dialled {
    keys: Vec<Pressed>,
    packets: Vec<Sent>,
}

struct Pressed {
    key: char,
    /// As the last packet told, in ticks.
    length: u32,
}

struct Sent {
    /// In milliseconds.
    at: u64,
    /// Place of its key.
    place: usize,
    until: u32,
    end: bool,
    header: crate::Header,
    payload: [u8; 4],
}

/// Keys pressed at random moments for random times, each released only when it is.
fn dial(random: &mut Random, clock: u32, packet_time: u64, count: usize) -> Dialled {
    let mut sequencer = Sequencer::new(Ssrc(9), random.next() as u16, random.next() as u32);
    let mut sender = DigitSender::new(clock);
    let step = clock / 1000 * packet_time as u32;
    let mut dialled = Dialled { keys: Vec::new(), packets: Vec::new() };
    // When the next key goes down, and when the one that is down goes up, in milliseconds.
    let (mut now, mut down, mut up, mut pressed) = (0, random.below(100), None, 0);
    while pressed < count || sender.is_busy() || up.is_some() {
        if let Some((begun, at)) = up.filter(|(_, at)| *at <= now) {
            sender.release(Duration::from_millis(at - begun));
            // Hasty fingers: the next key may come while this one is still being sent.
            (down, up) = (now + random.below(200), None);
        }
        if up.is_none() && pressed < count && down <= now {
            let kinds = if random.percent(50) { 2 } else { 16 };
            let key = char::from(b"0123456789*#ABCD"[random.below(kinds) as usize]);
            assert!(sender.press(key));
            pressed += 1;
            let held = if random.percent(5) { 1000 + random.below(4000) } else { 10 + random.below(300) };
            (down, up) = (u64::MAX, Some((now, now + held)));
            dialled.keys.push(Pressed { key, length: 0 });
        }
        if let Some(packet) = sender.next(step) {
            let start = sequencer.timestamp().wrapping_sub(packet.back);
            let place = dialled.packets.last().map_or(0, |last| last.place + usize::from(packet.marker));
            let header = crate::Header { marker: packet.marker, ..sequencer.at(101, start) };
            let duration = u32::from(packet.event.duration);
            let first =
                dialled.packets.iter().find(|sent| sent.place == place).map_or(start, |first| first.header.timestamp);
            let until = start.wrapping_add(duration).wrapping_sub(first);
            dialled.keys[place].length = until;
            let (end, payload) = (packet.event.end, packet.event.to_bytes());
            dialled.packets.push(Sent { at: now, place, until, end, header, payload });
        }
        sequencer.skip(step);
        now += packet_time;
    }
    dialled
}

/// Every key once and in order, as long as the packets say that arrive before the next one's; only those are missed of which
/// none does. At a loss of 10 % that is nearly always the whole key, or all of it but a packet time.
#[test]
fn no_digit_is_lost_doubled_or_shortened() {
    let mut random = Random::new();
    let (mut keys, mut missed, mut unended, mut inexact) = (0, 0, 0, 0);
    for round in 0..2000 {
        let clock = [8000, 16_000, 48_000][random.below(3) as usize];
        let packet_time = 10 * (1 + random.below(6));
        let step = clock / 1000 * packet_time as u32;
        let dialled = dial(&mut random, clock, packet_time, 10);
        let (spread, loss) = (random.below(60), if round % 4 == 3 { 30 } else { 10 });
        let mut flight = Vec::new();
        for (index, sent) in dialled.packets.iter().enumerate() {
            for _ in 0..1 + u64::from(random.percent(5)) {
                if !random.percent(loss) {
                    flight.push((sent.at + 30 + random.below(1 + spread), index));
                }
            }
        }
        flight.sort();
        let mut receiver = DigitReceiver::default();
        let mut heard = Vec::new();
        for (at, index) in &flight {
            let (now, sent) = (Micros(at * 1000), &dialled.packets[*index]);
            if receiver.timeout().is_some_and(|due| due <= now) {
                heard.extend(receiver.handle_timeout(now));
            }
            heard.extend(receiver.on_packet(now, &sent.header, &sent.payload));
        }
        heard.extend(receiver.handle_timeout(Micros(u64::MAX)));
        let mut expected = Vec::new();
        let mut next_begins = (u64::MAX, 0);
        for (place, pressed) in dialled.keys.iter().enumerate().rev() {
            let mut arrived: Vec<_> = { flight.iter() }
                .filter(|(at, index)| dialled.packets[*index].place == place && (*at, *index) < next_begins)
                .map(|(at, index)| ((*at, *index), &dialled.packets[*index]))
                .collect();
            // Behind a silence of 400 ms nothing is waited for.
            let silence = arrived.windows(2).position(|two| two[1].0.0 - two[0].0.0 >= 400);
            arrived.truncate(silence.map_or(usize::MAX, |silence| silence + 1));
            if let Some((first, _)) = arrived.first() {
                next_begins = *first;
                let told = arrived.iter().map(|(_, sent)| sent.until).max().unwrap_or(0);
                let ended = arrived.iter().any(|(_, sent)| sent.end);
                expected.push((pressed.key, told));
                unended += u32::from(loss == 10 && !ended);
                inexact += u32::from(loss == 10 && !ended && told + step < pressed.length);
            } else {
                missed += u32::from(loss == 10);
            }
            keys += u32::from(loss == 10);
        }
        expected.reverse();
        let mut down = None;
        let mut lengths = Vec::new();
        for event in &heard {
            match event {
                Heard::Pressed(key) => assert_eq!(down.replace(*key), None, "round {round}: {heard:?}"),
                Heard::Released(key, length) => {
                    assert_eq!(down.take(), Some(*key), "round {round}: {heard:?}");
                    lengths.push((*key, *length));
                }
                Heard::Struck(key, length) => lengths.push((*key, *length)),
            }
        }
        assert_eq!(down, None, "round {round}: {heard:?}");
        assert_eq!(lengths, expected, "round {round}");
    }
    println!(
        "{keys} keys, {missed} without a packet, {unended} without an end, {inexact} more than a packet too short"
    );
    assert!(missed * 1000 < keys && unended * 100 < keys && inexact * 2000 < keys);
}

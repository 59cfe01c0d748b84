use super::{DigitPackets, DigitReceiver, Event, Heard};
use crate::random::Random;
use crate::{Header, Sequencer, Ssrc};

fn header(timestamp: u32) -> Header {
    Header { marker: false, payload_type: 101, sequence: 0, timestamp, ssrc: Ssrc(1) }
}

fn payload(code: u8, end: bool, duration: u16) -> [u8; 4] {
    Event { code, end, volume: 10, duration }.to_bytes()
}

#[test]
fn payloads_and_keys_are_those_of_rfc_4733() {
    // §2.5.2.2, the dialled string "911": the first packet of the 9.
    assert_eq!(payload(9, false, 400), [9, 10, 0x01, 0x90]);
    let event = Event::parse(&[11, 0x80 | 7, 0x06, 0x40]).unwrap();
    assert_eq!(event, Event { code: 11, end: true, volume: 7, duration: 1600 });
    assert_eq!(
        (event.key(), Event::code_of('#'), Event::code_of('d'), Event::code_of('x')),
        (Some('#'), Some(11), Some(15), None)
    );
    assert_eq!(Event::parse(&[1, 2, 3]), None);
    assert_eq!(Event::parse(&payload(16, false, 1)).unwrap().key(), None, "a hook flash is no key");
}

#[test]
fn a_digit_is_sent_in_growing_packets_and_its_end_three_times() {
    let sent: Vec<_> =
        DigitPackets::new('5', 160, 400).unwrap().map(|event| (event.code, event.duration, event.end)).collect();
    assert_eq!(sent, [(5, 160, false), (5, 320, false), (5, 400, true), (5, 400, true), (5, 400, true)]);
    assert!(DigitPackets::new('!', 160, 400).is_none());
    assert_eq!(DigitPackets::new('0', 30_000, u16::MAX).unwrap().count(), 5);
}

#[test]
fn a_key_is_heard_down_and_up_once() {
    let mut receiver = DigitReceiver::default();
    let mut hear = |timestamp, end, duration| receiver.on_packet(&header(timestamp), &payload(5, end, duration));
    assert_eq!(hear(1000, false, 160), Some(Heard::Pressed('5')));
    assert_eq!(hear(1000, false, 320), None);
    assert_eq!(hear(1000, true, 480), Some(Heard::Released('5', 480)));
    assert_eq!(hear(1000, true, 480), None);
    assert_eq!(hear(1000, false, 320), None, "late");
    assert_eq!(hear(2000, true, 800), Some(Heard::Struck('5', 800)), "the same key again, all but the end lost");
    assert_eq!(hear(1000, true, 480), None, "late, of the one before");
}

#[test]
fn a_long_event_in_segments_is_one_digit() {
    let mut receiver = DigitReceiver::default();
    let mut hear = |timestamp, end, duration| receiver.on_packet(&header(timestamp), &payload(1, end, duration));
    assert_eq!(hear(0, false, 160), Some(Heard::Pressed('1')));
    assert_eq!(hear(0, false, 65_535), None);
    assert_eq!(hear(65_535, false, 160), None);
    assert_eq!(hear(131_070, false, 160), None, "the end of the second segment was lost");
    assert_eq!(hear(131_070, true, 1000), Some(Heard::Released('1', 132_070)));
    assert_eq!(hear(65_535, false, 320), None);
}

#[test]
fn a_phone_that_counts_timestamps_up_within_an_event_is_heard_once() {
    let mut receiver = DigitReceiver::default();
    let heard: Vec<_> = (0..20_u32)
        .filter_map(|packet| {
            let duration = 160 * (packet.min(17) + 1) as u16;
            receiver.on_packet(&header(packet * 160), &payload(3, packet >= 17, duration))
        })
        .collect();
    assert!(matches!(heard[..], [Heard::Pressed('3'), Heard::Released('3', _)]), "{heard:?}");
}

#[test]
fn a_new_source_and_new_timestamps_are_a_new_digit() {
    let mut receiver = DigitReceiver::default();
    let event = payload(7, true, 800);
    assert_eq!(receiver.on_packet(&header(1_000_000), &event), Some(Heard::Struck('7', 800)));
    assert_eq!(receiver.on_packet(&header(500_000), &event), Some(Heard::Struck('7', 800)));
    let other = Header { ssrc: Ssrc(2), ..header(500_000) };
    assert_eq!(receiver.on_packet(&other, &event), Some(Heard::Struck('7', 800)));
}

/// Digits as a phone sends them, over a network that loses, doubles and reorders: none comes twice, they come in order,
/// and only those are missed of which no packet arrived.
#[test]
fn no_digit_is_lost_or_doubled() {
    let mut random = Random::new();
    for round in 0..500 {
        let mut sequencer = Sequencer::new(Ssrc(9), random.next() as u16, random.next() as u32);
        let (loss, spread) = (random.below(30), 20 * random.below(4));
        let mut dialled = Vec::new();
        let mut flight = Vec::new();
        let mut clock = 0;
        for place in 0..20 {
            let key = char::from(b"0123456789*#ABCD"[random.below(16) as usize]);
            let (start, ticks) = (sequencer.timestamp(), 320 + random.below(2000) as u16);
            let mut arrived = false;
            for event in DigitPackets::new(key, 160, ticks).unwrap() {
                let packet = (sequencer.at(101, start), event.to_bytes());
                clock += 20;
                for _ in 0..1 + u64::from(random.percent(10)) {
                    if !random.percent(loss) {
                        arrived = true;
                        flight.push((clock + random.below(1 + spread), place, packet));
                    }
                }
            }
            // At least 40 ms between two digits, and so long that reordering does not reach from one into the next.
            let pause = 40 + spread + random.below(300);
            clock += pause;
            sequencer.skip(u32::from(ticks) + 8 * pause as u32);
            if arrived {
                dialled.push(key);
            }
        }
        flight.sort_by_key(|(arrival, _, _)| *arrival);
        let mut receiver = DigitReceiver::default();
        let mut heard = Vec::new();
        for (_, _, (header, payload)) in flight {
            match receiver.on_packet(&header, &payload) {
                Some(Heard::Pressed(key) | Heard::Struck(key, _)) => heard.push(key),
                Some(Heard::Released(key, _)) => assert_eq!(heard.last(), Some(&key), "round {round}"),
                None => {}
            }
        }
        assert_eq!(heard, dialled, "round {round}");
    }
}

mod network;

use std::time::Duration;

use super::{DigitPackets, DigitReceiver, DigitSender, Event, EventPacket, Heard};
use crate::{Header, Micros, Ssrc};

fn header(timestamp: u32) -> Header {
    Header { marker: false, payload_type: 101, sequence: 0, timestamp, ssrc: Ssrc(1) }
}

fn payload(code: u8, end: bool, duration: u16) -> [u8; 4] {
    Event { code, end, volume: 10, duration }.to_bytes()
}

/// What one packet tells, at most one thing.
fn heard(receiver: &mut DigitReceiver, header: &Header, payload: &[u8]) -> Option<Heard> {
    let mut heard = receiver.on_packet(Micros(0), header, payload);
    let first = heard.next();
    assert_eq!(heard.next(), None);
    first
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
    let mut hear = |timestamp, end, duration| heard(&mut receiver, &header(timestamp), &payload(5, end, duration));
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
    let mut hear = |timestamp, end, duration| heard(&mut receiver, &header(timestamp), &payload(1, end, duration));
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
            heard(&mut receiver, &header(packet * 160), &payload(3, packet >= 17, duration))
        })
        .collect();
    assert!(matches!(heard[..], [Heard::Pressed('3'), Heard::Released('3', _)]), "{heard:?}");
}

#[test]
fn a_new_source_and_new_timestamps_are_a_new_digit() {
    let mut receiver = DigitReceiver::default();
    let event = payload(7, true, 800);
    assert_eq!(heard(&mut receiver, &header(1_000_000), &event), Some(Heard::Struck('7', 800)));
    assert_eq!(heard(&mut receiver, &header(500_000), &event), Some(Heard::Struck('7', 800)));
    let other = Header { ssrc: Ssrc(2), ..header(500_000) };
    assert_eq!(heard(&mut receiver, &other, &event), Some(Heard::Struck('7', 800)));
}

#[test]
fn a_key_whose_end_is_lost_ends_with_the_next_one() {
    let mut receiver = DigitReceiver::default();
    let mut hear = |timestamp, marker, code, end, duration| {
        let header = Header { marker, ..header(timestamp) };
        receiver.on_packet(Micros(0), &header, &payload(code, end, duration)).collect::<Vec<_>>()
    };
    assert_eq!(hear(1000, true, 5, false, 160), [Heard::Pressed('5')]);
    assert_eq!(hear(1000, false, 5, false, 480), [], "one packet was lost");
    assert_eq!(hear(2000, true, 5, false, 160), [Heard::Released('5', 480), Heard::Pressed('5')], "the same key");
    assert_eq!(hear(2160, true, 5, true, 320), [Heard::Released('5', 160), Heard::Struck('5', 320)], "without a pause");
    assert_eq!(hear(1000, false, 5, true, 600), [], "late");
    assert_eq!(hear(4000, false, 6, false, 320), [Heard::Pressed('6')], "its beginning was lost");
    assert_eq!(hear(4400, true, 7, false, 160), [Heard::Released('6', 320), Heard::Pressed('7')]);
    let header = Header { ssrc: Ssrc(2), ..header(4500) };
    let of_another = receiver.on_packet(Micros(0), &header, &payload(8, true, 800));
    assert_eq!(of_another.collect::<Vec<_>>(), [Heard::Released('7', 160), Heard::Struck('8', 800)]);
}

#[test]
fn a_key_of_which_nothing_comes_any_more_ends_after_400_ms() {
    let mut receiver = DigitReceiver::default();
    assert_eq!((receiver.timeout(), receiver.handle_timeout(Micros(9_000_000))), (None, None));
    let hear = |receiver: &mut DigitReceiver, now, timestamp, end, duration| {
        receiver.on_packet(Micros(now), &header(timestamp), &payload(5, end, duration)).next()
    };
    assert_eq!(hear(&mut receiver, 0, 0, false, 160), Some(Heard::Pressed('5')));
    assert_eq!(hear(&mut receiver, 20_000, 0, false, 320), None);
    assert_eq!(receiver.timeout(), Some(Micros(420_000)));
    assert_eq!(receiver.handle_timeout(Micros(419_999)), None);
    assert_eq!(receiver.handle_timeout(Micros(420_000)), Some(Heard::Released('5', 320)));
    assert_eq!((receiver.timeout(), receiver.handle_timeout(Micros(9_000_000))), (None, None), "told once");
    // The network was but slow: better a key too short than two.
    assert_eq!(hear(&mut receiver, 430_000, 0, false, 3200), None);
    assert_eq!(hear(&mut receiver, 430_001, 65_535, true, 3200), None);
    assert_eq!(hear(&mut receiver, 900_000, 90_000, true, 800), Some(Heard::Struck('5', 800)));
    assert_eq!(receiver.timeout(), None);
}

/// Marker, ticks back, code, end, duration.
type Sent = (bool, u32, u8, bool, u16);

/// The packets of as many packet times.
fn sent(sender: &mut DigitSender, step: u32, times: usize) -> Vec<Option<Sent>> {
    let told =
        |packet: EventPacket| (packet.marker, packet.back, packet.event.code, packet.event.end, packet.event.duration);
    (0..times).map(|_| sender.next(step).map(told)).collect()
}

#[test]
fn a_key_is_sent_while_it_is_held_and_its_end_three_times() {
    let mut sender = DigitSender::new(8000);
    assert!(!sender.is_busy());
    assert_eq!(sent(&mut sender, 160, 2), [None, None]);
    assert!(sender.press('5') && sender.is_busy());
    assert_eq!(
        sent(&mut sender, 160, 3),
        [Some((true, 0, 5, false, 160)), Some((false, 160, 5, false, 320)), Some((false, 320, 5, false, 480))]
    );
    sender.release(Duration::from_millis(65));
    assert_eq!(sent(&mut sender, 160, 1), [Some((false, 480, 5, true, 520))]);
    assert!(sender.is_busy());
    assert_eq!(sent(&mut sender, 160, 2), [Some((false, 640, 5, true, 520)), Some((false, 800, 5, true, 520))]);
    assert!(!sender.is_busy(), "40 ms are over since its end");
    assert_eq!(sent(&mut sender, 160, 2), [None, None]);
}

#[test]
fn a_key_never_shrinks_and_has_at_least_40_ms() {
    let mut sender = DigitSender::new(8000);
    assert!(sender.press('1'));
    sender.release(Duration::from_millis(5));
    assert_eq!(sent(&mut sender, 160, 2), [Some((true, 0, 1, false, 160)), Some((false, 160, 1, true, 320))]);
    let mut sender = DigitSender::new(48_000);
    assert!(sender.press('d'));
    assert_eq!(sent(&mut sender, 2880, 2), [Some((true, 0, 15, false, 2880)), Some((false, 2880, 15, false, 5760))]);
    sender.release(Duration::from_millis(100));
    assert_eq!(sent(&mut sender, 2880, 1), [Some((false, 5760, 15, true, 5760))], "120 ms were told of");
    assert!(!sender.press('!'));
}

#[test]
fn keys_that_wait_come_after_a_pause_of_40_ms() {
    let mut sender = DigitSender::new(16_000);
    assert!(sender.press('1'));
    assert!(sender.press('2'), "which releases the first");
    assert!(sender.strike('3', Duration::from_millis(40)));
    sender.release(Duration::from_millis(1000));
    let mut at = 0_u64;
    let mut told = Vec::new();
    while sender.is_busy() {
        let packet = sender.next(160);
        if let Some(packet) = packet.filter(|packet| packet.marker || packet.event.end) {
            let start = at - u64::from(packet.back);
            told.push((packet.event.code, start, packet.event.end.then_some(start + u64::from(packet.event.duration))));
        }
        at += 160;
        assert!(at < 1 << 20, "the second key has been released");
        if at == 6400 {
            sender.release(Duration::from_millis(1000));
        }
    }
    told.dedup();
    let expected = [(1, 0, None), (1, 0, Some(640)), (2, 1280, None), (2, 1280, Some(1920)), (3, 2560, None)];
    assert_eq!(told[..5], expected);
    assert_eq!(told[5..], [(3, 2560, Some(3200))]);
    let taken = (0..100).filter(|_| sender.press('1')).count();
    assert_eq!(taken, DigitSender::MOST);
}

#[test]
fn a_key_held_for_minutes_is_sent_in_segments_and_heard_as_one() {
    for (clock, step) in [(8000, 160), (16_000, 960), (48_000, 480), (48_000, 2880)] {
        let (mut sender, mut receiver) = (DigitSender::new(clock), DigitReceiver::default());
        let held = Duration::from_millis(61_234);
        assert!(sender.press('#'));
        let (mut at, mut heard, mut markers) = (0_u32, Vec::new(), 0);
        while sender.is_busy() {
            if at / clock >= 30 {
                sender.release(held);
            }
            if let Some(packet) = sender.next(step) {
                let header = Header { marker: packet.marker, ..header(at.wrapping_sub(packet.back)) };
                heard.extend(receiver.on_packet(Micros(0), &header, &packet.event.to_bytes()));
                markers += u32::from(packet.marker);
            }
            at += step;
        }
        let ticks = (held.as_millis() * u128::from(clock) / 1000) as u32;
        assert_eq!((heard, markers), (vec![Heard::Pressed('#'), Heard::Released('#', ticks)], 1), "{clock}");
    }
}

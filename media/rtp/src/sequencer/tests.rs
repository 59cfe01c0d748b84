use super::Sequencer;
use crate::random::Random;
use crate::{Header, Micros, Ssrc};

fn from(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
    Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: Ssrc(ssrc) }
}

#[test]
fn our_own_sound_is_numbered_without_a_gap() {
    let mut sequencer = Sequencer::new(Ssrc(7), 0xffff, u32::MAX - 100);
    let headers: Vec<_> = (0..3).map(|_| sequencer.next(8, 160)).collect();
    assert_eq!(headers.iter().map(|header| header.sequence).collect::<Vec<_>>(), [0xffff, 0, 1]);
    assert_eq!(headers[2].timestamp, (u32::MAX - 100).wrapping_add(320));
    assert_eq!(headers.iter().map(|header| header.marker).collect::<Vec<_>>(), [true, false, false]);
    assert!(headers.iter().all(|header| header.ssrc == Ssrc(7) && header.payload_type == 8));
    sequencer.skip(800);
    let start = sequencer.timestamp();
    assert_eq!((sequencer.at(101, start).timestamp, sequencer.at(101, start).sequence), (start, 3));
    assert_eq!(sequencer.next(8, 160).timestamp, start);
}

#[test]
fn a_sender_is_followed_with_its_gaps_and_its_order() {
    let mut sequencer = Sequencer::new(Ssrc(7), 100, 1000);
    let mut follow = |sequence: u16| {
        let packet = from(1, sequence, 160 * u32::from(sequence));
        let header = sequencer.follow(Micros(20_000 * u64::from(sequence)), &packet, 8000);
        (header.sequence, header.timestamp, header.ssrc)
    };
    for (sequence, expected) in [(50, 100), (51, 101), (54, 104), (53, 103), (55, 105)] {
        assert_eq!(follow(sequence), (expected, 1000 + (u32::from(expected) - 100) * 160, Ssrc(7)));
    }
}

#[test]
fn another_sender_goes_on_where_the_last_one_ended() {
    let mut sequencer = Sequencer::new(Ssrc(7), 100, 1000);
    for index in 0..10_u16 {
        sequencer.follow(Micros(20_000 * u64::from(index)), &from(1, index, 160 * u32::from(index)), 8000);
    }
    // One second and 20 ms after the last packet, which lasted 20 ms.
    let joined = sequencer.follow(Micros(180_000 + 1_020_000), &from(2, 5000, 77), 8000);
    assert_eq!((joined.sequence, joined.timestamp), (110, 1000 + 10 * 160 + 8000));
    let next = sequencer.follow(Micros(1_220_000), &from(2, 5001, 77 + 160), 8000);
    assert_eq!((next.sequence, next.timestamp), (111, 1000 + 11 * 160 + 8000));
    let own = sequencer.next(0, 160);
    assert_eq!((own.sequence, own.timestamp), (112, 1000 + 12 * 160 + 8000));
    let back = sequencer.follow(Micros(1_240_000), &from(2, 9, 0), 8000);
    assert_eq!((back.sequence, back.timestamp), (113, 1000 + 13 * 160 + 8000));
}

/// Whatever the sources are and however they change, no sequence number comes twice and time never goes back.
#[test]
fn numbers_are_never_given_twice() {
    let mut random = Random::new();
    for _ in 0..200 {
        let mut sequencer = Sequencer::new(Ssrc(7), random.next() as u16, random.next() as u32);
        let mut source = from(1, random.next() as u16, random.next() as u32);
        let mut now = Micros(0);
        let mut last: Option<Header> = None;
        for _ in 0..1000 {
            now.0 += 20_000;
            let header = match random.below(20) {
                0 => sequencer.next(0, 160),
                1 => {
                    source = from(source.ssrc.0 + 1, random.next() as u16, random.next() as u32);
                    sequencer.follow(now, &source, 8000)
                }
                _ => {
                    let lost = random.below(3) as u16 / 2;
                    source.sequence = source.sequence.wrapping_add(1 + lost);
                    source.timestamp = source.timestamp.wrapping_add(160 * (1 + u32::from(lost)));
                    sequencer.follow(now, &source, 8000)
                }
            };
            if let Some(last) = last {
                let (step, time) =
                    (header.sequence.wrapping_sub(last.sequence), header.timestamp.wrapping_sub(last.timestamp));
                assert!((1..=2).contains(&step), "{step}");
                assert!((1..=8000).contains(&time), "{time}");
            }
            last = Some(header);
        }
    }
}

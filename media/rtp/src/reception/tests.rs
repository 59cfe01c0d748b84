use std::collections::BTreeSet;
use std::time::Duration;

use super::{Reception, Statistics};
use crate::random::Random;
use crate::{Header, Micros, Ssrc};

/// Packet number `index` of a stream of 20 ms at 8 kHz, which began with these numbers.
fn header(start: u16, index: u64) -> Header {
    let timestamp = 0xffff_f000_u32.wrapping_add(index as u32 * 160);
    Header { marker: false, payload_type: 0, sequence: start.wrapping_add(index as u16), timestamp, ssrc: Ssrc(1) }
}

fn at_ms(ms: u64) -> Micros {
    Micros(ms * 1000)
}

/// Counts by keeping everything.
fn naive(arrivals: &[(Micros, u64)]) -> Statistics {
    let mut seen = BTreeSet::new();
    let mut statistics =
        Statistics { packets: arrivals.len() as u64, bytes: 172 * arrivals.len() as u64, ..Statistics::default() };
    let (mut jitter, mut max_jitter, mut last) = (0.0_f64, 0.0_f64, None);
    for (now, index) in arrivals {
        if seen.last().is_some_and(|highest| index < highest) && !seen.contains(index) {
            statistics.reordered += 1;
        }
        if !seen.insert(*index) {
            statistics.duplicates += 1;
            continue;
        }
        let transit = now.0 as f64 - *index as f64 * 20_000.0;
        if let Some(last) = last {
            let difference: f64 = transit - last;
            jitter += (difference.abs() - jitter) / 16.0;
            max_jitter = max_jitter.max(jitter);
        }
        last = Some(transit);
    }
    for pair in arrivals.windows(2) {
        let pause = pair[1].0.since(pair[0].0);
        if pause >= 100_000 {
            statistics.gaps += 1;
            statistics.longest_gap = statistics.longest_gap.max(Duration::from_micros(pause));
        }
    }
    if let (Some(first), Some(last)) = (seen.first(), seen.last()) {
        statistics.expected = last - first + 1;
        statistics.sources = 1;
    }
    statistics.lost = statistics.expected - seen.len() as u64;
    statistics.jitter = Duration::from_micros(jitter as u64);
    statistics.max_jitter = Duration::from_micros(max_jitter as u64);
    statistics
}

#[test]
fn counts_agree_with_a_reference_that_keeps_everything() {
    let mut random = Random::new();
    for round in 0..300 {
        let start = random.next() as u16;
        let (loss, doubled, spread) = (random.below(30), random.below(10), random.below(150_000));
        let mut arrivals = Vec::new();
        let mut outage = 0;
        for index in 0..random.below(4000) {
            if random.below(1000) == 0 {
                outage = index + random.below(40);
            }
            if random.percent(loss) || index < outage {
                continue;
            }
            for _ in 0..1 + u64::from(random.percent(doubled)) {
                arrivals.push((Micros(1_000_000 + index * 20_000 + random.below(spread)), index));
            }
        }
        arrivals.sort();
        let mut reception = Reception::default();
        for (now, index) in &arrivals {
            reception.on_packet(*now, &header(start, *index), 172, 8000);
        }
        let (counted, expected) = (reception.statistics(), naive(&arrivals));
        for (counted, expected) in [(counted.jitter, expected.jitter), (counted.max_jitter, expected.max_jitter)] {
            // The RFC's arithmetic rounds to ticks of 125 µs.
            assert!(counted.abs_diff(expected) < Duration::from_micros(250), "round {round}: {counted:?} {expected:?}");
        }
        let exact = Statistics { jitter: expected.jitter, max_jitter: expected.max_jitter, ..counted };
        assert_eq!(exact, expected, "round {round}");
    }
}

#[test]
fn silence_that_the_sender_means_is_no_gap() {
    let mut reception = Reception::default();
    let mut talk = |ms: u64, index: u64, ticks: u32| {
        let header = Header { timestamp: ticks, ..header(0, index) };
        reception.on_packet(at_ms(ms), &header, 172, 8000);
        reception.statistics().gaps
    };
    assert_eq!(talk(0, 0, 0), 0);
    assert_eq!(talk(20, 1, 160), 0);
    assert_eq!(talk(3020, 2, 160 + 24_000), 0, "three seconds later by both clocks");
    assert_eq!(talk(3520, 3, 160 + 24_160), 1, "half a second late");
    assert_eq!(talk(4040, 29, 160 + 24_320 + 4160), 2, "26 packets lost");
    reception.pause();
    reception.on_packet(at_ms(60_000), &header(0, 30), 172, 8000);
    let statistics = reception.statistics();
    assert_eq!((statistics.gaps, statistics.longest_gap), (2, Duration::from_millis(520)));
}

#[test]
fn a_jump_is_believed_when_a_second_packet_follows_it() {
    let mut reception = Reception::default();
    for index in (0..10).chain([30_000]).chain(10..20) {
        reception.on_packet(at_ms(20 * index), &header(0, index), 172, 8000);
    }
    let counted = reception.statistics();
    assert_eq!((counted.packets, counted.expected, counted.lost, counted.strays, counted.sources), (21, 20, 0, 1, 1));
    for index in 50_000..50_010 {
        reception.on_packet(at_ms(20 * index), &header(0, index), 172, 8000);
    }
    let counted = reception.statistics();
    assert_eq!((counted.packets, counted.expected, counted.lost, counted.strays, counted.sources), (31, 30, 0, 1, 2));
}

#[test]
fn two_sources_by_turns_do_not_disturb_each_other_and_a_third_keeps_the_counts() {
    let mut reception = Reception::default();
    for index in 0..100 {
        for ssrc in [1, 2] {
            if index % 10 != 9 || ssrc == 1 {
                let header = Header { ssrc: Ssrc(ssrc), ..header(1000 * ssrc as u16, index) };
                reception.on_packet(at_ms(20 * index + u64::from(ssrc)), &header, 172, 8000);
            }
        }
    }
    let counted = reception.statistics();
    assert_eq!(
        (counted.expected, counted.lost, counted.sources),
        (199, 9, 2),
        "the last packet of source 2 is not missed"
    );
    for ssrc in 3..6 {
        let header = Header { ssrc: Ssrc(ssrc), ..header(0, 0) };
        reception.on_packet(at_ms(3000), &header, 172, 8000);
    }
    let counted = reception.statistics();
    assert_eq!((counted.packets, counted.expected, counted.lost, counted.sources), (193, 202, 9, 5));
}

#[test]
fn an_event_and_a_change_of_clock_are_no_jitter() {
    let mut reception = Reception::default();
    for index in 0..50 {
        reception.on_packet(at_ms(20 * index), &header(0, index), 172, 8000);
    }
    // RFC 4733: all packets of an event have the timestamp of its start.
    for index in 50..60 {
        let event = Header { timestamp: header(0, 50).timestamp, ..header(0, index) };
        reception.on_packet(at_ms(20 * index), &event, 16, 8000);
    }
    for index in 60..100 {
        reception.on_packet(at_ms(20 * index), &header(0, index), 172, 8000);
    }
    for index in 100..200 {
        let wide = Header { timestamp: 77 + 960 * index as u32, ..header(0, index) };
        reception.on_packet(at_ms(20 * index), &wide, 172, 48_000);
    }
    let counted = reception.statistics();
    assert_eq!((counted.max_jitter, counted.lost, counted.gaps), (Duration::ZERO, 0, 0));
}

#[test]
fn a_report_tells_the_loss_since_the_last_one() {
    let mut reception = Reception::default();
    assert_eq!(reception.report(), None);
    let mut hear = |range: std::ops::Range<u64>, except: u64| {
        for index in range.filter(|index| index % 100 >= except) {
            reception.on_packet(at_ms(20 * index), &header(65_500, index), 172, 8000);
        }
        reception.report().unwrap()
    };
    let first = hear(0..100, 0);
    assert_eq!((first.fraction_lost, first.lost, first.highest_sequence), (0, 0, 65_536 + 63));
    let second = hear(100..200, 25);
    assert_eq!((second.fraction_lost, second.lost), (64, 25));
    let third = hear(200..300, 0);
    assert_eq!((third.fraction_lost, third.lost, third.ssrc), (0, 25, Ssrc(1)));
}

use super::*;
use crate::rtcp::{Builder, SenderInfo};

const NTP: u64 = 0xe000_0010_4000_0000;

fn ms(milliseconds: u64) -> Micros {
    Micros(milliseconds * 1000)
}

fn sender_report(ssrc: u32, ntp: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    Builder::new(&mut bytes).sender_report(Ssrc(ssrc), SenderInfo { ntp, ..SenderInfo::default() }, &[]);
    bytes
}

/// A report on the source 7 that names the sender report of this time, held for so many milliseconds.
fn report(ntp: u64, held: u32) -> Vec<u8> {
    let (last_sender_report, delay) = (ntp_middle(ntp), held * 65_536 / 1000);
    let ssrc = Ssrc(7);
    let block = ReportBlock { ssrc, fraction_lost: 26, lost: 40, last_sender_report, delay, ..ReportBlock::default() };
    let mut bytes = Vec::new();
    Builder::new(&mut bytes).receiver_report(Ssrc(9), &[block]);
    bytes
}

fn metrics(r: u8, mos: [u8; 2]) -> Vec<u8> {
    let mut body = [0; 32];
    body[3] = 7;
    (body[4], body[5], body[13]) = (5, 3, 80);
    (body[20], body[22], body[23]) = (r, mos[0], mos[1]);
    [&[0x80, 207, 0, 10, 0, 0, 0, 9, 7, 0, 0, 8][..], &body].concat()
}

#[test]
fn the_round_trip_is_the_time_since_the_report_passed_less_the_phones_delay() {
    let mut monitor = Monitor::default();
    monitor.on_forwarded(ms(1000), &sender_report(7, NTP));
    assert_eq!(monitor.round_trip(), None);
    monitor.on_heard(ms(3120), &report(NTP, 2000));
    assert_eq!(monitor.round_trip(), Some(Duration::from_millis(120)));
    assert_eq!(monitor.told(), Some(Told { lost: 40, fraction_lost: 26 }));
}

#[test]
fn it_is_smoothed_over_the_reports() {
    let mut monitor = Monitor::default();
    for (at, ntp, took) in [(0, NTP, 80), (5000, NTP + (5 << 32), 160)] {
        monitor.on_forwarded(ms(at), &sender_report(7, ntp));
        monitor.on_heard(ms(at + took), &report(ntp, 0));
    }
    assert_eq!(monitor.round_trip(), Some(Duration::from_millis(90)));
}

#[test]
fn an_older_report_may_be_named_and_a_strange_one_counts_nothing() {
    let mut monitor = Monitor::default();
    let ntp = |index: u64| NTP + (index << 32);
    for index in 0..6 {
        monitor.on_forwarded(ms(1000 * index), &sender_report(7, ntp(index)));
    }
    // Forgotten; of another source; held longer than it can have been; longer than anything takes.
    for (at, heard) in [(6000, report(ntp(1), 0)), (6000, report(ntp(9), 0)), (6000, report(ntp(5), 1500))] {
        monitor.on_heard(ms(at), &heard);
    }
    monitor.on_heard(ms(16_000), &report(ntp(5), 500));
    assert_eq!(monitor.round_trip(), None);
    monitor.on_heard(ms(6000), &report(ntp(2), 3970));
    let took = monitor.round_trip().expect("measured").as_micros();
    assert!((29_990..=30_020).contains(&took), "{took}");
}

#[test]
fn voip_metrics_are_read_where_the_phone_knows_them() {
    let mut monitor = Monitor::default();
    monitor.on_heard(ms(0), &metrics(88, [42, 41]));
    let expected = VoipMetrics {
        ssrc: Ssrc(7),
        loss_rate: 5,
        discard_rate: 3,
        round_trip: Some(Duration::from_millis(80)),
        r: Some(88),
        mos_listening: Some(42),
        mos_conversation: Some(41),
    };
    assert_eq!(monitor.metrics(), Some(expected));
    // RFC 3611 §4.7.5: 127 says that it is not known.
    monitor.on_heard(ms(0), &metrics(127, [127, 127]));
    let unknown = VoipMetrics { r: None, mos_listening: None, mos_conversation: None, ..expected };
    assert_eq!(monitor.metrics(), Some(unknown));
}

#[test]
fn what_is_no_rtcp_teaches_nothing() {
    let mut monitor = Monitor::default();
    for bytes in [&b""[..], b"?", &[0x80; 60], &metrics(88, [42, 41])[..20]] {
        monitor.on_forwarded(ms(0), bytes);
        monitor.on_heard(ms(0), bytes);
    }
    assert_eq!((monitor.round_trip(), monitor.told(), monitor.metrics()), (None, None, None));
    assert_eq!(VoipMetrics::read(&[0; 31]), None);
}

use super::*;
use crate::Header;
use crate::rtcp::{Monitor, ReportBlock};
use std::time::Duration;

const OURS: Ssrc = Ssrc(7);
const PHONE: Ssrc = Ssrc(9);

fn heard(packets: u16) -> Reception {
    let mut reception = Reception::default();
    for sequence in (0..packets).filter(|sequence| sequence % 10 != 9) {
        let (timestamp, now) = (u32::from(sequence) * 160, Micros(u64::from(sequence) * 20_000));
        let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: PHONE };
        reception.on_packet(now, &header, 172, 8000);
    }
    reception
}

fn report(reporter: &mut Reporter, now: Micros, reception: &mut Reception, metrics: Option<VoipMetrics>) -> Vec<u8> {
    let mut out = Vec::new();
    let moment = Moment { now, ntp: now.0 << 16, timestamp: 5, reception, metrics, random: u32::MAX };
    reporter.report(moment, "tandem@203.0.113.7", &mut out);
    out
}

#[test]
fn who_speaks_says_how_much_and_who_listens_what_is_lost() {
    let mut reporter = Reporter::new(Micros(0), OURS);
    assert!(!reporter.is_due(Micros(2_400_000)) && reporter.is_due(Micros(2_500_000)));
    reporter.on_sent(160);
    reporter.on_sent(160);
    let mut reception = heard(100);
    let first = report(&mut reporter, Micros(2_500_000), &mut reception, None);
    assert!(!reporter.is_due(Micros(9_900_000)) && reporter.is_due(Micros(10_000_000)));
    let packets: Vec<Rtcp<'_>> = Compound::parse(&first).unwrap().packets().collect();
    let Rtcp::SenderReport { ssrc, sender, reports } = &packets[0] else { panic!("{packets:?}") };
    assert_eq!((*ssrc, sender.packets, sender.octets), (OURS, 2, 320));
    let blocks: Vec<ReportBlock> = reports.clone().collect();
    assert_eq!((blocks.len(), blocks[0].ssrc, blocks[0].lost), (1, PHONE, 9));
    assert!(matches!(packets[1], Rtcp::Description(_)));
    let second = report(&mut reporter, Micros(10_000_000), &mut reception, None);
    let packets: Vec<Rtcp<'_>> = Compound::parse(&second).unwrap().packets().collect();
    assert!(matches!(&packets[0], Rtcp::ReceiverReport { ssrc: OURS, .. }), "nothing was said since");
}

#[test]
fn each_end_finds_out_how_far_away_the_other_is() {
    let (mut ours, mut monitor) = (Reporter::new(Micros(0), OURS), Monitor::default());
    let mut phone = Reporter::new(Micros(0), PHONE);
    ours.on_sent(160);
    let sent = report(&mut ours, Micros(3_000_000), &mut heard(10), None);
    monitor.on_forwarded(Micros(3_000_000), &sent);
    phone.on_heard(Micros(3_030_000), &sent);
    let mut of_ours = Reception::default();
    of_ours.on_packet(Micros(1), &Header { ssrc: OURS, ..Header::default() }, 172, 8000);
    let answer = report(&mut phone, Micros(4_000_000), &mut of_ours, None);
    monitor.on_heard(Micros(4_030_000), &answer);
    let round_trip = monitor.round_trip().unwrap();
    assert!(round_trip.abs_diff(Duration::from_millis(60)) < Duration::from_micros(50), "{round_trip:?}");
}

#[test]
fn how_it_sounds_is_told_and_read_again() {
    let metrics = VoipMetrics {
        ssrc: Ssrc(0),
        loss_rate: 25,
        discard_rate: 3,
        round_trip: Some(Duration::from_millis(60)),
        r: Some(80),
        mos_listening: Some(41),
        mos_conversation: None,
    };
    let told = report(&mut Reporter::new(Micros(0), OURS), Micros(3_000_000), &mut heard(10), Some(metrics));
    let mut monitor = Monitor::default();
    monitor.on_heard(Micros(0), &told);
    assert_eq!(monitor.metrics(), Some(VoipMetrics { ssrc: PHONE, ..metrics }));
}

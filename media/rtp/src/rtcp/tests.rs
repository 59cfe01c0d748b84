use std::time::Duration;

use super::{Builder, Compound, ReportBlock, Rtcp, RtcpError, SenderInfo, ntp_middle, round_trip};
use crate::Ssrc;
use crate::random::Random;

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0xaabb_ccdd),
    fraction_lost: 64,
    lost: -3,
    highest_sequence: 0x0001_fffe,
    jitter: 17,
    last_sender_report: 0x1234_5678,
    delay: 65_536,
};
const SENDER: SenderInfo = SenderInfo { ntp: 0xe000_0001_8000_0000, timestamp: 160, packets: 50, octets: 8000 };

fn report() -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = Builder::new(&mut out);
    builder.sender_report(Ssrc(1), SENDER, &[BLOCK, BLOCK]).description(Ssrc(1), "tandem@cluster").bye(Ssrc(1));
    out
}

#[test]
fn what_is_built_is_read() {
    let bytes = report();
    assert_eq!(bytes[..8], [0x82, 200, 0, 18, 0, 0, 0, 1]);
    let packets: Vec<_> = Compound::parse(&bytes).unwrap().packets().collect();
    let [
        Rtcp::SenderReport { ssrc: Ssrc(1), sender, reports },
        Rtcp::Description(items),
        Rtcp::Bye { sources, reason: None },
    ] = &packets[..]
    else {
        panic!("{packets:?}")
    };
    assert_eq!(*sender, SENDER);
    assert_eq!(reports.clone().collect::<Vec<_>>(), [BLOCK, BLOCK]);
    let items: Vec<_> = items.clone().map(|item| (item.ssrc, item.kind, item.text)).collect();
    assert_eq!(items, [(Ssrc(1), 1, &b"tandem@cluster"[..])]);
    assert_eq!(*sources, [[0, 0, 0, 1]]);
}

#[test]
fn names_of_any_length_end_on_a_word() {
    for length in 0..=300 {
        let name = "x".repeat(length);
        let mut bytes = Vec::new();
        Builder::new(&mut bytes).receiver_report(Ssrc(1), &[]).description(Ssrc(1), &name);
        let compound = Compound::parse(&bytes).unwrap();
        let Some(Rtcp::Description(mut items)) = compound.packets().nth(1) else { panic!("no description") };
        assert_eq!(items.next().unwrap().text.len(), length.min(255));
        assert_eq!(items.next(), None);
    }
}

#[test]
fn at_most_31_reports_fit() {
    let mut bytes = Vec::new();
    Builder::new(&mut bytes).receiver_report(Ssrc(1), &[BLOCK; 40]);
    let Some(Rtcp::ReceiverReport { reports, .. }) = Compound::parse(&bytes).unwrap().packets().next() else {
        panic!("no report")
    };
    assert_eq!(reports.count(), 31);
}

#[test]
fn feedback_extended_reports_and_others_are_told_apart() {
    let bytes = [
        &[0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 0][..],
        &[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
        &[0x80, 207, 0, 4, 0, 0, 0, 1, 7, 0, 0, 1, 9, 9, 9, 9, 6, 0, 0, 9],
        &[0x81, 203, 0, 3, 0, 0, 0, 1, 4, b'd', b'o', b'n', b'e', 0, 0, 0],
        &[0xa0, 204, 0, 3, 0, 0, 0, 1, b'n', b'a', b'm', b'e', 0, 0, 0, 4],
    ]
    .concat();
    let packets: Vec<_> = Compound::parse(&bytes).unwrap().packets().collect();
    let [
        Rtcp::TransportFeedback(nack),
        Rtcp::PayloadFeedback(pli),
        Rtcp::Extended { blocks, .. },
        Rtcp::Bye { reason, .. },
        Rtcp::Other { packet_type: 204, body },
    ] = &packets[..]
    else {
        panic!("{packets:?}")
    };
    assert_eq!((nack.format, nack.sender, nack.media, nack.body), (1, Ssrc(1), Ssrc(2), &[0, 7, 0, 0][..]));
    assert_eq!((pli.format, pli.sender, pli.media, pli.body), (1, Ssrc(1), Ssrc(2), &[][..]));
    assert_eq!(
        blocks.clone().collect::<Vec<_>>(),
        [(7, 0, &[9, 9, 9, 9][..])],
        "the second block reaches past the end"
    );
    assert_eq!((*reason, *body), (Some(&b"done"[..]), &[0, 0, 0, 1, b'n', b'a', b'm', b'e'][..]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let error = |bytes: &[u8]| Compound::parse(bytes).unwrap_err();
    assert_eq!(error(&[]), RtcpError::Length);
    assert_eq!(error(&[0x80, 201, 0, 1, 0, 0, 0]), RtcpError::Length);
    assert_eq!(error(&[0x80, 201, 0, 0]), RtcpError::Length);
    assert_eq!(error(&[0x40, 201, 0, 1, 0, 0, 0, 1]), RtcpError::Version);
    assert_eq!(error(&[0x80, 191, 0, 0]), RtcpError::Type);
    assert_eq!(error(&[0x81, 201, 0, 1, 0, 0, 0, 1]), RtcpError::Count);
    assert_eq!(error(&[0x82, 203, 0, 1, 0, 0, 0, 1]), RtcpError::Count);
    assert_eq!(error(&[0x81, 202, 0, 0]), RtcpError::Count);
    assert_eq!(error(&[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 3, b'a', b'b']), RtcpError::Length);
    assert_eq!(error(&[0xa0, 201, 0, 1, 0, 0, 0, 3]), RtcpError::Padding);
    assert_eq!(error(&[0xa0, 201, 0, 1, 0, 0, 0, 8]), RtcpError::Padding);
    assert_eq!(error(&[0xa0, 204, 0, 0]), RtcpError::Padding);
    assert_eq!(error(&[0xa0, 204, 0, 1, 0, 0, 0, 4, 0x80, 204, 0, 0]), RtcpError::Padding);
    assert_eq!(error(&[0x80, 204, 0, 0].repeat(65)), RtcpError::TooMany);
    assert!(Compound::parse(&[0x80, 204, 0, 0].repeat(64)).is_ok());
}

#[test]
fn the_way_there_and_back_is_the_time_less_the_delay() {
    let now = 0xe000_0010_4000_0000;
    let report = ReportBlock { last_sender_report: ntp_middle(now) - 3 * 65_536, delay: 2 * 65_536 + 32_768, ..BLOCK };
    assert_eq!(round_trip(now, &report), Some(Duration::from_millis(500)));
    assert_eq!(round_trip(now, &ReportBlock { delay: 4 * 65_536, ..report }), None);
    assert_eq!(round_trip(now, &ReportBlock { last_sender_report: 0, ..report }), None);
}

#[test]
fn spoilt_packets_are_read_or_refused_and_every_checked_part_is_read() {
    let mut random = Random::new();
    for _ in 0..50_000 {
        let mut bytes = report();
        for _ in 0..random.below(6) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = if random.percent(50) { random.next() as u8 } else { bytes[at] ^ 1 << random.below(8) };
        }
        bytes.truncate(bytes.len() - 4 * random.below(8) as usize);
        if let Ok(compound) = Compound::parse(&bytes) {
            let (mut rest, mut parts) = (&bytes[..], 0);
            while let [_, _, high, low, ..] = *rest {
                rest = &rest[4 + 4 * usize::from(u16::from_be_bytes([high, low]))..];
                parts += 1;
            }
            assert_eq!(compound.packets().count(), parts);
        }
    }
}

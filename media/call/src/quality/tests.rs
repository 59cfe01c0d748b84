use super::*;
use crate::output::Stream;
use rtp::quality::Codec;
use rtp::rtcp::{Told, VoipMetrics};

const HEARD: LegStats = LegStats {
    received: 990,
    bytes: 0,
    sent: 0,
    expected: 1000,
    lost: 10,
    reordered: 3,
    duplicates: 0,
    gaps: 2,
    concealed: Duration::from_millis(80),
    foreign: 0,
    refused: 0,
    jitter: Duration::from_millis(4),
    codec: Some(Codec::G711),
    round_trip: Some(Duration::from_millis(60)),
    told: None,
    metrics: None,
};

fn r(stats: &LegStats, other: Option<&LegStats>) -> f64 {
    Quality::new(stats, other).rating.expect("packets came").r
}

#[test]
fn loss_and_codec_and_the_way_to_both_sides_count() {
    assert!((r(&HEARD, None) - (93.2 - 3.64)).abs() < 0.01);
    assert!((r(&LegStats { codec: Some(Codec::G729), ..HEARD }, None) - (93.2 - 15.2)).abs() < 0.01);
    // 40 ms of frame and buffer and half of 60 + 660 ms: 400 ms cost 24.07.
    let far = LegStats { round_trip: Some(Duration::from_millis(660)), ..HEARD };
    let lossless = LegStats { lost: 0, ..HEARD };
    assert!((r(&lossless, Some(&far)) - (93.2 - 24.07)).abs() < 0.01);
    assert_eq!(r(&lossless, Some(&LegStats { round_trip: None, ..far })), 93.2);
}

#[test]
fn what_was_not_heard_is_not_rated() {
    for stats in [LegStats::default(), LegStats { codec: None, ..HEARD }, LegStats { expected: 0, ..HEARD }] {
        assert_eq!(Quality::new(&stats, Some(&HEARD)).rating, None);
    }
}

#[test]
fn the_stream_with_most_packets_speaks_for_its_side() {
    let stream = |side, index, stats| Stream { side, index, stats };
    let brief = LegStats { received: 10, lost: 900, ..HEARD };
    let video = LegStats { received: 5000, codec: None, ..HEARD };
    let ended = |streams| Ended {
        call_id: "c".into(),
        caller: "a@t.test".into(),
        target: "user:b@t.test".into(),
        status: 200,
        why: "hung up",
        ringing: Duration::ZERO,
        talking: None,
        streams,
    };
    let streams = [brief, HEARD, video].into_iter().enumerate();
    let ended = ended(streams.map(|(index, stats)| stream(Side::Caller, index, stats)).collect());
    assert_eq!(ended.quality(Side::Caller).map(|quality| quality.stats), Some(HEARD));
    assert_eq!(ended.quality(Side::Callee), None);
}

#[test]
fn on_the_wire_it_has_the_units_of_the_proto_file() {
    let metrics = VoipMetrics {
        ssrc: rtp::Ssrc(1),
        loss_rate: 0,
        discard_rate: 0,
        round_trip: None,
        r: Some(80),
        mos_listening: Some(41),
        mos_conversation: None,
    };
    let told = Some(Told { lost: 9, fraction_lost: 64 });
    let wire = Quality::new(&LegStats { told, metrics: Some(metrics), ..HEARD }, None).to_wire();
    let expected = wire::Quality {
        packets: 990,
        lost: 10,
        loss: 10_000,
        reordered: 3,
        gaps: 2,
        concealed: 80_000,
        jitter: 4000,
        round_trip: Some(60_000),
        r: Some(8956),
        mos: Some(433),
        told_loss: Some(250_000),
        told_r: Some(80),
        told_mos: Some(410),
    };
    assert_eq!(wire, expected);
}

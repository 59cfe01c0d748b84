//! What is learnt of the quality of streams that pass.

use super::*;
use rtp::Ssrc;
use rtp::quality::{Codec, Codecs};
use rtp::rtcp::{Builder, ReportBlock, SenderInfo, Told, ntp_middle};

/// A sender's report of `ssrc` at this time, and a receiver's on it that names the time and held it so long.
fn reports(ssrc: u32, ntp: u64, held: Duration) -> [Vec<u8>; 2] {
    let sender = SenderInfo { ntp, ..SenderInfo::default() };
    let block = ReportBlock {
        ssrc: Ssrc(ssrc),
        fraction_lost: 13,
        lost: 5,
        last_sender_report: ntp_middle(ntp),
        delay: (held.as_secs_f64() * 65_536.0) as u32,
        ..ReportBlock::default()
    };
    let (mut told, mut heard) = (Vec::new(), Vec::new());
    Builder::new(&mut told).sender_report(Ssrc(ssrc), sender, &[]);
    Builder::new(&mut heard).receiver_report(Ssrc(99), &[block]);
    [told, heard]
}

#[test]
fn reports_that_pass_tell_the_round_trip_of_the_phone_that_answers_them() {
    for shared in [false, true] {
        let mut bench = Bench::new();
        let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
        let (a, b) = bench.bridged(&one, &other);
        if shared {
            bench.plane.connect(a.id, one.shared());
            bench.plane.connect(b.id, other.shared());
        }
        let component = if shared { Rtp } else { Rtcp };
        let socket = |phone: &Phone| if shared { phone.rtp.try_clone() } else { phone.rtcp.try_clone() }.unwrap();
        let (from_one, from_other) = (socket(&one), socket(&other));
        let [told, heard] = reports(7, 0xe000_0010_4000_0000, Duration::from_secs(2));
        bench.send(&from_one, &a, component, &told);
        assert_eq!(received(&from_other).as_ref(), Some(&told), "passed on as it was");
        bench.wait(Duration::from_millis(2080));
        bench.send(&from_other, &b, component, &heard);
        assert_eq!(received(&from_one), Some(heard));
        let stats = bench.plane.stats(b.id);
        assert_eq!(stats.round_trip, Some(Duration::from_millis(80)));
        assert_eq!(stats.told, Some(Told { lost: 5, fraction_lost: 13 }));
        assert_eq!(bench.plane.stats(a.id).round_trip, None, "nobody has said how far the other one is");
        assert_eq!(bench.plane.close(b.id), stats);
        assert_eq!(bench.plane.stats(b.id), LegStats::default(), "closed");
    }
}

#[test]
fn speech_is_told_from_events_and_from_pictures() {
    let mut bench = Bench::new();
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&one, &other);
    let codecs: Codecs = [(96, "opus"), (101, "telephone-event")].into_iter().collect();
    bench.plane.connect(a.id, Remote { codecs, ..one.remote() });
    bench.plane.connect(b.id, Remote { codecs: Codecs::NONE, ..other.remote() });
    for (sequence, payload_type) in [(1, 8), (2, 96), (4, 101)] {
        bench.send(&one.rtp, &a, Rtp, &packet(payload_type, sequence, 7, b"x"));
        bench.send(&other.rtp, &b, Rtp, &packet(payload_type, sequence, 8, b"x"));
    }
    let heard = bench.plane.stats(a.id);
    assert_eq!((heard.codec, heard.received, heard.expected, heard.lost), (Some(Codec::Opus), 3, 4, 1));
    assert_eq!(bench.plane.stats(b.id).codec, None);
}

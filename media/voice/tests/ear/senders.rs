//! Senders that change.

use crate::network::{Listened, SETTINGS, Sender, ear, listen, quality, softest};
use codec::{Codec, Rate};

fn check(heard: &Listened, name: &str, least: f64) {
    let (level, share) = quality(heard.part(0.3, 5.9), heard.rate);
    assert!((level + 10.0).abs() < 1.0 && share > 0.9, "{name}: {level} {share}");
    assert!(softest(heard.part(0.3, 5.9), heard.rate) > least, "{name}: {}", softest(heard.part(0.3, 5.9), heard.rate));
    assert!(heard.delays.last().is_some_and(|delay| delay.as_millis() <= 60), "{name}: {:?}", heard.delays.last());
}

#[test]
fn another_sender_is_heard_at_once() {
    for (codec, rate) in [(Codec::Pcmu, 8000), (Codec::G722, 16_000), (Codec::Opus, 48_000)] {
        let mut packets = Sender::new(codec, 1).packets(3, 20);
        let mut other = Sender::new(codec, 2);
        (other.at, other.header.sequence, other.header.timestamp) = (3_000_000, 17, 99);
        packets.extend(other.packets(3, 20));
        let heard = listen(&mut ear(rate, SETTINGS, &[codec]), rate, &mut packets, 6, 20, 6000);
        // The first packet is not believed, and Opus makes up a tone softly.
        check(&heard, &format!("{codec:?}"), if codec == Codec::Opus { -40.0 } else { -16.0 });
    }
}

#[test]
fn two_senders_at_once_are_not_mixed_up() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(6, 20);
    let mut other = Sender::new(Codec::Pcmu, 2);
    other.at = 1_007_000;
    packets.extend(other.packets(4, 20));
    check(
        &listen(&mut ear(8000, SETTINGS, &[Codec::Pcmu]), 8000, &mut packets, 6, 20, 6000),
        "the first one stays",
        -12.0,
    );
}

#[test]
fn a_jump_of_sequence_or_timestamp_is_not_heard() {
    for (sequence, timestamp) in [(20_000, 0), (0, 0x7000_0000), (0, 0x9000_0000), (40_000, 1_000_000)] {
        let mut sender = Sender::new(Codec::Pcmu, 1);
        let mut packets = sender.packets(3, 20);
        sender.header.sequence = sender.header.sequence.wrapping_add(sequence);
        sender.header.timestamp = sender.header.timestamp.wrapping_add(timestamp);
        packets.extend(sender.packets(3, 20));
        let heard = listen(&mut ear(8000, SETTINGS, &[Codec::Pcmu]), 8000, &mut packets, 6, 20, 6000);
        check(&heard, &format!("{sequence} {timestamp}"), -16.0);
    }
}

#[test]
fn a_codec_that_changes_in_mid_stream_is_followed_whatever_its_clock_and_rate() {
    let pairs = [
        (Codec::Pcmu, Codec::Pcma),
        (Codec::Pcmu, Codec::G722),
        (Codec::G722, Codec::Pcma),
        (Codec::Pcmu, Codec::Opus),
        (Codec::Opus, Codec::Pcmu),
        (Codec::L16(Rate::Full), Codec::Pcmu),
    ];
    for (one, two) in pairs {
        for rate in [8000, 16_000, 48_000] {
            let mut packets = Vec::new();
            let (mut first, mut second) = (Sender::new(one, 1), Sender::new(two, 1));
            for turn in 0..6 {
                let [sender, other] = if turn % 2 == 0 { [&mut first, &mut second] } else { [&mut second, &mut first] };
                for _ in 0..100 {
                    packets.push(sender.packet(10));
                    // One stream, but each codec by its own clock.
                    other.header.sequence = sender.header.sequence;
                    other.pause(10);
                }
            }
            let heard = listen(&mut ear(rate, SETTINGS, &[one, two]), rate, &mut packets, 6, 20, 6000);
            check(&heard, &format!("{one:?} {two:?} {rate}"), -16.0);
        }
    }
}

#[test]
fn formats_that_change_are_followed_and_others_passed_over() {
    let mut sender = Sender::new(Codec::Pcmu, 1);
    let mut ear = ear(8000, SETTINGS, &[Codec::Pcma]);
    let heard = listen(&mut ear, 8000, &mut sender.packets(2, 20), 2, 20, 6000);
    assert!(heard.sound.iter().all(|sample| *sample == 0));
    ear.expect(&[crate::network::format(Codec::Pcmu), crate::network::format(Codec::Pcma)], None);
    sender.at = 0;
    let heard = listen(&mut ear, 8000, &mut sender.packets(2, 20), 2, 20, 6000);
    assert!(softest(heard.part(0.2, 1.9), 8000) > -12.0);
}

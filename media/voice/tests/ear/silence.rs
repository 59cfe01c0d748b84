//! Pauses: those that a phone means, and what it says of them.

use crate::network::{Packet, SETTINGS, Sender, ear, listen, quality, softest};
use audio::level;
use codec::Codec;
use rtp::Micros;
use voice::Heard;

const CODECS: [(Codec, u32); 3] = [(Codec::Pcmu, 8000), (Codec::G722, 16_000), (Codec::Opus, 48_000)];

#[test]
fn a_pause_that_the_timestamp_tells_of_is_no_loss() {
    for (codec, rate) in CODECS {
        let mut sender = Sender::new(codec, 1);
        let mut packets = Vec::new();
        for _ in 0..10 {
            packets.extend(sender.packets(1, 20));
            sender.pause(700);
        }
        let mut ear = ear(rate, SETTINGS, &[codec]);
        let heard = listen(&mut ear, rate, &mut packets, 17, 20, 6000);
        assert_eq!(ear.statistics().concealed.as_millis(), 0, "{codec:?}");
        assert_eq!(ear.statistics().late, 0, "{codec:?}");
        for spurt in 0..10 {
            let start = f64::from(spurt) * 1.7;
            let (level, share) = quality(heard.part(start + 0.1, start + 1.0), rate);
            assert!((level + 10.0).abs() < 1.0 && share > 0.95, "{codec:?} {spurt}: {level} {share}");
        }
        // Made up for 100 ms at most, and silent after that.
        assert!(heard.count(Heard::Concealed) <= 10 * 6, "{codec:?}: {}", heard.count(Heard::Concealed));
        if codec != Codec::Opus {
            assert!(level(heard.part(1.2, 1.65)) < -80.0, "{codec:?}: {}", level(heard.part(1.2, 1.65)));
        }
    }
}

#[test]
fn packets_taken_out_for_digits_leave_a_short_fade_and_silence() {
    for (codec, rate) in [(Codec::Pcmu, 8000), (Codec::G722, 16_000)] {
        let mut packets = Sender::new(codec, 1).packets(5, 20);
        packets.retain(|packet| !(2_000_000..2_300_000).contains(&packet.at));
        let mut ear = ear(rate, SETTINGS, &[codec]);
        let heard = listen(&mut ear, rate, &mut packets, 5, 20, 6000);
        assert!(level(heard.part(2.15, 2.3)) < -80.0, "{codec:?}: {}", level(heard.part(2.15, 2.3)));
        assert!(ear.statistics().concealed.as_millis() <= 100);
        assert!(softest(heard.part(2.4, 4.9), rate) > -12.0, "{codec:?}");
    }
}

#[test]
fn comfort_noise_fills_a_pause_at_the_level_that_the_phone_describes() {
    for (codec, rate) in [(Codec::Pcmu, 8000), (Codec::Pcmu, 16_000), (Codec::G722, 16_000)] {
        let mut sender = Sender::new(codec, 1);
        let mut packets = sender.packets(2, 20);
        packets.push(noise(&mut sender, &[50, 100, 140]));
        sender.pause(1500);
        packets.push(noise(&mut sender, &[60]));
        sender.pause(1500);
        packets.extend(sender.packets(2, 20));
        let mut ear = ear(rate, SETTINGS, &[codec]);
        let heard = listen(&mut ear, rate, &mut packets, 7, 20, 6000);
        // 0 dBov is the mean square of a square wave at full scale: 6.18 dBm0.
        for (from, to, expected) in [(2.2, 3.5, -50.0), (3.7, 5.0, -60.0)] {
            let found = level(heard.part(from, to)) - 6.18;
            assert!((found - expected).abs() < 1.5, "{codec:?} {rate}: {found}");
        }
        assert_eq!(heard.count(Heard::Concealed), 0, "{codec:?} {rate}");
        assert!(heard.count(Heard::Silence) > 140);
        assert!(softest(heard.part(5.1, 6.9), rate) > -12.0, "{codec:?} {rate}");
        assert_eq!(ear.statistics().concealed.as_millis(), 0);
    }
}

fn noise(sender: &mut Sender, payload: &[u8]) -> Packet {
    let header = rtp::Header { payload_type: 13, ..sender.header };
    sender.header.sequence = sender.header.sequence.wrapping_add(1);
    Packet { at: sender.at, header, payload: payload.to_vec() }
}

#[test]
fn a_hold_of_a_minute_is_silent_and_what_follows_is_whole() {
    for timestamp in ["goes on", "stands still", "begins anew"] {
        let mut sender = Sender::new(Codec::Pcmu, 1);
        let mut packets = sender.packets(3, 20);
        match timestamp {
            "goes on" => sender.pause(60_000),
            "stands still" => sender.at += 60_000_000,
            _ => {
                sender.at += 60_000_000;
                sender.header.timestamp = 77;
                sender.header.sequence = 30_000;
            }
        }
        packets.extend(sender.packets(3, 20));
        let mut ear = ear(8000, SETTINGS, &[Codec::Pcmu]);
        let heard = listen(&mut ear, 8000, &mut packets, 67, 20, 6000);
        assert!(level(heard.part(3.3, 63.0)) < -80.0, "{timestamp}");
        assert!(softest(heard.part(63.1, 65.9), 8000) > -12.0, "{timestamp}");
        assert!(heard.delays[64 * 50].as_millis() <= 40, "{timestamp}: {:?}", heard.delays[64 * 50]);
    }
}

#[test]
fn a_stream_that_ends_leaves_silence() {
    let mut ear = ear(16_000, SETTINGS, &[Codec::Opus]);
    listen(&mut ear, 16_000, &mut Sender::new(Codec::Opus, 1).packets(1, 20), 4, 20, 0);
    let mut block = [1; 320];
    assert_eq!(ear.draw(Micros(4_000_000), &mut block), Heard::Silence);
    assert_eq!(block, [0; 320]);
}

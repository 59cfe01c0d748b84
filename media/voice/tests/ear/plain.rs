//! What comes as it should.

use crate::network::{Random, SETTINGS, Sender, ear, listen, quality, softest, spoil, tone};
use audio::Law;
use codec::Codec;
use std::time::Duration;
use voice::{Heard, Settings};

#[test]
fn every_codec_is_heard_at_every_rate_in_any_packets_and_blocks_after_about_one_packet() {
    let mut ways = [(20, 20, 7000), (10, 20, 0), (30, 20, 13_000), (60, 10, 500), (20, 10, 19_900)].into_iter().cycle();
    for codec in Codec::ALL.into_iter().filter(|codec| *codec != Codec::G729) {
        for rate in [8000, 16_000, 48_000] {
            for (packet, block, phase) in ways.by_ref().take(1) {
                let packet = u32::from(codec.packet_time(packet));
                let mut ear = ear(rate, SETTINGS, &[codec]);
                let heard = listen(&mut ear, rate, &mut Sender::new(codec, 1).packets(5, packet), 5, block, phase);
                let name = format!("{codec:?} {rate} {packet} {block} {phase}");
                let (level, share) = quality(heard.part(0.3, 4.9), rate);
                assert!((level + 10.0).abs() < 1.0 && share > 0.98, "{name}: {level} {share}");
                assert!(softest(heard.part(0.3, 4.9), rate) > -12.0, "{name}");
                let whole = &heard.blocks[..heard.blocks.len() * 49 / 50];
                assert!(!whole.contains(&Heard::Concealed), "{name}");
                let delay = heard.delays.last().unwrap().as_millis() as u32;
                assert!(delay <= packet.max(block) + 15, "{name}: {delay}");
            }
        }
    }
}

#[test]
fn g711_that_nothing_happens_to_comes_through_bit_by_bit() {
    let sent: Vec<i16> =
        tone(440.0, 8000).take(8000 * 10).map(|sample| Law::Mu.decode(Law::Mu.encode(sample))).collect();
    for (least, phase) in [(0, 3000), (50, 3000), (0, 20_000)] {
        let mut ear = ear(8000, Settings { least: Duration::from_millis(least), ..SETTINGS }, &[Codec::Pcmu]);
        let heard = listen(&mut ear, 8000, &mut Sender::new(Codec::Pcmu, 1).packets(10, 20), 10, 20, phase);
        let last = heard.part(3.0, 10.0);
        let first = 24_000 - 8000 / 5;
        let offset = (first..=24_000).find(|offset| sent[*offset..][..last.len().min(sent.len() - offset)] == *last);
        assert!(offset.is_some(), "{least} {phase}");
        assert!(heard.delays.iter().skip(150).all(|delay| *delay <= Duration::from_millis(35)), "{least} {phase}");
        if least > 0 {
            assert_eq!(ear.statistics().stretched, Duration::ZERO);
        }
    }
}

#[test]
fn packets_of_changing_lengths_are_one_sound() {
    let mut sender = Sender::new(Codec::Pcmu, 1);
    let mut packets: Vec<_> = (0..200).map(|turn| sender.packet([10, 20, 60, 30, 40][turn / 20 % 5])).collect();
    let heard = listen(&mut ear(8000, SETTINGS, &[Codec::Pcmu]), 8000, &mut packets, 6, 20, 5000);
    let (level, share) = quality(heard.part(0.3, 6.0), 8000);
    assert!((level + 10.0).abs() < 0.5 && share > 0.97, "{level} {share}");
    assert!(softest(heard.part(0.3, 6.0), 8000) > -12.0);
}

#[test]
fn after_its_first_seconds_a_stream_takes_no_more_memory() {
    for (codec, rate) in [(Codec::Pcmu, 8000), (Codec::Pcmu, 48_000), (Codec::G722, 16_000)] {
        let mut packets = Sender::new(codec, 1).packets(20, 20);
        spoil(&mut packets, 2, 30_000, &mut Random::new());
        let mut ear = ear(rate, SETTINGS, &[codec]);
        let (first, then) = packets.split_at_mut(500);
        listen(&mut ear, rate, first, 10, 20, 1000);
        let before = ear.memory();
        then.iter_mut().for_each(|packet| packet.at -= 10_000_000);
        listen(&mut ear, rate, then, 10, 20, 1000);
        assert!(before < 40_000 && ear.memory() <= before + 400, "{codec:?} {rate}: {before}, then {}", ear.memory());
    }
}

#[test]
fn an_ear_can_be_given_to_another_thread() {
    fn moves<T: Send>(_: T) {}
    moves(ear(8000, SETTINGS, &[Codec::Opus]));
}

#[test]
fn an_ear_that_hears_nothing_gives_silence() {
    let heard = listen(&mut ear(16_000, SETTINGS, &[Codec::Pcmu]), 16_000, &mut [], 1, 10, 0);
    assert!(heard.sound.iter().all(|sample| *sample == 0));
    assert_eq!(heard.count(Heard::Silence), 100);
}

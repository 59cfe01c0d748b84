//! Packets that come late, in another order, or not at all.

use crate::network::{Listened, Random, SETTINGS, Sender, ear, listen, quality, softest, spoil};
use audio::level;
use codec::Codec;
use rtp::Micros;
use std::time::Duration;
use voice::{Heard, Settings};

const CODECS: [(Codec, u32); 4] =
    [(Codec::Pcmu, 8000), (Codec::Pcmu, 48_000), (Codec::G722, 16_000), (Codec::Opus, 16_000)];
const SECONDS: u32 = 20;
const END: f64 = SECONDS as f64 - 0.1;

fn spoilt(codec: Codec, rate: u32, loss: u64, jitter: u64, random: &mut Random) -> Listened {
    let mut packets = Sender::new(codec, 1).packets(SECONDS, 20);
    spoil(&mut packets, loss, jitter, random);
    let mut ear = ear(rate, SETTINGS, &[codec]);
    let heard = listen(&mut ear, rate, &mut packets, SECONDS, 20, random.below(20_000));
    let (level, share) = quality(heard.part(2.0, END), rate);
    println!(
        "{codec:?} {rate} {loss} % {jitter} us: {level:.2} dBm0, {share:.4} at the tone, softest {:.1}, {} of {} blocks concealed, {:?}",
        softest(heard.part(2.0, END), rate),
        heard.count(Heard::Concealed),
        heard.blocks.len(),
        ear.statistics(),
    );
    heard
}

#[test]
fn a_tone_comes_through_5_percent_loss_and_40_ms_of_jitter_without_a_gap() {
    let mut random = Random::new();
    for (codec, rate) in CODECS {
        let heard = spoilt(codec, rate, 5, 40_000, &mut random);
        let (level, share) = quality(heard.part(2.0, END), rate);
        assert!((level + 10.0).abs() < 1.5 && share >= 0.9, "{codec:?} {rate}: {level} {share}");
        // What Opus makes up for a tone is some 15 dB softer, but there.
        assert!(softest(heard.part(2.0, END), rate) > -40.0, "{codec:?} {rate}");
        assert!(heard.delays.iter().skip(100).all(|delay| delay.as_millis() <= 90));
    }
}

#[test]
fn jitter_alone_costs_few_packets() {
    let mut random = Random::new();
    for (codec, rate) in CODECS {
        let heard = spoilt(codec, rate, 0, 40_000, &mut random);
        let concealed = heard.blocks[100..].iter().filter(|heard| **heard == Heard::Concealed).count();
        assert!(concealed <= 900 / 20, "{codec:?} {rate}: {concealed}");
        let (level, share) = quality(heard.part(2.0, END), rate);
        assert!((level + 10.0).abs() < 1.0 && share >= 0.95, "{codec:?} {rate}: {level} {share}");
    }
}

#[test]
fn a_fifth_lost_is_still_a_tone() {
    let mut random = Random::new();
    for (codec, rate) in CODECS {
        let heard = spoilt(codec, rate, 20, 0, &mut random);
        let (level, share) = quality(heard.part(2.0, END), rate);
        // Opus makes up less of a tone than of speech.
        let (off, least) = if codec == Codec::Opus { (3.0, 0.7) } else { (1.0, 0.95) };
        assert!((level + 10.0).abs() < off && share >= least, "{codec:?} {rate}: {level} {share}");
    }
}

#[test]
fn a_burst_of_100_ms_fades_and_leaves_nothing_behind() {
    for (codec, rate) in CODECS {
        let mut packets = Sender::new(codec, 1).packets(6, 20);
        packets.retain(|packet| !(3_000_000..3_100_000).contains(&packet.at));
        let mut ear = ear(rate, SETTINGS, &[codec]);
        let heard = listen(&mut ear, rate, &mut packets, 6, 20, 4000);
        let concealed = heard.count(Heard::Concealed);
        assert!((5..=7).contains(&concealed), "{codec:?} {rate}: {concealed}");
        let concealed = ear.statistics().concealed.as_millis();
        assert!((90..=120).contains(&concealed), "{codec:?} {rate}: {concealed}");
        let (level, share) = quality(heard.part(3.3, 5.9), rate);
        assert!((level + 10.0).abs() < 1.0 && share > 0.97, "{codec:?} {rate}: {level} {share}");
        assert!(softest(heard.part(3.3, 5.9), rate) > -12.0);
        assert!(heard.delays.last().unwrap().as_millis() <= 35);
    }
}

#[test]
fn a_stall_is_caught_up_with_by_playing_faster() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(20, 20);
    for packet in &mut packets {
        if (3_000_000..3_200_000).contains(&packet.at) {
            packet.at = 3_200_000;
        }
    }
    let heard = listen(&mut ear(8000, SETTINGS, &[Codec::Pcmu]), 8000, &mut packets, 20, 20, 4000);
    let (level, share) = quality(heard.part(3.4, 19.9), 8000);
    assert!((level + 10.0).abs() < 0.5 && share > 0.97, "{level} {share}");
    assert!(softest(heard.part(3.4, 19.9), 8000) > -12.0);
    assert!(heard.delays.last().unwrap().as_millis() <= 35, "{:?}", heard.delays.last());
}

#[test]
fn a_delay_that_grows_by_100_ms_at_once_is_followed_within_a_second() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(10, 20);
    packets.iter_mut().filter(|packet| packet.at >= 3_000_000).for_each(|packet| packet.at += 100_000);
    let heard = listen(&mut ear(8000, SETTINGS, &[Codec::Pcmu]), 8000, &mut packets, 10, 20, 4000);
    assert!(heard.count(Heard::Concealed) <= 8, "{}", heard.count(Heard::Concealed));
    assert!(softest(heard.part(3.4, 9.9), 8000) > -12.0);
}

#[test]
fn packets_are_heard_in_order_and_once_however_often_they_come() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(10, 20);
    for pair in packets.chunks_exact_mut(2) {
        (pair[0].at, pair[1].at) = (pair[1].at, pair[0].at + 20_001);
    }
    let again: Vec<_> = packets
        .iter()
        .cloned()
        .map(|mut packet| {
            packet.at += 3000;
            packet
        })
        .collect();
    packets.extend(again);
    let mut ear = ear(8000, SETTINGS, &[Codec::Pcmu]);
    let heard = listen(&mut ear, 8000, &mut packets, 10, 20, 4000);
    let (level, share) = quality(heard.part(2.0, 9.9), 8000);
    assert!((level + 10.0).abs() < 0.2 && share > 0.99, "{level} {share}");
    assert!(heard.blocks[100..490].iter().all(|heard| *heard == Heard::Sound));
    assert!(ear.statistics().late <= 1, "{:?}", ear.statistics());
}

#[test]
fn a_packet_after_its_turn_is_counted_and_not_heard() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(3, 20);
    packets[100].at += 200_000;
    let mut ear = ear(8000, SETTINGS, &[Codec::Pcmu]);
    let heard = listen(&mut ear, 8000, &mut packets, 3, 20, 4000);
    assert_eq!(ear.statistics().late, 1);
    assert!(level(heard.part(2.0, 2.9)) > -11.0);
    assert_eq!(ear.statistics().concealed.as_millis(), 20);
    ear.draw(Micros(4_000_000), &mut [0; 160]);
}

#[test]
fn what_comes_later_than_the_longest_delay_is_lost() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(10, 20);
    packets
        .iter_mut()
        .filter(|packet| (3_000_000..4_000_000).contains(&packet.at))
        .for_each(|packet| packet.at = 4_000_000);
    let settings = Settings { most: Duration::from_millis(100), ..SETTINGS };
    let mut ear = ear(8000, settings, &[Codec::Pcmu]);
    let heard = listen(&mut ear, 8000, &mut packets, 10, 20, 4000);
    let late = ear.statistics().late;
    assert!((40..50).contains(&late), "{late}");
    let delay = heard.delays.iter().max().expect("blocks were drawn");
    assert!(*delay <= Duration::from_millis(115), "{delay:?}");
    assert!(softest(heard.part(4.3, 9.9), 8000) > -12.0);
}

#[test]
fn a_packet_that_is_late_once_in_a_while_is_left_out_and_the_delay_stays() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(20, 20);
    packets.iter_mut().skip(150).step_by(60).for_each(|packet| packet.at += 20_000);
    let mut ear = ear(8000, SETTINGS, &[Codec::Pcmu]);
    let heard = listen(&mut ear, 8000, &mut packets, 20, 20, 4000);
    let statistics = ear.statistics();
    assert_eq!((statistics.late, statistics.concealed.as_millis()), (15, 300), "{statistics:?}");
    assert!(statistics.stretched.as_millis() <= 60, "{statistics:?}");
    assert!(heard.delays[150..990].iter().all(|delay| delay.as_millis() <= 25));
}

#[test]
fn what_was_made_up_and_what_comes_after_it_meet_in_phase() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(12, 20);
    packets.iter_mut().for_each(|packet| packet.at += packet.at / 2_000_000 * 31_000);
    let heard = listen(&mut ear(8000, SETTINGS, &[Codec::Pcmu]), 8000, &mut packets, 12, 20, 4000);
    assert!(heard.count(Heard::Concealed) >= 5);
    for (at, piece) in heard.part(1.0, 11.8).chunks_exact(800).enumerate() {
        let (level, share) = quality(piece, 8000);
        assert!(level > -13.0 && share > 0.93, "{at}: {level} {share}");
    }
}

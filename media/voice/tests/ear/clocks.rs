//! Clocks that do not agree.

use crate::network::{Random, SETTINGS, Sender, ear, listen, quality, softest, tone};
use audio::{Law, goertzel, level};
use codec::Codec;
use rtp::{Header, Micros, Ssrc};
use voice::Heard;

/// An hour of a tone of 450 Hz, of which every packet is the same, from a sender whose clock is off by so many millionths.
fn hour(drift: i64, jitter: u64, seconds: u64) {
    let payload: Vec<u8> = tone(450.0, 8000).take(160).map(|sample| Law::Mu.encode(sample)).collect();
    let mut random = Random::new();
    let mut ear = ear(8000, SETTINGS, &[Codec::Pcmu]);
    let step = (20_000_000_000 + 20_000 * drift) as u64;
    let (mut sent, mut concealed, mut block) = (0_u64, 0, [0; 160]);
    let mut second = Vec::new();
    let mut delays = Vec::new();
    // Microseconds, in millionths, so that rounding does not drift itself. Overtaking packets are the business of other tests.
    let mut waiting = 5000;
    for turn in 0..seconds * 50 {
        let now = (turn + 1) * 20_000;
        while waiting <= now {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: sent as u16,
                timestamp: (sent as u32).wrapping_mul(160),
                ssrc: Ssrc(1),
            };
            ear.on_packet(Micros(waiting), &header, &payload);
            sent += 1;
            waiting = (sent * step / 1_000_000 + 5000 + random.below(jitter)).max(waiting);
        }
        let heard = ear.draw(Micros(now), &mut block);
        if turn < 500 {
            continue;
        }
        concealed += usize::from(heard == Heard::Concealed);
        second.extend_from_slice(&block);
        if second.len() == 8000 {
            assert!(second.chunks(160).all(|block| level(block) > -12.0), "second {}", turn / 50);
            let at = goertzel(&second, 8000, 450.0);
            assert!(level(&second) > -11.0 && (jitter > 1 || at > -11.5), "second {}: {at}", turn / 50);
            second.clear();
            delays.push(ear.statistics().delay.as_millis());
        }
    }
    let (most, mean) =
        (delays.iter().max().expect("seconds passed"), delays.iter().sum::<u128>() / delays.len() as u128);
    println!(
        "{drift} ppm, jitter {jitter} us: delay {mean} ms, at most {most} ms; concealed {concealed} blocks; {:?}",
        ear.statistics()
    );
    let bound = 45 + 2 * u128::from(jitter) / 1000;
    assert!(*most <= bound, "{most}");
    assert!(concealed as u64 <= seconds / if jitter > 1 { 2 } else { 60 }, "{concealed}");
}

#[test]
fn a_sender_300_ppm_fast_is_followed_for_an_hour() {
    hour(-300, 1, 3600);
}

#[test]
fn a_sender_300_ppm_slow_is_followed_for_an_hour() {
    hour(300, 1, 3600);
}

#[test]
fn a_sender_1000_ppm_off_is_followed_either_way() {
    hour(-1000, 1, 1800);
    hour(1000, 1, 1800);
}

#[test]
fn drift_and_jitter_together_are_followed() {
    hour(300, 15_000, 600);
    hour(-300, 15_000, 600);
}

#[test]
fn a_listener_whose_turns_come_late_or_in_heaps_hears_the_same() {
    let mut random = Random::new();
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(20, 20);
    packets.reverse();
    let mut ear = ear(8000, SETTINGS, &[Codec::Pcmu]);
    let (mut heard, mut block, mut concealed) = (Vec::new(), [0; 160], 0);
    for turn in 0..1000_u64 {
        // Held up by up to 8 ms, and now and then by two blocks, which are drawn all at once then.
        let late = if turn % 100 < 2 { 40_000 - turn % 100 * 20_000 } else { random.below(8000) };
        let now = turn * 20_000 + late;
        while packets.last().is_some_and(|packet| packet.at <= now) {
            let packet = packets.pop().unwrap();
            ear.on_packet(Micros(packet.at), &packet.header, &packet.payload);
        }
        concealed += usize::from(ear.draw(Micros(now), &mut block) == Heard::Concealed);
        heard.extend_from_slice(&block);
    }
    let (level, share) = quality(&heard[16_000..], 8000);
    assert!((level + 10.0).abs() < 0.5 && share > 0.97, "{level} {share}");
    assert!(concealed <= 30, "{concealed}");
}

#[test]
fn a_listener_that_stopped_for_a_while_catches_up() {
    let mut packets = Sender::new(Codec::Pcmu, 1).packets(10, 20);
    let mut ear = ear(8000, SETTINGS, &[Codec::Pcmu]);
    let (early, late) = packets.split_at_mut(150);
    listen(&mut ear, 8000, early, 3, 20, 19_000);
    // For two seconds nothing is drawn.
    late.iter_mut().for_each(|packet| packet.at = packet.at.saturating_sub(5_000_000));
    let heard = listen(&mut ear, 8000, late, 5, 20, 19_000);
    assert!(ear.statistics().delay.as_millis() < 320, "{:?}", ear.statistics());
    assert!(softest(heard.part(0.5, 4.5), 8000) > -12.0);
}

//! Senders that mean no good.

use crate::network::{Random, SETTINGS, ear};
use codec::Codec;
use rtp::{Header, Micros, Ssrc};

#[test]
fn nothing_that_is_sent_breaks_an_ear() {
    let mut random = Random::new();
    let codecs = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus, Codec::L16(codec::Rate::Disc)];
    for (rate, rounds) in [(8000, 80_000), (16_000, 15_000), (48_000, 5000)] {
        let mut ear = ear(rate, SETTINGS, &codecs);
        let mut block = vec![0; rate as usize / 50];
        let (mut now, mut header) = (0, Header::default());
        let types = [0, 8, 9, 0, 11, 13, 8, 0, 9, 96, 77, 13, 0, 8, 9];
        for _ in 0..rounds {
            // Mostly near what came before, so that everything behind the first check is reached.
            let far = random.percent(10);
            let small = random.below(8) as u16;
            header.sequence = header.sequence.wrapping_add(if far { random.next() as u16 } else { small });
            let ticks = if random.percent(10) { random.next() as u32 } else { random.below(2000) as u32 };
            header.timestamp = header.timestamp.wrapping_add(ticks).wrapping_sub(500);
            if random.percent(3) {
                header.ssrc = Ssrc(random.below(3) as u32);
            }
            header.payload_type = types[random.below(types.len() as u64) as usize];
            let length = if random.percent(5) { random.below(5000) } else { random.below(200) };
            let payload: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            ear.on_packet(Micros(now), &header, &payload);
            let most = if random.percent(1) { 5_000_000 } else { 30_000 };
            now += random.below(most);
            if random.percent(60) {
                ear.draw(Micros(now), &mut block);
            }
            if random.percent(1) {
                ear.draw(Micros(now), &mut []);
                let mut odd = vec![0; random.below(700) as usize];
                ear.draw(Micros(now), &mut odd);
            }
        }
        assert!(ear.memory() < 1_500_000, "{}", ear.memory());
    }
}

//! What an ear costs a packet.

use audio::{Phase, Signal, Tone};
use codec::{Codec, Encoder, Format, Library, Parameters};
use divan::Bencher;
use rtp::{Header, Micros, Ssrc};
use std::hint::black_box;
use std::time::Duration;
use voice::{Ear, Settings};

fn main() {
    divan::main();
}

const SETTINGS: Settings = Settings { least: Duration::ZERO, most: Duration::from_millis(300) };

const WORK: [(Codec, u32); 6] = [
    (Codec::Pcmu, 8000),
    (Codec::Pcmu, 16_000),
    (Codec::Pcmu, 48_000),
    (Codec::G722, 8000),
    (Codec::G722, 16_000),
    (Codec::Opus, 16_000),
];

fn payloads(format: &Format, rate: u32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(format, rate, &Library::default()).expect("a codec of our own");
    let cadence = [Phase { tone: Some(Tone::dual(210.0, 1130.0, -13.0)), milliseconds: 60_000 }];
    let sound: Vec<i16> = Signal::new(&cadence, encoder.rate()).take(encoder.rate() as usize).collect();
    let payload = |frame: &[i16]| {
        let mut out = [0; Encoder::LONGEST];
        let length = encoder.encode(frame, &mut out);
        out[..length].to_vec()
    };
    sound.chunks_exact(sound.len() / 50).map(payload).collect()
}

/// A packet and a block of 20 ms; one in so many packets is lost.
fn hear(bencher: Bencher<'_, '_>, (codec, rate): (Codec, u32), lost: usize) {
    let format = Format { codec, payload_type: 96, parameters: Parameters::default() };
    let payloads = payloads(&format, rate);
    let mut ear = Ear::new(rate, SETTINGS, &Library::default());
    ear.expect(&[format], None);
    let mut block = vec![0; rate as usize / 50];
    let mut turn = 0;
    bencher.bench_local(|| {
        let now = Micros(turn as u64 * 20_000);
        let header = Header {
            marker: turn == 0,
            payload_type: 96,
            sequence: turn as u16,
            timestamp: (turn as u32).wrapping_mul(codec.clock() / 50),
            ssrc: Ssrc(1),
        };
        if turn % lost != lost - 1 {
            ear.on_packet(now.after(Duration::from_millis(7)), &header, black_box(&payloads[turn % payloads.len()]));
        }
        turn += 1;
        ear.draw(now.after(Duration::from_millis(20)), black_box(&mut block))
    });
}

#[divan::bench(args = WORK, sample_count = 200, sample_size = 50)]
fn without_loss(bencher: Bencher<'_, '_>, work: (Codec, u32)) {
    hear(bencher, work, usize::MAX);
}

#[divan::bench(args = WORK, sample_count = 200, sample_size = 50)]
fn one_in_twenty_lost(bencher: Bencher<'_, '_>, work: (Codec, u32)) {
    hear(bencher, work, 20);
}

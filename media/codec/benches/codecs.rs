//! What 20 ms of sound cost in each codec.

use codec::{Codec, Decoder, Encoder, Format, Library, Parameters};
use divan::Bencher;
use std::hint::black_box;

fn main() {
    divan::main();
}

const WORK: [(Codec, u32); 8] = [
    (Codec::Pcmu, 8000),
    (Codec::Pcma, 8000),
    (Codec::G722, 8000),
    (Codec::G722, 16_000),
    (Codec::Opus, 8000),
    (Codec::Opus, 16_000),
    (Codec::Opus, 48_000),
    (Codec::L16(codec::Rate::Wide), 16_000),
];

fn speech(rate: u32) -> Vec<i16> {
    let tone = |at: f32, hertz: f32| (at * hertz * std::f32::consts::TAU / rate as f32).sin();
    (0..rate)
        .map(|at| at as f32)
        .map(|at| (4000.0 * tone(at, 210.0) + 2000.0 * tone(at, 1130.0) + 500.0 * tone(at, 3100.0)) as i16)
        .collect()
}

fn format(codec: Codec) -> Format {
    Format { codec, payload_type: 96, parameters: Parameters { fec: true, ..Parameters::default() } }
}

#[divan::bench(args = WORK)]
fn encode(bencher: Bencher<'_, '_>, (codec, rate): (Codec, u32)) {
    let mut encoder = Encoder::new(&format(codec), rate, &Library::default()).expect("a codec of our own");
    let speech = speech(encoder.rate());
    let frames: Vec<_> = speech.chunks_exact(encoder.rate() as usize / 50).collect();
    let mut out = [0; Encoder::LONGEST];
    let mut turn = 0;
    bencher.bench_local(|| {
        turn = (turn + 1) % frames.len();
        encoder.encode(black_box(frames[turn]), &mut out)
    });
}

#[divan::bench(args = WORK)]
fn decode(bencher: Bencher<'_, '_>, (codec, rate): (Codec, u32)) {
    let mut encoder = Encoder::new(&format(codec), rate, &Library::default()).expect("a codec of our own");
    let mut decoder = Decoder::new(codec, rate, &Library::default()).expect("a codec of our own");
    let speech = speech(encoder.rate());
    let frames = speech.chunks_exact(encoder.rate() as usize / 50);
    let payloads: Vec<Vec<u8>> = frames
        .map(|frame| {
            let mut out = [0; Encoder::LONGEST];
            let length = encoder.encode(frame, &mut out);
            out[..length].to_vec()
        })
        .collect();
    let (mut turn, mut out) = (0, Vec::new());
    bencher.bench_local(|| {
        turn = (turn + 1) % payloads.len();
        out.clear();
        decoder.decode(black_box(&payloads[turn]), &mut out)
    });
}

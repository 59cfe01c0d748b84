//! What a frame of speech costs.

use divan::Bencher;
use ilbc::{Decoder, Encoder, Mode};

const SPEECH: &[u8] = include_bytes!("../../../tests/vectors/ilbc/speech.s16le");
const MODES: [Mode; 2] = [Mode::Ms20, Mode::Ms30];

fn main() {
    divan::main();
}

/// Two seconds of speech, frame by frame.
fn samples(mode: Mode) -> Vec<Vec<i16>> {
    let samples: Vec<i16> = SPEECH.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    samples.chunks_exact(mode.frame_samples()).map(<[i16]>::to_vec).collect()
}

fn frames(mode: Mode) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(mode);
    let encode = |samples: Vec<i16>| {
        let mut frame = vec![0; mode.frame_bytes()];
        encoder.encode(&samples, &mut frame);
        frame
    };
    samples(mode).into_iter().map(encode).collect()
}

#[divan::bench(args = MODES, sample_count = 500, sample_size = 20)]
fn encode(bencher: Bencher<'_, '_>, mode: Mode) {
    let samples = samples(mode);
    let mut samples = samples.iter().cycle();
    let mut encoder = Encoder::new(mode);
    let mut frame = vec![0; mode.frame_bytes()];
    bencher.bench_local(|| encoder.encode(samples.next().expect("endless"), &mut frame));
}

#[divan::bench(args = MODES, sample_count = 500, sample_size = 20)]
fn decode(bencher: Bencher<'_, '_>, mode: Mode) {
    let frames = frames(mode);
    let mut frames = frames.iter().cycle();
    let mut decoder = Decoder::new(mode);
    let mut samples = vec![0; mode.frame_samples()];
    bencher.bench_local(|| decoder.decode(frames.next().expect("endless"), &mut samples));
}

#[divan::bench(args = MODES, sample_count = 500, sample_size = 20)]
fn conceal(bencher: Bencher<'_, '_>, mode: Mode) {
    let frames = frames(mode);
    let mut decoder = Decoder::new(mode);
    let mut samples = vec![0; mode.frame_samples()];
    for frame in &frames[..frames.len() / 2] {
        decoder.decode(frame, &mut samples).expect("a frame by an encoder");
    }
    bencher.bench_local(|| decoder.conceal(&mut samples));
}

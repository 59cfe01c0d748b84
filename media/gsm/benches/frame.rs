//! What 20 ms cost, each way.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use gsm::{Decoder, Encoder, FRAME_BYTES, FRAME_SAMPLES};

fn main() {
    divan::main();
}

const FRAMES: usize = 500;

/// Ten seconds of a buzz that slides, and of noise beneath it: no two frames are alike.
fn sound() -> Vec<[i16; FRAME_SAMPLES]> {
    let (mut phase, mut noise) = (0_u32, 1_u32);
    let mut sample = |index: usize| {
        phase = phase.wrapping_add(70_000_000 + index as u32 * 1500);
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (phase as i32 >> 18) as i16 + (noise as i32 >> 21) as i16
    };
    let samples: Vec<i16> = (0..FRAMES * FRAME_SAMPLES).map(&mut sample).collect();
    samples.as_chunks().0.to_vec()
}

#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let sound = sound();
    let mut encoder = Encoder::default();
    let mut next = sound.iter().cycle();
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| next.next().map(|samples| encoder.encode(black_box(samples))));
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let mut encoder = Encoder::default();
    let frames: Vec<[u8; FRAME_BYTES]> = sound().iter().map(|samples| encoder.encode(samples)).collect();
    let mut decoder = Decoder::default();
    let mut next = frames.iter().cycle();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| next.next().map(|frame| decoder.decode(black_box(frame))));
}

#[divan::bench]
fn conceal(bencher: Bencher<'_, '_>) {
    let mut decoder = Decoder::default();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| decoder.conceal());
}

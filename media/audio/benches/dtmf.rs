//! What it costs to listen for keys: 20 ms of sound, in noise and in keys.

use audio::dtmf::{Detector, Sounder};
use divan::Bencher;
use std::hint::black_box;
use std::time::Duration;

fn main() {
    divan::main();
}

#[divan::bench(args = [8000, 16_000])]
fn noise(bencher: Bencher<'_, '_>, rate: u32) {
    let mut state = 1_u32;
    let samples: Vec<i16> = (0..rate)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 20) as i16 - 2048
        })
        .collect();
    hear(bencher, rate, &samples);
}

#[divan::bench(args = [8000, 16_000])]
fn keys(bencher: Bencher<'_, '_>, rate: u32) {
    let mut sounder = Sounder::new(rate);
    for key in "123A456B".chars() {
        assert!(sounder.strike(key, Duration::from_millis(80)));
    }
    let mut samples = vec![0; rate as usize];
    sounder.fill(&mut samples);
    hear(bencher, rate, &samples);
}

fn hear(bencher: Bencher<'_, '_>, rate: u32, samples: &[i16]) {
    let mut detector = Detector::new(rate).expect("a rate that there is a detector for");
    let mut blocks = samples.chunks_exact(rate as usize / 50).cycle();
    bencher.bench_local(|| blocks.next().map(|block| detector.push(black_box(block))));
}

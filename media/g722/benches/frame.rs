//! What a packet of 20 ms costs, encoded and decoded. Both bands here, audio-codec beside them.
#![allow(clippy::unwrap_used)]

use std::f64::consts::TAU;
use std::hint::black_box;

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};
use divan::Bencher;
use g722::{Band, Decoder, Encoder};

fn main() {
    divan::main();
}

/// Octets of 20 ms.
const OCTETS: usize = 160;
/// Packets of the sound, so that no branch is learnt by heart: a second.
const PACKETS: usize = 50;

/// Something between a voice and a hiss: harmonics that swell and fade, and noise.
fn sound(band: Band) -> Vec<i16> {
    let samples = per_octet(band) * OCTETS * PACKETS;
    let (rate, mut random) = (8000.0 * per_octet(band) as f64, 1_u32);
    (0..samples)
        .map(|index| {
            let time = index as f64 / rate;
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let voice: f64 = (1..12).map(|n| (time * TAU * 140.0 * f64::from(n)).sin() / f64::from(n)).sum();
            (voice * 6000.0 * (time * 19.0).sin().abs() + f64::from(random >> 20) / 8.0 - 256.0) as i16
        })
        .collect()
}

fn per_octet(band: Band) -> usize {
    match band {
        Band::Narrow => 1,
        Band::Wide => 2,
    }
}

fn codes() -> Vec<u8> {
    let mut codes = vec![0; OCTETS * PACKETS];
    Encoder::new(Band::Wide).encode(&sound(Band::Wide), &mut codes);
    codes
}

#[divan::bench(args = [Band::Narrow, Band::Wide], sample_size = 1000)]
fn encode(bencher: Bencher<'_, '_>, band: Band) {
    let (sound, mut encoder, mut out) = (sound(band), Encoder::new(band), [0; OCTETS]);
    let mut packets = sound.chunks(per_octet(band) * OCTETS).cycle();
    bencher.bench_local(|| encoder.encode(black_box(packets.next().unwrap()), black_box(&mut out)));
}

#[divan::bench(args = [Band::Narrow, Band::Wide], sample_size = 1000)]
fn decode(bencher: Bencher<'_, '_>, band: Band) {
    let (codes, mut decoder, mut out) = (codes(), Decoder::new(band), [0; 2 * OCTETS]);
    let mut packets = codes.chunks(OCTETS).cycle();
    bencher.bench_local(|| decoder.decode(black_box(packets.next().unwrap()), black_box(&mut out)));
}

#[divan::bench(sample_size = 1000)]
fn audio_codec_encode(bencher: Bencher<'_, '_>) {
    let (sound, mut encoder, mut out) = (sound(Band::Wide), G722Encoder::new(), [0; OCTETS]);
    let mut packets = sound.chunks(2 * OCTETS).cycle();
    bencher.bench_local(|| encoder.encode_into(black_box(packets.next().unwrap()), black_box(&mut out)).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn audio_codec_decode(bencher: Bencher<'_, '_>) {
    let (codes, mut decoder, mut out) = (codes(), G722Decoder::new(), [0; 2 * OCTETS]);
    let mut packets = codes.chunks(OCTETS).cycle();
    bencher.bench_local(|| decoder.decode_into(black_box(packets.next().unwrap()), black_box(&mut out)).unwrap());
}

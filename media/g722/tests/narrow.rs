//! The two bands talk to each other: who works at 8000 samples a second, and who at 16,000.

use std::f64::consts::TAU;

use audio::goertzel;
use g722::{Band, Decoder, Encoder};

const WIDE: usize = 16_000;

fn sine(frequency: f64, rate: f64) -> Vec<i16> {
    (0..2 * rate as usize).map(|i| (9000.0 * (TAU * frequency * i as f64 / rate).sin()) as i16).collect()
}

fn encoded(band: Band, sound: &[i16]) -> Vec<u8> {
    let mut codes = vec![0; WIDE];
    let octets = Encoder::new(band).encode(sound, &mut codes);
    assert_eq!(octets, WIDE);
    codes
}

fn decoded(band: Band, codes: &[u8]) -> Vec<i16> {
    let mut sound = vec![0; 2 * codes.len()];
    let samples = Decoder::new(band).decode(codes, &mut sound);
    sound.truncate(samples);
    sound
}

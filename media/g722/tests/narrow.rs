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

#[test]
fn a_tone_keeps_its_level_from_either_band_to_either() {
    for frequency in [300.0, 1000.0, 2000.0, 3000.0] {
        let sent = goertzel(&sine(frequency, 8000.0), 8000, frequency);
        for (from, rate) in [(Band::Narrow, 8000.0), (Band::Wide, 16_000.0)] {
            let codes = encoded(from, &sine(frequency, rate));
            for (to, rate) in [(Band::Narrow, 8000), (Band::Wide, 16_000)] {
                let heard = goertzel(&decoded(to, &codes)[rate as usize..], rate, frequency);
                assert!((heard - sent).abs() < 0.2, "{from:?} to {to:?}, {frequency} Hz: {sent} became {heard}");
            }
        }
    }
}

#[test]
fn nothing_is_heard_above_4_khz_from_a_narrow_encoder() {
    let heard = decoded(Band::Wide, &encoded(Band::Narrow, &sine(1000.0, 8000.0)));
    let image = goertzel(&heard[WIDE..], 16_000, 7000.0);
    assert!(image < -50.0, "{image}");
}

#[test]
fn what_is_above_4_khz_is_not_heard_by_a_narrow_decoder() {
    let heard = decoded(Band::Narrow, &encoded(Band::Wide, &sine(6000.0, 16_000.0)));
    let fold = goertzel(&heard[8000..], 8000, 2000.0);
    assert!(fold < -50.0, "{fold}");
}

#[test]
fn the_loudest_narrow_samples_stay_what_they_are() {
    let sound: Vec<i16> = (0..WIDE).map(|i| if i / 400 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    let heard = decoded(Band::Narrow, &encoded(Band::Narrow, &sound));
    for (sent, heard) in sound.chunks(400).zip(heard.chunks(400)).skip(1) {
        let (sent, heard) = (i32::from(sent[399]), i32::from(heard[399]));
        assert!((sent - heard).abs() < 2000, "{sent} became {heard}");
    }
}

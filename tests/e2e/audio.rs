//! What was heard: a tone found in a recording.

use std::path::Path;
use std::time::Duration;

/// The samples of a 16-bit mono or stereo WAV file (first channel) and its rate.
pub fn read_wav(path: &Path) -> Option<(Vec<f64>, f64)> {
    let (channels, rate) = read_wav_channels(path)?;
    Some((channels.into_iter().next()?, rate))
}

/// The samples of each channel, and the rate.
pub fn read_wav_channels(path: &Path) -> Option<(Vec<Vec<f64>>, f64)> {
    let bytes = std::fs::read(path).ok()?;
    let word = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let long = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (mut at, mut channels, mut rate) = (12, 1, 8000);
    loop {
        let (name, length) = (bytes.get(at..at + 4)?, long(at + 4)? as usize);
        at += 8;
        match name {
            b"fmt " => {
                channels = word(at + 2)? as usize;
                rate = long(at + 4)?;
            }
            b"data" => {
                // A recorder that was killed leaves the length open: what follows is sound.
                let end = if length == 0 { bytes.len() } else { (at + length).min(bytes.len()) };
                let samples = bytes[at..end].chunks_exact(2).map(|s| f64::from(i16::from_le_bytes([s[0], s[1]])));
                let samples: Vec<f64> = samples.collect();
                let channel = |channel| samples.iter().skip(channel).step_by(channels.max(1)).copied().collect();
                return Some(((0..channels.max(1)).map(channel).collect(), f64::from(rate)));
            }
            _ => {}
        }
        at += length + length % 2;
    }
}

/// A WAV file of a tone: 8 kHz, 16 bit, mono.
pub fn tone(frequency: f64, length: Duration) -> Vec<u8> {
    let samples = (8000.0 * length.as_secs_f64()) as u32;
    let mut wav = Vec::with_capacity(44 + 2 * samples as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + 2 * samples).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    for word in [1u16, 1] {
        wav.extend(word.to_le_bytes());
    }
    for long in [8000u32, 16000] {
        wav.extend(long.to_le_bytes());
    }
    for word in [2u16, 16] {
        wav.extend(word.to_le_bytes());
    }
    wav.extend(b"data");
    wav.extend((2 * samples).to_le_bytes());
    for i in 0..samples {
        let sample = 9000.0 * (f64::from(i) * std::f64::consts::TAU * frequency / 8000.0).sin();
        wav.extend((sample as i16).to_le_bytes());
    }
    wav
}

/// The share of a recording's energy that lies at `frequency` (Goertzel), in a half second that is neither among the purest nor the
/// least pure of those with sound; 0 for silence.
pub fn share_of(samples: &[f64], rate: f64, frequency: f64) -> f64 {
    let window = (rate / 2.0) as usize;
    let loudest = samples.chunks_exact(window.max(1)).map(energy).fold(0.0, f64::max);
    if loudest < 1e4 * window as f64 {
        return 0.0;
    }
    // Beginning and end, and what was said of keys, are no sound of the whole half second.
    let loud = samples.chunks_exact(window.max(1)).filter(|chunk| energy(chunk) > loudest / 2.0);
    let mut shares: Vec<f64> = loud.map(|chunk| share_in(chunk, rate, frequency)).collect();
    shares.sort_by(f64::total_cmp);
    shares[shares.len() / 2]
}

/// The share of the energy that lies at `frequency` in the half second in which that share is the highest, of those with sound.
pub fn highest_share_of(samples: &[f64], rate: f64, frequency: f64) -> f64 {
    let window = (rate / 2.0) as usize;
    let halves = samples.windows(window.max(1)).step_by((window / 4).max(1));
    let loud = halves.filter(|chunk| energy(chunk) > 1e4 * window as f64);
    loud.map(|chunk| share_in(chunk, rate, frequency)).fold(0.0, f64::max)
}

fn share_in(chunk: &[f64], rate: f64, frequency: f64) -> f64 {
    let coefficient = 2.0 * (std::f64::consts::TAU * frequency / rate).cos();
    let (mut previous, mut before) = (0.0, 0.0);
    for sample in chunk {
        let now = sample + coefficient * previous - before;
        (before, previous) = (previous, now);
    }
    let power = previous * previous + before * before - coefficient * previous * before;
    power / (energy(chunk) * chunk.len() as f64 / 2.0)
}

fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|s| s * s).sum()
}

#[test]
fn a_tone_is_found_and_another_is_not() {
    let tone: Vec<f64> =
        (0..8000).map(|i| 9000.0 * (f64::from(i) * std::f64::consts::TAU * 440.0 / 8000.0).sin()).collect();
    assert!(share_of(&tone, 8000.0, 440.0) > 0.95);
    assert!(share_of(&tone, 8000.0, 700.0) < 0.05);
    assert!(highest_share_of(&tone, 8000.0, 440.0) > 0.95 && highest_share_of(&tone, 8000.0, 700.0) < 0.05);
    assert_eq!(share_of(&[0.0; 8000], 8000.0, 440.0), 0.0);
}

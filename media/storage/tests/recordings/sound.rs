//! What is said in recorded calls, and what is heard of it.

use bytes::Bytes;
use ropus::{Channels, DecodeMode, Decoder};
use std::f64::consts::TAU;
use storage::Tap;

/// Left and right speak one tone each, neither of which is the same in two seconds.
pub const TONES: [f64; 2] = [440.3, 1000.7];

/// The sample of a tone at 8 kHz.
pub fn tone(hz: f64, at: u64) -> i16 {
    (8000.0 * (TAU * hz * at as f64 / 8000.0).sin()) as i16
}

/// Pushes so many packets of 20 ms, from the place on; `after` each packet.
pub fn speak(tap: &mut Tap, place: &mut u64, packets: usize, mut after: impl FnMut()) {
    for _ in 0..packets {
        let [left, right] = TONES.map(|hz| (*place..*place + 160).map(|at| tone(hz, at)).collect::<Vec<i16>>());
        tap.push(&left, &right);
        *place += 160;
        after();
    }
}

/// Both channels of WAV files one after the other.
pub fn wav(files: &[Bytes]) -> [Vec<i16>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    for file in files {
        assert_eq!(
            (&file[..4], &file[8..16], file[22], &file[36..40]),
            (&b"RIFF"[..], &b"WAVEfmt "[..], 2, &b"data"[..])
        );
        for (at, sample) in file[44..].as_chunks::<2>().0.iter().enumerate() {
            sides[at % 2].push(i16::from_le_bytes(*sample));
        }
    }
    sides
}

/// The same of Ogg/Opus files, at 48 kHz.
pub fn opus(files: &[Bytes]) -> [Vec<i16>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    for file in files {
        let mut reader = ogg::PacketReader::new(std::io::Cursor::new(file));
        let head = reader.read_packet_expected().expect("an identification header").data;
        let skip = usize::from(u16::from_le_bytes([head[10], head[11]]));
        reader.read_packet_expected().expect("a comment header");
        let mut decoder = Decoder::new(48_000, Channels::Stereo).expect("a valid rate");
        let (mut sound, mut end) = (Vec::new(), 0);
        while let Some(packet) = reader.read_packet().expect("pages are whole") {
            let mut frame = [0; 2 * 5760];
            let count = decoder.decode(&packet.data, &mut frame, DecodeMode::Normal).expect("a packet of Opus");
            sound.extend_from_slice(&frame[..2 * count]);
            end = packet.absgp_page() as usize;
        }
        for moment in sound[2 * skip..2 * end].as_chunks::<2>().0 {
            sides[0].push(moment[0]);
            sides[1].push(moment[1]);
        }
    }
    sides
}

/// How far what is heard at 48 kHz is from a tone without a break, in dB below it, at its worst 10 ms.
pub fn worst(heard: &[i16], hz: f64) -> f64 {
    let expected = |at: usize| 8000.0 * (TAU * hz * at as f64 / 48_000.0).sin();
    let power = |(block, sound): (usize, &[i16])| {
        let error = |(at, sample): (usize, &i16)| (f64::from(*sample) - expected(block * 480 + at)).powi(2);
        sound.iter().enumerate().map(error).sum::<f64>() / 480.0
    };
    let worst = heard.chunks(480).enumerate().map(power).fold(0.0, f64::max);
    10.0 * (worst / (8000.0_f64.powi(2) / 2.0)).log10()
}

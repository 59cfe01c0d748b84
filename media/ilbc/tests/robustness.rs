//! What a network or a caller can do to the codec.

use ilbc::{BadFrame, Decoder, Encoder, Mode};

const MODES: [Mode; 2] = [Mode::Ms20, Mode::Ms30];

/// A seed that fails is printed; put it here.
const SEEDS: std::ops::Range<u64> = 0..3;

#[test]
fn any_bytes_decode_or_are_refused_and_the_decoder_recovers() {
    for (mode, seed) in MODES.into_iter().flat_map(|mode| SEEDS.map(move |seed| (mode, seed))) {
        println!("{mode:?}, seed {seed}");
        let mut random = Random(seed);
        let mut decoder = Decoder::new(mode);
        let mut out = vec![0; mode.frame_samples()];
        let mut decoded = 0;
        for _ in 0..200 {
            let mut frame: Vec<u8> = (0..mode.frame_bytes()).map(|_| random.byte()).collect();
            match random.byte() {
                0..16 => decoder.conceal(&mut out),
                16..32 => frame.truncate(usize::from(random.byte()) % mode.frame_bytes()),
                32..48 => frame.fill(random.byte()),
                48..64 => *frame.last_mut().expect("38 or 50 bytes") |= 1,
                _ => *frame.last_mut().expect("38 or 50 bytes") &= 0xfe,
            }
            decoded += usize::from(decoder.decode(&frame, &mut out).is_ok());
        }
        assert!(decoded > 80, "{decoded}");

        let frames = encoded_sweep(mode);
        let mut fresh = Decoder::new(mode);
        let (mut expected, mut difference, mut power) = (out.clone(), 0.0, 0.0);
        for (n, frame) in frames.iter().enumerate() {
            decoder.decode(frame, &mut out).expect("a frame by an encoder");
            fresh.decode(frame, &mut expected).expect("a frame by an encoder");
            if n >= 10 {
                difference +=
                    out.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
                power += expected.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
            }
        }
        assert!(power > 0.0 && difference < 1e-3 * power, "{mode:?}, seed {seed}: {difference} of {power}");
    }
}

#[test]
fn any_samples_encode_to_frames_that_decode() {
    for (mode, seed) in MODES.into_iter().flat_map(|mode| SEEDS.map(move |seed| (mode, seed))) {
        println!("{mode:?}, seed {seed}");
        let mut random = Random(seed);
        let (mut encoder, mut decoder) = (Encoder::new(mode), Decoder::new(mode));
        let (mut samples, mut frame) = (vec![0; mode.frame_samples()], vec![0; mode.frame_bytes()]);
        for n in 0..60 {
            let extreme = |random: &mut Random| if random.byte() < 128 { i16::MIN } else { i16::MAX };
            match random.byte() {
                0..64 => samples.fill(extreme(&mut random)),
                64..128 => samples.fill_with(|| extreme(&mut random)),
                128..192 => samples.fill_with(|| i16::from_ne_bytes([random.byte(), random.byte()])),
                _ => samples.fill(0),
            }
            encoder.encode(&samples, &mut frame);
            assert_eq!(decoder.decode(&frame, &mut samples), Ok(()), "frame {n}");
        }
    }
}

#[test]
fn a_frame_that_is_empty_or_of_another_mode_is_refused_and_changes_nothing() {
    for mode in MODES {
        let frames = encoded_sweep(mode);
        let (mut decoder, mut untouched) = (Decoder::new(mode), Decoder::new(mode));
        let (mut out, mut expected) = (vec![0; mode.frame_samples()], vec![0; mode.frame_samples()]);
        for frame in &frames {
            let mut empty = frame.clone();
            *empty.last_mut().expect("38 or 50 bytes") |= 1;
            assert_eq!(decoder.decode(&empty, &mut out), Err(BadFrame::Empty));
            assert_eq!(decoder.decode(&frame[1..], &mut out), Err(BadFrame::Length(mode.frame_bytes() - 1)));
            let start = match mode {
                Mode::Ms20 => 20,
                Mode::Ms30 => 40,
            };
            let mut nowhere = frame.clone();
            for bit in start..start + if mode == Mode::Ms20 { 2 } else { 3 } {
                nowhere[bit / 8] &= !(0x80 >> (bit % 8));
            }
            assert_eq!(decoder.decode(&nowhere, &mut out), Err(BadFrame::StartState));
            assert_eq!(out, expected, "a refused frame has written");
            decoder.decode(frame, &mut out).expect("a frame by an encoder");
            untouched.decode(frame, &mut expected).expect("a frame by an encoder");
            assert_eq!(out, expected);
        }
    }
}

#[test]
fn silence_stays_silent() {
    for mode in MODES {
        let (mut encoder, mut decoder) = (Encoder::new(mode), Decoder::new(mode));
        let (mut out, mut frame) = (vec![0; mode.frame_samples()], vec![0; mode.frame_bytes()]);
        for _ in 0..50 {
            encoder.encode(&vec![0; mode.frame_samples()], &mut frame);
            decoder.decode(&frame, &mut out).expect("a frame by an encoder");
            assert!(out.iter().all(|sample| sample.abs() < 40), "{mode:?}: {out:?}");
        }
    }
}

/// A second of a tone that rises from 200 to 1000 Hz.
fn encoded_sweep(mode: Mode) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(mode);
    let mut phase = 0.0;
    let mut samples = (0..8000).map(|n| {
        phase += std::f64::consts::TAU * (200.0 + 0.1 * f64::from(n)) / 8000.0;
        (8000.0 * phase.sin()) as i16
    });
    (0..8000 / mode.frame_samples())
        .map(|_| {
            let mut frame = vec![0; mode.frame_bytes()];
            encoder.encode(&samples.by_ref().take(mode.frame_samples()).collect::<Vec<_>>(), &mut frame);
            frame
        })
        .collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 56) as u8
    }
}

//! Held against WebRTC's fixed-point iLBC, by what it made of the same speech (`tests/vectors/ilbc`).

use std::f64::consts::TAU;

use ilbc::{Decoder, Encoder, Mode};

struct Reference {
    mode: Mode,
    frames: &'static [u8],
    decoded: &'static [u8],
}

const SPEECH: &[u8] = include_bytes!("../../../tests/vectors/ilbc/speech.s16le");

const REFERENCES: [Reference; 2] = [
    Reference {
        mode: Mode::Ms20,
        frames: include_bytes!("../../../tests/vectors/ilbc/webrtc-20ms.frames"),
        decoded: include_bytes!("../../../tests/vectors/ilbc/webrtc-20ms.s16le"),
    },
    Reference {
        mode: Mode::Ms30,
        frames: include_bytes!("../../../tests/vectors/ilbc/webrtc-30ms.frames"),
        decoded: include_bytes!("../../../tests/vectors/ilbc/webrtc-30ms.s16le"),
    },
];

#[test]
fn their_frames_decode_to_their_speech() {
    for Reference { mode, frames, decoded } in REFERENCES {
        let ratio = signal_to_noise(&pcm(decoded), &decode(mode, frames, Loss::None));
        assert!(ratio >= 28.0, "{mode:?}: {ratio:.1} dB");
    }
}

#[test]
fn speech_keeps_as_much_of_itself_as_through_their_codec() {
    let speech = pcm(SPEECH);
    for Reference { mode, frames, decoded } in REFERENCES {
        let (theirs, of_theirs) = (pcm(decoded), decode(mode, frames, Loss::None));
        let ours = decode(mode, &encode(mode, &speech), Loss::None);
        for (name, original) in [("as it was", speech.clone()), ("high-passed", high_passed(&speech))] {
            let kept = |decoded: &[i16]| segmental(mode, &original, decoded);
            let (theirs, of_theirs, ours) = (kept(&theirs), kept(&of_theirs), kept(&ours));
            assert!((of_theirs - theirs).abs() <= 0.5, "{mode:?} {name}: {of_theirs:.2} instead of {theirs:.2} dB");
            assert!((ours - theirs).abs() <= 0.5, "{mode:?} {name}: {ours:.2} instead of {theirs:.2} dB");
        }
    }
}

/// The figures are of WebRTC's encoder and decoder with the same tones.
#[test]
fn tones_keep_as_much_of_themselves_as_through_their_codec() {
    let cases = [(Mode::Ms20, &[440.0][..], 5.28), (Mode::Ms30, &[440.0], 5.56)];
    let dial_tone = [(Mode::Ms20, &[350.0, 440.0][..], 5.48), (Mode::Ms30, &[350.0, 440.0], 5.08)];
    for (mode, frequencies, theirs) in cases.into_iter().chain(dial_tone) {
        let tone = tone(frequencies);
        let ours = segmental(mode, &tone, &decode(mode, &encode(mode, &tone), Loss::None));
        assert!(ours >= theirs - 0.5, "{mode:?} {frequencies:?}: {ours:.2} instead of {theirs:.2} dB");
    }
}

/// The figures are of WebRTC's decoder with the same losses.
#[test]
fn losses_cost_no_more_than_through_their_codec() {
    for (Reference { mode, frames, .. }, theirs) in REFERENCES.into_iter().zip([8.88, 8.26]) {
        let original = high_passed(&pcm(SPEECH));
        let kept = segmental(mode, &original, &decode(mode, frames, Loss::EverySeventh));
        let unharmed = segmental(mode, &original, &decode(mode, frames, Loss::None));
        assert!(kept >= theirs - 0.5, "{mode:?}: {kept:.2} instead of {theirs:.2} dB");
        assert!(kept < unharmed - 0.5, "{mode:?}: {kept:.2} dB with losses, {unharmed:.2} dB without");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Loss {
    None,
    EverySeventh,
}

fn encode(mode: Mode, samples: &[i16]) -> Vec<u8> {
    let mut encoder = Encoder::new(mode);
    let mut frames = Vec::new();
    for samples in samples.chunks_exact(mode.frame_samples()) {
        let mut frame = vec![0; mode.frame_bytes()];
        encoder.encode(samples, &mut frame);
        frames.extend(frame);
    }
    frames
}

fn decode(mode: Mode, frames: &[u8], loss: Loss) -> Vec<i16> {
    let mut decoder = Decoder::new(mode);
    let mut decoded = Vec::new();
    for (n, frame) in frames.chunks_exact(mode.frame_bytes()).enumerate() {
        let mut samples = vec![0; mode.frame_samples()];
        if loss == Loss::EverySeventh && n % 7 == 6 {
            decoder.conceal(&mut samples);
        } else {
            decoder.decode(frame, &mut samples).expect("a frame by an encoder");
        }
        decoded.extend(samples);
    }
    decoded
}

/// Mean of the ratios in dB of all segments of 20 ms that are louder than an rms of 100, each from -10 to 35.
fn segmental(mode: Mode, original: &[i16], decoded: &[i16]) -> f64 {
    let delay = match mode {
        Mode::Ms20 => 40,
        Mode::Ms30 => 80,
    };
    let segments = original.chunks_exact(160).zip(decoded[delay..].chunks_exact(160));
    let loud =
        segments.filter(|(original, _)| original.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() > 160.0 * 1e4);
    let ratios: Vec<f64> = loud.map(|(a, b)| signal_to_noise(a, b).clamp(-10.0, 35.0)).collect();
    assert!(ratios.len() > 20, "{} loud segments", ratios.len());
    ratios.iter().sum::<f64>() / ratios.len() as f64
}

/// In dB.
fn signal_to_noise(signal: &[i16], other: &[i16]) -> f64 {
    assert_eq!(signal.len(), other.len());
    let power: f64 = signal.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let noise: f64 = signal.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (power / noise.max(1e-9)).log10()
}

/// Through the high-passes of the encoder and the decoder (RFC 3951 §3.1, §4.8): their phase, which no coding adds,
/// outweighs at low frequencies everything that coding does.
fn high_passed(samples: &[i16]) -> Vec<i16> {
    let sections = [
        ([0.927_274_36, -1.854_494_1, 0.927_274_36], [-1.905_946_5, 0.911_402_4]),
        ([0.939_805_81, -1.879_583_4, 0.939_805_81], [-1.933_073_5, 0.935_891_99]),
    ];
    let mut signal: Vec<f64> = samples.iter().map(|sample| f64::from(*sample)).collect();
    for (zeros, poles) in sections {
        let (mut inputs, mut outputs) = ([0.0; 2], [0.0; 2]);
        for sample in &mut signal {
            let output = zeros[0] * *sample + zeros[1] * inputs[0] + zeros[2] * inputs[1]
                - poles[0] * outputs[0]
                - poles[1] * outputs[1];
            (inputs, outputs) = ([*sample, inputs[0]], [output, outputs[0]]);
            *sample = output;
        }
    }
    signal.iter().map(|sample| sample.round() as i16).collect()
}

/// Two seconds, peaking at 8000 for one frequency and 5000 for each of several.
fn tone(frequencies: &[f64]) -> Vec<i16> {
    let amplitude = if frequencies.len() == 1 { 8000.0 } else { 5000.0 };
    let at = |n: u32| -> f64 { frequencies.iter().map(|f| amplitude * (TAU * f * f64::from(n) / 8000.0).sin()).sum() };
    (0..16_000).map(|n| at(n) as i16).collect()
}

fn pcm(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()
}

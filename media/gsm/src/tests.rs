//! Held against libgsm, whose answers were stored once: `tests/vectors/gsm/oracle.c` says how.

use std::fmt::Debug;

use sha2::{Digest, Sha256};

use crate::arithmetic::peak;
use crate::vectors::{Random, SCENES, Scene};
use crate::{BadFrame, Decoder, Encoder, FRAME_BYTES, FRAME_SAMPLES};

/// SHA-256 of libgsm's frames for each scene, and of the samples (little-endian) that it makes of these frames.
const HASHES: [(Scene, &str, &str); 8] = [
    (
        Scene::Silence,
        "2716c40766a45fb638b00aa83774c05bb0d7ae5a36b9c228e706f4d9990e0ddc",
        "680660bd4edaa3f4f3701e17d8dde2f3d8236cf7cc4a410dcabd5d40b942649f",
    ),
    (
        Scene::Tones,
        "b9f78dee51c01cb1d68fbe379b4e30798b24191cc3bb0018d5f21824070e417e",
        "dd60bb895bda17d762105d315ea87977edc63825b1237b5eeb9b200ccb86a1f4",
    ),
    (
        Scene::Noise,
        "d009db23a2746e3f239e0f2e4d1347638e23e06a85aaf1d64a4c8001352b9e6a",
        "9a5ff798b0acced8210fb3d1edf53a9a0bb67e0a913ec8c45af18f13f9a16bda",
    ),
    (
        Scene::Speech,
        "158587a93f9b43bfab16aae9293ca010387bf4067a203be1625193208b713dbc",
        "bb2da20954e6ad5c8b3442621235b5148a4846f896984b956ca06f3cc44728bc",
    ),
    (
        Scene::FullScale,
        "0990181f6406240bae90a008e184e0df7b2958be38dc1006dad89b502ac6d4b3",
        "b74fc3bbb25778c30513334daad8dff89d33fdc4c976733272d5f56ab9684c75",
    ),
    (
        Scene::Steps,
        "19fc5d572596e9e3e19e9a6dff471aff037a2ecbd9b8478b1495e9d92a4dd583",
        "a2e59a1e56ba53062cb5ae0102b1569042c474f15ca0c2c299375f151d1f823c",
    ),
    (
        Scene::Faint,
        "8127b13555495737d34bd219af067e337b2c3c4f5b1a8bb3dedd91277bf07c6e",
        "409035c150986a73cb6fb1442833c079e80c19b4e28e39bfc2e95b1c7402e4ba",
    ),
    (
        Scene::Swing,
        "7c3be071a6ecbf023232c4ada0594326e99ccbbcc57c5c5ea0c716745e54f17d",
        "74fa7f1fd5b2f4d9e3b840fd296d02986a57a5a6d6dd3beaf9eca34300762442",
    ),
];

/// SHA-256 of the samples that libgsm makes of [`any_frames`].
const ANY_FRAMES_HASH: &str = "cbd1cda291301b8f6a6a51b6ea3f4ffcd21116bf3242d63b5eb1a0045fa82b37";

/// The first half second of [`Scene::Speech`], to see where a difference begins.
const SPEECH_FRAMES: &[u8] = include_bytes!("../../../tests/vectors/gsm/speech-frames.dat");
const SPEECH_SAMPLES: &[u8] = include_bytes!("../../../tests/vectors/gsm/speech-samples.dat");

#[test]
fn frames_are_libgsms_bit_for_bit() {
    for ((scene, count), (named, frames, _)) in SCENES.into_iter().zip(HASHES) {
        assert_eq!(scene, named);
        assert_eq!(hash(encoded(scene, count).as_flattened()), frames, "{scene:?}");
    }
}

#[test]
fn samples_are_libgsms_bit_for_bit() {
    for ((scene, count), (_, _, samples)) in SCENES.into_iter().zip(HASHES) {
        assert_eq!(hash(&decoded(&encoded(scene, count))), samples, "{scene:?}");
    }
    assert_eq!(hash(&decoded(&any_frames())), ANY_FRAMES_HASH);
}

#[test]
fn half_a_second_of_speech_is_libgsms_frame_by_frame() {
    let stored = SPEECH_FRAMES.as_chunks::<FRAME_BYTES>().0;
    let frames = encoded(Scene::Speech, stored.len());
    same("frame", &frames, stored);
    same("samples of frame", decoded(&frames).as_chunks::<320>().0, SPEECH_SAMPLES.as_chunks().0);
}

#[test]
fn no_frame_makes_the_decoder_panic() {
    let mut random = Random::new();
    let mut decoder = Decoder::default();
    for _ in 0..5000 {
        let mut frame = random.frame();
        match random.next() % 16 {
            0 => frame[0] = random.next() as u8,
            1 => frame[1..].fill(random.next() as u8),
            2 => drop(decoder.conceal()),
            _ => {}
        }
        let signature = frame[0] >> 4;
        assert_eq!(decoder.decode(&frame).err(), (signature != 0xd).then_some(BadFrame { signature }));
    }
}

#[test]
fn no_sound_makes_the_encoder_panic() {
    let mut random = Random::new();
    let mut encoder = Encoder::default();
    for (scene, _) in SCENES {
        for samples in scene.frames_by(&mut random, 200) {
            assert_eq!(encoder.encode(&samples)[0] >> 4, 0xd);
        }
    }
}

#[test]
fn a_frame_with_another_signature_changes_nothing() {
    let frames = encoded(Scene::Speech, 60);
    let (mut disturbed, mut undisturbed) = (Decoder::default(), Decoder::default());
    for frame in &frames {
        let mut foreign = *frame;
        foreign[0] ^= 0x10;
        assert_eq!(disturbed.decode(&foreign), Err(BadFrame { signature: 0xc }));
        assert_eq!(disturbed.decode(frame), undisturbed.decode(frame));
    }
}

#[test]
fn the_first_lost_frame_is_the_last_one_again() {
    let frames = encoded(Scene::Speech, 60);
    for lost in [5, 17, 42] {
        let (mut decoder, mut repeated) = (Decoder::default(), Decoder::default());
        for frame in &frames[..=lost] {
            assert_eq!(decoder.decode(frame), repeated.decode(frame));
        }
        assert_eq!(Ok(decoder.conceal()), repeated.decode(&frames[lost]));
    }
}

#[test]
fn lost_frames_fade_to_silence_within_320_ms() {
    for (scene, count) in SCENES {
        let loudness = loudness_of_losses_after(&encoded(scene, count));
        assert!(loudness[8] < 8192, "{scene:?}: {loudness:?}");
        assert!(loudness[16..].iter().all(|loudest| *loudest <= SILENT), "{scene:?}: {loudness:?}");
    }
}

#[test]
fn silence_comes_within_320_ms_after_any_frames() {
    let mut random = Random::new();
    for _ in 0..200 {
        let frames = [(); 10].map(|()| random.frame());
        let loudness = loudness_of_losses_after(&frames);
        assert!(loudness[16..].iter().all(|loudest| *loudest <= SILENT), "{loudness:?}");
    }
}

#[test]
fn before_the_first_frame_there_is_silence() {
    let loudness = loudness_of_losses_after(&[]);
    assert!(loudness.iter().all(|loudest| *loudest <= SILENT), "{loudness:?}");
}

#[test]
#[ignore = "makes vectors anew; tests/vectors/gsm/oracle.c says how"]
fn write_what_libgsm_is_given() {
    let directory = std::env::var("GSM_VECTORS").expect("GSM_VECTORS names a directory");
    let write = |name: String, bytes: &[u8]| std::fs::write(format!("{directory}/{name}"), bytes).unwrap();
    for (scene, count) in SCENES {
        write(format!("{scene:?}.pcm"), &bytes(scene.frames(count).as_flattened()));
    }
    write("Any.gsm".into(), any_frames().as_flattened());
}

/// The peak of the specification's silence frame, three of the decoder's steps: −62 dB of full scale.
const SILENT: i16 = 24;

fn any_frames() -> Vec<[u8; FRAME_BYTES]> {
    let mut random = Random::seeded(610);
    (0..500).map(|_| random.frame()).collect()
}

fn encoded(scene: Scene, count: usize) -> Vec<[u8; FRAME_BYTES]> {
    let mut encoder = Encoder::default();
    scene.frames(count).iter().map(|samples| encoder.encode(samples)).collect()
}

fn decoded(frames: &[[u8; FRAME_BYTES]]) -> Vec<u8> {
    let mut decoder = Decoder::default();
    frames.iter().flat_map(|frame| bytes(&decoder.decode(frame).unwrap())).collect()
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The peaks of two seconds in which every frame is lost.
fn loudness_of_losses_after(frames: &[[u8; FRAME_BYTES]]) -> [i16; 100] {
    let mut decoder = Decoder::default();
    for frame in frames {
        decoder.decode(frame).unwrap();
    }
    [(); 100].map(|()| peak(&decoder.conceal()))
}

fn same<T: PartialEq + Debug>(what: &str, ours: &[T], stored: &[T]) {
    assert_eq!(ours.len(), stored.len());
    for (index, (ours, stored)) in ours.iter().zip(stored).enumerate() {
        assert_eq!(ours, stored, "{what} {index}");
    }
}

#[test]
fn a_tone_is_heard_through_40_ms_of_loss_and_as_loud_as_before_100_ms_after_more() {
    for hertz in [440.0, 700.0, 1000.0] {
        for lost in 1..10 {
            let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
            for frame in 0..60 {
                let angle = |at: usize| (frame * FRAME_SAMPLES + at) as f64 * hertz * std::f64::consts::TAU / 8000.0;
                let said: [i16; FRAME_SAMPLES] = std::array::from_fn(|at| (7500.0 * angle(at).sin()) as i16);
                let coded = encoder.encode(&said);
                let heard = match (20..20 + lost).contains(&frame) {
                    true => decoder.conceal(),
                    false => decoder.decode(&coded).unwrap(),
                };
                let energy = |samples: &[i16]| samples.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>();
                let softer = energy(&heard) / energy(&said);
                assert!(
                    !(20..22).contains(&frame) || softer > 0.003,
                    "{hertz} Hz, {lost} lost: {softer} of it in {frame}"
                );
                assert!(frame < 25 + lost || softer > 0.6, "{hertz} Hz after {lost}: {softer} of it in {frame}");
            }
        }
    }
}

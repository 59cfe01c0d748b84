//! What ITU-T Q.24 and ETSI ES 201 235-3 ask of a receiver, on tones, noise and sounds like speech.

mod sound;

use std::time::Duration;

use self::sound::{Random, Tones, heard, keys, speech};
use super::{Detector, Heard, KEYS, Sounder};
use crate::{Law, Resampler, level};

/// Each key as these tones, so often, after random silence; how many were heard, each once and as itself.
fn share(random: &mut Random, tones: Tones, times: usize, change: impl Fn(&mut Random, &mut Vec<i16>)) -> f64 {
    let mut right = 0;
    for time in 0..times {
        let key = KEYS[time % 16];
        let mut samples = tones.alone(random, key);
        change(random, &mut samples);
        right += usize::from(keys(&heard(random, tones.rate, &samples)) == char::from(key).to_string());
    }
    right as f64 / times as f64
}

fn unchanged(_: &mut Random, _: &mut Vec<i16>) {}

const BOTH: [u32; 2] = [8000, 16_000];

#[test]
fn tones_of_40_ms_are_heard_and_of_23_ms_not() {
    let random = &mut Random::new();
    for rate in BOTH {
        for (milliseconds, expected) in [(18.0, 0.0), (20.0, 0.0), (23.0, 0.0), (40.0, 1.0), (50.0, 1.0), (100.0, 1.0)]
        {
            let tones = Tones { milliseconds, ..Tones::new(rate) };
            assert_eq!(share(random, tones, 160, unchanged), expected, "{milliseconds} ms at {rate}");
        }
    }
}

#[test]
fn frequencies_within_1_5_percent_are_heard_and_beyond_3_5_percent_not() {
    let random = &mut Random::new();
    for rate in BOTH {
        for (off, expected) in [(0.985, 1.0), (1.015, 1.0), (0.965, 0.0), (1.035, 0.0), (0.95, 0.0), (1.05, 0.0)] {
            for detuned in [[off, off], [off, 1.0], [1.0, off]] {
                let tones = Tones { detuned, milliseconds: 60.0, ..Tones::new(rate) };
                assert_eq!(share(random, tones, 48, unchanged), expected, "{detuned:?} at {rate}");
            }
        }
    }
}

#[test]
fn levels_and_twists_of_telephones_are_heard() {
    let random = &mut Random::new();
    for rate in BOTH {
        for (dbm0, expected) in [
            ([-3.0, -3.0], 1.0),
            ([-27.0, -27.0], 1.0),
            ([-36.0, -36.0], 0.0),
            ([-10.0, -36.0], 0.0),
            ([-10.0, -18.0], 1.0),
            ([-16.0, -10.0], 1.0),
            ([-10.0, -25.0], 0.0),
            ([-25.0, -10.0], 0.0),
        ] {
            let tones = Tones { dbm0, milliseconds: 40.0, ..Tones::new(rate) };
            assert_eq!(share(random, tones, 160, unchanged), expected, "{dbm0:?} at {rate}");
        }
    }
}

#[test]
fn white_noise_15_db_below_hides_no_key() {
    let random = &mut Random::new();
    for rate in BOTH {
        for tones in [
            Tones { milliseconds: 40.0, ..Tones::new(rate) },
            Tones { milliseconds: 40.0, dbm0: [-27.0, -27.0], ..Tones::new(rate) },
            Tones { milliseconds: 40.0, dbm0: [-10.0, -18.0], ..Tones::new(rate) },
            Tones { milliseconds: 40.0, dbm0: [-14.0, -10.0], ..Tones::new(rate) },
            Tones { milliseconds: 60.0, detuned: [1.015, 0.985], ..Tones::new(rate) },
        ] {
            let noisy = |random: &mut Random, samples: &mut Vec<i16>| random.add_noise(samples, tones.level() - 15.0);
            // Noise is chance: 99 % of the shortest keys are asked for, and found to be some 99.9 %.
            assert!(share(random, tones, 320, noisy) > 0.99, "{tones:?}");
        }
    }
}

#[test]
fn g711_leaves_every_key_as_it_is() {
    let random = &mut Random::new();
    for law in [Law::Mu, Law::A] {
        for dbm0 in [[-3.0, -3.0], [-10.0, -10.0], [-27.0, -27.0], [-10.0, -18.0]] {
            let coded = |_: &mut Random, samples: &mut Vec<i16>| {
                samples.iter_mut().for_each(|sample| *sample = law.decode(law.encode(*sample)));
            };
            let tones = Tones { dbm0, milliseconds: 40.0, detuned: [0.99, 1.01], ..Tones::new(8000) };
            assert_eq!(share(random, tones, 160, coded), 1.0, "{law:?} {dbm0:?}");
        }
    }
}

/// One packet of 20 ms is lost, and replaced by silence, by the one before it, or by that one more quietly.
#[test]
fn a_lost_packet_within_a_key_neither_doubles_nor_hides_it() {
    let random = &mut Random::new();
    for rate in BOTH {
        let packet = rate as usize / 50;
        for gain in [0.0, 0.5, 1.0] {
            let concealed = |random: &mut Random, samples: &mut Vec<i16>| {
                let first = samples.iter().position(|sample| *sample != 0).unwrap_or(0) / packet;
                let lost = (first.max(1) + random.below(6) as usize) * packet;
                for place in lost..lost + packet {
                    samples[place] = (f64::from(samples[place - packet]) * gain) as i16;
                }
            };
            let tones = Tones { milliseconds: 100.0, ..Tones::new(rate) };
            assert_eq!(share(random, tones, 192, concealed), 1.0, "gain {gain} at {rate}");
        }
    }
}

#[test]
fn interruptions_of_10_ms_end_no_key_and_pauses_of_40_ms_each_key() {
    let random = &mut Random::new();
    for rate in BOTH {
        let tones = Tones { milliseconds: 100.0, ..Tones::new(rate) };
        let interrupted = |random: &mut Random, samples: &mut Vec<i16>| {
            let first = samples.iter().position(|sample| *sample != 0).unwrap_or(0);
            let at = first + random.below(u64::from(rate) * 90 / 1000) as usize;
            samples[at..at + rate as usize / 100].fill(0);
        };
        assert_eq!(share(random, tones, 192, interrupted), 1.0);
        for noise in [None, Some(-22.0)] {
            for kinds in [1, 16] {
                let shortest = Tones { milliseconds: 40.0, ..tones };
                let first = random.below(16);
                let dialled: Vec<u8> = (0..200).map(|_| KEYS[((first + random.below(kinds)) % 16) as usize]).collect();
                let mut samples = vec![0; rate as usize / 20];
                for key in &dialled {
                    samples.extend(shortest.samples(random, *key));
                    samples.extend(vec![0; rate as usize / 25]);
                }
                if let Some(dbm0) = noise {
                    random.add_noise(&mut samples, dbm0);
                }
                let heard = heard(random, rate, &samples);
                assert_eq!(keys(&heard).as_bytes(), dialled, "{kinds} kinds, noise {noise:?}, at {rate}");
                let released = heard.iter().filter(|heard| matches!(heard, Heard::Released(..))).count();
                assert_eq!(released, dialled.len());
            }
        }
    }
}

#[test]
fn a_release_tells_the_length() {
    let random = &mut Random::new();
    for milliseconds in [40.0, 63.0, 100.0, 250.0, 2000.0] {
        for key in KEYS {
            let tones = Tones { milliseconds, ..Tones::new(8000) };
            let samples = tones.alone(random, key);
            let [Heard::Pressed(pressed), Heard::Released(released, length)] = heard(random, 8000, &samples)[..] else {
                panic!("one key");
            };
            assert_eq!((pressed, released), (char::from(key), char::from(key)));
            assert!((length.as_secs_f64() * 1000.0 - milliseconds).abs() < 5.0, "{length:?} of {milliseconds}");
        }
    }
}

#[test]
fn a_key_is_suspected_before_another_receiver_could_hear_it() {
    let random = &mut Random::new();
    for key in KEYS.repeat(20) {
        let samples = Tones::new(8000).alone(random, key);
        let begins = samples.iter().position(|sample| *sample != 0).unwrap();
        let mut detector = Detector::new(8000).unwrap();
        let mut passed = 0;
        for (place, block) in samples.chunks(40).enumerate() {
            detector.push(block);
            if !detector.is_suspect() {
                let sounding = block.iter().zip(place * 40..).filter(|(sample, at)| **sample != 0 && *at >= begins);
                passed += sounding.count();
            }
        }
        // Behind the first 20 ms nothing passes, also not of the end.
        assert!(passed <= 160, "{passed} samples of {}", char::from(key));
    }
}

/// Ten minutes of voiced sounds, whose harmonics and formants wander through all places where a key's tones lie.
#[test]
fn speech_is_no_key_and_hides_none() {
    let random = &mut Random::new();
    let (mut detector, mut blocks, mut suspected) = (Detector::new(8000).unwrap(), 0, 0);
    for minute in 0..10 {
        let sound = speech(random, 8000, 60);
        assert!(level(&sound) > -25.0, "there is something to hear: {}", level(&sound));
        for block in sound.chunks(160) {
            assert_eq!(detector.push(block), [], "minute {minute}");
            blocks += 1;
            suspected += u32::from(detector.is_suspect());
        }
    }
    assert!(suspected * 200 < blocks, "{suspected} of {blocks} blocks would be muted");
    let mut samples = speech(random, 8000, 2);
    samples.extend(Tones::new(8000).alone(random, b'7'));
    samples.extend(speech(random, 8000, 2));
    assert_eq!(keys(&heard(random, 8000, &samples)), "7");
}

#[test]
fn there_are_detectors_for_8_and_16_khz() {
    assert_eq!([8000, 16_000].map(|rate| Detector::new(rate).is_some()), [true; 2]);
    assert_eq!([0, 44_100, 48_000].map(|rate| Detector::new(rate).is_some()), [false; 3]);
}

/// The sounder's keys, block by block, until it says that all is over; blocks begin as this sample.
fn sounded(sounder: &mut Sounder, block: usize, before: i16) -> Vec<i16> {
    let mut samples = Vec::new();
    loop {
        let mut block = vec![before; block];
        let goes_on = sounder.fill(&mut block);
        samples.extend(block);
        if !goes_on {
            return samples;
        }
    }
}

#[test]
fn what_is_sounded_is_heard_in_its_length() {
    let random = &mut Random::new();
    for (rate, block) in [(8000, 160), (16_000, 320), (48_000, 480), (8000, 7)] {
        let mut sounder = Sounder::new(rate);
        for (key, milliseconds) in [('1', 40), ('1', 100), ('d', 63), ('#', 1)] {
            assert!(sounder.strike(key, Duration::from_millis(milliseconds)));
        }
        assert!(!sounder.strike('x', Duration::from_millis(100)));
        let mut samples = sounded(&mut sounder, block, 0);
        let rate = if rate == 48_000 {
            let mut narrow = Vec::new();
            let mut resampler = Resampler::new(48_000, 8000);
            resampler.push(&samples, &mut narrow);
            resampler.finish(&mut narrow);
            samples = narrow;
            8000
        } else {
            rate
        };
        samples.extend(vec![0; rate as usize / 20]);
        let heard = heard(random, rate, &samples);
        let released: Vec<_> = { heard.iter() }
            .filter_map(|heard| match heard {
                Heard::Released(key, length) => Some((*key, length.as_millis())),
                Heard::Pressed(_) => None,
            })
            .collect();
        let expected = [('1', 40), ('1', 100), ('D', 63), ('#', 40)];
        assert_eq!(released.len(), expected.len());
        for ((key, length), (expected, milliseconds)) in released.into_iter().zip(expected) {
            assert!(key == expected && length.abs_diff(milliseconds) <= 5, "{key} {length} {milliseconds} at {rate}");
        }
        assert_eq!(keys(&heard), "11D#");
    }
}

#[test]
fn a_held_key_sounds_until_it_is_released() {
    let mut sounder = Sounder::new(8000);
    assert!(sounder.press('5'));
    let mut samples = vec![0; 8000];
    assert!(sounder.fill(&mut samples));
    sounder.release(Duration::from_millis(1100));
    assert!(sounder.press('6'), "a key that waits");
    sounder.release(Duration::from_millis(50));
    samples.extend(sounded(&mut sounder, 160, 0));
    let heard = heard(&mut Random::new(), 8000, &samples);
    let [_, Heard::Released('5', five), _, Heard::Released('6', six)] = heard[..] else { panic!("{heard:?}") };
    assert!(five.as_millis().abs_diff(1100) <= 5 && six.as_millis().abs_diff(50) <= 5, "{heard:?}");
    assert!(!sounder.is_busy());
}

#[test]
fn a_key_replaces_sound_has_no_click_and_leaves_what_follows() {
    let mut sounder = Sounder::new(8000);
    assert!(sounder.strike('9', Duration::from_millis(50)));
    let samples = sounded(&mut sounder, 160, 1234);
    // 50 ms and an edge of 3 ms, 40 ms of silence, and what is left of the fifth block.
    let end = 53 * 8 + 40 * 8;
    assert_eq!(samples.len(), 800);
    assert!(samples[53 * 8..end].iter().all(|sample| *sample == 0));
    assert!(samples[end..].iter().all(|sample| *sample == 1234), "{:?}", &samples[end..]);
    assert!(samples[..4].iter().chain(&samples[53 * 8 - 4..53 * 8]).all(|sample| sample.abs() < 1500));
    assert!((level(&samples[80..320]) + 6.0).abs() < 0.5, "two tones of -9 dBm0: {}", level(&samples[80..320]));
}

#[test]
fn too_many_keys_are_refused() {
    let mut sounder = Sounder::new(8000);
    let taken = (0..100).filter(|_| sounder.strike('1', Duration::from_secs(1))).count();
    assert_eq!(taken, Sounder::MOST);
}

//! Sound made shorter or longer by whole periods, which leaves its pitch as it is.

use super::pitch::{align, strength};
use super::sound::{Sound, Way, cross_fade};

/// Takes out up to so many samples of what is to be played, where the sound repeats itself at least so exactly (0 to 1); returns how
/// many.
pub fn shorten(sound: &mut Sound, most: usize, likeness: f32) -> usize {
    let rate = sound.rate();
    let (least, window) = (shortest(rate), window(rate));
    let (samples, at) = sound.parts();
    let Some(room) = (samples.len() - at).checked_sub(window) else { return 0 };
    let most = most.min(room).min(longest(rate));
    if most < least {
        return 0;
    }
    let period = if is_quiet(&samples[at..at + most + window]) {
        most
    } else {
        let (period, found) = align(&samples[at..at + window], &samples[at..], least..=most, rate);
        if found < likeness {
            return 0;
        }
        period
    };
    let (head, tail) = samples.split_at_mut(at + period);
    let overlap = window.min(period);
    // Fade over, then drop what the fade has led past.
    cross_fade(&mut head[at..at + overlap], &tail[..overlap], Way::Into);
    samples.drain(at + overlap..at + overlap + period);
    period
}

/// Puts in up to so many samples before what is to be played, where the sound repeats itself at least so exactly (0 to 1); returns
/// how many.
pub fn lengthen(sound: &mut Sound, most: usize, likeness: f32) -> usize {
    let rate = sound.rate();
    let (least, window) = (shortest(rate), window(rate));
    let (samples, at) = sound.parts();
    let most = most.clamp(least, longest(rate));
    if samples.len() - at < window {
        return 0;
    }
    let before = at - most;
    let period = if is_quiet(&samples[before..at + window]) {
        most
    } else {
        let (template, within) = (&samples[at..at + window], &samples[before..at + window]);
        let (offset, found) = align(template, within, 0..=most - least, rate);
        if found < likeness {
            return 0;
        }
        most - offset
    };
    let end = samples.len();
    samples.resize(end + period, 0);
    samples.copy_within(at..end, at + period);
    // Where there was the sound itself, there is now what follows the period before it, which leads back to it.
    let (head, tail) = samples.split_at_mut(at);
    let overlap = window.min(period);
    let again = &head[at - period..];
    tail[overlap..period].copy_from_slice(&again[overlap..]);
    let (fresh, rest) = tail.split_at_mut(period);
    // The first samples of the sound lie behind the gap now; shorter periods than the window fade over less.
    fresh[..overlap].copy_from_slice(&rest[..overlap]);
    cross_fade(&mut fresh[..overlap], &again[..overlap], Way::Into);
    period
}

/// What is hardly heard may be stretched anywhere.
fn is_quiet(samples: &[i16]) -> bool {
    strength(samples) < QUIET
}

/// A period of 400 Hz; of what is higher, several make one.
fn shortest(rate: u32) -> usize {
    rate as usize / 400
}

/// A period of 67 Hz.
fn longest(rate: u32) -> usize {
    rate as usize * 3 / 200
}

fn window(rate: u32) -> usize {
    rate as usize / 200
}

/// -44 dBm0.
const QUIET: f32 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Phase, Signal, Tone, goertzel, level};

    fn tone(rate: u32, dbm0: f32) -> Sound {
        let mut sound = Sound::new(rate);
        let cadence = [Phase { tone: Some(Tone::new(440.0, dbm0)), milliseconds: 1000 }];
        sound.parts().0.extend(Signal::new(&cadence, rate).take(rate as usize));
        sound
    }

    #[test]
    fn a_tone_stays_a_tone() {
        for rate in [8000, 16_000, 48_000] {
            for way in [shorten, lengthen] {
                let mut sound = tone(rate, -10.0);
                let (mut heard, mut changed) = (Vec::new(), 0);
                heard.extend_from_slice(sound.play(rate as usize / 10));
                for _ in 0..20 {
                    changed += way(&mut sound, rate as usize / 80, 0.9);
                    heard.extend_from_slice(sound.play(rate as usize / 50));
                }
                assert!(changed > rate as usize / 20, "{rate}: {changed}");
                let (all, at) = (level(&heard), goertzel(&heard, rate, 440.0));
                assert!((all + 10.0).abs() < 0.2 && at > all - 0.5, "{rate}: {at} of {all}");
            }
        }
    }

    #[test]
    fn lengths_are_what_is_returned() {
        let mut sound = tone(8000, -10.0);
        sound.play(400);
        let before = sound.ready();
        let (less, more) = (shorten(&mut sound, 100, 0.9), lengthen(&mut sound, 100, 0.9));
        assert!(less > 0 && more > 0);
        assert_eq!(sound.ready(), before - less + more);
    }

    #[test]
    fn noise_is_left_alone_and_silence_gives_all_that_is_asked_for() {
        let mut sound = Sound::new(8000);
        let mut random = 1_u32;
        sound.parts().0.extend((0..800).map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 18) as i16 - 8192
        }));
        sound.play(400);
        assert_eq!((shorten(&mut sound, 100, 0.9), lengthen(&mut sound, 100, 0.9)), (0, 0));
        let mut sound = tone(8000, -60.0);
        sound.play(400);
        assert_eq!((shorten(&mut sound, 97, 0.9), lengthen(&mut sound, 97, 0.9)), (97, 97));
    }

    #[test]
    fn too_little_sound_is_left_as_it_is() {
        let mut sound = Sound::new(8000);
        sound.parts().0.extend([1000; 50]);
        assert_eq!(shorten(&mut sound, 100, 0.0), 0);
        sound.play(30);
        assert_eq!(lengthen(&mut sound, 100, 0.0), 0);
    }
}

//! The sound that is there without a file: three notes of a bell, and a pause.

use std::f64::consts::TAU;

use crate::RATE;
use crate::level::peak;

/// About four seconds.
pub(crate) fn samples() -> Vec<i16> {
    let mut sound = vec![0.0; LENGTH as usize];
    for (index, hertz) in NOTES.into_iter().enumerate() {
        let start = index * APART as usize;
        for (place, sample) in sound[start..(start + RINGS as usize).min(LENGTH as usize)].iter_mut().enumerate() {
            *sample += bell(hertz, place as f64 / f64::from(RATE));
        }
    }
    sound.into_iter().map(|sample: f64| sample.round() as i16).collect()
}

/// A note that begins softly and fades, its overtones sooner.
fn bell(hertz: f64, seconds: f64) -> f64 {
    let attack = (seconds / 0.008).min(1.0);
    let partials: [(f64, f64, f64); 3] = [(1.0, 1.0, 2.4), (2.0, 0.35, 4.5), (3.0, 0.12, 7.0)];
    let sum: f64 = partials
        .iter()
        .map(|(multiple, strength, fade)| strength * (-fade * seconds).exp() * (TAU * multiple * hertz * seconds).sin())
        .sum();
    // Out before the cut, so that the end does not click.
    let release = ((f64::from(RINGS) / f64::from(RATE) - seconds) / 0.05).clamp(0.0, 1.0);
    peak(LEVEL) * attack * release * sum
}

/// C, E, G: a major triad upward.
const NOTES: [f64; 3] = [523.25, 659.26, 783.99];
/// Of a note's fundamental at its start, in dBm0.
const LEVEL: f64 = -13.0;
/// From one note to the next, in samples.
const APART: u32 = RATE * 2 / 5;
/// How long a note rings.
const RINGS: u32 = RATE * 8 / 5;
/// The notes, and two seconds of pause to the next round.
const LENGTH: u32 = 2 * APART + RINGS + 2 * RATE;

#[cfg(test)]
mod tests {
    use super::{APART, LENGTH, NOTES, RINGS};
    use crate::{Prompt, RATE, goertzel, level};

    #[test]
    fn the_chime_is_three_notes_and_a_pause_without_clipping() {
        let prompt = Prompt::chime();
        let samples = prompt.samples();
        assert_eq!(samples.len(), LENGTH as usize);
        assert!(samples.iter().all(|sample| sample.unsigned_abs() < 20_000));
        for (index, hertz) in NOTES.into_iter().enumerate() {
            let start = index * APART as usize;
            let note = &samples[start..start + APART as usize];
            assert!(goertzel(note, RATE, hertz) > -20.0, "{hertz} {}", goertzel(note, RATE, hertz));
            if let Some(later) = NOTES.get(index + 1) {
                assert!(goertzel(note, RATE, *later) < -35.0);
            }
        }
        assert_eq!(level(&samples[(2 * APART + RINGS) as usize..]), f64::NEG_INFINITY);
    }
}

//! The music that is there without a file: a few lines of notes, plucked softly, that lead from their end to their begin.

use std::f64::consts::TAU;

use crate::level::peak;

/// Of [`morning`], in Hz.
pub(crate) const MUSIC_RATE: u32 = 16_000;

/// Sixteen bars of four beats, 38.4 s. What rings at the end goes on at the begin, so that it loops without a seam.
pub(crate) fn morning() -> Vec<i16> {
    let length = MELODY.len() * BAR;
    let mut sound = vec![0.0; length];
    for (bar, (melody, chord)) in MELODY.into_iter().zip(CHORDS.into_iter().cycle()).enumerate() {
        let start = bar * BAR;
        let mut at = start;
        for note in melody.split_whitespace() {
            let (name, eighths) = note.split_once('/').unwrap_or((note, "2"));
            let eighths: usize = eighths.parse().unwrap_or(2);
            if let Some(hertz) = pitch(name) {
                pluck(&mut sound, at, hertz, MELODY_LEVEL, 1.6);
            }
            at += eighths * EIGHTH;
        }
        // The chord is broken upward and down again under the melody, on its root.
        let tones: Vec<f64> = chord.split_whitespace().filter_map(pitch).collect();
        for (eighth, place) in [0, 1, 2, 3, 2, 1, 2, 1].into_iter().enumerate() {
            let level = if eighth == 0 { BASS_LEVEL } else { CHORD_LEVEL };
            if let Some(hertz) = tones.get(place) {
                pluck(&mut sound, start + eighth * EIGHTH, *hertz, level, 2.2);
            }
        }
    }
    sound.into_iter().map(|sample: f64| sample.round() as i16).collect()
}

/// Adds a string that is plucked at `start` and fades, its overtones sooner; around the end where it must.
fn pluck(sound: &mut [f64], start: usize, hertz: f64, dbm0: f64, fade: f64) {
    let rate = f64::from(MUSIC_RATE);
    // Each partial is a vector that turns and shrinks from sample to sample.
    let mut partials = STRENGTHS.map(|(multiple, strength)| {
        let shrink = (-fade * multiple / rate).exp();
        let (sine, cosine) = (TAU * multiple * hertz / rate).sin_cos();
        ((0.0, peak(dbm0) * strength), (shrink * sine, shrink * cosine))
    });
    let length = sound.len();
    for place in 0..RINGS {
        let attack = (place as f64 / (0.012 * rate)).min(1.0);
        // Out before the cut, so that the end does not click.
        let release = ((RINGS - place) as f64 / (0.1 * rate)).min(1.0);
        let mut sum = 0.0;
        for ((sine, cosine), (turn_sine, turn_cosine)) in &mut partials {
            sum += *sine;
            (*sine, *cosine) =
                (*sine * *turn_cosine + *cosine * *turn_sine, *cosine * *turn_cosine - *sine * *turn_sine);
        }
        sound[(start + place) % length] += attack * release * sum;
    }
}

/// `C4` is the middle C, `F#4` a half tone above F; `None` for a rest.
fn pitch(name: &str) -> Option<f64> {
    let mut characters = name.chars();
    let step = match characters.next()? {
        'C' => -9,
        'D' => -7,
        'E' => -5,
        'F' => -4,
        'G' => -2,
        'A' => 0,
        'B' => 2,
        _ => return None,
    };
    let rest = characters.as_str();
    let (sharp, octave) = rest.strip_prefix('#').map_or((0, rest), |octave| (1, octave));
    let octave: i32 = octave.parse().ok()?;
    Some(440.0 * 2f64.powf(f64::from(step + sharp + 12 * (octave - 4)) / 12.0))
}

/// A bar a line: notes with their length in eighths, two where none is said; `-` is a rest.
const MELODY: [&str; 16] = [
    "D5/3 E5/1 F#5 A5",
    "E5/4 C#5 A4",
    "D5/3 C#5/1 B4 D5",
    "C#5/6 -/2",
    "B4/3 C#5/1 D5 G5",
    "F#5/4 E5 D5",
    "E5/3 D5/1 B4 G4",
    "A4/6 -/2",
    "F#5/3 E5/1 D5 F#5",
    "A5/4 G5/1 F#5/1 E5",
    "D5/3 E5/1 F#5 B5",
    "A5/4 F#5 C#5",
    "D5/3 B4/1 G4 B4",
    "A4/3 D5/1 F#5 A5",
    "G5/3 F#5/1 E5 D5",
    "E5/4 C#5/2 E5/2",
];
/// Root, third or fifth, and upward: once through in eight bars.
const CHORDS: [&str; 8] = [
    "D3 A3 D4 F#4",
    "A2 E3 A3 C#4",
    "B2 F#3 B3 D4",
    "F#2 C#3 F#3 A3",
    "G2 D3 G3 B3",
    "D3 A3 D4 F#4",
    "G2 D3 G3 B3",
    "A2 E3 A3 C#4",
];
/// A hundred beats a minute, and two eighths a beat.
const EIGHTH: usize = MUSIC_RATE as usize * 3 / 10;
const BAR: usize = 8 * EIGHTH;
/// A string's partials: multiples of its frequency, and how strong each begins.
const STRENGTHS: [(f64, f64); 4] = [(1.0, 1.0), (2.0, 0.4), (3.0, 0.18), (4.0, 0.07)];
/// How long a string rings.
const RINGS: usize = 2 * MUSIC_RATE as usize;
/// Of the fundamental at its start, in dBm0.
const MELODY_LEVEL: f64 = -17.0;
const BASS_LEVEL: f64 = -20.0;
const CHORD_LEVEL: f64 = -24.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BAR, CHORDS, EIGHTH, MELODY, MUSIC_RATE, pitch};
    use crate::{Ends, FRAME, Prompt, goertzel, level};

    #[test]
    fn every_line_fills_its_bar_with_notes_that_there_are() {
        for line in MELODY {
            let eighths = line.split_whitespace().map(|note| {
                let (name, eighths) = note.split_once('/').unwrap_or((note, "2"));
                assert!(name == "-" || pitch(name).is_some(), "{note}");
                eighths.parse::<usize>().unwrap()
            });
            assert_eq!(eighths.sum::<usize>() * EIGHTH, BAR, "{line}");
        }
        assert!(CHORDS.iter().flat_map(|chord| chord.split_whitespace()).all(|name| pitch(name).is_some()));
        assert!((pitch("A4").unwrap() - 440.0).abs() < 1e-9 && (pitch("C4").unwrap() - 261.6256).abs() < 1e-3);
        assert_eq!((pitch("-"), pitch("H4"), pitch("C")), (None, None, None));
    }

    #[test]
    fn the_morning_is_half_a_minute_of_music_without_clipping_or_holes() {
        let prompt = Prompt::builtin("morning").unwrap();
        assert_eq!((prompt.duration(), prompt.ends()), (Duration::from_millis(38_400), Ends::Loop));
        let samples = prompt.at(MUSIC_RATE);
        assert_eq!(samples.len() % (2 * FRAME), 0, "whole packets, or the loop would pause");
        assert!(samples.iter().all(|sample| sample.unsigned_abs() < 26_000));
        for (second, part) in samples.chunks_exact(MUSIC_RATE as usize).enumerate() {
            assert!((-32.0..-8.0).contains(&level(part)), "second {second}: {}", level(part));
        }
        let first = &samples[..2 * EIGHTH];
        assert!(goertzel(first, MUSIC_RATE, pitch("D5").unwrap()) > -26.0);
    }

    #[test]
    fn the_morning_leads_from_its_end_to_its_begin() {
        let samples = Prompt::builtin("morning").unwrap().at(MUSIC_RATE);
        let steps = |samples: &[i16]| {
            samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).unsigned_abs()).max().unwrap()
        };
        let seam = [*samples.last().unwrap(), samples[0]];
        assert!(steps(&seam) <= steps(&samples[samples.len() - BAR..]), "{seam:?}");
        assert!(level(&samples[..160]) > -40.0, "the last chord still rings when the first begins");
    }

    #[test]
    fn there_are_no_other_builtin_sounds() {
        assert!(Prompt::builtin("chime").is_some());
        assert_eq!(Prompt::builtin("evening"), None);
    }
}

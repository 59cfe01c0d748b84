//! Short sounds that tell without words: somebody came, somebody went, you are mute.

use crate::{Phase, Prompt, Signal, Tone};
use std::sync::OnceLock;

/// The cue of this name, made at the first call. `None`: there is none.
pub(crate) fn cue(name: &str) -> Option<Prompt> {
    let (made, (_, notes)) = MADE.iter().zip(CUES).find(|(_, (known, _))| *known == name)?;
    Some(made.get_or_init(|| played(notes)).clone())
}

fn played(notes: Notes) -> Prompt {
    let phases = notes.iter().map(|(hertz, milliseconds)| {
        let tone = (*hertz > 0.0).then(|| Tone::new(*hertz, LEVEL));
        Phase { tone, milliseconds: *milliseconds }
    });
    let phases: Vec<Phase> = phases.collect();
    let length: u32 = notes.iter().map(|(_, milliseconds)| milliseconds * RATE / 1000).sum();
    let mut samples: Vec<i16> = Signal::new(&phases, RATE).take(length as usize).collect();
    let mut start = 0;
    for phase in &phases {
        let end = start + (phase.milliseconds * RATE / 1000) as usize;
        soften(&mut samples[start..end]);
        start = end;
    }
    Prompt::at_rate(samples, RATE, crate::Ends::Silence)
}

/// Edges of 5 ms, so that nothing clicks.
fn soften(note: &mut [i16]) {
    let (edge, length) = ((RATE / 200) as usize, note.len());
    for at in 0..edge.min(length / 2) {
        let gain = at as f32 / edge as f32;
        note[at] = (f32::from(note[at]) * gain) as i16;
        note[length - 1 - at] = (f32::from(note[length - 1 - at]) * gain) as i16;
    }
}

const RATE: u32 = 16_000;
/// In dBm0.
const LEVEL: f32 = -18.0;

/// Notes in Hz, 0 for none, and their milliseconds.
type Notes = &'static [(f32, u32)];

const CUES: [(&str, Notes); 7] = [
    ("joined", &[(440.0, 90), (660.0, 120)]),
    ("left", &[(660.0, 90), (440.0, 120)]),
    ("muted", &[(500.0, 80), (0.0, 60), (350.0, 120)]),
    ("unmuted", &[(350.0, 80), (0.0, 60), (500.0, 120)]),
    ("locked", &[(400.0, 80), (0.0, 50), (400.0, 80)]),
    ("unlocked", &[(600.0, 80), (0.0, 50), (600.0, 80)]),
    ("refused", &[(400.0, 250), (0.0, 150), (300.0, 400)]),
];

static MADE: [OnceLock<Prompt>; CUES.len()] = [const { OnceLock::new() }; CUES.len()];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cue_is_short_and_heard() {
        for (name, _) in CUES {
            let cue = cue(name).unwrap();
            assert!(crate::level(&cue.at(RATE)) > -30.0 && cue.duration().as_millis() < 1000, "{name}");
        }
        assert!(cue("x").is_none());
        assert_eq!(cue("joined"), cue("joined"), "it is made once");
        assert_ne!(cue("joined"), cue("left"));
    }
}

//! Sound to be played: decoded once, brought to each rate and coded for each codec once, shared by all calls.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::{Law, RATE, Signal, Tones, Wav, WavError, chime, music, resample};

/// Samples of a packet of 20 ms.
pub const FRAME: usize = 160;

/// A piece of sound, mono, at the best of [`Prompt::RATES`] that its source was worth. Clones share it, and two are equal
/// if they share it.
#[derive(Clone)]
pub struct Prompt {
    sound: Arc<Sound>,
}

struct Sound {
    /// Index of the rate that `at` was filled with, in [`Prompt::RATES`].
    own: usize,
    ends: Ends,
    at: [OnceLock<Arc<[i16]>>; 3],
    mu: OnceLock<Arc<[u8]>>,
    a: OnceLock<Arc<[u8]>>,
}

/// What lies before the first sample and behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing.
    Silence,
    /// The sound itself: it is played round and round without a seam.
    Loop,
}

impl Prompt {
    /// The rates that a prompt is kept at, in Hz: those of G.711, of wideband codecs and of Opus.
    pub const RATES: [u32; 3] = [RATE, 16_000, 48_000];

    /// From samples at 8 kHz.
    pub fn new(samples: impl Into<Arc<[i16]>>) -> Prompt {
        Prompt::kept(samples.into(), 0, Ends::Silence)
    }

    /// From samples at any rate of at least 1 Hz, kept at the next lower one of [`Prompt::RATES`]; below 8 kHz at 8 kHz.
    pub fn at_rate(samples: Vec<i16>, rate: u32, ends: Ends) -> Prompt {
        let own = Prompt::RATES.iter().rposition(|kept| *kept <= rate).unwrap_or(0);
        let kept = Prompt::RATES[own];
        let samples = if kept == rate { samples } else { brought(&samples, rate, kept, ends) };
        Prompt::kept(samples.into(), own, ends)
    }

    fn kept(samples: Arc<[i16]>, own: usize, ends: Ends) -> Prompt {
        let at: [OnceLock<Arc<[i16]>>; 3] = Default::default();
        at[own].get_or_init(|| samples);
        Prompt { sound: Arc::new(Sound { own, ends, at, mu: OnceLock::new(), a: OnceLock::new() }) }
    }

    /// From a WAV file of any rate.
    pub fn from_wav(file: &[u8]) -> Result<Prompt, WavError> {
        let wav = Wav::parse(file)?;
        Ok(Prompt::at_rate(wav.samples, wav.rate, Ends::Silence))
    }

    /// Three notes and a pause, for want of anything better: it needs neither file nor speech synthesis.
    pub fn chime() -> Prompt {
        Prompt::new(chime::samples())
    }

    /// A sound that is there without a file: `chime`; `morning`, a piece of music of 38 s that plays round and round; and the cues
    /// `joined`, `left`, `muted`, `unmuted`, `locked`, `unlocked` and `refused`; and the tones `dial`, `ringback`, `busy`, `congestion`
    /// and `information`, with a country behind them (`busy-fr`) as that country knows them. `None`: there is none of this name.
    pub fn builtin(name: &str) -> Option<Prompt> {
        match name {
            "chime" => Some(Prompt::chime()),
            "morning" => Some(Prompt::at_rate(music::morning(), music::MUSIC_RATE, Ends::Loop)),
            other => crate::cues::cue(other).or_else(|| tone(other)),
        }
    }

    /// The rate that it is kept at, one of [`Prompt::RATES`].
    pub fn rate(&self) -> u32 {
        Prompt::RATES[self.sound.own]
    }

    /// What it is surrounded by.
    pub fn ends(&self) -> Ends {
        self.sound.ends
    }

    /// The sound at 8 kHz; made at the first call.
    pub fn samples(&self) -> &[i16] {
        self.made(0)
    }

    /// The sound at `rate`, in Hz. At one of [`Prompt::RATES`] it is made at the first call, in up to 5 ms for a second
    /// of sound; at any other one each time anew.
    pub fn at(&self, rate: u32) -> Arc<[i16]> {
        match Prompt::RATES.iter().position(|kept| *kept == rate) {
            Some(index) => Arc::clone(self.made(index)),
            None => brought(self.made(self.sound.own), self.rate(), rate, self.sound.ends).into(),
        }
    }

    fn made(&self, index: usize) -> &Arc<[i16]> {
        let Sound { own, ends, at, .. } = &*self.sound;
        at[index].get_or_init(|| {
            let kept = at[*own].get().map_or(&[][..], |samples| samples);
            brought(kept, Prompt::RATES[*own], Prompt::RATES[index], *ends).into()
        })
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.made(self.sound.own).len() as u64 * 1_000_000 / u64::from(self.rate()))
    }

    /// Bytes of memory that it takes by now, in all its forms.
    pub fn memory(&self) -> usize {
        let Sound { at, mu, a, .. } = &*self.sound;
        let samples: usize = at.iter().filter_map(OnceLock::get).map(|samples| 2 * samples.len()).sum();
        let codes: usize = [mu, a].into_iter().filter_map(OnceLock::get).map(|codes| codes.len()).sum();
        samples + codes
    }

    /// The sound in packets of 20 ms; coded at the first call.
    pub fn frames(&self, law: Law) -> Frames {
        let cell = match law {
            Law::Mu => &self.sound.mu,
            Law::A => &self.sound.a,
        };
        let codes = cell.get_or_init(|| {
            let mut codes = vec![law.silence(); self.samples().len().next_multiple_of(FRAME)];
            law.encode_slice(self.samples(), &mut codes);
            codes.into()
        });
        Frames { codes: Arc::clone(codes) }
    }
}

/// All of a sound at another rate. One that loops is filtered as if it stood beside itself.
fn brought(samples: &[i16], from: u32, to: u32, ends: Ends) -> Vec<i16> {
    if ends == Ends::Silence || samples.is_empty() {
        return resample(samples, from, to);
    }
    // Tenths of a second are whole samples of every rate that is kept, and longer than the filter.
    let (before, after) = ((from / 10) as usize, (to / 10) as usize);
    let around = |index: usize| samples[index % samples.len()];
    let first = samples.len() - before % samples.len();
    let padded: Vec<i16> = (first..first + samples.len() + 2 * before).map(around).collect();
    let mut sound = resample(&padded, from, to);
    let length = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    sound.drain(..after.min(sound.len()));
    sound.truncate(length);
    sound
}

impl PartialEq for Prompt {
    fn eq(&self, other: &Prompt) -> bool {
        Arc::ptr_eq(&self.sound, &other.sound)
    }
}

impl Eq for Prompt {}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({:?})", self.duration())
    }
}

/// A prompt in one codec, cut into packets of [`FRAME`] bytes; the last one is filled up with silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    codes: Arc<[u8]>,
}

impl Frames {
    /// The payload of a packet, counted from 0; None past the end.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.codes.chunks_exact(FRAME).nth(index)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.codes.len() / FRAME
    }

    /// The prompt has no sound at all.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

/// `busy-fr`, round and round.
fn tone(name: &str) -> Option<Prompt> {
    let (name, country) = name.split_once('-').unwrap_or((name, ""));
    let cadence = Tones::of(country).named(name)?;
    // One without pauses has no round; whole seconds of whole frequencies join without a seam.
    let milliseconds = cadence.iter().fold(0, |sum: u32, phase| sum.saturating_add(phase.milliseconds)).min(10_000);
    let samples = Signal::new(cadence, RATE).take((milliseconds * RATE / 1000) as usize);
    Some(Prompt::at_rate(samples.collect(), RATE, Ends::Loop))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Ends, FRAME, Prompt};
    use crate::{Law, Phase, Signal, Tone, goertzel, level};

    #[test]
    fn a_prompt_is_cut_into_whole_frames_of_20_ms_and_coded_once() {
        let prompt = Prompt::new(vec![1000; 3 * FRAME + 1]);
        for law in [Law::Mu, Law::A] {
            let frames = prompt.frames(law);
            assert_eq!(frames.len(), 4);
            assert!((0..4).all(|index| frames.get(index).unwrap().len() == FRAME));
            assert_eq!(frames.get(4), None);
            let last = frames.get(3).unwrap();
            assert_eq!((last[0], last[1]), (law.encode(1000), law.silence()));
            assert!(std::sync::Arc::ptr_eq(&frames.codes, &prompt.clone().frames(law).codes));
        }
        assert_eq!(prompt.duration(), Duration::from_micros(60_125));
        assert!(Prompt::new(vec![]).frames(Law::A).is_empty());
    }

    fn tone(hertz: f32, rate: u32, milliseconds: u32) -> Vec<i16> {
        let cadence = [Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds }];
        Signal::new(&cadence, rate).take((rate * milliseconds / 1000) as usize).collect()
    }

    #[test]
    fn a_prompt_keeps_the_best_rate_that_its_source_is_worth() {
        for (source, kept) in [
            (4000, 8000),
            (8000, 8000),
            (11_025, 8000),
            (16_000, 16_000),
            (22_050, 16_000),
            (44_100, 16_000),
            (48_000, 48_000),
            (96_000, 48_000),
        ] {
            let prompt = Prompt::at_rate(tone(1000.0, source, 500), source, Ends::Silence);
            assert_eq!((prompt.rate(), prompt.duration()), (kept, Duration::from_millis(500)), "{source}");
            for rate in [8000, 16_000, 48_000, 12_000] {
                let samples = prompt.at(rate);
                assert_eq!(samples.len(), rate as usize / 2, "{source} at {rate}");
                let middle = &samples[samples.len() / 5..samples.len() * 4 / 5];
                assert!((goertzel(middle, rate, 1000.0) + 10.0).abs() < 0.1, "{source} at {rate}");
            }
        }
    }

    #[test]
    fn what_a_wideband_codec_carries_is_still_there_for_it_and_not_in_narrowband() {
        let prompt = Prompt::at_rate(tone(6000.0, 48_000, 500), 48_000, Ends::Silence);
        assert!((goertzel(&prompt.at(16_000)[800..7200], 16_000, 6000.0) + 10.0).abs() < 0.1);
        assert!(level(&prompt.samples()[400..3600]) < -80.0);
    }

    #[test]
    fn each_rate_is_made_once_and_counted() {
        let prompt = Prompt::at_rate(vec![0; 16_000], 16_000, Ends::Silence);
        assert_eq!(prompt.memory(), 32_000);
        for rate in Prompt::RATES {
            assert!(std::sync::Arc::ptr_eq(&prompt.at(rate), &prompt.clone().at(rate)), "{rate}");
        }
        assert_eq!(prompt.memory(), 2 * (8000 + 16_000 + 48_000));
        assert_eq!(prompt.frames(Law::A).len(), 50);
        assert_eq!(prompt.memory(), 2 * (8000 + 16_000 + 48_000) + 8000);
    }

    #[test]
    fn a_loop_has_no_seam_at_any_rate() {
        // A hundred whole periods, from one crest to the next.
        let crests = |rate: u32| tone(1000.0, rate, 101)[rate as usize / 4000..][..rate as usize / 10].to_vec();
        let farthest = |ends: Ends, rate: u32| {
            let twice = Prompt::at_rate(crests(16_000), 16_000, ends).at(rate).repeat(2);
            let pairs = twice.iter().zip(crests(rate).repeat(2));
            assert_eq!(twice.len(), rate as usize / 5);
            pairs.map(|(got, due)| (i32::from(*got) - i32::from(due)).abs()).max().unwrap()
        };
        for rate in Prompt::RATES {
            assert!(farthest(Ends::Loop, rate) <= 2, "{rate}: {}", farthest(Ends::Loop, rate));
        }
        assert!(farthest(Ends::Silence, 8000) > 100, "or the test would not see a seam");
    }

    #[test]
    fn a_tone_is_that_of_the_country() {
        let (french, american) = (Prompt::builtin("busy-fr").unwrap(), Prompt::builtin("busy-us").unwrap());
        assert!(crate::goertzel(&french.at(8000)[..4000], 8000, 440.0) > -25.0);
        assert!(crate::goertzel(&american.at(8000)[..4000], 8000, 480.0) > -25.0);
        assert_eq!((french.ends(), Prompt::builtin("x-fr").is_none()), (Ends::Loop, true));
        assert!(Prompt::builtin("ringback").is_some());
    }
}

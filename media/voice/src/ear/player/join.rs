//! From one kind of sound to another without a click.

use super::{Filler, Gap, Phase, Player, Sound, Way, cross_fade, samples};
use crate::ear::pitch::{align, likeness_of};
use crate::ear::sound::past;

impl Player {
    /// Joins what was decoded, from sample `start` on, with what was made up before it. `over` is how much longer than it should be
    /// its delay is: by that much of it may be left out, and otherwise something added, so that periods meet.
    pub(super) fn join(&mut self, start: usize, gap: Gap, over: i64) {
        let rate = self.sound.rate();
        let (out, _) = self.sound.parts();
        let overlap = (rate as usize / 200).min(out.len() - start);
        self.scratch.clear();
        let filler = match gap.filler {
            // Sound was left out, and nothing made up.
            Filler::Codec if gap.made == 0 => {
                self.concealer.begin(&out[start - past(rate)..start], rate);
                Filler::Periods
            }
            filler => filler,
        };
        match filler {
            Filler::Nothing | Filler::Codec => {}
            Filler::Silence => {
                self.scratch.resize(overlap, 0);
                cross_fade(&mut out[start..start + overlap], &self.scratch, Way::From);
            }
            Filler::Noise => {
                self.noise.go_on(overlap, &mut self.scratch);
                cross_fade(&mut out[start..start + overlap], &self.scratch, Way::From);
            }
            Filler::Periods => {
                let range = self.concealer.period();
                self.concealer.go_on(overlap + range, &mut self.scratch);
                match over > SHIFT {
                    true => {
                        let range = range.min(out.len() - start - overlap).min(samples(over, rate));
                        let left_out = meet(&self.scratch[..overlap], &out[start..], range, rate);
                        out.drain(start..start + left_out);
                        cross_fade(&mut out[start..start + overlap], &self.scratch, Way::From);
                    }
                    false => {
                        let added = meet(&out[start..start + overlap], &self.scratch, range, rate);
                        let end = out.len();
                        out.resize(end + added, 0);
                        out.copy_within(start..end, start + added);
                        let (before, after) = self.scratch.split_at(added);
                        out[start..start + added].copy_from_slice(before);
                        cross_fade(&mut out[start + added..][..overlap], after, Way::From);
                    }
                }
            }
        }
    }

    /// Turns from what was heard before to noise; returns how much of that was made, in microseconds. `None`: there is noise already.
    pub(super) fn fade_to_noise(&mut self) -> Option<i64> {
        let rate = self.sound.rate();
        let filler = match self.phase {
            Phase::Flowing => Filler::Codec,
            Phase::Broken(gap) => gap.filler,
        };
        match filler {
            Filler::Noise => return None,
            Filler::Nothing | Filler::Silence => return Some(0),
            Filler::Codec => self.concealer.begin(self.sound.past(), rate),
            Filler::Periods => {}
        }
        let overlap = rate as usize / 200;
        self.scratch.clear();
        self.concealer.go_on(overlap, &mut self.scratch);
        let (out, _) = self.sound.parts();
        let start = out.len();
        self.noise.go_on(overlap, out);
        cross_fade(&mut out[start..], &self.scratch, Way::From);
        Some(super::micros(overlap, rate))
    }

    /// Goes on at another rate.
    pub(super) fn turn_to(&mut self, rate: u32) {
        let gap = match self.phase {
            Phase::Broken(Gap { filler: Filler::Nothing, .. }) => {
                self.output.begin_at(rate);
                self.sound = Sound::new(rate);
                return;
            }
            Phase::Broken(gap) => Some(gap),
            Phase::Flowing => None,
        };
        let before = self.sound.rate();
        if gap.is_none_or(|gap| gap.filler != Filler::Periods) {
            self.concealer.begin(self.sound.past(), before);
        }
        self.scratch.clear();
        self.concealer.go_on(before as usize / 250, &mut self.scratch);
        let ready = self.sound.ready();
        self.output.turn_to(rate, self.sound.play(ready), &self.scratch);
        self.sound = Sound::new(rate);
        // The output passes over from the one to the other.
        if let Some(gap) = gap {
            self.phase = Phase::Broken(Gap { filler: Filler::Nothing, ..gap });
        }
    }
}

/// How far into `within`, up to `range`, it goes on most like `template`; 0 where that is about as good.
fn meet(template: &[i16], within: &[i16], range: usize, rate: u32) -> usize {
    let (offset, likeness) = align(template, within, 0..=range, rate);
    let at_once = likeness_of(template, &within[..template.len()]);
    if likeness < 0.3 || at_once > 0.9 * likeness { 0 } else { offset }
}

/// Delay beyond what it should be from which on sound is left out rather than added, in microseconds.
const SHIFT: i64 = 3000;

//! Calls and rooms that are recorded.

use super::pair::Partner;
use super::{Plane, pair_at, pair_of};
use call::{MediaId, Tape, TapeFacts};
use std::collections::BTreeMap;
use storage::{About, Form, Id, Layout, Rate, Recordings, Tap};

/// How recordings are made.
#[derive(Clone)]
pub struct Recorder {
    /// Who keeps them.
    pub recordings: Recordings,
    /// The kind of file.
    pub form: Form,
    /// What becomes of the two sides of a call.
    pub layout: Layout,
}

/// One that goes on.
pub struct Recording {
    tap: Tap,
    rate: Rate,
}

impl Recording {
    /// Samples a second of what it takes.
    pub fn rate(&self) -> u32 {
        self.rate.hz()
    }

    /// Takes a block of both sides.
    pub fn push(&mut self, left: &[i16], right: &[i16]) {
        self.tap.push(left, right);
    }

    fn follow(&mut self, tape: &Tape) {
        match tape {
            Tape::Begin(_) | Tape::Resume => self.tap.resume(),
            Tape::Pause => self.tap.pause(),
        }
    }
}

impl Plane {
    /// Begins, pauses or resumes the recording of a call, or of the room that a phone is in.
    pub(super) fn turn_tape(&mut self, id: MediaId, tape: &Tape) {
        let Some(pair) = pair_of(&mut self.slots, id) else { return };
        match (pair.partner, tape) {
            (Partner::Room(key), Tape::Begin(facts)) => {
                if self.rooms.get(&key).is_some_and(|room| room.recording.is_none()) {
                    let recording = self.begin_recording(super::rooms::RATE, facts);
                    if let Some(room) = self.rooms.get_mut(&key) {
                        room.recording = recording;
                    }
                }
            }
            (Partner::Pair(other) | Partner::Talk(other, _), _) => match (&mut pair.recording, tape) {
                (Some(recording), tape) => recording.follow(tape),
                (None, Tape::Begin(facts)) => {
                    let rate = self.rate_of_recording(id.0 as u32, other);
                    let recording = rate.and_then(|rate| self.begin_recording(rate, facts));
                    let Some(pair) = pair_of(&mut self.slots, id) else { return };
                    pair.recording = recording;
                    pair.is_heard |= pair.recording.is_some();
                    self.settle(id.0 as u32, other);
                }
                (None, Tape::Pause | Tape::Resume) => {}
            },
            (Partner::Room(_), Tape::Pause | Tape::Resume) | (Partner::Exchange | Partner::None, _) => {}
        }
    }

    /// No more than 16,000 samples a second; `None`: the sound cannot be looked into.
    fn rate_of_recording(&mut self, one: u32, other: u32) -> Option<u32> {
        let mut rate = |index| Some(pair_at(&mut self.slots, index)?.voice.as_ref()?.to_phone[0].codec.rate());
        let best = rate(one)?.min(rate(other)?);
        Some(if best < 16_000 { 8000 } else { 16_000 })
    }

    fn begin_recording(&mut self, rate: u32, facts: &TapeFacts) -> Option<Box<Recording>> {
        let Recorder { recordings, form, layout } = self.recorder.clone()?;
        let rate = if rate == 8000 { Rate::Narrow } else { Rate::Wide };
        let id = Id::parse(&format!("{:016x}", self.draw())).ok()?;
        let TapeFacts { call_id, caller, callee } = facts;
        let facts = [("call_id", call_id), ("caller", caller), ("callee", callee)];
        let facts: BTreeMap<String, String> = facts.map(|(name, value)| (name.to_owned(), value.clone())).into();
        let started = u64::try_from(self.wall().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(recording = %id, call_id, "call is recorded");
        let about = About { id, started, rate, layout, form, facts };
        let begun = recordings.begin(about).inspect_err(|why| tracing::error!(%why, call_id, "call is NOT recorded"));
        Some(Box::new(Recording { tap: begun.ok()?, rate }))
    }
}

//! Calls and rooms that are recorded.

use super::pair::Partner;
use super::{Plane, pacer, pair_at, pair_of};
use audio::Resampler;
use call::{MediaId, Tape, TapeFacts};
use rtp::Micros;
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
    /// Up to where sound or gaps were told.
    until: Micros,
    /// For sound at another rate, after two recorded calls have become one.
    bent: Option<Box<Bent>>,
}

struct Bent {
    from: u32,
    sides: [Resampler; 2],
    /// What they make of a block.
    made: [Vec<i16>; 2],
}

impl Recording {
    /// Samples a second of what it takes.
    pub fn rate(&self) -> u32 {
        self.rate.hz()
    }

    /// Takes a block of both sides at so many samples a second. What was missing since the last one is a gap.
    pub fn push(&mut self, now: Micros, rate: u32, left: &[i16], right: &[i16]) {
        self.keep_up(now);
        self.until = Micros(self.until.0 + left.len() as u64 * 1_000_000 / u64::from(rate));
        if rate == self.rate() {
            return self.tap.push(left, right);
        }
        let own = self.rate();
        let bent = match self.bent.take() {
            Some(bent) if bent.from == rate => bent,
            _ => Box::new(Bent::new(rate, own)),
        };
        let bent = self.bent.insert(bent);
        for ((side, made), block) in bent.sides.iter_mut().zip(&mut bent.made).zip([left, right]) {
            made.clear();
            side.push(block, made);
        }
        self.tap.push(&bent.made[0], &bent.made[1]);
    }

    /// Tells of a gap where no sound has come for longer than turns may be late.
    pub fn keep_up(&mut self, now: Micros) {
        let missing = now.since(self.until);
        if missing > LATE {
            self.tap.gap(missing * u64::from(self.rate()) / 1_000_000);
            self.until = now;
        }
    }

    fn follow(&mut self, tape: &Tape) {
        match tape {
            Tape::Begin(_) | Tape::Resume => self.tap.resume(),
            Tape::Pause => self.tap.pause(),
        }
    }
}

impl Bent {
    fn new(from: u32, to: u32) -> Bent {
        Bent { from, sides: [0; 2].map(|_| Resampler::live(from, to)), made: [Vec::new(), Vec::new()] }
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
                    let Some(rate) = self.rate_of_recording(id.0 as u32, other) else {
                        tracing::error!(call_id = facts.call_id, "call is NOT recorded: its codec is unknown here");
                        return;
                    };
                    let recording = self.begin_recording(rate, facts);
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
        let Some(Recorder { recordings, form, layout }) = self.recorder.clone() else {
            tracing::error!(call_id = facts.call_id, "call is NOT recorded: this node keeps no recordings");
            return None;
        };
        let rate = if rate == 8000 { Rate::Narrow } else { Rate::Wide };
        let id = Id::parse(&format!("{:016x}", self.draw())).ok()?;
        let TapeFacts { call_id, caller, callee } = facts;
        let facts = [("call_id", call_id), ("caller", caller), ("callee", callee)];
        let facts: BTreeMap<String, String> = facts.map(|(name, value)| (name.to_owned(), value.clone())).into();
        let started = u64::try_from(self.wall().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(recording = %id, call_id, "call is recorded");
        let about = About { id, started, rate, layout, form, facts };
        let until = self.micros();
        let begun = recordings.begin(about).inspect_err(|why| tracing::error!(%why, call_id, "call is NOT recorded"));
        Some(Box::new(Recording { tap: begun.ok()?, rate, until, bent: None }))
    }
}

/// Microseconds: what the pacer makes up for, and a block.
const LATE: u64 = (pacer::LATE.as_micros() + pacer::PACKET.as_micros()) as u64;

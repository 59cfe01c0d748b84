//! Which calls are recorded: those of users who always are, and those whose user asks for it with keys.

use crate::call::{Call, Phase};
use crate::leg::{Leg, LegId};
use crate::media::{MediaId, Tape, TapeFacts};
use crate::output::Side;
use crate::streams::Streams;
use crate::turn::Turn;
use proto::directory::Recording;
use sdp::Sdp;
use std::time::{Duration, Instant};

/// What becomes of a call's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Recorded {
    #[default]
    No,
    Yes,
    /// It was, and may be again.
    Paused,
}

/// Keys that a user has pressed in a call, as far as they may be the beginning of a code.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    keys: String,
    last: Option<Instant>,
}

impl Call {
    /// The call is answered and its ports are joined, for the first time or anew: it is recorded if either user always is, and keys
    /// are listened for where one may ask for it.
    pub(crate) fn begin_recording(&mut self, turn: &mut Turn<'_>) {
        let (Phase::Talking(callee), Some(_)) = (&self.phase, self.answered) else { return };
        let callee = *callee;
        let directory = turn.core.view.directory.load();
        let wish = |leg: &Leg| directory.user(&leg.owner).map_or(Recording::Never, |user| user.record());
        let mut is_always = false;
        for leg in self.legs.iter_mut().filter(|leg| leg.side == Side::Caller || leg.id == callee) {
            match (wish(leg), leg.streams.speech()) {
                (Recording::Always, _) => is_always = true,
                (Recording::OnDemand, Some(port)) if leg.watched != Some(port) => {
                    turn.media.watch(port);
                    leg.watched = Some(port);
                }
                (Recording::OnDemand | Recording::Never, _) => {}
            }
        }
        if is_always && self.recorded == Recorded::No {
            self.record(turn, Recorded::Yes);
        }
        // The speech has moved to other ports, or to another shard: a recording ends with its ports.
        let speech = self.legs.first().and_then(|leg| leg.streams.speech());
        if self.recorded != Recorded::No && speech.is_some() && speech != self.taped {
            let before = std::mem::take(&mut self.recorded);
            self.record(turn, Recorded::Yes);
            self.record(turn, before);
        }
    }

    /// A key of a user in a call: `record` of the directory's features begins, pauses or resumes the recording.
    pub(crate) fn handle_key(&mut self, turn: &mut Turn<'_>, from: MediaId, key: char) {
        if let Some(id) = self.legs.iter().find(|leg| leg.streams.has(from)).map(|leg| leg.id) {
            self.handle_key_of(turn, id, key);
        }
    }

    /// The same of a leg, however the key has come.
    pub(crate) fn handle_key_of(&mut self, turn: &mut Turn<'_>, id: LegId, key: char) {
        if !self.is_talking() {
            return;
        }
        let code = turn.core.view.directory.load().features().and_then(|features| features.record.clone());
        let (Some(code), Recording::OnDemand) = (code, self.recording_of(turn, id)) else { return };
        let now = turn.now;
        let Some(leg) = self.leg(id) else { return };
        let typed = &mut leg.typed;
        if typed.last.is_some_and(|last| now.saturating_duration_since(last) > PAUSE) {
            typed.keys.clear();
        }
        typed.last = Some(now);
        typed.keys.push(key);
        // No more than may be the whole code.
        let surplus = typed.keys.chars().count().saturating_sub(code.chars().count());
        typed.keys.drain(..typed.keys.char_indices().nth(surplus).map_or(typed.keys.len(), |(index, _)| index));
        if !typed.keys.ends_with(&*code) {
            return;
        }
        typed.keys.clear();
        let next = match self.recorded {
            Recorded::No | Recorded::Paused => Recorded::Yes,
            Recorded::Yes => Recorded::Paused,
        };
        self.record(turn, next);
    }

    /// Two phones talk.
    pub(crate) fn is_talking(&self) -> bool {
        matches!(self.phase, Phase::Talking(_))
    }

    /// Begins, pauses or resumes the recording, where there is speech to record.
    pub(crate) fn record(&mut self, turn: &mut Turn<'_>, next: Recorded) {
        let Phase::Talking(callee) = self.phase else { return };
        let answerer = self.leg(callee).map(|leg| leg.owner.clone());
        let tape = match (self.recorded, next) {
            (Recorded::No, Recorded::Yes) => Tape::Begin(TapeFacts {
                call_id: self.id.clone(),
                caller: self.caller.clone(),
                callee: answerer.unwrap_or_default(),
            }),
            (Recorded::Paused, Recorded::Yes) => Tape::Resume,
            (Recorded::Yes, Recorded::Paused) => Tape::Pause,
            (_, _) => return,
        };
        if let Some(id) = self.legs.first().and_then(|leg| leg.streams.speech()) {
            turn.media.tape(id, tape);
            (self.recorded, self.taped) = (next, Some(id));
        }
    }

    /// What the directory says of the user of a leg.
    fn recording_of(&self, turn: &Turn<'_>, leg: LegId) -> Recording {
        let owner = self.legs.iter().find(|it| it.id == leg).map(|leg| &*leg.owner);
        let directory = turn.core.view.directory.load();
        owner.and_then(|owner| directory.user(owner)).map_or(Recording::Never, |user| user.record())
    }
}

impl Streams {
    /// The ports of the stream that people speak in: the first of sound that the phone has not refused.
    pub(crate) fn speech(&self) -> Option<MediaId> {
        let theirs = Sdp::parse(self.theirs.as_deref()?).ok()?;
        let is_sound = |index: &usize| {
            { theirs.media().get(*index) }.is_some_and(|media| media.kind == sdp::Kind::Audio && !media.is_rejected())
        };
        { 0..theirs.media().len() }.filter(is_sound).find_map(|index| self.open_port(index))
    }
}

/// Keys further apart belong to no code together.
const PAUSE: Duration = Duration::from_secs(3);

//! Which calls are recorded: those of users who always are, and those whose user asks for it with keys.

use crate::call::{Call, Phase};
use crate::leg::LegId;
use crate::media::{MediaId, Tape, TapeFacts};
use crate::streams::Streams;
use crate::turn::Turn;
use proto::directory::Recording;
use std::time::{Duration, Instant};

/// What becomes of a call's sound.
#[derive(Debug, Default)]
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
    /// The call is answered: it is recorded if either user always is, and keys are listened for where one may ask for it.
    pub(crate) fn begin_recording(&mut self, turn: &mut Turn<'_>) {
        let Phase::Talking(callee) = self.phase else { return };
        let wishes = [self.legs[0].id, callee].map(|leg| self.recording_of(turn, leg));
        if wishes.contains(&Recording::Always) {
            self.record(turn, Recorded::Yes);
        }
        let legs = self.legs.iter().zip(wishes).filter(|(_, wish)| *wish == Recording::OnDemand);
        let watched: Vec<MediaId> = legs.filter_map(|(leg, _)| leg.streams.speech()).collect();
        watched.into_iter().for_each(|id| turn.media.watch(id));
    }

    /// A key of a user in a call: `record` of the directory's features begins, pauses or resumes the recording.
    pub(crate) fn handle_key(&mut self, turn: &mut Turn<'_>, from: MediaId, key: char) {
        let Some(id) = self.legs.iter().find(|leg| leg.streams.has(from)).map(|leg| leg.id) else { return };
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

    fn record(&mut self, turn: &mut Turn<'_>, next: Recorded) {
        let tape = match (&self.recorded, &next) {
            (Recorded::No, Recorded::Yes) => Tape::Begin(TapeFacts {
                call_id: self.id.clone(),
                caller: self.caller.clone(),
                callee: self.callee.clone(),
            }),
            (Recorded::Paused, Recorded::Yes) => Tape::Resume,
            (Recorded::Yes, Recorded::Paused) => Tape::Pause,
            (_, _) => return,
        };
        if let Some(id) = self.legs.first().and_then(|leg| leg.streams.speech()) {
            turn.media.tape(id, tape);
            self.recorded = next;
        }
    }

    /// What the directory says of the user of a leg.
    fn recording_of(&self, turn: &Turn<'_>, leg: LegId) -> Recording {
        let aor = if self.legs.first().is_some_and(|caller| caller.id == leg) { &self.caller } else { &self.callee };
        turn.core.view.directory.load().user(aor).map_or(Recording::Never, |user| user.record())
    }
}

impl Streams {
    /// The ports of the first stream, which is the one that people speak in.
    pub(crate) fn speech(&self) -> Option<MediaId> {
        self.open_ports().next()
    }
}

/// Keys further apart belong to no code together.
const PAUSE: Duration = Duration::from_secs(3);

//! A call: the legs that belong together, and what they are doing.

use crate::best::Failure;
use crate::hunt::Hunt;
use crate::identity::Identity;
use crate::leg::{Leg, LegId, Purpose};
use crate::media::{LegStats, Media, MediaId};
use crate::output::{Ended, Event, Output, Side, Stream};
use crate::recording::Recorded;
use crate::response::{refusal, response};
use crate::service::Service;
use crate::streams::Path;
use crate::turn::{CallKey, Turn};
use proto::time::UnixMillis;
use proto::wire;
use sip::endpoint::ServerId;
use sip::message::Message;
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Call {
    pub key: CallKey,
    /// The caller's Call-ID.
    pub id: String,
    /// The caller's tag.
    pub tag: String,
    /// Who calls: user@domain.
    pub caller: String,
    /// Who is called, as the directory names it.
    pub target: String,
    /// The word in front of the target.
    pub kind: String,
    pub identity: Identity,
    /// To of INVITEs of ours: user@domain.
    pub callee: String,
    /// Max-Forwards of INVITEs of ours.
    pub hops_left: u8,
    pub path: Path,
    /// The caller's leg first.
    pub legs: Vec<Leg>,
    pub phase: Phase,
    /// An offer that came in a response and waits for its answer.
    pub exchange: Option<Exchange>,
    pub recorded: Recorded,
    /// The ports whose speech is recorded.
    pub taped: Option<MediaId>,
    /// CSeq numbers of REFERs passed on: as received, as sent. NOTIFY names them.
    pub refers: Vec<(u32, u32)>,
    pub begun: UnixMillis,
    pub answered: Option<UnixMillis>,
    /// What the caller's INVITE was answered with.
    pub status: u16,
    /// The state last reported.
    pub reported: &'static str,
    /// The deadline that the shard knows.
    pub scheduled: Option<Instant>,
}

#[derive(Debug)]
pub(crate) enum Phase {
    /// Someone is being looked for.
    Hunting(Hunt),
    /// The exchange itself answers.
    Serving(Service),
    /// The caller talks to this leg.
    Talking(LegId),
    Over,
}

/// An offer in a response of one leg, passed on in a response to the other, whose ACK or PRACK brings the answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub offerer: LegId,
    pub offer: Vec<u8>,
    /// What the other leg was told.
    pub told: Vec<u8>,
}

/// How a leg leaves the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leave {
    /// We tell it: by BYE, CANCEL, or this failure where its own INVITE is unanswered.
    Told(Failure),
    /// It knows, or is dead.
    Gone,
}

impl Call {
    pub(crate) fn caller_leg(&mut self) -> &mut Leg {
        self.legs.first_mut().expect("a call that is not over has its caller's leg")
    }

    pub(crate) fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id == id)
    }

    /// The leg that this one talks to, or hears early.
    pub(crate) fn other(&self, id: LegId) -> Option<LegId> {
        let caller = self.legs.first()?.id;
        let callee = match &self.phase {
            Phase::Talking(callee) => Some(*callee),
            Phase::Hunting(hunt) => hunt.early,
            Phase::Serving(_) | Phase::Over => None,
        }?;
        if id == caller {
            Some(callee)
        } else if id == callee {
            Some(caller)
        } else {
            None
        }
    }

    /// The caller's leg and another one.
    pub(crate) fn pair(&mut self, other: LegId) -> Option<(&mut Leg, &mut Leg)> {
        let (caller, others) = self.legs.split_first_mut()?;
        Some((caller, others.iter_mut().find(|leg| leg.id == other)?))
    }

    /// Any two legs.
    pub(crate) fn two(&mut self, one: LegId, other: LegId) -> Option<(&mut Leg, &mut Leg)> {
        let index = |id| self.legs.iter().position(|leg| leg.id == id);
        let both = [index(one)?, index(other)?];
        let [one, other] = self.legs.get_disjoint_mut(both).ok()?;
        Some((one, other))
    }

    /// Answers a request of a leg with a failure.
    pub(crate) fn refuse(&mut self, turn: &mut Turn<'_>, server: ServerId, request: &Message<'_>, failure: &Failure) {
        turn.core.owners.servers.remove(&server);
        turn.respond(server, refusal(request, failure, ""));
    }

    /// Ends the call for everyone; `gone` is the leg that knows already.
    pub(crate) fn end(&mut self, turn: &mut Turn<'_>, why: &'static str, gone: Option<LegId>, failure: Failure) {
        if matches!(self.phase, Phase::Over) {
            return;
        }
        if self.answered.is_none() {
            self.status = failure.status;
        }
        let talking = match &self.phase {
            Phase::Talking(callee) => Some(*callee),
            Phase::Hunting(_) | Phase::Serving(_) | Phase::Over => None,
        };
        self.forget_queries(turn);
        let mut streams = Vec::new();
        let legs: Vec<LegId> = self.legs.iter().map(|leg| leg.id).collect();
        // While the legs that were to answer are still there.
        for id in &legs {
            self.refuse_relayed(turn, *id);
        }
        for id in legs {
            let leave = if gone == Some(id) { Leave::Gone } else { Leave::Told(failure.clone()) };
            let Some((side, stats)) = self.part(turn, id, leave) else { continue };
            if side == Side::Caller || talking == Some(id) {
                streams.extend(stats.into_iter().map(|(index, stats)| Stream { side, index, stats }));
            }
        }
        self.phase = Phase::Over;
        self.report(turn);
        let ended = Ended {
            call_id: self.id.clone(),
            caller: self.caller.clone(),
            target: self.target.clone(),
            status: self.status,
            why,
            ringing: self.answered.unwrap_or(turn.wall).since(self.begun),
            talking: self.answered.map(|answered| turn.wall.since(answered)),
            streams,
        };
        turn.log(Event::Ended(Box::new(ended)));
    }

    /// Takes a leg out of the call, with all that is open for it.
    pub(crate) fn part(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        leave: Leave,
    ) -> Option<(Side, Vec<(usize, LegStats)>)> {
        self.refuse_relayed(turn, id);
        let index = self.legs.iter().position(|leg| leg.id == id)?;
        let mut leg = self.legs.remove(index);
        let (side, stats) = (leg.side, leg.streams.close(turn));
        self.exchange.take_if(|exchange| exchange.offerer == id);
        leg.leave(turn, leave);
        Some((side, stats))
    }

    /// 487 to requests of this leg that others were to answer (RFC 3261 §15.1.2).
    fn refuse_relayed(&mut self, turn: &mut Turn<'_>, id: LegId) {
        for leg in &mut self.legs {
            for task in &mut leg.tasks {
                let Purpose::Relay { from, server, request } = &task.purpose else { continue };
                if *from != id {
                    continue;
                }
                turn.core.owners.servers.remove(server);
                if let Ok(request) = Message::parse(request) {
                    turn.respond(*server, response(&request, 487).finish());
                }
                task.purpose = Purpose::None;
            }
        }
    }

    /// When [`Call::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.hunt_due(), self.reliable_due(), self.refresh_due()].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, turn: &mut Turn<'_>) {
        self.handle_hunt_timeout(turn);
        self.handle_reliable_timeout(turn);
        self.handle_refresh_timeout(turn);
    }

    /// Tells whoever watches calls, where the state changed.
    pub(crate) fn report(&mut self, turn: &mut Turn<'_>) {
        let state = match &self.phase {
            Phase::Over => "ended",
            Phase::Hunting(_) => "ringing",
            Phase::Serving(_) if self.answered.is_none() => "ringing",
            Phase::Serving(_) | Phase::Talking(_) if self.legs.iter().any(|leg| leg.streams.is_hold()) => "held",
            Phase::Serving(_) | Phase::Talking(_) => "answered",
        };
        if state != self.reported {
            self.reported = state;
            let report = self.summary_with_quality(&turn.core.settings.node, turn.media);
            turn.core.output.push_back(Output::Report(Box::new(report)));
        }
    }

    /// The call as `get calls` shows it.
    pub(crate) fn summary(&self, node: &str) -> wire::CallReport {
        wire::CallReport {
            id: self.id.clone(),
            caller: self.caller.clone(),
            callee: self.target.clone(),
            state: self.reported.to_owned(),
            started_at: self.begun.0,
            answered_at: self.answered.map_or(0, |answered| answered.0),
            node: node.to_owned(),
            service: self.kind.clone(),
            caller_quality: None,
            callee_quality: None,
        }
    }

    /// The same with how both sides sound now.
    pub(crate) fn summary_with_quality(&self, node: &str, media: &dyn Media) -> wire::CallReport {
        let [caller, callee] = self.quality(media).map(|quality| quality.map(|quality| quality.to_wire()));
        wire::CallReport { caller_quality: caller, callee_quality: callee, ..self.summary(node) }
    }
}

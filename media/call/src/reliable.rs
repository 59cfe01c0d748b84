//! Provisional responses that must arrive (RFC 3262): ours to a caller, and theirs to us.

use sip::dialog::Dialog;
use sip::headers::RAck;
use sip::message::{Message, Method, Name};
use sip::timer::{Resend, Timers};
use std::collections::VecDeque;
use std::time::Instant;

/// Ours, to the INVITE that began a leg. One at a time is on its way; the others wait for its PRACK.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    /// CSeq of the INVITE.
    cseq: u32,
    /// RSeq of the last one made; 0 before the first.
    last: u32,
    waiting: VecDeque<Waiting>,
    /// The 2xx that has to wait until a description in a provisional response has arrived (RFC 3262 §3).
    pub held: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Waiting {
    rseq: u32,
    response: Vec<u8>,
    stage: Stage,
    carries: Carries,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Others are before it.
    Queued,
    /// On its way, again and again.
    Sent { resend: Resend, give_up_at: Instant },
    /// A final response has gone since: not repeated, but its PRACK may still come.
    Outrun,
}

/// Whether a response has a description, so that the 2xx must wait for its PRACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carries {
    Nothing,
    Description,
}

/// What to do at a deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Resend(Vec<u8>),
    /// No PRACK for 64·T1: the INVITE is refused (RFC 3262 §3).
    GiveUp,
}

/// More would mean a phone that rings in every way that there is.
const MOST: usize = 8;

impl Reliable {
    /// None yet, to the INVITE of this CSeq.
    pub(crate) fn to(cseq: u32) -> Reliable {
        Reliable { cseq, ..Reliable::default() }
    }

    /// The RSeq of the next one; `random` decides the first (RFC 3262 §3).
    pub(crate) fn next(&mut self, random: u64) -> u32 {
        self.last = if self.last == 0 { (random >> 34) as u32 + 1 } else { self.last.wrapping_add(1).max(1) };
        self.last
    }

    /// Takes a response with its RSeq. Returns it if it may be sent now.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        timers: &Timers,
        rseq: u32,
        response: Vec<u8>,
        carries: Carries,
    ) -> Option<Vec<u8>> {
        if self.waiting.len() >= MOST {
            return None;
        }
        self.waiting.push_back(Waiting { rseq, response, stage: Stage::Queued, carries });
        self.start(now, timers)
    }

    /// Their PRACK. `Err`: it acknowledges nothing of ours, 481. `Ok`: what may be sent next.
    pub(crate) fn handle_prack(
        &mut self,
        now: Instant,
        timers: &Timers,
        prack: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, UnknownRAck> {
        let rack = prack.header(Name::RAck).and_then(|value| RAck::parse(value).ok()).ok_or(UnknownRAck)?;
        let first = self.waiting.front().filter(|first| !matches!(first.stage, Stage::Queued)).ok_or(UnknownRAck)?;
        if (rack.rseq, rack.cseq, Method::from_text(rack.method)) != (first.rseq, self.cseq, Method::Invite) {
            return Err(UnknownRAck);
        }
        self.waiting.pop_front();
        Ok(self.start(now, timers))
    }

    /// Whether a 2xx must wait.
    pub(crate) fn holds_answer(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.carries == Carries::Description)
    }

    /// A final response has gone (RFC 3262 §3).
    pub(crate) fn finish(&mut self) {
        self.waiting.retain(|waiting| !matches!(waiting.stage, Stage::Queued));
        for waiting in &mut self.waiting {
            waiting.stage = Stage::Outrun;
        }
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        match self.waiting.front()?.stage {
            Stage::Sent { resend, give_up_at } => Some(resend.at.min(give_up_at)),
            Stage::Queued | Stage::Outrun => None,
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> Due {
        let Some(first) = self.waiting.front_mut() else { return Due::Nothing };
        match &mut first.stage {
            Stage::Sent { give_up_at, .. } if *give_up_at <= now => Due::GiveUp,
            Stage::Sent { resend, .. } if resend.at <= now => {
                *resend = resend.doubled(now, timers.give_up());
                Due::Resend(first.response.clone())
            }
            Stage::Sent { .. } | Stage::Queued | Stage::Outrun => Due::Nothing,
        }
    }

    fn start(&mut self, now: Instant, timers: &Timers) -> Option<Vec<u8>> {
        let first = self.waiting.front_mut().filter(|first| matches!(first.stage, Stage::Queued))?;
        first.stage = Stage::Sent { resend: Resend::new(now, timers), give_up_at: now + timers.give_up() };
        Some(first.response.clone())
    }
}

/// A PRACK for nothing that waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownRAck;

/// An early dialog of ours, and what came in it.
#[derive(Debug)]
pub(crate) struct Early {
    pub dialog: Dialog,
    /// RSeq of the last reliable response.
    pub rseq: Option<u32>,
    /// A reliable response with an offer that is still to be acknowledged, with the answer.
    pub owed: Option<u32>,
}

impl Early {
    pub(crate) fn new(dialog: Dialog) -> Early {
        Early { dialog, rseq: None, owed: None }
    }

    /// Whether a reliable response is the next one (RFC 3262 §4); copies and ones that overtook others are not.
    pub(crate) fn is_next(&mut self, rseq: u32) -> bool {
        let is_next = self.rseq.is_none_or(|last| rseq == last.wrapping_add(1));
        if is_next {
            self.rseq = Some(rseq);
        }
        is_next
    }
}

/// The RSeq of a response that wants a PRACK.
pub(crate) fn rseq_of(response: &Message<'_>) -> Option<u32> {
    let is_reliable = response.status()? > 100 && response.has_option(Name::Require, "100rel");
    response.number(Name::RSeq).filter(|_| is_reliable)
}

//! Provisional responses that must arrive (RFC 3262): ours to a caller, and theirs to us.

use sip::dialog::Dialog;
use sip::headers::RAck;
use sip::message::{Message, Method, Name};
use sip::timer::{Resend, Timers};
use std::collections::VecDeque;
use std::time::Instant;

/// Ours, to one INVITE. One at a time is on its way; the others wait for its PRACK.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
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
    /// `None`: not sent yet.
    sent: Option<Sent>,
    carries: Carries,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    resend: Resend,
    give_up_at: Instant,
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
        self.waiting.push_back(Waiting { rseq, response, sent: None, carries });
        self.start(now, timers)
    }

    /// Their PRACK. `Err`: it acknowledges nothing of ours, 481. `Ok`: what may be sent next.
    pub(crate) fn handle_prack(
        &mut self,
        now: Instant,
        timers: &Timers,
        prack: &Message<'_>,
        cseq: u32,
    ) -> Result<Option<Vec<u8>>, UnknownRAck> {
        let rack = prack.header(Name::RAck).and_then(|value| RAck::parse(value).ok()).ok_or(UnknownRAck)?;
        let first = self.waiting.front().filter(|first| first.sent.is_some()).ok_or(UnknownRAck)?;
        if (rack.rseq, rack.cseq, Method::from_text(rack.method)) != (first.rseq, cseq, Method::Invite) {
            return Err(UnknownRAck);
        }
        self.waiting.pop_front();
        Ok(self.start(now, timers))
    }

    /// Whether a 2xx must wait.
    pub(crate) fn holds_answer(&self) -> bool {
        self.waiting.iter().any(|waiting| waiting.carries == Carries::Description)
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        let sent = self.waiting.front()?.sent?;
        Some(sent.resend.at.min(sent.give_up_at))
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> Due {
        let Some(first) = self.waiting.front_mut() else { return Due::Nothing };
        match &mut first.sent {
            Some(sent) if sent.give_up_at <= now => Due::GiveUp,
            Some(sent) if sent.resend.at <= now => {
                sent.resend = sent.resend.doubled(now, timers.give_up());
                Due::Resend(first.response.clone())
            }
            Some(_) | None => Due::Nothing,
        }
    }

    fn start(&mut self, now: Instant, timers: &Timers) -> Option<Vec<u8>> {
        let first = self.waiting.front_mut().filter(|first| first.sent.is_none())?;
        first.sent = Some(Sent { resend: Resend::new(now, timers), give_up_at: now + timers.give_up() });
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

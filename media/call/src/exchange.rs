//! Offers and answers on their way through a call (RFC 3264): re-INVITE and UPDATE of one leg become one of the other.

use crate::best::{Failure, within};
use crate::call::{Call, Exchange};
use crate::leg::{Awaits, Leg, LegId, Purpose, State, Support, Task, Unacknowledged};
use crate::policy::{Place, passing};
use crate::response::{ALLOW, Body, SDP, SUPPORTED, response};
use crate::session_timer::{SessionTimer, seconds, write_request};
use crate::streams::{Unfit, join};
use crate::turn::Turn;
use sip::endpoint::ServerId;
use sip::message::{Message, Method, Name};
use std::time::Duration;

/// A request within a dialog that wants an answer.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'m> {
    pub leg: LegId,
    pub server: ServerId,
    pub request: &'m Message<'m>,
}

impl Call {
    /// An INVITE or UPDATE within a dialog, or a PRACK with an offer.
    pub(crate) fn handle_offer(&mut self, turn: &mut Turn<'_>, leg: LegId, server: ServerId, bytes: &[u8]) {
        let Ok(request) = Message::parse(bytes) else { return };
        turn.core.owners.servers.insert(server, self.key);
        match self.pass_offer(turn, Ask { leg, server, request: &request }) {
            Ok(()) => {}
            Err(failure) => self.refuse(turn, server, &request, &failure),
        }
    }

    fn pass_offer(&mut self, turn: &mut Turn<'_>, ask: Ask<'_>) -> Result<(), Failure> {
        let Ask { leg: id, server, request } = ask;
        let offer = Body::of(request).description()?;
        let least = turn.settings().min_session.as_secs();
        let leg = self.leg(id).ok_or_else(|| Failure::of(481))?;
        SessionTimer::of_request(turn.now, request, turn.settings(), leg.timer.as_ref())
            .map_err(|_| Failure::of(422).with(Name::MinSe, least))?;
        if request.method() == Method::Update && offer.is_none() {
            self.grant(turn, ask, None, None, Awaits::Nothing);
            return Ok(());
        }
        self.check_turn(turn, id)?;
        let Some(other) = self.other(id) else { return self.serve_offer(turn, ask, offer) };
        if let (Some(offer), Some(leg)) = (offer, self.leg(id)) {
            leg.streams.check_offer(offer).map_err(Unfit::for_sender)?;
        }
        let is_offering = self.is_offering(other);
        let leg = self.leg(other).ok_or_else(|| Failure::of(481))?;
        if is_offering || leg.is_offering() || !leg.unacknowledged.is_empty() {
            return Err(Failure::of(491));
        }
        let method = leg.method_for(request.method())?;
        let told = offer.map(|offer| leg.streams.describe(turn, offer)).transpose().map_err(Unfit::for_sender)?;
        let purpose = Purpose::Relay { from: id, server, request: request.bytes().to_vec() };
        self.send_offer(turn, other, method, told, purpose, Some(request));
        Ok(())
    }

    /// Whether this leg may offer now (RFC 3261 §14.2, RFC 3311 §5.2).
    fn check_turn(&mut self, turn: &mut Turn<'_>, id: LegId) -> Result<(), Failure> {
        let awaits_answer = |leg: &Leg| leg.unacknowledged.iter().any(|it| it.awaits == Awaits::Answer);
        let is_open = self.exchange.is_some();
        let leg = self.leg(id).ok_or_else(|| Failure::of(481))?;
        if leg.is_offering() {
            return Err(Failure::of(491));
        }
        let is_early = !leg.is_talking() && leg.reliable.holds_answer();
        if is_early || awaits_answer(leg) || is_open || self.is_offering(id) {
            let seconds = turn.back_off(Duration::ZERO, Duration::from_secs(10)).as_secs();
            return Err(Failure::of(500).with(Name::RetryAfter, seconds));
        }
        Ok(())
    }

    /// Whether an offer of this leg is on its way to the other one.
    pub(crate) fn is_offering(&self, id: LegId) -> bool {
        let is_its = |task: &Task| {
            let is_offer = task.method == Method::Invite || task.offer.is_some();
            is_offer && matches!(&task.purpose, Purpose::Relay { from, .. } if *from == id)
        };
        self.legs.iter().flat_map(|leg| &leg.tasks).any(is_its)
    }

    /// Sends an INVITE or UPDATE of ours within a dialog.
    pub(crate) fn send_offer(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        method: Method,
        offer: Option<Vec<u8>>,
        purpose: Purpose,
        from: Option<&Message<'_>>,
    ) {
        let Some(leg) = self.leg(id) else { return };
        let (timer, least, is_talking, hop) = (leg.timer, leg.least_session, leg.is_talking(), leg.hop);
        let Some(dialog) = leg.dialog() else { return };
        let hop = turn.hop_of(dialog, hop);
        let mut message = dialog.request(method).header(Name::Allow, ALLOW).header(Name::Supported, "timer");
        let cseq = dialog.local_cseq;
        if is_talking {
            message = write_request(turn.settings(), timer.as_ref(), least, message);
        }
        if let Some(from) = from {
            let lines = passing(from, Place::Request, turn.settings().limits.header);
            message = lines.fold(message, |message, (name, value)| message.header(name, value));
        }
        if let Some(offer) = &offer {
            message = message.body(SDP, offer);
        }
        let client = turn.request(hop, message.finish());
        leg.tasks.push(Task { client, method, cseq, offer, purpose });
    }

    /// What became of an INVITE or UPDATE that was passed on to this leg.
    pub(crate) fn offer_answered(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        task: Task,
        status: u16,
        response: Option<&Message<'_>>,
    ) {
        let Purpose::Relay { from, server, request } = &task.purpose else { return };
        let Ok(request) = Message::parse(request) else { return };
        let ask = Ask { leg: *from, server: *server, request: &request };
        match (status, response) {
            (200..300, Some(response)) => {
                if let Some(leg) = self.leg(id) {
                    leg.refreshed(turn, response);
                }
                if let Err(failure) = self.pass_answer(turn, ask, id, &task, response) {
                    // One side has changed its session and the other cannot: nothing is left to agree on.
                    self.refuse(turn, ask.server, &request, &failure);
                    self.end(turn, "no agreement on media", None, failure);
                }
            }
            (422, Some(response)) if self.ask_longer(id, response) => {
                self.send_offer(turn, id, task.method, task.offer.clone(), task.purpose.clone(), Some(&request));
            }
            (405 | 501, _) if task.method == Method::Update && self.forget_update(id) => {
                self.send_offer(turn, id, Method::Invite, task.offer.clone(), task.purpose.clone(), Some(&request));
            }
            (_, _) => {
                let mut failure = Failure::of(within(status));
                if let Some(response) = response {
                    let lines = passing(response, Place::Failure, turn.settings().limits.header);
                    failure.lines.extend(lines.map(|(name, value)| (name, value.to_owned())));
                }
                self.refuse(turn, ask.server, &request, &failure);
                if matches!(status, 408 | 481) {
                    return self.end(turn, "a leg is dead", Some(id), Failure::of(480));
                }
                // Ports of streams that only the failed offer had are given back.
                self.join(turn, id, ask.leg);
            }
        }
    }

    /// The 2xx of the other leg becomes the answer to what was asked.
    fn pass_answer(
        &mut self,
        turn: &mut Turn<'_>,
        ask: Ask<'_>,
        id: LegId,
        task: &Task,
        response: &Message<'_>,
    ) -> Result<(), Failure> {
        let (asker, answerer) = self.two(ask.leg, id).ok_or_else(|| Failure::of(481))?;
        match (&task.offer, Body::of(ask.request).sdp(), Body::of(response).sdp()) {
            (Some(offered), Some(offer), Some(answer)) => {
                answerer.streams.check_answer(offered, answer).map_err(Unfit::for_other)?;
                let told = asker.streams.describe_answer(turn, offer, answer).map_err(Unfit::for_other)?;
                (asker.streams.theirs, asker.streams.ours) = (Some(offer.to_vec()), Some(told.clone()));
                (answerer.streams.theirs, answerer.streams.ours) = (Some(answer.to_vec()), Some(offered.clone()));
                answerer.pay_ack(turn, None);
                self.join(turn, id, ask.leg);
                self.grant(turn, ask, Some(response), Some(told), Awaits::Nothing);
                Ok(())
            }
            (None, _, Some(offer)) => {
                let told = asker.streams.describe(turn, offer).map_err(Unfit::for_other)?;
                self.exchange = Some(Exchange { offerer: id, offer: offer.to_vec(), told: told.clone() });
                self.grant(turn, ask, Some(response), Some(told), Awaits::Answer);
                Ok(())
            }
            (_, _, _) => Err(Failure::of(502)),
        }
    }

    /// 200 to an INVITE, UPDATE or PRACK within the dialog; `from` is the other leg's.
    pub(crate) fn grant(
        &mut self,
        turn: &mut Turn<'_>,
        ask: Ask<'_>,
        from: Option<&Message<'_>>,
        told: Option<Vec<u8>>,
        awaits: Awaits,
    ) {
        let Ask { leg: id, server, request } = ask;
        let limit = turn.settings().limits.header;
        let Some(leg) = self.leg(id) else { return };
        let mut ok = response(request, 200)
            .header(Name::Contact, &leg.contact)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED);
        let timer = SessionTimer::of_request(turn.now, request, turn.settings(), leg.timer.as_ref());
        if let (Ok(timer), true, true) = (timer, leg.is_talking(), request.method() != Method::Prack) {
            ok = timer.write_response(request, ok);
            leg.timer = Some(timer);
        }
        if let Some(dialog) = leg.dialog() {
            dialog.refresh_target(request);
        }
        let lines = from.into_iter().flat_map(|from| passing(from, Place::Success, limit));
        ok = lines.fold(ok, |ok, (name, value)| ok.header(name, value));
        if let Some(told) = &told {
            ok = ok.body(SDP, told);
        }
        if request.method() == Method::Invite {
            leg.unacknowledged.push(Unacknowledged { invite: server, awaits });
        } else {
            turn.core.owners.servers.remove(&server);
        }
        turn.respond(server, ok.finish());
        self.report(turn);
    }

    /// The answer to an offer that went out in a response: in an ACK or PRACK of this leg.
    pub(crate) fn handle_late_answer(&mut self, turn: &mut Turn<'_>, id: LegId, answer: &[u8]) {
        let Some(Exchange { offerer, offer, told }) = self.exchange.take() else {
            return self.handle_service_answer(turn, id, answer);
        };
        let Some((answering, offering)) = self.two(id, offerer) else { return };
        let checked = answering.streams.check_answer(&told, answer);
        let described = match checked.and_then(|()| offering.streams.describe_answer(turn, &offer, answer)) {
            Ok(described) => described,
            Err(unfit) => return self.end(turn, "an answer that fits no offer", None, unfit.for_sender()),
        };
        (answering.streams.theirs, answering.streams.ours) = (Some(answer.to_vec()), Some(told));
        (offering.streams.theirs, offering.streams.ours) = (Some(offer), Some(described.clone()));
        offering.pay_answer(turn, &described);
        self.join(turn, id, offerer);
        self.report(turn);
    }

    /// Lets media flow between two legs, and into the recording where the call is answered.
    pub(crate) fn join(&mut self, turn: &mut Turn<'_>, one: LegId, other: LegId) {
        if let Some((one, other)) = self.two(one, other) {
            join(turn, &mut one.streams, &mut other.streams);
        }
        self.begin_recording(turn);
    }

    /// A 422 to a request within the dialog. False: it asks for no more than it got.
    pub(crate) fn ask_longer(&mut self, id: LegId, response: &Message<'_>) -> bool {
        let Some(leg) = self.leg(id) else { return false };
        let least = response.number(Name::MinSe).map(seconds).unwrap_or_default();
        let is_longer = least > leg.least_session;
        leg.least_session = leg.least_session.max(least);
        is_longer
    }

    /// The phone allows UPDATE and does not know it. False: no INVITE can stand in.
    fn forget_update(&mut self, id: LegId) -> bool {
        let Some(leg) = self.leg(id) else { return false };
        leg.peer.update = Support::Unknown;
        leg.is_talking()
    }
}

impl Leg {
    /// By which request the other leg's offer goes on to this one.
    fn method_for(&self, method: Method) -> Result<Method, Failure> {
        match (method == Method::Invite, self.peer.update, self.is_talking()) {
            (true, _, true) => Ok(Method::Invite),
            // Its own first INVITE is not answered yet, though it will be at once.
            (true, _, false) => Err(Failure::of(491)),
            (false, Support::Supported | Support::Required, _) => Ok(Method::Update),
            (false, Support::Unknown, true) => Ok(Method::Invite),
            (false, Support::Unknown, false) => Err(Failure::of(488)),
        }
    }

    /// A 2xx to an INVITE or UPDATE of ours (RFC 3261 §12.2.1.2, RFC 4028 §7.2).
    pub(crate) fn refreshed(&mut self, turn: &Turn<'_>, response: &Message<'_>) {
        self.peer.learn(response);
        if let State::Talking(dialog) = &mut self.state {
            dialog.refresh_target(response);
            self.timer = SessionTimer::of_response(turn.now, response);
        }
    }

    /// Sends the ACK or PRACK that has waited for its answer.
    fn pay_answer(&mut self, turn: &mut Turn<'_>, answer: &[u8]) {
        match &mut self.state {
            State::Incoming(_) => {}
            State::Talking(_) => self.pay_ack(turn, Some(answer)),
            State::Outgoing(outgoing) => {
                let cseq = outgoing.draft.cseq;
                let Some(early) = outgoing.early.iter_mut().find(|early| early.owed.is_some()) else { return };
                let Some(rseq) = early.owed.take() else { return };
                let prack = early.dialog.request(Method::Prack);
                let prack = prack.header(Name::RAck, format_args!("{rseq} {cseq} INVITE")).body(SDP, answer);
                let hop = turn.hop_of(&early.dialog, self.hop);
                turn.request_and_forget(hop, prack.finish());
            }
        }
    }
}

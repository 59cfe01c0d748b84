//! INVITEs of ours: how a phone is rung, and what its provisional responses do.

use crate::begin::path_of;
use crate::best::Failure;
use crate::call::{Call, Exchange, Phase};
use crate::leg::{Draft, Leg, LegId, Outgoing, State, Support};
use crate::output::Side;
use crate::policy::{Place, passing};
use crate::protection::Kind;
use crate::reliable::{Carries, Early, rseq_of};
use crate::response::{ALLOW, Body, SDP, SUPPORTED, response};
use crate::route::{Flow, Way};
use crate::session_timer::{seconds, write_request};
use crate::streams::{Path, Streams, Unfit, Wishes, join};
use crate::turn::Turn;
use sip::build::Builder;
use sip::dialog::Dialog;
use sip::message::{Message, Method, Name};
use std::time::Duration;

impl Call {
    /// Rings a phone of `owner`. `Err`: it cannot be reached this way.
    pub(crate) fn invite_phone(&mut self, turn: &mut Turn<'_>, owner: &str, flow: Flow) -> Result<LegId, Failure> {
        if self.path == Path::Direct && path_of(turn, &self.caller, owner) == Path::Anchored {
            // The call was forwarded to somebody whose media must pass here; others who ring may be told where the caller's is already.
            if self.legs.len() > 1 {
                return Err(Failure::of(488));
            }
            self.path = Path::Anchored;
            self.caller_leg().streams.path = Path::Anchored;
        }
        let hop = flow.hop(turn.core).ok_or_else(|| Failure::of(480))?;
        let session_id = turn.core.random.number();
        let kind = if flow.web { Kind::Browser } else { Kind::Phone };
        let mut streams = Streams::new(self.path, Wishes::of(turn, owner), session_id, flow.received).of_kind(kind);
        let offer = self.caller_leg().streams.theirs.clone();
        let told = match offer.map(|offer| streams.describe(turn, &offer)).transpose() {
            Ok(told) => told,
            Err(unfit) => {
                streams.close(turn);
                return Err(unfit.for_sender());
            }
        };
        streams.ours.clone_from(&told);
        let (id, contact) = turn.leg();
        let draft = Draft {
            flow,
            call_id: turn.name(),
            cseq: 1,
            tag: turn.tag(),
            contact: contact.clone(),
            offer: told,
            least_session: Duration::ZERO,
        };
        let invite = turn.request(hop, self.write_invite(turn, &draft));
        let tags = vec![draft.tag.clone()];
        let state = State::Outgoing(Outgoing { invite, draft, early: Vec::new() });
        let owner = owner.to_owned();
        self.legs.push(Leg { owner, tags, ..Leg::new(id, Side::Callee, hop, contact, state, streams) });
        Ok(id)
    }

    /// The same INVITE with what the phone asks for: after a 422 its Min-SE (RFC 4028 §7.3), after a 488 the secure profile alone, where
    /// the plain one had keys in it. False: it asks for nothing more.
    pub(crate) fn invite_again(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        status: u16,
        response: Option<&Message<'_>>,
    ) -> bool {
        let least = response.and_then(|response| response.number(Name::MinSe)).map(seconds).unwrap_or_default();
        let offer = self.caller_leg().streams.theirs.clone();
        let Some(leg) = self.leg(id) else { return false };
        let State::Outgoing(outgoing) = &mut leg.state else { return false };
        match (status, offer) {
            (422, _) if least > outgoing.draft.least_session => outgoing.draft.least_session = least,
            (488 | 606, Some(offer)) => match leg.streams.describe_securely(turn, &offer) {
                Some(told) => {
                    leg.streams.ours = Some(told.clone());
                    outgoing.draft.offer = Some(told);
                }
                None => return false,
            },
            (_, _) => return false,
        }
        outgoing.draft.cseq += 1;
        outgoing.early.clear();
        let (hop, draft) = (leg.hop, outgoing.draft.clone());
        let invite = turn.request(hop, self.write_invite(turn, &draft));
        if let Some(Leg { state: State::Outgoing(outgoing), .. }) = self.leg(id) {
            outgoing.invite = invite;
        }
        true
    }

    fn write_invite(&self, turn: &Turn<'_>, draft: &Draft) -> Vec<u8> {
        let settings = &turn.core.settings;
        let mut invite = Builder::request(Method::Invite, &draft.flow.uri);
        match &draft.flow.way {
            Way::Registered { token, path } => {
                invite = invite.header(Name::Route, format_args!("<sip:{token}@{};lr>", settings.cluster));
                invite = path.iter().fold(invite, |invite, route| invite.header(Name::Route, route));
            }
            // As a proxy would send it there.
            Way::Inside { target, .. } => {
                invite = invite.header(Name::TandemCaller, &self.caller).header(Name::TandemTarget, target);
            }
            Way::Remembered(_) => {}
        }
        let caller = &self.legs[0];
        // Where the caller made no offer, one in a reliable response would have to find its answer in the caller's PRACK.
        let supported = match (&draft.offer, caller.peer.reliable) {
            (None, Support::Unknown | Support::Supported) => "timer",
            (None, Support::Required) | (Some(_), _) => SUPPORTED,
        };
        invite = invite
            .header(Name::MaxForwards, self.hops_left)
            .header(Name::From, format_args!("{};tag={}", self.identity.shown(), draft.tag))
            .header(Name::To, format_args!("<sip:{}>", self.callee))
            .header(Name::CallId, &draft.call_id)
            .header(Name::CSeq, format_args!("{} INVITE", draft.cseq))
            .header(Name::Contact, &draft.contact)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, supported);
        invite = write_request(settings, None, draft.least_session, invite);
        if let Some(asserted) = self.identity.asserted() {
            invite = invite.header(Name::PAssertedIdentity, asserted);
        }
        if let State::Incoming(incoming) = &caller.state
            && let Ok(received) = Message::parse(&incoming.request)
        {
            let lines = passing(&received, Place::Invite, settings.limits.header);
            invite = lines.fold(invite, |invite, (name, value)| invite.header(name, value));
        }
        match &draft.offer {
            Some(offer) => invite.body(SDP, offer).finish(),
            None => invite.finish(),
        }
    }

    /// 101–199 of a phone that we ring.
    pub(crate) fn handle_ringing(&mut self, turn: &mut Turn<'_>, id: LegId, response: &Message<'_>) {
        self.handle_sign(id);
        let Some(leg) = self.leg(id) else { return };
        leg.peer.learn(response);
        let offered = match leg.hear_early(response) {
            Heard::Nothing => return,
            Heard::Response { offered } => offered,
        };
        let told = match (Body::of(response).sdp(), rseq_of(response)) {
            (Some(offer), Some(rseq)) if !offered => match self.hear_early_offer(turn, id, offer, rseq) {
                Some(told) => Some(told),
                // Without an answer there is no PRACK: the phone will give up on its offer.
                None => return,
            },
            (Some(answer), rseq) if offered => {
                self.acknowledge_early(turn, id, rseq, response.cseq());
                self.hear_early_answer(turn, id, answer)
            }
            // An offer in an unreliable response is none (RFC 3261 §13.2.1).
            (Some(_) | None, rseq) => {
                self.acknowledge_early(turn, id, rseq, response.cseq());
                None
            }
        };
        self.ring_caller(turn, id, response, told);
    }

    /// Sends the PRACK of a reliable response (RFC 3262 §4).
    fn acknowledge_early(&mut self, turn: &mut Turn<'_>, id: LegId, rseq: Option<u32>, cseq: u32) {
        let Some(Leg { state: State::Outgoing(outgoing), hop, .. }) = self.leg(id) else { return };
        let (Some(rseq), Some(early)) = (rseq, outgoing.early.last_mut()) else { return };
        let prack = early.dialog.request(Method::Prack).header(Name::RAck, format_args!("{rseq} {cseq} INVITE"));
        let hop = turn.hop_of(&early.dialog, *hop);
        turn.request_and_forget(hop, prack.finish());
    }

    /// An early answer: the caller hears the first phone that sends one, until that phone is out of the running.
    fn hear_early_answer(&mut self, turn: &mut Turn<'_>, id: LegId, answer: &[u8]) -> Option<Vec<u8>> {
        let Phase::Hunting(hunt) = &mut self.phase else { return None };
        if hunt.early.is_some_and(|early| early != id) {
            // Should it answer, it need not say so again.
            self.leg(id)?.streams.theirs = Some(answer.to_vec());
            return None;
        }
        let told = self.settle_first(turn, id, answer).ok()?;
        if let Phase::Hunting(hunt) = &mut self.phase {
            hunt.early = Some(id);
        }
        Some(told)
    }

    /// A phone's offer to a caller who sent none; the caller's PRACK will bring the answer.
    fn hear_early_offer(&mut self, turn: &mut Turn<'_>, id: LegId, offer: &[u8], rseq: u32) -> Option<Vec<u8>> {
        let Phase::Hunting(hunt) = &mut self.phase else { return None };
        if hunt.early.is_some() || self.exchange.is_some() {
            return None;
        }
        let told = self.legs[0].streams.describe(turn, offer).ok()?;
        hunt.early = Some(id);
        if let Some(Leg { state: State::Outgoing(outgoing), .. }) = self.leg(id) {
            outgoing.early.last_mut()?.owed = Some(rseq);
        }
        self.exchange = Some(Exchange { offerer: id, offer: offer.to_vec(), told: told.clone() });
        Some(told)
    }

    /// A phone's answer to the caller's first offer: what the caller is told, once media can flow.
    pub(crate) fn settle_first(&mut self, turn: &mut Turn<'_>, id: LegId, answer: &[u8]) -> Result<Vec<u8>, Failure> {
        let (caller, phone) = self.pair(id).ok_or_else(|| Failure::of(500))?;
        let offer = caller.streams.theirs.clone().unwrap_or_default();
        phone
            .streams
            .check_answer(phone.streams.ours.as_deref().unwrap_or_default(), answer)
            .map_err(Unfit::for_other)?;
        let told = caller.streams.describe_answer(turn, &offer, answer).map_err(Unfit::for_other)?;
        phone.streams.theirs = Some(answer.to_vec());
        caller.streams.ours = Some(told.clone());
        join(turn, &mut caller.streams, &mut phone.streams);
        Ok(told)
    }

    /// Lets the caller hear that a phone rings.
    fn ring_caller(&mut self, turn: &mut Turn<'_>, id: LegId, response_: &Message<'_>, told: Option<Vec<u8>>) {
        let status = response_.status().unwrap_or(180);
        let (limit, timers) = (turn.settings().limits.header, turn.settings().timers);
        let caller = self.caller_leg();
        let State::Incoming(incoming) = &mut caller.state else { return };
        // 100 and 199 are between neighbours; another phone that rings as well is no news.
        let is_news = told.is_some() || incoming.told != status || incoming.ringing == Some(id);
        if !matches!(status, 180..=183) || !is_news {
            return;
        }
        let carries = if told.is_some() { Carries::Description } else { Carries::Nothing };
        if told.is_some() {
            incoming.hear(turn, id, &mut caller.tags);
        }
        (incoming.told, incoming.ringing) = (status, Some(id));
        let Ok(request) = Message::parse(&incoming.request) else { return };
        let mut ringing = response(&request, status)
            .to_tag(&incoming.dialog.local_tag)
            .header(Name::Contact, &caller.contact)
            .header(Name::Allow, ALLOW);
        let lines = passing(response_, Place::Ringing, limit);
        ringing = lines.fold(ringing, |ringing, (name, value)| ringing.header(name, value));
        if let Some(told) = &told {
            ringing = ringing.body(SDP, told);
        }
        let is_reliable = match (caller.peer.reliable, carries) {
            (Support::Required, _) | (Support::Supported, Carries::Description) => true,
            (Support::Supported, Carries::Nothing) | (Support::Unknown, _) => false,
        };
        if !is_reliable {
            return turn.respond(incoming.invite, ringing.finish());
        }
        let rseq = caller.reliable.next(turn.core.random.number());
        let ringing = ringing.header(Name::Require, "100rel").header(Name::RSeq, rseq).finish();
        if let Some(ringing) = caller.reliable.send(turn.now, &timers, rseq, ringing, carries) {
            turn.respond(incoming.invite, ringing);
        }
    }
}

/// What a provisional response is to us.
enum Heard {
    /// A copy, one that overtook another, or one without a dialog.
    Nothing,
    Response {
        /// Our INVITE had an offer.
        offered: bool,
    },
}

impl Leg {
    /// Finds or begins the early dialog of a provisional response.
    fn hear_early(&mut self, response: &Message<'_>) -> Heard {
        let State::Outgoing(outgoing) = &mut self.state else { return Heard::Nothing };
        let offered = outgoing.draft.offer.is_some();
        let index = match outgoing.early.iter().position(|early| early.dialog.is_of(response)) {
            Some(index) => index,
            None => match Dialog::uac(response, &outgoing.draft.flow.uri, &self.contact) {
                Some(dialog) if outgoing.early.len() < MOST_EARLY => {
                    outgoing.early.push(Early::new(dialog));
                    outgoing.early.len() - 1
                }
                Some(_) => return Heard::Nothing,
                None => return Heard::Response { offered },
            },
        };
        // The one last heard comes last.
        let mut early = outgoing.early.remove(index);
        let is_news = rseq_of(response).is_none_or(|rseq| early.is_next(rseq));
        early.dialog.refresh_target(response);
        outgoing.early.push(early);
        if is_news { Heard::Response { offered } } else { Heard::Nothing }
    }
}

/// Phones behind one address that ring at once; more are not told apart.
const MOST_EARLY: usize = 8;

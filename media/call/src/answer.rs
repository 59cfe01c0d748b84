//! A phone has answered, and what the caller is answered then.

use crate::best::Failure;
use crate::call::{Call, Exchange, Phase};
use crate::leg::{Awaits, Leg, LegId, Owed, State, Unacknowledged};
use crate::policy::{Place, passing};
use crate::reliable::Early;
use crate::response::{ALLOW, Body, SDP, SUPPORTED, response};
use crate::session_timer::SessionTimer;
use crate::streams::Unfit;
use crate::turn::Turn;
use sip::dialog::Dialog;
use sip::message::{Message, Name};

impl Call {
    /// The first 2xx of a phone that rings; it wins.
    pub(crate) fn handle_answered(&mut self, turn: &mut Turn<'_>, id: LegId, response: &Message<'_>) {
        let Some(leg) = self.leg(id) else { return };
        let Some(offered) = leg.pick_up(turn, response) else { return };
        // What was said in an earlier response need not be said again.
        let before = leg.streams.theirs.clone();
        let told = match (offered, Body::of(response).sdp().or(before.as_deref())) {
            (Offered::InInvite, Some(answer)) => self.settle_first(turn, id, answer).map(Some),
            (Offered::Early, _) => Ok(None),
            (Offered::Not, Some(offer)) => self.take_first_offer(turn, id, offer).map(Some),
            (Offered::InInvite | Offered::Not, None) => Err(Failure::of(502)),
        };
        let awaits = match offered {
            Offered::InInvite | Offered::Early => Awaits::Nothing,
            Offered::Not => Awaits::Answer,
        };
        match told {
            Ok(told) => {
                self.won(turn, id);
                if awaits == Awaits::Nothing
                    && let Some(leg) = self.leg(id)
                {
                    leg.pay_ack(turn, None);
                }
                self.answer_caller(turn, Some(response), told, awaits);
            }
            Err(failure) => self.handle_fork_unfit(turn, id, failure),
        }
    }

    /// Answers the caller's INVITE.
    pub(crate) fn answer_caller(
        &mut self,
        turn: &mut Turn<'_>,
        from: Option<&Message<'_>>,
        told: Option<Vec<u8>>,
        awaits: Awaits,
    ) {
        let heard = match &self.phase {
            Phase::Talking(callee) => Some(*callee),
            Phase::Hunting(_) | Phase::Serving(_) | Phase::Over => None,
        };
        let limit = turn.settings().limits.header;
        let caller = self.caller_leg();
        let State::Incoming(incoming) = &mut caller.state else { return };
        if let (Some(heard), Some(_)) = (heard, &told) {
            incoming.hear(turn, heard, &mut caller.tags);
        }
        let Ok(request) = Message::parse(&incoming.request) else { return };
        let mut ok = response(&request, 200)
            .to_tag(&incoming.dialog.local_tag)
            .header(Name::Contact, &caller.contact)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED);
        if let Ok(timer) = SessionTimer::of_request(turn.now, &request, turn.settings(), None) {
            ok = timer.write_response(&request, ok);
            caller.timer = Some(timer);
        }
        let lines = from.into_iter().flat_map(|from| passing(from, Place::Success, limit));
        ok = lines.fold(ok, |ok, (name, value)| ok.header(name, value));
        let ok = match &told {
            Some(told) => ok.body(SDP, told).finish(),
            None => ok.finish(),
        };
        incoming.awaits = awaits;
        if caller.reliable.holds_answer() {
            caller.reliable.held = Some(ok);
        } else {
            self.send_answer(turn, ok);
        }
    }

    /// Sends the 200 to the caller, at once or when the PRACK that it waited for has come.
    pub(crate) fn send_answer(&mut self, turn: &mut Turn<'_>, ok: Vec<u8>) {
        let Some(caller) = self.legs.first_mut() else { return };
        let State::Incoming(incoming) = &mut caller.state else { return };
        let (invite, awaits) = (incoming.invite, incoming.awaits);
        let mut dialog = incoming.dialog.clone();
        dialog.confirm();
        caller.state = State::Talking(dialog);
        caller.reliable.finish();
        caller.unacknowledged.push(Unacknowledged { invite, awaits });
        turn.respond(invite, ok);
        (self.answered, self.status) = (Some(turn.wall), 200);
        self.begin_recording(turn);
        self.report(turn);
    }

    /// The phone's offer in its 2xx, to a caller who sent none: the caller's ACK will bring the answer.
    fn take_first_offer(&mut self, turn: &mut Turn<'_>, id: LegId, offer: &[u8]) -> Result<Vec<u8>, Failure> {
        let told = self.caller_leg().streams.describe(turn, offer).map_err(Unfit::for_other)?;
        self.exchange = Some(Exchange { offerer: id, offer: offer.to_vec(), told: told.clone() });
        Ok(told)
    }
}

/// Where a first offer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offered {
    InInvite,
    /// In a reliable provisional response.
    Early,
    Not,
}

impl Leg {
    /// From ringing to talking: the dialog of the 2xx, and an ACK that is owed.
    fn pick_up(&mut self, turn: &mut Turn<'_>, response: &Message<'_>) -> Option<Offered> {
        let State::Outgoing(outgoing) = &mut self.state else { return None };
        let early = outgoing.early.iter().position(|early| early.dialog.is_of(response));
        let (dialog, answered) = match early.map(|index| outgoing.early.swap_remove(index)) {
            Some(Early { mut dialog, rseq, .. }) => {
                dialog.confirm_by(response);
                (dialog, rseq)
            }
            None => (Dialog::uac(response, &outgoing.draft.flow.uri, &self.contact)?, None),
        };
        let offered = match (&outgoing.draft.offer, answered) {
            (Some(_), _) => Offered::InInvite,
            (None, Some(_)) if self.streams.theirs.is_some() => Offered::Early,
            (None, _) => Offered::Not,
        };
        let invite = outgoing.invite;
        turn.core.owners.clients.remove(&invite);
        turn.core.late.refuse_answers(invite, self.hop, outgoing.draft.flow.uri.clone(), self.contact.clone());
        turn.core.late.acknowledged(invite, &dialog.remote_tag, Vec::new());
        self.peer.learn(response);
        self.timer = SessionTimer::of_response(turn.now, response);
        self.owed = Some(Owed { invite, cseq: response.cseq() });
        self.state = State::Talking(dialog);
        Some(offered)
    }

    /// Sends the ACK that is owed, with the answer if there was an offer.
    pub(crate) fn pay_ack(&mut self, turn: &mut Turn<'_>, answer: Option<&[u8]>) {
        let (Some(owed), State::Talking(dialog)) = (self.owed.take(), &self.state) else { return };
        let ack = dialog.ack(owed.cseq);
        let ack = match answer {
            Some(answer) => ack.body(SDP, answer).finish(),
            None => ack.finish(),
        };
        let hop = turn.hop_of(dialog, self.hop);
        turn.core.late.acknowledged(owed.invite, &dialog.remote_tag, ack.clone());
        turn.core.endpoint.send(hop, ack);
    }
}

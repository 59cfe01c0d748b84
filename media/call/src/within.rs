//! Requests within a call's dialogs, ACK and CANCEL, and what becomes of requests of ours.

use crate::best::Failure;
use crate::call::{Call, Phase};
use crate::leg::{Awaits, Leg, LegId, Owed, Purpose, State, Task};
use crate::output::Side;
use crate::policy::{Place, passing};
use crate::response::{Body, capabilities, check_required, method_refused, response};
use crate::route;
use crate::turn::Turn;
use sip::endpoint::{ClientId, ServerId};
use sip::hop::Hop;
use sip::message::{Message, Method, Name};

impl Call {
    /// A request with a tag of ours.
    pub(crate) fn handle_request(&mut self, turn: &mut Turn<'_>, server: ServerId, from: Hop, bytes: Vec<u8>) {
        let Ok(request) = Message::parse(&bytes) else { return };
        let Some(leg) = self.legs.iter_mut().find(|leg| leg.is_of(&request)) else {
            return self.refuse(turn, server, &request, &Failure::of(481));
        };
        leg.hop = from;
        let id = leg.id;
        if !leg.accepts(&request) {
            let failure = Failure::of(500).with(Name::RetryAfter, 0);
            return self.refuse(turn, server, &request, &failure);
        }
        if let Some(dialog) = leg.dialog() {
            route::follow(turn.core, dialog, &request);
        }
        if request.method() == Method::Bye {
            return self.handle_bye(turn, id, server, &request);
        }
        if let Err(failure) = check_required(&request) {
            return self.refuse(turn, server, &request, &failure);
        }
        match request.method() {
            Method::Invite | Method::Update => self.handle_offer(turn, id, server, &bytes),
            Method::Prack => self.handle_prack(turn, id, server, bytes),
            Method::Info | Method::Message | Method::Notify | Method::Refer => self.relay(turn, id, server, bytes),
            Method::Options => turn.respond(server, capabilities(&request, "")),
            Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Register
            | Method::Subscribe
            | Method::Publish
            | Method::Other => self.refuse(turn, server, &request, &method_refused(request.method())),
        }
    }

    fn handle_bye(&mut self, turn: &mut Turn<'_>, id: LegId, server: ServerId, bye: &Message<'_>) {
        // A phone that rings says no by a failure; its BYE ends nothing (RFC 3261 §15).
        if self.leg(id).is_some_and(|leg| matches!(leg.state, State::Outgoing(_))) {
            return self.refuse(turn, server, bye, &Failure::of(481));
        }
        turn.respond(server, response(bye, 200).finish());
        let reasons = passing(bye, Place::Request, turn.settings().limits.header);
        let reasons = reasons.filter(|(name, _)| *name == Name::Reason || *name == Name::UserToUser);
        let lines = reasons.map(|(name, value)| (name, value.to_owned())).collect();
        let why = match self.leg(id).map(|leg| leg.side) {
            Some(Side::Callee) => "hung up by the callee",
            Some(Side::Caller) | None => "hung up by the caller",
        };
        self.end(turn, why, Some(id), Failure { status: 487, lines });
    }

    /// The caller of an INVITE no longer wants an answer.
    pub(crate) fn handle_cancel(&mut self, turn: &mut Turn<'_>, invite: ServerId, reason: Option<String>) {
        let is_first = |leg: &Leg| matches!(&leg.state, State::Incoming(incoming) if incoming.invite == invite);
        if let Some(id) = self.legs.iter().find(|leg| is_first(leg)).map(|leg| leg.id) {
            let lines = reason.into_iter().map(|reason| (Name::Reason, reason)).collect();
            return self.end(turn, "cancelled by the caller", Some(id), Failure { status: 487, lines });
        }
        // Whatever the other leg says then is the answer: a 487, or a 2xx that was faster.
        for task in self.legs.iter().flat_map(|leg| &leg.tasks) {
            match &task.purpose {
                Purpose::Relay { server, .. } if *server == invite => turn.core.endpoint.cancel(turn.now, task.client),
                Purpose::Relay { .. } | Purpose::Refresh | Purpose::Key | Purpose::None => {}
            }
        }
    }

    /// The ACK of a 2xx of ours.
    pub(crate) fn handle_ack(&mut self, turn: &mut Turn<'_>, invite: ServerId, from: Hop, ack: &Message<'_>) {
        turn.core.owners.servers.remove(&invite);
        let Some((id, awaits)) = self.acknowledged(invite) else { return };
        if let Some(leg) = self.leg(id) {
            leg.hop = from;
        }
        match (awaits, Body::of(ack).sdp()) {
            (Awaits::Nothing, _) => {}
            (Awaits::Answer, Some(answer)) => self.handle_late_answer(turn, id, answer),
            (Awaits::Answer, None) => self.end(turn, "an offer without answer", None, Failure::of(488)),
        }
    }

    /// Nobody acknowledged a 2xx of ours (RFC 3261 §13.3.1.4).
    pub(crate) fn handle_ack_missing(&mut self, turn: &mut Turn<'_>, invite: ServerId) {
        turn.core.owners.servers.remove(&invite);
        if self.acknowledged(invite).is_some() {
            self.end(turn, "the answer was not acknowledged", None, Failure::of(408));
        }
    }

    fn acknowledged(&mut self, invite: ServerId) -> Option<(LegId, Awaits)> {
        self.legs.iter_mut().find_map(|leg| {
            let index = leg.unacknowledged.iter().position(|it| it.invite == invite)?;
            Some((leg.id, leg.unacknowledged.remove(index).awaits))
        })
    }

    /// A response to a request of ours, or the status that stands for silence.
    pub(crate) fn handle_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        client: ClientId,
        status: u16,
        response: Option<&Message<'_>>,
    ) {
        if status >= 200 {
            turn.core.owners.clients.remove(&client);
        }
        let rings = |leg: &&Leg| matches!(&leg.state, State::Outgoing(outgoing) if outgoing.invite == client);
        if let Some(id) = self.legs.iter().find(rings).map(|leg| leg.id) {
            return match (status, response) {
                (..200, Some(response)) => self.handle_ringing(turn, id, response),
                (200..300, Some(response)) => self.handle_answered(turn, id, response),
                (_, _) => self.handle_fork_failure(turn, id, status, response),
            };
        }
        if status < 200 {
            return;
        }
        let found = self.legs.iter_mut().find_map(|leg| Some((leg.id, leg.take_task(client)?)));
        let Some((id, task)) = found else { return };
        if let (Method::Invite, 200..300, Some(leg)) = (task.method, status, self.leg(id)) {
            leg.owe_ack(turn, client, task.cseq);
        }
        let is_offer = task.method == Method::Invite || task.offer.is_some();
        match &task.purpose {
            Purpose::Relay { .. } if is_offer => self.offer_answered(turn, id, task, status, response),
            Purpose::Relay { .. } => self.relay_answered(turn, id, task, status, response),
            Purpose::Refresh => self.refresh_answered(turn, id, task, status, response),
            Purpose::Key => self.handle_key_told(turn, id, status),
            Purpose::None => {
                if let Some(leg) = self.leg(id) {
                    leg.pay_ack(turn, None);
                }
            }
        }
    }

    /// Something happened to the caller's media or the phone's.
    pub(crate) fn handle_silence(&mut self, turn: &mut Turn<'_>) {
        match &self.phase {
            Phase::Talking(_) | Phase::Serving(_) => {
                let failure = Failure::of(408).with(Name::Reason, r#"Q.850;cause=41;text="No media""#);
                self.end(turn, "no media", None, failure);
            }
            Phase::Hunting(_) | Phase::Over => {}
        }
    }
}

impl Leg {
    /// Whether a request of theirs is for this leg.
    fn is_of(&self, request: &Message<'_>) -> bool {
        match &self.state {
            // A PRACK may be for a tag that another phone's answer has since replaced.
            State::Incoming(incoming) => {
                let (dialog, from) = (&incoming.dialog, request.from_tag().unwrap_or(""));
                let to = request.to_tag().unwrap_or("");
                request.call_id() == dialog.call_id
                    && from == dialog.remote_tag
                    && self.tags.iter().any(|tag| tag == to)
            }
            State::Outgoing(outgoing) => outgoing.early.iter().any(|early| early.dialog.is_of(request)),
            State::Talking(dialog) => dialog.is_of(request),
        }
    }

    /// Notes the CSeq of a request; false where it comes too late (RFC 3261 §12.2.2).
    fn accepts(&mut self, request: &Message<'_>) -> bool {
        let dialog = match &mut self.state {
            State::Incoming(incoming) => Some(&mut incoming.dialog),
            State::Outgoing(outgoing) => {
                outgoing.early.iter_mut().map(|early| &mut early.dialog).find(|dialog| dialog.is_of(request))
            }
            State::Talking(dialog) => Some(dialog),
        };
        dialog.is_some_and(|dialog| dialog.accepts(request.cseq()))
    }

    fn take_task(&mut self, client: ClientId) -> Option<Task> {
        let index = self.tasks.iter().position(|task| task.client == client)?;
        Some(self.tasks.remove(index))
    }

    /// Our INVITE within the dialog was answered with a 2xx.
    fn owe_ack(&mut self, turn: &mut Turn<'_>, invite: ClientId, cseq: u32) {
        let State::Talking(dialog) = &self.state else { return };
        turn.core.late.acknowledge(invite, self.hop, dialog.clone(), cseq);
        turn.core.late.acknowledged(invite, &dialog.remote_tag, Vec::new());
        self.owed = Some(Owed { invite, cseq });
    }
}

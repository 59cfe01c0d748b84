//! The caller's side of reliable provisional responses (RFC 3262).

use crate::best::Failure;
use crate::call::Call;
use crate::leg::{LegId, State};
use crate::reliable::Due;
use crate::response::{Body, response};
use crate::turn::Turn;
use sip::endpoint::ServerId;
use sip::message::{Message, Name};
use std::time::Instant;

impl Call {
    pub(crate) fn handle_prack(&mut self, turn: &mut Turn<'_>, id: LegId, server: ServerId, bytes: Vec<u8>) {
        let Ok(prack) = Message::parse(&bytes) else { return };
        let timers = turn.settings().timers;
        let Some(leg) = self.leg(id) else { return };
        let Ok(next) = leg.reliable.handle_prack(turn.now, &timers, &prack) else {
            return self.refuse(turn, server, &prack, &Failure::of(481));
        };
        if let (Some(next), State::Incoming(incoming)) = (next, &leg.state) {
            turn.respond(incoming.invite, next);
        }
        let held = if leg.reliable.holds_answer() { None } else { leg.reliable.held.take() };
        match Body::of(&prack) {
            Body::Sdp(answer) if self.exchange.is_some() => {
                turn.respond(server, response(&prack, 200).finish());
                self.handle_late_answer(turn, id, answer);
            }
            // The answer has arrived, so this is a new offer.
            Body::Sdp(_) => self.handle_offer(turn, id, server, &bytes),
            Body::None | Body::Other => turn.respond(server, response(&prack, 200).finish()),
        }
        if let Some(held) = held {
            self.send_answer(turn, held);
        }
    }

    pub(crate) fn reliable_due(&self) -> Option<Instant> {
        self.legs.first()?.reliable.due()
    }

    pub(crate) fn handle_reliable_timeout(&mut self, turn: &mut Turn<'_>) {
        let timers = turn.settings().timers;
        let Some(leg) = self.legs.first_mut() else { return };
        let State::Incoming(incoming) = &mut leg.state else { return };
        match leg.reliable.handle_timeout(turn.now, &timers) {
            Due::Nothing => {}
            Due::Resend(response) => turn.respond(incoming.invite, response),
            Due::GiveUp => {
                let failure = Failure::of(504).with(Name::Reason, r#"SIP;cause=504;text="No PRACK""#);
                self.end(turn, "a provisional response was not acknowledged", None, failure);
            }
        }
    }
}

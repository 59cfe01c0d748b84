//! Keeping sessions alive, and ending the ones that are not (RFC 4028 §7.2, §10).

use crate::best::Failure;
use crate::call::Call;
use crate::leg::{Leg, LegId, Purpose, Support, Task};
use crate::output::Side;
use crate::response::Body;
use crate::turn::Turn;
use sip::message::{Message, Method};
use std::time::{Duration, Instant};

impl Call {
    pub(crate) fn refresh_due(&self) -> Option<Instant> {
        let timers = self.legs.iter().filter(|leg| leg.is_talking()).filter_map(|leg| leg.timer);
        timers.map(|timer| timer.due()).min()
    }

    pub(crate) fn handle_refresh_timeout(&mut self, turn: &mut Turn<'_>) {
        let due: Vec<LegId> = self
            .legs
            .iter()
            .filter(|leg| leg.is_talking() && leg.timer.is_some_and(|timer| timer.due() <= turn.now))
            .map(|leg| leg.id)
            .collect();
        for id in due {
            let Some(leg) = self.leg(id) else { return };
            let Some(timer) = &mut leg.timer else { continue };
            if timer.expires_at <= turn.now {
                return self.end(turn, "the session expired", None, Failure::of(408));
            }
            // Another exchange is on its way and refreshes the session itself, or is soon over.
            let is_busy = leg.is_offering() || !leg.unacknowledged.is_empty() || self.is_offering(id);
            let Some(leg) = self.leg(id) else { return };
            let Some(timer) = &mut leg.timer else { continue };
            if is_busy {
                timer.refresh_at = Some(turn.now + BUSY);
                continue;
            }
            timer.refresh_at = None;
            let (method, offer) = match leg.peer.update {
                Support::Supported | Support::Required => (Method::Update, None),
                Support::Unknown => (Method::Invite, leg.streams.ours.clone()),
            };
            self.send_offer(turn, id, method, offer, Purpose::Refresh, None);
        }
    }

    /// What became of a refresh.
    pub(crate) fn refresh_answered(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        task: Task,
        status: u16,
        response: Option<&Message<'_>>,
    ) {
        let is_longer = status == 422 && response.is_some_and(|response| self.ask_longer(id, response));
        let other = self.other(id);
        let Some(leg) = self.leg(id) else { return };
        match (status, response) {
            (200..300, Some(response)) => {
                leg.refreshed(turn, response);
                leg.pay_ack(turn, None);
                if let (Some(answer), Some(offer)) = (Body::of(response).sdp(), &task.offer) {
                    if let Err(unfit) = leg.streams.check_answer(offer, answer) {
                        return self.end(turn, "no agreement on media", None, unfit.for_other());
                    }
                    leg.streams.theirs = Some(answer.to_vec());
                }
                if let Some(other) = other {
                    self.join(turn, id, other);
                }
            }
            (408 | 481, _) => self.end(turn, "a leg is dead", Some(id), Failure::of(480)),
            (_, _) => {
                let wait = match status {
                    // RFC 3261 §14.1: whoever owns the Call-ID waits longer, so that the other one is first.
                    491 if leg.owns_call_id() => turn.back_off(Duration::from_millis(2100), Duration::from_secs(4)),
                    491 => turn.back_off(Duration::ZERO, Duration::from_secs(2)),
                    405 | 501 if task.method == Method::Update => {
                        leg.peer.update = Support::Unknown;
                        Duration::ZERO
                    }
                    422 if is_longer => Duration::ZERO,
                    _ => leg.timer.map_or(BUSY, |timer| timer.interval / 8),
                };
                if let Some(timer) = &mut leg.timer {
                    timer.refresh_at = Some(turn.now + wait);
                }
            }
        }
    }
}

impl Leg {
    /// Whether we began the dialog.
    fn owns_call_id(&self) -> bool {
        match self.side {
            Side::Callee => true,
            Side::Caller => false,
        }
    }
}

/// How long a refresh waits for another exchange to end.
const BUSY: Duration = Duration::from_secs(2);

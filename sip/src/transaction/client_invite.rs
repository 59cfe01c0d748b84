use super::{OnResponse, OnTimeout};
use crate::hop::Transport;
use crate::timer::{Resend, Timers};
use std::time::Instant;

/// INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientInvite {
    transport: Transport,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing heard yet. Timers A and B.
    Calling {
        resend: Option<Resend>,
        give_up_at: Instant,
        cancel: Cancel,
    },
    /// A provisional response has come; `give_up_at` only after a CANCEL (§9.1).
    Proceeding {
        give_up_at: Option<Instant>,
    },
    /// A failure has come and was acknowledged. Timer D.
    Completed {
        done_at: Instant,
    },
    /// A 2xx has come; the user acknowledges each copy. Timer M.
    Accepted {
        done_at: Instant,
    },
    Terminated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancel {
    NotWanted,
    /// As soon as a provisional response shows that the INVITE has arrived.
    Wanted,
}

/// What a client transaction wants done when its user no longer wants an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCancel {
    /// Send a CANCEL now.
    Send,
    /// Not before a provisional response, or never again.
    Wait,
}

impl ClientInvite {
    /// The INVITE goes out now.
    pub fn new(now: Instant, timers: &Timers, transport: Transport) -> ClientInvite {
        let resend = Resend::over(transport, now, timers);
        let state = State::Calling { resend, give_up_at: now + timers.give_up(), cancel: Cancel::NotWanted };
        ClientInvite { transport, state }
    }

    /// A response has come.
    pub fn handle_response(&mut self, now: Instant, timers: &Timers, status: u16) -> OnResponse {
        match (self.state, status) {
            (State::Calling { cancel: Cancel::Wanted, .. }, ..200) => {
                self.state = State::Proceeding { give_up_at: Some(now + timers.give_up()) };
                OnResponse::DeliverAndCancel
            }
            (State::Calling { cancel: Cancel::NotWanted, .. }, ..200) => {
                self.state = State::Proceeding { give_up_at: None };
                OnResponse::Deliver
            }
            (State::Proceeding { .. }, ..200) => OnResponse::Deliver,
            (State::Calling { .. } | State::Proceeding { .. }, 200..300) => {
                self.state = State::Accepted { done_at: now + timers.give_up() };
                OnResponse::Deliver
            }
            (State::Calling { .. } | State::Proceeding { .. }, 300..) => {
                let done_at = now + timers.failure_copies(self.transport);
                self.state = if done_at > now { State::Completed { done_at } } else { State::Terminated };
                OnResponse::DeliverAndAck
            }
            (State::Accepted { .. }, 200..300) => OnResponse::Deliver,
            (State::Completed { .. }, 300..) => OnResponse::Ack,
            (State::Accepted { .. } | State::Completed { .. } | State::Terminated, _) => OnResponse::Absorb,
        }
    }

    /// The user no longer wants an answer.
    pub fn handle_cancel(&mut self, now: Instant, timers: &Timers) -> OnCancel {
        match &mut self.state {
            State::Calling { cancel, .. } => {
                *cancel = Cancel::Wanted;
                OnCancel::Wait
            }
            State::Proceeding { give_up_at: give_up_at @ None } => {
                *give_up_at = Some(now + timers.give_up());
                OnCancel::Send
            }
            State::Proceeding { give_up_at: Some(_) }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Terminated => OnCancel::Wait,
        }
    }

    /// The time of [`ClientInvite::deadline`] has come.
    pub fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> OnTimeout {
        match &mut self.state {
            State::Calling { give_up_at, .. } | State::Proceeding { give_up_at: Some(give_up_at) }
                if *give_up_at <= now =>
            {
                self.state = State::Terminated;
                OnTimeout::TimedOut
            }
            State::Calling { resend: Some(resend), .. } if resend.at <= now => {
                *resend = resend.doubled(now, timers.give_up());
                OnTimeout::Resend
            }
            State::Completed { done_at } if *done_at <= now => {
                self.state = State::Terminated;
                OnTimeout::Ended
            }
            State::Accepted { done_at } if *done_at <= now => {
                self.state = State::Terminated;
                OnTimeout::CopiesEnded
            }
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Terminated => OnTimeout::Wait,
        }
    }

    /// When to call [`ClientInvite::handle_timeout`].
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Calling { resend, give_up_at, .. } => Some(resend.map_or(give_up_at, |it| it.at.min(give_up_at))),
            State::Proceeding { give_up_at } => give_up_at,
            State::Completed { done_at } | State::Accepted { done_at } => Some(done_at),
            State::Terminated => None,
        }
    }

    /// Whether nothing has been heard yet.
    pub fn is_unheard(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// Whether the transaction is over.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TIMERS, at};
    use super::*;

    fn over(transport: Transport) -> ClientInvite {
        ClientInvite::new(at(0), &TIMERS, transport)
    }

    /// Lets time pass and notes when something was done.
    fn run(invite: &mut ClientInvite) -> Vec<(u64, OnTimeout)> {
        super::super::tests::run(invite, ClientInvite::deadline, ClientInvite::handle_timeout)
    }

    #[test]
    fn timer_a_doubles_until_timer_b() {
        let mut invite = over(Transport::Udp);
        let repeats = [500, 1500, 3500, 7500, 15_500, 31_500].map(|millis| (millis, OnTimeout::Resend));
        assert_eq!(run(&mut invite), [&repeats[..], &[(32_000, OnTimeout::TimedOut)]].concat());
        assert!(invite.is_terminated());
    }

    #[test]
    fn a_reliable_transport_repeats_nothing() {
        assert_eq!(run(&mut over(Transport::Tcp)), [(32_000, OnTimeout::TimedOut)]);
    }

    #[test]
    fn a_provisional_response_stops_all_timers() {
        let mut invite = over(Transport::Udp);
        assert_eq!(invite.handle_response(at(10), &TIMERS, 100), OnResponse::Deliver);
        assert_eq!(invite.handle_response(at(20), &TIMERS, 183), OnResponse::Deliver);
        assert_eq!(invite.deadline(), None);
    }

    #[test]
    fn copies_of_a_failure_are_acknowledged_and_not_delivered_for_timer_d() {
        let mut invite = over(Transport::Udp);
        assert_eq!(invite.handle_response(at(10), &TIMERS, 486), OnResponse::DeliverAndAck);
        assert_eq!(invite.handle_response(at(20), &TIMERS, 486), OnResponse::Ack);
        assert_eq!(invite.handle_response(at(30), &TIMERS, 180), OnResponse::Absorb);
        assert_eq!(run(&mut invite), [(32_010, OnTimeout::Ended)]);
        assert_eq!(invite.handle_response(at(32_011), &TIMERS, 486), OnResponse::Absorb);
    }

    #[test]
    fn over_a_reliable_transport_a_failure_ends_it_at_once() {
        let mut invite = over(Transport::Tls);
        assert_eq!(invite.handle_response(at(10), &TIMERS, 404), OnResponse::DeliverAndAck);
        assert!(invite.is_terminated());
    }

    #[test]
    fn every_copy_of_a_2xx_is_delivered_for_timer_m() {
        for transport in Transport::ALL {
            let mut invite = over(transport);
            assert_eq!(invite.handle_response(at(10), &TIMERS, 200), OnResponse::Deliver);
            assert_eq!(invite.handle_response(at(20), &TIMERS, 200), OnResponse::Deliver);
            assert_eq!(invite.handle_response(at(30), &TIMERS, 183), OnResponse::Absorb);
            assert_eq!(invite.handle_response(at(40), &TIMERS, 486), OnResponse::Absorb);
            assert_eq!(run(&mut invite), [(32_010, OnTimeout::CopiesEnded)]);
        }
    }

    #[test]
    fn cancel_before_any_response_waits_for_a_provisional_one() {
        let mut invite = over(Transport::Udp);
        assert_eq!(invite.handle_cancel(at(0), &TIMERS), OnCancel::Wait);
        assert_eq!(invite.handle_timeout(at(500), &TIMERS), OnTimeout::Resend, "the INVITE is still repeated");
        assert_eq!(invite.handle_response(at(600), &TIMERS, 180), OnResponse::DeliverAndCancel);
        assert_eq!(invite.handle_response(at(700), &TIMERS, 180), OnResponse::Deliver, "one CANCEL");
        assert_eq!(invite.handle_response(at(800), &TIMERS, 487), OnResponse::DeliverAndAck);
    }

    #[test]
    fn cancel_before_a_final_response_is_never_sent() {
        for status in [200, 486] {
            let mut invite = over(Transport::Udp);
            assert_eq!(invite.handle_cancel(at(0), &TIMERS), OnCancel::Wait);
            assert_ne!(invite.handle_response(at(1), &TIMERS, status), OnResponse::DeliverAndCancel);
            assert_eq!(invite.handle_cancel(at(2), &TIMERS), OnCancel::Wait);
        }
    }

    #[test]
    fn a_cancelled_invite_without_final_response_is_given_up() {
        let mut invite = over(Transport::Udp);
        invite.handle_response(at(10), &TIMERS, 180);
        assert_eq!(invite.handle_cancel(at(100), &TIMERS), OnCancel::Send);
        assert_eq!(invite.handle_cancel(at(200), &TIMERS), OnCancel::Wait, "one CANCEL");
        assert_eq!(run(&mut invite), [(32_100, OnTimeout::TimedOut)]);
    }

    #[test]
    fn a_2xx_that_crosses_the_cancel_is_delivered() {
        let mut invite = over(Transport::Udp);
        invite.handle_response(at(10), &TIMERS, 180);
        assert_eq!(invite.handle_cancel(at(100), &TIMERS), OnCancel::Send);
        assert_eq!(invite.handle_response(at(101), &TIMERS, 200), OnResponse::Deliver);
    }
}

use super::{OnCopy, OnRespond};
use crate::hop::Transport;
use crate::timer::{Resend, Timers};
use std::time::Instant;

/// INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1), and the repetition of its user's 2xx (RFC 3261 §13.3.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerInvite {
    transport: Transport,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The user has said nothing yet; at `trying_at` the transaction says 100.
    Received {
        trying_at: Instant,
    },
    /// A provisional response has gone.
    Proceeding,
    /// A failure has gone. Timers G and H.
    Completed {
        resend: Option<Resend>,
        give_up_at: Instant,
    },
    /// The ACK of the failure has come. Timer I.
    Confirmed {
        done_at: Instant,
    },
    /// A 2xx has gone, and is repeated over every transport until its ACK comes. Timer L.
    Answered {
        resend: Resend,
        done_at: Instant,
    },
    /// The ACK of the 2xx has come. Timer L.
    Acknowledged {
        done_at: Instant,
    },
    Terminated,
}

/// What the transaction wants done with an ACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAck {
    /// Hand it to the user: the first one of a 2xx.
    Deliver,
    /// A copy, or of a failure, which is the transaction's own affair.
    Absorb,
}

/// What the transaction wants done when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInviteTimeout {
    /// Nothing yet.
    Wait,
    /// Say 100 in place of the user.
    Try,
    /// Send the final response again.
    Resend,
    /// Tell the user that nobody acknowledged its 2xx; the transaction is over.
    AckMissing,
    /// The transaction is over.
    Ended,
}

impl ServerInvite {
    /// The INVITE has come.
    pub fn new(now: Instant, transport: Transport) -> ServerInvite {
        ServerInvite { transport, state: State::Received { trying_at: now + Timers::TRYING } }
    }

    /// A copy of the INVITE has come.
    pub fn handle_copy(&self) -> OnCopy {
        match self.state {
            State::Proceeding | State::Completed { .. } => OnCopy::Resend,
            State::Received { .. }
            | State::Confirmed { .. }
            | State::Answered { .. }
            | State::Acknowledged { .. }
            | State::Terminated => OnCopy::Absorb,
        }
    }

    /// An ACK has come.
    pub fn handle_ack(&mut self, now: Instant, timers: &Timers) -> OnAck {
        match self.state {
            State::Completed { .. } => {
                let done_at = now + timers.late_copies(self.transport);
                self.state = if done_at > now { State::Confirmed { done_at } } else { State::Terminated };
                OnAck::Absorb
            }
            State::Answered { done_at, .. } => {
                self.state = State::Acknowledged { done_at };
                OnAck::Deliver
            }
            State::Received { .. }
            | State::Proceeding
            | State::Confirmed { .. }
            | State::Acknowledged { .. }
            | State::Terminated => OnAck::Absorb,
        }
    }

    /// The user responds.
    pub fn respond(&mut self, now: Instant, timers: &Timers, status: u16) -> OnRespond {
        match (self.state, status) {
            (State::Received { .. } | State::Proceeding, ..200) => self.state = State::Proceeding,
            (State::Received { .. } | State::Proceeding, 200..300) => {
                self.state = State::Answered { resend: Resend::new(now, timers), done_at: now + timers.give_up() };
            }
            (State::Received { .. } | State::Proceeding, 300..) => {
                let resend = Resend::over(self.transport, now, timers);
                self.state = State::Completed { resend, give_up_at: now + timers.give_up() };
            }
            (
                State::Completed { .. }
                | State::Confirmed { .. }
                | State::Answered { .. }
                | State::Acknowledged { .. }
                | State::Terminated,
                _,
            ) => return OnRespond::Ignore,
        }
        OnRespond::Send
    }

    /// The time of [`ServerInvite::deadline`] has come.
    pub fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> OnInviteTimeout {
        match &mut self.state {
            State::Received { trying_at } if *trying_at <= now => {
                self.state = State::Proceeding;
                OnInviteTimeout::Try
            }
            State::Answered { done_at, .. } if *done_at <= now => {
                self.state = State::Terminated;
                OnInviteTimeout::AckMissing
            }
            State::Completed { give_up_at: done_at, .. }
            | State::Confirmed { done_at }
            | State::Acknowledged { done_at }
                if *done_at <= now =>
            {
                self.state = State::Terminated;
                OnInviteTimeout::Ended
            }
            State::Completed { resend: Some(resend), .. } | State::Answered { resend, .. } if resend.at <= now => {
                *resend = resend.doubled(now, timers.t2);
                OnInviteTimeout::Resend
            }
            State::Received { .. }
            | State::Proceeding
            | State::Completed { .. }
            | State::Confirmed { .. }
            | State::Answered { .. }
            | State::Acknowledged { .. }
            | State::Terminated => OnInviteTimeout::Wait,
        }
    }

    /// When to call [`ServerInvite::handle_timeout`].
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Received { trying_at } => Some(trying_at),
            State::Proceeding | State::Terminated => None,
            State::Completed { resend, give_up_at } => Some(resend.map_or(give_up_at, |it| it.at.min(give_up_at))),
            State::Answered { resend, done_at } => Some(resend.at.min(done_at)),
            State::Confirmed { done_at } | State::Acknowledged { done_at } => Some(done_at),
        }
    }

    /// Whether no final response has gone yet: only then does a CANCEL change anything (RFC 3261 §9.2).
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Received { .. } | State::Proceeding)
    }

    /// Whether a response may have to be sent again.
    pub fn keeps_response(&self) -> bool {
        matches!(self.state, State::Proceeding | State::Completed { .. } | State::Answered { .. })
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

    fn over(transport: Transport) -> ServerInvite {
        ServerInvite::new(at(0), transport)
    }

    fn run(invite: &mut ServerInvite) -> Vec<(u64, OnInviteTimeout)> {
        super::super::tests::run(invite, ServerInvite::deadline, ServerInvite::handle_timeout)
    }

    #[test]
    fn it_says_100_when_the_user_is_silent_for_200_ms() {
        let mut invite = over(Transport::Udp);
        assert_eq!(invite.handle_copy(), OnCopy::Absorb);
        assert_eq!(run(&mut invite), [(200, OnInviteTimeout::Try)]);
        assert_eq!(invite.handle_copy(), OnCopy::Resend);
        let mut prompt = over(Transport::Udp);
        assert_eq!(prompt.respond(at(199), &TIMERS, 180), OnRespond::Send);
        assert_eq!(run(&mut prompt), []);
    }

    #[test]
    fn a_failure_is_repeated_by_timer_g_until_timer_h() {
        let mut invite = over(Transport::Udp);
        assert_eq!(invite.respond(at(0), &TIMERS, 486), OnRespond::Send);
        assert_eq!(invite.handle_copy(), OnCopy::Resend);
        let repeats = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        let repeats = repeats.map(|millis| (millis, OnInviteTimeout::Resend));
        assert_eq!(run(&mut invite), [&repeats[..], &[(32_000, OnInviteTimeout::Ended)]].concat());
    }

    #[test]
    fn over_a_reliable_transport_a_failure_waits_for_its_ack() {
        let mut invite = over(Transport::Tcp);
        invite.respond(at(0), &TIMERS, 486);
        assert_eq!(run(&mut invite.clone()), [(32_000, OnInviteTimeout::Ended)]);
        assert_eq!(invite.handle_ack(at(10), &TIMERS), OnAck::Absorb);
        assert!(invite.is_terminated());
    }

    #[test]
    fn the_ack_of_a_failure_leaves_timer_i() {
        let mut invite = over(Transport::Udp);
        invite.respond(at(0), &TIMERS, 600);
        assert_eq!(invite.handle_ack(at(10), &TIMERS), OnAck::Absorb);
        assert_eq!(invite.handle_ack(at(20), &TIMERS), OnAck::Absorb);
        assert_eq!(invite.handle_copy(), OnCopy::Absorb);
        assert_eq!(run(&mut invite), [(5010, OnInviteTimeout::Ended)]);
    }

    #[test]
    fn a_2xx_is_repeated_over_every_transport_until_64_t1() {
        for transport in Transport::ALL {
            let mut invite = over(transport);
            assert_eq!(invite.respond(at(0), &TIMERS, 200), OnRespond::Send);
            assert_eq!(invite.handle_copy(), OnCopy::Absorb, "the copies of the 2xx answer it (RFC 6026 §7.1)");
            let repeats = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
            let repeats = repeats.map(|millis| (millis, OnInviteTimeout::Resend));
            assert_eq!(run(&mut invite), [&repeats[..], &[(32_000, OnInviteTimeout::AckMissing)]].concat());
        }
    }

    #[test]
    fn the_ack_of_a_2xx_is_delivered_once_and_stops_the_repetition() {
        let mut invite = over(Transport::Udp);
        invite.respond(at(0), &TIMERS, 200);
        assert_eq!(invite.handle_ack(at(10), &TIMERS), OnAck::Deliver);
        assert_eq!(invite.handle_ack(at(20), &TIMERS), OnAck::Absorb);
        assert!(!invite.keeps_response());
        assert_eq!(run(&mut invite), [(32_000, OnInviteTimeout::Ended)]);
    }

    #[test]
    fn only_the_first_final_response_counts() {
        for (first, second) in [(200, 486), (486, 200), (200, 200), (200, 180)] {
            let mut invite = over(Transport::Udp);
            assert!(invite.is_pending());
            assert_eq!(invite.respond(at(0), &TIMERS, first), OnRespond::Send);
            assert!(!invite.is_pending());
            assert_eq!(invite.respond(at(1), &TIMERS, second), OnRespond::Ignore);
        }
    }
}

use super::{OnCopy, OnRespond};
use crate::hop::Transport;
use crate::timer::Timers;
use std::time::Instant;

/// Non-INVITE server transaction (RFC 3261 §17.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    transport: Transport,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The user has said nothing yet. At `give_up_at` the client has stopped listening (its timer F), so a forgotten request ends.
    Trying {
        give_up_at: Instant,
    },
    /// A provisional response has gone.
    Proceeding {
        give_up_at: Instant,
    },
    /// The final response has gone. Timer J.
    Completed {
        done_at: Instant,
    },
    Terminated,
}

impl Server {
    /// The request has come.
    pub fn new(now: Instant, timers: &Timers, transport: Transport) -> Server {
        Server { transport, state: State::Trying { give_up_at: now + timers.give_up() } }
    }

    /// A copy of the request has come.
    pub fn handle_copy(&self) -> OnCopy {
        match self.state {
            State::Proceeding { .. } | State::Completed { .. } => OnCopy::Resend,
            State::Trying { .. } | State::Terminated => OnCopy::Absorb,
        }
    }

    /// The user responds.
    pub fn respond(&mut self, now: Instant, timers: &Timers, status: u16) -> OnRespond {
        match (self.state, status) {
            (State::Trying { give_up_at } | State::Proceeding { give_up_at }, ..200) => {
                self.state = State::Proceeding { give_up_at };
                OnRespond::Send
            }
            (State::Trying { .. } | State::Proceeding { .. }, 200..) => {
                let done_at = now + timers.request_copies(self.transport);
                self.state = if done_at > now { State::Completed { done_at } } else { State::Terminated };
                OnRespond::Send
            }
            (State::Completed { .. } | State::Terminated, _) => OnRespond::Ignore,
        }
    }

    /// The time of [`Server::deadline`] has come; afterwards the transaction is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.state = State::Terminated;
        }
    }

    /// When to call [`Server::handle_timeout`].
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Trying { give_up_at: at }
            | State::Proceeding { give_up_at: at }
            | State::Completed { done_at: at } => Some(at),
            State::Terminated => None,
        }
    }

    /// Whether a response may have to be sent again.
    pub fn keeps_response(&self) -> bool {
        matches!(self.state, State::Proceeding { .. } | State::Completed { .. })
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

    fn over(transport: Transport) -> Server {
        Server::new(at(0), &TIMERS, transport)
    }

    #[test]
    fn copies_are_answered_with_the_last_response_for_timer_j() {
        let mut server = over(Transport::Udp);
        assert_eq!(server.handle_copy(), OnCopy::Absorb);
        assert_eq!(server.respond(at(10), &TIMERS, 100), OnRespond::Send);
        assert_eq!(server.handle_copy(), OnCopy::Resend);
        assert_eq!(server.respond(at(20), &TIMERS, 200), OnRespond::Send);
        assert_eq!(server.respond(at(30), &TIMERS, 486), OnRespond::Ignore);
        assert_eq!(server.handle_copy(), OnCopy::Resend);
        assert_eq!(server.deadline(), Some(at(32_020)));
        server.handle_timeout(at(32_020));
        assert!(server.is_terminated());
    }

    #[test]
    fn over_a_reliable_transport_the_final_response_ends_it() {
        let mut server = over(Transport::Tcp);
        assert_eq!(server.respond(at(10), &TIMERS, 200), OnRespond::Send);
        assert!(server.is_terminated());
    }

    #[test]
    fn a_request_that_nobody_answers_ends_with_the_clients_patience() {
        let mut server = over(Transport::Tcp);
        server.handle_timeout(at(31_999));
        assert!(!server.is_terminated());
        server.handle_timeout(at(32_000));
        assert!(server.is_terminated());
        assert_eq!(server.respond(at(32_001), &TIMERS, 200), OnRespond::Ignore);
    }
}

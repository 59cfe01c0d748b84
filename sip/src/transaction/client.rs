use super::{OnResponse, OnTimeout};
use crate::hop::Transport;
use crate::timer::{Resend, Timers};
use std::time::Instant;

/// Non-INVITE client transaction (RFC 3261 §17.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    transport: Transport,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing heard yet. Timers E and F.
    Trying {
        resend: Option<Resend>,
        give_up_at: Instant,
    },
    /// A provisional response has come; the request is still repeated, every T2.
    Proceeding {
        resend: Option<Resend>,
        give_up_at: Instant,
    },
    /// The final response has come. Timer K.
    Completed {
        done_at: Instant,
    },
    Terminated,
}

impl Client {
    /// The request goes out now.
    pub fn new(now: Instant, timers: &Timers, transport: Transport) -> Client {
        let resend = Resend::over(transport, now, timers);
        Client { transport, state: State::Trying { resend, give_up_at: now + timers.give_up() } }
    }

    /// A response has come.
    pub fn handle_response(&mut self, now: Instant, timers: &Timers, status: u16) -> OnResponse {
        match (self.state, status) {
            (State::Trying { resend, give_up_at } | State::Proceeding { resend, give_up_at }, ..200) => {
                self.state = State::Proceeding { resend, give_up_at };
                OnResponse::Deliver
            }
            (State::Trying { .. } | State::Proceeding { .. }, 200..) => {
                let done_at = now + timers.late_copies(self.transport);
                self.state = if done_at > now { State::Completed { done_at } } else { State::Terminated };
                OnResponse::Deliver
            }
            (State::Completed { .. } | State::Terminated, _) => OnResponse::Absorb,
        }
    }

    /// The time of [`Client::deadline`] has come.
    pub fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> OnTimeout {
        match &mut self.state {
            State::Trying { give_up_at, .. } | State::Proceeding { give_up_at, .. } if *give_up_at <= now => {
                self.state = State::Terminated;
                OnTimeout::TimedOut
            }
            State::Trying { resend: Some(resend), .. } if resend.at <= now => {
                *resend = resend.doubled(now, timers.t2);
                OnTimeout::Resend
            }
            State::Proceeding { resend: Some(resend), .. } if resend.at <= now => {
                *resend = resend.every(now, timers.t2);
                OnTimeout::Resend
            }
            State::Completed { done_at } if *done_at <= now => {
                self.state = State::Terminated;
                OnTimeout::Ended
            }
            State::Trying { .. } | State::Proceeding { .. } | State::Completed { .. } | State::Terminated => {
                OnTimeout::Wait
            }
        }
    }

    /// When to call [`Client::handle_timeout`].
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Trying { resend, give_up_at } | State::Proceeding { resend, give_up_at } => {
                Some(resend.map_or(give_up_at, |it| it.at.min(give_up_at)))
            }
            State::Completed { done_at } => Some(done_at),
            State::Terminated => None,
        }
    }

    /// Whether nothing has been heard yet.
    pub fn is_unheard(&self) -> bool {
        matches!(self.state, State::Trying { .. })
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

    fn over(transport: Transport) -> Client {
        Client::new(at(0), &TIMERS, transport)
    }

    fn run(client: &mut Client) -> Vec<(u64, OnTimeout)> {
        super::super::tests::run(client, Client::deadline, Client::handle_timeout)
    }

    #[test]
    fn timer_e_doubles_up_to_t2_until_timer_f() {
        let repeats = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        let repeats = repeats.map(|millis| (millis, OnTimeout::Resend));
        assert_eq!(run(&mut over(Transport::Udp)), [&repeats[..], &[(32_000, OnTimeout::TimedOut)]].concat());
        assert_eq!(run(&mut over(Transport::Wss)), [(32_000, OnTimeout::TimedOut)]);
    }

    #[test]
    fn after_a_provisional_response_it_repeats_every_t2() {
        let mut client = over(Transport::Udp);
        assert_eq!(client.handle_response(at(100), &TIMERS, 100), OnResponse::Deliver);
        let repeats = [500, 4500, 8500, 12_500, 16_500, 20_500, 24_500, 28_500].map(|at| (at, OnTimeout::Resend));
        assert_eq!(run(&mut client), [&repeats[..], &[(32_000, OnTimeout::TimedOut)]].concat());
    }

    #[test]
    fn copies_of_the_final_response_are_absorbed_for_timer_k() {
        let mut client = over(Transport::Udp);
        assert_eq!(client.handle_response(at(100), &TIMERS, 200), OnResponse::Deliver);
        assert_eq!(client.handle_response(at(200), &TIMERS, 200), OnResponse::Absorb);
        assert_eq!(run(&mut client), [(5100, OnTimeout::Ended)]);
    }

    #[test]
    fn over_a_reliable_transport_the_final_response_ends_it() {
        let mut client = over(Transport::Tcp);
        assert_eq!(client.handle_response(at(100), &TIMERS, 404), OnResponse::Deliver);
        assert!(client.is_terminated());
        assert_eq!(client.handle_response(at(100), &TIMERS, 404), OnResponse::Absorb);
    }
}

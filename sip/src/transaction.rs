//! The four transactions of RFC 3261 §17, with the Accepted states of RFC 6026.
//!
//! Each is a state machine and nothing else: it hears what happened and says what to do. Messages, addresses and the timer queue are
//! the [endpoint](crate::endpoint)'s.

mod client;
mod client_invite;
mod server;
mod server_invite;

pub use client::Client;
pub use client_invite::{ClientInvite, OnCancel};
pub use server::Server;
pub use server_invite::{OnAck, OnInviteTimeout, ServerInvite};

/// What a client transaction wants done with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnResponse {
    /// Hand it to the user.
    Deliver,
    /// Hand it to the user and send the CANCEL that has waited for it.
    DeliverAndCancel,
    /// Hand it to the user and acknowledge it.
    DeliverAndAck,
    /// A copy of the failure: only acknowledge it.
    Ack,
    /// A copy, or too late: nothing.
    Absorb,
}

/// What a client transaction wants done when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTimeout {
    /// Nothing yet.
    Wait,
    /// Send the request again.
    Resend,
    /// Tell the user that no answer came; the transaction is over.
    TimedOut,
    /// The transaction is over; the user knows its outcome.
    Ended,
    /// The transaction is over; tell the user, who has acknowledged each copy of a 2xx until now.
    CopiesEnded,
}

/// What a server transaction wants done with its user's response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRespond {
    /// Send it, and keep it as long as copies of the request may come.
    Send,
    /// A final response has gone before: nothing.
    Ignore,
}

/// What a server transaction wants done with a copy of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCopy {
    /// Send the last response again.
    Resend,
    /// Nothing.
    Absorb,
}

#[cfg(test)]
mod tests {
    use crate::timer::Timers;
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    pub(super) const TIMERS: Timers =
        Timers { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) };

    /// Milliseconds after the start of the test.
    pub(super) fn at(millis: u64) -> Instant {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        *START + Duration::from_millis(millis)
    }

    /// Lets time pass from deadline to deadline; what was wanted when, in milliseconds.
    pub(super) fn run<M, T>(
        machine: &mut M,
        deadline: fn(&M) -> Option<Instant>,
        handle_timeout: fn(&mut M, Instant, &Timers) -> T,
    ) -> Vec<(u64, T)> {
        let mut wanted = Vec::new();
        while let Some(now) = deadline(machine) {
            wanted.push((now.duration_since(at(0)).as_millis() as u64, handle_timeout(machine, now, &TIMERS)));
        }
        wanted
    }
}

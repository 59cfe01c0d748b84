//! All transactions of one shard: what comes in becomes events, what its user wants goes out, repeated until it has arrived.
//!
//! The owner feeds [`Endpoint::handle_message`] and [`Endpoint::handle_timeout`], and after each call takes what
//! [`Endpoint::poll_transmit`] and [`Endpoint::poll_event`] have, until they have nothing. Equal seeds and inputs give equal outputs.

mod clients;
mod event;
mod incoming;
mod outbox;
mod servers;

pub use event::{ClientId, Counts, Event, ServerId};

use crate::build::Builder;
use crate::hop::{Hop, Transmit};
use crate::message::{Message, Method};
use crate::random::Random;
use crate::timer::Timers;
use clients::Clients;
use incoming::Incoming;
use outbox::{Outbox, TransactionId};
use servers::Servers;
use std::time::Instant;

/// The transaction layer and the transport rules of RFC 3261 §17 and §18.
#[derive(Debug)]
pub struct Endpoint {
    clients: Clients,
    servers: Servers,
    outbox: Outbox,
}

impl Endpoint {
    /// How many server transactions may be open for requests outside a dialog; within dialogs there may be as many again, so that an
    /// overloaded shard can still hang up. Each lasts 32 s beyond its end, so that this many are 3000 calls a second.
    pub const DEFAULT_LIMIT: usize = 200_000;

    /// Nothing open. `sent_by` is `host` or `host:port` of our Via; from `seed` come branches and the tags of refusals.
    pub fn new(timers: Timers, sent_by: String, seed: u64) -> Endpoint {
        let mut random = Random::new(seed);
        Endpoint {
            clients: Clients::new(sent_by, &mut random),
            servers: Servers::new(Endpoint::DEFAULT_LIMIT, &mut random),
            outbox: Outbox::new(timers),
        }
    }

    /// Another limit than [`Endpoint::DEFAULT_LIMIT`]; a request beyond it is refused with 503.
    pub fn with_limit(mut self, limit: usize) -> Endpoint {
        self.servers.limit = limit;
        self
    }

    /// A datagram or a frame has come. What is no message, or none for us, is answered or dropped and counted.
    ///
    /// Datagrams are answered at the address of `from`: one that another shard has relayed is handed in as from the proxy of its Via.
    pub fn handle_message(&mut self, now: Instant, from: Hop, bytes: &[u8]) {
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(rejected) => {
                self.outbox.counts.malformed += 1;
                if let Some(partial) = rejected.partial.filter(|it| it.is_request() && it.method() != Method::Ack) {
                    let refusal = Builder::response(&partial, rejected.status, "Malformed Message");
                    self.servers.refuse(&mut self.outbox, &Incoming::new(&partial, from), refusal);
                }
                return;
            }
        };
        self.handle_parsed(now, from, &message);
    }

    /// The same for a message that the caller has read already.
    pub fn handle_parsed(&mut self, now: Instant, from: Hop, message: &Message<'_>) {
        if !message.is_request() {
            return self.clients.handle_response(now, &mut self.outbox, from, message);
        }
        let request = Incoming::new(message, from);
        let Some(stamped) = request.stamped() else {
            return self.servers.handle_request(now, &mut self.outbox, &request);
        };
        if let Ok(message) = Message::parse(&stamped) {
            self.servers.handle_request(now, &mut self.outbox, &Incoming::new(&message, from));
        }
    }

    /// Sends a request, complete but for its Via, and repeats it until it is answered. Not for ACK and CANCEL.
    ///
    /// The last event that names the id is, for an INVITE, a [`Event::Response`] of 300 or more, or [`Event::Ended`] some time after a
    /// 2xx; otherwise a final response; in either case [`Event::Timeout`] or [`Event::Unreachable`] where nobody answers.
    pub fn request(&mut self, now: Instant, to: Hop, message: Vec<u8>) -> ClientId {
        self.clients.request(now, &mut self.outbox, to, &message)
    }

    /// Cancels an INVITE as soon as that is allowed (RFC 3261 §9.1); nothing for another request, or after a final response.
    ///
    /// The INVITE's own final response still comes, or [`Event::Timeout`]; it can be a 2xx.
    pub fn cancel(&mut self, now: Instant, id: ClientId) {
        self.clients.cancel(now, &mut self.outbox, id, None);
    }

    /// As [`Endpoint::cancel`], with a value for the CANCEL's Reason, so that a phone knows that the call was answered elsewhere
    /// (RFC 3326).
    pub fn cancel_because(&mut self, now: Instant, id: ClientId, reason: &str) {
        self.clients.cancel(now, &mut self.outbox, id, Some(reason));
    }

    /// Sends the ACK of a 2xx, complete but for its Via; the user repeats it for each copy of the 2xx.
    pub fn send(&mut self, to: Hop, message: Vec<u8>) {
        self.clients.send(&mut self.outbox, to, &message);
    }

    /// Sends a complete response. One that comes after a final response is dropped, and so is one for a transaction that is over.
    ///
    /// A 2xx to an INVITE is repeated until its ACK comes, which is [`Event::Ack`], or until 64·T1, which is [`Event::AckMissing`].
    pub fn respond(&mut self, now: Instant, id: ServerId, message: Vec<u8>) {
        self.servers.respond(now, &mut self.outbox, id, message);
    }

    /// Nothing can be sent to this hop. Requests to it of which nothing has been heard end with [`Event::Unreachable`]; responses that
    /// were to go over a lost connection go to where their Via says.
    pub fn handle_unreachable(&mut self, hop: Hop) {
        self.clients.handle_unreachable(&mut self.outbox, hop);
        self.servers.handle_unreachable(&mut self.outbox, hop);
    }

    /// The time of [`Endpoint::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.outbox.due.pop(now) {
            match id {
                TransactionId::Client(key) => self.clients.handle_timeout(now, &mut self.outbox, key),
                TransactionId::Server(id) => self.servers.handle_timeout(now, &mut self.outbox, id),
            }
        }
    }

    /// When to call [`Endpoint::handle_timeout`]; ask again after every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.outbox.due.next()
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outbox.transmits.pop_front()
    }

    /// The next thing the user should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.outbox.events.pop_front()
    }

    /// What was dropped or refused since the start.
    pub fn counts(&self) -> &Counts {
        &self.outbox.counts
    }

    /// Whether nothing remains: no transaction, no timer, no output.
    pub fn is_idle(&self) -> bool {
        self.clients.is_empty() && self.servers.is_empty() && self.outbox.is_empty()
    }
}

#[cfg(test)]
mod tests;

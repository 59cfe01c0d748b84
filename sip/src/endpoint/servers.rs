//! Requests that we received.

mod key;
mod request;

use super::incoming::Incoming;
use super::outbox::{Outbox, TransactionId};
use super::{Event, ServerId};
use crate::build::Builder;
use crate::hop::Hop;
use crate::message::{Message, Method, Name};
use crate::random::Random;
use crate::transaction::{OnAck, OnInviteTimeout, OnRespond, Server, ServerInvite};
use key::{Key, Namer};
use request::{Cancel, Kept, Machine, Request, with_vias};
use std::collections::BTreeMap;
use std::time::Instant;

/// All server transactions.
///
/// In trees, because most entries last 32 s and are then gone: a hash table keeps the room of its busiest time, and one whose entries come
/// and go takes twice that room once enough of its places are marked as left, minutes or hours after the load became steady.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) limit: usize,
    open: BTreeMap<ServerId, Request>,
    /// By what names them: a transaction's own key, and where there is one its merge key and its ACK's key.
    index: BTreeMap<Key, ServerId>,
    count: u64,
    namer: Namer,
}

impl Servers {
    pub(super) fn new(limit: usize, random: &mut Random) -> Servers {
        Servers { limit, open: BTreeMap::new(), index: BTreeMap::new(), count: 0, namer: Namer::new(random) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.index.is_empty()
    }

    pub(super) fn handle_request(&mut self, now: Instant, outbox: &mut Outbox, request: &Incoming<'_>) {
        let method = request.message.method();
        if method == Method::Ack {
            return self.handle_ack(now, outbox, request);
        }
        if method == Method::Cancel {
            return self.handle_cancel(outbox, request);
        }
        let key = self.namer.transaction(request, method);
        match self.index.get(&key) {
            Some(&id) => self.open_mut(id).handle_copy(outbox, request),
            None => self.handle_new(now, outbox, request, key),
        }
    }

    fn handle_new(&mut self, now: Instant, outbox: &mut Outbox, request: &Incoming<'_>, key: Key) {
        let is_initial = request.to_tag.is_none();
        if self.open.len() >= if is_initial { self.limit } else { self.limit.saturating_mul(2) } {
            outbox.counts.refused += 1;
            let refusal = Builder::response(request.message, 503, "Service Unavailable");
            return self.refuse(outbox, request, refusal.header(Name::RetryAfter, RETRY_AFTER));
        }
        let merge = is_initial.then(|| self.namer.merge(request));
        if merge.is_some_and(|key| self.index.contains_key(&key)) {
            outbox.counts.merged += 1;
            return self.refuse(outbox, request, Builder::response(request.message, 482, "Loop Detected"));
        }
        let (from, bytes) = (request.from, request.message.bytes().to_vec());
        let (machine, kept) = if request.message.method() == Method::Invite {
            (Machine::Invite(ServerInvite::new(now, from.transport)), Kept::Request(bytes.clone()))
        } else {
            (Machine::Other(Server::new(now, &outbox.timers, from.transport)), Kept::Nothing)
        };
        self.count += 1;
        let id = ServerId(self.count);
        outbox.due.change(TransactionId::Server(id), None, machine.deadline());
        let keys = [Some(key), merge, None];
        self.index.extend(keys.into_iter().flatten().map(|key| (key, id)));
        let (reply_to, fallback) = (request.reply_to(), request.fallback());
        let cancel = Cancel::NotAsked;
        self.open.insert(id, Request { machine, reply_to, fallback, other_vias: None, kept, keys, cancel });
        outbox.events.push_back(Event::Request { id, from, bytes });
    }

    /// The ACK of a failure has its INVITE's branch; that of a 2xx is found by its dialog.
    fn handle_ack(&mut self, now: Instant, outbox: &mut Outbox, ack: &Incoming<'_>) {
        let (from, message) = (ack.from, ack.message);
        let of_invite = self.index.get(&self.namer.transaction(ack, Method::Invite));
        let Some(&id) = of_invite.or_else(|| self.index.get(&self.namer.ack(message))) else {
            if ack.to_tag != Some(&self.namer.refusal_tag(ack)) {
                outbox.events.push_back(Event::Ack { invite: None, from, bytes: message.bytes().to_vec() });
            }
            return;
        };
        let Machine::Invite(invite) = &mut self.open_mut(id).machine else { return };
        let before = invite.deadline();
        match invite.handle_ack(now, &outbox.timers) {
            OnAck::Deliver => {
                outbox.events.push_back(Event::Ack { invite: Some(id), from, bytes: message.bytes().to_vec() });
            }
            OnAck::Absorb => {}
        }
        self.settle(outbox, id, before);
    }

    /// Answers a CANCEL from the state of its INVITE (RFC 3261 §9.2); a copy of it finds the same state.
    fn handle_cancel(&mut self, outbox: &mut Outbox, cancel: &Incoming<'_>) {
        let Some(&id) = self.index.get(&self.namer.transaction(cancel, Method::Invite)) else {
            let refusal = Builder::response(cancel.message, 481, "Call/Transaction Does Not Exist");
            return self.refuse(outbox, cancel, refusal);
        };
        let invite = self.open_mut(id);
        if invite.is_pending() && invite.cancel == Cancel::NotAsked {
            invite.cancel = Cancel::Asked;
            let reason = cancel.message.header(Name::Reason).map(str::to_owned);
            outbox.events.push_back(Event::Cancel { invite: id, reason });
        }
        // The To tag should be that of the INVITE's responses, where one has gone.
        let response = match &invite.kept {
            Kept::Response(bytes) => Message::parse(bytes).ok(),
            Kept::Request(_) | Kept::Nothing => None,
        };
        let ok = Builder::response(cancel.message, 200, "OK");
        match response.as_ref().and_then(Message::to_tag) {
            Some(tag) => outbox.transmit(cancel.reply_to(), ok.to_tag(tag).finish()),
            None => self.refuse(outbox, cancel, ok),
        }
    }

    pub(super) fn respond(&mut self, now: Instant, outbox: &mut Outbox, id: ServerId, mut bytes: Vec<u8>) {
        let Some(request) = self.open.get_mut(&id) else { return };
        let status = status_of(&bytes);
        let before = request.machine.deadline();
        match request.machine.respond(now, &outbox.timers, status) {
            OnRespond::Send => {}
            OnRespond::Ignore => return,
        }
        if let Some(vias) = &request.other_vias {
            bytes = with_vias(&bytes, vias);
        }
        let ack = match (&request.machine, status) {
            (Machine::Invite(_), 200..300) => Message::parse(&bytes).ok().map(|response| self.namer.ack(&response)),
            (Machine::Invite(_) | Machine::Other(_), _) => None,
        };
        let request = self.open_mut(id);
        request.kept = if request.machine.keeps_response() { Kept::Response(bytes.clone()) } else { Kept::Nothing };
        request.keys[2] = ack;
        outbox.transmit(request.reply_to, bytes);
        self.index.extend(ack.map(|key| (key, id)));
        self.settle(outbox, id, before);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, outbox: &mut Outbox, id: ServerId) {
        let request = self.open_mut(id);
        match &mut request.machine {
            Machine::Other(server) => server.handle_timeout(now),
            Machine::Invite(invite) => match invite.handle_timeout(now, &outbox.timers) {
                OnInviteTimeout::Wait | OnInviteTimeout::Ended => {}
                OnInviteTimeout::Try => request.say_trying(outbox),
                OnInviteTimeout::Resend => request.resend(outbox),
                OnInviteTimeout::AckMissing => outbox.events.push_back(Event::AckMissing { invite: id }),
            },
        }
        self.settle(outbox, id, None);
    }

    /// Responses that were to go to this hop go where their Via says, beginning with the one that may have been lost.
    pub(super) fn handle_unreachable(&mut self, outbox: &mut Outbox, hop: Hop) {
        let lost: Vec<_> = self.open.iter().filter(|(_, it)| it.reply_to == hop).map(|(id, _)| *id).collect();
        for id in lost {
            let request = self.open_mut(id);
            if let Some(fallback) = request.fallback.take() {
                request.reply_to = fallback;
                request.resend(outbox);
            }
        }
    }

    /// Answers without a transaction; the tag is the same for a copy of the request (RFC 3261 §8.2.7).
    pub(super) fn refuse(&self, outbox: &mut Outbox, request: &Incoming<'_>, response: Builder) {
        outbox.transmit(request.reply_to(), response.to_tag(&self.namer.refusal_tag(request)).finish());
    }

    /// After a change of a transaction: its timer, what it no longer needs, and its end.
    fn settle(&mut self, outbox: &mut Outbox, id: ServerId, before: Option<Instant>) {
        let request = self.open_mut(id);
        outbox.due.change(TransactionId::Server(id), before, request.machine.deadline());
        if !request.machine.keeps_response() && matches!(request.kept, Kept::Response(_)) {
            request.kept = Kept::Nothing;
        }
        if request.machine.is_terminated() {
            for key in request.keys.into_iter().flatten() {
                self.index.remove(&key);
            }
            self.open.remove(&id);
        }
    }

    fn open_mut(&mut self, id: ServerId) -> &mut Request {
        self.open.get_mut(&id).expect("index and queue name open transactions only")
    }
}

/// The status of a response that our user built.
fn status_of(response: &[u8]) -> u16 {
    let digits = response.strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3));
    digits.and_then(|digits| str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok()).unwrap_or(500)
}

/// Seconds after which a refused client may try again.
const RETRY_AFTER: u8 = 5;

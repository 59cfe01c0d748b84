//! Requests that we received.

use super::outbox::{Outbox, TransactionId};
use super::source::reply_to;
use super::{Event, ServerId};
use crate::build::Builder;
use crate::edit::Edit;
use crate::hop::Hop;
use crate::message::{Message, Method, Name};
use crate::random::Random;
use crate::stateless::PartsHasher;
use crate::timer::Timers;
use crate::transaction::{OnAck, OnCopy, OnInviteTimeout, OnRespond, Server, ServerInvite};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::time::Instant;

/// All server transactions.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) limit: usize,
    open: HashMap<ServerId, Request, FixedState>,
    /// By what names them: a transaction's own key, and where there is one its merge key and its ACK's key.
    index: HashMap<Key, ServerId, FixedState>,
    count: u64,
    hash_key: (u64, u64),
}

/// Keyed hash of what names a transaction; nobody outside can make two of them meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// Branch and method, with ACK and CANCEL asking for INVITE (RFC 3261 §17.2.3). In place of sent-by stand Call-ID, From tag and CSeq
    /// number: a copy that came through another proxy of the cluster has the same branch and another sent-by.
    Transaction(u128, Method),
    /// From tag, Call-ID and CSeq of a request outside a dialog (RFC 3261 §8.2.2.2).
    Merge(u128),
    /// Both tags, Call-ID and CSeq number of a 2xx that waits for its ACK, which has a branch of its own.
    Ack(u128),
}

#[derive(Debug)]
struct Request {
    machine: Machine,
    reply_to: Hop,
    /// The Vias of the latest copy, where they are not those of the request that the user knows.
    other_vias: Option<Box<[String]>>,
    kept: Kept,
    keys: [Option<Key>; 3],
    cancel: Cancel,
}

#[derive(Debug)]
enum Machine {
    Invite(ServerInvite),
    Other(Server),
}

/// The one message that may be needed again.
#[derive(Debug)]
enum Kept {
    Nothing,
    /// The INVITE, to make a 100 of.
    Request(Vec<u8>),
    /// The last response.
    Response(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancel {
    NotAsked,
    Asked,
}

impl Servers {
    pub(super) fn new(limit: usize, random: &mut Random) -> Servers {
        let hash_key = (random.number(), random.number());
        Servers { limit, open: HashMap::default(), index: HashMap::default(), count: 0, hash_key }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.index.is_empty()
    }

    pub(super) fn handle_request(&mut self, now: Instant, outbox: &mut Outbox, from: Hop, request: &Message<'_>) {
        if request.method() == Method::Ack {
            self.handle_ack(now, outbox, from, request);
        } else if request.method() == Method::Cancel {
            self.handle_cancel(outbox, from, request);
        } else if let Some(&id) = self.index.get(&self.transaction_key(request, request.method())) {
            self.open_mut(id).handle_copy(outbox, from, request);
        } else {
            self.handle_new(now, outbox, from, request);
        }
    }

    fn handle_new(&mut self, now: Instant, outbox: &mut Outbox, from: Hop, request: &Message<'_>) {
        let is_initial = request.to_tag().is_none();
        if self.open.len() >= if is_initial { self.limit } else { self.limit.saturating_mul(2) } {
            outbox.counts.refused += 1;
            let refusal = Builder::response(request, 503, "Service Unavailable").header(Name::RetryAfter, RETRY_AFTER);
            return self.refuse(outbox, from, request, refusal);
        }
        let merge = is_initial.then(|| self.merge_key(request));
        if merge.is_some_and(|key| self.index.contains_key(&key)) {
            outbox.counts.merged += 1;
            return self.refuse(outbox, from, request, Builder::response(request, 482, "Loop Detected"));
        }
        let bytes = request.bytes().to_vec();
        let (machine, kept) = if request.method() == Method::Invite {
            (Machine::Invite(ServerInvite::new(now, from.transport)), Kept::Request(bytes.clone()))
        } else {
            (Machine::Other(Server::new(now, &outbox.timers, from.transport)), Kept::Nothing)
        };
        self.count += 1;
        let id = ServerId(self.count);
        let keys = [Some(self.transaction_key(request, request.method())), merge, None];
        self.index.extend(keys.into_iter().flatten().map(|key| (key, id)));
        outbox.due.change(TransactionId::Server(id), None, machine.deadline());
        let reply_to = reply_to(&request.via(), from);
        self.open.insert(id, Request { machine, reply_to, other_vias: None, kept, keys, cancel: Cancel::NotAsked });
        outbox.events.push_back(Event::Request { id, from, bytes });
    }

    /// The ACK of a failure has its INVITE's branch; that of a 2xx is found by its dialog.
    fn handle_ack(&mut self, now: Instant, outbox: &mut Outbox, from: Hop, ack: &Message<'_>) {
        let of_invite = self.index.get(&self.transaction_key(ack, Method::Invite));
        let Some(&id) = of_invite.or_else(|| self.index.get(&self.ack_key(ack))) else {
            if ack.to_tag() != Some(&*self.refusal_tag(ack)) {
                outbox.events.push_back(Event::Ack { invite: None, from, bytes: ack.bytes().to_vec() });
            }
            return;
        };
        let request = self.open_mut(id);
        let Machine::Invite(invite) = &mut request.machine else { return };
        let before = invite.deadline();
        match invite.handle_ack(now, &outbox.timers) {
            OnAck::Deliver => {
                outbox.events.push_back(Event::Ack { invite: Some(id), from, bytes: ack.bytes().to_vec() });
            }
            OnAck::Absorb => {}
        }
        self.settle(outbox, id, before);
    }

    /// Answers a CANCEL from the state of its INVITE (RFC 3261 §9.2); a copy of it finds the same state.
    fn handle_cancel(&mut self, outbox: &mut Outbox, from: Hop, cancel: &Message<'_>) {
        let Some(&id) = self.index.get(&self.transaction_key(cancel, Method::Invite)) else {
            let refusal = Builder::response(cancel, 481, "Call/Transaction Does Not Exist");
            return self.refuse(outbox, from, cancel, refusal);
        };
        let invite = self.open_mut(id);
        if invite.is_pending() && invite.cancel == Cancel::NotAsked {
            invite.cancel = Cancel::Asked;
            outbox.events.push_back(Event::Cancel { invite: id });
        }
        // The To tag should be that of the INVITE's responses, where one has gone.
        let response = match &invite.kept {
            Kept::Response(bytes) => Message::parse(bytes).ok(),
            Kept::Request(_) | Kept::Nothing => None,
        };
        let ok = Builder::response(cancel, 200, "OK");
        match response.as_ref().and_then(Message::to_tag) {
            Some(tag) => outbox.transmit(reply_to(&cancel.via(), from), ok.to_tag(tag).finish()),
            None => self.refuse(outbox, from, cancel, ok),
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
            (Machine::Invite(_), 200..300) => Message::parse(&bytes).ok().map(|response| self.ack_key(&response)),
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

    /// Answers without a transaction; the tag is the same for a copy of the request (RFC 3261 §8.2.7).
    pub(super) fn refuse(&self, outbox: &mut Outbox, from: Hop, request: &Message<'_>, response: Builder) {
        let response = response.to_tag(&self.refusal_tag(request)).finish();
        outbox.transmit(reply_to(&request.via(), from), response);
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

    fn transaction_key(&self, request: &Message<'_>, method: Method) -> Key {
        let via = request.via();
        let parts = [via.branch.unwrap_or(via.text), request.call_id(), request.from_tag().unwrap_or_default()];
        Key::Transaction(self.hash(request, &parts), method)
    }

    fn merge_key(&self, request: &Message<'_>) -> Key {
        let parts = [request.method_text(), request.call_id(), request.from_tag().unwrap_or_default()];
        Key::Merge(self.hash(request, &parts))
    }

    fn ack_key(&self, message: &Message<'_>) -> Key {
        let tags = [message.from_tag().unwrap_or_default(), message.to_tag().unwrap_or_default()];
        Key::Ack(self.hash(message, &[message.call_id(), tags[0], tags[1]]))
    }

    /// The To tag of our refusal of a request; the ACK of the refusal has it as well.
    fn refusal_tag(&self, request: &Message<'_>) -> String {
        let parts = [request.call_id(), request.from_tag().unwrap_or_default()];
        format!("{:016x}", self.hash(request, &parts) as u64)
    }

    fn hash(&self, message: &Message<'_>, parts: &[&str]) -> u128 {
        let mut hasher = PartsHasher::new(self.hash_key);
        for part in parts {
            hasher.part(part.as_bytes());
        }
        hasher.part(&message.cseq().to_be_bytes());
        hasher.finish()
    }
}

impl Request {
    fn is_pending(&self) -> bool {
        match &self.machine {
            Machine::Invite(invite) => invite.is_pending(),
            Machine::Other(_) => false,
        }
    }

    /// A copy of the request. Where it came through another proxy than before, responses go there from now on: the first one may be
    /// dead.
    fn handle_copy(&mut self, outbox: &mut Outbox, from: Hop, copy: &Message<'_>) {
        let reply_to = reply_to(&copy.via(), from);
        if self.reply_to != reply_to {
            self.reply_to = reply_to;
            let vias: Box<[String]> = copy.all(Name::Via).map(str::to_owned).collect();
            self.kept = match std::mem::replace(&mut self.kept, Kept::Nothing) {
                Kept::Nothing => Kept::Nothing,
                Kept::Request(_) => Kept::Request(copy.bytes().to_vec()),
                Kept::Response(bytes) => Kept::Response(with_vias(&bytes, &vias)),
            };
            self.other_vias = Some(vias);
        }
        let wanted = match &self.machine {
            Machine::Invite(invite) => invite.handle_copy(),
            Machine::Other(server) => server.handle_copy(),
        };
        match wanted {
            OnCopy::Resend => self.resend(outbox),
            OnCopy::Absorb => {}
        }
    }

    fn resend(&self, outbox: &mut Outbox) {
        match &self.kept {
            Kept::Response(bytes) => outbox.transmit(self.reply_to, bytes.clone()),
            Kept::Request(_) | Kept::Nothing => {}
        }
    }

    fn say_trying(&mut self, outbox: &mut Outbox) {
        let Kept::Request(request) = &self.kept else { return };
        let Ok(message) = Message::parse(request) else { return };
        self.kept = Kept::Response(Builder::response(&message, 100, "Trying").finish());
        self.resend(outbox);
    }
}

impl Machine {
    fn respond(&mut self, now: Instant, timers: &Timers, status: u16) -> OnRespond {
        match self {
            Machine::Invite(invite) => invite.respond(now, timers, status),
            Machine::Other(server) => server.respond(now, timers, status),
        }
    }

    fn keeps_response(&self) -> bool {
        match self {
            Machine::Invite(invite) => invite.keeps_response(),
            Machine::Other(server) => server.keeps_response(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Machine::Invite(invite) => invite.deadline(),
            Machine::Other(server) => server.deadline(),
        }
    }

    fn is_terminated(&self) -> bool {
        match self {
            Machine::Invite(invite) => invite.is_terminated(),
            Machine::Other(server) => server.is_terminated(),
        }
    }
}

/// The response with other Via lines.
fn with_vias(response: &[u8], vias: &[String]) -> Vec<u8> {
    let Ok(message) = Message::parse(response) else { return response.to_vec() };
    let mut edit = Edit::new(&message);
    edit.remove(Name::Via);
    for via in vias.iter().rev() {
        edit.push_front(Name::Via, via);
    }
    let mut bytes = Vec::with_capacity(response.len());
    edit.write(&mut bytes);
    bytes
}

/// The status of a response that our user built.
fn status_of(response: &[u8]) -> u16 {
    let digits = response.strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3));
    digits.and_then(|digits| str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok()).unwrap_or(500)
}

/// Seconds after which a refused client may try again.
const RETRY_AFTER: u8 = 5;

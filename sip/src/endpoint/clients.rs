//! Requests that we sent.

use super::outbox::{Outbox, TransactionId};
use super::{ClientId, Event};
use crate::build::Builder;
use crate::hop::{Hop, Transport};
use crate::message::{Message, Method, Name};
use crate::random::Random;
use crate::stateless::Branch;
use crate::timer::Timers;
use crate::transaction::{Client, ClientInvite, OnCancel, OnResponse, OnTimeout};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::time::Instant;

/// All client transactions, in a tree for the reason that server transactions are.
#[derive(Debug)]
pub(super) struct Clients {
    open: BTreeMap<ClientKey, Request>,
    sent_by: String,
    count: u64,
    branch_key: SipHasher13,
}

/// Names a client transaction. A CANCEL is one of its own under the branch of its INVITE, and may outlive it (RFC 3261 §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClientKey {
    Request(ClientId),
    CancelOf(ClientId),
}

#[derive(Debug)]
struct Request {
    machine: Machine,
    to: Hop,
    /// The request as sent, as long as it may be sent again or is needed for CANCEL and ACK; afterwards empty.
    bytes: Vec<u8>,
    /// The ACK of a failure, for its copies.
    ack: Option<Vec<u8>>,
    /// Why it is cancelled.
    reason: Option<String>,
}

#[derive(Debug)]
enum Machine {
    Invite(ClientInvite),
    Other(Client),
}

impl Clients {
    pub(super) fn new(sent_by: String, random: &mut Random) -> Clients {
        let branch_key = SipHasher13::new_with_keys(random.number(), random.number());
        Clients { open: BTreeMap::new(), sent_by, count: 0, branch_key }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn request(&mut self, now: Instant, outbox: &mut Outbox, to: Hop, message: &[u8]) -> ClientId {
        let id = self.next_id();
        let bytes = self.with_via(message, to.transport, id);
        let machine = if bytes.starts_with(b"INVITE ") {
            Machine::Invite(ClientInvite::new(now, &outbox.timers, to.transport))
        } else {
            Machine::Other(Client::new(now, &outbox.timers, to.transport))
        };
        self.open(outbox, ClientKey::Request(id), machine, to, bytes);
        id
    }

    pub(super) fn send(&mut self, outbox: &mut Outbox, to: Hop, message: &[u8]) {
        let id = self.next_id();
        outbox.transmit(to, self.with_via(message, to.transport, id));
    }

    pub(super) fn cancel(&mut self, now: Instant, outbox: &mut Outbox, id: ClientId, reason: Option<&str>) {
        let key = ClientKey::Request(id);
        let Some(request) = self.open.get_mut(&key) else { return };
        let Machine::Invite(invite) = &mut request.machine else { return };
        request.reason = request.reason.take().or(reason.map(str::to_owned));
        let before = invite.deadline();
        match invite.handle_cancel(now, &outbox.timers) {
            OnCancel::Send => {
                outbox.due.change(TransactionId::Client(key), before, invite.deadline());
                self.send_cancel(now, outbox, id);
            }
            OnCancel::Wait => {}
        }
    }

    pub(super) fn handle_response(&mut self, now: Instant, outbox: &mut Outbox, from: Hop, response: &Message<'_>) {
        let (Some(id), Some(status)) = (self.id_of(response), response.status()) else {
            outbox.counts.stray_responses += 1;
            return;
        };
        let key = if response.method() == Method::Cancel { ClientKey::CancelOf(id) } else { ClientKey::Request(id) };
        let Some(request) = self.open.get_mut(&key).filter(|request| request.machine.sent(response.method())) else {
            outbox.counts.stray_responses += 1;
            return;
        };
        let before = request.machine.deadline();
        let (deliver, cancel) = match request.machine.handle_response(now, &outbox.timers, status) {
            OnResponse::Deliver => (true, false),
            OnResponse::DeliverAndCancel => (true, true),
            OnResponse::DeliverAndAck => {
                request.ack = ack(&request.bytes, response);
                request.send_ack(outbox);
                (true, false)
            }
            OnResponse::Ack => {
                request.send_ack(outbox);
                (false, false)
            }
            OnResponse::Absorb => (false, false),
        };
        if status >= 200 {
            request.bytes = Vec::new();
        }
        outbox.due.change(TransactionId::Client(key), before, request.machine.deadline());
        if request.machine.is_terminated() {
            self.open.remove(&key);
        }
        match key {
            ClientKey::Request(id) if deliver => {
                outbox.events.push_back(Event::Response { id, from, bytes: response.bytes().to_vec() });
            }
            ClientKey::Request(_) | ClientKey::CancelOf(_) => {}
        }
        if cancel {
            self.send_cancel(now, outbox, id);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, outbox: &mut Outbox, key: ClientKey) {
        let request = self.open.get_mut(&key).expect("the queue holds open transactions only");
        let event = match (request.machine.handle_timeout(now, &outbox.timers), key) {
            (OnTimeout::Wait, _) => None,
            (OnTimeout::Resend, _) => {
                outbox.transmit(request.to, request.bytes.clone());
                None
            }
            (OnTimeout::TimedOut, ClientKey::Request(id)) => Some(Event::Timeout { id }),
            (OnTimeout::CopiesEnded, ClientKey::Request(id)) => Some(Event::Ended { id }),
            (OnTimeout::Ended, _) | (OnTimeout::TimedOut | OnTimeout::CopiesEnded, ClientKey::CancelOf(_)) => None,
        };
        outbox.events.extend(event);
        outbox.due.change(TransactionId::Client(key), None, request.machine.deadline());
        if request.machine.is_terminated() {
            self.open.remove(&key);
        }
    }

    pub(super) fn handle_unreachable(&mut self, outbox: &mut Outbox, hop: Hop) {
        let is_lost = |request: &Request| request.to == hop && request.machine.is_unheard();
        let lost: Vec<_> = self.open.iter().filter(|(_, it)| is_lost(it)).map(|(key, _)| *key).collect();
        for key in lost {
            let request = self.open.remove(&key).expect("it was there when the list was made");
            outbox.due.change(TransactionId::Client(key), request.machine.deadline(), None);
            match key {
                ClientKey::Request(id) => outbox.events.push_back(Event::Unreachable { id }),
                ClientKey::CancelOf(_) => {}
            }
        }
    }

    fn open(&mut self, outbox: &mut Outbox, key: ClientKey, machine: Machine, to: Hop, bytes: Vec<u8>) {
        outbox.due.change(TransactionId::Client(key), None, machine.deadline());
        let is_needed = !to.transport.is_reliable() || matches!(machine, Machine::Invite(_));
        let kept = if is_needed { bytes.clone() } else { Vec::new() };
        outbox.transmit(to, bytes);
        self.open.insert(key, Request { machine, to, bytes: kept, ack: None, reason: None });
    }

    /// CANCEL of an INVITE that is open and without final response (RFC 3261 §9.1).
    fn send_cancel(&mut self, now: Instant, outbox: &mut Outbox, id: ClientId) {
        let Some(invite) = self.open.get(&ClientKey::Request(id)) else { return };
        let Ok(message) = Message::parse(&invite.bytes) else { return };
        let to = invite.to;
        let mut cancel = of_invite(&message, Method::Cancel, message.header(Name::To).unwrap_or_default());
        if let Some(reason) = &invite.reason {
            cancel = cancel.header(Name::Reason, reason);
        }
        let bytes = cancel.finish();
        let machine = Machine::Other(Client::new(now, &outbox.timers, to.transport));
        self.open(outbox, ClientKey::CancelOf(id), machine, to, bytes);
    }

    fn next_id(&mut self) -> ClientId {
        self.count += 1;
        ClientId(self.count)
    }

    /// The message with our Via behind the start line.
    fn with_via(&self, message: &[u8], transport: Transport, id: ClientId) -> Vec<u8> {
        let (start, rest) = message.split_at(memchr::memchr(b'\n', message).map_or(message.len(), |end| end + 1));
        let mut bytes = Vec::with_capacity(message.len() + self.sent_by.len() + 80);
        bytes.extend_from_slice(start);
        let branch = self.branch(id);
        for part in ["Via: SIP/2.0/", transport.via_text(), " ", &self.sent_by, ";branch=", &branch, "\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.extend_from_slice(rest);
        bytes
    }

    /// The branch of a transaction: its number and a keyed hash of it, so that a response finds its transaction without a table, and
    /// nobody can make one up.
    fn branch(&self, id: ClientId) -> Branch {
        Branch::from_hash((u128::from(id.0) << 64) | u128::from(self.branch_key.hash(&id.0.to_be_bytes())))
    }

    /// Which of our requests a response is for. The branch is proof enough that the Via is ours (RFC 3261 §18.1.2); with a second Via the
    /// response is for someone behind us, whom there cannot be (§8.1.3.3).
    fn id_of(&self, response: &Message<'_>) -> Option<ClientId> {
        let branch = response.via().branch.filter(|_| response.values(Name::Via).nth(1).is_none())?;
        let id = ClientId((Branch::hash_of(branch)? >> 64) as u64);
        (*self.branch(id) == *branch).then_some(id)
    }
}

/// ACK of a failure (RFC 3261 §17.1.1.3). `None` where our user has not sent a well-formed INVITE.
fn ack(invite: &[u8], response: &Message<'_>) -> Option<Vec<u8>> {
    let invite = Message::parse(invite).ok()?;
    Some(of_invite(&invite, Method::Ack, response.header(Name::To).unwrap_or_default()).finish())
}

/// What CANCEL and ACK have of their INVITE: target, topmost Via, route, From, Call-ID and CSeq number.
fn of_invite(invite: &Message<'_>, method: Method, to: &str) -> Builder {
    let mut builder = Builder::request(method, invite.request_uri())
        .header(Name::Via, invite.via().text)
        .header(Name::MaxForwards, 70);
    for route in invite.all(Name::Route) {
        builder = builder.header(Name::Route, route);
    }
    builder
        .header(Name::From, invite.header(Name::From).unwrap_or_default())
        .header(Name::To, to)
        .header(Name::CallId, invite.call_id())
        .header(Name::CSeq, format_args!("{} {method}", invite.cseq()))
}

impl Request {
    fn send_ack(&self, outbox: &mut Outbox) {
        if let Some(ack) = &self.ack {
            outbox.transmit(self.to, ack.clone());
        }
    }
}

impl Machine {
    /// Whether a response to this method can be for it.
    fn sent(&self, method: Method) -> bool {
        matches!(self, Machine::Invite(_)) == (method == Method::Invite)
    }

    fn handle_response(&mut self, now: Instant, timers: &Timers, status: u16) -> OnResponse {
        match self {
            Machine::Invite(invite) => invite.handle_response(now, timers, status),
            Machine::Other(client) => client.handle_response(now, timers, status),
        }
    }

    fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> OnTimeout {
        match self {
            Machine::Invite(invite) => invite.handle_timeout(now, timers),
            Machine::Other(client) => client.handle_timeout(now, timers),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Machine::Invite(invite) => invite.deadline(),
            Machine::Other(client) => client.deadline(),
        }
    }

    fn is_unheard(&self) -> bool {
        match self {
            Machine::Invite(invite) => invite.is_unheard(),
            Machine::Other(client) => client.is_unheard(),
        }
    }

    fn is_terminated(&self) -> bool {
        match self {
            Machine::Invite(invite) => invite.is_terminated(),
            Machine::Other(client) => client.is_terminated(),
        }
    }
}

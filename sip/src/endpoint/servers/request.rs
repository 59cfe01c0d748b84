use super::Key;
use crate::build::Builder;
use crate::edit::Edit;
use crate::endpoint::incoming::Incoming;
use crate::endpoint::outbox::Outbox;
use crate::hop::Hop;
use crate::message::{Message, Name};
use crate::timer::Timers;
use crate::transaction::{OnCopy, OnRespond, Server, ServerInvite};
use std::time::Instant;

/// One server transaction.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) machine: Machine,
    pub(super) reply_to: Hop,
    /// Where to instead, once that is unreachable.
    pub(super) fallback: Option<Hop>,
    /// The Vias of the latest copy, where they are not those of the request that the user knows.
    pub(super) other_vias: Option<Box<[String]>>,
    pub(super) kept: Kept,
    pub(super) keys: [Option<Key>; 3],
    pub(super) cancel: Cancel,
}

#[derive(Debug)]
pub(super) enum Machine {
    Invite(ServerInvite),
    Other(Server),
}

/// The one message that may be needed again.
#[derive(Debug)]
pub(super) enum Kept {
    Nothing,
    /// The INVITE, to make a 100 of.
    Request(Vec<u8>),
    /// The last response.
    Response(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancel {
    NotAsked,
    Asked,
}

impl Request {
    pub(super) fn is_pending(&self) -> bool {
        match &self.machine {
            Machine::Invite(invite) => invite.is_pending(),
            Machine::Other(_) => false,
        }
    }

    /// A copy of the request. Where it came through another proxy than before, responses go there from now on: the first one may be
    /// dead.
    pub(super) fn handle_copy(&mut self, outbox: &mut Outbox, copy: &Incoming<'_>) {
        let reply_to = copy.reply_to();
        if self.reply_to != reply_to {
            (self.reply_to, self.fallback) = (reply_to, copy.fallback());
            let vias: Box<[String]> = copy.message.all(Name::Via).map(str::to_owned).collect();
            self.kept = match std::mem::replace(&mut self.kept, Kept::Nothing) {
                Kept::Nothing => Kept::Nothing,
                Kept::Request(_) => Kept::Request(copy.message.bytes().to_vec()),
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

    pub(super) fn resend(&self, outbox: &mut Outbox) {
        match &self.kept {
            Kept::Response(bytes) => outbox.transmit(self.reply_to, bytes.clone()),
            Kept::Request(_) | Kept::Nothing => {}
        }
    }

    pub(super) fn say_trying(&mut self, outbox: &mut Outbox) {
        let Kept::Request(request) = &self.kept else { return };
        let Ok(message) = Message::parse(request) else { return };
        self.kept = Kept::Response(Builder::response(&message, 100, "Trying").finish());
        self.resend(outbox);
    }
}

impl Machine {
    pub(super) fn respond(&mut self, now: Instant, timers: &Timers, status: u16) -> OnRespond {
        match self {
            Machine::Invite(invite) => invite.respond(now, timers, status),
            Machine::Other(server) => server.respond(now, timers, status),
        }
    }

    pub(super) fn keeps_response(&self) -> bool {
        match self {
            Machine::Invite(invite) => invite.keeps_response(),
            Machine::Other(server) => server.keeps_response(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Machine::Invite(invite) => invite.deadline(),
            Machine::Other(server) => server.deadline(),
        }
    }

    pub(super) fn is_terminated(&self) -> bool {
        match self {
            Machine::Invite(invite) => invite.is_terminated(),
            Machine::Other(server) => server.is_terminated(),
        }
    }
}

/// The response with other Via lines.
pub(super) fn with_vias(response: &[u8], vias: &[String]) -> Vec<u8> {
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

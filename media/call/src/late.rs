//! What may still come when nobody waits for it: copies of a 2xx, answers to what was cancelled, an ACK before a BYE.
//!
//! A call hands such duties over and is free to end. Each entry goes with the transaction that it belongs to.

use crate::turn::Core;
use sip::dialog::Dialog;
use sip::endpoint::{ClientId, ServerId};
use sip::hop::Hop;
use sip::message::{Message, Method};
use std::collections::BTreeMap;
use std::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Late {
    invites: BTreeMap<ClientId, Invite>,
    byes: BTreeMap<ServerId, (Hop, Vec<u8>)>,
}

/// An INVITE of ours whose 2xx are to be acknowledged.
#[derive(Debug)]
struct Invite {
    hop: Hop,
    kind: Kind,
    /// By the other side's tag; an empty ACK still waits for its answer.
    acks: Vec<(String, Vec<u8>)>,
}

#[derive(Debug)]
enum Kind {
    /// Began a dialog, toward this target and with this Contact: a 2xx with a tag that is not in `acks` is one too many and gets
    /// a BYE.
    First { target: String, contact: String },
    /// Within this dialog.
    Within(Dialog, u32),
}

impl Late {
    pub(crate) fn is_empty(&self) -> bool {
        self.invites.is_empty() && self.byes.is_empty()
    }

    /// Every further 2xx to this INVITE is one too many: it was cancelled, or answered by another phone behind the same address.
    pub(crate) fn refuse_answers(&mut self, client: ClientId, hop: Hop, target: String, contact: String) {
        let kind = Kind::First { target, contact };
        self.invites.insert(client, Invite { hop, kind, acks: Vec::new() });
    }

    /// A 2xx to this INVITE within a dialog that has since ended is to be acknowledged.
    pub(crate) fn acknowledge(&mut self, client: ClientId, hop: Hop, dialog: Dialog, cseq: u32) {
        self.invites.insert(client, Invite { hop, kind: Kind::Within(dialog, cseq), acks: Vec::new() });
    }

    /// Copies of the 2xx with this tag get this ACK; none yet where it is empty.
    pub(crate) fn acknowledged(&mut self, client: ClientId, tag: &str, ack: Vec<u8>) {
        let Some(invite) = self.invites.get_mut(&client) else { return };
        match invite.acks.iter_mut().find(|(of, _)| of == tag) {
            Some((_, known)) => *known = ack,
            None => invite.acks.push((tag.to_owned(), ack)),
        }
    }

    /// Hangs up as soon as the 2xx of this INVITE has been acknowledged (RFC 3261 §15).
    pub(crate) fn hang_up_after_ack(&mut self, invite: ServerId, hop: Hop, bye: Vec<u8>) {
        self.byes.insert(invite, (hop, bye));
    }

    pub(crate) fn has_invite(&self, client: ClientId) -> bool {
        self.invites.contains_key(&client)
    }

    /// The last event that names the transaction has come.
    pub(crate) fn forget(&mut self, client: ClientId) {
        self.invites.remove(&client);
    }
}

impl Core {
    /// A response to an INVITE that no call waits for. True if it was one.
    pub(crate) fn handle_late_response(&mut self, now: Instant, client: ClientId, response: &Message<'_>) {
        let status = response.status().unwrap_or(0);
        if status >= 300 {
            self.late.forget(client);
        }
        let Some(invite) = self.late.invites.get_mut(&client).filter(|_| (200..300).contains(&status)) else { return };
        let tag = response.to_tag().unwrap_or("");
        if let Some((_, ack)) = invite.acks.iter().find(|(of, _)| of == tag) {
            if !ack.is_empty() {
                self.endpoint.send(invite.hop, ack.clone());
            }
            return;
        }
        let (ack, bye) = match &invite.kind {
            Kind::Within(dialog, cseq) => (dialog.ack(*cseq).finish(), None),
            Kind::First { target, contact } => {
                let Some(mut dialog) = Dialog::uac(response, target, contact) else { return };
                (dialog.ack(response.cseq()).finish(), Some(dialog.request(Method::Bye).finish()))
            }
        };
        invite.acks.push((tag.to_owned(), ack.clone()));
        let hop = invite.hop;
        self.endpoint.send(hop, ack);
        if let Some(bye) = bye {
            self.endpoint.request(now, hop, bye);
        }
    }

    /// A 2xx of ours has been acknowledged, or never will be.
    pub(crate) fn handle_late_ack(&mut self, now: Instant, invite: ServerId) {
        if let Some((hop, bye)) = self.late.byes.remove(&invite) {
            self.endpoint.request(now, hop, bye);
        }
    }
}

//! The agent.

use std::net::SocketAddr;

use crate::message::{Message, attribute, kind, xor_mapped};
use crate::reply::Reply;
use crate::{Credentials, Ufrag};

/// A lite agent for one stream: answers the peer's checks and knows where its media goes.
///
/// Addresses are taken as given: an IPv4 peer of an IPv6 socket must come in as IPv4, else it is told a wrong address.
#[derive(Debug, Clone)]
pub struct Lite {
    own: Credentials,
    theirs: Theirs,
    selected: Option<Selected>,
}

#[derive(Debug, Clone)]
enum Theirs {
    Known(Ufrag),
    /// Our offer is not answered yet. Checks may come before the answer (RFC 8445 §7.3); what they found holds only if the
    /// answer names their sender, for of a forked offer several phones know our password.
    Awaited {
        heard: Option<Ufrag>,
    },
}

#[derive(Debug, Clone, Copy)]
struct Selected {
    address: SocketAddr,
    nominated: bool,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Not for us, or damaged: nothing is sent.
    Ignored,
    /// The reply goes back to where the datagram came from; nothing else changes.
    Answered,
    /// The same, and media goes to this address from now on.
    Selected(SocketAddr),
}

/// Why a request is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// USERNAME or MESSAGE-INTEGRITY is missing.
    BadRequest,
    /// One of them is wrong.
    Unauthenticated,
    UnknownAttribute,
    /// Both sides believe to be controlled; we always are.
    RoleConflict,
}

impl Lite {
    /// `theirs` comes from the peer's SDP, and is `None` while our offer is not answered.
    pub fn new(own: Credentials, theirs: Option<Ufrag>) -> Lite {
        Lite { own, theirs: Theirs::from(theirs), selected: None }
    }

    /// Answers a datagram that may be a check of the peer; the answer replaces what is in `reply`, which is left empty for
    /// [`Heard::Ignored`].
    ///
    /// A request by one who has our password and carries both names is granted: its sender's address is validated. Media
    /// goes to the address nominated last, before any nomination to the one validated last. Others get the responses of
    /// RFC 8489 §9.1.3, and 487 where they believe to be controlled (RFC 8445 §7.3.1.1).
    pub fn handle(&mut self, datagram: &[u8], from: SocketAddr, reply: &mut Vec<u8>) -> Heard {
        reply.clear();
        let Some(request) = Message::parse(datagram).filter(|message| message.kind == kind::BINDING_REQUEST) else {
            return Heard::Ignored;
        };
        match self.judge(&request) {
            Ok(sender) => {
                let mut response = Reply::new(reply, kind::BINDING_SUCCESS, request.transaction());
                response.attribute(attribute::XOR_MAPPED_ADDRESS, &xor_mapped(from, request.transaction()));
                response.finish(Some(self.own.pwd()));
                self.validated(from, sender, request.use_candidate)
            }
            Err(refusal) => {
                self.refuse(&request, refusal, reply);
                Heard::Answered
            }
        }
    }

    /// The peer's name, if the request is to be granted.
    fn judge(&self, request: &Message<'_>) -> Result<Ufrag, Refusal> {
        let username = request.username.filter(|_| request.has_integrity()).ok_or(Refusal::BadRequest)?;
        let sender = std::str::from_utf8(username)
            .ok()
            .and_then(|username| username.split_once(':'))
            .filter(|(own, _)| *own == self.own.ufrag().as_str())
            .and_then(|(_, theirs)| Ufrag::parse(theirs).ok())
            .filter(|sender| match &self.theirs {
                Theirs::Known(theirs) => theirs == sender,
                Theirs::Awaited { .. } => true,
            });
        let sender = sender.filter(|_| request.is_authentic(self.own.pwd())).ok_or(Refusal::Unauthenticated)?;
        if !request.unknown.is_empty() {
            return Err(Refusal::UnknownAttribute);
        }
        if request.controlled { Err(Refusal::RoleConflict) } else { Ok(sender) }
    }

    fn validated(&mut self, from: SocketAddr, sender: Ufrag, nominated: bool) -> Heard {
        if let Theirs::Awaited { heard } = &mut self.theirs
            && heard.as_ref() != Some(&sender)
        {
            if heard.is_some() {
                self.selected = None;
            }
            *heard = Some(sender);
        }
        let before = self.selected;
        if nominated || before.is_none_or(|selected| !selected.nominated) {
            self.selected = Some(Selected { address: from, nominated });
        }
        if self.selected() == before.map(|before| before.address) { Heard::Answered } else { Heard::Selected(from) }
    }

    fn refuse(&self, request: &Message<'_>, refusal: Refusal, reply: &mut Vec<u8>) {
        let (error, pwd): (&[u8], _) = match refusal {
            Refusal::BadRequest => (b"\0\0\x04\x00Bad Request", None),
            Refusal::Unauthenticated => (b"\0\0\x04\x01Unauthenticated", None),
            Refusal::UnknownAttribute => (b"\0\0\x04\x14Unknown Attribute", Some(self.own.pwd())),
            Refusal::RoleConflict => (b"\0\0\x04\x57Role Conflict", Some(self.own.pwd())),
        };
        let mut response = Reply::new(reply, kind::BINDING_ERROR, request.transaction());
        response.attribute(attribute::ERROR_CODE, error);
        if refusal == Refusal::UnknownAttribute {
            let unknown: Vec<u8> = request.unknown.iter().flat_map(|unknown| unknown.to_be_bytes()).collect();
            response.attribute(attribute::UNKNOWN_ATTRIBUTES, &unknown);
        }
        response.finish(pwd);
    }

    /// Where media goes; nothing before the first valid check.
    pub fn selected(&self) -> Option<SocketAddr> {
        self.selected.map(|selected| selected.address)
    }

    /// The peer has nominated that address itself.
    pub fn is_nominated(&self) -> bool {
        self.selected.is_some_and(|selected| selected.nominated)
    }

    /// What we told the peer.
    pub fn own(&self) -> &Credentials {
        &self.own
    }

    /// The peer's SDP has come, or a new one. A name other than before replaces it: checks under the old one are refused.
    /// An address found by checks under another name before the first answer is forgotten.
    pub fn set_remote(&mut self, theirs: Ufrag) {
        match &self.theirs {
            Theirs::Known(known) if *known == theirs => return,
            Theirs::Known(_) => self.reopen(),
            Theirs::Awaited { heard: Some(heard) } if *heard != theirs => self.selected = None,
            Theirs::Awaited { .. } => {}
        }
        self.theirs = Theirs::Known(theirs);
    }

    /// Begins anew with other credentials (RFC 8445 §9); checks with the old ones are refused. Media keeps its address
    /// until the first check with the new ones.
    pub fn restart(&mut self, own: Credentials, theirs: Option<Ufrag>) {
        self.own = own;
        self.theirs = Theirs::from(theirs);
        self.reopen();
    }

    fn reopen(&mut self) {
        if let Some(selected) = &mut self.selected {
            selected.nominated = false;
        }
    }
}

impl From<Option<Ufrag>> for Theirs {
    fn from(theirs: Option<Ufrag>) -> Theirs {
        theirs.map_or(Theirs::Awaited { heard: None }, Theirs::Known)
    }
}

#[cfg(test)]
mod tests;

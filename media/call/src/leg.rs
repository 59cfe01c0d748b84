//! One side of a call: a dialog with its media.

use crate::best::Failure;
use crate::call::Leave;
use crate::info::Key;
use crate::media::MediaId;
use crate::output::Side;
use crate::recording::Typed;
use crate::reliable::{Early, Reliable};
use crate::response::refusal;
use crate::route::{Flow, next_hop};
use crate::session_timer::SessionTimer;
use crate::streams::Streams;
use crate::turn::Turn;
use sip::dialog::Dialog;
use sip::endpoint::{ClientId, ServerId};
use sip::hop::Hop;
use sip::message::{Message, Method, Name};
use std::collections::VecDeque;
use std::time::Duration;

/// Names a leg within its shard; the `leg` of its Contact token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LegId(pub u64);

#[derive(Debug)]
pub(crate) struct Leg {
    pub id: LegId,
    pub side: Side,
    /// Whose phone it is: user@domain.
    pub owner: String,
    /// The proxy that its last message came from or went to.
    pub hop: Hop,
    /// Value of our Contact.
    pub contact: String,
    /// Our tags in the dialog; a caller's leg has a new one for each phone that answers with another description.
    pub tags: Vec<String>,
    /// The Min-SE of a 422 of theirs (RFC 4028 §7.3).
    pub least_session: Duration,
    pub state: State,
    pub peer: Peer,
    /// Our provisional responses to the INVITE that began it.
    pub reliable: Reliable,
    pub streams: Streams,
    /// Once answered, where the session expires.
    pub timer: Option<SessionTimer>,
    /// Requests of ours within the dialog that wait for their final response.
    pub tasks: Vec<Task>,
    /// INVITEs of theirs that we answered with 2xx and whose ACK is to come.
    pub unacknowledged: Vec<Unacknowledged>,
    /// Keys pressed in the call.
    pub typed: Typed,
    /// Keys that wait to be told to the phone by INFO, one after the other.
    pub untold: VecDeque<Key>,
    /// The ports whose keys are listened for while the phones talk.
    pub watched: Option<MediaId>,
    /// An INVITE of ours was answered with an offer, and its ACK waits for the other side's answer.
    pub owed: Option<Owed>,
}

#[derive(Debug)]
pub(crate) enum State {
    /// Their INVITE waits for our final response.
    Incoming(Incoming),
    /// Our INVITE waits for their final response.
    Outgoing(Outgoing),
    /// One of us has answered with a 2xx.
    Talking(Dialog),
}

#[derive(Debug)]
pub(crate) struct Incoming {
    pub invite: ServerId,
    pub request: Vec<u8>,
    /// Under the tag of the last provisional response.
    pub dialog: Dialog,
    /// The status last told, and which leg's it was.
    pub told: u16,
    pub ringing: Option<LegId>,
    /// Whose description the caller has under this tag.
    pub heard: Option<LegId>,
    /// What the ACK of our 2xx must carry.
    pub awaits: Awaits,
}

#[derive(Debug)]
pub(crate) struct Outgoing {
    pub invite: ClientId,
    pub draft: Draft,
    /// One for each phone behind the address that has sent a provisional response with a tag; the one last heard comes last.
    pub early: Vec<Early>,
}

/// What an INVITE of ours is made of.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub flow: Flow,
    pub call_id: String,
    /// Later ones, where a 422 asks for another, differ in this and the session timer only.
    pub cseq: u32,
    pub tag: String,
    pub contact: String,
    pub offer: Option<Vec<u8>>,
    /// The Min-SE of a 422.
    pub least_session: Duration,
}

/// What the other side's programs can do, from Allow, Supported and Require.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Peer {
    pub reliable: Support,
    pub update: Support,
    pub timer: Support,
}

/// How much the other side wants an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(crate) enum Support {
    #[default]
    Unknown,
    Supported,
    Required,
}

/// A request of ours within the dialog.
#[derive(Debug)]
pub(crate) struct Task {
    pub client: ClientId,
    pub method: Method,
    pub cseq: u32,
    /// The description that it offers.
    pub offer: Option<Vec<u8>>,
    pub purpose: Purpose,
}

#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// It is the other leg's request: its answer becomes the answer to that.
    Relay { from: LegId, server: ServerId, request: Vec<u8> },
    /// It keeps the session from expiring.
    Refresh,
    /// It tells a key; the next one waits for its outcome.
    Key,
    /// Its outcome changes nothing.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unacknowledged {
    pub invite: ServerId,
    pub awaits: Awaits,
}

/// What an ACK must carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaits {
    Nothing,
    /// Our 2xx had an offer.
    Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owed {
    pub invite: ClientId,
    pub cseq: u32,
}

impl Peer {
    pub(crate) fn read(message: &Message<'_>) -> Peer {
        let option =
            |name: &str| match (message.has_option(Name::Require, name), message.has_option(Name::Supported, name)) {
                (true, _) => Support::Required,
                (false, true) => Support::Supported,
                (false, false) => Support::Unknown,
            };
        let update = message.values(Name::Allow).any(|method| method == "UPDATE");
        Peer {
            reliable: option("100rel"),
            timer: option("timer"),
            update: if update { Support::Supported } else { Support::Unknown },
        }
    }

    /// What a later message adds.
    pub(crate) fn learn(&mut self, message: &Message<'_>) {
        let now = Peer::read(message);
        self.update = self.update.max(now.update);
        self.timer = self.timer.max(now.timer);
    }
}

impl Incoming {
    /// The caller is about to hear this leg's description. Another phone's has been told under the tag so far: a tag stands for one
    /// answer (RFC 3261 §13.2.2.4).
    pub(crate) fn hear(&mut self, turn: &mut Turn<'_>, leg: LegId, tags: &mut Vec<String>) {
        if self.heard.is_some_and(|heard| heard != leg) {
            self.dialog.local_tag = turn.tag();
            tags.push(self.dialog.local_tag.clone());
        }
        self.heard = Some(leg);
    }
}

impl Leg {
    /// A leg of which nothing is known yet but how it begins.
    pub(crate) fn new(id: LegId, side: Side, hop: Hop, contact: String, state: State, streams: Streams) -> Leg {
        Leg {
            id,
            side,
            owner: String::new(),
            hop,
            contact,
            tags: Vec::new(),
            least_session: Duration::ZERO,
            state,
            peer: Peer::default(),
            reliable: Reliable::default(),
            streams,
            timer: None,
            tasks: Vec::new(),
            unacknowledged: Vec::new(),
            typed: Typed::default(),
            untold: VecDeque::new(),
            watched: None,
            owed: None,
        }
    }

    /// The dialog that requests of ours belong to.
    pub(crate) fn dialog(&mut self) -> Option<&mut Dialog> {
        match &mut self.state {
            State::Incoming(incoming) => Some(&mut incoming.dialog),
            State::Outgoing(outgoing) => outgoing.early.last_mut().map(|early| &mut early.dialog),
            State::Talking(dialog) => Some(dialog),
        }
    }

    pub(crate) fn is_talking(&self) -> bool {
        matches!(self.state, State::Talking(_))
    }

    /// Whether an offer of ours is on its way, or an INVITE of ours that waits for theirs.
    pub(crate) fn is_offering(&self) -> bool {
        self.owed.is_some() || self.tasks.iter().any(|task| task.method == Method::Invite || task.offer.is_some())
    }

    /// Leaves the call. What may still come for it is handed over to [`Late`](crate::late::Late).
    pub(crate) fn leave(mut self, turn: &mut Turn<'_>, leave: Leave) {
        let core = &mut *turn.core;
        for tag in &self.tags {
            core.owners.tags.remove(tag);
        }
        for it in &self.unacknowledged {
            core.owners.servers.remove(&it.invite);
        }
        for task in &self.tasks {
            core.owners.clients.remove(&task.client);
        }
        match (self.state, leave) {
            (State::Incoming(incoming), leave) => {
                core.owners.servers.remove(&incoming.invite);
                let failure = match leave {
                    Leave::Told(failure) => failure,
                    Leave::Gone => Failure::of(487),
                };
                if let Ok(request) = Message::parse(&incoming.request) {
                    let message = refusal(&request, &failure, &incoming.dialog.local_tag);
                    core.endpoint.respond(turn.now, incoming.invite, message);
                }
            }
            (State::Outgoing(outgoing), Leave::Gone) => {
                core.owners.clients.remove(&outgoing.invite);
            }
            (State::Outgoing(outgoing), Leave::Told(failure)) => {
                core.owners.clients.remove(&outgoing.invite);
                core.late.refuse_answers(outgoing.invite, self.hop, outgoing.draft.flow.uri, self.contact);
                match failure.reason() {
                    Some(reason) => core.endpoint.cancel_because(turn.now, outgoing.invite, reason),
                    None => core.endpoint.cancel(turn.now, outgoing.invite),
                }
            }
            (State::Talking(mut dialog), leave) => {
                let hop = next_hop(core, &dialog, self.hop);
                for task in self.tasks.iter().filter(|task| task.method == Method::Invite) {
                    core.late.acknowledge(task.client, hop, dialog.clone(), task.cseq);
                }
                if let Some(owed) = self.owed.take() {
                    let ack = dialog.ack(owed.cseq).finish();
                    core.late.acknowledged(owed.invite, &dialog.remote_tag, ack.clone());
                    core.endpoint.send(hop, ack);
                }
                let Leave::Told(failure) = leave else { return };
                let said = [Name::Reason, Name::UserToUser];
                let reasons = failure.lines.iter().filter(|(name, _)| said.contains(name));
                let bye = reasons.fold(dialog.request(Method::Bye), |bye, (name, value)| bye.header(*name, value));
                match self.unacknowledged.last() {
                    Some(it) => core.late.hang_up_after_ack(it.invite, hop, bye.finish()),
                    None => turn.request_and_forget(hop, bye.finish()),
                }
            }
        }
    }
}

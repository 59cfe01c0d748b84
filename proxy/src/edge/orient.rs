//! What a dialled number means, and which way the call then takes.

use super::route::OwnRoutes;
use super::verdict::Verdict;
use super::{Call, Count, Edge, Flows, Outbox, Output, Passage, Passed, Waiting};
use proto::directory::{self, Dialled, Media, Target};
use proto::registrar::Unavailable;
use proto::time::UnixMillis;
use proto::wire::{Binding, LocateRequest, LocateResponse};
use sip::Message;
use sip::uri::{Scheme, Uri};
use std::time::Instant;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// `user@domain`; authenticated, or for ACK and CANCEL what From says.
    pub aor: String,
    /// Whether From hides it (RFC 3323): such calls go through a media node, which keeps the secret.
    pub hides: bool,
}

impl<'a> Passage<'a> {
    /// Asks the directory what was dialled.
    pub(super) fn orient(&self, caller: &Caller, uri: &Uri<'_>) -> Result<Target, Verdict<'a>> {
        let own_domain = caller.aor.rsplit_once('@').map_or("", |(_, domain)| domain);
        let host = if uri.scheme == Scheme::Tel { own_domain } else { uri.host_text };
        let (user, gr) = (uri.user_decoded(), uri.param_decoded("gr"));
        let temporary = gr.as_deref().filter(|gr| gr.is_empty()).and_then(|_| self.view.gruu.load().open(&user));
        let dialled = match &temporary {
            // The registry knows by the whole user part which of the user's phones is meant.
            Some(temporary) => Dialled { user: &temporary.user, host, gr: Some(&user) },
            None => Dialled { user: &user, host, gr: gr.as_deref() },
        };
        let asks = directory::Caller { aor: &caller.aor, ip: Some(self.arrival.peer.ip()) };
        self.directory.orient(&asks, &dialled).map_err(Verdict::RefusedBy)
    }

    /// ACK and CANCEL take the way of their INVITE; where there is none, the shard that would have it says so.
    pub(super) fn follow(&mut self, uri: &Uri<'_>, routes: &OwnRoutes) -> Result<(), Verdict<'a>> {
        let caller = self.claimed();
        let target = caller.as_ref().and_then(|caller| self.orient(caller, uri).ok());
        match caller.zip(target) {
            Some((caller, target)) => self.hand_on(caller, target, routes),
            None => self.give_to_shard(None, routes),
        }
    }

    /// To the user's phone where the call is direct, else to the media shard of its Call-ID.
    pub(super) fn hand_on(&mut self, caller: Caller, target: Target, routes: &OwnRoutes) -> Result<(), Verdict<'a>> {
        match &target {
            Target::User { aor, instance } if self.is_direct(&caller, aor) => {
                if self.memory.waiting.has_room() {
                    let request = LocateRequest {
                        aor: aor.clone(),
                        instance: instance.clone().unwrap_or_default(),
                        call_id: self.message.call_id().to_owned(),
                    };
                    let call = Call { arrival: *self.arrival, bytes: self.message.bytes().to_vec(), caller, target };
                    let id = self.memory.waiting.park(self.now, Waiting::Call(Box::new(call)));
                    self.out.push(Output::Locate(id, Box::new(request)));
                    return Ok(());
                }
                self.count(Count::Overload);
            }
            _ => {}
        }
        self.give_to_shard(Some((&caller, &target)), routes)
    }

    /// Goes on with a direct call when it is known where its target is registered: to the phone if there is exactly one and
    /// what carries the request there is as reliable, else to the shard after all.
    fn relay_to(&mut self, call: &Call, bindings: Result<Vec<Binding>, Unavailable>) -> Result<(), Verdict<'a>> {
        let Call { caller, target, .. } = call;
        let contact = match (bindings.as_deref(), target) {
            (Ok([only]), _) => Passed::of(only, &self.keys.flow),
            (Err(Unavailable), Target::User { aor, .. }) => self.memory.passed.newest(self.wall.seconds(), aor),
            _ => None,
        };
        let contact = contact.filter(|contact| contact.flow.transport.is_reliable() == self.is_reliable());
        match contact.and_then(|contact| Some((self.way_over(contact.flow).ok()?, contact))) {
            Some((way, contact)) => self.relay(way, &contact, caller),
            None => self.give_to_shard(Some((caller, target)), &self.own_routes()),
        }
    }

    /// Whether both users' media may go from phone to phone.
    fn is_direct(&self, caller: &Caller, callee: &str) -> bool {
        let is_direct = |aor| self.directory.user(aor).is_some_and(|user| self.directory.media(user) == Media::Direct);
        !caller.hides && is_direct(callee) && is_direct(&caller.aor)
    }
}

impl Edge {
    /// Goes on with a call whose target's bindings were asked for.
    pub(super) fn located(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        call: &Call,
        response: Result<LocateResponse, Unavailable>,
        flows: &dyn Flows,
        out: &mut Outbox,
    ) {
        if response.is_err() {
            self.memory.counts.add(Count::RegistryUnavailable);
        }
        let Ok(message) = Message::parse(&call.bytes) else { return };
        self.passage(now, wall, &call.arrival, &message, flows, out, |passage| {
            if let Err(verdict) = passage.relay_to(call, response.map(|response| response.bindings)) {
                passage.answer(verdict);
            }
        });
    }
}

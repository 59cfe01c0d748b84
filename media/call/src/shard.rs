//! All calls of one thread.

mod finish;
mod offer;
mod quality;
mod rooms;
mod takeover;

use crate::begin::admit;
use crate::best::Failure;
use crate::call::{Call, Phase};
use crate::doors::Doors;
use crate::late::Late;
use crate::media::{Media, MediaEvent, MediaId};
use crate::memory::Memory;
use crate::output::{Answer, Event, Output, QueryId};
use crate::response::{capabilities, method_refused, refusal};
use crate::route;
use crate::settings::Settings;
use crate::turn::{CallKey, Core, Owners, Turn};
use offer::Offers;
use proto::time::UnixMillis;
use proto::view::View;
use proto::wire;
use rooms::Announcing;
use sip::endpoint::{self, ClientId, Endpoint, ServerId};
use sip::hop::{Hop, Transmit};
use sip::message::{Message, Method, Name};
use sip::random::Random;
use sip::timer::Queue;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// All calls of one thread, with their transactions and timers.
pub struct Shard {
    core: Core,
    calls: BTreeMap<CallKey, Call>,
    due: Queue<CallKey>,
    /// The time of day at an instant.
    clock: Option<(Instant, UnixMillis)>,
    intake: Intake,
    offers: Offers,
    /// Sounds that an operator wants in a room and that are being looked for.
    announcing: BTreeMap<QueryId, Announcing>,
    /// The call that is handled now; after a panic, the one that had it.
    at_work: Option<CallKey>,
    /// The call whose quality was reported last.
    reported: Option<CallKey>,
}

impl fmt::Debug for Shard {
    /// What is open, for the log of a shard that does not come to rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Core { owners, late, .. } = &self.core;
        f.debug_struct("Shard")
            .field("calls", &self.calls)
            .field("owners", owners)
            .field("late", late)
            .finish_non_exhaustive()
    }
}

/// Whether new calls are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intake {
    Open,
    Draining,
}

impl Shard {
    /// A shard without calls; `seed` makes its tags, branches and back-offs.
    pub fn new(settings: Settings, view: Arc<View>, seed: u64) -> Shard {
        let mut random = Random::new(seed);
        // No address in our Via: a phone would see it, and responses find their way by what the proxy sealed into its own.
        let sent_by = format!("{}:{}", settings.id.host(), settings.address.port());
        let endpoint = Endpoint::new(settings.timers, sent_by, random.number());
        let memory = Memory::new(settings.limits.remembered);
        Shard {
            core: Core {
                settings,
                view,
                endpoint,
                output: VecDeque::new(),
                random,
                memory,
                doors: Doors::default(),
                owners: Owners::default(),
                late: Late::default(),
                count: 0,
            },
            calls: BTreeMap::new(),
            due: Queue::new(),
            clock: None,
            intake: Intake::Open,
            offers: Offers::default(),
            announcing: BTreeMap::new(),
            at_work: None,
            reported: None,
        }
    }

    /// A message from inside the cluster. `wall` is the time of day, for reports and the overlap of rings.
    pub fn handle_message(&mut self, now: Instant, wall: UnixMillis, from: Hop, bytes: &[u8], media: &mut impl Media) {
        self.clock = Some((now, wall));
        self.take(now, from, bytes);
        self.handle_events(now, media);
    }

    /// The answer to a [`Query`](crate::Query). One that comes too late changes nothing.
    pub fn handle_answer(&mut self, now: Instant, query: QueryId, answer: Answer, media: &mut impl Media) {
        if let Some(announcing) = self.announcing.remove(&query) {
            return self.announce(announcing, answer, media);
        }
        let Some(&key) = self.core.owners.queries.get(&query) else { return };
        self.with_call(now, key, media, |call, turn| match answer {
            Answer::Located(answer) => call.handle_located(turn, query, answer),
            Answer::Prompt(prompt) => call.handle_prompt(turn, query, prompt),
        });
        self.handle_events(now, media);
    }

    /// Something that happened on an open pair of ports.
    pub fn handle_media(&mut self, now: Instant, id: MediaId, event: MediaEvent, media: &mut impl Media) {
        let Some(&key) = self.core.owners.media.get(&id) else { return };
        self.with_call(now, key, media, |call, turn| match event {
            MediaEvent::Silent => call.handle_silence(turn),
            MediaEvent::Dtmf(key) if call.is_talking() => call.handle_key(turn, id, key),
            MediaEvent::PromptDone | MediaEvent::Dtmf(_) => call.handle_service_event(turn, event),
            MediaEvent::Struck(key, held) => call.handle_struck(turn, id, key, held),
        });
        self.handle_events(now, media);
    }

    /// A hop over TCP could not be connected or broke: requests that wait for an answer from there fail at once.
    pub fn handle_unreachable(&mut self, now: Instant, hop: Hop, media: &mut impl Media) {
        self.core.endpoint.handle_unreachable(hop);
        self.handle_events(now, media);
    }

    /// Due timers; call it at or after [`Shard::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant, media: &mut impl Media) {
        self.core.endpoint.handle_timeout(now);
        self.handle_events(now, media);
        self.handle_offer_timeout(now, media);
        while let Some(key) = self.due.pop(now) {
            if let Some(call) = self.calls.get_mut(&key) {
                call.scheduled = None;
            }
            self.with_call(now, key, media, |call, turn| call.handle_timeout(turn));
            self.handle_events(now, media);
        }
    }

    /// The next thing to do; `None` until the next `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        match self.core.endpoint.poll_transmit() {
            Some(transmit) => {
                let to = route::reroute(&self.core, transmit.to);
                Some(Output::Transmit(Transmit { to, ..transmit }))
            }
            None => self.core.output.pop_front(),
        }
    }

    /// When [`Shard::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.core.endpoint.poll_timeout(), self.due.next(), self.offers.poll_timeout()].into_iter().flatten().min()
    }

    /// From now on new calls are answered 503; the live ones go on.
    pub fn drain(&mut self) {
        self.intake = Intake::Draining;
    }

    /// No call, no transaction, no timer, nothing to do.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.due.is_empty()
            && self.offers.is_empty()
            && self.announcing.is_empty()
            && self.core.late.is_empty()
            && self.core.owners.is_empty()
            && self.core.output.is_empty()
            && self.core.endpoint.is_idle()
    }

    /// Every call now, oldest first, as it was last reported.
    pub fn calls(&self) -> impl Iterator<Item = wire::CallReport> {
        self.calls.values().map(|call| call.summary(&self.core.settings.node))
    }

    fn handle_events(&mut self, now: Instant, media: &mut impl Media) {
        while let Some(event) = self.core.endpoint.poll_event() {
            match event {
                endpoint::Event::Request { id, from, bytes } => self.handle_request(now, id, from, bytes, media),
                endpoint::Event::Cancel { invite, reason } => {
                    self.with_server(now, invite, media, |call, turn| call.handle_cancel(turn, invite, reason));
                }
                endpoint::Event::Ack { invite: Some(invite), from, bytes } => {
                    self.core.handle_late_ack(now, invite);
                    self.with_server(now, invite, media, |call, turn| {
                        if let Ok(ack) = Message::parse(&bytes) {
                            call.handle_ack(turn, invite, from, &ack);
                        }
                    });
                }
                endpoint::Event::Ack { invite: None, .. } => {}
                endpoint::Event::AckMissing { invite } => {
                    self.core.handle_late_ack(now, invite);
                    self.with_server(now, invite, media, |call, turn| call.handle_ack_missing(turn, invite));
                }
                endpoint::Event::Response { id, bytes, .. } => {
                    if let Ok(response) = Message::parse(&bytes) {
                        self.handle_response(now, id, &response, media);
                    }
                }
                endpoint::Event::Timeout { id } => self.handle_no_response(now, id, 408, media),
                endpoint::Event::Unreachable { id } => self.handle_no_response(now, id, 503, media),
                endpoint::Event::Ended { id } => self.core.late.forget(id),
            }
        }
    }

    fn handle_request(&mut self, now: Instant, id: ServerId, from: Hop, bytes: Vec<u8>, media: &mut impl Media) {
        let Ok(request) = Message::parse(&bytes) else { return };
        if let Some(tag) = request.to_tag() {
            match self.core.owners.tags.get(tag) {
                Some(&key) => {
                    return self.with_call(now, key, media, |call, turn| call.handle_request(turn, id, from, bytes));
                }
                None => return self.refuse(now, id, &request, Failure::of(481)),
            }
        }
        match request.method() {
            Method::Invite => self.handle_invite(now, id, from, &request, media),
            Method::Options => {
                let tag = self.core.name();
                self.core.endpoint.respond(now, id, capabilities(&request, &tag));
            }
            Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Notify => {
                self.refuse(now, id, &request, Failure::of(481));
            }
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Refer
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other => self.refuse(now, id, &request, method_refused(request.method())),
        }
    }

    fn handle_invite(&mut self, now: Instant, id: ServerId, from: Hop, request: &Message<'_>, media: &mut impl Media) {
        let is_full = self.intake == Intake::Draining || self.calls.len() >= self.core.settings.limits.calls;
        let admitted = match is_full {
            true => Err(Failure::of(503).with(Name::RetryAfter, RETRY_AFTER)),
            false => admit(&self.core, now, request),
        };
        let key = CallKey(self.core.next());
        let wall = self.wall(now);
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(failure) => return self.refuse(now, id, request, failure),
        };
        self.at_work = Some(key);
        let mut turn = Turn { now, wall, call: key, media, core: &mut self.core };
        let begun = Call::begin(&mut turn, id, from, request, admitted);
        self.at_work = None;
        match begun {
            Some(call) => {
                self.core.owners.callers.insert((call.id.clone(), call.tag.clone()), key);
                self.calls.insert(key, call);
                self.settle(now, key);
            }
            None => self.refuse(now, id, request, Failure::of(400)),
        }
    }

    fn handle_response(&mut self, now: Instant, id: ClientId, response: &Message<'_>, media: &mut impl Media) {
        if self.core.late.has_invite(id) {
            return self.core.handle_late_response(now, id, response);
        }
        let (Some(&key), Some(status)) = (self.core.owners.clients.get(&id), response.status()) else { return };
        self.with_call(now, key, media, |call, turn| call.handle_outcome(turn, id, status, Some(response)));
    }

    fn handle_no_response(&mut self, now: Instant, id: ClientId, status: u16, media: &mut impl Media) {
        self.core.late.forget(id);
        if let Some(&key) = self.core.owners.clients.get(&id) {
            self.with_call(now, key, media, |call, turn| call.handle_outcome(turn, id, status, None));
        }
    }

    fn refuse(&mut self, now: Instant, id: ServerId, request: &Message<'_>, failure: Failure) {
        if request.method() == Method::Invite {
            let (call_id, status) = (request.call_id().to_owned(), failure.status);
            self.core.output.push_back(Output::Log(Event::Refused { call_id, status }));
        }
        let tag = self.core.name();
        self.core.endpoint.respond(now, id, refusal(request, &failure, &tag));
    }

    fn with_server(
        &mut self,
        now: Instant,
        id: ServerId,
        media: &mut impl Media,
        stimulus: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        if let Some(&key) = self.core.owners.servers.get(&id) {
            self.with_call(now, key, media, stimulus);
        }
    }

    fn with_call(
        &mut self,
        now: Instant,
        key: CallKey,
        media: &mut impl Media,
        stimulus: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        let wall = self.wall(now);
        let Some(call) = self.calls.get_mut(&key) else { return };
        self.at_work = Some(key);
        stimulus(call, &mut Turn { now, wall, call: key, media, core: &mut self.core });
        self.at_work = None;
        self.settle(now, key);
    }

    /// After each stimulus: the call's deadline is noted, a call that is over goes.
    fn settle(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let due = call.poll_timeout();
        self.due.change(key, call.scheduled, due);
        call.scheduled = due;
        if matches!(call.phase, Phase::Over) {
            let caller = (std::mem::take(&mut call.id), std::mem::take(&mut call.tag));
            self.core.owners.callers.remove(&caller);
            self.offers.end(now, caller);
            self.calls.remove(&key);
        }
    }

    fn wall(&self, now: Instant) -> UnixMillis {
        let Some((instant, wall)) = self.clock else { return UnixMillis(0) };
        UnixMillis(wall.0 + now.saturating_duration_since(instant).as_millis() as u64)
    }
}

/// Seconds after which a refused caller may try again.
const RETRY_AFTER: u64 = 10;

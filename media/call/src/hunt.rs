//! The search for someone who answers: users are located, their phones ring in groups, the first 2xx wins.

use crate::best::{Best, Failure, for_caller, is_flow_failure};
use crate::call::{Call, Leave, Phase};
use crate::leg::LegId;
use crate::output::{Query, QueryId};
use crate::policy::{Place, passing};
use crate::route::{self, Flow, Way};
use crate::turn::Turn;
use proto::directory::{Caller, Dialled, Target};
use proto::registrar::Unavailable;
use proto::wire::{Binding, LocateRequest, LocateResponse};
use sip::headers::ContactValue;
use sip::message::{Message, Name};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Hunt {
    /// Users whose phones are being asked for.
    locating: Vec<Locating>,
    /// Phones that ring after the ones that ring now, the most wanted last.
    later: Vec<Phone>,
    forks: Vec<Fork>,
    /// When the phones that ring now have rung long enough.
    ring_until: Option<Instant>,
    ring: Duration,
    best: Best,
    /// Users asked for so far; nobody is asked for twice.
    tried: Vec<String>,
    /// The leg whose media the caller hears.
    pub early: Option<LegId>,
    /// Why nobody answered, for the forward of whoever was called.
    ended: Ended,
}

#[derive(Debug)]
struct Locating {
    query: QueryId,
    aor: String,
    instance: String,
    until: Instant,
}

/// One phone: the flows over which it can be reached, tried one after the other (RFC 5626 §5.3).
#[derive(Debug)]
struct Phone {
    /// Whose it is: user@domain.
    owner: String,
    q: u32,
    flows: VecDeque<Flow>,
}

/// A phone that rings.
#[derive(Debug)]
struct Fork {
    leg: LegId,
    phone: Phone,
    /// When the phone's next flow is tried; `None`: there is none, or this one has given a sign.
    silent_until: Option<Instant>,
}

/// Why the phones of a user did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ended {
    #[default]
    Offline,
    NoAnswer,
}

impl Call {
    /// Asks where a user's phones are. False: this user has been asked for before, or too many have.
    pub(crate) fn locate(&mut self, turn: &mut Turn<'_>, aor: String, instance: Option<String>) -> bool {
        let (limit, patience) = (turn.settings().limits.redirects, turn.settings().locate_patience);
        let Phase::Hunting(hunt) = &mut self.phase else { return false };
        if hunt.tried.len() > limit || hunt.tried.contains(&aor) {
            return false;
        }
        let directory = turn.core.view.directory.load();
        hunt.ring = directory.user(&aor).map_or(DEFAULT_RING, |user| user.ring());
        hunt.tried.push(aor.clone());
        hunt.ended = Ended::Offline;
        let instance = instance.unwrap_or_default();
        let request = LocateRequest { aor: aor.clone(), instance: instance.clone(), call_id: self.id.clone() };
        let query = turn.query(Query::Locate(request));
        hunt.locating.push(Locating { query, aor, instance, until: turn.now + patience });
        true
    }

    /// The registry's answer, or that it had none in time.
    pub(crate) fn handle_located(
        &mut self,
        turn: &mut Turn<'_>,
        query: QueryId,
        answer: Result<LocateResponse, Unavailable>,
    ) {
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        let Some(index) = hunt.locating.iter().position(|locating| locating.query == query) else { return };
        let Locating { aor, instance, .. } = hunt.locating.remove(index);
        turn.core.owners.queries.remove(&query);
        let answer = match answer {
            Ok(answer) => {
                if instance.is_empty() {
                    turn.core.memory.remember(&aor, answer.clone());
                }
                Some(answer)
            }
            Err(Unavailable) => turn.core.memory.recall(&aor).map(|mut answer| {
                answer.bindings.retain(|binding| instance.is_empty() || binding.instance == instance);
                answer
            }),
        };
        let found = match answer {
            Some(answer) => {
                if answer.bindings.is_empty() {
                    hunt.best.add(Failure::of(if answer.known { 480 } else { 404 }));
                }
                phones(&aor, answer.bindings)
            }
            None => {
                let proxies = route::proxies(turn.core, self.legs[0].hop.transport).into_iter();
                let flow = |way| VecDeque::from([Flow { uri: format!("sip:{aor}"), received: None, web: false, way }]);
                let phone = |proxy| Phone { owner: aor.clone(), q: 0, flows: flow(Way::Remembered(proxy)) };
                proxies.map(phone).collect()
            }
        };
        if !hunt.forks.is_empty() {
            // Others ring already: whoever was named by one of them rings beside them.
            return self.ring(turn, found);
        }
        hunt.later.extend(found);
        hunt.later.sort_by_key(|phone| phone.q);
        self.ring_next(turn);
    }

    /// Rings the phones that are wanted most, unless some ring already.
    fn ring_next(&mut self, turn: &mut Turn<'_>) {
        loop {
            let Phase::Hunting(hunt) = &mut self.phase else { return };
            if !hunt.forks.is_empty() || !hunt.locating.is_empty() {
                return;
            }
            let Some(q) = hunt.later.last().map(|phone| phone.q) else { return self.give_up(turn) };
            let first = hunt.later.partition_point(|phone| phone.q < q);
            let group = hunt.later.split_off(first);
            self.ring(turn, group);
        }
    }

    /// Rings phones, as many as may ring at once.
    fn ring(&mut self, turn: &mut Turn<'_>, mut phones: Vec<Phone>) {
        let limit = turn.settings().limits.forks;
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        hunt.ring_until = Some(turn.now + hunt.ring);
        phones.truncate(limit.saturating_sub(hunt.forks.len()));
        for phone in phones {
            self.ring_phone(turn, phone);
        }
    }

    /// Rings a phone over the first of its flows that can be tried.
    fn ring_phone(&mut self, turn: &mut Turn<'_>, mut phone: Phone) {
        while let Some(flow) = phone.flows.pop_front() {
            let outcome = self.invite_phone(turn, &phone.owner, flow);
            let Phase::Hunting(hunt) = &mut self.phase else { return };
            match outcome {
                Ok(leg) => {
                    let silent_until = (!phone.flows.is_empty()).then(|| turn.now + turn.settings().flow_patience);
                    return hunt.forks.push(Fork { leg, phone, silent_until });
                }
                Err(failure) => hunt.best.add(failure),
            }
        }
    }

    /// A phone's final failure, or its silence.
    pub(crate) fn handle_fork_failure(
        &mut self,
        turn: &mut Turn<'_>,
        leg: LegId,
        status: u16,
        response: Option<&Message<'_>>,
    ) {
        if self.invite_again(turn, leg, status, response) {
            return;
        }
        self.part(turn, leg, Leave::Gone);
        let Some(phone) = self.take_fork(leg) else { return };
        let limit = turn.settings().limits.header;
        let lines = response.into_iter().flat_map(|response| passing(response, Place::Failure, limit));
        let lines = lines.map(|(name, value)| (name, value.to_owned())).collect();
        if is_flow_failure(status) && !phone.flows.is_empty() {
            self.ring_phone(turn, phone);
        } else if !response.is_some_and(|response| self.follow(turn, &phone.owner, response)) {
            let Phase::Hunting(hunt) = &mut self.phase else { return };
            // Where nothing came back, the phone is out of reach, whatever stands for it.
            hunt.best.add(Failure { status: response.map_or(480, |_| for_caller(status)), lines });
        }
        if status >= 600 {
            let declined = Failure::of(487).with(Name::Reason, format!("SIP;cause={status}"));
            self.stop_ringing(turn, &declined);
            return self.give_up(turn);
        }
        self.ring_next(turn);
    }

    /// A provisional response: the flow is alive.
    pub(crate) fn handle_sign(&mut self, leg: LegId) {
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        for fork in hunt.forks.iter_mut().filter(|fork| fork.leg == leg) {
            fork.silent_until = None;
        }
    }

    /// A phone has answered and cannot be talked to.
    pub(crate) fn handle_fork_unfit(&mut self, turn: &mut Turn<'_>, leg: LegId, failure: Failure) {
        self.part(turn, leg, Leave::Told(Failure::of(488)));
        self.take_fork(leg);
        if let Phase::Hunting(hunt) = &mut self.phase {
            hunt.best.add(failure);
        }
        self.ring_next(turn);
    }

    fn take_fork(&mut self, leg: LegId) -> Option<Phone> {
        let Phase::Hunting(hunt) = &mut self.phase else { return None };
        hunt.early.take_if(|early| *early == leg);
        let index = hunt.forks.iter().position(|fork| fork.leg == leg)?;
        Some(hunt.forks.remove(index).phone)
    }

    /// A phone sends the caller elsewhere: followed to users of the exchange only, and only where the phone's owner may call.
    fn follow(&mut self, turn: &mut Turn<'_>, owner: &str, response: &Message<'_>) -> bool {
        if !matches!(response.status(), Some(300..400)) {
            return false;
        }
        let directory = turn.core.view.directory.load_full();
        let mut users = Vec::new();
        for contact in response.values(Name::Contact) {
            let address = ContactValue::parse(contact).ok().and_then(|contact| contact.address());
            let Some(uri) = address.and_then(|address| address.uri().ok()) else { continue };
            let host = uri.host.to_string();
            let user = uri.user_decoded();
            let dialled = Dialled { gr: uri.param("gr"), ..Dialled::new(&user, &host) };
            let target = directory.orient(&Caller { aor: owner, ip: None }, &dialled);
            if let Ok(Target::User { aor, instance }) = target {
                users.push((aor, instance));
            }
        }
        let followed = users.into_iter().filter(|(aor, instance)| self.locate(turn, aor.clone(), instance.clone()));
        followed.count() > 0
    }

    /// What is due: a registry's answer or phones that have rung long enough.
    pub(crate) fn handle_hunt_timeout(&mut self, turn: &mut Turn<'_>) {
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        if let Some(late) = hunt.locating.iter().find(|locating| locating.until <= turn.now) {
            let query = late.query;
            return self.handle_located(turn, query, Err(Unavailable));
        }
        let is_silent = |fork: &&Fork| fork.silent_until.is_some_and(|until| until <= turn.now);
        if let Some(leg) = hunt.forks.iter().find(is_silent).map(|fork| fork.leg) {
            self.part(turn, leg, Leave::Told(Failure::of(487)));
            if let Some(phone) = self.take_fork(leg) {
                self.ring_phone(turn, phone);
            }
            return self.ring_next(turn);
        }
        if hunt.ring_until.is_some_and(|until| until <= turn.now) {
            hunt.ended = Ended::NoAnswer;
            let no_answer = Failure::of(480).with(Name::Reason, r#"Q.850;cause=19;text="No answer""#);
            hunt.best.add(no_answer.clone());
            self.stop_ringing(turn, &no_answer);
            self.ring_next(turn);
        }
    }

    pub(crate) fn hunt_due(&self) -> Option<Instant> {
        let Phase::Hunting(hunt) = &self.phase else { return None };
        let ring_until = hunt.ring_until.filter(|_| !hunt.forks.is_empty());
        let silent_until = hunt.forks.iter().filter_map(|fork| fork.silent_until);
        hunt.locating.iter().map(|locating| locating.until).chain(ring_until).chain(silent_until).min()
    }

    /// Cancels the phones that ring now.
    fn stop_ringing(&mut self, turn: &mut Turn<'_>, why: &Failure) {
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        hunt.early = None;
        for fork in std::mem::take(&mut hunt.forks) {
            self.part(turn, fork.leg, Leave::Told(why.clone()));
        }
    }

    /// The search is over: this leg has answered.
    pub(crate) fn won(&mut self, turn: &mut Turn<'_>, winner: LegId) {
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        hunt.forks.retain(|fork| fork.leg != winner);
        self.forget_queries(turn);
        // So that they show no missed call (RFC 3326 §2).
        let elsewhere = Failure::of(487).with(Name::Reason, r#"SIP;cause=200;text="Call completed elsewhere""#);
        self.stop_ringing(turn, &elsewhere);
        self.phase = Phase::Talking(winner);
    }

    /// Answers that are still to come change nothing any more.
    pub(crate) fn forget_queries(&mut self, turn: &mut Turn<'_>) {
        let queries: Vec<QueryId> = match &mut self.phase {
            Phase::Hunting(hunt) => hunt.locating.drain(..).map(|locating| locating.query).collect(),
            Phase::Serving(service) => service.query.take().into_iter().collect(),
            Phase::Talking(_) | Phase::Over => Vec::new(),
        };
        for query in queries {
            turn.core.owners.queries.remove(&query);
        }
    }

    /// Nobody is left to ring: the call goes where the user wants such calls to go, or fails.
    fn give_up(&mut self, turn: &mut Turn<'_>) {
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        let failure = hunt.best.take();
        let target = hunt.forward(turn, failure.status);
        let transport = self.legs[0].hop.transport;
        let inside = target.as_ref().and_then(|target| Flow::inside(turn.core, target, transport));
        if let (Some(target), Some(flow)) = (&target, inside) {
            return self.ring_inside(turn, target, flow);
        }
        if target.is_none_or(|target| self.reach(turn, target).is_err()) {
            self.end(turn, "nobody answered", None, failure);
        }
    }

    /// A call that has begun here stays here, and what all who call it share is at another shard: that shard is rung like a phone.
    fn ring_inside(&mut self, turn: &mut Turn<'_>, target: &Target, flow: Flow) {
        let Phase::Hunting(hunt) = &mut self.phase else { return };
        // Who stands for the user now forwards to nobody.
        hunt.tried.push(target.to_string());
        // Its door may have something to say that has to be spoken first.
        hunt.ring = DEFAULT_RING;
        self.ring(turn, vec![Phone { owner: target.to_string(), q: 0, flows: VecDeque::from([flow]) }]);
        self.ring_next(turn);
    }
}

impl Hunt {
    /// Where calls go that the user asked for last does not take.
    fn forward(&self, turn: &Turn<'_>, status: u16) -> Option<Target> {
        let directory = turn.core.view.directory.load();
        let user = directory.user(self.tried.last()?)?;
        let forward = user.forward();
        let to = match (status, self.ended) {
            (486 | 600, _) => forward.busy.as_ref(),
            (480, Ended::NoAnswer) => forward.no_answer.as_ref(),
            (480, Ended::Offline) => forward.offline.as_ref(),
            (_, _) => None,
        }?;
        directory.resolve(to, directory.domain(directory.domain_name(user))?, user, user.name())
    }
}

/// Phones by their instance, flows in the order in which the registry gave them.
fn phones(owner: &str, bindings: Vec<Binding>) -> Vec<Phone> {
    let mut phones: Vec<(String, Phone)> = Vec::new();
    for binding in bindings {
        let (instance, q) = (binding.instance.clone(), binding.q);
        let flow = Flow::of(binding);
        match phones.iter_mut().find(|(known, _)| !instance.is_empty() && *known == instance) {
            Some((_, phone)) => {
                phone.q = phone.q.max(q);
                phone.flows.push_back(flow);
            }
            None => phones.push((instance, Phone { owner: owner.to_owned(), q, flows: VecDeque::from([flow]) })),
        }
    }
    phones.into_iter().map(|(_, phone)| phone).collect()
}

/// For a user whom the directory does not know.
const DEFAULT_RING: Duration = Duration::from_secs(30);

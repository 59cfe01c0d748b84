//! New requests while not all members have the same view of the ring: offered to whom else they may have been sent.
//!
//! Proxies and shards learn of a change one after the other, so that copies of one INVITE come to two shards. A shard takes a
//! new request where by its own ring it is the owner and nobody was before. Else it first sends the request to that owner, and
//! soon after a change to the former one, with [`Note`] in `Tandem-Offer`, and repeats it until it comes back: with
//! `Tandem-Declined: 0` the other one has taken it; with `1` it has not, and promises to send here what it may still get; with
//! an address it has promised that to another shard. Of two that offer the same to each other the lower address takes it.
//! Nothing comes back from a shard that is gone; then the next one is asked, and in the end the request taken.

mod known;
mod note;

use super::{Intake, Shard};
use crate::media::Media;
use crate::output::Output;
use known::{Known, Place};
use memchr::memmem;
use note::{Claim, Note};
use proto::directory::Target;
use proto::membership::Membership;
use sip::edit::Edit;
use sip::hop::{Hop, Transmit, Transport};
use sip::message::{Message, Method, Name};
use sip::token::ShardId;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Requests that are being offered, and where calls are that others may still have requests of.
#[derive(Debug, Default)]
pub(super) struct Offers {
    open: BTreeMap<Key, Offer>,
    known: Known,
}

/// Call-ID and tag of the caller: a CANCEL must not overtake its INVITE, so one offer stands for both.
pub(super) type Key = (String, String);

#[derive(Debug)]
struct Offer {
    /// Who is asked, one after the other, and which of them now.
    to: Vec<SocketAddr>,
    asked: usize,
    claim: Claim,
    /// In the order in which they came, with who sent them.
    requests: Vec<(Hop, Vec<u8>)>,
    again_at: Instant,
    give_up_at: Instant,
}

/// What becomes of a message that has come.
enum Course {
    /// It is for this shard.
    Ours,
    /// These are, as if they had come from there.
    OursAll(Vec<(Hop, Vec<u8>)>),
    /// Nothing is left to do.
    PassedOn,
}

/// What a shard says to an offer.
enum Answer {
    Taken,
    Declined,
    Elsewhere(SocketAddr),
}

impl Offers {
    /// A call is over: copies of its INVITE, and their CANCEL and ACK, are still this shard's own.
    pub(super) fn end(&mut self, now: Instant, key: Key) {
        self.known.insert(now, key, Place::Here);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.open.values().map(|offer| offer.again_at.min(offer.give_up_at)).min()
    }
}

impl Offer {
    fn asks(&self) -> SocketAddr {
        self.to[self.asked]
    }

    /// Whether this is an answer to what is asked now, and not to what was asked before.
    fn is_answered_by(&self, note: &Note) -> bool {
        note.to == self.asks() && note.claim == self.claim
    }

    /// Asks the next one; false where nobody is left.
    fn turn_to_next(&mut self, now: Instant) -> bool {
        self.asked += 1;
        (self.claim, self.again_at, self.give_up_at) = (Claim::Open, now + AGAIN, now + PATIENCE);
        self.asked < self.to.len()
    }
}

impl Shard {
    /// Hands a message to the endpoint, unless it is another shard's affair.
    pub(super) fn take(&mut self, now: Instant, from: Hop, bytes: &[u8]) {
        let text = bytes.trim_ascii_start();
        let may_be_elsewhere = [&b"INVITE "[..], b"CANCEL ", b"ACK "].iter().any(|method| text.starts_with(method));
        let request = if may_be_elsewhere { Message::parse(bytes).ok() } else { None };
        let Some(request) = request else { return self.core.endpoint.handle_message(now, from, bytes) };
        let course = match memmem::find(bytes, b"\nTandem-Offer:") {
            Some(_) => self.offered(now, &request),
            None => self.course_of(now, from, &request),
        };
        match course {
            Course::Ours => self.core.endpoint.handle_parsed(now, from, &request),
            Course::OursAll(requests) => self.take_all(now, requests),
            Course::PassedOn => {}
        }
    }

    /// A request that a proxy has sent here, while others may have the call.
    fn course_of(&mut self, now: Instant, from: Hop, request: &Message<'_>) -> Course {
        let key = key_of(request);
        if let Some(offer) = self.offers.open.get_mut(&key) {
            if !offer.requests.iter().any(|(_, known)| known == request.bytes()) && offer.requests.len() < MOST {
                offer.requests.push((from, request.bytes().to_vec()));
            }
            return Course::PassedOn;
        }
        let place = self.offers.known.get(now, &key);
        let others = match (request.method(), request.to_tag()) {
            (Method::Ack, Some(tag)) if !self.core.owners.tags.contains_key(tag) => {
                return self.pass_ack(tag, place, request);
            }
            (Method::Invite | Method::Cancel, None) if !self.core.owners.callers.contains_key(&key) => match place {
                Some(Place::Here) => Vec::new(),
                Some(Place::At(other)) => vec![other],
                None => self.others(now, request),
            },
            (_, _) => Vec::new(),
        };
        if others.is_empty() {
            return Course::Ours;
        }
        // A shard that drains would only refuse it.
        let is_theirs = place.is_some() || self.intake == Intake::Draining;
        let offer = Offer {
            to: others,
            asked: 0,
            claim: if is_theirs { Claim::Yours } else { Claim::Open },
            requests: vec![(from, request.bytes().to_vec())],
            again_at: now + AGAIN,
            give_up_at: now + PATIENCE,
        };
        self.send_offer(offer.asks(), offer.claim, request);
        self.offers.open.insert(key, offer);
        Course::PassedOn
    }

    /// The live shards that may have been sent a new request too: its owner, and the one before.
    fn others(&self, now: Instant, request: &Message<'_>) -> Vec<SocketAddr> {
        let settings = &self.core.settings;
        let target = request.header(Name::TandemTarget).and_then(|target| target.parse::<Target>().ok());
        let key = target.as_ref().map_or(request.call_id(), |target| target.ring_key(request.call_id()));
        let membership: &Membership = &self.core.view.membership.load();
        let owner = membership.shard_for(&settings.region, key);
        // A CANCEL may come as long as a phone rings.
        let may_be_before = request.method() == Method::Cancel || membership.within_overlap(self.wall(now));
        let former = membership.previous_shard_for(&settings.region, key).filter(|_| may_be_before);
        let former = former.filter(|former| Some(*former) != owner);
        let others = owner.into_iter().chain(former).filter(|other| *other != settings.id);
        others.filter_map(|other| membership.shard_address(other)).collect()
    }

    /// The ACK of a failure goes where its INVITE went, which our tag says.
    fn pass_ack(&mut self, tag: &str, place: Option<Place>, ack: &Message<'_>) -> Course {
        let shard = shard_named(tag).filter(|shard| *shard != self.core.settings.id);
        let address = shard.and_then(|shard| match (self.core.view.membership.load().shard_address(shard), place) {
            (None, Some(Place::At(other))) => Some(other),
            (address, _) => address,
        });
        let Some(address) = address else { return Course::Ours };
        self.send_offer(address, Claim::Yours, ack);
        Course::PassedOn
    }

    /// A request that another shard offers, or that comes back from where this one has offered it.
    fn offered(&mut self, now: Instant, request: &Message<'_>) -> Course {
        let Some(note) = request.header(Name::TandemOffer).and_then(Note::read) else { return Course::PassedOn };
        if let Some(answer) = request.header(Name::TandemDeclined) {
            return self.answered(now, &note, answer, key_of(request));
        }
        if request.method() == Method::Ack {
            return Course::OursAll(without_note(request).into_iter().collect());
        }
        let key = key_of(request);
        let mut taken = Vec::new();
        let place = self.offers.known.get(now, &key);
        let is_here = self.core.owners.callers.contains_key(&key) || matches!(place, Some(Place::Here));
        let answer = match (self.offers.open.get_mut(&key), place) {
            _ if is_here => Answer::Taken,
            (Some(offer), _) if offer.asks() == note.from => {
                let is_ours = match (offer.claim, note.claim) {
                    (Claim::Open, Claim::Yours) => true,
                    (Claim::Yours, Claim::Open) => false,
                    (_, _) => self.core.settings.address < note.from,
                };
                match is_ours {
                    true if offer.turn_to_next(now) => {
                        self.repeat_offer(&key);
                        return Course::PassedOn;
                    }
                    true => {
                        taken = self.offers.open.remove(&key).map(|offer| offer.requests).unwrap_or_default();
                        Answer::Taken
                    }
                    false => {
                        offer.claim = Claim::Yours;
                        Answer::Declined
                    }
                }
            }
            // It repeats itself until this shard knows.
            (Some(_), _) => return Course::PassedOn,
            (None, Some(Place::At(other))) if other != note.from => Answer::Elsewhere(other),
            (None, _) if note.claim == Claim::Yours => Answer::Taken,
            (None, _) => Answer::Declined,
        };
        let mut edit = Edit::new(request);
        match answer {
            Answer::Taken => edit.set(Name::TandemDeclined, 0),
            Answer::Declined => edit.set(Name::TandemDeclined, 1),
            Answer::Elsewhere(other) => edit.set(Name::TandemDeclined, other),
        }
        self.send_to_shard(note.from, edit);
        match answer {
            Answer::Taken => {
                taken.extend(without_note(request));
                return Course::OursAll(taken);
            }
            Answer::Declined => self.offers.known.insert(now, key, Place::At(note.from)),
            Answer::Elsewhere(_) => {}
        }
        Course::PassedOn
    }

    /// What another shard has said to an offer.
    fn answered(&mut self, now: Instant, note: &Note, answer: &str, key: Key) -> Course {
        let Some(offer) = self.offers.open.get_mut(&key) else { return Course::PassedOn };
        match answer {
            "0" => {
                let requests = self.offers.open.remove(&key).map(|offer| offer.requests).unwrap_or_default();
                // What came behind it is for the same shard; should this be lost, the phone's copy goes the same way.
                for (_, bytes) in requests.iter().skip(1) {
                    Message::parse(bytes).iter().for_each(|request| self.send_offer(note.to, Claim::Yours, request));
                }
                self.offers.known.insert(now, key, Place::At(note.to));
            }
            _ if !offer.is_answered_by(note) => {}
            "1" if !offer.turn_to_next(now) => {
                return self.offers.open.remove(&key).map_or(Course::PassedOn, |offer| Course::OursAll(offer.requests));
            }
            "1" => self.repeat_offer(&key),
            elsewhere => match elsewhere.parse() {
                Ok(other) if !offer.to[..=offer.asked].contains(&other) => {
                    offer.asked += 1;
                    offer.to.insert(offer.asked, other);
                    offer.claim = Claim::Yours;
                    self.repeat_offer(&key);
                }
                Ok(_) | Err(_) => {}
            },
        }
        Course::PassedOn
    }

    /// Repeats offers that have not come back, and takes what nobody else wants to take.
    pub(super) fn handle_offer_timeout(&mut self, now: Instant, media: &mut impl Media) {
        self.offers.known.forget(now);
        let is_due = |offer: &Offer| offer.again_at.min(offer.give_up_at) <= now;
        let due: Vec<Key> =
            self.offers.open.iter().filter(|(_, offer)| is_due(offer)).map(|(key, _)| key.clone()).collect();
        for key in due {
            let Some(offer) = self.offers.open.get_mut(&key) else { continue };
            offer.again_at = now + AGAIN;
            if offer.give_up_at > now || offer.turn_to_next(now) {
                self.repeat_offer(&key);
            } else if let Some(offer) = self.offers.open.remove(&key) {
                self.take_all(now, offer.requests);
            }
        }
        self.handle_events(now, media);
    }

    /// Hands over the requests of one call, the INVITE first.
    fn take_all(&mut self, now: Instant, mut requests: Vec<(Hop, Vec<u8>)>) {
        requests.sort_by_key(|(_, bytes)| !bytes.starts_with(b"INVITE "));
        requests.iter().for_each(|(from, bytes)| self.core.endpoint.handle_message(now, *from, bytes));
    }

    fn repeat_offer(&mut self, key: &Key) {
        let Some(offer) = self.offers.open.get(key) else { return };
        let (to, claim, bytes) = (offer.asks(), offer.claim, offer.requests[0].1.clone());
        Message::parse(&bytes).iter().for_each(|request| self.send_offer(to, claim, request));
    }

    fn send_offer(&mut self, to: SocketAddr, claim: Claim, request: &Message<'_>) {
        let mut edit = Edit::new(request);
        edit.push_front(Name::TandemOffer, Note { from: self.core.settings.address, to, claim });
        self.send_to_shard(to, edit);
    }

    fn send_to_shard(&mut self, to: SocketAddr, mut edit: Edit<'_>) {
        let mut bytes = Vec::with_capacity(2048);
        edit.write(&mut bytes);
        let to = Hop::new(Transport::Udp, to);
        self.core.output.push_back(Output::Transmit(Transmit { to, bytes }));
    }
}

fn key_of(request: &Message<'_>) -> Key {
    (request.call_id().to_owned(), request.from_tag().unwrap_or("").to_owned())
}

/// The shard that minted a tag.
fn shard_named(tag: &str) -> Option<ShardId> {
    tag.rsplit_once('-')?.1.parse().ok()
}

/// An offered request as the proxy had sent it, and that proxy; `None` where its Via names none.
fn without_note(request: &Message<'_>) -> Option<(Hop, Vec<u8>)> {
    let via = request.via();
    let proxy = Hop::new(via.transport.parse().ok()?, SocketAddr::new(via.host.ip()?, via.port?));
    let mut edit = Edit::new(request);
    edit.remove(Name::TandemOffer);
    let mut bytes = Vec::with_capacity(request.bytes().len());
    edit.write(&mut bytes);
    Some((proxy, bytes))
}

/// Between two copies of an offer: a shard that lives answers within one or two milliseconds.
const AGAIN: Duration = Duration::from_millis(25);
/// Until a shard that says nothing counts as gone.
const PATIENCE: Duration = Duration::from_millis(200);
/// Requests that wait behind an offer: the CANCEL, and copies through other proxies.
const MOST: usize = 4;

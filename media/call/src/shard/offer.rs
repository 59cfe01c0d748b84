//! New requests after a change of the ring: offered to the shard that owned their Call-ID before, which may have the call.
//!
//! The new owner sends the request on with its own address in `Tandem-Offer` and repeats it until it comes back: with
//! `Tandem-Declined: 0` the former owner has taken it, with `1` it has not. Nothing comes back from a former owner that is
//! gone; then the new one takes the request.

use super::Shard;
use crate::media::Media;
use crate::output::Output;
use memchr::memmem;
use proto::membership::{Membership, OVERLAP};
use sip::edit::Edit;
use sip::hop::{Hop, Transmit, Transport};
use sip::message::{Message, Method, Name};
use sip::token::ShardId;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Requests that are being offered, and calls of this shard that others may still have requests of.
#[derive(Debug, Default)]
pub(super) struct Offers {
    open: BTreeMap<Key, Offer>,
    /// Calls that are over while their transactions are not, the oldest first.
    ended: VecDeque<(Instant, Key)>,
}

/// Call-ID and tag of the caller: a CANCEL must not overtake its INVITE, so one offer stands for both.
pub(super) type Key = (String, String);

#[derive(Debug)]
struct Offer {
    to: SocketAddr,
    /// In the order in which they came, with who sent them.
    requests: Vec<(Hop, Vec<u8>)>,
    again_at: Instant,
    give_up_at: Instant,
}

/// What becomes of a message that has come.
enum Course {
    /// It is for this shard.
    Ours,
    /// The same, as if it had come from there.
    OursFrom(Hop, Vec<u8>),
    /// These, in this order.
    OursAll(Vec<(Hop, Vec<u8>)>),
    /// Nothing is left to do.
    PassedOn,
}

impl Offers {
    /// A call is over: copies of its INVITE, and their CANCEL and ACK, are still its own.
    pub(super) fn end(&mut self, now: Instant, key: Key) {
        while self.ended.front().is_some_and(|(until, _)| *until <= now) {
            self.ended.pop_front();
        }
        self.ended.push_back((now + OVERLAP, key));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.open.values().map(|offer| offer.again_at.min(offer.give_up_at)).min()
    }
}

impl Shard {
    /// Hands a message to the endpoint, unless it is another shard's affair.
    pub(super) fn take(&mut self, now: Instant, from: Hop, bytes: &[u8]) {
        let view = self.core.view.clone();
        let membership = view.membership.load();
        let is_offer = memmem::find(bytes, b"\nTandem-Offer:").is_some();
        if !is_offer && !membership.within_overlap(self.wall(now)) {
            return self.core.endpoint.handle_message(now, from, bytes);
        }
        let course = match Message::parse(bytes) {
            Ok(request) if request.is_request() && is_offer => self.offered(&request),
            Ok(request) if request.is_request() => self.course_of(now, &membership, from, &request),
            Ok(_) | Err(_) => Course::Ours,
        };
        match course {
            Course::Ours => self.core.endpoint.handle_message(now, from, bytes),
            Course::OursFrom(from, bytes) => self.core.endpoint.handle_message(now, from, &bytes),
            Course::OursAll(requests) => {
                requests.iter().for_each(|(from, bytes)| self.core.endpoint.handle_message(now, *from, bytes));
            }
            Course::PassedOn => {}
        }
    }

    /// A request that a proxy has sent here, while others may still have the call.
    fn course_of(&mut self, now: Instant, membership: &Membership, from: Hop, request: &Message<'_>) -> Course {
        let key = key_of(request);
        if let Some(offer) = self.offers.open.get_mut(&key) {
            if !offer.requests.iter().any(|(_, known)| known == request.bytes()) && offer.requests.len() < MOST {
                offer.requests.push((from, request.bytes().to_vec()));
            }
            return Course::PassedOn;
        }
        let settings = &self.core.settings;
        let owner = match (request.method(), request.to_tag()) {
            // The ACK of a failure goes where its INVITE went, which our tag says.
            (Method::Ack, Some(tag)) => shard_named(tag),
            (Method::Invite | Method::Cancel, None) if !self.core.owners.callers.contains_key(&key) => {
                membership.previous_shard_for(&settings.region, request.call_id())
            }
            (_, _) => None,
        };
        let other = owner.filter(|owner| *owner != settings.id).and_then(|owner| membership.shard_address(owner));
        let Some(to) = other else { return Course::Ours };
        self.send_offer(to, request);
        if request.method() != Method::Ack {
            let requests = vec![(from, request.bytes().to_vec())];
            self.offers.open.insert(key, Offer { to, requests, again_at: now + AGAIN, give_up_at: now + PATIENCE });
        }
        Course::PassedOn
    }

    /// A request that another shard offers, or that comes back from where we offered it.
    fn offered(&mut self, request: &Message<'_>) -> Course {
        let key = key_of(request);
        match request.header(Name::TandemDeclined) {
            Some("0") => {
                if let Some(offer) = self.offers.open.remove(&key) {
                    // What came behind it is for the same shard; should this be lost, the phone's copy goes the same way.
                    for (_, bytes) in &offer.requests[1..] {
                        Message::parse(bytes).iter().for_each(|request| self.send_offer(offer.to, request));
                    }
                }
                return Course::PassedOn;
            }
            Some(_) => {
                return self.offers.open.remove(&key).map_or(Course::PassedOn, |offer| Course::OursAll(offer.requests));
            }
            None => {}
        }
        let is_known =
            self.core.owners.callers.contains_key(&key) || self.offers.ended.iter().any(|(_, ended)| *ended == key);
        if request.method() != Method::Ack {
            let back = request.header(Name::TandemOffer).and_then(|address| address.parse().ok());
            let Some(back) = back else { return Course::PassedOn };
            let mut edit = Edit::new(request);
            edit.set(Name::TandemDeclined, u8::from(!is_known));
            self.send_to_shard(back, edit);
            if !is_known {
                return Course::PassedOn;
            }
        }
        let via = request.via();
        let proxy = via.transport.parse().ok().zip(via.host.ip().zip(via.port));
        let Some((transport, (ip, port))) = proxy else { return Course::PassedOn };
        let mut edit = Edit::new(request);
        edit.remove(Name::TandemOffer);
        let mut bytes = Vec::with_capacity(request.bytes().len());
        edit.write(&mut bytes);
        Course::OursFrom(Hop::new(transport, SocketAddr::new(ip, port)), bytes)
    }

    /// Repeats offers that have not come back, and takes what nobody else wants to take.
    pub(super) fn handle_offer_timeout(&mut self, now: Instant, media: &mut impl Media) {
        let (gone, open) =
            std::mem::take(&mut self.offers.open).into_iter().partition(|(_, offer)| offer.give_up_at <= now);
        self.offers.open = open;
        let again: Vec<_> = self
            .offers
            .open
            .values_mut()
            .filter(|offer| offer.again_at <= now)
            .map(|offer| {
                offer.again_at = now + AGAIN;
                (offer.to, offer.requests[0].1.clone())
            })
            .collect();
        for (to, bytes) in again {
            Message::parse(&bytes).iter().for_each(|request| self.send_offer(to, request));
        }
        let gone: BTreeMap<Key, Offer> = gone;
        for (from, bytes) in gone.into_values().flat_map(|offer| offer.requests) {
            self.core.endpoint.handle_message(now, from, &bytes);
        }
        self.handle_events(now, media);
    }

    fn send_offer(&mut self, to: SocketAddr, request: &Message<'_>) {
        let mut edit = Edit::new(request);
        edit.push_front(Name::TandemOffer, self.core.settings.address);
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

/// Between two copies of an offer: a shard that lives answers within one or two milliseconds.
const AGAIN: Duration = Duration::from_millis(25);
/// Until a former owner that says nothing counts as gone.
const PATIENCE: Duration = Duration::from_millis(200);
/// Requests that wait behind an offer: the CANCEL, and copies through other proxies.
const MOST: usize = 4;

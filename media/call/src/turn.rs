//! What a call may use while it handles one stimulus.

use crate::doors::Doors;
use crate::late::Late;
use crate::leg::LegId;
use crate::media::{LegStats, Media, MediaId, NoPort, Opened};
use crate::memory::Memory;
use crate::output::{Event, Output, Query, QueryId};
use crate::settings::Settings;
use proto::time::UnixMillis;
use proto::view::View;
use sip::dialog::Dialog;
use sip::endpoint::{ClientId, Endpoint, ServerId};
use sip::hop::Hop;
use sip::random::Random;
use sip::token::ContactToken;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names a call within its shard, in the order of their beginnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallKey(pub u64);

/// All that a shard has beside its calls.
pub(crate) struct Core {
    pub settings: Settings,
    pub view: Arc<View>,
    pub endpoint: Endpoint,
    pub output: VecDeque<Output>,
    pub random: Random,
    pub memory: Memory,
    pub doors: Doors,
    pub owners: Owners,
    pub late: Late,
    /// Counts queries, legs and calls.
    pub count: u64,
}

/// Which call a stimulus is for. Each entry lasts as long as something may still come for it.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    pub clients: HashMap<ClientId, CallKey>,
    pub servers: HashMap<ServerId, CallKey>,
    pub queries: HashMap<QueryId, CallKey>,
    pub media: HashMap<MediaId, CallKey>,
    /// By the tag that we minted.
    pub tags: HashMap<String, CallKey>,
    /// By the caller's Call-ID and tag.
    pub callers: HashMap<(String, String), CallKey>,
}

impl Core {
    pub(crate) fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A tag or Call-ID that names this shard.
    pub(crate) fn name(&mut self) -> String {
        format!("{:016x}-{}", self.random.number(), self.settings.id)
    }
}

impl Owners {
    pub(crate) fn is_empty(&self) -> bool {
        let Owners { clients, servers, queries, media, tags, callers } = self;
        clients.is_empty()
            && servers.is_empty()
            && queries.is_empty()
            && media.is_empty()
            && tags.is_empty()
            && callers.is_empty()
    }
}

/// One stimulus being handled: when, for which call, and the means.
pub(crate) struct Turn<'a> {
    pub now: Instant,
    pub wall: UnixMillis,
    pub call: CallKey,
    pub media: &'a mut dyn Media,
    pub core: &'a mut Core,
}

impl Turn<'_> {
    pub(crate) fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// Sends a request whose outcome the call wants to hear.
    pub(crate) fn request(&mut self, to: Hop, message: Vec<u8>) -> ClientId {
        let client = self.core.endpoint.request(self.now, to, message);
        self.core.owners.clients.insert(client, self.call);
        client
    }

    /// Sends a request whose outcome changes nothing: a BYE.
    pub(crate) fn request_and_forget(&mut self, to: Hop, message: Vec<u8>) {
        self.core.endpoint.request(self.now, to, message);
    }

    /// Answers a request.
    pub(crate) fn respond(&mut self, server: ServerId, message: Vec<u8>) {
        self.core.endpoint.respond(self.now, server, message);
    }

    /// A tag or Call-ID that names this shard.
    pub(crate) fn name(&mut self) -> String {
        self.core.name()
    }

    /// A tag by which requests find this call.
    pub(crate) fn tag(&mut self) -> String {
        let tag = self.name();
        self.core.owners.tags.insert(tag.clone(), self.call);
        tag
    }

    /// A new leg's name and its Contact.
    pub(crate) fn leg(&mut self) -> (LegId, String) {
        let leg = LegId(self.core.next());
        let keys = self.core.view.keys.load();
        let token = ContactToken { shard: self.core.settings.id, leg: leg.0 }.seal(&keys.contact);
        (leg, format!("<sip:{token}@{}>", self.core.settings.cluster))
    }

    /// A duration in `[from, to]` in steps of 10 ms (RFC 3261 §14.1).
    pub(crate) fn back_off(&mut self, from: Duration, to: Duration) -> Duration {
        let steps = (to.saturating_sub(from).as_millis() / 10) as u64 + 1;
        from + Duration::from_millis(10 * (self.core.random.number() % steps))
    }

    pub(crate) fn query(&mut self, query: Query) -> QueryId {
        let id = QueryId(self.core.next());
        self.core.owners.queries.insert(id, self.call);
        self.core.output.push_back(Output::Query(id, query));
        id
    }

    pub(crate) fn open_media(&mut self, toward: Option<SocketAddr>) -> Result<Opened, NoPort> {
        let opened = self.media.open(toward)?;
        self.core.owners.media.insert(opened.id, self.call);
        Ok(opened)
    }

    pub(crate) fn close_media(&mut self, id: MediaId) -> LegStats {
        self.core.owners.media.remove(&id);
        self.media.close(id)
    }

    pub(crate) fn log(&mut self, event: Event) {
        self.core.output.push_back(Output::Log(event));
    }

    /// Where a dialog's next request goes.
    pub(crate) fn hop_of(&mut self, dialog: &Dialog, last: Hop) -> Hop {
        crate::route::next_hop(self.core, dialog, last)
    }
}

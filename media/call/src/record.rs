//! A call as plain data, so that another shard can go on with it: both dialogs, what was said of media, the session timers, the
//! service. What was under way is not in it: an offer without answer is made again by whoever made it.

use crate::call::{Call, Phase};
use crate::identity::{Identity, Privacy};
use crate::leg::{Leg, Peer, State, Support};
use crate::output::Side;
use crate::protection::Kind;
use crate::recording::Recorded;
use crate::service::{Program, Was};
use crate::session_timer::{Refresher, SessionTimer};
use crate::streams::{Path, Streams, Wishes, join};
use crate::turn::Turn;
use prost::Message;
use proto::time::UnixMillis;
use sip::dialog::{self, Dialog};
use sip::hop::Hop;
use std::time::{Duration, Instant};

/// What is needed to go on with an answered call, about 2 kB.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Record {
    #[prost(uint32, tag = "1")]
    version: u32,
    /// The caller's Call-ID.
    #[prost(string, tag = "2")]
    pub id: String,
    #[prost(string, tag = "3")]
    tag: String,
    #[prost(string, tag = "4")]
    caller: String,
    #[prost(string, tag = "5")]
    target: String,
    #[prost(string, tag = "6")]
    kind: String,
    #[prost(string, tag = "7")]
    callee: String,
    #[prost(string, tag = "8")]
    identity: String,
    #[prost(bool, tag = "9")]
    private: bool,
    #[prost(bool, tag = "10")]
    direct: bool,
    /// Unix milliseconds.
    #[prost(uint64, tag = "11")]
    begun: u64,
    #[prost(uint64, tag = "12")]
    answered: u64,
    /// The service that the caller is in, as a target; empty where two phones talk.
    #[prost(string, tag = "13")]
    service: String,
    /// The caller's first.
    #[prost(message, repeated, tag = "14")]
    legs: Vec<LegRecord>,
    #[prost(message, repeated, tag = "15")]
    refers: Vec<Refer>,
    /// Whether it is recorded: [`Recorded`].
    #[prost(uint32, tag = "16")]
    recorded: u32,
    /// The caller is in the room of the service, no longer at its door.
    #[prost(bool, tag = "17")]
    inside: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct LegRecord {
    /// Transport and address.
    #[prost(string, tag = "1")]
    transport: String,
    #[prost(string, tag = "2")]
    address: String,
    #[prost(message, optional, tag = "3")]
    dialog: Option<DialogRecord>,
    /// [`Support`] of 100rel, UPDATE and session timers.
    #[prost(uint32, repeated, tag = "4")]
    supports: Vec<u32>,
    #[prost(uint64, tag = "5")]
    session_id: u64,
    #[prost(uint64, tag = "6")]
    session_version: u64,
    #[prost(bytes = "vec", tag = "7")]
    ours: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    theirs: Vec<u8>,
    #[prost(message, optional, tag = "9")]
    timer: Option<Timer>,
    #[prost(uint64, tag = "10")]
    least_session: u64,
    /// user@domain; empty in records of versions that had none.
    #[prost(string, tag = "11")]
    owner: String,
    #[prost(bool, tag = "12")]
    browser: bool,
    /// The phone takes keys in the secure profile only.
    #[prost(bool, tag = "13")]
    insists: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct DialogRecord {
    #[prost(string, tag = "1")]
    call_id: String,
    #[prost(string, tag = "2")]
    local_tag: String,
    #[prost(string, tag = "3")]
    remote_tag: String,
    #[prost(string, tag = "4")]
    local: String,
    #[prost(string, tag = "5")]
    remote: String,
    #[prost(uint32, tag = "6")]
    local_cseq: u32,
    #[prost(uint32, optional, tag = "7")]
    remote_cseq: Option<u32>,
    #[prost(string, repeated, tag = "8")]
    route_set: Vec<String>,
    #[prost(string, tag = "9")]
    remote_target: String,
    #[prost(string, tag = "10")]
    contact: String,
    #[prost(bool, tag = "11")]
    secure: bool,
}

/// A session timer; times of day in Unix milliseconds, intervals in seconds.
#[derive(Clone, PartialEq, Eq, Message)]
struct Timer {
    #[prost(uint64, tag = "1")]
    interval: u64,
    #[prost(bool, tag = "2")]
    ours: bool,
    #[prost(uint64, optional, tag = "3")]
    refresh_at: Option<u64>,
    #[prost(uint64, tag = "4")]
    expires_at: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Refer {
    #[prost(uint32, tag = "1")]
    received: u32,
    #[prost(uint32, tag = "2")]
    sent: u32,
}

/// Why a record does not become a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by a version that this one does not know.
    #[error("record of version {0}, this is {VERSION}")]
    Version(u32),
    /// Not bytes of a record, or with parts missing.
    #[error("malformed record")]
    Malformed,
    /// The call is here already.
    #[error("the call is here already")]
    Known,
    /// No media port is free.
    #[error(transparent)]
    NoPort(#[from] crate::media::NoPort),
}

/// Grows when a field changes its meaning; a new field does not count.
const VERSION: u32 = 1;

impl Record {
    /// For the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// From [`Record::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Record, RestoreError> {
        let record = Record::decode(bytes).map_err(|_| RestoreError::Malformed)?;
        if record.version == VERSION { Ok(record) } else { Err(RestoreError::Version(record.version)) }
    }

    /// The caller's Call-ID and tag.
    pub(crate) fn caller(&self) -> (String, String) {
        (self.id.clone(), self.tag.clone())
    }
}

/// What two clocks show at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    pub now: Instant,
    pub wall: UnixMillis,
}

impl Clocks {
    fn unix(self, at: Instant) -> u64 {
        self.wall.0 + at.saturating_duration_since(self.now).as_millis() as u64
    }

    fn instant(self, unix: u64) -> Instant {
        self.now + Duration::from_millis(unix.saturating_sub(self.wall.0))
    }
}

impl Call {
    /// The call as a record; `None` while it is not answered.
    pub(crate) fn save(&self, clocks: Clocks) -> Option<Record> {
        let (service, inside) = match &self.phase {
            Phase::Talking(_) => (String::new(), false),
            Phase::Serving(service) => (service.program.target().to_string(), service.program.is_inside()),
            Phase::Hunting(_) | Phase::Over => return None,
        };
        Some(Record {
            version: VERSION,
            id: self.id.clone(),
            tag: self.tag.clone(),
            caller: self.caller.clone(),
            target: self.target.clone(),
            kind: self.kind.clone(),
            callee: self.callee.clone(),
            identity: self.identity.address().to_owned(),
            private: self.identity.asserted().is_none(),
            direct: self.path == Path::Direct,
            begun: self.begun.0,
            answered: self.answered?.0,
            service,
            legs: self.legs.iter().map(|leg| leg.save(clocks)).collect::<Option<_>>()?,
            refers: self.refers.iter().map(|&(received, sent)| Refer { received, sent }).collect(),
            recorded: self.recorded as u32,
            inside,
        })
    }

    /// The call of a record, with ports of this shard. Phones learn of them by the next offer.
    pub(crate) fn restore(turn: &mut Turn<'_>, record: &Record) -> Result<Call, RestoreError> {
        let path = if record.direct { Path::Direct } else { Path::Anchored };
        let mut call = Call {
            key: turn.call,
            id: record.id.clone(),
            tag: record.tag.clone(),
            caller: record.caller.clone(),
            target: record.target.clone(),
            kind: record.kind.clone(),
            identity: Identity::restored(
                &record.identity,
                if record.private { Privacy::Wanted } else { Privacy::None },
            ),
            callee: record.callee.clone(),
            hops_left: 0,
            path,
            legs: Vec::new(),
            phase: Phase::Over,
            exchange: None,
            recorded: recorded_of(record.recorded).ok_or(RestoreError::Malformed)?,
            taped: None,
            refers: record.refers.iter().map(|refer| (refer.received, refer.sent)).collect(),
            begun: UnixMillis(record.begun),
            answered: Some(UnixMillis(record.answered)),
            status: 200,
            reported: "",
            scheduled: None,
        };
        match call.fill(turn, record) {
            Ok(()) => Ok(call),
            Err(error) => {
                for leg in &mut call.legs {
                    leg.streams.close(turn);
                    leg.tags.iter().for_each(|tag| drop_tag(turn, tag));
                }
                Err(error)
            }
        }
    }

    fn fill(&mut self, turn: &mut Turn<'_>, record: &Record) -> Result<(), RestoreError> {
        for (leg, side) in record.legs.iter().zip([Side::Caller, Side::Callee]) {
            let owner = match (leg.owner.as_str(), side) {
                ("", Side::Caller) => &self.caller,
                ("", Side::Callee) => &self.callee,
                (owner, _) => owner,
            };
            let leg = leg.restore(turn, side, self.path, owner)?;
            self.legs.push(leg);
        }
        match (record.service.as_str(), self.legs.as_mut_slice()) {
            ("", [caller, callee]) => {
                caller.streams.reopen(turn)?;
                callee.streams.reopen(turn)?;
                join(turn, &mut caller.streams, &mut callee.streams);
                self.phase = Phase::Talking(callee.id);
                self.begin_recording(turn);
            }
            (service, [caller]) => {
                caller.streams.reopen(turn)?;
                let (directory, language) = (turn.core.view.directory.load(), self.language(turn));
                let target = service.parse().ok();
                let program = target.and_then(|target| Program::of(&target, &directory, &language));
                let was = if record.inside { Was::InRoom } else { Was::Served };
                self.serve_again(turn, program.ok_or(RestoreError::Malformed)?, was);
            }
            (_, _) => return Err(RestoreError::Malformed),
        }
        Ok(())
    }
}

impl Leg {
    fn save(&self, clocks: Clocks) -> Option<LegRecord> {
        let State::Talking(dialog) = &self.state else { return None };
        let Peer { reliable, update, timer } = self.peer;
        let (session_id, session_version) = self.streams.session();
        Some(LegRecord {
            transport: self.hop.transport.to_string(),
            address: self.hop.address.to_string(),
            dialog: Some(DialogRecord::of(dialog)),
            supports: [reliable, update, timer].map(|support| support as u32).to_vec(),
            session_id,
            session_version,
            ours: self.streams.ours.clone().unwrap_or_default(),
            theirs: self.streams.theirs.clone().unwrap_or_default(),
            timer: self.timer.map(|timer| Timer {
                interval: timer.interval.as_secs(),
                ours: timer.refresher == Refresher::Ours,
                // One that is under way is sent again.
                refresh_at: (timer.refresher == Refresher::Ours)
                    .then(|| clocks.unix(timer.refresh_at.unwrap_or(clocks.now))),
                expires_at: clocks.unix(timer.expires_at),
            }),
            least_session: self.least_session.as_secs(),
            owner: self.owner.clone(),
            browser: self.streams.kind == Kind::Browser,
            insists: self.streams.insists,
        })
    }
}

impl LegRecord {
    fn restore(&self, turn: &mut Turn<'_>, side: Side, path: Path, owner: &str) -> Result<Leg, RestoreError> {
        let wishes = Wishes::of(turn, owner);
        let clocks = Clocks { now: turn.now, wall: turn.wall };
        let dialog = self.dialog.as_ref().ok_or(RestoreError::Malformed)?.dialog();
        let malformed = |_| RestoreError::Malformed;
        let transport = self.transport.parse().map_err(|_| RestoreError::Malformed)?;
        let hop = Hop::new(transport, self.address.parse().map_err(malformed)?);
        let (id, _) = turn.leg();
        turn.core.owners.tags.insert(dialog.local_tag.clone(), turn.call);
        let session = (self.session_id, self.session_version);
        let kind = if self.browser { Kind::Browser } else { Kind::Phone };
        let mut streams = Streams::restored(path, wishes, session, &self.ours, &self.theirs).of_kind(kind);
        streams.insists = self.insists;
        let support = |index: usize| self.supports.get(index).copied().and_then(support_of);
        let peer = Peer {
            reliable: support(0).ok_or(RestoreError::Malformed)?,
            update: support(1).ok_or(RestoreError::Malformed)?,
            timer: support(2).ok_or(RestoreError::Malformed)?,
        };
        let timer = self.timer.as_ref().map(|timer| SessionTimer {
            interval: Duration::from_secs(timer.interval),
            refresher: if timer.ours { Refresher::Ours } else { Refresher::Theirs },
            refresh_at: timer.refresh_at.map(|at| clocks.instant(at)),
            expires_at: clocks.instant(timer.expires_at),
        });
        let (contact, tags) = (dialog.contact.clone(), vec![dialog.local_tag.clone()]);
        let least_session = Duration::from_secs(self.least_session);
        let leg = Leg::new(id, side, hop, contact, State::Talking(dialog), streams);
        Ok(Leg { owner: owner.to_owned(), peer, timer, tags, least_session, ..leg })
    }
}

impl DialogRecord {
    fn of(dialog: &Dialog) -> DialogRecord {
        DialogRecord {
            call_id: dialog.call_id.clone(),
            local_tag: dialog.local_tag.clone(),
            remote_tag: dialog.remote_tag.clone(),
            local: dialog.local.clone(),
            remote: dialog.remote.clone(),
            local_cseq: dialog.local_cseq,
            remote_cseq: dialog.remote_cseq,
            route_set: dialog.route_set.clone(),
            remote_target: dialog.remote_target.clone(),
            contact: dialog.contact.clone(),
            secure: dialog.secure,
        }
    }

    fn dialog(&self) -> Dialog {
        Dialog {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            local_cseq: self.local_cseq,
            remote_cseq: self.remote_cseq,
            route_set: self.route_set.clone(),
            remote_target: self.remote_target.clone(),
            contact: self.contact.clone(),
            phase: dialog::Phase::Confirmed,
            secure: self.secure,
        }
    }
}

fn drop_tag(turn: &mut Turn<'_>, tag: &str) {
    turn.core.owners.tags.remove(tag);
}

fn support_of(number: u32) -> Option<Support> {
    [Support::Unknown, Support::Supported, Support::Required].into_iter().find(|support| *support as u32 == number)
}

fn recorded_of(number: u32) -> Option<Recorded> {
    [Recorded::No, Recorded::Yes, Recorded::Paused].into_iter().find(|recorded| *recorded as u32 == number)
}

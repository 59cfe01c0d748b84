//! What a shard gives its driver to do, and the answers that come back.

use crate::media::LegStats;
use proto::registrar::Unavailable;
use proto::wire;
use std::time::Duration;

/// One thing to do. Order matters within a kind only.
#[derive(Debug)]
pub enum Output {
    /// Send this message.
    Transmit(sip::hop::Transmit),
    /// Find this out and come back with [`Shard::handle_answer`](crate::Shard::handle_answer).
    Query(QueryId, Query),
    /// A call's state changed: for `get calls`. The last one of a call says "ended".
    Report(Box<wire::CallReport>),
    /// What came of an operator's order, exactly once for each.
    Ordered(OrderId, Box<wire::RoomAnswer>),
    /// For the log and the metrics.
    Log(Event),
}

/// Pairs an answer with its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u64);

/// Pairs what came of an operator's order with it; whoever gives the order counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// Something that only the world outside the shard knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Where is this user registered?
    Locate(wire::LocateRequest),
    /// What does this prompt sound like?
    Prompt {
        /// Which one.
        source: PromptSource,
        /// The caller's language, as the directory names it: "fr".
        language: String,
    },
    /// The same for those in a room: at its rate, so that the shard has nothing left to do with it.
    Announcement {
        /// Which one.
        source: PromptSource,
        /// Of a text, as the directory names it.
        language: String,
    },
}

/// A prompt by its text or its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptSource {
    /// Text to be spoken.
    Say(String),
    /// A file of the object store.
    Play(String),
}

/// What came back.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Query::Locate`].
    Located(Result<wire::LocateResponse, Unavailable>),
    /// To [`Query::Prompt`], without which the caller hears the builtin chime, and to [`Query::Announcement`].
    Prompt(Option<audio::Prompt>),
}

/// Something that happened, for who watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A call is over.
    Ended(Box<Ended>),
    /// A new call was refused before it was one.
    Refused {
        /// The caller's Call-ID.
        call_id: String,
        /// What it was answered with.
        status: u16,
    },
}

/// A call's last words.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The caller's Call-ID.
    pub call_id: String,
    /// Who called: user@domain.
    pub caller: String,
    /// Who was called, as the directory named it.
    pub target: String,
    /// The status that the caller's INVITE was answered with.
    pub status: u16,
    /// Why it ended, in words for the log: "hung up by the caller", "no answer", "silent".
    pub why: &'static str,
    /// From the INVITE to the answer, or to the end of a call without one.
    pub ringing: Duration,
    /// From the answer to the end; `None` where nobody answered.
    pub talking: Option<Duration>,
    /// What the media saw, by side and stream.
    pub streams: Vec<Stream>,
}

/// Statistics of one stream of one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stream {
    /// Whose packets these are.
    pub side: Side,
    /// The m= line, from 0.
    pub index: usize,
    /// Counts.
    pub stats: LegStats,
}

/// One end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who sent the first INVITE.
    Caller,
    /// Who was rung, or the exchange itself.
    Callee,
}

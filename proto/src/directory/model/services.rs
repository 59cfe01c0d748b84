//! Services that a call can reach, and what users can do with a call.

use crate::directory::destination::Destination;
use crate::directory::text::{Secret, Span, as_text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Something to hear: `{ say = "Bonjour" }` or `{ play = "welcome.wav" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prompt {
    /// A text that is spoken.
    Say(Box<str>),
    /// A sound file.
    Play(Box<str>),
}

/// A menu of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Menu {
    /// Its name.
    pub name: Box<str>,
    /// What is heard first.
    pub greeting: Prompt,
    /// How long it waits for a key after each prompt.
    pub timeout: Span,
    /// How often it asks.
    pub tries: u8,
    /// Where each key leads: one of `0`-`9`, `*`, `#`.
    pub keys: BTreeMap<char, Destination>,
    /// Heard after a key that leads nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<Prompt>,
    /// Heard when no key came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_timeout: Option<Prompt>,
    /// Where the call goes after the last try.
    pub otherwise: Destination,
}

/// Callers who wait for one of several users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: Box<str>,
    /// Who answers.
    pub members: Vec<QueueMember>,
    /// Who is rung first.
    pub strategy: Strategy,
    /// Callers who go in front.
    #[serde(default)]
    pub priority: Vec<Priority>,
    /// Music while waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<Box<str>>,
    /// What waiting callers are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<Announcements>,
    /// How long a caller waits at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<Span>,
    /// Where the caller goes then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Destination>,
    /// Rest of a member after a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap_up: Option<Span>,
    /// The schedule it is open by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Box<str>>,
    /// Heard outside of these hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Prompt>,
    /// Regions that serve it, the nearest to the caller first.
    #[serde(default)]
    pub placement: Vec<Box<str>>,
}

/// Who answers a queue's calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueMember {
    /// The user, `user@domain`.
    pub user: Box<str>,
    /// Members with a higher one are rung only when no lower one is free.
    pub penalty: u16,
    /// What the member can do.
    #[serde(default)]
    pub skills: Vec<Box<str>>,
}

/// Which of a queue's members is rung first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Who has had no call for the longest time.
    LongestIdle,
    /// All at once.
    RingAll,
    /// Each in turn, beginning behind the last one.
    RoundRobin,
    /// Who has had the fewest calls.
    FewestCalls,
    /// Any.
    Random,
    /// Always in the order of the list.
    Linear,
}

/// Callers of a kind, who go in front of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Priority {
    /// `site:NAME`, `region:NAME`, `class:NAME` or `trunk:NAME`: where the caller comes from.
    pub when: Box<str>,
    /// Added to the caller's priority.
    pub value: i32,
}

/// What callers in a queue are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announcements {
    /// How often their place in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Span>,
    /// Also how long it will take.
    #[serde(default)]
    pub wait: bool,
}

/// A room where many talk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conference {
    /// Its name.
    pub name: Box<str>,
    /// Its number.
    pub number: Box<str>,
    /// Digits that open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Secret>,
    /// Whether it is recorded.
    #[serde(default)]
    pub record: bool,
}

/// A box for messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailBox {
    /// Digits that open it.
    pub pin: Secret,
    /// Where new messages are announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Box<str>>,
}

/// A box that belongs to no single user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedBox {
    /// Its name.
    pub name: Box<str>,
    /// Dialled to listen; a user who has a box of their own hears that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Box<str>>,
    /// PIN and address.
    #[serde(flatten)]
    pub messages: VoicemailBox,
}

/// A parking lot for calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parking {
    /// Its name.
    pub name: Box<str>,
    /// Dialled to park.
    pub number: Box<str>,
    /// Dialled to take back.
    pub slots: Slots,
    /// After this a parked call goes back to whoever parked it.
    pub timeout: Span,
}

/// A range of numbers: `701-720`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// First.
    pub from: u32,
    /// Last.
    pub to: u32,
}

/// Not a range of at most 1000 numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no range of at most 1000 numbers of equal length")]
pub struct SlotsError;

impl FromStr for Slots {
    type Err = SlotsError;

    fn from_str(text: &str) -> Result<Slots, SlotsError> {
        let (from, to) = text.split_once('-').ok_or(SlotsError)?;
        let number = |text: &str| text.parse().ok().filter(|number: &u32| number.to_string() == text).ok_or(SlotsError);
        let slots = Slots { from: number(from)?, to: number(to)? };
        if from.len() == to.len() && slots.from <= slots.to && slots.to - slots.from < 1000 {
            Ok(slots)
        } else {
            Err(SlotsError)
        }
    }
}

impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

as_text!(Slots);

/// Keys that do something during a call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    /// Transfer at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blind_transfer: Option<Box<str>>,
    /// Transfer after a word with the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attended_transfer: Option<Box<str>>,
    /// Begin or end a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Box<str>>,
    /// Park the other party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub park: Option<Box<str>>,
    /// Answer another phone of the group that rings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup: Option<Box<str>>,
}

/// Music while waiting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Music {
    /// Its name.
    pub name: Box<str>,
    /// Sound files in turn; `builtin:NAME` is in the program.
    pub files: Vec<Box<str>>,
}

/// Where calls go that a user does not take.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forward {
    /// When the user is busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<Destination>,
    /// When nobody answers within the ring time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<Destination>,
    /// When no phone is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<Destination>,
}

impl Forward {
    /// Whether nothing is forwarded.
    pub fn is_empty(&self) -> bool {
        *self == Forward::default()
    }
}

/// Which calls are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recording {
    /// None.
    #[default]
    Never,
    /// Those for which the user asks.
    OnDemand,
    /// All.
    Always,
}

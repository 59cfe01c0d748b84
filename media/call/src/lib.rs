//! Whole calls: both SIP legs, the offer and the answer between them, the hunt for who answers, and the service a caller is in.
//!
//! A [`Shard`] is driven from outside: messages, answers, media events and time go in by `handle_*`, and after each of them
//! [`Shard::poll_output`] is read until it is empty. Nothing here has a socket, a clock or a thread.
//!
//! A first INVITE goes this way: `begin` admits it and makes the call, `hunt` finds the phones and rings them in groups, `invite`
//! writes their INVITEs and passes their provisional responses on, `answer` joins the first that answers with the caller. From
//! then on `within` takes the requests of both dialogs: offers go through `exchange`, other requests through `relay`, and `refresh`
//! keeps the sessions alive. `service` is the other side where the exchange itself answers. What is left when a call ends is
//! `late`'s; what another shard needs to go on with it is its [`Record`].
#![forbid(unsafe_code)]

mod answer;
mod begin;
mod best;
mod call;
mod doors;
mod exchange;
mod formats;
mod hunt;
mod identity;
pub mod info;
mod invite;
mod keys;
mod late;
mod leg;
mod media;
mod memory;
mod output;
mod policy;
mod prack;
mod protection;
mod quality;
mod record;
mod recording;
mod refresh;
mod relay;
mod reliable;
mod response;
mod route;
mod service;
mod session_timer;
mod settings;
mod shard;
mod streams;
mod turn;
mod within;

pub use media::{
    Begins, Ice, Keys, KeysHeard, KeysTold, LegStats, Media, MediaEvent, MediaId, NoPort, Opened, Order, Participant,
    Peer, Remote, RoomState, Rule, Security, Sound, Tape, TapeFacts, Voice, Whom,
};
pub use output::{Answer, Ended, Event, OrderId, Output, PromptSource, Query, QueryId, Side, Stream};
pub use quality::Quality;
pub use record::{Record, RestoreError};
pub use settings::{Limits, ReferPolicy, Settings};
pub use shard::Shard;

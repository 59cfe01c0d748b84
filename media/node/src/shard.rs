//! One shard: the thread that owns its calls, their SIP, their media and their timers.

mod ended;

use crate::inside::Inside;
use crate::meters::Meters;
use crate::plane::{Plane, ROOM_RATE};
use crate::prompts::Prompts;
use crate::token::Token;
use call::{Answer, Event, OrderId, Output, Query, QueryId};
use net::{Epoll, Events, Ready, Waker};
use proto::registrar::Registrar;
use proto::reports::CallReports;
use proto::rooms::Share;
use proto::time::UnixMillis;
use proto::wire::RoomOrder;
use sip::hop::Hop;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

/// Everything that one thread owns.
pub struct Shard {
    pub epoll: Arc<Epoll>,
    pub inside: Inside,
    pub plane: Plane,
    pub calls: call::Shard,
    pub mailbox: Mailbox,
    pub registrar: Arc<dyn Registrar>,
    pub prompts: Prompts,
    pub reports: Arc<CallReports>,
    pub meters: Meters,
    /// The operator's orders that are not answered yet.
    pub ordered: BTreeMap<OrderId, Share>,
    /// Names the last of them.
    pub orders: u64,
    /// One for each live call by its Call-ID, while traces are collected.
    pub spans: HashMap<String, tracing::Span>,
}

/// What other threads tell a shard.
#[derive(Clone)]
pub struct Post {
    sender: SyncSender<Mail>,
    shared: Arc<Shared>,
}

/// The shard's end of its [`Post`].
pub struct Mailbox {
    receiver: Receiver<Mail>,
    post: Post,
}

/// One thing that a shard is told.
enum Mail {
    Answer(QueryId, Answer),
    Order(RoomOrder, Share),
}

struct Shared {
    waker: Waker,
    wish: AtomicU8,
    /// Live calls.
    calls: AtomicUsize,
    dropped: AtomicU64,
}

/// What is wanted of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// Take calls.
    Run,
    /// Refuse new calls and end with the last one.
    Drain,
    /// End the calls, then end.
    Stop,
}

/// A mailbox for the shard that waits on `epoll`, and the way to reach it.
pub fn mailbox(epoll: &Epoll) -> Mailbox {
    let (sender, receiver) = sync_channel(ANSWERS);
    let shared = Shared {
        waker: epoll.waker(),
        wish: AtomicU8::new(Wish::Run as u8),
        calls: AtomicUsize::new(0),
        dropped: AtomicU64::new(0),
    };
    Mailbox { receiver, post: Post { sender, shared: Arc::new(shared) } }
}

impl Mailbox {
    /// A way to reach the shard.
    pub fn post(&self) -> Post {
        self.post.clone()
    }
}

impl Post {
    /// Never blocks: an answer for which there is no room is lost, and the call goes on as if none had come in time.
    fn answer(&self, id: QueryId, answer: Answer) {
        if self.sender.try_send(Mail::Answer(id, answer)).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.waker.wake();
    }

    /// Never blocks: an order for which there is no room is not heard, and its share of the answer says nothing.
    pub fn order(&self, order: RoomOrder, share: Share) {
        if self.sender.try_send(Mail::Order(order, share)).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.waker.wake();
    }

    /// A wish is only ever followed by a stronger one.
    pub fn wish(&self, wish: Wish) {
        self.shared.wish.fetch_max(wish as u8, Ordering::Relaxed);
        self.shared.waker.wake();
    }

    /// Calls that live.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::Relaxed)
    }
}

impl Shard {
    /// The event loop; returns when the shard was told to end.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut second = Instant::now();
        let mut turn = second;
        let mut wish = Wish::Run;
        let mut end = None;
        loop {
            self.plane.flush();
            // Without calls nobody is woken for their quality.
            let quality = (self.calls.count() > 0).then_some(turn);
            let due = [Some(second), quality, end, self.calls.poll_timeout(), self.plane.poll_timeout()]
                .into_iter()
                .flatten()
                .min();
            let patience = due.map(|due| due.saturating_duration_since(Instant::now()));
            if let Err(error) = self.epoll.wait(&mut events, patience) {
                // Only a broken descriptor table does that; nothing that this thread owns could be served any more.
                tracing::error!(%error, "shard ends: epoll failed");
                return;
            }
            let now = Instant::now();
            self.plane.set_now(now);
            if events.woken() {
                self.read_mail(now);
                wish = self.follow_wish(now, wish);
            }
            for index in 0..events.len() {
                if let Some(ready) = events.at(index) {
                    self.handle_ready(now, ready);
                }
            }
            self.plane.handle_timeout();
            while let Some((id, event)) = self.plane.poll_event() {
                self.guarded(now, |calls, plane| calls.handle_media(now, id, event, plane));
            }
            if self.calls.poll_timeout().is_some_and(|due| due <= now) {
                self.guarded(now, |calls, plane| calls.handle_timeout(now, plane));
            }
            self.mailbox.post.shared.calls.store(self.calls.count(), Ordering::Relaxed);
            if now >= turn {
                turn = now + TURN;
                self.guarded(now, |calls, plane| calls.report_quality(TURNS, plane));
            }
            self.put_out(now);
            if now >= second {
                second = now + SECOND;
                self.inside.resume_accepting(&self.epoll);
                self.publish();
            }
            if wish != Wish::Run && self.calls.count() == 0 {
                // A phone whose last answer was lost asks again.
                let end = *end.get_or_insert(now + LINGER);
                if now >= end || self.calls.is_idle() {
                    return self.publish();
                }
            }
        }
    }

    fn handle_ready(&mut self, now: Instant, ready: Ready) {
        // Taken apart, so that the sockets and what they wake can be borrowed side by side.
        let Shard { inside, calls, plane, meters, epoll, .. } = self;
        let mut heard = |from: Hop, bytes: &[u8]| {
            guard(now, calls, plane, meters, |calls, plane| calls.handle_message(now, wall(), from, bytes, plane));
        };
        match Token::from(ready.token) {
            Token::Media(index, component) => {
                if catch_unwind(AssertUnwindSafe(|| plane.handle_readable(index, component))).is_err() {
                    meters.panicked();
                    plane.give_up(index);
                }
            }
            Token::Datagrams => inside.handle_datagrams(&mut heard),
            Token::Listener => inside.handle_listener(epoll),
            Token::Connection(index) => inside.handle_connection(epoll, index, ready, &mut heard),
        }
    }

    fn read_mail(&mut self, now: Instant) {
        // As many as fit the mailbox: whoever fills it meanwhile has woken us again.
        for _ in 0..ANSWERS {
            let Ok(mail) = self.mailbox.receiver.try_recv() else { return };
            match mail {
                Mail::Answer(id, answer) => {
                    self.guarded(now, |calls, plane| calls.handle_answer(now, id, answer, plane));
                }
                Mail::Order(order, share) => {
                    self.orders += 1;
                    let id = OrderId(self.orders);
                    self.ordered.insert(id, share);
                    self.guarded(now, |calls, plane| calls.handle_order(now, id, &order, plane));
                }
            }
        }
    }

    fn follow_wish(&mut self, now: Instant, before: Wish) -> Wish {
        let wish = match self.mailbox.post.shared.wish.load(Ordering::Relaxed) {
            0 => Wish::Run,
            1 => Wish::Drain,
            _ => Wish::Stop,
        };
        if wish > before {
            self.calls.drain();
        }
        if wish == Wish::Stop {
            self.guarded(now, |calls, plane| calls.hang_up(now, plane));
        }
        wish
    }

    /// Does what the calls ask for, until they ask for nothing more.
    fn put_out(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.calls.poll_output() {
                match output {
                    Output::Transmit(transmit) => self.inside.send(&self.epoll, transmit),
                    Output::Query(id, query) => self.ask(id, query),
                    Output::Report(report) => {
                        if trace::is_enabled() && !self.spans.contains_key(&report.id) {
                            let span = trace::call_span(&report.id, "media call", &report.callee);
                            self.spans.insert(report.id.clone(), span);
                        }
                        self.reports.push(*report);
                    }
                    Output::Ordered(id, answer) => {
                        if let Some(share) = self.ordered.remove(&id) {
                            share.answer(*answer);
                        }
                    }
                    Output::Log(event) => self.log(event),
                }
            }
            self.inside.flush(&self.epoll);
            let Some(hop) = self.inside.poll_unreachable() else { return };
            self.guarded(now, |calls, plane| calls.handle_unreachable(now, hop, plane));
        }
    }

    fn ask(&self, id: QueryId, query: Query) {
        let post = self.mailbox.post();
        match query {
            Query::Locate(request) => {
                self.registrar.locate(request, Box::new(move |found| post.answer(id, Answer::Located(found))));
            }
            Query::Prompt { source, language } => {
                self.prompts.ask(source, language, Box::new(move |sound| post.answer(id, Answer::Prompt(sound))));
            }
            Query::Announcement { source, language } => {
                let reply = move |sound: Option<audio::Prompt>| {
                    // In the reader's thread, wherever it was not made before.
                    if let Some(sound) = &sound {
                        sound.at(ROOM_RATE);
                    }
                    post.answer(id, Answer::Prompt(sound));
                };
                self.prompts.ask(source, language, Box::new(reply));
            }
        }
    }

    fn log(&mut self, event: Event) {
        match event {
            Event::Ended(ended) => {
                self.meters.ended(&ended);
                let span = self.spans.remove(&ended.call_id).unwrap_or_else(tracing::Span::none);
                ended::tell(&span, &ended);
            }
            Event::Refused { call_id, status } => {
                self.meters.refused();
                trace::call_span(&call_id, "media call refused", "").in_scope(|| {
                    tracing::info!(call_id, status, "call refused");
                });
            }
        }
    }

    fn publish(&self) {
        let dropped = self.mailbox.post.shared.dropped.load(Ordering::Relaxed);
        self.meters.publish(self.calls.count(), dropped, &self.plane.counts(), &self.inside.counts());
    }

    fn guarded(&mut self, now: Instant, work: impl FnOnce(&mut call::Shard, &mut Plane)) {
        guard(now, &mut self.calls, &mut self.plane, &self.meters, work);
    }
}

/// Does `work` for one call. A panic in it is a bug that ends that call and no other.
fn guard(
    now: Instant,
    calls: &mut call::Shard,
    plane: &mut Plane,
    meters: &Meters,
    work: impl FnOnce(&mut call::Shard, &mut Plane),
) {
    let mut result = catch_unwind(AssertUnwindSafe(|| work(calls, plane)));
    // What is left of the call may panic again while it is taken down, and what waited behind it may do so too.
    for _ in 0..BUGS {
        if result.is_ok() {
            return;
        }
        meters.panicked();
        result = catch_unwind(AssertUnwindSafe(|| calls.abandon(now, plane)));
    }
}

fn wall() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(since.as_millis() as u64)
}

/// Answers and orders that may wait for a shard; far more than a shard asks in the time of one turn.
const ANSWERS: usize = 4096;
/// Ready sockets looked at before the clock is read again.
const EVENTS: usize = 256;
const SECOND: Duration = Duration::from_secs(1);
/// After each of these some calls tell how they sound, and all of them within `TURNS` and one: with the way to the registry, which
/// takes up to a second, `get calls --quality` is never older than 5 s.
const TURN: Duration = Duration::from_millis(250);
const TURNS: usize = 12;
/// How long a shard without calls still answers before it ends.
const LINGER: Duration = Duration::from_secs(1);
/// Panics that one stimulus may cause one after the other before the rest of it is left for the next.
const BUGS: usize = 8;

//! Which registry is asked what: owner first, the next one when it fails or is slow, each answer to its asker.

use super::Options;
use super::link::{self, News};
use crate::registrar::Reply;
use crate::view::View;
use crate::wire::{self, RegistrarAnswer, RegistrarQuestion, registrar_answer, registrar_question};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A question and the AOR whose owner is to answer it.
pub struct Ask {
    pub aor: String,
    pub question: Question,
}

/// What is asked, and who wants to know.
pub enum Question {
    Register(wire::RegisterRequest, Reply<wire::RegisterResponse>),
    Locate(wire::LocateRequest, Reply<wire::LocateResponse>),
}

/// Runs until the [`super::RemoteRegistrar`] is dropped.
pub async fn run(options: Options, view: Arc<View>, mut asks: mpsc::Receiver<Ask>) {
    let (news, mut heard) = mpsc::channel(1024);
    let mut driver = Driver { options, view, news, links: BTreeMap::new(), pending: HashMap::new(), next: 0 };
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ask = asks.recv() => match ask {
                Some(ask) => driver.begin(ask),
                None => return,
            },
            Some((registry, news)) = heard.recv() => driver.hear(registry, news),
            _ = tick.tick() => driver.tick(Instant::now()),
        }
    }
}

struct Driver {
    options: Options,
    view: Arc<View>,
    news: mpsc::Sender<(SocketAddr, News)>,
    /// A queue where the stream is open.
    links: BTreeMap<SocketAddr, Option<mpsc::Sender<RegistrarQuestion>>>,
    pending: HashMap<u64, Pending>,
    next: u64,
}

struct Pending {
    ask: Ask,
    asked: Vec<SocketAddr>,
    next_at: Instant,
    give_up_at: Instant,
}

impl Driver {
    fn begin(&mut self, ask: Ask) {
        let now = Instant::now();
        let id = self.next;
        self.next += 1;
        let pending = Pending { ask, asked: Vec::new(), next_at: now + SLOW, give_up_at: now + PATIENCE };
        // Nobody is reachable: the caller has a snapshot to go by, and no reason to wait.
        if let Some(pending) = self.ask_next(id, pending) {
            pending.ask.question.fail();
        }
    }

    /// Asks the best registry that was not asked yet; gives the question back where none is left.
    fn ask_next(&mut self, id: u64, mut pending: Pending) -> Option<Pending> {
        for registry in self.order(&pending.ask.aor) {
            if pending.asked.contains(&registry) {
                continue;
            }
            let Some(Some(link)) = self.links.get(&registry) else { continue };
            if link.try_send(RegistrarQuestion { id, question: Some(pending.ask.question.to_wire()) }).is_ok() {
                pending.asked.push(registry);
                pending.next_at = Instant::now() + SLOW;
                self.pending.insert(id, pending);
                return None;
            }
        }
        Some(pending)
    }

    /// Asks the next one, or goes on waiting for those that were asked before.
    fn ask_next_or_wait(&mut self, id: u64, pending: Pending) {
        if let Some(mut pending) = self.ask_next(id, pending) {
            pending.next_at = pending.give_up_at;
            self.pending.insert(id, pending);
        }
    }

    /// The owner of the record first; the configured registries last, for the time before the first membership.
    fn order(&self, aor: &str) -> Vec<SocketAddr> {
        let membership = self.view.membership.load();
        let mut order: Vec<SocketAddr> =
            membership.registries_for(aor).into_iter().map(|member| member.inside).collect();
        for registry in &self.options.registries {
            if !order.contains(registry) {
                order.push(*registry);
            }
        }
        order
    }

    fn hear(&mut self, registry: SocketAddr, news: News) {
        match news {
            News::Up(queue) => {
                self.links.insert(registry, Some(queue));
            }
            News::Answer(answer) => self.answer(answer),
            News::Down => {
                self.links.insert(registry, None);
                let mut lost: Vec<u64> =
                    self.pending.iter().filter(|(_, p)| p.asked.last() == Some(&registry)).map(|(id, _)| *id).collect();
                lost.sort_unstable();
                for id in lost {
                    if let Some(pending) = self.pending.remove(&id) {
                        self.ask_next_or_wait(id, pending);
                    }
                }
            }
        }
    }

    fn answer(&mut self, answer: RegistrarAnswer) {
        let Some(pending) = self.pending.remove(&answer.id) else { return };
        match (pending.ask.question, answer.answer) {
            (Question::Register(_, reply), Some(registrar_answer::Answer::Register(response))) => reply(Ok(response)),
            (Question::Locate(_, reply), Some(registrar_answer::Answer::Locate(response))) => reply(Ok(response)),
            // That registry cannot reach its store; another one may.
            (question, _) => {
                let ask = Ask { aor: pending.ask.aor, question };
                if let Some(pending) = self.ask_next(answer.id, Pending { ask, ..pending }) {
                    pending.ask.question.fail();
                }
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        self.open_links();
        let mut late: Vec<u64> = self.pending.iter().filter(|(_, p)| p.next_at <= now).map(|(id, _)| *id).collect();
        late.sort_unstable();
        for id in late {
            let Some(pending) = self.pending.remove(&id) else { continue };
            if pending.give_up_at <= now {
                pending.ask.question.fail();
            } else {
                self.ask_next_or_wait(id, pending);
            }
        }
    }

    /// A link for each registry that is configured or in the membership; a link to one that left keeps trying, which costs little.
    fn open_links(&mut self) {
        let membership = self.view.membership.load();
        let members = membership.members().iter().filter(|member| member.role == wire::Role::Registry);
        for registry in members.map(|member| member.inside).chain(self.options.registries.iter().copied()) {
            self.links.entry(registry).or_insert_with(|| {
                tokio::spawn(link::run(self.options.clone(), registry, self.news.clone()));
                None
            });
        }
    }
}

impl Question {
    fn to_wire(&self) -> registrar_question::Question {
        match self {
            Question::Register(request, _) => registrar_question::Question::Register(request.clone()),
            Question::Locate(request, _) => registrar_question::Question::Locate(request.clone()),
        }
    }
}

const TICK: Duration = Duration::from_millis(100);
/// After this time without an answer the next registry is asked as well.
const SLOW: Duration = Duration::from_millis(700);
/// After this time the asker is told that nobody answered.
const PATIENCE: Duration = Duration::from_secs(2);

//! The registries as one [`Registrar`].

use super::Options;
use super::driver::{self, Ask, Question};
use crate::registrar::{Registrar, Reply, Unavailable};
use crate::view::View;
use crate::wire;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Asks the owner of an AOR's record, the next registry when that one fails or is slow, and gives up after two seconds.
#[derive(Debug)]
pub struct RemoteRegistrar {
    asks: mpsc::Sender<Ask>,
}

impl RemoteRegistrar {
    /// Starts the connections; must be called inside a tokio runtime, on which they live until this value is dropped.
    pub fn start(options: Options, view: Arc<View>) -> RemoteRegistrar {
        let (asks, queue) = mpsc::channel(QUEUE);
        tokio::spawn(driver::run(options, view, queue));
        RemoteRegistrar { asks }
    }

    /// A full queue means that the registries are far behind: the asker is told at once rather than late.
    fn ask(&self, aor: String, question: Question) {
        match self.asks.try_send(Ask { aor, question }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(ask) | mpsc::error::TrySendError::Closed(ask)) => ask.question.fail(),
        }
    }
}

impl Registrar for RemoteRegistrar {
    fn register(&self, request: wire::RegisterRequest, reply: Reply<wire::RegisterResponse>) {
        self.ask(request.aor.clone(), Question::Register(request, reply));
    }

    fn locate(&self, request: wire::LocateRequest, reply: Reply<wire::LocateResponse>) {
        self.ask(request.aor.clone(), Question::Locate(request, reply));
    }
}

impl Question {
    /// Tells the asker that nobody answered.
    pub(super) fn fail(self) {
        match self {
            Question::Register(_, reply) => reply(Err(Unavailable)),
            Question::Locate(_, reply) => reply(Err(Unavailable)),
        }
    }
}

/// Questions that may wait for the driver.
const QUEUE: usize = 16_384;

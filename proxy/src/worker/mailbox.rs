//! What other threads tell a worker.

use crate::edge::{Answer, QueryId};
use net::Waker;
use sip::token::Flow;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::ThreadId;

/// One thing to tell.
#[derive(Debug)]
pub(crate) enum Mail {
    /// The registry has answered; as many wait at most as the edge has questions.
    Answer(QueryId, Answer),
    /// A message for a connection of this worker.
    Send(Flow, Vec<u8>),
    /// Accept no more connections.
    Drain,
    /// Send what is to be sent, and end.
    Stop,
}

/// A bounded queue with a bell.
pub(crate) struct Mailbox {
    mail: Mutex<Vec<Mail>>,
    waker: Waker,
    owner: OnceLock<ThreadId>,
}

/// Messages of other workers beyond this are lost, as if on the wire.
const CAPACITY: usize = 16_384;

/// The mailbox of a worker that does not keep up is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Mailbox {
    pub fn new(waker: Waker) -> Mailbox {
        Mailbox { mail: Mutex::default(), waker, owner: OnceLock::new() }
    }

    /// The calling thread reads it from now on.
    pub fn own(&self) {
        let _ = self.owner.set(std::thread::current().id());
    }

    /// Tells the owner, which is woken unless it is the caller itself: that one looks before it sleeps.
    pub fn post(&self, mail: Mail) -> Result<(), Full> {
        {
            let mut queue = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(mail, Mail::Send(..)) && queue.len() >= CAPACITY {
                return Err(Full);
            }
            queue.push(mail);
        }
        if self.owner.get() != Some(&std::thread::current().id()) {
            self.waker.wake();
        }
        Ok(())
    }

    /// Moves all mail to `into`, which is empty.
    pub fn collect(&self, into: &mut Vec<Mail>) {
        std::mem::swap(&mut *self.mail.lock().unwrap_or_else(PoisonError::into_inner), into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::{Epoll, Events};
    use std::time::Duration;

    #[test]
    fn the_owner_is_not_woken_by_itself_but_by_others() {
        let epoll = Epoll::new().unwrap();
        let mailbox = Mailbox::new(epoll.waker());
        mailbox.own();
        let mut events = Events::with_capacity(4);
        mailbox.post(Mail::Drain).unwrap();
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(!events.woken());
        std::thread::scope(|scope| {
            scope.spawn(|| mailbox.post(Mail::Stop).unwrap());
        });
        epoll.wait(&mut events, None).unwrap();
        assert!(events.woken());
        let mut mail = Vec::new();
        mailbox.collect(&mut mail);
        assert!(matches!(mail[..], [Mail::Drain, Mail::Stop]));
    }

    #[test]
    fn messages_are_bounded_and_answers_are_not_lost() {
        let mailbox = Mailbox::new(Epoll::new().unwrap().waker());
        let end = sip::token::FlowEnd::Slot { worker: 0, slot: 0, generation: 0 };
        let flow = Flow { proxy: 1, transport: sip::hop::Transport::Tcp, listener: 0, end };
        for _ in 0..CAPACITY {
            mailbox.post(Mail::Send(flow, Vec::new())).unwrap();
        }
        assert_eq!(mailbox.post(Mail::Send(flow, Vec::new())), Err(Full));
        mailbox.post(Mail::Stop).unwrap();
    }
}

use super::super::incoming::Incoming;
use crate::message::{Message, Method};
use crate::random::Random;
use crate::stateless::PartsHasher;

/// Keyed hash of what names a transaction; nobody outside can make two of them meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Branch and method, with ACK and CANCEL asking for INVITE (RFC 3261 §17.2.3). In place of sent-by stand Call-ID, From tag and CSeq
    /// number: a copy that came through another proxy of the cluster has the same branch and another sent-by.
    Transaction(u128, Method),
    /// From tag, Call-ID and CSeq of a request outside a dialog (RFC 3261 §8.2.2.2).
    Merge(u128),
    /// Both tags, Call-ID and CSeq number of a 2xx that waits for its ACK, which has a branch of its own.
    Ack(u128),
}

/// Makes [`Key`]s.
#[derive(Debug)]
pub(super) struct Namer {
    key: (u64, u64),
}

impl Namer {
    pub(super) fn new(random: &mut Random) -> Namer {
        Namer { key: (random.number(), random.number()) }
    }

    /// Of the transaction of this method that a request belongs to.
    pub(super) fn transaction(&self, request: &Incoming<'_>, method: Method) -> Key {
        let branch = request.via.branch.unwrap_or(request.via.text);
        Key::Transaction(self.hash(request.message, &[branch, request.message.call_id(), request.from_tag]), method)
    }

    /// Of the copies of a request that came on different ways.
    pub(super) fn merge(&self, request: &Incoming<'_>) -> Key {
        let message = request.message;
        Key::Merge(self.hash(message, &[message.method_text(), message.call_id(), request.from_tag]))
    }

    /// Of the 2xx that a message is, or is the ACK of.
    pub(super) fn ack(&self, message: &Message<'_>) -> Key {
        let tags = [message.from_tag().unwrap_or_default(), message.to_tag().unwrap_or_default()];
        Key::Ack(self.hash(message, &[message.call_id(), tags[0], tags[1]]))
    }

    /// To tag of the refusal of a request; the ACK of the refusal has it as well.
    pub(super) fn refusal_tag(&self, request: &Incoming<'_>) -> String {
        format!("{:016x}", self.hash(request.message, &[request.message.call_id(), request.from_tag]) as u64)
    }

    fn hash(&self, message: &Message<'_>, parts: &[&str]) -> u128 {
        let mut hasher = PartsHasher::new(self.key);
        for part in parts {
            hasher.part(part.as_bytes());
        }
        hasher.part(&message.cseq().to_be_bytes());
        hasher.finish()
    }
}

//! Where users were last known to be, for the time when no registry answers.

use proto::wire::LocateResponse;
use std::collections::HashMap;
use std::mem;

/// The latest answers, at most so many. Two halves: when the young one is full it becomes the old one, and what nobody asked
/// for since is forgotten.
#[derive(Debug)]
pub(crate) struct Memory {
    half: usize,
    young: HashMap<String, LocateResponse>,
    old: HashMap<String, LocateResponse>,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Memory {
        Memory { half: limit.div_ceil(2), young: HashMap::new(), old: HashMap::new() }
    }

    /// Remembers an answer in place of an earlier one.
    pub(crate) fn remember(&mut self, aor: &str, answer: LocateResponse) {
        if self.half == 0 {
            return;
        }
        if self.young.len() >= self.half && !self.young.contains_key(aor) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(aor);
        self.young.insert(aor.to_owned(), answer);
    }

    /// The last answer about this user.
    pub(crate) fn recall(&mut self, aor: &str) -> Option<LocateResponse> {
        if let Some(answer) = self.young.get(aor) {
            return Some(answer.clone());
        }
        let answer = self.old.remove(aor)?;
        self.remember(aor, answer.clone());
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_limit_and_keeps_what_is_asked_for() {
        let mut memory = Memory::new(10);
        let known = LocateResponse { known: true, bindings: Vec::new() };
        memory.remember("alice@a", known.clone());
        for n in 0..100 {
            memory.remember(&format!("user-{n}@a"), LocateResponse::default());
            assert_eq!(memory.recall("alice@a"), Some(known.clone()));
            assert!(memory.young.len() + memory.old.len() <= 10);
        }
        assert_eq!(memory.recall("user-1@a"), None);
    }
}

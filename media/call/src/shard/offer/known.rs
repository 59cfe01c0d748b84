//! Where calls are that this shard has not, or not any more, for as long as copies of their requests may come.

use super::Key;
use proto::membership::OVERLAP;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Known {
    places: BTreeMap<Key, (Instant, Place)>,
    /// When to forget which, the oldest first.
    due: BTreeSet<(Instant, Key)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It was here and is over, while its transactions are not.
    Here,
    /// Another shard has it, or has been left it.
    At(SocketAddr),
}

impl Known {
    pub(super) fn insert(&mut self, now: Instant, key: Key, place: Place) {
        self.forget(now);
        let until = now + OVERLAP;
        self.places.insert(key.clone(), (until, place));
        self.due.insert((until, key));
    }

    /// Lets go of what is too old to matter; also when no call comes any more.
    pub(super) fn forget(&mut self, now: Instant) {
        while self.due.first().is_some_and(|(until, _)| *until <= now) {
            let Some((_, old)) = self.due.pop_first() else { return };
            if self.places.get(&old).is_some_and(|(until, _)| *until <= now) {
                self.places.remove(&old);
            }
        }
    }

    pub(super) fn get(&self, now: Instant, key: &Key) -> Option<Place> {
        self.places.get(key).filter(|(until, _)| *until > now).map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_newest_is_known_until_its_own_end_and_nothing_is_kept_longer() {
        let (start, other) = (Instant::now(), Place::At(([10, 0, 1, 1], 5090).into()));
        let key = |id: &str| (id.to_owned(), String::new());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut known = Known::default();
        known.insert(start, key("a"), other);
        known.insert(at(20), key("a"), Place::Here);
        known.insert(at(40), key("b"), other);
        assert_eq!(known.get(at(40), &key("a")), Some(Place::Here));
        assert_eq!(known.get(at(52), &key("a")), None);
        known.insert(at(80), key("c"), other);
        assert_eq!((known.places.len(), known.due.len()), (1, 1));
        known.forget(at(112));
        assert_eq!((known.places.len(), known.due.len()), (0, 0));
    }
}

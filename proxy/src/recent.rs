//! A bounded map that forgets what was not used for longest.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// Two generations of entries: what is used moves to the young one; when that is full, the old one is forgotten whole.
///
/// So memory is bounded with no list to keep and no sweep to run. An entry survives at least `capacity / 2` insertions
/// of others after its last use.
pub struct Recent<K, V, S = RandomState> {
    young: HashMap<K, V, S>,
    old: HashMap<K, V, S>,
    half: usize,
}

impl<K: Hash + Eq, V, S: BuildHasher + Default> Recent<K, V, S> {
    /// Holds up to `capacity` entries; with 0 it holds none.
    pub fn new(capacity: usize) -> Recent<K, V, S> {
        Recent { young: HashMap::default(), old: HashMap::default(), half: capacity.div_ceil(2) }
    }

    /// The entry of `key`, which counts as used.
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// The entry of `key`, which does not count as used.
    pub fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Sets the entry of `key`.
    pub fn insert(&mut self, key: K, value: V) {
        if self.half == 0 {
            return;
        }
        self.old.remove(&key);
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.forget_old();
        }
        self.young.insert(key, value);
    }

    /// Removes the entry of `key`.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let old = self.old.remove(key);
        self.young.remove(key).or(old)
    }

    /// Makes the young generation the old one, as it happens by itself when it is full.
    pub fn forget_old(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let mut recent = Recent::<u32, u32>::new(10);
        for n in 0..1000 {
            recent.insert(n % 300, n);
            assert!(recent.young.len() + recent.old.len() <= 10);
        }
    }

    #[test]
    fn what_is_used_is_kept() {
        let mut recent = Recent::<u32, u32>::new(10);
        recent.insert(0, 0);
        for n in 1..1000 {
            recent.insert(n, n);
            *recent.get_mut(&0).expect("used in every round") += 1;
        }
        assert_eq!(recent.peek(&0), Some(&999));
        assert!(recent.peek(&1).is_none());
    }

    #[test]
    fn an_entry_has_one_value_whatever_its_generation() {
        let mut recent = Recent::<u32, u32>::new(10);
        recent.insert(1, 1);
        recent.forget_old();
        recent.insert(1, 2);
        recent.forget_old();
        assert_eq!((recent.remove(&1), recent.peek(&1)), (Some(2), None));
    }

    #[test]
    fn without_capacity_it_holds_nothing() {
        let mut recent = Recent::<u32, u32>::new(0);
        recent.insert(1, 1);
        assert_eq!(recent.get_mut(&1), None);
    }
}

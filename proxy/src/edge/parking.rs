//! What waits for an answer of the registry: bounded, each with a deadline.

use super::outbox::QueryId;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Places for waiting items; an id names its place and how often that was used, so that a late answer finds nobody.
pub(super) struct Parking<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    /// In the order of the deadlines, since all wait equally long; may name places that are free again.
    deadlines: VecDeque<(Instant, QueryId)>,
    limit: usize,
    patience: Duration,
}

struct Place<T> {
    used: u32,
    item: Option<T>,
}

impl<T> Parking<T> {
    /// For up to `limit` items, each for `patience`.
    pub fn new(limit: usize, patience: Duration) -> Parking<T> {
        Parking { places: Vec::new(), free: Vec::new(), deadlines: VecDeque::new(), limit, patience }
    }

    /// Whether another item has a place.
    pub fn has_room(&self) -> bool {
        self.waiting() < self.limit
    }

    /// How many items wait.
    pub fn waiting(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Keeps an item until its id is taken or its time is over; ask [`Parking::has_room`] first.
    pub fn park(&mut self, now: Instant, item: T) -> QueryId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { used: 0, item: None });
            self.places.len() as u32 - 1
        });
        let place = &mut self.places[index as usize];
        place.used = place.used.wrapping_add(1);
        place.item = Some(item);
        let id = QueryId(u64::from(place.used) << 32 | u64::from(index));
        self.deadlines.push_back((now + self.patience, id));
        id
    }

    /// The item of an id; `None` when its time was over.
    pub fn take(&mut self, id: QueryId) -> Option<T> {
        let item = self.remove(id);
        // A registry in the same process answers at once, so the newest deadline is the one to forget.
        if self.deadlines.back().is_some_and(|&(_, last)| last == id) {
            self.deadlines.pop_back();
        }
        item
    }

    /// When the next item's time is over.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|&(at, _)| at)
    }

    /// An item whose time is over, if there is one.
    pub fn expired(&mut self, now: Instant) -> Option<T> {
        while let Some(&(at, id)) = self.deadlines.front()
            && at <= now
        {
            self.deadlines.pop_front();
            if let Some(item) = self.remove(id) {
                return Some(item);
            }
        }
        None
    }

    fn remove(&mut self, id: QueryId) -> Option<T> {
        let (index, used) = (id.0 as u32, (id.0 >> 32) as u32);
        let place = self.places.get_mut(index as usize).filter(|place| place.used == used)?;
        let item = place.item.take()?;
        self.free.push(index);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(3);

    #[test]
    fn an_id_is_good_once() {
        let (mut parking, now) = (Parking::new(2, PATIENCE), Instant::now());
        let a = parking.park(now, 'a');
        assert_eq!((parking.take(a), parking.take(a)), (Some('a'), None));
        let b = parking.park(now, 'b');
        assert_eq!((parking.take(a), parking.take(b)), (None, Some('b')));
        assert_eq!((parking.waiting(), parking.next_deadline()), (0, None));
    }

    #[test]
    fn it_is_bounded() {
        let (mut parking, now) = (Parking::new(2, PATIENCE), Instant::now());
        let a = parking.park(now, 'a');
        parking.park(now, 'b');
        assert!(!parking.has_room());
        parking.take(a);
        assert!(parking.has_room());
    }

    #[test]
    fn what_waits_too_long_comes_back_once_and_in_order() {
        let (mut parking, now) = (Parking::new(9, PATIENCE), Instant::now());
        let ids = ['a', 'b', 'c'].map(|item| parking.park(now, item));
        parking.take(ids[1]);
        assert_eq!(parking.expired(now), None);
        assert_eq!(parking.next_deadline(), Some(now + PATIENCE));
        let later = now + PATIENCE;
        assert_eq!(
            [parking.expired(later), parking.expired(later), parking.expired(later)],
            [Some('a'), Some('c'), None]
        );
        assert_eq!((parking.take(ids[0]), parking.waiting()), (None, 0));
    }
}

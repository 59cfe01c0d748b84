//! Wrong PINs at the doors of rooms: who types too many waits, each time longer, so that nobody finds one by trying.
//!
//! All calls to a room are on one shard, so what this shard counts is all that there is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The failures of the last hours.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    /// Of a caller at a room.
    callers: BTreeMap<(Arc<str>, String), Failures>,
    /// Of all callers at a room.
    rooms: BTreeMap<Arc<str>, Failures>,
}

/// How many failures are borne before a door is shut.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    failures: u32,
    within: Duration,
    /// What is left of it when a door opens again.
    afterwards: u32,
}

/// Three tries, then one for each wait.
const CALLER: Allowance = Allowance { failures: 3, within: FORGOTTEN, afterwards: 1 };
/// More than people mistype, fewer than a program needs that has many callers' names.
const ROOM: Allowance = Allowance { failures: 30, within: Duration::from_secs(60), afterwards: 30 };

#[derive(Debug)]
struct Failures {
    /// How many more are borne until `until`.
    left: u32,
    until: Instant,
    /// How often the door has been shut.
    shut: u32,
    open_at: Instant,
}

impl Doors {
    /// Whether a caller must wait before the PIN may be tried again.
    pub(crate) fn is_shut(&self, now: Instant, room: &Arc<str>, caller: &str) -> bool {
        let of_caller = self.callers.get(&(room.clone(), caller.to_owned()));
        of_caller.into_iter().chain(self.rooms.get(room)).any(|failures| now < failures.open_at)
    }

    /// A wrong PIN.
    pub(crate) fn fail(&mut self, now: Instant, room: &Arc<str>, caller: &str) {
        fail(&mut self.callers, now, (room.clone(), caller.to_owned()), CALLER);
        fail(&mut self.rooms, now, room.clone(), ROOM);
    }

    /// The right PIN: what the caller mistyped before no longer counts.
    pub(crate) fn open(&mut self, room: &Arc<str>, caller: &str) {
        self.callers.remove(&(room.clone(), caller.to_owned()));
    }
}

fn fail<K: Ord + Clone>(known: &mut BTreeMap<K, Failures>, now: Instant, key: K, allowance: Allowance) {
    if known.len() >= MOST && !known.contains_key(&key) {
        known.retain(|_, failures| !failures.is_over(now));
        if known.len() >= MOST {
            let next = known.iter().min_by_key(|(_, failures)| failures.open_at).map(|(key, _)| key.clone());
            next.and_then(|next| known.remove(&next));
        }
    }
    let fresh = || Failures { left: allowance.failures, until: now + allowance.within, shut: 0, open_at: now };
    let failures = known.entry(key).or_insert_with(fresh);
    if failures.is_over(now) {
        *failures = fresh();
    }
    failures.add(now, allowance);
}

impl Failures {
    /// Nothing has happened for so long that it counts no more.
    fn is_over(&self, now: Instant) -> bool {
        now >= self.until && now >= self.open_at + FORGOTTEN
    }

    fn add(&mut self, now: Instant, allowance: Allowance) {
        if now >= self.until {
            (self.left, self.until) = (allowance.failures, now + allowance.within);
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.open_at = now + FIRST_WAIT.saturating_mul(1 << self.shut.min(16)).min(LONGEST_WAIT);
            self.shut += 1;
            (self.left, self.until) = (allowance.afterwards, self.open_at + allowance.within);
        }
    }
}

/// How long a door stays shut for the first time; each later one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How long after a door has opened again its failures are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Callers, and rooms, that are remembered; beyond it the one goes whose door opens first.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails as soon as the door is open; how long each wait was, in seconds.
    fn waits(doors: &mut Doors, now: &mut Instant, room: &Arc<str>, caller: &str, tries: usize) -> Vec<u64> {
        let wait = |_| {
            doors.fail(*now, room, caller);
            let began = *now;
            while doors.is_shut(*now, room, caller) {
                *now += Duration::from_secs(1);
            }
            (*now - began).as_secs()
        };
        (0..tries).map(wait).collect()
    }

    #[test]
    fn three_failures_are_free_and_each_further_one_costs_twice_the_wait_up_to_an_hour() {
        let (mut doors, mut now, room) = (Doors::default(), Instant::now(), "standup".into());
        let expected = [0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600];
        assert_eq!(waits(&mut doors, &mut now, &room, "alice@a", 11), expected);
        assert!(!doors.is_shut(now, &room, "bob@a"), "others are let in");
        now += FORGOTTEN;
        assert_eq!(waits(&mut doors, &mut now, &room, "alice@a", 3), [0, 0, 30]);
    }

    #[test]
    fn the_right_pin_forgives_what_was_mistyped_before() {
        let (mut doors, mut now, room) = (Doors::default(), Instant::now(), "standup".into());
        for _ in 0..5 {
            assert_eq!(waits(&mut doors, &mut now, &room, "alice@a", 2), [0, 0]);
            doors.open(&room, "alice@a");
        }
    }

    #[test]
    fn many_callers_together_shut_a_room_for_all_and_no_other_room() {
        let (mut doors, now, room) = (Doors::default(), Instant::now(), "standup".into());
        for n in 0..30 {
            assert!(!doors.is_shut(now, &room, "bob@a"), "after {n}");
            doors.fail(now, &room, &format!("user-{n}@a"));
        }
        assert!(doors.is_shut(now, &room, "bob@a"));
        assert!(!doors.is_shut(now, &"other".into(), "bob@a"));
        assert!(!doors.is_shut(now + FIRST_WAIT, &room, "bob@a"));
    }

    #[test]
    fn failures_of_many_people_over_a_day_shut_nothing() {
        let (mut doors, start, room) = (Doors::default(), Instant::now(), "standup".into());
        for n in 0..20_000 {
            let now = start + Duration::from_secs(3 * n);
            doors.fail(now, &room, &format!("user-{n}@a"));
            assert!(!doors.is_shut(now, &room, "bob@a"), "after {n}");
        }
        assert!(doors.callers.len() <= MOST);
    }
}

//! An operator's orders for conferences' rooms, on their way to the shards of a media node, and what came of them.

use crate::wire::{RoomAnswer, RoomOrder};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Takes what came of an order.
pub type Reply = Box<dyn FnOnce(RoomAnswer) + Send>;

type Shard = Box<dyn Fn(RoomOrder, Share) + Send + Sync>;

/// The shards of this process's media node, once it runs: whoever keeps the membership gives them what a registry orders.
#[derive(Default)]
pub struct RoomOrders {
    shards: Mutex<Vec<Shard>>,
}

/// One shard's share of an answer. Dropped, the shard has nothing to add.
#[derive(Debug)]
pub struct Share(Arc<Gathered>);

/// What the shards have answered by now; goes to who asked when the last share does.
struct Gathered {
    answer: Mutex<RoomAnswer>,
    reply: Mutex<Option<Reply>>,
}

impl RoomOrders {
    /// From now on each order is given to this shard too. It must not block.
    pub fn attend(&self, shard: impl Fn(RoomOrder, Share) + Send + Sync + 'static) {
        lock(&self.shards).push(Box::new(shard));
    }

    /// Gives every shard an order; `reply` is called with all their answers in one, in the thread of the last.
    pub fn give(&self, order: &RoomOrder, reply: Reply) {
        let answer = RoomAnswer { id: order.id, ..RoomAnswer::default() };
        let gathered = Arc::new(Gathered { answer: Mutex::new(answer), reply: Mutex::new(Some(reply)) });
        for shard in lock(&self.shards).iter() {
            shard(order.clone(), Share(gathered.clone()));
        }
    }
}

impl Share {
    /// What the shard has to say.
    pub fn answer(self, part: RoomAnswer) {
        lock(&self.0.answer).add(part);
    }
}

impl RoomAnswer {
    /// Adds what another shard or node has answered to the same order.
    pub fn add(&mut self, other: RoomAnswer) {
        self.found |= other.found;
        self.participants += other.participants;
        if self.refused.is_empty() {
            self.refused = other.refused;
        }
        self.rooms.extend(other.rooms);
        self.silent.extend(other.silent);
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        if let Some(reply) = lock(&self.reply).take() {
            reply(std::mem::take(&mut *lock(&self.answer)));
        }
    }
}

impl fmt::Debug for RoomOrders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomOrders").finish_non_exhaustive()
    }
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").field("answer", &self.answer).finish_non_exhaustive()
    }
}

/// Nothing that holds one of these can leave it half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> (Arc<Mutex<Vec<RoomAnswer>>>, Reply) {
        let answers = Arc::<Mutex<Vec<RoomAnswer>>>::default();
        let into = answers.clone();
        (answers, Box::new(move |answer| lock(&into).push(answer)))
    }

    #[test]
    fn the_answer_comes_with_the_last_share_and_is_that_of_all_shards() {
        let (orders, kept) = (RoomOrders::default(), Arc::<Mutex<Vec<Share>>>::default());
        for _ in 0..3 {
            let kept = kept.clone();
            orders.attend(move |order, share| {
                assert_eq!(order.room, "standup");
                lock(&kept).push(share);
            });
        }
        let (answers, reply) = answers();
        orders.give(&RoomOrder { id: 7, room: "standup".into(), ..RoomOrder::default() }, reply);
        let [one, two, three] = std::mem::take(&mut *lock(&kept)).try_into().unwrap();
        one.answer(RoomAnswer { found: true, participants: 2, ..RoomAnswer::default() });
        two.answer(RoomAnswer { refused: "why".into(), participants: 1, ..RoomAnswer::default() });
        assert!(lock(&answers).is_empty());
        // A shard that is gone, or has no room for the order, holds the others up no longer than that.
        drop(three);
        let due = RoomAnswer { id: 7, found: true, participants: 3, refused: "why".into(), ..RoomAnswer::default() };
        assert_eq!(*lock(&answers), [due]);
    }

    #[test]
    fn a_node_that_does_not_run_yet_has_no_rooms() {
        let (answers, reply) = answers();
        RoomOrders::default().give(&RoomOrder { id: 1, ..RoomOrder::default() }, reply);
        assert_eq!(*lock(&answers), [RoomAnswer { id: 1, ..RoomAnswer::default() }]);
    }
}

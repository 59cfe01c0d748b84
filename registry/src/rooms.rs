//! What operators ask and order of conferences' rooms: which media nodes are joined to this registry, and what each was asked.

use crate::calls::Stay;
use proto::wire::{RoomAnswer, RoomOrder};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// The media nodes that are joined here, and what they have been asked and not answered yet.
#[derive(Debug, Default)]
pub struct Rooms {
    nodes: Mutex<BTreeMap<Stay, Node>>,
    waiting: Mutex<BTreeMap<u64, Waiting>>,
    asked: AtomicU64,
}

#[derive(Debug)]
struct Node {
    name: String,
    orders: mpsc::Sender<RoomOrder>,
}

#[derive(Debug)]
struct Waiting {
    node: Stay,
    answer: oneshot::Sender<RoomAnswer>,
}

impl Rooms {
    /// A media node joins; what it is ordered comes out of the channel.
    pub fn enter(&self, stay: Stay, name: &str) -> mpsc::Receiver<RoomOrder> {
        let (orders, queue) = mpsc::channel(ORDERS);
        lock(&self.nodes).insert(stay, Node { name: name.to_owned(), orders });
        queue
    }

    /// The node left, or is joined elsewhere now: it will not answer.
    pub fn forget(&self, stay: Stay) {
        lock(&self.nodes).remove(&stay);
        lock(&self.waiting).retain(|_, waiting| waiting.node != stay);
    }

    /// What a node has answered. One that comes too late changes nothing.
    pub fn take(&self, answer: RoomAnswer) {
        if let Some(waiting) = lock(&self.waiting).remove(&answer.id) {
            let _ = waiting.answer.send(answer);
        }
    }

    /// Gives an order to every node, since each knows best which rooms it has; all that they answer within `patience`, and who did
    /// not.
    pub async fn ask(&self, order: &RoomOrder, patience: Duration) -> RoomAnswer {
        let until = Instant::now() + patience;
        let mut answer = RoomAnswer::default();
        for (id, name, answered) in self.give(order) {
            match timeout_at(until, answered).await {
                Ok(Ok(part)) => answer.add(part),
                Ok(Err(_)) | Err(_) => {
                    lock(&self.waiting).remove(&id);
                    answer.silent.push(name);
                }
            }
        }
        answer
    }

    fn give(&self, order: &RoomOrder) -> Vec<(u64, String, oneshot::Receiver<RoomAnswer>)> {
        let nodes = lock(&self.nodes);
        let given = nodes.iter().map(|(stay, node)| {
            let id = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            let (answer, answered) = oneshot::channel();
            lock(&self.waiting).insert(id, Waiting { node: *stay, answer });
            if node.orders.try_send(RoomOrder { id, ..order.clone() }).is_err() {
                lock(&self.waiting).remove(&id);
            }
            (id, node.name.clone(), answered)
        });
        given.collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Orders that may wait for one node; of one more it is said that the node does not answer.
const ORDERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Calls;
    use std::sync::Arc;

    #[tokio::test(start_paused = true)]
    async fn all_nodes_are_asked_and_who_does_not_answer_is_named() {
        let (calls, rooms) = (Calls::default(), Arc::new(Rooms::default()));
        let stays = [calls.enter(), calls.enter(), calls.enter()];
        let mut queues = stays.map(|stay| rooms.enter(stay, &format!("{stay:?}")));
        let order = RoomOrder { room: "standup".into(), ..RoomOrder::default() };
        let asker = rooms.clone();
        let asked = tokio::spawn(async move { asker.ask(&order, Duration::from_secs(3)).await });
        let mut ids = Vec::new();
        for queue in &mut queues {
            let order = queue.recv().await.expect("every node is asked");
            assert_eq!(order.room, "standup");
            ids.push(order.id);
        }
        rooms.take(RoomAnswer { id: ids[1], found: true, participants: 2, ..RoomAnswer::default() });
        rooms.forget(stays[0]);
        let answer = asked.await.expect("no panic");
        assert_eq!((answer.found, answer.participants), (true, 2));
        assert_eq!(answer.silent, [0, 2].map(|at| format!("{:?}", stays[at])));
        rooms.take(RoomAnswer { id: ids[2], ..RoomAnswer::default() });
        assert!(lock(&rooms.waiting).is_empty());
    }
}

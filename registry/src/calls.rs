//! The live calls of the media nodes joined to this registry, for `tandem get calls`.

use proto::reports::ENDED;
use proto::wire::CallReport;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Calls by stay and Call-ID; as many as the nodes have live.
#[derive(Debug, Default)]
pub struct Calls {
    by_stay: Mutex<BTreeMap<Stay, BTreeMap<String, CallReport>>>,
    stays: AtomicU64,
}

/// One membership of one node: a node that comes back is another stay, and tells all its calls again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stay(u64);

impl Calls {
    /// A node joins.
    pub fn enter(&self) -> Stay {
        Stay(self.stays.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes what a media node reports.
    pub fn take(&self, stay: Stay, reports: Vec<CallReport>) {
        if reports.is_empty() {
            return;
        }
        let mut all = self.by_stay.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = all.entry(stay).or_default();
        for report in reports {
            match report.state == ENDED {
                true => drop(calls.remove(&report.id)),
                false => drop(calls.insert(report.id.clone(), report)),
            }
        }
    }

    /// The node left, or reports elsewhere now.
    pub fn forget(&self, stay: Stay) {
        self.by_stay.lock().unwrap_or_else(PoisonError::into_inner).remove(&stay);
    }

    /// Every live call.
    pub fn list(&self) -> Vec<CallReport> {
        let all = self.by_stay.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().flat_map(BTreeMap::values).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_listed_until_it_ends_or_its_node_leaves() {
        let calls = Calls::default();
        let report = |id: &str, state: &str| CallReport { id: id.into(), state: state.into(), ..CallReport::default() };
        let (one, two) = (calls.enter(), calls.enter());
        calls.take(one, vec![report("a", "ringing"), report("b", "ringing")]);
        calls.take(two, vec![report("c", "answered")]);
        calls.take(one, vec![report("a", ENDED)]);
        let ids = |calls: &Calls| calls.list().into_iter().map(|call| call.id).collect::<Vec<_>>();
        assert_eq!(ids(&calls), ["b", "c"]);
        calls.forget(two);
        assert_eq!(ids(&calls), ["b"]);
    }
}

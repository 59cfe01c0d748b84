//! The calls of a media node, on their way to `tandem get calls`.

use crate::wire::CallReport;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Live calls, and which of them changed since they were last told to a registry.
///
/// Shared by the node's shards (which push) and the member's join loop (which takes); holds one report a live call.
#[derive(Debug, Default)]
pub struct CallReports {
    calls: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    report: CallReport,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Changed,
    Told,
}

/// The state of a call that is over; its report is told once and forgotten.
pub const ENDED: &str = "ended";

impl CallReports {
    /// Takes the newest report of a call.
    pub fn push(&self, report: CallReport) {
        self.lock().insert(report.id.clone(), Entry { report, state: State::Changed });
    }

    /// What changed since the last time.
    pub fn changes(&self) -> Vec<CallReport> {
        let mut changes = Vec::new();
        self.lock().retain(|_, entry| {
            if entry.state == State::Changed {
                changes.push(entry.report.clone());
                entry.state = State::Told;
            }
            entry.report.state != ENDED
        });
        changes
    }

    /// Every live call, for a registry that knows none of them yet.
    pub fn live(&self) -> Vec<CallReport> {
        self.lock().values().map(|entry| &entry.report).filter(|report| report.state != ENDED).cloned().collect()
    }

    /// Nothing was told to whom is asked next: after a registry was lost.
    pub fn tell_all_again(&self) {
        self.lock().values_mut().for_each(|entry| entry.state = State::Changed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Entry>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: &str, state: &str) -> CallReport {
        CallReport { id: id.into(), state: state.into(), ..CallReport::default() }
    }

    fn told(reports: Vec<CallReport>) -> Vec<(String, String)> {
        reports.into_iter().map(|report| (report.id, report.state)).collect()
    }

    #[test]
    fn a_change_is_told_once_and_an_ended_call_is_forgotten() {
        let reports = CallReports::default();
        reports.push(report("a", "ringing"));
        reports.push(report("a", "answered"));
        assert_eq!(told(reports.changes()), [("a".into(), "answered".into())]);
        assert!(reports.changes().is_empty());
        reports.push(report("a", ENDED));
        assert!(reports.live().is_empty());
        assert_eq!(told(reports.changes()), [("a".into(), "ended".into())]);
        reports.tell_all_again();
        assert!(reports.changes().is_empty());
    }

    #[test]
    fn a_new_registry_is_told_every_live_call() {
        let reports = CallReports::default();
        reports.push(report("a", "answered"));
        reports.changes();
        reports.tell_all_again();
        assert_eq!(reports.changes().len(), 1);
    }
}

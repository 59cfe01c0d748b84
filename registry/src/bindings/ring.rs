//! Which registry owns a record.

use crate::store::Batch;
use proto::membership::Membership;
use proto::ring;
use std::sync::Arc;

/// The registries as one of them sees them.
#[derive(Debug, Clone)]
pub struct Ring {
    scope: Scope,
    /// Tells sets of registries apart: records read under another set are not believed.
    set: u64,
}

#[derive(Debug, Clone)]
enum Scope {
    /// The only registry there is: all records are in memory.
    Alone,
    /// One of several.
    Cluster { own: u16, membership: Arc<Membership>, epoch_key: &'static str, revision: u64 },
}

impl Ring {
    /// Of the only registry that uses its store.
    pub fn alone() -> Ring {
        Ring { scope: Scope::Alone, set: 1 }
    }

    /// Of registry `own` in an epoch that the store has at `epoch_key` with `revision`.
    pub fn of(own: u16, membership: Arc<Membership>, epoch_key: &'static str, revision: u64) -> Ring {
        let mut ids = Vec::new();
        for member in membership.members().iter().filter(|member| member.role == proto::wire::Role::Registry) {
            ids.extend(member.id.to_be_bytes());
        }
        Ring { set: ring::hash(&ids), scope: Scope::Cluster { own, membership, epoch_key, revision } }
    }

    /// Identifies the set of registries.
    pub fn set(&self) -> u64 {
        self.set
    }

    /// Whether a record that is not in memory does not exist.
    pub fn knows_all(&self) -> bool {
        matches!(self.scope, Scope::Alone)
    }

    /// Whether this registry owns an AOR's record.
    pub fn owns(&self, aor: &str) -> bool {
        self.owner(aor).is_none()
    }

    /// Whether a record in memory, read under this set of registries, is the truth.
    pub fn trusts(&self, set: u64, aor: &str) -> bool {
        set == self.set && self.owns(aor)
    }

    /// Lets a batch of changes to this AOR happen only in the present epoch, and tells the owner where that is another registry.
    pub fn fence(&self, batch: Batch, aor: &str) -> Batch {
        let Scope::Cluster { epoch_key, revision, .. } = &self.scope else { return batch };
        let batch = batch.when(*epoch_key, *revision);
        match self.owner(aor) {
            Some(owner) => batch.put(note(owner, aor), Vec::new()),
            None => batch,
        }
    }

    /// Under this prefix are the notes for this registry.
    pub fn notes(&self) -> Option<String> {
        match &self.scope {
            Scope::Alone => None,
            Scope::Cluster { own, .. } => Some(note(*own, "")),
        }
    }

    /// The other registry that owns a record; `None` = this one does.
    fn owner(&self, aor: &str) -> Option<u16> {
        match &self.scope {
            Scope::Alone => None,
            Scope::Cluster { own, membership, .. } => {
                membership.registry_of(ring::hash(aor.as_bytes())).filter(|owner| owner != own)
            }
        }
    }
}

/// The key of the note that a record was changed by somebody else than its owner.
fn note(owner: u16, aor: &str) -> String {
    format!("changed/{owner:05}/{aor}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::wire::{self, Role};

    fn membership(ids: &[u32]) -> Arc<Membership> {
        let member = |&id: &u32| wire::Member {
            id,
            role: Role::Registry.into(),
            inside: format!("127.0.0.1:{id}"),
            ..wire::Member::default()
        };
        let members = ids.iter().map(member).collect();
        Arc::new(Membership::from_wire(&wire::Membership { members, ..wire::Membership::default() }))
    }

    #[test]
    fn a_record_is_believed_by_its_owner_within_one_set_of_registries() {
        let (before, after) = (membership(&[1, 2]), membership(&[1, 2, 3]));
        let aor = (0..).map(|n| format!("u{n}@d")).find(|aor| before.registries_for(aor)[0].id == 1).unwrap();
        let ring = Ring::of(1, before.clone(), "epoch", 5);
        assert!(ring.trusts(ring.set(), &aor));
        assert!(!Ring::of(2, before.clone(), "epoch", 5).trusts(ring.set(), &aor), "not its owner");
        assert!(!Ring::of(1, after, "epoch", 6).trusts(ring.set(), &aor), "another set");
        assert!(Ring::of(1, before, "epoch", 9).trusts(ring.set(), &aor), "an epoch that changed no registry");
    }

    #[test]
    fn a_write_is_fenced_and_tells_the_owner() {
        let membership = membership(&[1, 2]);
        let aor = (0..).map(|n| format!("u{n}@d")).find(|aor| membership.registries_for(aor)[0].id == 1).unwrap();
        let own = Ring::of(1, membership.clone(), "epoch", 5).fence(Batch::default(), &aor);
        assert_eq!((own.compares.len(), own.operations.len()), (1, 0));
        let foreign = Ring::of(2, membership.clone(), "epoch", 5).fence(Batch::default(), &aor);
        assert_eq!(foreign.operations[0].key(), format!("changed/00001/{aor}"));
        assert_eq!(Ring::of(1, membership, "epoch", 5).notes().as_deref(), Some("changed/00001/"));
    }
}

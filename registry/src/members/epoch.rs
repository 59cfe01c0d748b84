//! When the set of members changes, and what the next epoch is: pure.

use proto::time::UnixMillis;
use proto::wire::{Member, Membership, Role};

/// The epoch that follows `present` when these members are live; `None` where the present one fits.
///
/// An empty set is no change: it means that the store lost its leases, and calls go on with those who were there.
pub fn next_epoch(present: &Membership, live: &[Member], now: UnixMillis) -> Option<Membership> {
    if live.is_empty() || is_same(&present.members, live) {
        return None;
    }
    let media = |members: &[Member]| -> Vec<Member> {
        members.iter().filter(|member| member.role() == Role::Media).cloned().collect()
    };
    // Calls move only when media nodes do: the join of a proxy must not cut an overlap short or begin one.
    let (changed_at, previous) = match is_same(&media(&present.members), &media(live)) {
        true => (present.changed_at, present.previous.clone()),
        false => (now.0, media(&present.members)),
    };
    Some(Membership { epoch: present.epoch + 1, changed_at, members: live.to_vec(), previous })
}

/// Whether two sets, in the order of their ids, own the same things at the same places.
fn is_same(one: &[Member], other: &[Member]) -> bool {
    let place = |member: &Member| {
        (member.id, member.role, member.region.clone(), member.inside.clone(), member.shards, member.weight)
    };
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| place(a) == place(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: u32, role: Role) -> Member {
        Member {
            id,
            role: role.into(),
            inside: format!("127.0.0.1:{}", 5000 + id),
            shards: 2,
            weight: 100,
            ..Member::default()
        }
    }

    #[test]
    fn an_epoch_follows_a_change_of_members_and_nothing_else() {
        let nobody = Membership::default();
        let one = next_epoch(&nobody, &[member(1, Role::Media)], UnixMillis(5)).expect("a member came");
        assert_eq!((one.epoch, one.changed_at, one.previous.len()), (1, 5, 0));
        let louder = Member { load: 700, generation: 9, ..member(1, Role::Media) };
        assert_eq!(next_epoch(&one, &[louder], UnixMillis(6)), None);
        let two =
            next_epoch(&one, &[member(1, Role::Media), member(2, Role::Media)], UnixMillis(7)).expect("another came");
        assert_eq!((two.epoch, two.changed_at, two.previous.len()), (2, 7, 1));
    }

    #[test]
    fn a_proxy_that_comes_leaves_the_overlap_of_media_nodes_alone() {
        let one = next_epoch(&Membership::default(), &[member(1, Role::Media)], UnixMillis(5)).expect("a change");
        let two = next_epoch(&one, &[member(2, Role::Media)], UnixMillis(10)).expect("a change");
        let three =
            next_epoch(&two, &[member(2, Role::Media), member(3, Role::Proxy)], UnixMillis(11)).expect("a change");
        assert_eq!((three.epoch, three.changed_at), (3, 10));
        assert_eq!(three.previous, [member(1, Role::Media)]);
    }

    #[test]
    fn a_store_that_lost_its_leases_empties_no_cluster() {
        let one = next_epoch(&Membership::default(), &[member(1, Role::Media)], UnixMillis(5)).expect("a change");
        assert_eq!(next_epoch(&one, &[], UnixMillis(6)), None);
    }
}

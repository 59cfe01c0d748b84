use super::*;

fn member(id: u32, role: Role, inside: &str) -> wire::Member {
    wire::Member {
        id,
        name: format!("m{id}"),
        role: role.into(),
        region: "paris".into(),
        inside: inside.into(),
        shards: 2,
        weight: 100,
        ..wire::Member::default()
    }
}

fn membership() -> wire::Membership {
    wire::Membership {
        epoch: 7,
        changed_at: 1_000_000,
        members: vec![
            member(5, Role::Media, "10.0.0.5:5090"),
            member(1, Role::Registry, "10.0.0.1:7400"),
            member(2, Role::Registry, "10.0.0.2:7400"),
            member(3, Role::Registry, "10.0.0.3:7400"),
            member(4, Role::Proxy, "10.0.0.4:5080"),
            member(6, Role::Media, "10.0.0.6:5090"),
        ],
        previous: vec![member(5, Role::Media, "10.0.0.5:5090")],
    }
}

#[test]
fn shard_k_listens_on_the_inside_port_plus_k() {
    let membership = Membership::from_wire(&membership());
    let address = |node, shard| membership.shard_address(ShardId { node, shard });
    assert_eq!(address(6, 1), Some("10.0.0.6:5091".parse().unwrap()));
    assert_eq!(address(6, 2), None, "it has two shards");
    assert_eq!(address(4, 0), None, "a proxy has no shards");
    assert_eq!(address(9, 0), None, "nobody has this id");
}

#[test]
fn a_call_belongs_to_one_shard_of_its_region_and_the_previous_epoch_has_its_own_answer() {
    let membership = Membership::from_wire(&membership());
    let mut owners = std::collections::BTreeSet::new();
    for n in 0..200 {
        let call_id = format!("call-{n}");
        let owner = membership.shard_for("paris", &call_id).unwrap();
        assert_eq!(membership.shard_for("paris", &call_id), Some(owner));
        owners.insert((owner.node, owner.shard));
        assert_eq!(membership.previous_shard_for("paris", &call_id).unwrap().node, 5);
    }
    assert_eq!(owners.len(), 4, "every shard gets calls");
    assert_eq!(membership.shard_for("tokyo", "call-1"), None);
}

#[test]
fn a_draining_node_gets_no_new_calls() {
    let mut wire = membership();
    wire.members[0].weight = 0;
    let membership = Membership::from_wire(&wire);
    assert!((0..100).all(|n| membership.shard_for("paris", &n.to_string()).unwrap().node == 6));
}

#[test]
fn the_overlap_lasts_32_seconds() {
    let membership = Membership::from_wire(&membership());
    assert!(membership.within_overlap(UnixMillis(1_031_999)));
    assert!(!membership.within_overlap(UnixMillis(1_032_000)));
    assert!(!Membership::default().within_overlap(UnixMillis(0)));
}

#[test]
fn every_registry_is_in_an_aors_order_and_the_owner_is_first() {
    let membership = Membership::from_wire(&membership());
    for n in 0..50 {
        let aor = format!("u{n}@tandem.local");
        let order: Vec<u16> = membership.registries_for(&aor).iter().map(|member| member.id).collect();
        assert_eq!(order.len(), 3);
        assert_eq!(membership.registry_of(ring::hash(aor.as_bytes())), Some(order[0]));
    }
}

#[test]
fn a_member_that_nobody_could_reach_is_left_out() {
    let mut wire = membership();
    wire.members.push(member(70_000, Role::Proxy, "10.0.0.7:5080"));
    wire.members.push(member(8, Role::Proxy, "nowhere"));
    wire.members.push(member(9, Role::Unknown, "10.0.0.7:5080"));
    assert_eq!(Membership::from_wire(&wire).members().len(), 6);
}

//! Changes of the ring while calls are set up: one INVITE makes one call, whoever learns of the change when.

use crate::address::PUBLIC;
use crate::faults::{A, B, fair_weather, pair, weather};
use crate::members::node_id;
use crate::network::{Network, between};
use crate::phone::{Does, History};
use crate::seeds::for_seeds;
use crate::world::World;
use sip::message::Method;
use std::collections::BTreeSet;
use std::time::Duration;

/// The media nodes after a change: one comes, one goes, one takes the place of two.
const AFTER: [&[usize]; 4] = [&[0, 1, 2], &[0], &[1], &[2]];

/// Bob's phone has heard of one call at most.
fn assert_one_call(world: &World) {
    let invites = world.trace.sent.iter().filter(|sent| {
        sent.from == PUBLIC && sent.to == world.phones[B].external && sent.message().method() == Method::Invite
    });
    let calls: BTreeSet<_> = invites.map(|sent| sent.message().call_id().to_owned()).collect();
    assert!(calls.len() <= 1, "bob was called as {calls:?}");
}

#[test]
fn a_ring_change_during_set_up_makes_one_call() {
    for_seeds(200, |seed| {
        let mut world = pair(2 * seed, ["alice", "bob"], weather(seed));
        // Weather in which the caller repeats itself.
        world.network.loss = 10 + seed % 11;
        world.network.jitter = Duration::from_millis(300);
        let (change, cancel) = (between(&mut world.random, 0, 1500), between(&mut world.random, 500, 40_000));
        let nodes: &'static [usize] = [&[0, 1, 2][..], &[0], &[1], &[2]][seed as usize % 4];
        world.phones[B].manners.then = Duration::from_millis(2500);
        world.after(change, move |world| world.publish(&[0, 1], nodes));
        world.with_phone(A, |phone, now| phone.call(now, "bob"));
        world.run_for(Duration::from_millis(cancel));
        world.with_phone(A, |phone, now| phone.hang_up(now));
        world.finish();
        assert_one_call(&world);
    });
}

#[test]
fn a_ring_change_that_each_member_learns_of_at_another_time_makes_one_call() {
    for_seeds(300, |seed| {
        let mut world = pair(2 * seed, ["alice", "bob"], weather(seed));
        // Weather in which the caller repeats itself, soon and late.
        world.network.loss = seed % 21;
        world.network.copies = 10 + seed % 11;
        world.network.jitter = Duration::from_millis(300);
        let (change, call) = (between(&mut world.random, 0, 2000), between(&mut world.random, 1000, 2000));
        let cancel = between(&mut world.random, 500, 40_000);
        let nodes = AFTER[seed as usize % 4];
        world.phones[B].manners.then = Duration::from_millis(2500);
        if seed.is_multiple_of(3) {
            world.phones[B].manners.does = Does::Nothing;
        }
        world.after(change, move |world| world.publish_within(1500, &[0, 1], nodes));
        world.after(call, |world| world.with_phone(A, |phone, now| phone.call(now, "bob")));
        world.run_for(Duration::from_millis(call + cancel));
        world.with_phone(A, |phone, now| phone.hang_up(now));
        world.finish();
        assert_one_call(&world);
    });
}

#[test]
fn a_cancel_follows_its_invite_through_a_ring_change() {
    for_seeds(200, |seed| {
        let mut world = pair(2 * seed, ["alice", "dave"], fair_weather(seed));
        let (change, call) = (between(&mut world.random, 0, 2000), between(&mut world.random, 1000, 2000));
        let cancel = between(&mut world.random, 500, 50_000);
        let nodes = AFTER[seed as usize % 4];
        world.phones[B].manners.does = Does::Nothing;
        world.after(change, move |world| world.publish_within(1500, &[0, 1], nodes));
        world.after(call, |world| world.with_phone(A, |phone, now| phone.call(now, "dave")));
        world.run_for(Duration::from_millis(call + cancel));
        world.with_phone(A, |phone, now| phone.hang_up(now));
        world.finish();
        assert_one_call(&world);
        let callee = &world.phones[B];
        let rang = usize::from(callee.count(History::Cancelled) + callee.count(History::Rang) > 0);
        assert_eq!(callee.count(History::Cancelled), rang, "{:?}", callee.history);
    });
}

#[test]
fn a_call_that_reaches_a_draining_shard_is_set_up_at_the_new_owner() {
    for_seeds(100, |seed| {
        let mut world = pair(2 * seed, ["alice", "bob"], Network::GOOD);
        world.publish(&[0, 1], &[1]);
        let leaving = world.cluster.shards.iter_mut().filter(|member| member.id.node == node_id(0));
        leaving.filter_map(|member| member.shard.as_mut()).for_each(|shard| shard.drain());
        // The proxies do not know yet.
        let call = between(&mut world.random, 0, 400);
        world.after(call, |world| world.with_phone(A, |phone, now| phone.call(now, "bob")));
        world.run_for(Duration::from_secs(5));
        assert!(world.are_talking(A, B), "{:?}", world.phones[A].history);
        world.with_phone(B, |phone, now| phone.hang_up(now));
        world.finish();
        assert_one_call(&world);
    });
}

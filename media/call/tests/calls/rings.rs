//! A change of the ring while calls are set up: one call, wherever its messages go.

use crate::phone::Phone;
use crate::world::{Network, World, ms, s};
use std::time::Instant;

/// A world of three shards, the third of which has just come.
fn changing(seed: u64, before: impl FnOnce(&mut World)) -> World {
    let mut world = World::new(seed);
    world.add_node();
    world.run_for(s(60));
    world.add_phone("alice");
    world.add_phone("bob");
    before(&mut world);
    world.add_node();
    world
}

fn calls(world: &World) -> usize {
    world.shards.iter().map(|member| member.shard.calls().count()).sum()
}

/// Sends the caller's INVITE once more, as its phone does where the 100 was lost.
fn repeat(phone: &mut Phone, _: Instant) {
    let (to, bytes) = phone.last_sent.clone().unwrap();
    phone.raw = Some((to, bytes));
}

#[test]
fn a_copy_of_the_invite_at_the_new_owner_finds_the_call_at_the_former_one() {
    for seed in 0..40 {
        let mut world = changing(seed, |world| {
            world.call(0, "bob");
            world.run_for(ms(300));
        });
        assert_eq!(calls(&world), 1);
        world.with_phone(0, repeat);
        world.run_for(s(3));
        assert_eq!((calls(&world), world.phones[1].calls), (1, 1), "seed {seed}");
        assert!(world.is_talking(0, 1));
        world.hang_up(1);
        world.finish();
    }
}

#[test]
fn a_cancel_at_the_new_owner_cancels_at_the_former_one() {
    for seed in 0..40 {
        let mut world = changing(seed, |world| {
            world.phones[1].manners.answer = None;
            world.call(0, "bob");
            world.run_for(ms(300));
        });
        world.with_phone(0, |phone, now| phone.cancel(now));
        world.run_for(s(2));
        assert_eq!(world.phones[0].statuses(), [180, 487], "seed {seed}");
        assert_eq!(calls(&world), 0);
        world.finish();
    }
}

#[test]
fn a_new_call_is_declined_by_the_former_owner_and_begins_at_the_new_one() {
    for seed in 0..40 {
        let mut world = changing(seed, |_| {});
        world.call(0, "bob");
        world.run_for(ms(150));
        assert_eq!(world.phones[0].statuses(), [180], "seed {seed}: the offer costs two milliseconds of a live shard");
        world.run_for(s(3));
        assert_eq!((calls(&world), world.phones[1].calls), (1, 1));
        world.hang_up(0);
        world.finish();
    }
}

#[test]
fn a_former_owner_that_is_dead_is_not_waited_for_longer_than_200_ms() {
    let mut offered = 0;
    for seed in 0..40 {
        let mut world = changing(seed, |_| {});
        // Dead, and nobody has noticed yet.
        world.shards[0].alive = false;
        world.shards[1].alive = false;
        world.call(0, "bob");
        world.run_for(ms(400));
        offered += usize::from(world.phones[1].calls == 1);
        world.run_for(s(40));
    }
    assert!(offered > 5, "a third of the calls belongs to the new one: {offered}");
}

#[test]
fn a_call_with_a_cancel_close_behind_ends_alike_on_both_sides() {
    for seed in 0..60 {
        let mut world = changing(seed, |_| {});
        world.network.disorder = true;
        world.call(0, "bob");
        world.run_for(ms(seed));
        world.with_phone(0, |phone, now| phone.cancel(now));
        world.run_for(s(5));
        assert_eq!(world.phones[0].dialog.is_some(), world.phones[1].dialog.is_some(), "seed {seed}");
        assert_eq!(world.phones[0].statuses().last(), Some(&487));
        world.finish();
    }
}

#[test]
fn a_change_of_the_ring_during_set_up_makes_one_call_in_bad_weather_too() {
    for seed in 0..150 {
        let network = Network { loss: seed % 16, copies: seed % 20, disorder: true };
        let mut world = changing(seed, |world| {
            world.network = network;
            world.call(0, "bob");
            world.run_for(ms(seed * 7 % 1500));
        });
        world.run_for(s(30));
        assert!(world.phones[1].calls <= 1, "seed {seed}: {} calls", world.phones[1].calls);
        for phone in 0..2 {
            if world.phones[phone].dialog.is_some() {
                world.hang_up(phone);
            }
        }
        world.finish();
    }
}

#[test]
fn a_copy_of_an_invite_that_has_failed_rings_nobody_again() {
    for seed in 0..40 {
        let mut world = changing(seed, |world| {
            world.phones[1].manners.answer = Some((ms(100), 486));
            world.call(0, "bob");
            world.run_for(s(1));
        });
        world.with_phone(0, repeat);
        world.run_for(s(3));
        assert_eq!((world.phones[1].calls, world.phones[0].statuses().last()), (1, Some(&486)), "seed {seed}");
        world.finish();
    }
}

//! Calls of every kind, through a network of every kind.

use crate::cluster::{CLUSTERED, SINGLE};
use crate::network::{Network, between};
use crate::phone::{Does, History, Standing};
use crate::seeds::for_seeds;
use crate::world::World;
use std::time::Duration;

/// Alice, two phones of Bob's, and Carol, all registered.
pub fn registered(seed: u64) -> World {
    let shape = if seed.is_multiple_of(2) { CLUSTERED } else { SINGLE };
    let mut world = World::new(seed, shape, Network::GOOD);
    world.network = Network::any(&mut world.random);
    for user in ["alice", "bob", "bob", "carol"] {
        let phone = world.add_phone(user);
        world.with_phone(phone, |phone, now| phone.register(now));
    }
    world.run_for(Duration::from_secs(60));
    for phone in &world.phones {
        assert_eq!(phone.registration.standing, Standing::Registered, "{}", phone.user);
    }
    world
}

pub const ALICE: usize = 0;
pub const BOB: usize = 1;
const CAROL: usize = 3;

#[test]
fn every_call_set_up_is_torn_down_on_both_sides() {
    for_seeds(150, |seed| {
        let mut world = registered(seed);
        for phone in 0..4 {
            mannered(&mut world, phone);
        }
        let count = between(&mut world.random, 1, 4);
        for _ in 0..count {
            let at = between(&mut world.random, 0, 20_000);
            world.after(at, any_call);
        }
        world.finish();
        assert_eq!(world.cluster.registry.records.len(), 3);
    });
}

/// Gives a phone manners at random.
pub fn mannered(world: &mut World, phone: usize) {
    let (rings, then) = (between(&mut world.random, 0, 400), between(&mut world.random, 0, 4000));
    let does = match world.random.number() % 6 {
        0 => Does::Refuse(486),
        1 => Does::Nothing,
        _ => Does::Answer,
    };
    let manners = &mut world.phones[phone].manners;
    (manners.rings, manners.then, manners.does) = (Duration::from_millis(rings), Duration::from_millis(then), does);
}

/// Somebody calls somebody, and something becomes of it.
pub fn any_call(world: &mut World) {
    let callee = *[("bob", BOB), ("6002", BOB), ("carol", CAROL), ("alice", ALICE), ("9999", CAROL)]
        .get(world.random.number() as usize % 5)
        .expect("one of five");
    let caller = (callee.1 + between(&mut world.random, 1, 3) as usize) % 4;
    world.note(format!("phone {caller} calls {}", callee.0));
    world.with_phone(caller, |phone, now| phone.call(now, callee.0));
    let (early, late) = (between(&mut world.random, 0, 3000), between(&mut world.random, 3000, 30_000));
    match world.random.number() % 8 {
        0 => world.after(early, move |world| {
            world.note(format!("phone {caller} cancels or hangs up"));
            world.with_phone(caller, |phone, now| phone.hang_up(now));
        }),
        1 if world.random.number().is_multiple_of(3) => world.after(early, move |world| {
            world.note(format!("phone {caller} is gone"));
            world.with_phone(caller, |phone, _| phone.power_off());
        }),
        2 | 3 => {
            for (at, direction) in [(early + 3000, "sendonly"), (late + 3000, "sendrecv")] {
                world.after(at, move |world| world.with_phone(caller, |phone, now| phone.offer(now, direction)));
            }
        }
        // Both at once: glare.
        4 | 5 => {
            for phone in [caller, callee.1] {
                world.after(late, move |world| world.with_phone(phone, |phone, now| phone.offer(now, "sendonly")));
            }
        }
        _ => {}
    }
    // In the end one of them hangs up, and should that find no call the other one.
    let enders = if world.random.number().is_multiple_of(2) { [caller, callee.1] } else { [callee.1, caller] };
    for (at, phone) in [(late + 10_000, enders[0]), (late + 60_000, enders[1])] {
        world.after(at, move |world| {
            world.note(format!("phone {phone} hangs up"));
            world.with_phone(phone, |phone, now| phone.hang_up(now));
        });
    }
}

#[test]
fn two_phones_of_a_user_ring_and_one_gets_the_call() {
    for_seeds(100, |seed| {
        let mut world = registered(seed);
        world.with_phone(ALICE, |phone, now| phone.call(now, "bob"));
        world.run_for(Duration::from_secs(30));
        let answered = world.phones[ALICE].count(History::Answered);
        let talking = [BOB, BOB + 1].into_iter().filter(|&phone| world.phones[phone].talking().is_some()).count();
        assert_eq!(talking, answered, "both hang up or one of them talks");
        world.with_phone(ALICE, |phone, now| phone.hang_up(now));
        world.finish();
    });
}

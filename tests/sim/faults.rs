//! Processes that die, keys and rings that change, addresses that change.

use crate::address;
use crate::cluster::{CLUSTERED, SINGLE};
use crate::network::{Network, between};
use crate::phone::{Does, History, Standing};
use crate::seeds::for_seeds;
use crate::world::World;
use sip::random::Random;
use std::time::Duration;

pub const A: usize = 0;
pub const B: usize = 1;

/// Two phones, registered.
pub fn pair(seed: u64, users: [&str; 2], network: Network) -> World {
    let shape = if seed.is_multiple_of(2) { CLUSTERED } else { SINGLE };
    let mut world = World::new(seed, shape, Network::GOOD);
    for user in users {
        let phone = world.add_phone(user);
        world.with_phone(phone, |phone, now| phone.register(now));
    }
    world.run_for(Duration::from_secs(2));
    assert!(world.phones.iter().all(|phone| phone.registration.standing == Standing::Registered));
    world.network = network;
    world
}

/// The same, connected.
fn talking(seed: u64, network: Network) -> World {
    let mut world = pair(seed, ["alice", "bob"], Network::GOOD);
    world.with_phone(A, |phone, now| phone.call(now, "bob"));
    world.run_for(Duration::from_secs(5));
    assert!(world.are_talking(A, B));
    world.network = network;
    world
}

/// Both have talked once, and no more.
fn assert_ended(world: &mut World) {
    world.finish();
    for phone in &world.phones {
        let counts = (phone.count(History::Answered), phone.count(History::Ended));
        assert_eq!(counts, (1, 1), "{}: {:?}", phone.user, phone.history);
    }
}

pub fn weather(seed: u64) -> Network {
    Network::any(&mut Random::new(seed ^ 0x7765_6174))
}

/// Weather in which a request comes through before its sender gives up: of seven copies over two hops one arrives.
pub fn fair_weather(seed: u64) -> Network {
    let weather = weather(seed);
    Network { loss: weather.loss.min(8), ..weather }
}

#[test]
fn a_killed_proxy_loses_no_udp_call() {
    for_seeds(100, |seed| {
        let mut world = talking(2 * seed, fair_weather(seed));
        let (dead, ender) = ((world.random.number() % 2) as usize, (world.random.number() % 2) as usize);
        world.kill_proxy(dead);
        // Its lease ends.
        let lease = between(&mut world.random, 100, 5000);
        world.run_for(Duration::from_millis(lease));
        world.publish(&[1 - dead], &[0, 1]);
        let pause = between(&mut world.random, 0, 3000);
        world.run_for(Duration::from_millis(pause));
        world.with_phone(1 - ender, |phone, now| phone.offer(now, "sendonly"));
        world.run_for(Duration::from_secs(40));
        assert!(world.are_talking(A, B));
        world.with_phone(ender, |phone, now| phone.hang_up(now));
        assert_ended(&mut world);
        assert_eq!(world.phones[1 - ender].count(History::Offered(200)), 1);
    });
}

#[test]
fn a_call_ends_on_both_sides_though_the_proxy_died_a_moment_ago() {
    for_seeds(100, |seed| {
        let mut world = talking(2 * seed, weather(seed));
        let (dead, ender) = ((world.random.number() % 2) as usize, (world.random.number() % 2) as usize);
        world.kill_proxy(dead);
        world.with_phone(ender, |phone, now| phone.hang_up(now));
        let lease = between(&mut world.random, 100, 5000);
        world.run_for(Duration::from_millis(lease));
        world.publish(&[1 - dead], &[0, 1]);
        assert_ended(&mut world);
    });
}

#[test]
fn with_all_registries_gone_known_phones_still_call() {
    for_seeds(100, |seed| {
        let mut world = pair(seed, ["alice", "bob"], Network::GOOD);
        if world.random.number().is_multiple_of(2) {
            // The shard may have asked before.
            world.with_phone(A, |phone, now| phone.call(now, "6002"));
            world.run_for(Duration::from_secs(5));
            world.with_phone(A, |phone, now| phone.hang_up(now));
            world.run_for(Duration::from_secs(60));
            world.phones.iter_mut().for_each(|phone| phone.history.clear());
        }
        world.cluster.registry.is_down = true;
        world.network = fair_weather(seed);
        world.with_phone(A, |phone, now| phone.call(now, "bob"));
        world.run_for(Duration::from_secs(70));
        let failed = world.phones[A].count(History::Failed(408));
        assert!(world.are_talking(A, B) || (failed == 1 && world.network.loss > 0), "{:?}", world.phones[A].history);
        world.with_phone(B, |phone, now| phone.hang_up(now));
        world.finish();
        assert!(world.cluster.registry.located > 0);
    });
}

#[test]
fn direct_calls_go_phone_to_phone() {
    for_seeds(150, |seed| {
        let mut world = pair(seed, ["ann@direct.test", "ben@direct.test"], weather(seed));
        let does = [Does::Answer, Does::Answer, Does::Answer, Does::Refuse(486), Does::Nothing];
        world.phones[B].manners.does = does[world.random.number() as usize % 5];
        world.with_phone(A, |phone, now| phone.call(now, "ben"));
        let patience = between(&mut world.random, 100, 30_000);
        world.run_for(Duration::from_millis(patience));
        let connected = world.phones[A].talking().is_some();
        if connected {
            let others = format!("c=IN IP4 {}", address::private(B).ip());
            let told = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains(&others);
            assert!(world.phones[A].heard.iter().any(told), "media is between the phones");
            world.with_phone(B, |phone, now| phone.offer(now, "sendonly"));
            world.run_for(Duration::from_secs(40));
        }
        let ender = if connected { (seed / 2 % 2) as usize } else { A };
        world.with_phone(ender, |phone, now| phone.hang_up(now));
        world.finish();
        assert!(world.cluster.shards.iter().all(|member| member.heard == 0), "no media node hears of it");
        let of =
            |phone: usize| (world.phones[phone].count(History::Answered), world.phones[phone].count(History::Ended));
        assert_eq!(of(A).0, of(A).1);
        assert_eq!(of(B).0, of(B).1);
    });
}

#[test]
fn old_keys_open_until_their_overlap_ends() {
    for_seeds(100, |seed| {
        let mut world = talking(seed, fair_weather(seed));
        world.cluster.rotate(1);
        world.with_phone(B, |phone, now| phone.offer(now, "sendonly"));
        world.run_for(Duration::from_secs(40));
        assert_eq!(world.phones[B].count(History::Offered(200)), 1, "the call goes on");
        world.with_phone(A, |phone, now| phone.hang_up(now));
        world.run_for(Duration::from_secs(100));
        world.network = Network::GOOD;
        for (rotation, ringing) in [(1, 2), (2, 2)] {
            if rotation == 2 {
                world.cluster.rotate(2);
            }
            world.with_phone(A, |phone, now| phone.call(now, "bob"));
            world.run_for(Duration::from_secs(5));
            assert_eq!(world.phones[B].count(History::Answered), ringing, "after rotation {rotation}");
            world.with_phone(A, |phone, now| phone.hang_up(now));
            world.run_for(Duration::from_secs(100));
        }
        assert_eq!(world.phones[A].history.last(), Some(&History::Failed(480)), "the overlap is over");
        world.with_phone(B, |phone, now| phone.register(now));
        world.run_for(Duration::from_secs(5));
        world.with_phone(A, |phone, now| phone.call(now, "bob"));
        world.run_for(Duration::from_secs(5));
        assert!(world.are_talking(A, B), "the phone has a token under the new key");
        world.with_phone(B, |phone, now| phone.hang_up(now));
        world.finish();
    });
}

#[test]
fn a_phone_behind_a_nat_that_rebinds_keeps_its_call_after_it_registers_again() {
    for_seeds(100, |seed| {
        let mut world = talking(seed, fair_weather(seed));
        let (moved, ender) = ((world.random.number() % 2) as usize, (world.random.number() % 2) as usize);
        world.with_phone(moved, |phone, now| {
            phone.rebind();
            phone.register(now);
            // As phones do that see another port in the answer: the calls follow.
            phone.offer(now, "sendrecv");
        });
        world.run_for(Duration::from_secs(40));
        assert_eq!(world.phones[moved].count(History::Offered(200)), 1);
        world.with_phone(1 - moved, |phone, now| phone.offer(now, "sendonly"));
        world.run_for(Duration::from_secs(40));
        assert_eq!(world.phones[1 - moved].count(History::Offered(200)), 1, "it is reached under the new port");
        assert!(world.are_talking(A, B));
        world.with_phone(ender, |phone, now| phone.hang_up(now));
        assert_ended(&mut world);
    });
}

//! REGISTER: replayed, lost, and with a password that is wrong.

use crate::address::{self, PUBLIC};
use crate::cluster::{CLUSTERED, SINGLE};
use crate::network::{Network, between};
use crate::phone::{History, Standing};
use crate::same::Opaque;
use crate::seeds::for_seeds;
use crate::world::World;
use sip::message::{Method, Name};
use std::net::SocketAddr;
use std::time::Duration;

fn world(seed: u64, users: &[&str]) -> World {
    let mut world = World::new(seed, if seed.is_multiple_of(2) { CLUSTERED } else { SINGLE }, Network::GOOD);
    for user in users {
        world.add_phone(user);
    }
    world
}

/// The contacts of the only user, with what made them.
fn bindings(world: &World) -> Vec<(String, String, u32)> {
    let now = world.wall().seconds().0 as u32;
    let live = world.cluster.registry.records.values().flat_map(|record| record.live(now));
    live.map(|binding| (binding.texts().uri.to_owned(), binding.texts().flow.to_owned(), binding.cseq)).collect()
}

#[test]
fn a_replayed_register_is_answered_and_not_applied() {
    for_seeds(200, |seed| {
        let mut world = world(seed, &["bob"]);
        world.with_phone(0, |phone, now| phone.register(now));
        world.run_for(Duration::from_secs(1));
        // The phone goes on: nothing, a refresh, a new port, or its registration taken away.
        match seed % 4 {
            0 => {}
            1 => world.with_phone(0, |phone, now| phone.register(now)),
            2 => world.with_phone(0, |phone, now| {
                phone.rebind();
                phone.register(now);
            }),
            _ => world.with_phone(0, |phone, now| phone.register_for(now, 0)),
        }
        let pause = between(&mut world.random, 500, 120_000);
        world.run_for(Duration::from_millis(pause));
        let before = bindings(&world);
        let is_captured = |sent: &&crate::trace::Sent| {
            let message = sent.message();
            sent.to == PUBLIC && message.is_request() && message.header(Name::Authorization).is_some()
        };
        let captured: Vec<_> = world.trace.sent.iter().filter(is_captured).map(|sent| sent.bytes.clone()).collect();
        assert!(!captured.is_empty());
        let attacker = SocketAddr::from(([192, 0, 2, 66], 6666));
        for bytes in captured {
            world.send(attacker, PUBLIC, &bytes);
            world.run_for(Duration::from_secs(1));
            assert_eq!(bindings(&world), before, "nothing has changed");
            let answer = world.trace.sent.iter().rev().find(|sent| sent.to == attacker).expect("an answer");
            assert!(matches!(answer.message().status(), Some(200 | 401 | 500)));
        }
        world.finish();
    });
}

#[test]
fn a_lost_200_is_repaired() {
    for_seeds(200, |seed| {
        let mut world = world(seed, &["alice", "bob"]);
        let (mut registers, mut invites) = (between(&mut world.random, 1, 3), between(&mut world.random, 1, 3));
        // On which of the four ways from the callee to the caller it is lost.
        let way = world.random.number() % 4;
        world.drops = Some(Box::new(move |sent| {
            let message = sent.message();
            if message.status() != Some(200) {
                return false;
            }
            let (from, to) = (address::name(sent.from), address::name(sent.to));
            let on_way = match way {
                0 => from.starts_with("phone"),
                1 => from.starts_with("proxy"),
                2 => from.starts_with("media"),
                _ => to.starts_with("phone"),
            };
            let left = match message.method() {
                Method::Register => &mut registers,
                Method::Invite if on_way => &mut invites,
                _ => return false,
            };
            let lost = *left > 0;
            *left = left.saturating_sub(1);
            lost
        }));
        for phone in 0..2 {
            world.with_phone(phone, |phone, now| phone.register(now));
        }
        world.run_for(Duration::from_secs(20));
        for phone in &world.phones {
            assert_eq!(phone.registration.standing, Standing::Registered);
        }
        assert_eq!(bindings(&world).len(), 2);
        assert!(bindings(&world).iter().all(|(_, _, cseq)| *cseq == 2), "applied once, repeated as it was");
        world.with_phone(0, |phone, now| phone.call(now, "bob"));
        world.run_for(Duration::from_secs(15));
        assert!(world.are_talking(0, 1));
        assert_eq!(world.phones[1].count(History::Rang), 1);
        world.with_phone(0, |phone, now| phone.hang_up(now));
        world.finish();
    });
}

#[test]
fn wrong_passwords_and_unknown_users_are_answered_alike() {
    for_seeds(100, |seed| {
        let mut world = world(seed, &["bob", "eve", "mallory@elsewhere.test"]);
        world.phones[0].password = "wrong".to_owned();
        for phone in 0..3 {
            world.with_phone(phone, |phone, now| phone.register(now));
            world.run_for(Duration::from_secs(40));
            world.with_phone(phone, |phone, now| phone.call(now, "6002"));
            world.run_for(Duration::from_secs(40));
        }
        let seen = |phone: usize| {
            let phone = &world.phones[phone];
            assert_eq!(phone.registration.standing, Standing::Failed(401));
            assert_eq!(phone.history, [History::Failed(407)]);
            let mut opaque = Opaque::default();
            let texts = phone.heard.iter().map(|bytes| opaque.hide(bytes)).collect::<Vec<_>>().join("\n");
            texts
                .replace(&phone.user, "USER")
                .replace(phone.domain, "DOMAIN")
                .replace(&phone.external.to_string(), "HOME")
        };
        let of_bob = seen(0);
        for phone in [1, 2] {
            let hidden = |text: &str, phone: u8| {
                text.replace(&format!("192.168.1.{phone}"), "PHONE").replace(&format!("198.51.100.{phone}"), "NAT")
            };
            assert_eq!(hidden(&seen(phone), phone as u8 + 1), hidden(&of_bob, 1));
        }
        world.finish();
    });
}

//! Bad networks, over many seeds: loss, copies, disorder; and good ones that are connections. Whatever happens, both sides end alike and nothing remains.

use crate::phone::{Manners, NO_UPDATE, Ring, Sdp};
use crate::world::{Network, World, ms, s};
use sip::message::{Method, Name};
use sip::random::Random;

/// One call between phones with manners of chance, over this network of datagrams or over connections.
fn run(seed: u64, network: Option<Network>) {
    let mut random = Random::new(seed);
    let mut pick = |of: u64| random.number() % of;
    let mut world = World::new(seed);
    match network {
        Some(network) => world.network = network,
        None => world.use_connections(),
    }
    let alice = world.add_phone("alice");
    let phones: Vec<usize> = (0..1 + pick(3)).map(|_| world.add_phone("bob")).collect();
    for &phone in &phones {
        let mut manners = Manners::default();
        let rings = [Ring::Plain, Ring::Early, Ring::Reliable, Ring::ReliableEarly];
        manners.ring = vec![(ms(50 + pick(300)), if pick(2) == 0 { 180 } else { 183 }, rings[pick(4) as usize])];
        let status = [200, 200, 200, 200, 486, 603, 480][pick(7) as usize];
        manners.answer = if pick(8) == 0 { None } else { Some((ms(100 + pick(4000)), status)) };
        manners.allow = if pick(3) == 0 { NO_UPDATE } else { manners.allow };
        world.phones[phone].manners = manners;
    }
    let sdp = if pick(3) == 0 { Sdp::Late } else { Sdp::Offer };
    let requires = pick(4) == 0;
    if requires {
        world.phones[alice].manners.invite_headers.push((Name::Require, "100rel".to_owned()));
    }
    if sdp == Sdp::Late && !requires {
        // Without an offer only a caller who requires 100rel makes the exchange offer it.
        for &phone in &phones {
            world.phones[phone].manners.ring.clear();
        }
    }
    world.call_target(alice, "user:bob@tandem.local", sdp);
    if pick(4) == 0 {
        world.run_for(ms(pick(4000)));
        if world.phones[alice].calling.is_some() {
            world.with_phone(alice, |phone, now| phone.cancel(now));
        }
    }
    for _ in 0..pick(5) {
        world.run_for(ms(500 + pick(4000)));
        let all: Vec<usize> = [alice].into_iter().chain(phones.clone()).collect();
        let phone = all[pick(all.len() as u64) as usize];
        if world.phones[phone].dialog.is_none() || world.phones[phone].calling.is_some() {
            continue;
        }
        let what = pick(5);
        world.with_phone(phone, |phone, now| match what {
            0 => phone.offer(now, Method::Invite, "sendonly"),
            1 => phone.offer(now, Method::Update, "sendrecv"),
            2 => phone.request(now, Method::Info, &[], Some(("text/plain", b"x"))),
            3 => phone.request(now, Method::Invite, &[], None),
            _ => phone.hang_up(now),
        });
    }
    // A phone that heard nothing more of a lost 200 or BYE would wait for ever: its user gives up.
    world.run_for(s(200));
    for phone in [alice].into_iter().chain(phones) {
        if world.phones[phone].calling.is_some() && world.phones[phone].dialog.is_none() {
            world.with_phone(phone, |phone, now| phone.cancel(now));
        }
        if world.phones[phone].dialog.is_some() {
            world.hang_up(phone);
        }
    }
    world.finish();
}

#[test]
fn calls_end_on_both_sides_whatever_is_lost() {
    for seed in 0..200 {
        println!("seed {seed}");
        run(seed, Some(Network { loss: seed % 21, copies: 0, disorder: false }));
    }
}

#[test]
fn calls_end_on_both_sides_whatever_comes_twice_or_in_disorder() {
    for seed in 1000..1200 {
        println!("seed {seed}");
        run(seed, Some(Network { loss: seed % 21, copies: seed % 30, disorder: true }));
    }
}

#[test]
fn calls_end_on_both_sides_over_connections() {
    for seed in 2000..2150 {
        println!("seed {seed}");
        run(seed, None);
    }
}

#[test]
fn a_call_is_set_up_through_twenty_percent_of_loss() {
    for seed in 0..100 {
        println!("seed {seed}");
        let mut world = World::new(seed);
        let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
        world.network = Network { loss: 20, copies: 10, disorder: true };
        world.call(alice, "bob");
        world.run_for(s(30));
        assert!(world.is_talking(alice, bob));
        world.hang_up(alice);
        world.run_for(s(40));
        assert!(world.phones[bob].dialog.is_none());
        world.finish();
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    let wire = |seed| {
        let mut world = World::new(seed);
        let (alice, _, _) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("bob"));
        world.network = Network { loss: 15, copies: 15, disorder: true };
        world.call(alice, "bob");
        world.run_for(s(20));
        world.wire
    };
    assert_eq!(wire(7), wire(7));
    assert_ne!(wire(7), wire(8));
}

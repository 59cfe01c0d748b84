//! Calls while registries, proxies or phones are gone.

use crate::world::{World, ms, s};
use sip::endpoint::Endpoint;
use sip::message::{Method, Name};
use sip::timer::Timers;
use std::net::SocketAddr;

#[test]
fn without_a_registry_users_called_before_are_found_again() {
    let mut world = World::new(1);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(3));
    world.hang_up(alice);
    world.run_for(s(1));
    world.registry.down = true;
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn without_a_registry_the_proxies_are_asked_for_users_never_called() {
    let mut world = World::new(2);
    let (alice, bob, carol) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("carol"));
    world.registry.down = true;
    let proxy = world.phones[carol].proxy.address;
    world.remembered.push((proxy, "bob@tandem.local".to_owned(), bob));
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, bob), "through whichever proxy knows him");
    world.with_phone(bob, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.run_for(s(1));
    world.hang_up(bob);
    world.run_for(s(1));
    world.call(alice, "nobody-knows-whom");
    world.run_for(s(3));
    assert_eq!(world.phones[alice].statuses().last(), Some(&480));
    world.finish();
}

#[test]
fn a_registry_that_does_not_answer_is_not_waited_for() {
    let mut world = World::new(3);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(3));
    world.hang_up(alice);
    world.run_for(s(1));
    world.registry.answers_take = s(60);
    world.call(alice, "bob");
    world.run_for(ms(2900));
    assert_eq!(world.phones[bob].calls, 1);
    world.run_for(s(3));
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_phone_behind_a_dead_proxy_is_called_and_hung_up_through_another() {
    let mut world = World::new(4);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    // Bob registered through a proxy that has since died; his flow is a datagram's.
    let flow = world.flow(250, bob);
    world.phones[bob].flow.clone_from(&flow);
    world.registry.users.get_mut("bob@tandem.local").unwrap()[0].flow = flow;
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    let world = world.finish();
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 1);
}

#[test]
fn a_proxy_that_dies_during_a_call_is_passed_by() {
    let mut world = World::new(5);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(3));
    let address: SocketAddr = world.phones[bob].proxy.address;
    world.dead.push(address);
    world.publish();
    world.with_phone(alice, |phone, now| phone.request(now, Method::Info, &[], None));
    world.run_for(s(1));
    assert_eq!(world.phones[bob].requests(Method::Info).len(), 1);
    world.hang_up(alice);
    let world = world.finish();
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 1);
}

#[test]
fn what_was_under_way_to_a_proxy_that_dies_goes_through_another() {
    let mut world = World::new(15);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(3));
    world.dead.push(world.phones[bob].proxy.address);
    world.hang_up(alice);
    world.run_for(s(2));
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 0);
    world.publish();
    let world = world.finish();
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 1);
}

#[test]
fn a_phone_is_reached_where_its_newest_request_came_from() {
    let mut world = World::new(16);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(3));
    let (moved, proxy) = (world.flow(102, bob), world.phones[bob].proxy.address);
    assert_ne!(moved, world.flow(251, bob));
    for (sender, expected) in
        [(world.flow(251, bob), world.flow(251, bob)), ("forged".into(), world.flow(251, bob)), (moved.clone(), moved)]
    {
        world.phones[bob].endpoint = Endpoint::new(Timers::default(), format!("{proxy};f={sender}"), 1);
        world.with_phone(bob, |phone, now| phone.request(now, Method::Info, &[], None));
        world.run_for(s(1));
        world.with_phone(alice, |phone, now| phone.request(now, Method::Info, &[], None));
        world.run_for(s(1));
        let infos = world.phones[bob].requests(Method::Info);
        assert!(infos.last().unwrap().header(Name::Route).unwrap().contains(&expected));
    }
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_phone_whose_connection_died_with_its_proxy_is_offline() {
    let mut world = World::new(6);
    world.use_connections();
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.registry.users.get_mut("bob@tandem.local").unwrap()[0].flow = world.flow(250, bob);
    world.call(alice, "bob");
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses(), [480]);
    world.finish();
}

#[test]
fn a_hop_that_cannot_be_reached_fails_at_once() {
    let mut world = World::new(7);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.dead = true;
    world.call(alice, "bob");
    world.run_for(ms(100));
    world.lose(world.phones[bob].proxy);
    world.run_for(ms(100));
    assert_eq!(world.phones[alice].statuses(), [480]);
    world.finish();
}

#[test]
fn a_foreign_flow_token_reaches_nobody() {
    let mut world = World::new(8);
    let alice = world.add_phone("alice");
    world.add_phone_with("bob", |binding| binding.flow = "AAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    world.call(alice, "bob");
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses(), [480]);
    world.finish();
}

#[test]
fn the_path_beyond_the_proxy_is_kept() {
    let mut world = World::new(9);
    let alice = world.add_phone("alice");
    let bob = world.add_phone_with("bob", |binding| binding.path = vec!["<sip:outer.example;lr>".to_owned()]);
    world.call(alice, "bob");
    world.run_for(s(3));
    let invites = world.phones[bob].requests(Method::Invite);
    assert_eq!(invites[0].values(Name::Route).nth(1), Some("<sip:outer.example;lr>"));
    world.hang_up(alice);
    world.finish();
}

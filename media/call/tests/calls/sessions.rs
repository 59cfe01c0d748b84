//! Session timers (RFC 4028).

use crate::phone::{NO_UPDATE, Sdp};
use crate::world::{World, s};
use sip::message::{Method, Name};

#[test]
fn both_legs_are_refreshed_by_update_at_half_of_the_interval() {
    let mut world = World::new(1);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(950));
    for phone in [alice, bob] {
        let updates = world.phones[phone].requests(Method::Update);
        assert_eq!(updates.len(), 1, "{phone}");
        assert!(updates[0].body().is_empty());
        assert_eq!(updates[0].header(Name::SessionExpires), Some("1800;refresher=uac"));
    }
    world.run_for(s(10_000));
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_phone_without_update_is_refreshed_by_invite_with_the_description_that_it_has() {
    let mut world = World::new(2);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.allow = NO_UPDATE;
    world.call(alice, "bob");
    world.run_for(s(2000));
    let invites = world.phones[bob].requests(Method::Invite);
    assert!(invites.len() >= 2);
    assert_eq!(invites[0].body(), invites[1].body());
    assert!(world.is_talking(alice, bob));
    world.hang_up(bob);
    world.finish();
}

#[test]
fn an_update_that_is_not_known_after_all_gives_way_to_invite() {
    let mut world = World::new(3);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.within.insert(Method::Update, 501);
    world.call(alice, "bob");
    world.run_for(s(2000));
    assert!(world.phones[bob].requests(Method::Invite).len() >= 2);
    assert!(world.is_talking(alice, bob));
    world.hang_up(bob);
    world.finish();
}

#[test]
fn a_phone_that_is_gone_ends_the_call_at_the_refresh() {
    let mut world = World::new(4);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(100));
    world.phones[bob].manners.dead = true;
    world.run_for(s(1000));
    assert_eq!(world.ends(), [(200, "a leg is dead")]);
    assert!(world.phones[alice].dialog.is_none());
    world.finish();
}

#[test]
fn a_phone_that_should_refresh_and_does_not_is_hung_up_before_the_end() {
    let mut world = World::new(5);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.invite_headers.push((Name::SessionExpires, "600;refresher=uac".to_owned()));
    world.call(alice, "bob");
    world.run_for(s(500));
    assert!(world.is_talking(alice, bob));
    world.run_for(s(90));
    assert_eq!(world.ends(), [(200, "the session expired")]);
    let ok = world.phones[alice].heard.iter().find(|heard| heard.message().status() == Some(200)).unwrap();
    assert_eq!(ok.message().header(Name::SessionExpires), Some("600;refresher=uac"));
    assert!(ok.message().has_option(Name::Require, "timer"));
    world.finish();
}

#[test]
fn a_phone_that_refreshes_keeps_its_leg_without_troubling_the_other() {
    let mut world = World::new(6);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.invite_headers.push((Name::SessionExpires, "600;refresher=uac".to_owned()));
    world.call(alice, "bob");
    for _ in 0..4 {
        world.run_for(s(300));
        world.with_phone(alice, |phone, now| {
            let headers = [(Name::SessionExpires, "600;refresher=uac"), (Name::Supported, "timer")];
            phone.request(now, Method::Update, &headers, None);
        });
    }
    world.run_for(s(1));
    assert!(world.is_talking(alice, bob));
    assert_eq!(world.phones[alice].outcomes, [(Method::Update, 200); 4]);
    assert_eq!(world.phones[bob].requests(Method::Update).len(), 1, "our own refresh only");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn too_short_a_session_is_422() {
    let mut world = World::new(7);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.invite_headers.push((Name::SessionExpires, "30".to_owned()));
    world.call(alice, "bob");
    world.run_for(s(1));
    let heard = world.phones[alice].heard.last().unwrap().clone();
    assert_eq!((heard.message().status(), heard.message().header(Name::MinSe)), (Some(422), Some("90")));
    assert_eq!(world.phones[bob].calls, 0);
    world.finish();
}

#[test]
fn a_phone_that_wants_longer_sessions_gets_them_at_the_refresh() {
    let mut world = World::new(8);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(100));
    world.phones[bob].manners.within.insert(Method::Update, 422);
    world.run_for(s(820));
    world.phones[bob].manners.within.clear();
    world.run_for(s(300));
    let asked: Vec<_> = world.phones[bob].requests(Method::Update);
    assert!(asked.iter().any(|update| update.header(Name::SessionExpires) == Some("3600;refresher=uac")), "{asked:?}");
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_refresh_that_meets_another_offer_is_tried_again() {
    let mut world = World::new(9);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(100));
    world.phones[bob].manners.within.insert(Method::Update, 491);
    world.run_for(s(850));
    let tries = world.phones[bob].requests(Method::Update).len();
    assert!(tries > 5, "every 2.1 to 4 s: {tries}");
    world.phones[bob].manners.within.clear();
    world.run_for(s(2000));
    assert!(world.is_talking(alice, bob));
    world.hang_up(bob);
    world.finish();
}

#[test]
fn a_phone_that_does_not_know_session_timers_is_refreshed_by_us() {
    let mut world = World::new(10);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    for phone in [alice, bob] {
        world.phones[phone].manners.supported = "100rel";
    }
    world.call_target(alice, "user:bob@tandem.local", Sdp::Offer);
    world.run_for(s(1000));
    assert_eq!(world.phones[alice].requests(Method::Update).len(), 1);
    assert_eq!(world.phones[bob].requests(Method::Update).len(), 0, "the session of its leg does not expire");
    world.hang_up(alice);
    world.finish();
}

//! Setting up and hanging up.

use crate::phone::{Ring, Sdp};
use crate::world::{World, ms, s};
use sip::message::{Method, Name};

#[test]
fn a_call_is_set_up_and_hung_up_by_the_caller() {
    let mut world = World::new(1);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(ms(500));
    assert_eq!(world.phones[alice].statuses(), [180]);
    world.run_for(s(2));
    assert!(world.is_talking(alice, bob));
    assert_eq!(world.phones[alice].statuses(), [180, 200]);
    world.hang_up(alice);
    let world = world.finish();
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 1);
    assert_eq!(world.ends(), [(200, "hung up by the caller")]);
}

#[test]
fn the_callee_hangs_up() {
    let mut world = World::new(2);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(2));
    world.hang_up(bob);
    let world = world.finish();
    assert_eq!(world.phones[alice].requests(Method::Bye).len(), 1);
    assert_eq!(world.ends(), [(200, "hung up by the callee")]);
    let states: Vec<&str> = world.reports.iter().map(|report| &*report.state).collect();
    assert_eq!(states, ["ringing", "answered", "ended"]);
}

#[test]
fn both_hang_up_at_once() {
    let mut world = World::new(3);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(2));
    world.hang_up(alice);
    world.hang_up(bob);
    world.finish();
}

#[test]
fn the_end_of_a_call_says_what_both_sides_media_saw() {
    let mut world = World::new(4);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(11));
    world.hang_up(bob);
    let world = world.finish();
    let [call::Event::Ended(ended)] = &world.events[..] else { panic!("{:?}", world.events) };
    assert_eq!((&*ended.caller, &*ended.target), ("alice@tandem.local", "bob@tandem.local"));
    assert_eq!(
        ended.streams.iter().map(|stream| stream.side).collect::<Vec<_>>(),
        [call::Side::Caller, call::Side::Callee]
    );
    assert!(ended.streams.iter().all(|stream| stream.index == 0 && stream.stats.received > 0));
    assert!(ended.ringing < s(2) && ended.talking.is_some_and(|talking| talking > s(9)), "{ended:?}");
}

#[test]
fn a_caller_who_cancels_hears_487_and_the_phone_stops_ringing() {
    let mut world = World::new(5);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.answer = None;
    world.call(alice, "bob");
    world.run_for(s(3));
    world.with_phone(alice, |phone, now| phone.cancel(now));
    let world = world.finish();
    assert_eq!(world.phones[alice].statuses(), [180, 487]);
    assert_eq!(world.ends(), [(487, "cancelled by the caller")]);
}

#[test]
fn a_cancel_before_the_registry_has_answered_rings_nobody() {
    let mut world = World::new(6);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.with_phone(alice, |phone, now| phone.cancel(now));
    // The endpoint of the phone waits for a provisional response first (RFC 3261 §9.1).
    let world = world.finish();
    assert_eq!(world.phones[alice].statuses().last(), Some(&487));
    assert!(world.phones[bob].dialog.is_none());
}

#[test]
fn cancel_and_200_that_cross_leave_nobody_in_a_call() {
    for seed in 0..40 {
        let mut world = World::new(seed);
        let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
        world.phones[bob].manners.answer = Some((ms(400), 200));
        world.call(alice, "bob");
        world.run_for(ms(395 + seed));
        if world.phones[alice].calling.is_some() {
            world.with_phone(alice, |phone, now| phone.cancel(now));
        }
        world.run_for(s(5));
        assert_eq!(world.phones[alice].dialog.is_some(), world.phones[bob].dialog.is_some(), "seed {seed}");
        if world.phones[alice].dialog.is_some() {
            world.hang_up(alice);
        }
        world.finish();
    }
}

#[test]
fn a_caller_who_says_bye_while_it_rings_ends_the_call() {
    let mut world = World::new(8);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.answer = None;
    world.call(alice, "bob");
    world.run_for(s(1));
    world.hang_up(alice);
    let world = world.finish();
    assert_eq!(world.phones[alice].statuses(), [180, 487]);
    assert_eq!(world.phones[alice].outcomes, [(Method::Bye, 200)]);
}

#[test]
fn a_lost_ack_ends_the_call_on_both_sides() {
    let mut world = World::new(9);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.forgets_ack = true;
    world.call(alice, "bob");
    let world = world.finish();
    assert_eq!(world.ends(), [(200, "the answer was not acknowledged")]);
    assert_eq!(world.phones[alice].requests(Method::Bye).len(), 1);
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 1);
}

#[test]
fn an_offer_in_the_200_finds_its_answer_in_the_ack() {
    let mut world = World::new(10);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call_target(alice, "user:bob@tandem.local", Sdp::Late);
    world.run_for(s(2));
    assert!(world.is_talking(alice, bob));
    let acks = world.phones[bob].requests(Method::Ack);
    assert!(acks[0].body().starts_with(b"v=0"), "the ACK has the answer");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_callee_who_hangs_up_before_the_ack_is_told_once_all_is_acknowledged() {
    let mut world = World::new(11);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.forgets_ack = true;
    world.call(alice, "bob");
    world.run_for(s(2));
    world.hang_up(bob);
    world.run_for(s(1));
    assert!(world.phones[alice].requests(Method::Bye).is_empty(), "no BYE before the ACK (RFC 3261 §15)");
    let world = world.finish();
    assert_eq!(world.phones[alice].requests(Method::Bye).len(), 1);
}

#[test]
fn early_media_is_heard_before_the_answer() {
    for ring in [Ring::Early, Ring::ReliableEarly] {
        let mut world = World::new(12);
        let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
        world.phones[bob].manners.ring = vec![(ms(50), 183, ring)];
        world.call(alice, "bob");
        world.run_for(ms(500));
        let (a, b) = (world.phones[alice].media, world.phones[bob].media);
        assert!(world.shards[0].media.is_joined(a, b), "{ring:?}");
        world.run_for(s(2));
        assert!(world.is_talking(alice, bob));
        world.hang_up(alice);
        let world = world.finish();
        assert_eq!(world.phones[alice].statuses(), [183, 200]);
    }
}

#[test]
fn a_phone_that_knows_100rel_acknowledges_early_media_to_us_and_we_to_the_other() {
    let mut world = World::new(13);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.ring = vec![(ms(50), 180, Ring::Reliable), (ms(400), 183, Ring::ReliableEarly)];
    world.call(alice, "bob");
    world.run_for(s(2));
    assert_eq!(world.phones[bob].requests(Method::Prack).len(), 2);
    assert_eq!(world.phones[alice].outcomes, [(Method::Prack, 200)], "only the one with a description is reliable");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn who_requires_100rel_gets_every_response_reliably() {
    let mut world = World::new(14);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.invite_headers.push((Name::Require, "100rel".to_owned()));
    world.phones[bob].manners.ring = vec![(ms(50), 180, Ring::Plain), (ms(400), 183, Ring::Early)];
    world.call(alice, "bob");
    world.run_for(s(2));
    assert_eq!(world.phones[alice].outcomes, [(Method::Prack, 200), (Method::Prack, 200)]);
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_prack_that_the_200_has_outrun_is_answered_all_the_same() {
    let mut world = World::new(20);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.invite_headers.push((Name::Require, "100rel".to_owned()));
    world.phones[bob].manners.ring = vec![(ms(50), 180, Ring::Plain)];
    world.phones[bob].manners.answer = Some((ms(53), 200));
    world.call(alice, "bob");
    world.run_for(s(2));
    assert_eq!(world.phones[alice].outcomes, [(Method::Prack, 200)]);
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn an_offer_in_a_reliable_response_finds_its_answer_in_the_prack() {
    let mut world = World::new(15);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.invite_headers.push((Name::Require, "100rel".to_owned()));
    world.phones[bob].manners.ring = vec![(ms(50), 183, Ring::ReliableEarly)];
    world.call_target(alice, "user:bob@tandem.local", Sdp::Late);
    world.run_for(ms(600));
    let pracks = world.phones[bob].requests(Method::Prack);
    assert!(pracks[0].body().starts_with(b"v=0"), "the PRACK has the answer");
    let (a, b) = (world.phones[alice].media, world.phones[bob].media);
    assert!(world.shards[0].media.is_joined(a, b));
    world.run_for(s(2));
    assert!(world.is_talking(alice, bob));
    world.hang_up(bob);
    world.finish();
}

#[test]
fn a_200_waits_until_the_early_description_is_acknowledged() {
    let mut world = World::new(16);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.ring = vec![(ms(50), 183, Ring::Early)];
    world.phones[bob].manners.answer = Some((ms(52), 200));
    world.call(alice, "bob");
    world.run_for(s(2));
    assert!(world.is_talking(alice, bob));
    let heard: Vec<_> = world.phones[alice].heard.iter().map(|heard| heard.message().status()).collect();
    assert_eq!(heard, [Some(183), Some(200)]);
    world.hang_up(alice);
    world.finish();
}

#[test]
fn without_prack_the_call_fails_and_the_phone_that_answered_is_hung_up() {
    let mut world = World::new(17);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.ring = vec![(ms(50), 183, Ring::Early)];
    world.phones[bob].manners.answer = Some((ms(55), 200));
    world.call(alice, "bob");
    world.run_for(ms(66));
    world.phones[alice].manners.dead = true;
    let world = world.finish();
    assert_eq!(world.ends(), [(504, "a provisional response was not acknowledged")]);
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 1);
}

#[test]
fn media_that_falls_silent_ends_the_call() {
    let mut world = World::new(18);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(2));
    world.silence(bob);
    let world = world.finish();
    assert_eq!(world.ends(), [(200, "no media")]);
    for phone in [alice, bob] {
        let byes = world.phones[phone].requests(Method::Bye);
        assert_eq!(byes[0].header(Name::Reason), Some(r#"Q.850;cause=41;text="No media""#));
    }
}

#[test]
fn without_a_free_port_the_call_is_refused() {
    let mut world = World::new(19);
    let (alice, _) = (world.add_phone("alice"), world.add_phone("bob"));
    world.shards[0].media.free = Some(0);
    world.call(alice, "bob");
    let world = world.finish();
    assert_eq!(world.phones[alice].statuses(), [503]);
}

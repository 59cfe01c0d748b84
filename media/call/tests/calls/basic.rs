//! Setting up and hanging up.

use crate::phone::{Ring, Sdp};
use crate::world::{World, ms, s};
use sip::message::{Message, Method, Name};

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

//! Keys on their way from one phone to the other.

use crate::world::{World, ms, s};
use call::MediaEvent;
use sip::message::Method;

#[test]
fn keys_do_not_become_more_requests_than_anybody_types() {
    let mut world = World::new(1);
    world.add_user("dave", "dtmf = \"info\"");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.call(alice, "dave");
    world.run_for(s(3));
    world.phones[dave].manners.dead = true;
    let before = world.wire.len();
    for _ in 0..5000 {
        world.happen(alice, MediaEvent::Struck('1', std::time::Duration::from_millis(100)));
    }
    assert!(world.wire.len() - before < 100, "{} INFO requests at once", world.wire.len() - before);
}

#[test]
fn keys_by_info_come_one_after_the_other_in_their_order() {
    let mut world = World::new(1);
    world.add_user("dave", "dtmf = \"info\"");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.call(alice, "dave");
    world.run_for(s(3));
    let typed = "0123456789*#ABCD";
    for key in typed.chars() {
        world.happen(alice, MediaEvent::Struck(key, std::time::Duration::from_millis(100)));
    }
    assert_eq!(world.phones[dave].requests(Method::Info).len(), 0);
    world.run_for(ms(6));
    assert_eq!(world.phones[dave].requests(Method::Info).len(), 1, "the next waits for the answer to this");
    world.run_for(s(2));
    let told = world.phones[dave].requests(Method::Info);
    let heard: String = told.iter().map(|info| char::from(info.body()["Signal=".len()])).collect();
    assert_eq!(heard, typed);
    world.hang_up(alice);
    world.finish();
}

#[test]
fn keys_for_a_phone_that_is_gone_are_dropped() {
    let mut world = World::new(1);
    world.add_user("dave", "dtmf = \"info\"");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.call(alice, "dave");
    world.run_for(s(3));
    world.phones[dave].manners.dead = true;
    for _ in 0..100 {
        world.happen(alice, MediaEvent::Struck('1', std::time::Duration::from_millis(100)));
    }
    world.run_for(s(40));
    let before = world.wire.len();
    world.run_for(s(40));
    assert_eq!(world.wire.len(), before, "nothing is sent any more");
    world.hang_up(alice);
    world.finish();
}

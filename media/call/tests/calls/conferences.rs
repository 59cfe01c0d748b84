//! Conferences: one room wherever a call comes from, and a door that nobody opens by trying.

use crate::phone::Sdp;
use crate::world::{World, ms, s};
use call::{MediaEvent, Order, Sound};

fn in_room(world: &World, phone: usize) -> Option<usize> {
    let remote = world.phones[phone].media;
    world.shards.iter().position(|shard| matches!(shard.media.served(remote), Some(call::Sound::Room(_))))
}

#[test]
fn a_call_that_is_forwarded_to_a_conference_comes_into_its_one_room_or_is_refused() {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\n";
    world.add_user("dave", "forward = { busy = \"conference:standup\" }");
    (0..3).for_each(|_| world.add_node());
    let dave = world.add_phone("dave");
    world.phones[dave].manners.answer = Some((ms(500), 486));
    let owner = world.view.membership.load().shard_for("here", "standup").unwrap();
    let mut rooms = Vec::new();
    for _ in 0..6 {
        let alice = world.add_phone("alice");
        world.call_target(alice, "user:dave@tandem.local", Sdp::Offer);
        world.run_for(s(3));
        let room = in_room(&world, alice).map(|index| index + 1);
        assert_eq!(room.is_none(), world.phones[alice].statuses().last() == Some(&501));
        rooms.push(room);
    }
    assert!(rooms.iter().flatten().all(|room| *room == usize::from(owner.node)), "{owner:?} {rooms:?}");
    assert!(rooms.contains(&None) && rooms.iter().any(Option::is_some), "both happen: {rooms:?}");
}

#[test]
fn a_pin_is_not_found_by_trying() {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\npin = \"0299\"\n";
    world.apply();
    let alice = world.add_phone("alice");
    let (mut pin, began, mut calls) = (0, world.now, 0);
    while pin < 300 {
        world.call_target(alice, "conference:standup", Sdp::Offer);
        world.run_for(ms(100));
        calls += 1;
        for _ in 0..3 {
            format!("{pin:04}").chars().for_each(|key| world.happen(alice, MediaEvent::Dtmf(key)));
            pin += 1;
        }
        if in_room(&world, alice).is_some() {
            break;
        }
        world.hang_up(alice);
        world.run_for(ms(50));
    }
    assert!(in_room(&world, alice).is_none(), "in after {pin} tries in {calls} calls, {:?}", world.now - began);
}

#[test]
fn a_door_that_was_tried_too_often_opens_to_the_right_pin_only_after_a_wait() {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\npin = \"0299\"\n";
    world.apply();
    let alice = world.add_phone("alice");
    let mut typed = |keys: &str, wait| {
        world.call_target(alice, "conference:standup", Sdp::Offer);
        world.run_for(s(1));
        let refusal = audio::Prompt::builtin("refused").unwrap();
        let is_refused = match world.shards[0].media.served(world.phones[alice].media) {
            Some(Sound::Prompt(prompt)) => prompt.samples() == refusal.samples(),
            other => panic!("{other:?}"),
        };
        assert_eq!(is_refused, wait == s(30), "{keys}");
        keys.chars().for_each(|key| world.happen(alice, MediaEvent::Dtmf(key)));
        let is_in = in_room(&world, alice).is_some();
        world.happen(alice, MediaEvent::PromptDone);
        if world.phones[alice].dialog.is_some() {
            world.hang_up(alice);
        }
        world.run_for(wait);
        is_in
    };
    assert!(!typed("111122223333", s(1)), "three wrong ones");
    assert!(!typed("0299", s(30)), "the right one while the door is shut");
    assert!(typed("0299", s(1)), "and after it");
    assert!(typed("02980299", s(1)), "what was mistyped before is forgiven");
    world.finish();
}

#[test]
fn a_door_that_is_shut_refuses_those_too_who_stand_at_it_already() {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\npin = \"0299\"\n";
    world.apply();
    let phones: Vec<usize> = (0..4).map(|_| world.add_phone("alice")).collect();
    for &phone in &phones {
        world.call_target(phone, "conference:standup", Sdp::Offer);
        world.run_for(ms(100));
    }
    for &phone in &phones[..3] {
        "1111".chars().for_each(|key| world.happen(phone, MediaEvent::Dtmf(key)));
    }
    "0299".chars().for_each(|key| world.happen(phones[3], MediaEvent::Dtmf(key)));
    assert_eq!(in_room(&world, phones[3]), None);
    world.happen(phones[3], MediaEvent::PromptDone);
    world.run_for(s(1));
    assert!(world.phones[phones[3]].dialog.is_none(), "it is sent away");
}

#[test]
fn a_participant_orders_at_most_once_a_second() {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\n";
    world.apply();
    let alice = world.add_phone("alice");
    world.call_target(alice, "conference:standup", Sdp::Offer);
    world.run_for(s(1));
    for _ in 0..3 {
        "*1*2*1".chars().for_each(|key| world.happen(alice, MediaEvent::Dtmf(key)));
        world.run_for(s(1));
    }
    assert_eq!(world.shards[0].media.orders, [Order::Mute, Order::Mute, Order::Mute]);
}

#[test]
fn a_participant_stays_in_the_room_when_another_shard_goes_on() {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\npin = \"0299\"\n";
    world.apply();
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    for phone in [alice, bob] {
        world.call_target(phone, "conference:standup", Sdp::Offer);
        world.run_for(s(1));
    }
    "0299".chars().for_each(|key| world.happen(alice, MediaEvent::Dtmf(key)));
    let ids: Vec<String> = world.shards[0].shard.calls().map(|call| call.id).collect();
    let records: Vec<_> = ids.iter().map(|id| world.shards[0].shard.save(world.now, id).unwrap()).collect();
    world.restart_shard(0);
    let (now, wall) = (world.now, world.wall());
    let member = &mut world.shards[0];
    for record in &records {
        member.shard.restore(now, wall, record, &mut member.media).unwrap();
    }
    world.flush();
    world.run_for(s(1));
    assert_eq!((in_room(&world, alice), in_room(&world, bob)), (Some(0), None), "who was at the door is there still");
}

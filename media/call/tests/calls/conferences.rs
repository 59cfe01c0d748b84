//! Conferences: one room wherever a call comes from, and a door that nobody opens by trying.

use crate::media::{ANCHOR, Does, Port};
use crate::phone::Sdp;
use crate::world::{World, ms, s};
use call::{MediaEvent, MediaId, Rule, Sound, Whom};
use proto::wire::{self, announcement::Source, room_order::Order};
use std::net::SocketAddr;

fn in_room(world: &World, phone: usize) -> Option<usize> {
    let remote = world.phones[phone].media;
    world.shards.iter().position(|shard| matches!(shard.media.served(remote), Some(call::Sound::Room(_))))
}

/// Six who were forwarded to one room from whichever node their calls began at; the room's node, and who began elsewhere.
fn forwarded() -> (World, [usize; 6], usize, Vec<usize>) {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\n";
    world.add_user("dave", "forward = { busy = \"conference:standup\" }");
    (0..3).for_each(|_| world.add_node());
    let dave = world.add_phone("dave");
    world.phones[dave].manners.answer = Some((ms(500), 486));
    let owner = usize::from(world.view.membership.load().shard_for("here", "standup").unwrap().node) - 1;
    let callers = [(); 6].map(|()| world.add_phone("alice"));
    for caller in callers {
        world.call_target(caller, "user:dave@tandem.local", Sdp::Offer);
        world.run_for(s(3));
    }
    let far = callers.into_iter().filter(|caller| in_room(&world, *caller).is_none()).collect();
    (world, callers, owner, far)
}

#[test]
fn a_call_that_is_forwarded_to_a_conference_comes_into_its_one_room_wherever_it_began() {
    let (mut world, callers, owner, far) = forwarded();
    assert!(!far.is_empty() && far.len() < callers.len(), "both happen: {far:?}");
    let in_rooms = |world: &World| -> Vec<usize> {
        let room = |port: &Port| matches!(port.does, Does::Serves(Sound::Room(_)));
        world.shards.iter().map(|shard| shard.media.open.values().filter(|port| room(port)).count()).collect()
    };
    let mut due = vec![0; 4];
    due[owner] = callers.len();
    assert_eq!(in_rooms(&world), due);
    for &caller in &far {
        // Sound passes between the phone and the port that the room's shard has for it, both ways.
        let heard = world.phones[caller].media;
        let ports = world.shards[owner].media.open.values().map(|port| SocketAddr::new(ANCHOR, port.rtp));
        let joined = ports.filter(|port| world.shards.iter().any(|shard| shard.media.is_joined(heard, *port)));
        assert_eq!(joined.count(), 1, "{caller}");
        assert_eq!(world.phones[caller].statuses().last(), Some(&200));
    }
    // Whoever is in the room is known there by name, and can be removed from it.
    let listed = world.order_at(owner, &order("standup", "", Order::List(wire::ListRooms {})));
    assert!(listed.rooms[0].participants.iter().all(|it| it.caller == "alice@tandem.local"), "{listed:?}");
    assert_eq!(listed.participants, 6);
    world.hang_up(far[0]);
    world.run_for(s(1));
    due[owner] -= 1;
    assert_eq!(in_rooms(&world), due);
    assert_eq!(world.order_at(owner, &order("standup", "", Order::Remove(wire::RemoveParticipant {}))).participants, 5);
    world.run_for(s(1));
    assert!(callers.iter().all(|caller| world.phones[*caller].dialog.is_none()), "all are hung up on");
    world.finish();
}

#[test]
fn a_forward_to_a_room_whose_shard_is_dead_fails_and_is_not_tried_again() {
    let (mut world, callers, owner, far) = forwarded();
    callers.iter().for_each(|caller| world.hang_up(*caller));
    world.run_for(s(1));
    world.shards[owner].alive = false;
    world.call_target(far[0], "user:dave@tandem.local", Sdp::Offer);
    world.run_for(s(60));
    assert!(matches!(world.phones[far[0]].statuses().last(), Some(400..)), "{:?}", world.phones[far[0]].statuses());
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
    assert_eq!(world.shards[0].media.orders, [call::Order::Mute, call::Order::Mute, call::Order::Mute]);
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

fn order(room: &str, participant: &str, order: Order) -> wire::RoomOrder {
    wire::RoomOrder { id: 0, room: room.into(), participant: participant.into(), order: Some(order) }
}

/// Alice, and Bob with two phones, who came in this order.
fn meeting() -> (World, [usize; 3]) {
    let mut world = World::new(1);
    world.more = "[[conference]]\nname = \"standup\"\nnumber = \"8000\"\n";
    world.apply();
    let phones = ["alice", "bob-1", "bob-2"].map(|name| world.add_phone(name));
    for phone in phones {
        world.call_target(phone, "conference:standup", Sdp::Offer);
        world.run_for(s(1));
    }
    (world, phones)
}

#[test]
fn an_operator_sees_who_is_in_which_room() {
    let (mut world, _) = meeting();
    let outside = world.add_phone("carol");
    world.call_target(outside, "echo", Sdp::Offer);
    world.run_for(s(1));
    for (room, due) in [("", 3), ("standup", 3), ("board", 0)] {
        let listed = world.order(&order(room, "", Order::List(wire::ListRooms {})));
        assert_eq!((listed.found, listed.participants, listed.rooms.len()), (due > 0, due, usize::from(due > 0)));
        let Some(room) = listed.rooms.first() else { continue };
        assert_eq!((room.name.as_str(), room.node.as_str(), room.locked), ("standup", "media-1", true));
        let callers: Vec<&str> = room.participants.iter().map(|it| &*it.caller).collect();
        assert_eq!(callers, ["alice@tandem.local", "bob@tandem.local", "bob@tandem.local"]);
        let [alice, _, last] = &room.participants[..] else { panic!("{room:?}") };
        assert!(last.speaking && !alice.speaking && alice.muted && last.since >= alice.since + 2000);
        assert!(world.shards[0].shard.calls().any(|call| call.id == last.id));
    }
}

#[test]
fn an_operator_rules_over_all_a_user_or_one_call() {
    let (mut world, phones) = meeting();
    let port = |world: &World, phone: usize| world.shards[0].media.port_of(world.phones[phone].media).unwrap();
    let ports = phones.map(|phone| port(&world, phone));
    let last = world.shards[0].shard.calls().last().unwrap().id;
    let these = |ports: &[MediaId]| Whom::These(ports.to_vec());
    for (who, whom, count) in [
        ("", Whom::All, 3),
        ("alice", these(&ports[..1]), 1),
        ("bob@tandem.local", these(&ports[1..]), 2),
        (&last, these(&ports[2..]), 1),
    ] {
        let muted = world.order(&order("standup", who, Order::Mute(true)));
        assert_eq!((muted.found, muted.participants), (true, count));
        assert_eq!(world.shards[0].media.rules.pop(), Some(Rule::Mute(whom)));
    }
    assert_eq!(world.order(&order("standup", "", Order::Lock(false))).participants, 3);
    assert_eq!(world.shards[0].media.rules.pop(), Some(Rule::Unlock));
    assert_eq!(world.order(&order("standup", "", Order::Stop(wire::StopAnnouncements {}))).participants, 3);
    assert_eq!(world.shards[0].media.rules.pop(), Some(Rule::Hush));
    // Who is not there, and a room that is not there.
    let absent = world.order(&order("standup", "carol", Order::Mute(false)));
    assert_eq!((absent.found, absent.participants), (true, 0));
    assert!(!world.order(&order("board", "", Order::Mute(false))).found);
    assert!(world.shards[0].media.rules.is_empty());
    assert!(
        !world.order(&wire::RoomOrder { order: None, ..order("standup", "", Order::Lock(true)) }).refused.is_empty()
    );
}

#[test]
fn who_is_removed_is_hung_up_on_and_the_others_stay() {
    let (mut world, phones) = meeting();
    assert_eq!(world.order(&order("standup", "bob", Order::Remove(wire::RemoveParticipant {}))).participants, 2);
    world.run_for(s(1));
    let talks = phones.map(|phone| world.phones[phone].dialog.is_some());
    assert_eq!(talks, [true, false, false]);
    world.hang_up(phones[0]);
    world.finish();
}

#[test]
fn an_announcement_is_heard_when_its_sound_is_found_by_those_who_are_there_then() {
    let (mut world, phones) = meeting();
    world.registry.prompts_take = s(2);
    let announce = |to: &str, source| {
        let announcement = wire::Announcement { language: String::new(), source: Some(source) };
        order("standup", to, Order::Announce(announcement))
    };
    for (to, source) in
        [("", Source::Say("hello".into())), ("bob", Source::Play("none".into())), ("bob", Source::Play("gong".into()))]
    {
        world.give(&announce(to, source));
    }
    world.hang_up(phones[2]);
    world.run_for(s(1));
    assert!(world.ordered.is_empty(), "no sound is there yet");
    world.run_for(s(2));
    let answers: Vec<_> = world.ordered.drain(..).map(|(_, it)| (it.participants, it.refused.is_empty())).collect();
    assert_eq!(answers, [(2, true), (0, false), (1, true)]);
    let bob = world.shards[0].media.port_of(world.phones[phones[1]].media).unwrap();
    let whom: Vec<_> = world.shards[0]
        .media
        .rules
        .drain(..)
        .map(|rule| match rule {
            Rule::Announce(whom, _) => whom,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(whom, [Whom::All, Whom::These(vec![bob])]);
    // Where nobody is to hear it, no sound is looked for.
    assert_eq!(world.order(&announce("carol", Source::Say("hello".into()))).participants, 0);
    phones[..2].iter().for_each(|phone| world.hang_up(*phone));
    world.finish();
}

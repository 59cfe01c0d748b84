//! A call as plain data: saved in one shard, it goes on in another.

use crate::phone::Sdp;
use crate::world::{World, s};
use call::{Record, RestoreError};
use sip::message::Method;

/// A call in its middle, saved, its shard restarted, and restored.
fn moved(seed: u64, target: &str, sdp: Sdp) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call_target(alice, target, sdp);
    world.run_for(s(60));
    let id = world.shards[0].shard.calls().next().unwrap().id;
    let record = world.shards[0].shard.save(world.now, &id).unwrap();
    world.restart_shard(0);
    let record = Record::from_bytes(&record.to_bytes()).unwrap();
    let (now, wall) = (world.now, world.wall());
    let member = &mut world.shards[0];
    member.shard.restore(now, wall, &record, &mut member.media).unwrap();
    assert_eq!(member.shard.save(now, &id).as_ref(), Some(&record), "an equal call");
    assert_eq!(member.shard.restore(now, wall, &record, &mut member.media), Err(RestoreError::Known));
    assert_eq!(member.shard.calls().next().unwrap().answered_at, world.reports[1].answered_at);
    world.flush();
    world.run_for(s(1));
    (world, alice, bob)
}

#[test]
fn a_restored_call_is_hung_up_by_either_side() {
    for seed in 0..2 {
        for sdp in [Sdp::Offer, Sdp::Late] {
            let (mut world, alice, bob) = moved(seed, "user:bob@tandem.local", sdp);
            assert!(world.is_talking(alice, bob));
            let (one, other) = if seed == 0 { (alice, bob) } else { (bob, alice) };
            world.hang_up(one);
            let world = world.finish();
            assert_eq!(world.phones[other].requests(Method::Bye).len(), 1);
            assert_eq!(world.phones[one].outcomes.last(), Some(&(Method::Bye, 200)));
        }
    }
}

#[test]
fn a_restored_call_is_held_resumed_and_refreshed() {
    let (mut world, alice, bob) = moved(3, "user:bob@tandem.local", Sdp::Offer);
    for direction in ["sendonly", "sendrecv"] {
        world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, direction));
        world.run_for(s(1));
        world.with_phone(bob, |phone, now| phone.offer(now, Method::Invite, direction));
        world.run_for(s(1));
    }
    assert!(world.is_talking(alice, bob));
    world.run_for(s(1800));
    assert!(!world.phones[alice].requests(Method::Update).is_empty());
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_restored_service_goes_on() {
    for target in ["echo", "say:Bonjour"] {
        let (mut world, alice, _) = moved(4, target, Sdp::Offer);
        assert!(world.shards[0].media.served(world.phones[alice].media).is_some(), "{target}");
        world.hang_up(alice);
        world.finish();
    }
}

/// The browser has refused all streams, so that only what was noted of it says what it takes.
#[test]
fn a_restored_browser_is_offered_what_it_takes() {
    let mut world = World::new(7);
    let alice = world.add_phone("alice");
    let bob = world.add_phone_with("bob", |binding| binding.transport = "wss".to_owned());
    world.phones[alice].whole_sdp = Some(SOUND_AND_VIDEO);
    world.phones[bob].whole_sdp = Some(NOTHING);
    world.call(alice, "bob");
    world.run_for(s(3));
    let id = world.shards[0].shard.calls().next().unwrap().id;
    let record = world.shards[0].shard.save(world.now, &id).unwrap();
    world.restart_shard(0);
    let (now, wall) = (world.now, world.wall());
    let member = &mut world.shards[0];
    member.shard.restore(now, wall, &Record::from_bytes(&record.to_bytes()).unwrap(), &mut member.media).unwrap();
    assert_eq!(member.shard.save(now, &id).as_ref(), Some(&record));
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendrecv"));
    world.run_for(s(1));
    let invites = world.phones[bob].requests(Method::Invite);
    let offer = String::from_utf8_lossy(invites.last().unwrap().body());
    assert_eq!((invites.len(), offer.matches(" UDP/TLS/RTP/SAVPF ").count()), (2, 2), "{offer}");
}

const SOUND_AND_VIDEO: &str = "v=0\r\no=- 1 1 IN IP4 192.168.1.1\r\ns=-\r\nc=IN IP4 192.168.1.1\r\nt=0 0\r\n\
m=audio 4000 RTP/AVP 0\r\nm=video 5000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
const NOTHING: &str = "v=0\r\no=- 5 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 CD:EF\r\n\
m=audio 0 UDP/TLS/RTP/SAVPF 0\r\nm=video 0 UDP/TLS/RTP/SAVPF 97\r\n";

#[test]
fn a_call_that_is_not_answered_has_no_record_and_other_bytes_are_none() {
    let mut world = World::new(5);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.answer = None;
    world.call(alice, "bob");
    world.run_for(s(1));
    let id = world.shards[0].shard.calls().next().unwrap().id;
    assert_eq!(world.shards[0].shard.save(world.now, &id), None);
    world.finish();
    assert_eq!(Record::from_bytes(b"\x08\x07"), Err(RestoreError::Version(7)));
    assert_eq!(Record::from_bytes(b"nonsense"), Err(RestoreError::Malformed));
}

#[test]
fn without_ports_nothing_of_a_restored_call_remains() {
    let mut world = World::new(6);
    let (alice, _) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(60));
    let id = world.shards[0].shard.calls().next().unwrap().id;
    let record = world.shards[0].shard.save(world.now, &id).unwrap();
    world.restart_shard(0);
    let (now, wall) = (world.now, world.wall());
    let member = &mut world.shards[0];
    member.media.free = Some(1);
    assert!(matches!(member.shard.restore(now, wall, &record, &mut member.media), Err(RestoreError::NoPort(_))));
    assert!(member.shard.is_idle() && member.media.open.is_empty());
}

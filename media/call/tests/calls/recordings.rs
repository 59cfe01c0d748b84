//! Recordings: of users who are always recorded, and of those who ask for it, however the call has come about.

use crate::media::Taped;
use crate::phone::Sdp;
use crate::world::{World, s};
use call::{MediaEvent, Tape};
use sip::message::Method;

fn tapes(world: &World) -> Vec<(Taped, bool)> {
    world.shards[0].media.tapes.iter().map(|(how, tape)| (*how, matches!(tape, Tape::Begin(_)))).collect()
}

/// dave is always recorded; alice calls him.
fn recorded(sdp: Sdp, whole: Option<&'static str>) -> Vec<(Taped, bool)> {
    let mut world = World::new(1);
    world.add_user("dave", "record = \"always\"");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.phones[alice].whole_sdp = whole;
    world.phones[dave].whole_sdp = whole;
    world.call_target(alice, "user:dave@tandem.local", sdp);
    world.run_for(s(3));
    assert!(world.phones[dave].dialog.is_some());
    tapes(&world)
}

#[test]
fn a_user_who_is_always_recorded_is_recorded() {
    assert_eq!(recorded(Sdp::Offer, None), [(Taped::Joined, true)]);
}

#[test]
fn a_user_who_is_always_recorded_is_so_when_the_caller_makes_no_offer() {
    assert_eq!(recorded(Sdp::Late, None), [(Taped::Joined, true)]);
}

const VIDEO_FIRST: &str = "v=0\r\no=- 1 1 IN IP4 192.168.1.1\r\ns=-\r\nc=IN IP4 192.168.1.1\r\nt=0 0\r\n\
m=video 5000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\nm=audio 4000 RTP/AVP 0\r\n";

#[test]
fn a_user_who_is_always_recorded_is_so_where_video_is_the_first_stream() {
    assert_eq!(recorded(Sdp::Offer, Some(VIDEO_FIRST)), [(Taped::Joined, true)]);
}

#[test]
fn a_user_who_is_always_recorded_is_so_where_media_is_direct() {
    let mut world = World::new(1);
    world.add_user("dave", "record = \"always\"\nmedia = \"direct\"");
    world.add_user("erin", "media = \"direct\"");
    let (erin, _) = (world.add_phone("erin"), world.add_phone("dave"));
    world.call_target(erin, "user:dave@tandem.local", Sdp::Offer);
    world.run_for(s(3));
    assert_eq!(tapes(&world), [(Taped::Joined, true)]);
}

#[test]
fn a_recorded_call_that_another_shard_goes_on_with_is_recorded_there() {
    let mut world = World::new(1);
    world.add_user("dave", "record = \"always\"");
    let (alice, _) = (world.add_phone("alice"), world.add_phone("dave"));
    world.call(alice, "dave");
    world.run_for(s(3));
    let id = world.reports[0].id.clone();
    let record = world.shards[0].shard.save(world.now, &id).unwrap();
    world.restart_shard(0);
    let (now, wall) = (world.now, world.wall());
    let member = &mut world.shards[0];
    member.shard.restore(now, wall, &record, &mut member.media).unwrap();
    assert_eq!(tapes(&world), [(Taped::Joined, true)]);
}

#[test]
fn a_user_asks_for_a_recording_by_info_too() {
    let mut world = World::new(1);
    world.more = "[features]\nrecord = \"*3\"\n";
    world.add_user("dave", "record = \"on-demand\"");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.call(alice, "dave");
    world.run_for(s(3));
    for body in [&b"Signal=*\r\nDuration=160\r\n"[..], b"Signal=3\r\nDuration=160\r\n"] {
        world.with_phone(dave, |phone, now| {
            phone.request(now, Method::Info, &[], Some(("application/dtmf-relay", body)));
        });
        world.run_for(s(1));
    }
    assert_eq!(tapes(&world), [(Taped::Joined, true)]);
}

#[test]
fn a_user_asks_for_a_recording_by_events() {
    let mut world = World::new(1);
    world.more = "[features]\nrecord = \"*3\"\n";
    world.add_user("dave", "record = \"on-demand\"");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.call(alice, "dave");
    world.run_for(s(3));
    for key in ['*', '3'] {
        world.happen(dave, MediaEvent::Dtmf(key));
    }
    assert_eq!(tapes(&world), [(Taped::Joined, true)]);
}

/// erin is busy and forwards; who answers is who talks.
fn forwarded(erin: &str, dave: &str) -> Vec<(Taped, bool)> {
    let mut world = World::new(1);
    world.add_user("dave", dave);
    world.add_user("erin", &format!("forward = {{ busy = \"user:dave\" }}\n{erin}"));
    let (alice, first) = (world.add_phone("alice"), world.add_phone("erin"));
    world.phones[first].manners.answer = Some((crate::world::ms(500), 486));
    let second = world.add_phone("dave");
    world.call_target(alice, "user:erin@tandem.local", Sdp::Offer);
    world.run_for(s(5));
    assert!(world.phones[second].dialog.is_some(), "{:?}", world.phones[alice].statuses());
    tapes(&world)
}

#[test]
fn who_answers_a_forwarded_call_and_is_always_recorded_is_recorded() {
    assert_eq!(forwarded("", "record = \"always\""), [(Taped::Joined, true)]);
}

#[test]
fn who_answers_a_forwarded_call_and_is_never_recorded_is_not() {
    assert_eq!(forwarded("record = \"always\"", ""), []);
}

/// A call to erin, who forwards it to dave, at whose keys it is recorded; then another shard goes on with it.
#[test]
fn a_recording_that_was_paused_is_so_where_another_shard_goes_on_and_is_still_its_users() {
    let mut world = World::new(1);
    world.more = "[features]\nrecord = \"*3\"\n";
    world.add_user("dave", "record = \"on-demand\"");
    world.add_user("erin", "forward = { busy = \"user:dave\" }");
    let (alice, erin, dave) = (world.add_phone("alice"), world.add_phone("erin"), world.add_phone("dave"));
    world.phones[erin].manners.answer = Some((s(1), 486));
    world.call(alice, "erin");
    world.run_for(s(5));
    "*3*3".chars().for_each(|key| world.happen(dave, MediaEvent::Dtmf(key)));
    let begun = world.shards[0].media.tapes.clone();
    let Tape::Begin(facts) = &begun[0].1 else { panic!("{begun:?}") };
    assert_eq!((&*facts.caller, &*facts.callee), ("alice@tandem.local", "dave@tandem.local"));
    assert_eq!(begun[1].1, Tape::Pause);
    let id = world.reports[0].id.clone();
    let record = world.shards[0].shard.save(world.now, &id).unwrap();
    world.restart_shard(0);
    let (now, wall) = (world.now, world.wall());
    let member = &mut world.shards[0];
    member.shard.restore(now, wall, &record, &mut member.media).unwrap();
    assert_eq!(member.shard.save(now, &id).as_ref(), Some(&record));
    assert_eq!(world.shards[0].media.tapes, begun);
    assert_eq!(world.shards[0].media.watched.len(), 1);
    "*3".chars().for_each(|key| world.happen(dave, MediaEvent::Dtmf(key)));
    assert_eq!(world.shards[0].media.tapes.last().unwrap().1, Tape::Resume);
}

#[test]
fn a_recording_begins_once_whatever_is_offered_later() {
    let mut world = World::new(1);
    world.add_user("dave", "record = \"always\"");
    world.add_user("erin", "record = \"on-demand\"");
    let (erin, dave) = (world.add_phone("erin"), world.add_phone("dave"));
    world.call(erin, "dave");
    world.run_for(s(3));
    for (phone, direction) in [(erin, "sendonly"), (dave, "sendrecv"), (erin, "sendrecv")] {
        world.with_phone(phone, |phone, now| phone.offer(now, Method::Invite, direction));
        world.run_for(s(1));
    }
    assert_eq!(tapes(&world), [(Taped::Joined, true)]);
    assert_eq!(world.shards[0].media.watched.len(), 1);
    world.hang_up(erin);
    world.finish();
}

const ANOTHER_STREAM: &str = "v=0\r\no=- 1 2 IN IP4 192.168.1.1\r\ns=-\r\nc=IN IP4 192.168.1.1\r\nt=0 0\r\n\
m=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0\r\n";

#[test]
fn a_recording_follows_the_speech_to_another_stream() {
    let mut world = World::new(1);
    world.add_user("dave", "record = \"always\"");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.call(alice, "dave");
    world.run_for(s(3));
    world.phones[alice].whole_sdp = Some(ANOTHER_STREAM);
    world.phones[dave].whole_sdp = Some(ANOTHER_STREAM);
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendrecv"));
    world.run_for(s(1));
    assert_eq!(tapes(&world), [(Taped::Joined, true), (Taped::Joined, true)]);
    world.hang_up(alice);
    world.finish();
}

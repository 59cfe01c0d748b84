//! Services: the exchange itself is the other side.

use crate::phone::Sdp;
use crate::world::{World, s};
use call::{MediaEvent, Sound};
use sip::message::{Method, Name};

#[test]
fn echo_answers_and_sends_back_until_the_caller_hangs_up() {
    for sdp in [Sdp::Offer, Sdp::Late] {
        let mut world = World::new(1);
        let alice = world.add_phone("alice");
        world.call_target(alice, "echo", sdp);
        world.run_for(s(1));
        assert_eq!(world.phones[alice].statuses(), [200]);
        assert_eq!(world.shards[0].media.served(world.phones[alice].media), Some(&Sound::Echo));
        world.run_for(s(100));
        world.hang_up(alice);
        let world = world.finish();
        assert_eq!(world.ends(), [(200, "hung up by the caller")]);
        assert_eq!(world.reports[0].service, "echo");
    }
}

#[test]
fn a_prompt_is_played_once_and_the_call_ends() {
    for target in ["say:Bonjour", "play:welcome.wav"] {
        let mut world = World::new(2);
        let alice = world.add_phone("alice");
        world.call_target(alice, target, Sdp::Offer);
        world.run_for(s(1));
        let chime = audio::Prompt::chime();
        match world.shards[0].media.served(world.phones[alice].media) {
            Some(Sound::Prompt(prompt)) => assert_eq!(prompt.samples(), chime.samples(), "there is no other"),
            other => panic!("{other:?}"),
        }
        world.happen(alice, MediaEvent::PromptDone);
        let world = world.finish();
        assert_eq!(world.phones[alice].requests(Method::Bye).len(), 1);
        assert_eq!(world.ends(), [(200, "the service hung up")]);
    }
}

#[test]
fn a_caller_holds_and_resumes_a_service() {
    for method in [Method::Invite, Method::Update] {
        let mut world = World::new(3);
        let alice = world.add_phone("alice");
        world.call_target(alice, "echo", Sdp::Offer);
        world.run_for(s(1));
        for (direction, state) in [("sendonly", "held"), ("sendrecv", "answered")] {
            world.with_phone(alice, |phone, now| phone.offer(now, method, direction));
            world.run_for(s(1));
            assert_eq!(world.reports.last().unwrap().state, state);
        }
        world.with_phone(alice, |phone, now| phone.request(now, Method::Invite, &[], None));
        world.run_for(s(1));
        assert_eq!(world.shards[0].media.open.len(), 1, "always the same port");
        assert!(world.shards[0].media.served(world.phones[alice].media).is_some());
        world.hang_up(alice);
        world.finish();
    }
}

#[test]
fn a_key_reaches_the_service_as_an_event_or_by_info() {
    for by_info in [true, false] {
        let mut world = World::new(4);
        let alice = world.add_phone("alice");
        world.call_target(alice, "echo", Sdp::Offer);
        world.run_for(s(1));
        match by_info {
            true => world.with_phone(alice, |phone, now| {
                let body = Some(("application/dtmf-relay", &b"Signal=#\r\nDuration=160\r\n"[..]));
                phone.request(now, Method::Info, &[], body);
            }),
            false => world.happen(alice, MediaEvent::Dtmf('#')),
        }
        let world = world.finish();
        assert_eq!(world.ends(), [(200, "the service hung up")]);
    }
}

#[test]
fn a_caller_without_a_codec_that_the_service_has_is_488() {
    let mut world = World::new(5);
    let alice = world.add_phone("alice");
    world.phones[alice].codecs = "4";
    world.call_target(alice, "say:Bonjour", Sdp::Offer);
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses(), [488]);
    world.call_target(alice, "echo", Sdp::Offer);
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses(), [488, 200], "an echo understands every codec");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_caller_who_cancels_before_the_prompt_is_there_hears_487() {
    let mut world = World::new(6);
    let alice = world.add_phone("alice");
    world.registry.prompts_take = s(10);
    world.call_target(alice, "say:Bonjour", Sdp::Offer);
    world.run_for(s(2));
    world.with_phone(alice, |phone, now| phone.cancel(now));
    let world = world.finish();
    assert_eq!(world.phones[alice].statuses(), [100, 487]);
}

#[test]
fn requests_that_mean_nothing_to_a_service_are_refused() {
    let mut world = World::new(7);
    let alice = world.add_phone("alice");
    world.call_target(alice, "echo", Sdp::Offer);
    world.run_for(s(1));
    for (method, headers) in [
        (Method::Refer, vec![(Name::ReferTo, "<sip:bob@tandem.local>")]),
        (Method::Message, vec![]),
        (Method::Notify, vec![(Name::Event, "refer")]),
    ] {
        world.with_phone(alice, |phone, now| phone.request(now, method, &headers, None));
        world.run_for(s(1));
        assert_eq!(world.phones[alice].outcomes.last(), Some(&(method, 501)));
    }
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_busy_user_may_be_forwarded_to_a_service() {
    let mut world = World::new(8);
    world.add_user("dave", "forward = { busy = \"echo\" }");
    let (alice, dave) = (world.add_phone("alice"), world.add_phone("dave"));
    world.phones[dave].manners.answer = Some((s(1), 486));
    world.call(alice, "dave");
    world.run_for(s(3));
    assert_eq!(world.phones[alice].statuses(), [180, 200]);
    assert_eq!(world.shards[0].media.served(world.phones[alice].media), Some(&Sound::Echo));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_session_with_a_service_is_refreshed_too() {
    let mut world = World::new(9);
    let alice = world.add_phone("alice");
    world.call_target(alice, "echo", Sdp::Offer);
    world.run_for(s(1000));
    assert_eq!(world.phones[alice].requests(Method::Update).len(), 1);
    world.phones[alice].manners.dead = true;
    let world = world.finish();
    assert_eq!(world.ends(), [(200, "a leg is dead")]);
}

const SECOND_AUDIO: [&str; 3] = [
    "v=0\r\no=- 1 1 IN IP4 192.168.1.1\r\ns=-\r\nc=IN IP4 192.168.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n",
    "v=0\r\no=- 1 2 IN IP4 192.168.1.1\r\ns=-\r\nc=IN IP4 192.168.1.1\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n",
    "v=0\r\no=- 1 3 IN IP4 192.168.1.1\r\ns=-\r\nc=IN IP4 192.168.1.1\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0\r\n",
];

#[test]
fn a_service_keeps_no_ports_for_streams_that_are_refused() {
    let mut world = World::new(1);
    let alice = world.add_phone("alice");
    world.phones[alice].whole_sdp = Some(SECOND_AUDIO[0]);
    world.call_target(alice, "echo", Sdp::Offer);
    world.run_for(s(1));
    for sdp in &SECOND_AUDIO[1..] {
        world.phones[alice].whole_sdp = Some(sdp);
        world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendrecv"));
        world.run_for(s(1));
    }
    assert_eq!(world.phones[alice].statuses(), [200, 200, 200]);
    let media = &world.shards[0].media;
    let serves: Vec<_> = media.open.values().map(|port| &port.does).collect();
    assert_eq!(media.open.len(), 1, "{serves:?}");
}

#[test]
fn an_offer_of_our_own_has_as_many_streams_as_the_session() {
    let mut world = World::new(1);
    let alice = world.add_phone("alice");
    world.phones[alice].whole_sdp = Some(SECOND_AUDIO[1]);
    world.call_target(alice, "echo", Sdp::Offer);
    world.run_for(s(1));
    world.with_phone(alice, |phone, now| phone.request(now, Method::Invite, &[], None));
    world.run_for(s(1));
    let heard: Vec<String> =
        world.phones[alice].heard.iter().map(|it| String::from_utf8_lossy(it.message().body()).into_owned()).collect();
    let offer = heard.iter().rfind(|body| body.starts_with("v=0")).unwrap();
    assert_eq!(offer.matches("m=").count(), 3, "{offer}");
}

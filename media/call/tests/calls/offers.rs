//! Offers within a call: hold, resume, glare, refusals, and what each side sees of them.

use crate::media::{ANCHOR, Does};
use crate::phone::{NO_UPDATE, Ring, Sdp};
use crate::world::{World, ms, s};
use sip::message::{Method, Name};

fn talking(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, bob));
    (world, alice, bob)
}

#[test]
fn hold_and_resume_pass_both_ways_over_the_same_ports() {
    for (seed, method) in [(1, Method::Invite), (2, Method::Update)] {
        let (mut world, alice, bob) = talking(seed);
        let ports: Vec<_> = world.shards[0].media.open.values().map(|port| port.rtp).collect();
        for (holder, held) in [(alice, bob), (bob, alice)] {
            world.with_phone(holder, |phone, now| phone.offer(now, method, "sendonly"));
            world.run_for(s(1));
            let got = world.phones[held].requests(method);
            let offer = String::from_utf8_lossy(got.last().unwrap().body()).into_owned();
            assert!(offer.contains("a=sendonly") && offer.contains(&ANCHOR.to_string()), "{offer}");
            assert_eq!(world.reports.last().unwrap().state, "held");
            world.with_phone(holder, |phone, now| phone.offer(now, method, "sendrecv"));
            world.run_for(s(1));
            assert!(world.is_talking(alice, bob));
            assert_eq!(world.reports.last().unwrap().state, "answered");
        }
        assert_eq!(world.shards[0].media.open.values().map(|port| port.rtp).collect::<Vec<_>>(), ports);
        world.hang_up(alice);
        world.finish();
    }
}

#[test]
fn the_version_of_our_description_grows_with_each_change_and_only_then() {
    let (mut world, alice, bob) = talking(3);
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.run_for(s(1));
    // The same again, as phones do to refresh a session.
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.run_for(s(1));
    world.hang_up(alice);
    let world = world.finish();
    let origins: Vec<String> = world.phones[bob]
        .requests(Method::Invite)
        .iter()
        .map(|invite| {
            let sdp = String::from_utf8_lossy(invite.body()).into_owned();
            sdp.lines().find(|line| line.starts_with("o=")).unwrap().to_owned()
        })
        .collect();
    let version = |origin: &str| origin.split(' ').nth(2).unwrap().parse::<u32>().unwrap();
    assert_eq!(origins.iter().map(|origin| version(origin)).collect::<Vec<_>>(), [1, 2, 2]);
}

#[test]
fn an_invite_without_offer_gets_the_other_sides_offer_and_brings_back_the_answer() {
    let (mut world, alice, bob) = talking(4);
    for (asker, other) in [(alice, bob), (bob, alice)] {
        world.with_phone(asker, |phone, now| phone.request(now, Method::Invite, &[], None));
        world.run_for(s(1));
        let acks = world.phones[other].requests(Method::Ack);
        assert!(acks.last().unwrap().body().starts_with(b"v=0"));
        assert!(world.is_talking(alice, bob));
    }
    world.hang_up(bob);
    world.finish();
}

#[test]
fn two_offers_that_cross_are_both_told_491_or_one_after_the_other() {
    for seed in 0..20 {
        let (mut world, alice, bob) = talking(seed);
        world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
        world.run_for(ms(seed));
        world.with_phone(bob, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
        world.run_for(s(5));
        let refused: Vec<_> = [alice, bob].iter().flat_map(|&phone| world.phones[phone].outcomes.clone()).collect();
        assert!(refused.iter().all(|outcome| *outcome == (Method::Invite, 491)), "seed {seed}: {refused:?}");
        assert!(world.is_talking(alice, bob), "seed {seed}");
        world.hang_up(alice);
        world.finish();
    }
}

#[test]
fn a_refused_offer_leaves_the_session_as_it_was() {
    for status in [488, 491, 500, 403] {
        let (mut world, alice, bob) = talking(5);
        world.phones[bob].manners.within.insert(Method::Invite, status);
        world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
        world.run_for(s(1));
        assert_eq!(world.phones[alice].outcomes, [(Method::Invite, status)]);
        assert!(world.is_talking(alice, bob));
        assert_ne!(world.reports.last().unwrap().state, "held");
        world.hang_up(bob);
        world.finish();
    }
}

#[test]
fn a_dead_leg_ends_the_call_for_the_other() {
    for status in [481, 408] {
        let (mut world, alice, bob) = talking(6);
        world.phones[bob].manners.within.insert(Method::Invite, status);
        world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
        world.run_for(s(1));
        assert!(world.phones[alice].dialog.is_none());
        assert_eq!(world.ends(), [(200, "a leg is dead")]);
        world.phones[bob].dialog = None;
        world.finish();
    }
}

#[test]
fn a_stream_that_is_refused_gives_its_ports_back() {
    let (mut world, alice, bob) = talking(7);
    world.phones[bob].manners.within.insert(Method::Invite, 488);
    world.with_phone(alice, |phone, now| {
        let video = "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
        let offer = [&phone.sdp()[..], video.as_bytes()].concat();
        phone.request(now, Method::Invite, &[], Some(("application/sdp", &offer)));
    });
    world.run_for(s(1));
    assert_eq!(world.shards[0].media.open.len(), 2);
    world.hang_up(alice);
    world.finish();
}

#[test]
fn an_update_goes_on_as_an_invite_to_a_phone_that_does_not_know_it() {
    let mut world = World::new(8);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.allow = NO_UPDATE;
    world.call(alice, "bob");
    world.run_for(s(3));
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Update, "sendonly"));
    world.run_for(s(1));
    assert_eq!(world.phones[bob].requests(Method::Invite).len(), 2);
    assert_eq!(world.phones[alice].outcomes.last(), Some(&(Method::Update, 200)));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn an_update_that_a_phone_refuses_after_all_becomes_an_invite() {
    let (mut world, alice, bob) = talking(9);
    world.phones[bob].manners.within.insert(Method::Update, 405);
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Update, "sendonly"));
    world.run_for(s(1));
    assert_eq!(world.phones[alice].outcomes.last(), Some(&(Method::Update, 200)));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn an_early_update_passes_to_the_phone_that_is_heard() {
    let mut world = World::new(10);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[bob].manners.ring = vec![(ms(50), 183, Ring::ReliableEarly)];
    world.phones[bob].manners.answer = Some((s(5), 200));
    world.call(alice, "bob");
    world.run_for(s(1));
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Update, "sendonly"));
    world.run_for(s(1));
    assert_eq!(world.phones[alice].outcomes, [(Method::Prack, 200), (Method::Update, 200)]);
    assert_eq!(world.phones[bob].requests(Method::Update).len(), 1);
    world.run_for(s(5));
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_bye_during_an_offer_answers_it_and_ends_all() {
    let (mut world, alice, bob) = talking(11);
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.run_for(ms(7));
    world.hang_up(bob);
    world.run_for(s(2));
    assert!(world.phones[alice].dialog.is_none());
    world.finish();
}

#[test]
fn who_hangs_up_after_an_offer_that_nobody_answers_is_told_its_end() {
    for side in 0..2 {
        let (mut world, alice, bob) = talking(12);
        let (offerer, other) = [(alice, bob), (bob, alice)][side];
        world.phones[other].manners.dead = true;
        world.with_phone(offerer, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
        world.run_for(s(1));
        world.hang_up(offerer);
        let world = world.finish();
        assert_eq!(world.phones[offerer].statuses().last(), Some(&487));
    }
}

#[test]
fn a_cancelled_offer_is_cancelled_at_the_other_side() {
    let (mut world, alice, bob) = talking(12);
    world.network.disorder = true;
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.with_phone(alice, |phone, now| phone.cancel(now));
    world.run_for(s(5));
    assert!(world.is_talking(alice, bob));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn an_unacknowledged_offer_ends_the_call() {
    let (mut world, alice, bob) = talking(13);
    world.phones[alice].manners.forgets_ack = true;
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.run_for(s(40));
    assert_eq!(world.ends(), [(200, "the answer was not acknowledged")]);
    assert!(world.phones[bob].dialog.is_none());
    world.finish();
}

#[test]
fn what_is_no_description_is_refused() {
    let (mut world, alice, _) = talking(14);
    let bodies: [(&str, &[u8], u16); 3] = [
        ("application/sdp", b"nonsense", 400),
        ("application/isup", b"\x01\x02", 415),
        ("multipart/mixed", b"--x", 415),
    ];
    for (kind, body, status) in bodies {
        world.with_phone(alice, |phone, now| phone.request(now, Method::Invite, &[], Some((kind, body))));
        world.run_for(s(1));
        assert_eq!(world.phones[alice].outcomes.last(), Some(&(Method::Invite, status)), "{kind}");
    }
    world.hang_up(alice);
    world.finish();
}

#[test]
fn with_direct_media_descriptions_pass_untouched() {
    let mut world = World::new(15);
    world.add_user("erin", "media = \"direct\"");
    world.add_user("frank", "media = \"direct\"");
    let (erin, frank) = (world.add_phone("erin"), world.add_phone("frank"));
    let _second = world.add_phone_with("frank", |binding| binding.q = 1);
    for sdp in [Sdp::Offer, Sdp::Late] {
        world.call_target(erin, "user:frank@tandem.local", sdp);
        world.run_for(s(3));
        assert!(world.phones[erin].dialog.is_some() && world.phones[frank].dialog.is_some());
        assert!(world.shards[0].media.open.is_empty(), "no port is taken");
        world.with_phone(frank, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
        world.run_for(s(1));
        let offers = world.phones[erin].requests(Method::Invite);
        let sdp = String::from_utf8_lossy(offers.last().unwrap().body()).into_owned();
        assert!(sdp.contains(&format!("c=IN IP4 {}", world.phones[frank].media.ip())), "{sdp}");
        world.hang_up(erin);
        world.run_for(s(1));
    }
    world.finish();
}

#[test]
fn a_hold_by_address_reaches_the_other_phone_as_one() {
    let (mut world, alice, bob) = talking(16);
    world.with_phone(alice, |phone, now| {
        let sdp = String::from_utf8(phone.sdp()).unwrap();
        let held = sdp.replace(&format!("c=IN IP4 {}", phone.media.ip()), "c=IN IP4 0.0.0.0");
        phone.request(now, Method::Invite, &[], Some(("application/sdp", held.as_bytes())));
    });
    world.run_for(s(1));
    let offer = String::from_utf8_lossy(world.phones[bob].requests(Method::Invite).last().unwrap().body()).into_owned();
    assert!(offer.contains("c=IN IP4 0.0.0.0"), "{offer}");
    assert_eq!(world.reports.last().unwrap().state, "held");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn requests_out_of_order_are_refused() {
    let (mut world, alice, _) = talking(17);
    world.with_phone(alice, |phone, now| {
        phone.request(now, Method::Info, &[], None);
        phone.dialog.as_mut().unwrap().local_cseq -= 2;
        phone.request(now, Method::Message, &[], None);
        phone.dialog.as_mut().unwrap().local_cseq += 1;
    });
    world.run_for(s(1));
    assert_eq!(world.phones[alice].outcomes, [(Method::Message, 500), (Method::Info, 200)]);
    world.hang_up(alice);
    world.finish();
}

#[test]
fn an_unknown_dialog_is_481_and_an_unknown_extension_420() {
    let (mut world, alice, bob) = talking(18);
    world.with_phone(alice, |phone, now| phone.request(now, Method::Info, &[(Name::Require, "teleport")], None));
    world.run_for(s(1));
    assert_eq!(world.phones[alice].outcomes, [(Method::Info, 420)]);
    let mut stolen = world.phones[alice].dialog.clone().unwrap();
    world.hang_up(alice);
    world.run_for(s(1));
    stolen.local_cseq += 5;
    world.phones[alice].dialog = Some(stolen);
    world.hang_up(alice);
    world.run_for(s(1));
    assert_eq!(world.phones[alice].outcomes.last(), Some(&(Method::Bye, 481)));
    assert!(world.shards[0].media.open.values().all(|port| port.does == Does::Nothing));
    assert_eq!(world.phones[bob].requests(Method::Bye).len(), 1);
    world.finish();
}

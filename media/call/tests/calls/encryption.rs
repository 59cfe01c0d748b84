//! Encrypted legs beside plain ones: who is offered which keys, which hold, and who is refused.

use crate::phone::{Phone, Sdp};
use crate::world::{World, s};
use call::{Begins, Keys, Security};
use sip::message::{Method, Name};

const ALICES: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0";
/// With the tag that our offers have for the suite.
const BOBS: &str = "3 AES_CM_128_HMAC_SHA1_80 inline:CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC";
const ANOTHER: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

/// A phone that encrypts with this key, as RTP/SAVP or, where it can, in the plain profile.
fn encrypts(profile: &'static str, line: &'static str) -> impl FnOnce(&mut Phone, std::time::Instant) {
    move |phone, _| (phone.profile, phone.crypto) = (profile, Some(line))
}

fn world(alice: &str, bob: &str) -> (World, usize, usize) {
    let mut world = World::new(1);
    world.add_user("anna", alice);
    world.add_user("bert", bob);
    let (alice, bob) = (world.add_phone("anna"), world.add_phone("bert"));
    (world, alice, bob)
}

fn call(world: &mut World, alice: usize, bob: usize) {
    world.call(alice, "bert");
    world.run_for(s(3));
    assert!(world.is_talking(alice, bob), "{:?}", world.phones[alice].statuses());
}

/// The keys that our port toward this phone has.
fn keys(world: &World, phone: usize) -> Option<Keys> {
    let media = &world.shards[0].media;
    match media.open[&media.port_of(world.phones[phone].media).unwrap()].remote.clone().unwrap().security {
        Security::Sdes(keys) => Some(keys),
        Security::Plain => None,
        Security::Dtls(peer) => panic!("{peer:?}"),
    }
}

fn body_of_invite(world: &World, phone: usize) -> String {
    String::from_utf8_lossy(world.phones[phone].requests(Method::Invite).last().unwrap().body()).into_owned()
}

#[test]
fn an_encrypted_caller_and_a_plain_callee() {
    let (mut world, alice, bob) = world("", "");
    world.with_phone(alice, encrypts("RTP/SAVP", ALICES));
    call(&mut world, alice, bob);
    let alices = keys(&world, alice).expect("Alice's leg is encrypted");
    assert_eq!(alices.inbound.key_and_salt(), b"ABCDEFGHIJKLMNOPQRSTUVWXYZ1234");
    assert_ne!(alices.outbound, alices.inbound, "each side has a key of its own");
    assert_eq!(keys(&world, bob), None);
    let told = body_of_invite(&world, bob);
    assert!(told.contains(" RTP/AVP ") && !told.contains("QUJD"), "Bob sees nothing of Alice's key: {told}");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_plain_caller_and_a_callee_who_takes_the_offered_key() {
    let (mut world, alice, bob) = world("", "");
    world.with_phone(bob, encrypts("RTP/AVP", BOBS));
    call(&mut world, alice, bob);
    assert!(keys(&world, alice).is_none() && keys(&world, bob).is_some());
    world.hang_up(bob);
    world.finish();
}

#[test]
fn keys_stay_over_hold_and_resume_and_change_when_the_phone_changes_its_own() {
    let (mut world, alice, bob) = world("", "srtp = \"off\"");
    world.with_phone(alice, encrypts("RTP/SAVP", ALICES));
    call(&mut world, alice, bob);
    let before = keys(&world, alice).unwrap();
    for direction in ["sendonly", "sendrecv"] {
        world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, direction));
        world.run_for(s(1));
        assert_eq!(keys(&world, alice), Some(before));
        world.with_phone(bob, |phone, now| phone.offer(now, Method::Invite, direction));
        world.run_for(s(1));
        assert_eq!(keys(&world, alice), Some(before), "an offer of the other side changes no key");
    }
    world.with_phone(alice, encrypts("RTP/SAVP", ANOTHER));
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendrecv"));
    world.run_for(s(1));
    let after = keys(&world, alice).unwrap();
    assert!(after.inbound != before.inbound && after.outbound != before.outbound);
    assert!(!body_of_invite(&world, bob).contains("crypto"), "encryption is off for Bob");
    world.hang_up(alice);
    world.finish();
}

#[test]
fn who_must_encrypt_and_does_not_is_refused_with_the_reason() {
    for (alices, bobs, why) in [
        ("srtp = \"required\"", "", "SRTP is required"),
        ("", "srtp = \"required\"", "SRTP is required"),
        ("srtp = \"off\"", "", "SRTP is switched off"),
    ] {
        let (mut world, alice, bob) = world(alices, bobs);
        if alices.contains("off") {
            world.with_phone(alice, encrypts("RTP/SAVP", ALICES));
        }
        world.call(alice, "bert");
        world.run_for(s(5));
        let answers = &world.phones[alice];
        assert_eq!(answers.statuses().last(), Some(&488), "{alices} {bobs}: {:?}", answers.statuses());
        let last = answers.heard.last().expect("an answer").message();
        let reason = last.header(Name::Reason).unwrap_or_default();
        assert!(reason.contains(why), "{reason}");
        if bobs.contains("required") {
            assert!(body_of_invite(&world, bob).contains(" RTP/SAVP "));
        }
        world.finish();
    }
}

#[test]
fn a_required_leg_is_offered_the_secure_profile_and_taken_with_it() {
    let (mut world, alice, bob) = world("", "srtp = \"required\"");
    world.with_phone(bob, encrypts("RTP/SAVP", BOBS));
    call(&mut world, alice, bob);
    assert!(keys(&world, bob).is_some());
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_phone_that_takes_the_secure_profile_only_is_asked_again() {
    let (mut world, alice, bob) = world("", "");
    world.with_phone(bob, encrypts("RTP/SAVP", BOBS));
    world.phones[bob].manners.refuses_profile = true;
    call(&mut world, alice, bob);
    assert!(keys(&world, bob).is_some() && keys(&world, alice).is_none());
    world.hang_up(alice);
    world.finish();
}

#[test]
fn the_echo_is_encrypted_as_its_caller_is() {
    let (mut world, alice, _) = world("", "");
    world.with_phone(alice, encrypts("RTP/SAVP", ALICES));
    world.call_target(alice, "echo", Sdp::Offer);
    world.run_for(s(2));
    assert!(keys(&world, alice).is_some());
    world.hang_up(alice);
    world.finish();
}

const BROWSER: &str = "v=0\r\no=- 5 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=fingerprint:sha-256 CD:EF\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 8 101\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 192.0.2.7 5 typ host\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";

#[test]
fn a_browser_calls_a_phone() {
    let (mut world, alice, bob) = world("", "");
    world.phones[alice].whole_sdp = Some(BROWSER);
    world.call(alice, "bert");
    world.run_for(s(3));
    assert_eq!(world.phones[alice].statuses().last(), Some(&200));
    let offered = body_of_invite(&world, bob);
    assert!(offered.contains(" RTP/AVP 111 8 9 0 ") && offered.contains("a=rtcp-mux"), "{offered}");
    for word in ["ice-", "candidate", "fingerprint", "setup", "BUNDLE"] {
        assert!(!offered.contains(word), "{word} means nothing to a phone: {offered}");
    }
    let answer =
        world.phones[alice].heard.iter().map(|heard| heard.message()).find(|m| m.status() == Some(200)).unwrap();
    let told = String::from_utf8_lossy(answer.body()).into_owned();
    for line in [
        "a=ice-lite\r\nm=audio ",
        " UDP/TLS/RTP/SAVPF ",
        "a=setup:passive\r\n",
        "a=fingerprint:sha-256 AB:AB",
        "a=ice-ufrag:first",
        "a=candidate:1 1 udp 1 10.9.8.7",
        "a=rtcp-mux\r\n",
        "a=mid:0\r\n",
    ] {
        assert!(told.contains(line), "{line:?} is missing: {told}");
    }
    let ports = world.shards[0].media.open.values();
    let security: Vec<_> = ports.map(|port| port.remote.clone().unwrap().security).collect();
    let Security::Dtls(peer) = &security[1] else { panic!("{security:?}") };
    assert_eq!((peer.begins, peer.ufrag.as_deref()), (Begins::They, Some("abcd")));
    assert_eq!((peer.fingerprint.as_str(), &security[0]), ("sha-256 CD:EF", &Security::Plain));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_browser_is_offered_what_it_can_take() {
    let mut world = World::new(1);
    let alice = world.add_phone("alice");
    let bob = world.add_phone_with("bob", |binding| binding.transport = "wss".to_owned());
    world.call(alice, "bob");
    world.run_for(s(1));
    let offered = body_of_invite(&world, bob);
    for line in
        ["a=ice-lite\r\n", " UDP/TLS/RTP/SAVPF 8 0 96 9 ", "a=setup:actpass\r\n", "a=rtcp-mux\r\n", "a=ice-pwd:"]
    {
        assert!(offered.contains(line), "{line:?} is missing: {offered}");
    }
    assert!(!offered.contains("crypto"));
    world.run_for(s(60));
    world.finish();
}

#[test]
fn an_offer_that_cannot_be_answered_rings_nobody_and_ends_no_call() {
    let (mut world, alice, bob) = world("srtp = \"required\"", "");
    world.call(alice, "bert");
    world.run_for(s(3));
    assert_eq!((world.phones[alice].statuses().last(), world.phones[bob].calls), (Some(&488), 0));
    world.with_phone(alice, encrypts("RTP/SAVP", ALICES));
    call(&mut world, alice, bob);
    world.phones[alice].crypto = None;
    world.phones[alice].profile = "RTP/AVP";
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.run_for(s(2));
    assert!(world.phones[alice].statuses().contains(&488));
    assert!(world.is_talking(alice, bob), "the session goes on as it was (RFC 3261 §14.1)");
    assert!(keys(&world, alice).is_some());
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_forward_is_under_the_policy_of_who_really_rings() {
    let (mut world, alice, bob) = world("", "");
    world.add_user("carl", "srtp = \"required\"");
    let carl = world.add_phone("carl");
    world.phones[bob].manners.answer = Some((s(1), 302));
    world.phones[bob].manners.answer_headers = vec![(Name::Contact, "<sip:carl@tandem.local>".to_owned())];
    world.call(alice, "bert");
    world.run_for(s(5));
    let offered = body_of_invite(&world, carl);
    assert!(offered.contains(" RTP/SAVP "), "{offered}");
    world.run_for(s(60));
    world.finish();
}

#[test]
fn a_refresh_that_is_answered_without_a_key_ends_the_call_and_does_not_go_on_in_plain() {
    let (mut world, alice, bob) = world("", "srtp = \"required\"");
    world.with_phone(bob, encrypts("RTP/SAVP", BOBS));
    world.phones[bob].manners.allow = crate::phone::NO_UPDATE;
    call(&mut world, alice, bob);
    world.phones[bob].crypto = None;
    world.run_for(s(2000));
    assert!(world.phones[bob].requests(Method::Invite).len() >= 2, "it was refreshed");
    assert!(world.shards[0].media.open.is_empty(), "nothing flows any more");
    world.finish();
}

#[test]
fn a_phone_that_took_the_secure_profile_alone_is_offered_no_other_where_another_shard_goes_on() {
    let (mut world, alice, bob) = world("", "srtp = \"offer\"");
    world.with_phone(bob, encrypts("RTP/SAVP", BOBS));
    world.phones[bob].manners.refuses_profile = true;
    call(&mut world, alice, bob);
    let id = world.shards[0].shard.calls().next().unwrap().id;
    let record = world.shards[0].shard.save(world.now, &id).unwrap();
    world.restart_shard(0);
    let (now, wall) = (world.now, world.wall());
    let member = &mut world.shards[0];
    member.shard.restore(now, wall, &record, &mut member.media).unwrap();
    world.phones[alice].whole_sdp = Some(
        "v=0\r\no=- 9 9 IN IP4 192.168.1.1\r\ns=-\r\nc=IN IP4 192.168.1.1\r\nt=0 0\r\n\
m=audio 4000 RTP/AVP 0\r\nm=video 5000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n",
    );
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendrecv"));
    world.run_for(s(1));
    let invites = world.phones[bob].requests(Method::Invite);
    let offer = String::from_utf8_lossy(invites.last().unwrap().body());
    assert_eq!((offer.matches("m=").count(), offer.matches(" RTP/SAVP ").count()), (2, 2), "{offer}");
}

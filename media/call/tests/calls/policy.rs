//! What one side hears of the other: headers by the table, identity as asserted, topology never.

use crate::phone::Sdp;
use crate::world::{World, ms, s};
use call::{ReferPolicy, Settings};
use sip::message::{Message, Method, Name};

fn talking_with(seed: u64, change: impl FnOnce(&mut Settings)) -> (World, usize, usize) {
    let mut world = World::with(seed, change);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.call(alice, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(alice, bob));
    (world, alice, bob)
}

#[test]
fn nothing_of_one_side_is_seen_by_the_other() {
    let mut world = World::new(1);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    for (name, value) in [
        (Name::Organization, "Secretcorp"),
        (Name::InReplyTo, "secret-call"),
        (Name::HistoryInfo, "<sip:secret@tandem.local>;index=1"),
        (Name::Warning, "399 secret.host \"x\""),
        (Name::RemotePartyId, "<sip:secret@tandem.local>"),
    ] {
        world.phones[alice].manners.invite_headers.push((name, value.to_owned()));
        world.phones[bob].manners.answer_headers.push((name, value.to_owned()));
    }
    world.call(alice, "bob");
    world.run_for(s(3));
    world.with_phone(alice, |phone, now| phone.offer(now, Method::Invite, "sendonly"));
    world.run_for(s(1));
    world.with_phone(bob, |phone, now| phone.request(now, Method::Info, &[], Some(("text/plain", b"hello"))));
    world.run_for(s(1));
    world.hang_up(bob);
    let world = world.finish();
    let secrets = |phone: usize| {
        let phone = &world.phones[phone];
        let first = phone.heard.iter().find(|heard| !heard.message().is_request()).map(|heard| heard.message());
        let call_id = first.map_or(String::new(), |message| message.call_id().to_owned());
        [phone.media.ip().to_string(), phone.proxy.address.to_string(), phone.flow.clone(), phone.name.clone(), call_id]
    };
    for (to, bytes) in &world.wire {
        let text = String::from_utf8_lossy(bytes);
        for word in ["ecret", "10.0.1.1", "Tandem-"] {
            assert!(!text.contains(word), "{word} in\n{text}");
        }
        let other = if *to == world.phones[alice].proxy { bob } else { alice };
        for secret in secrets(other).iter().filter(|secret| !secret.is_empty()) {
            assert!(!text.contains(secret.as_str()), "{secret} in\n{text}");
        }
    }
}

#[test]
fn who_calls_is_what_the_proxy_asserted_and_not_what_the_phone_says() {
    let (world, _, bob) = talking_with(2, |_| {});
    let invites = world.phones[bob].requests(Method::Invite);
    let invite = &invites[0];
    assert_eq!((&*invite.from().display_name(), invite.from().uri_text), ("Alice Martin", "sip:6001@tandem.local"));
    assert_eq!(invite.header(Name::PAssertedIdentity), Some(r#""Alice Martin" <sip:6001@tandem.local>"#));
    assert_eq!(invite.to().uri_text, "sip:bob@tandem.local");
    assert_eq!(invite.max_forwards(), Some(68));
}

#[test]
fn a_caller_who_wants_privacy_is_anonymous() {
    for privacy in ["id", "user;critical", "header"] {
        let mut world = World::new(3);
        let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
        world.phones[alice].manners.invite_headers.push((Name::Privacy, privacy.to_owned()));
        world.call(alice, "bob");
        world.run_for(s(3));
        let invites = world.phones[bob].requests(Method::Invite);
        assert_eq!(invites[0].from().uri_text, "sip:anonymous@anonymous.invalid");
        assert!(!String::from_utf8_lossy(invites[0].bytes()).to_lowercase().contains("alice"));
        assert_eq!(invites[0].header(Name::PAssertedIdentity), None);
        world.hang_up(alice);
        world.finish();
    }
}

#[test]
fn what_people_say_to_each_other_passes() {
    let mut world = World::new(4);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    let said = [
        (Name::Subject, "Lunch?"),
        (Name::Priority, "urgent"),
        (Name::AlertInfo, "<urn:alert:service:normal>"),
        (Name::CallInfo, "<https://example.com/alice.png>;purpose=icon"),
        (Name::UserToUser, "00c81031;encoding=hex"),
        (Name::AcceptLanguage, "fr, en;q=0.5"),
    ];
    for (name, value) in said {
        world.phones[alice].manners.invite_headers.push((name, value.to_owned()));
    }
    world.phones[bob].manners.answer = Some((ms(500), 603));
    world.phones[bob].manners.answer_headers = vec![
        (Name::Reason, "Q.850;cause=21".to_owned()),
        (Name::RetryAfter, "120".to_owned()),
        (Name::UserToUser, "00aa;encoding=hex".to_owned()),
    ];
    world.call(alice, "bob");
    let world = world.finish();
    let invites = world.phones[bob].requests(Method::Invite);
    for (name, value) in said {
        assert_eq!(invites[0].header(name), Some(value));
    }
    let refusal = world.phones[alice].heard.last().unwrap().message();
    assert_eq!(refusal.header(Name::Reason), Some("Q.850;cause=21"));
    assert_eq!(refusal.header(Name::RetryAfter), Some("120"));
    assert_eq!(refusal.header(Name::UserToUser), Some("00aa;encoding=hex"));
}

#[test]
fn a_header_past_the_limit_is_dropped() {
    let mut world = World::with(5, |settings| settings.limits.header = 100);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    world.phones[alice].manners.invite_headers.push((Name::Subject, "x".repeat(101)));
    world.phones[alice].manners.invite_headers.push((Name::Priority, "y".repeat(100)));
    world.call(alice, "bob");
    world.run_for(s(3));
    let invites = world.phones[bob].requests(Method::Invite);
    assert_eq!((invites[0].header(Name::Subject), invites[0].header(Name::Priority).map(str::len)), (None, Some(100)));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn the_reason_of_a_bye_passes() {
    let (mut world, alice, bob) = talking_with(6, |_| {});
    world.with_phone(alice, |phone, now| {
        phone.request(now, Method::Bye, &[(Name::Reason, "Q.850;cause=16;text=\"Done\"")], None);
        phone.dialog = None;
    });
    let world = world.finish();
    assert_eq!(world.phones[bob].requests(Method::Bye)[0].header(Name::Reason), Some("Q.850;cause=16;text=\"Done\""));
}

#[test]
fn info_and_message_pass_with_their_bodies_and_statuses() {
    let (mut world, alice, bob) = talking_with(7, |_| {});
    world.phones[bob].manners.within.insert(Method::Message, 488);
    world.with_phone(alice, |phone, now| {
        phone.request(
            now,
            Method::Info,
            &[(Name::InfoPackage, "dtmf")],
            Some(("application/dtmf-relay", b"Signal=5\r\n")),
        );
    });
    world.run_for(s(1));
    world.with_phone(alice, |phone, now| phone.request(now, Method::Message, &[], Some(("text/plain", b"hi"))));
    world.run_for(s(1));
    assert_eq!(world.phones[alice].outcomes, [(Method::Info, 200), (Method::Message, 488)]);
    let infos = world.phones[bob].requests(Method::Info);
    assert_eq!((infos[0].body(), infos[0].header(Name::InfoPackage)), (&b"Signal=5\r\n"[..], Some("dtmf")));
    assert_eq!(infos[0].header(Name::ContentType), Some("application/dtmf-relay"));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn options_is_answered_here_and_other_methods_are_refused() {
    let (mut world, alice, bob) = talking_with(8, |_| {});
    for (method, status) in
        [(Method::Options, 200), (Method::Subscribe, 405), (Method::Publish, 405), (Method::Register, 405)]
    {
        world.with_phone(alice, |phone, now| phone.request(now, method, &[], None));
        world.run_for(s(1));
        assert_eq!(world.phones[alice].outcomes.last(), Some(&(method, status)));
    }
    assert!(world.phones[bob].requests(Method::Options).is_empty());
    world.hang_up(alice);
    world.finish();
}

#[test]
fn a_refer_passes_only_where_policy_and_target_allow_it() {
    for (policy, to, status) in [
        (ReferPolicy::Refuse, "<sip:carol@tandem.local>", 403),
        (ReferPolicy::OwnDomains, "<sip:carol@tandem.local>", 200),
        (ReferPolicy::OwnDomains, "<sip:carol@alias.local>", 200),
        (ReferPolicy::OwnDomains, "<sip:carol@elsewhere.example>", 403),
        (ReferPolicy::OwnDomains, "<sip:carol@tandem.local?Replaces=1%40a%3Bto-tag%3D2%3Bfrom-tag%3D3>", 403),
        (ReferPolicy::OwnDomains, "nonsense", 400),
    ] {
        let (mut world, alice, bob) = talking_with(9, |settings| settings.refer = policy);
        let headers = [(Name::ReferTo, to), (Name::ReferredBy, "<sip:mallory@evil.example>")];
        world.with_phone(alice, |phone, now| phone.request(now, Method::Refer, &headers, None));
        world.run_for(s(1));
        assert_eq!(world.phones[alice].outcomes, [(Method::Refer, status)], "{to}");
        let refers = world.phones[bob].requests(Method::Refer);
        assert_eq!(refers.len(), usize::from(status == 200));
        for refer in refers {
            assert_eq!(refer.header(Name::ReferTo), Some(to));
            assert_eq!(refer.header(Name::ReferredBy), Some("<sip:alice@tandem.local>"));
        }
        world.hang_up(alice);
        world.finish();
    }
}

#[test]
fn a_notify_of_a_refer_names_it_as_its_sender_does_and_shows_a_status_only() {
    let (mut world, alice, bob) = talking_with(10, |settings| settings.refer = ReferPolicy::OwnDomains);
    // So that the two sides count differently.
    for _ in 0..3 {
        world.with_phone(alice, |phone, now| phone.request(now, Method::Options, &[], None));
        world.run_for(s(1));
    }
    let headers = [(Name::ReferTo, "<sip:carol@tandem.local>")];
    world.with_phone(alice, |phone, now| phone.request(now, Method::Refer, &headers, None));
    world.run_for(s(1));
    let (sent, got) =
        (world.phones[alice].dialog.as_ref().unwrap().local_cseq, world.phones[bob].requests(Method::Refer)[0].cseq());
    assert_ne!(sent, got);
    let event = format!("refer;id={got}");
    let headers = [(Name::Event, &*event), (Name::SubscriptionState, "active;expires=60")];
    let body = b"SIP/2.0 180 Ringing\r\nContact: <sip:carol@192.168.9.9>\r\n";
    world.with_phone(bob, |phone, now| phone.request(now, Method::Notify, &headers, Some(("message/sipfrag", body))));
    world.run_for(s(1));
    let notifies = world.phones[alice].requests(Method::Notify);
    assert_eq!(notifies[0].header(Name::Event), Some(&*format!("refer;id={sent}")));
    assert_eq!(notifies[0].body(), b"SIP/2.0 180 Ringing\r\n");
    assert_eq!(notifies[0].header(Name::SubscriptionState), Some("active;expires=60"));
    world.hang_up(alice);
    world.finish();
}

#[test]
fn only_invites_that_a_proxy_has_passed_become_calls() {
    let mut world = World::new(11);
    let (alice, bob) = (world.add_phone("alice"), world.add_phone("bob"));
    for (line, status) in [("Tandem-Target", 403), ("Tandem-Caller", 403), ("Contact", 400)] {
        world.with_phone(alice, |phone, now| {
            phone.invite(now, "alice@tandem.local", "user:bob@tandem.local", Sdp::Offer);
            let sent = phone.endpoint.poll_transmit().unwrap();
            let text = String::from_utf8(sent.bytes).unwrap();
            let stripped =
                text.lines().filter(|it| !it.starts_with(line)).map(|it| format!("{it}\r\n")).collect::<String>();
            phone.raw = Some((sent.to, stripped.into_bytes()));
        });
        world.run_for(s(1));
        assert_eq!(world.phones[alice].statuses().last(), Some(&status), "{line}");
    }
    assert_eq!(world.phones[bob].calls, 0);
    world.finish();
}

#[test]
fn targets_of_later_features_are_501_with_a_reason() {
    let mut world = World::new(12);
    let alice = world.add_phone("alice");
    for target in [
        "menu:welcome",
        "queue:support",
        "voicemail:bob@tandem.local",
        "conference:x",
        "trunk:a;number=1",
        "parking:lot",
    ] {
        world.call_target(alice, target, Sdp::Offer);
        world.run_for(s(1));
        let heard = world.phones[alice].heard.last().unwrap().clone();
        assert_eq!(heard.message().status(), Some(501), "{target}");
        let kind = target.split(':').next().unwrap();
        assert!(heard.message().header(Name::Reason).is_some_and(|reason| reason.contains(kind)));
    }
    world.finish();
}

#[test]
fn a_full_or_draining_shard_says_503_and_when_to_come_back() {
    let mut world = World::with(13, |settings| settings.limits.calls = 1);
    let (alice, bob, carol) = (world.add_phone("alice"), world.add_phone("bob"), world.add_phone("carol"));
    world.call(alice, "bob");
    world.run_for(s(2));
    world.call(carol, "bob");
    world.run_for(s(1));
    let refused = world.phones[carol].heard.last().unwrap().clone();
    assert_eq!((refused.message().status(), refused.message().header(Name::RetryAfter)), (Some(503), Some("10")));
    world.hang_up(alice);
    world.run_for(s(1));
    world.call(carol, "bob");
    world.run_for(s(3));
    assert!(world.is_talking(carol, bob));
    world.shards[0].shard.drain();
    world.call(alice, "bob");
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses().last(), Some(&503));
    assert!(world.is_talking(carol, bob), "live calls go on");
    world.hang_up(carol);
    world.finish();
}

#[test]
fn a_call_that_has_passed_too_many_hops_is_483() {
    let mut world = World::new(14);
    let (alice, _) = (world.add_phone("alice"), world.add_phone("bob"));
    world.with_phone(alice, |phone, now| {
        phone.invite(now, "alice@tandem.local", "user:bob@tandem.local", Sdp::Offer);
        let sent = phone.endpoint.poll_transmit().unwrap();
        let text = String::from_utf8(sent.bytes).unwrap().replace("Max-Forwards: 69", "Max-Forwards: 0");
        phone.raw = Some((sent.to, text.into_bytes()));
    });
    world.run_for(s(1));
    assert_eq!(world.phones[alice].statuses().last(), Some(&483));
    world.finish();
}

#[test]
fn a_request_outside_of_calls_is_answered() {
    let mut world = World::new(15);
    let alice = world.add_phone("alice");
    for (method, status) in [("OPTIONS", 200), ("MESSAGE", 405), ("BYE", 481), ("REGISTER", 405), ("DANCE", 501)] {
        let text = format!(
            "{method} sip:x@cluster.test SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5080;branch=z9hG4bK{method}\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:x@cluster.test>\r\nCall-ID: {method}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        let shard = world.shards[0].hop;
        world.with_phone(alice, |phone, _| phone.raw = Some((shard, text.into_bytes())));
        world.run_for(s(1));
        let (_, answer) = world.wire.last().unwrap();
        let answer = Message::parse(answer).unwrap();
        assert_eq!(answer.status(), Some(status), "{method}");
        assert!(answer.to_tag().is_some());
        assert_eq!(answer.header(Name::Allow).is_some(), status != 481);
    }
    world.finish();
}

//! Direct calls: from phone to phone without a media node.

use super::world::*;
use crate::edge::{Answer, Count};
use proto::registrar::Unavailable;
use proto::wire::{Binding, RegisterResponse};
use sip::hop::{Hop, Transport};
use sip::token::Flow;
use sip::{Method, Name};

const BEN: &str = "sip:ben@192.0.2.20:5066";

/// An authenticated INVITE of Ann for Ben, up to the question where Ben is.
fn calls(proxy: &mut Proxy) {
    proxy.authenticated(ALICE, &invite("ann@direct.local", "ben@direct.local", ALICE), "ann", "ann-demo");
    proxy.nothing();
    assert!(matches!(&proxy.questions[..], [(_, Question::Locate(request))] if request.aor == "ben@direct.local"));
}

fn called(proxy: &mut Proxy, bindings: Vec<Binding>) -> Sent {
    calls(proxy);
    proxy.located(bindings);
    proxy.one()
}

fn is_of_shard(sent: &Sent) -> bool {
    sent.peer() == address(SHARD) && sent.header(Name::TandemTarget) == "user:ben@direct.local"
}

#[test]
fn one_binding_is_reached_without_a_media_node() {
    let mut proxy = Proxy::new(1);
    let ben = proxy.udp(BOB);
    let sent = called(&mut proxy, vec![binding(BEN, ben)]);
    assert_eq!(sent.to, To::Flow(ben));
    let message = sent.message();
    assert_eq!((message.method(), message.request_uri(), message.max_forwards()), (Method::Invite, BEN, Some(69)));
    let routes = sent.all(Name::RecordRoute);
    assert_eq!(routes.iter().map(|route| flow_of(route)).collect::<Vec<_>>(), [ben, proxy.udp(ALICE)]);
    assert_eq!(sent.header(Name::PAssertedIdentity), "<sip:ann@direct.local>");
    assert_eq!((message.header(Name::TandemCaller), message.header(Name::ProxyAuthorization)), (None, None));
    assert!(message.via().text.starts_with("SIP/2.0/UDP sip.test:5060;"), "{}", sent.text());
    proxy.phone(BOB, &response(&sent, 200, ""));
    let back = proxy.one();
    assert_eq!((back.to, back.all(Name::Via).len()), (To::Flow(proxy.udp(ALICE)), 1));
    assert_eq!(proxy.edge.counts().of(Count::DirectForwarded), 1);
}

#[test]
fn whoever_asks_for_privacy_is_not_asserted() {
    let mut proxy = Proxy::new(1);
    let private = invite("ann@direct.local", "ben@direct.local", ALICE).replace("Contact:", "Privacy: id\r\nContact:");
    proxy.authenticated(ALICE, &private, "ann", "ann-demo");
    proxy.located(vec![binding(BEN, proxy.udp(BOB))]);
    assert_eq!(proxy.one().message().header(Name::PAssertedIdentity), None);
}

#[test]
fn retransmission_cancel_and_ack_of_a_failure_take_the_same_way() {
    let mut proxy = Proxy::new(1);
    let ben = vec![binding(BEN, proxy.udp(BOB))];
    let sent = called(&mut proxy, ben.clone());
    assert_eq!(called(&mut proxy, ben.clone()), sent);
    for (method, tag) in [("CANCEL", ""), ("ACK", ";tag=t1")] {
        let follows = request(method, "sip:ben@direct.local", "ann@direct.local", "ben@direct.local", ALICE, "")
            .replace("branch=z9hG4bK1", "branch=z9hG4bKb1")
            .replace("CSeq: 1", "CSeq: 2")
            .replace("To: <sip:ben@direct.local>", &format!("To: <sip:ben@direct.local>{tag}"));
        proxy.phone(ALICE, &follows);
        proxy.located(ben.clone());
        let follower = proxy.one();
        assert_eq!((follower.to, follower.message().request_uri()), (sent.to, BEN), "{method}");
        assert_eq!(follower.message().via().branch, sent.message().via().branch);
    }
}

/// A request within the dialog, with the route set that Record-Route gave, as its sender sees it.
fn within(method: &str, routes: &[Flow], target: &str, peer: &str) -> String {
    let routes = routes.iter().map(|flow| format!("Route: <sip:{}@sip.test:5060;lr>\r\n", flow.seal(&keys().flow)));
    request(method, target, "ann@direct.local", "ben@direct.local", peer, &routes.collect::<String>())
        .replace("To: <sip:ben@direct.local>", "To: <sip:ben@direct.local>;tag=t1")
}

#[test]
fn requests_within_the_dialog_go_both_ways() {
    let mut proxy = Proxy::new(1);
    let (ann, ben) = (proxy.udp(ALICE), proxy.udp(BOB));
    proxy.phone(ALICE, &within("ACK", &[ann, ben], BEN, ALICE));
    let sent = proxy.one();
    assert_eq!((sent.to, sent.message().header(Name::Route), sent.message().request_uri()), (To::Flow(ben), None, BEN));
    proxy.phone(BOB, &within("BYE", &[ben, ann], "sip:ann@192.0.2.10:5062", BOB));
    let sent = proxy.one();
    assert_eq!(sent.to, To::Flow(ann));
    proxy.phone(ALICE, &response(&sent, 200, ""));
    assert_eq!(proxy.one().to, To::Flow(ben));
    proxy.phone(ALICE, &within("INVITE", &[ann, ben], BEN, ALICE));
    let again = proxy.one();
    assert_eq!(again.all(Name::RecordRoute).iter().map(|route| flow_of(route)).collect::<Vec<_>>(), [ben, ann]);
}

#[test]
fn two_proxies_take_the_call_and_all_of_its_dialog() {
    let (mut one, mut two) = (Proxy::new(1), Proxy::new(2));
    let (ann, ben) = (one.udp(ALICE), two.udp(BOB));
    let handed = called(&mut one, vec![binding(BEN, ben)]);
    assert_eq!(handed.to, To::Hop(Hop::new(Transport::Udp, address("10.0.0.2:5080"))));
    assert_eq!(handed.all(Name::Route).iter().map(|route| flow_of(route)).collect::<Vec<_>>(), [ben]);
    two.member("10.0.0.1:5080", handed.text());
    let sent = two.one();
    assert_eq!((sent.to, sent.message().header(Name::Route), sent.message().request_uri()), (To::Flow(ben), None, BEN));
    assert_eq!(sent.all(Name::RecordRoute).iter().map(|route| flow_of(route)).collect::<Vec<_>>(), [ben, ann]);
    two.phone(BOB, &response(&sent, 200, ""));
    let back = two.one();
    assert_eq!(back.to, To::Hop(Hop::new(Transport::Udp, address("10.0.0.1:5080"))));
    one.member("10.0.0.2:5080", back.text());
    assert_eq!(one.one().to, To::Flow(ann));
    // Through either proxy the dialog reaches both phones.
    one.phone(ALICE, &within("BYE", &[ann, ben], BEN, ALICE));
    let handed = one.one();
    two.member("10.0.0.1:5080", handed.text());
    assert_eq!(two.one().to, To::Flow(ben));
    two.phone(ALICE, &within("BYE", &[ann, ben], BEN, ALICE));
    assert_eq!(two.one().to, To::Flow(ben));
    two.phone(BOB, &within("BYE", &[ben, ann], "sip:ann@192.0.2.10:5062", BOB));
    let handed = two.one();
    one.member("10.0.0.2:5080", handed.text());
    assert_eq!(one.one().to, To::Flow(ann));
}

#[test]
fn what_cannot_be_direct_goes_through_a_media_node() {
    let mut proxy = Proxy::new(1);
    let ben = proxy.udp(BOB);
    for bindings in [
        vec![],
        vec![binding(BEN, ben), binding("sip:ben@192.0.2.21", proxy.udp("192.0.2.21:5060"))],
        vec![binding(BEN, proxy.slot(1))],
        vec![Binding { flow: "made-up".into(), ..binding(BEN, ben) }],
    ] {
        let sent = called(&mut proxy, bindings);
        assert!(is_of_shard(&sent), "{}", sent.text());
    }
    // And when one of the two is to be anchored.
    proxy.authenticated(ALICE, &invite("alice@tandem.local", "ben@direct.local", ALICE), "alice", "alice-demo");
    assert!(is_of_shard(&proxy.one()));
    let hidden = invite("anonymous@anonymous.invalid", "ben@direct.local", ALICE);
    proxy.authenticated(ALICE, &hidden, "ann", "ann-demo");
    assert!(is_of_shard(&proxy.one()));
}

#[test]
fn a_binding_behind_an_outer_proxy_is_reached_by_its_path() {
    let mut proxy = Proxy::new(1);
    let path = vec!["<sip:a.example;lr>".to_owned(), "<sip:b.example;lr>".to_owned()];
    let ben = proxy.udp(BOB);
    let sent = called(&mut proxy, vec![Binding { path: path.clone(), ..binding(BEN, ben) }]);
    assert_eq!(sent.all(Name::Route), path);
}

#[test]
fn a_gruu_means_one_phone() {
    let mut proxy = Proxy::new(1);
    let gruu = "ben@direct.local;gr=urn:uuid:1";
    proxy.authenticated(ALICE, &invite("ann@direct.local", gruu, ALICE), "ann", "ann-demo");
    assert!(matches!(&proxy.questions[0].1, Question::Locate(request) if request.instance == "urn:uuid:1"));
    proxy.located(vec![]);
    assert_eq!(proxy.one().header(Name::TandemTarget), "user:ben@direct.local;instance=urn:uuid:1");
    let temporary = proto::gruu::Key::new(&[5; 32]).temporary("bob@tandem.local", "urn:uuid:2", 3, 4);
    let dialled = temporary.strip_prefix("sip:").unwrap();
    proxy.authenticated(ALICE, &invite("alice@tandem.local", dialled, ALICE), "alice", "alice-demo");
    let target = proxy.one().header(Name::TandemTarget);
    let user = dialled.split('@').next().unwrap();
    assert_eq!(target, format!("user:bob@tandem.local;instance={user}"));
}

/// Ben registers, so that the proxy has seen him.
fn registered(proxy: &mut Proxy, flow: Flow) {
    let register = request(
        "REGISTER",
        "sip:direct.local",
        "ben@direct.local",
        "ben@direct.local",
        BOB,
        &format!("Contact: <{BEN}>\r\n"),
    );
    proxy.authenticated(BOB, &register, "ben", "ben-demo");
    let bindings = vec![binding(BEN, flow)];
    proxy.registered(RegisterResponse { status: 200, bindings, now: 1_800_000_000, ..RegisterResponse::default() });
    assert_eq!(proxy.one().status(), 200);
}

#[test]
fn without_a_registry_the_phones_that_registered_here_can_be_called() {
    let mut proxy = Proxy::new(1);
    let ben = proxy.udp(BOB);
    registered(&mut proxy, ben);
    calls(&mut proxy);
    let (id, _) = proxy.questions.remove(0);
    proxy.answer(id, Answer::Located(Err(Unavailable)));
    let sent = proxy.one();
    assert_eq!((sent.to, sent.message().request_uri()), (To::Flow(ben), BEN));
    // A shard that finds no registry asks every proxy.
    let from_shard = request("INVITE", "sip:ben@direct.local", "a@b", "ben@direct.local", SHARD, "");
    proxy.member(SHARD, &from_shard);
    let sent = proxy.one();
    assert_eq!((sent.to, sent.message().request_uri()), (To::Flow(ben), BEN));
    let mut other = Proxy::new(2);
    other.member(SHARD, &from_shard);
    assert_eq!(other.one().status(), 480);
    proxy.pass_time(std::time::Duration::from_secs(601));
    proxy.member(SHARD, &from_shard);
    assert_eq!(proxy.one().status(), 480);
}

#[test]
fn a_phone_of_another_proxy_is_not_remembered() {
    let mut proxy = Proxy::new(1);
    let ben = proxy.udp(BOB);
    registered(&mut proxy, Flow { proxy: 2, ..ben });
    proxy.member(SHARD, &request("INVITE", "sip:ben@direct.local", "a@b", "ben@direct.local", SHARD, ""));
    assert_eq!(proxy.one().status(), 480);
}

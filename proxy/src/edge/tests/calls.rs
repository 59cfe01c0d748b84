//! Calls through a media node.

use super::world::*;
use crate::edge::Count;
use sip::hop::{Hop, Transport};
use sip::token::{Flow, FlowEnd, HopToken};
use sip::{Method, Name};

/// An authenticated INVITE of Alice on its way to the shard.
fn called(proxy: &mut Proxy, to: &str) -> Sent {
    proxy.authenticated(ALICE, &invite("alice@tandem.local", to, ALICE), "alice", "alice-demo");
    proxy.one()
}

fn shard() -> To {
    To::Hop(Hop::new(Transport::Udp, address(SHARD)))
}

#[test]
fn an_invite_is_challenged_and_then_handed_to_the_shard() {
    let mut proxy = Proxy::new(1);
    let first = invite("alice@tandem.local", "bob@tandem.local", ALICE);
    proxy.phone(ALICE, &first);
    let challenged = proxy.one();
    assert_eq!(challenged.status(), 407);
    let tag = challenged.message().to_tag().unwrap().to_owned();
    let ack = request("ACK", "sip:bob@tandem.local", "alice@tandem.local", "bob@tandem.local", ALICE, "");
    proxy.phone(ALICE, &ack.replace("To: <sip:bob@tandem.local>", &format!("To: <sip:bob@tandem.local>;tag={tag}")));
    proxy.nothing();
    assert_eq!(proxy.edge.counts().of(Count::AckAbsorbed), 1);

    let spoofed = "P-Asserted-Identity: <sip:ceo@tandem.local>\r\nTandem-Target: echo\r\nTandem-Other: x\r\n\
        Remote-Party-ID: <sip:a@b>\r\nP-Preferred-Identity: <sip:a@b>\r\nProxy-Authorization: Digest realm=\"elsewhere\"\r\nContact:";
    let again = with_credentials(&first, &challenged, "alice", "alice-demo").replacen("Contact:", spoofed, 1);
    proxy.phone(ALICE, &again);
    let sent = proxy.one();
    assert_eq!(sent.to, shard());
    let message = sent.message();
    assert_eq!((message.method(), message.request_uri()), (Method::Invite, "sip:bob@tandem.local"));
    assert_eq!(message.max_forwards(), Some(69));
    assert_eq!(sent.all(Name::PAssertedIdentity), ["\"Alice Martin\" <sip:6001@tandem.local>"]);
    assert_eq!(sent.header(Name::TandemCaller), "alice@tandem.local");
    assert_eq!(sent.all(Name::TandemTarget), ["user:bob@tandem.local"]);
    assert_eq!(message.named("Tandem-Other"), None);
    assert_eq!(message.header(Name::RemotePartyId).or(message.header(Name::PPreferredIdentity)), None);
    assert_eq!(sent.header(Name::ProxyAuthorization), "Digest realm=\"elsewhere\"");
    let vias = sent.all(Name::Via);
    assert!(vias[0].starts_with("SIP/2.0/UDP 10.0.0.1:5080;branch=z9hG4bK"), "{}", vias[0]);
    assert_eq!(vias[1], "SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKb1;rport=5062;received=192.0.2.10");
    let routes = sent.all(Name::RecordRoute);
    assert_eq!((routes.len(), flow_of(&routes[0])), (1, proxy.udp(ALICE)));
    assert!(routes[0].ends_with("@sip.test:5060;transport=udp;lr>"), "{}", routes[0]);
}

#[test]
fn an_extension_and_a_service_are_told_by_their_meaning() {
    let mut proxy = Proxy::new(1);
    assert_eq!(called(&mut proxy, "6002@127.0.0.1").header(Name::TandemTarget), "user:bob@tandem.local");
    assert_eq!(called(&mut proxy, "9999@tandem.local").header(Name::TandemTarget), "echo");
}

#[test]
fn a_retransmission_and_another_proxys_copy_are_the_same_bytes() {
    let (mut one, mut other) = (Proxy::new(1), Proxy::new(1));
    let first = invite("alice@tandem.local", "bob@tandem.local", ALICE);
    one.phone(ALICE, &first);
    other.phone(ALICE, &first);
    let challenged = one.one();
    assert_eq!(challenged, other.one());
    let again = with_credentials(&first, &challenged, "alice", "alice-demo");
    one.phone(ALICE, &again);
    one.phone(ALICE, &again);
    other.phone(ALICE, &again);
    let sent = one.sent.remove(0);
    assert_eq!((&sent, &sent), (&one.one(), &other.one()));
}

#[test]
fn cancel_and_ack_of_a_failure_follow_their_invite() {
    let mut proxy = Proxy::new(1);
    let sent = called(&mut proxy, "bob@tandem.local");
    let branch = sent.message().via().branch.unwrap().to_owned();
    for (method, to) in [("CANCEL", "<sip:bob@tandem.local>"), ("ACK", "<sip:bob@tandem.local>;tag=t1")] {
        let follows = request(method, "sip:bob@tandem.local", "alice@tandem.local", "bob@tandem.local", ALICE, "")
            .replace("branch=z9hG4bK1", "branch=z9hG4bKb1")
            .replace("CSeq: 1", "CSeq: 2")
            .replace("To: <sip:bob@tandem.local>", &format!("To: {to}"));
        // From another proxy of the cluster, too.
        for proxy in [&mut proxy, &mut Proxy::new(2)] {
            proxy.phone(ALICE, &follows);
            let follower = proxy.one();
            assert_eq!((follower.to, follower.message().via().branch), (sent.to, Some(&*branch)), "{method}");
            assert_eq!(follower.message().header(Name::PAssertedIdentity), None);
        }
    }
}

#[test]
fn a_cancel_of_nobody_reaches_the_shard_of_its_call_id() {
    let mut proxy = Proxy::new(1);
    let cancel =
        request("CANCEL", "sip:bob@tandem.local", "anonymous@anonymous.invalid", "bob@tandem.local", ALICE, "");
    proxy.phone(ALICE, &cancel);
    assert_eq!(proxy.one().to, shard());
}

#[test]
fn responses_go_back_by_their_via() {
    let mut proxy = Proxy::new(1);
    let sent = called(&mut proxy, "bob@tandem.local");
    let ringing = response(&sent, 180, "Tandem-Secret: x\r\nP-Asserted-Identity: <sip:bob@tandem.local>\r\n");
    proxy.member(SHARD, &ringing);
    let back = proxy.one();
    assert_eq!((back.status(), back.to), (180, To::Flow(proxy.udp(ALICE))));
    assert_eq!(back.all(Name::Via), [sent.all(Name::Via)[1].clone()]);
    assert_eq!((back.message().named("Tandem-Secret"), back.all(Name::PAssertedIdentity).len()), (None, 1));
    // Any proxy can take it: for a connection it goes to the one that holds it.
    let mut other = Proxy::new(2);
    other.member(SHARD, &ringing);
    assert_eq!(
        other.one(),
        Sent { to: To::Hop(Hop::new(Transport::Udp, address("10.0.0.1:5080"))), bytes: ringing.into() }
    );
}

#[test]
fn a_response_that_is_not_ours_is_dropped() {
    let mut proxy = Proxy::new(1);
    let sent = called(&mut proxy, "bob@tandem.local");
    let good = response(&sent, 200, "");
    let forged = good.replace(";f=", ";f=x");
    let last = good.replace(&format!("Via: {}\r\n", sent.all(Name::Via)[1]), "");
    for stray in [&forged, &last] {
        proxy.member(SHARD, stray);
        proxy.phone(BOB, stray);
        proxy.nothing();
    }
    assert_eq!(proxy.edge.counts().of(Count::StrayResponse), 4);
}

#[test]
fn without_rport_answers_go_to_the_port_of_the_via() {
    let mut proxy = Proxy::new(1);
    let invite = invite("alice@tandem.local", "bob@tandem.local", ALICE).replace(";rport", "");
    proxy.phone("192.0.2.10:40000", &invite);
    assert_eq!(proxy.one().peer(), address(ALICE));
    // Behind a NAT that port would reach nobody.
    proxy.phone("203.0.113.1:40000", &invite);
    let answer = proxy.one();
    assert_eq!(answer.peer(), address("203.0.113.1:40000"));
    assert!(answer.header(Name::Via).ends_with("branch=z9hG4bK1;received=203.0.113.1"), "{}", answer.text());
}

#[test]
fn a_via_list_in_one_line_keeps_its_rest() {
    let mut proxy = Proxy::new(1);
    let invite =
        invite("alice@tandem.local", "bob@tandem.local", ALICE).replace(";rport", ";rport, SIP/2.0/TCP h;x=\"a,b\"");
    proxy.phone(ALICE, &invite);
    let via = proxy.one().header(Name::Via);
    assert_eq!(
        via,
        "SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bK1;rport=5062;received=192.0.2.10, SIP/2.0/TCP h;x=\"a,b\""
    );
}

/// A request within a dialog that goes through the shard, as Alice sends it.
fn within(method: &str, proxy: &Proxy, node: u16) -> String {
    let route = format!("Route: <sip:{}@sip.test:5060;transport=udp;lr>\r\n", proxy.udp(ALICE).seal(&keys().flow));
    request(method, &contact_of_shard(node), "alice@tandem.local", "bob@tandem.local", ALICE, &route)
        .replace("To: <sip:bob@tandem.local>", "To: <sip:bob@tandem.local>;tag=t1")
}

#[test]
fn a_phones_request_within_a_dialog_goes_straight_to_its_shard() {
    let mut proxy = Proxy::new(1);
    for method in ["BYE", "ACK", "INVITE", "INFO", "FANCY"] {
        proxy.phone(ALICE, &within(method, &proxy, 12));
        let sent = proxy.one();
        assert_eq!((sent.to, sent.message().header(Name::Route)), (shard(), None), "{method}");
        assert_eq!(sent.all(Name::RecordRoute).len(), usize::from(method == "INVITE"));
        assert_eq!(sent.message().header(Name::TandemCaller), None);
    }
    // Not every phone keeps the route; the Contact alone is enough.
    let bare = within("BYE", &proxy, 12);
    let bare =
        bare.lines().filter(|line| !line.starts_with("Route:")).map(|line| format!("{line}\r\n")).collect::<String>();
    proxy.phone(ALICE, &bare);
    assert_eq!(proxy.one().to, shard());
}

#[test]
fn a_dialog_of_a_shard_that_is_gone_does_not_exist() {
    let mut proxy = Proxy::new(1);
    proxy.phone(ALICE, &within("BYE", &proxy, 13));
    assert_eq!(proxy.one().status(), 481);
    proxy.phone(ALICE, &within("ACK", &proxy, 13));
    proxy.nothing();
}

#[test]
fn tokens_outside_of_a_dialog_need_credentials() {
    let mut proxy = Proxy::new(1);
    let outside = within("INVITE", &proxy, 12).replace(";tag=t1", "");
    proxy.phone(ALICE, &outside);
    assert_eq!(proxy.one().status(), 407);
}

/// A request of the shard for Bob, over a flow.
fn to_bob(method: &str, flow: Flow, transport: Transport, peer: &str) -> String {
    let route = format!("Route: <sip:{}@cluster.test;lr>\r\nTandem-Target: x\r\n", flow.seal(&keys().flow));
    request(method, "sip:bob@192.0.2.20:5066", "alice@tandem.local", "bob@tandem.local", peer, &route)
        .replace("SIP/2.0/UDP", &format!("SIP/2.0/{transport}"))
}

#[test]
fn a_shards_request_reaches_the_phone_and_the_answer_the_shard() {
    let mut proxy = Proxy::new(1);
    proxy.member(SHARD, &to_bob("INVITE", proxy.udp(BOB), Transport::Udp, SHARD));
    let sent = proxy.one();
    assert_eq!(sent.to, To::Flow(proxy.udp(BOB)));
    let message = sent.message();
    assert_eq!(
        (message.header(Name::Route), message.header(Name::TandemTarget), message.max_forwards()),
        (None, None, Some(69))
    );
    let via = message.via();
    assert!(via.text.starts_with("SIP/2.0/UDP sip.test:5060;branch="), "{}", via.text);
    let hop = HopToken::open(&keys().flow, via.param("f").unwrap()).unwrap().hop;
    assert_eq!(hop, Hop::new(Transport::Udp, address(SHARD)));
    let routes = sent.all(Name::RecordRoute);
    assert_eq!((routes.len(), flow_of(&routes[0])), (1, proxy.udp(BOB)));
    proxy.phone(BOB, &response(&sent, 200, "P-Asserted-Identity: <sip:ceo@x>\r\nTandem-Target: echo\r\n"));
    let back = proxy.one();
    assert_eq!(back.to, shard());
    assert_eq!(
        (back.message().header(Name::PAssertedIdentity), back.message().header(Name::TandemTarget)),
        (None, None)
    );
    assert_eq!(back.all(Name::Via).len(), 1);
}

#[test]
fn a_request_over_a_connection_from_a_member_is_answered_at_the_members_own_address() {
    let mut proxy = Proxy::new(1);
    let hop = Hop::new(Transport::Tcp, address("10.0.0.12:51234"));
    let arrival = crate::edge::Arrival { face: crate::edge::Face::Inside(hop), peer: hop.address };
    proxy.arrive(arrival, to_bob("INVITE", proxy.slot(5), Transport::Tcp, SHARD).as_bytes());
    let sent = proxy.one();
    assert_eq!(sent.to, To::Flow(proxy.slot(5)));
    assert!(sent.header(Name::Via).starts_with("SIP/2.0/TLS sip.test:5060;"), "{}", sent.text());
    assert!(sent.header(Name::RecordRoute).contains(";transport=tls;lr>"));
    proxy.over(proxy.slot(5), BOB, &response(&sent, 200, ""));
    assert_eq!(proxy.one().to, To::Hop(Hop::new(Transport::Tcp, address(SHARD))));
}

#[test]
fn a_connection_that_is_gone_answers_430() {
    let mut proxy = Proxy::new(1);
    let gone = Flow { end: FlowEnd::Slot { worker: 0, slot: 5, generation: 2 }, ..proxy.slot(5) };
    let of_other = Flow { proxy: 2, ..proxy.slot(5) };
    for flow in [gone, of_other] {
        proxy.member(SHARD, &to_bob("INVITE", flow, Transport::Udp, SHARD));
        let answer = proxy.one();
        assert_eq!((answer.status(), answer.to), (430, shard()));
        proxy.member(SHARD, &to_bob("ACK", flow, Transport::Udp, SHARD));
        proxy.nothing();
    }
    // A dead proxy's datagrams are sent by whoever is asked.
    let of_dead = Flow { proxy: 9, ..proxy.udp(BOB) };
    proxy.member(SHARD, &to_bob("INVITE", of_dead, Transport::Udp, SHARD));
    assert_eq!(proxy.one().peer(), address(BOB));
}

#[test]
fn a_phone_that_listens_elsewhere_is_reached_there() {
    let mut proxy = Proxy::new(1);
    let request = to_bob("INVITE", proxy.udp("192.0.2.20:40000"), Transport::Udp, SHARD);
    proxy.member(SHARD, &request);
    assert_eq!(proxy.one().peer(), address(BOB));
    // Behind a NAT, or over an outbound flow, the flow counts.
    proxy.member(SHARD, &request.replace("192.0.2.20:5066", "192.168.1.2:5066"));
    assert_eq!(proxy.one().peer(), address("192.0.2.20:40000"));
    proxy.member(SHARD, &request.replace("192.0.2.20:5066", "192.0.2.20:5066;ob"));
    assert_eq!(proxy.one().peer(), address("192.0.2.20:40000"));
}

#[test]
fn without_a_shard_the_caller_is_told_to_come_again() {
    let mut proxy = Proxy::new(1);
    proxy.edge.view.membership.store(Default::default());
    let answer = called(&mut proxy, "bob@tandem.local");
    assert_eq!(answer.status(), 503);
    assert!(answer.message().number(Name::RetryAfter).is_some());
}

#[test]
fn a_request_that_no_member_takes_is_answered_503() {
    let mut proxy = Proxy::new(1);
    let sent = called(&mut proxy, "bob@tandem.local");
    let To::Hop(hop) = sent.to else { panic!("{:?}", sent.to) };
    proxy.undelivered(hop, &sent.bytes);
    let answer = proxy.one();
    assert_eq!((answer.status(), answer.to), (503, To::Flow(proxy.udp(ALICE))));
    proxy.undelivered(hop, response(&sent, 200, "").as_bytes());
    proxy.nothing();
}

#[test]
fn a_hidden_caller_is_asserted_inside_only() {
    let mut proxy = Proxy::new(1);
    let hidden = invite("anonymous@anonymous.invalid", "bob@tandem.local", ALICE);
    proxy.authenticated(ALICE, &hidden, "alice", "alice-demo");
    let sent = proxy.one();
    assert_eq!((sent.to, sent.header(Name::TandemCaller)), (shard(), "alice@tandem.local".into()));
}

//! What any request must be, and who may send it.

use super::world::*;
use crate::edge::{Arrival, Count, Face};
use sip::Name;
use sip::random::Random;

fn options(uri: &str, extra: &str) -> String {
    request("OPTIONS", uri, "alice@tandem.local", "alice@tandem.local", ALICE, extra)
}

#[test]
fn options_for_the_exchange_is_answered_to_anybody() {
    let mut proxy = Proxy::new(1);
    for uri in ["sip:tandem.local", "sip:127.0.0.1:5060", "sip:sip.test", "sip:cluster.test", "sip:10.0.0.1:5080"] {
        let options = options(uri, "");
        proxy.phone(ALICE, &options);
        let answer = proxy.one();
        assert_eq!(answer.status(), 200, "{uri}");
        assert!(answer.message().to_tag().is_some() && answer.header(Name::Allow).contains("INVITE"));
        proxy.phone(ALICE, &options);
        assert_eq!(proxy.one(), answer);
    }
    proxy.member(SHARD, &options("sip:10.0.0.1:5080", ""));
    assert_eq!(proxy.one().status(), 200);
    proxy.phone(ALICE, &options("sip:bob@tandem.local", ""));
    assert_eq!(proxy.one().status(), 407);
}

#[test]
fn what_a_request_must_be() {
    let bob = "sip:bob@tandem.local";
    let mark = format!("Via: SIP/2.0/UDP a, SIP/2.0/UDP b;l={:08x}\r\n", proto::ring::hash(bob.as_bytes()) as u32);
    let cases = [
        (options(bob, "").replace("Max-Forwards: 70", "Max-Forwards: 0"), 483),
        (options(bob, &mark), 482),
        (options(bob, "Via: SIP/2.0/UDP a;l=00000000\r\n"), 407),
        (options(bob, "Proxy-Require: sec-agree\r\n"), 420),
        (options("urn:service:sos", ""), 416),
        (options(bob, "").replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), 505),
        (options(bob, "").replace("CSeq: 1", "CSeq: x"), 400),
        (options(bob, "").replace("Content-Length: 0", "Content-Length: 9"), 400),
        (options("sip:tandem.local", "").replace("Max-Forwards: 70", "Max-Forwards: 0"), 200),
        (options("sip:tandem.local", "Proxy-Require: sec-agree\r\n"), 420),
    ];
    for (text, status) in cases {
        let mut proxy = Proxy::new(1);
        proxy.phone(ALICE, &text);
        assert_eq!(proxy.one().status(), status, "{text}");
        proxy.phone(ALICE, &text.replace("OPTIONS", "ACK"));
        proxy.sent.retain(|sent| sent.text().starts_with("SIP/2.0 "));
        proxy.nothing();
    }
}

#[test]
fn only_its_own_address_may_stand_in_a_callers_from() {
    let mut proxy = Proxy::new(1);
    proxy.authenticated(ALICE, &invite("bob@tandem.local", "6002@tandem.local", ALICE), "alice", "alice-demo");
    assert_eq!(proxy.one().status(), 403);
    proxy.authenticated(ALICE, &invite("6001@127.0.0.1", "6002@tandem.local", ALICE), "alice", "alice-demo");
    assert_eq!(proxy.one().header(Name::TandemCaller), "alice@tandem.local");
}

#[test]
fn nobody_is_relayed_elsewhere() {
    let mut proxy = Proxy::new(1);
    proxy.authenticated(ALICE, &invite("alice@tandem.local", "x@elsewhere.example", ALICE), "alice", "alice-demo");
    assert_eq!(proxy.one().status(), 403);
    let routed = invite("alice@tandem.local", "bob@tandem.local", ALICE);
    proxy.phone(ALICE, &routed.replace("Contact:", "Route: <sip:elsewhere.example;lr>\r\nContact:"));
    assert_eq!(proxy.one().status(), 403);
    proxy.phone(ALICE, &routed.replace("Contact:", "Route: <sip:sip.test;lr>\r\nContact:"));
    assert_eq!(proxy.one().status(), 407);
    proxy.authenticated(ALICE, &invite("alice@tandem.local", "5555@tandem.local", ALICE), "alice", "alice-demo");
    assert_eq!(proxy.one().status(), 404);
}

#[test]
fn credentials_for_another_number_or_method_are_worth_nothing() {
    let mut proxy = Proxy::new(1);
    let first = invite("alice@tandem.local", "bob@tandem.local", ALICE);
    proxy.phone(ALICE, &first);
    let good = with_credentials(&first, &proxy.one(), "alice", "alice-demo");
    let elsewhere = good.replacen("INVITE sip:bob@tandem.local", "INVITE sip:9999@tandem.local", 1);
    let message = good.replacen("INVITE", "MESSAGE", 1).replace("CSeq: 2 INVITE", "CSeq: 2 MESSAGE");
    for worthless in [elsewhere, message] {
        proxy.phone(ALICE, &worthless);
        assert_eq!(proxy.one().status(), 407);
    }
    assert_eq!(proxy.edge.counts().of(Count::AuthenticationFailed), 2);
    // The same URI otherwise written is the same.
    proxy.phone(ALICE, &good.replacen("INVITE sip:bob@tandem.local", "INVITE sip:%62ob@TANDEM.local", 1));
    assert_eq!(proxy.one().peer(), address(SHARD));
}

#[test]
fn a_source_that_sends_too_much_is_dropped() {
    let mut proxy = Proxy::with(1, |settings| {
        (settings.limits.rate, settings.limits.burst) = (1, 5);
        settings.limits.exempt = vec!["192.0.2.20/32".parse().unwrap()];
    });
    for _ in 0..9 {
        proxy.phone(ALICE, &options("sip:tandem.local", ""));
        proxy.phone(BOB, &options("sip:tandem.local", ""));
    }
    assert_eq!((proxy.sent.len(), proxy.edge.counts().of(Count::Limited)), (5 + 9, 4));
}

#[test]
fn anything_may_come_and_nothing_breaks() {
    let seed = 42;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut proxy = Proxy::with(1, |settings| settings.limits.exempt = vec!["0.0.0.0/0".parse().unwrap()]);
    let first = invite("alice@tandem.local", "bob@tandem.local", ALICE);
    proxy.phone(ALICE, &first);
    let good = with_credentials(&first, &proxy.one(), "alice", "alice-demo");
    let bodies = [first, good, options("sip:tandem.local", ""), "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n".into()];
    for _ in 0..20_000 {
        let mut bytes = bodies[random.number() as usize % bodies.len()].clone().into_bytes();
        for _ in 0..1 + random.number() % 4 {
            let at = random.number() as usize % bytes.len().max(1);
            match random.number() % 3 {
                0 if at < bytes.len() => bytes[at] = random.number() as u8,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let hop = sip::hop::Hop::new(sip::hop::Transport::Tcp, address(SHARD));
        for face in [Face::Public(proxy.udp(ALICE)), Face::Inside(hop)] {
            proxy.arrive(Arrival { face, peer: address(ALICE) }, &bytes);
        }
        proxy.sent.clear();
    }
}

//! REGISTER.

use super::world::*;
use crate::edge::{Answer, Count};
use proto::registrar::Unavailable;
use proto::wire::{Binding, RegisterRequest, RegisterResponse};
use sip::Name;
use sip::digest::{Algorithm, Challenge, Staleness};
use sip::token::Flow;
use std::time::Duration;

fn register(aor: &str, extra: &str) -> String {
    let contact = format!("Contact: <sip:x@{ALICE};ob>;q=0.5;+sip.ice\r\nExpires: 600\r\n{extra}");
    let domain = aor.split('@').nth(1).unwrap();
    request("REGISTER", &format!("sip:{domain}"), aor, aor, ALICE, &contact)
}

fn asked(proxy: &Proxy) -> &RegisterRequest {
    match &proxy.questions[..] {
        [(_, Question::Register(request))] => request,
        other => panic!("{other:?}"),
    }
}

fn challenges(sent: &Sent) -> Vec<(Algorithm, Staleness)> {
    let message = sent.message();
    let challenges = message.all(Name::WwwAuthenticate).chain(message.all(Name::ProxyAuthenticate));
    challenges.map(|value| Challenge::parse(value).unwrap()).map(|c| (c.algorithm, c.stale)).collect()
}

fn ok(bindings: Vec<Binding>) -> RegisterResponse {
    RegisterResponse { status: 200, bindings, now: 1_800_000_000, ..RegisterResponse::default() }
}

#[test]
fn a_registration_is_challenged_in_the_domains_order_then_asked_of_the_registry() {
    let mut proxy = Proxy::new(1);
    let first = register("alice@tandem.local", "User-Agent: phone/1\r\nSupported: gruu\r\n");
    proxy.phone(ALICE, &first);
    let challenged = proxy.one();
    assert_eq!((challenged.status(), challenged.peer()), (401, address(ALICE)));
    assert_eq!(challenges(&challenged), ALGORITHMS.map(|algorithm| (algorithm, Staleness::No)));
    assert!(challenged.header(Name::Via).ends_with(";rport=5062;received=192.0.2.10"), "{}", challenged.text());
    proxy.phone(ALICE, &with_credentials(&first, &challenged, "alice", "alice-demo"));
    proxy.nothing();
    let request = asked(&proxy);
    assert_eq!((request.aor.as_str(), request.cseq, request.nonce_count), ("alice@tandem.local", 2, 1));
    assert_eq!((request.transport.as_str(), request.received.as_str()), ("udp", ALICE));
    assert_eq!((request.user_agent.as_str(), request.gruu, request.all), ("phone/1", true, false));
    assert_eq!(request.nonce_issued_at, proxy.wall.0);
    let contact = &request.contacts[0];
    assert_eq!((contact.uri.as_str(), contact.expires, contact.q), ("sip:x@192.0.2.10:5062;ob", 600, 500));
    assert_eq!((contact.params.as_str(), contact.reg_id), (";+sip.ice", 0));
    assert_eq!(Flow::open(&keys().flow, &request.flow), Some(proxy.udp(ALICE)));
    let binding = Binding {
        q: 500,
        params: ";+sip.ice".into(),
        instance: "urn:uuid:1".into(),
        public_gruu: "sip:alice@tandem.local;gr=urn:uuid:1".into(),
        ..binding("sip:x@192.0.2.10:5062;ob", proxy.udp(ALICE))
    };
    proxy.registered(ok(vec![binding]));
    let answer = proxy.one();
    assert_eq!((answer.status(), answer.peer()), (200, address(ALICE)));
    assert_eq!(
        answer.header(Name::Contact),
        "<sip:x@192.0.2.10:5062;ob>;expires=600;q=0.500;+sip.instance=\"<urn:uuid:1>\";+sip.ice;\
         pub-gruu=\"sip:alice@tandem.local;gr=urn:uuid:1\""
    );
    assert_eq!(answer.header(Name::Date), "Fri, 15 Jan 2027 08:00:00 GMT");
    assert_eq!(answer.message().header(Name::Require), None);
    assert_eq!((answer.message().cseq(), answer.message().method_text()), (2, "REGISTER"));
}

#[test]
fn wrong_password_unknown_user_and_unknown_domain_get_the_same_answer() {
    let mut answers = Vec::new();
    for (aor, password) in [
        ("alice@tandem.local", "wrong"),
        ("nobody@tandem.local", "alice-demo"),
        ("alice@unknown.example", "alice-demo"),
    ] {
        let mut proxy = Proxy::new(1);
        let user = aor.split('@').next().unwrap();
        proxy.authenticated(ALICE, &register(aor, ""), user, password);
        let answer = proxy.one();
        let nonce = Challenge::parse(&answer.header(Name::WwwAuthenticate)).unwrap().nonce.to_owned();
        let domain = aor.split('@').nth(1).unwrap();
        answers.push(answer.text().replace(&nonce, "NONCE").replace(aor, "AOR").replace(domain, "DOMAIN"));
        assert_eq!(challenges(&answer), ALGORITHMS.map(|algorithm| (algorithm, Staleness::No)));
        assert!(proxy.questions.is_empty());
        assert_eq!(proxy.edge.counts().of(Count::AuthenticationFailed), 1);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[test]
fn an_old_nonce_is_stale_if_the_password_is_right() {
    for (password, stale) in [("alice-demo", Staleness::Stale), ("wrong", Staleness::No)] {
        let mut proxy = Proxy::new(1);
        let first = register("alice@tandem.local", "");
        proxy.phone(ALICE, &first);
        let again = with_credentials(&first, &proxy.one(), "alice", password);
        proxy.pass_time(Duration::from_secs(301));
        proxy.phone(ALICE, &again);
        assert_eq!(challenges(&proxy.one())[0].1, stale, "{password}");
    }
}

#[test]
fn a_nonce_of_another_purpose_or_user_is_stale_too() {
    let mut proxy = Proxy::new(1);
    proxy.phone(ALICE, &register("bob@tandem.local", ""));
    let challenged = proxy.one();
    let first = register("alice@tandem.local", "");
    proxy.phone(ALICE, &with_credentials(&first, &challenged, "alice", "alice-demo"));
    assert_eq!(challenges(&proxy.one())[0].1, Staleness::Stale);
    assert!(proxy.questions.is_empty());
}

#[test]
fn a_nonce_count_that_the_registry_has_seen_is_challenged_as_stale() {
    let mut proxy = Proxy::new(1);
    let first = register("alice@tandem.local", "");
    proxy.authenticated(ALICE, &first, "alice", "alice-demo");
    proxy.registered(RegisterResponse { status: 401, stale: true, ..RegisterResponse::default() });
    let challenged = proxy.one();
    assert_eq!(challenges(&challenged), ALGORITHMS.map(|algorithm| (algorithm, Staleness::Stale)));
    proxy.phone(ALICE, &with_credentials(&first, &challenged, "alice", "alice-demo"));
    assert_eq!(asked(&proxy).aor, "alice@tandem.local");
}

#[test]
fn nobody_registers_for_another() {
    let mut proxy = Proxy::new(1);
    let other = register("bob@tandem.local", "");
    proxy.authenticated(ALICE, &other, "alice", "alice-demo");
    assert_eq!(proxy.one().status(), 403);
    let own_extension = register("6001@127.0.0.1", "");
    proxy.authenticated(ALICE, &own_extension, "alice", "alice-demo");
    assert_eq!(asked(&proxy).aor, "alice@tandem.local");
}

#[test]
fn outbound_is_required_of_the_phone_where_it_is_used() {
    let instance = "Contact: <sip:y@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n";
    for (extra, status, require) in [
        (format!("Supported: path, outbound\r\n{instance}"), 200, Some("outbound")),
        (instance.to_owned(), 200, None),
        (format!("Supported: outbound\r\n{instance}Via: SIP/2.0/UDP h\r\n"), 439, None),
        (format!("Supported: outbound\r\n{instance}Via: SIP/2.0/UDP h\r\nPath: <sip:p;lr>\r\n"), 439, None),
        (
            format!("Supported: outbound\r\n{instance}Via: SIP/2.0/UDP h\r\nPath: <sip:q;lr>, <sip:p;lr;ob>\r\n"),
            200,
            Some("outbound"),
        ),
    ] {
        let mut proxy = Proxy::new(1);
        proxy.authenticated(ALICE, &register("alice@tandem.local", &extra), "alice", "alice-demo");
        if status == 200 {
            assert_eq!(asked(&proxy).contacts[1].reg_id, u32::from(require.is_some()));
            proxy.registered(ok(vec![]));
        }
        let answer = proxy.one();
        assert_eq!((answer.status(), answer.message().header(Name::Require)), (status, require), "{extra}");
        assert_eq!(answer.message().header(Name::FlowTimer).is_some(), require.is_some());
        assert_eq!(answer.message().header(Name::Path).is_some(), extra.contains("Path") && status == 200);
    }
}

#[test]
fn without_a_registry_the_phone_is_told_to_come_again() {
    let mut proxy = Proxy::new(1);
    let request = register("alice@tandem.local", "");
    proxy.authenticated(ALICE, &request, "alice", "alice-demo");
    let (id, _) = proxy.questions.remove(0);
    proxy.answer(id, Answer::Registered(Err(Unavailable)));
    let answer = proxy.one();
    let seconds: u64 = answer.header(Name::RetryAfter).parse().unwrap();
    assert!(answer.status() == 503 && (5..=30).contains(&seconds));

    proxy.authenticated(ALICE, &request, "alice", "alice-demo");
    let (id, _) = proxy.questions.remove(0);
    proxy.pass_time(Duration::from_secs(3));
    proxy.nothing();
    proxy.pass_time(Duration::from_secs(1));
    assert_eq!(proxy.one().status(), 503);
    proxy.answer(id, Answer::Registered(Ok(ok(vec![]))));
    proxy.nothing();
}

#[test]
fn what_waits_for_the_registry_is_bounded() {
    let mut proxy = Proxy::with(1, |settings| settings.waiting = 1);
    let request = register("alice@tandem.local", "");
    proxy.authenticated(ALICE, &request, "alice", "alice-demo");
    proxy.authenticated(ALICE, &request, "alice", "alice-demo");
    assert_eq!((proxy.one().status(), proxy.questions.len()), (503, 1));
}

#[test]
fn a_refusal_of_the_registry_reaches_the_phone() {
    let mut proxy = Proxy::new(1);
    for (status, min_expires) in [(423, Some("60")), (500, None), (403, None)] {
        proxy.authenticated(ALICE, &register("alice@tandem.local", ""), "alice", "alice-demo");
        proxy.registered(RegisterResponse { status, min_expires: 60, ..RegisterResponse::default() });
        let answer = proxy.one();
        assert_eq!((u32::from(answer.status()), answer.message().header(Name::MinExpires)), (status, min_expires));
    }
}

#[test]
fn malformed_and_foreign_contacts_are_refused() {
    for (extra, status) in [
        ("Contact: <mailto:a@b>\r\n", 400),
        ("Contact: <sip:a@b\r\n", 400),
        ("Contact: *\r\n", 400),
        ("Require: path, unheard-of\r\n", 420),
    ] {
        let mut proxy = Proxy::new(1);
        let request = register("alice@tandem.local", extra);
        proxy.phone(ALICE, &request);
        let mut answer = proxy.one();
        if answer.status() == 401 {
            proxy.phone(ALICE, &with_credentials(&request, &answer, "alice", "alice-demo"));
            answer = proxy.one();
        }
        assert_eq!(answer.status(), status, "{extra}");
        if status == 420 {
            assert_eq!(answer.header(Name::Unsupported), "unheard-of");
        }
    }
}

#[test]
fn a_star_and_a_query_are_told_to_the_registry() {
    let mut proxy = Proxy::new(1);
    let star = register("alice@tandem.local", "").replace(&format!("<sip:x@{ALICE};ob>;q=0.5;+sip.ice"), "*");
    proxy.authenticated(ALICE, &star.replace("Expires: 600", "Expires: 0"), "alice", "alice-demo");
    let request = asked(&proxy);
    assert!(request.all && request.contacts.is_empty() && request.expires == 0);
    proxy.registered(ok(vec![]));
    assert_eq!(proxy.one().status(), 200);
    let query = star.replace("Contact: *\r\n", "");
    proxy.authenticated(ALICE, &query, "alice", "alice-demo");
    let request = asked(&proxy);
    assert!(!request.all && request.contacts.is_empty());
}

#[test]
fn who_guesses_passwords_is_shut_out() {
    let mut proxy = Proxy::with(1, |settings| settings.limits.failures = 3);
    let request = register("alice@tandem.local", "");
    for _ in 0..4 {
        proxy.authenticated(ALICE, &request, "alice", "wrong");
        assert_eq!(proxy.one().status(), 401);
    }
    proxy.phone(ALICE, &request);
    proxy.nothing();
    proxy.over(proxy.slot(1), ALICE, &request);
    assert_eq!(proxy.closed, [proxy.slot(1)]);
    assert_eq!((proxy.edge.counts().of(Count::Banned), proxy.edge.counts().of(Count::BansBegun)), (2, 1));
    proxy.phone(BOB, &request);
    assert_eq!(proxy.one().status(), 401);
}

#[test]
fn made_up_nonces_ban_nobody() {
    let mut proxy = Proxy::with(1, |settings| settings.limits.failures = 0);
    let request = register("alice@tandem.local", "");
    proxy.phone(ALICE, &request);
    let challenged = proxy.one();
    let forged = with_credentials(&request, &challenged, "alice", "wrong");
    let nonce = Challenge::parse(&challenged.header(Name::WwwAuthenticate)).unwrap().nonce.to_owned();
    proxy.phone(ALICE, &forged.replace(&nonce, "made-up"));
    assert_eq!(proxy.one().status(), 401);
    proxy.phone(ALICE, &request);
    assert_eq!(proxy.one().status(), 401);
}

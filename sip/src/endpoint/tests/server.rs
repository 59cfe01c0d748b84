use super::*;

const INVITE: &str = "INVITE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKp1\r\n\
    Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKa1\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\n\
    Call-ID: c1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";

fn with_tag(request: &str, tag: &str) -> String {
    request.replace("To: <sip:bob@example.com>", &format!("To: <sip:bob@example.com>;tag={tag}"))
}

fn options() -> String {
    INVITE.replace("INVITE", "OPTIONS")
}

fn cancel() -> String {
    INVITE.replace("INVITE", "CANCEL")
}

/// The ACK of a failure, on the INVITE's branch.
fn ack_of_failure() -> String {
    with_tag(&INVITE.replace("INVITE", "ACK"), "ours")
}

/// The ACK of a 2xx, on a branch of its own.
fn ack_of_2xx() -> String {
    ack_of_failure().replace("z9hG4bKp1", "z9hG4bKp2")
}

fn statuses(sent: &[String]) -> Vec<&str> {
    sent.iter().map(|text| &text["SIP/2.0 ".len()..][..3]).collect()
}

#[test]
fn copies_of_a_request_are_absorbed_and_answered_with_the_last_response() {
    let options = options();
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(&options);
    let id = bench.server();
    bench.hear(&options);
    assert!(bench.events().is_empty() && bench.sent().is_empty());
    bench.respond(id, &options, 200);
    let ok = bench.sent_one();
    bench.hear(&options);
    assert_eq!(bench.sent(), [ok]);
    assert_eq!(bench.events(), []);
    bench.assert_idle_after(32_000);
}

#[test]
fn an_unanswered_request_ends_and_a_late_response_is_dropped() {
    let mut bench = Bench::over(Transport::Tcp);
    bench.hear(&options());
    let id = bench.server();
    bench.assert_idle_after(32_000);
    bench.respond(id, &options(), 200);
    assert!(bench.endpoint.is_idle());
}

#[test]
fn a_silent_user_gets_a_100_sent_for_it() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(INVITE);
    let id = bench.server();
    bench.wait(199);
    assert_eq!(bench.sent(), [""; 0]);
    bench.wait(1);
    let trying = bench.sent_one();
    assert_eq!(first_line(&trying), "SIP/2.0 100 Trying");
    assert_eq!(Message::parse(trying.as_bytes()).unwrap().to_tag(), None);
    bench.hear(INVITE);
    assert_eq!(bench.sent(), [trying]);
    bench.respond(id, INVITE, 180);
    let ringing = bench.sent_one();
    bench.hear(INVITE);
    assert_eq!(bench.sent(), [ringing]);
}

#[test]
fn a_failure_is_repeated_until_the_ack_on_its_branch() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(INVITE);
    let id = bench.server();
    bench.respond(id, INVITE, 486);
    bench.respond(id, INVITE, 200);
    bench.wait(1500);
    assert_eq!(statuses(&bench.sent()), ["486", "486", "486"]);
    bench.hear(&ack_of_failure());
    bench.wait(4000);
    assert!(bench.sent().is_empty() && bench.events().is_empty());
    bench.hear(&ack_of_failure());
    assert_eq!(bench.events(), []);
    bench.assert_idle_after(1000);
}

#[test]
fn a_failure_whose_ack_is_lost_for_good_ends() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut bench = Bench::over(transport);
        bench.hear(INVITE);
        let id = bench.server();
        bench.respond(id, INVITE, 404);
        bench.assert_idle_after(32_000);
    }
}

#[test]
fn a_2xx_is_repeated_until_its_ack_which_is_delivered_once() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut bench = Bench::over(transport);
        bench.hear(INVITE);
        let id = bench.server();
        bench.respond(id, INVITE, 200);
        bench.wait(3500);
        assert_eq!(statuses(&bench.sent()), ["200"; 4]);
        bench.hear(INVITE);
        assert_eq!(bench.sent(), [""; 0], "a late copy is absorbed (RFC 6026)");
        bench.hear(&ack_of_2xx().replace("tag=ours", "tag=other"));
        assert!(matches!(bench.events()[..], [Event::Ack { invite: None, .. }]), "of another dialog");
        bench.hear(&ack_of_2xx());
        assert!(matches!(bench.events()[..], [Event::Ack { invite: Some(invite), .. }] if invite == id));
        bench.hear(&ack_of_2xx().replace("z9hG4bKp2", "z9hG4bKp3"));
        bench.wait(10_000);
        assert!(bench.sent().is_empty() && bench.events().is_empty());
        bench.assert_idle_after(32_000 - 13_500);
    }
}

#[test]
fn a_2xx_that_nobody_acknowledges_is_reported() {
    let mut bench = Bench::over(Transport::Tcp);
    bench.hear(INVITE);
    let id = bench.server();
    bench.respond(id, INVITE, 200);
    bench.wait(32_000);
    assert_eq!(bench.events(), [Event::AckMissing { invite: id }]);
    assert_eq!(bench.sent().len(), 11);
    assert!(bench.endpoint.is_idle());
}

#[test]
fn cancel_is_answered_and_reported_once() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(INVITE);
    let id = bench.server();
    bench.respond(id, INVITE, 180);
    bench.sent();
    bench.hear(&cancel());
    bench.hear(&cancel());
    assert_eq!(bench.events(), [Event::Cancel { invite: id, reason: None }]);
    let sent = bench.sent();
    assert_eq!(statuses(&sent), ["200", "200"]);
    let ok = Message::parse(sent[0].as_bytes()).unwrap();
    assert_eq!((ok.method(), ok.to_tag()), (Method::Cancel, Some("ours")), "the tag of the INVITE's responses");
    bench.respond(id, INVITE, 487);
    bench.hear(&ack_of_failure());
    bench.hear(&cancel());
    assert_eq!(statuses(&bench.sent()), ["487", "200"]);
    assert_eq!(bench.events(), []);
    bench.assert_idle_after(5000);
}

#[test]
fn cancel_after_200_changes_nothing() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(INVITE);
    let id = bench.server();
    bench.respond(id, INVITE, 200);
    bench.hear(&cancel());
    assert_eq!(statuses(&bench.sent()), ["200", "200"]);
    assert_eq!(bench.events(), []);
    bench.wait(500);
    assert_eq!(statuses(&bench.sent()), ["200"], "the INVITE's is still repeated");
}

#[test]
fn cancel_of_nothing_is_481() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(INVITE);
    bench.server();
    bench.hear(&cancel().replace("z9hG4bKp1", "z9hG4bKp2"));
    assert_eq!(statuses(&bench.sent()), ["481"]);
    assert_eq!(bench.events(), []);
}

#[test]
fn a_request_that_came_on_two_ways_is_482_on_the_second() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(INVITE);
    let id = bench.server();
    let second = INVITE.replace("z9hG4bKp1", "z9hG4bKp2");
    bench.hear(&second);
    bench.hear(&second);
    let sent = bench.sent();
    assert_eq!(statuses(&sent), ["482", "482"]);
    assert_eq!(sent[0], sent[1], "with the same tag");
    let tag = Message::parse(sent[0].as_bytes()).unwrap().to_tag().unwrap().to_owned();
    bench.hear(&with_tag(&second.replace("INVITE", "ACK"), &tag));
    assert_eq!(bench.events(), [], "its ACK is nobody's");
    assert_eq!(bench.endpoint.counts().merged, 2);
    bench.hear(&with_tag(&second.replace("1 INVITE", "2 INVITE"), "ours"));
    assert_ne!(bench.server(), id, "within the dialog nothing merges");
}

#[test]
fn a_request_merges_only_while_the_first_is_open() {
    let mut bench = Bench::over(Transport::Tcp);
    bench.hear(&options());
    let id = bench.server();
    bench.respond(id, &options(), 200);
    bench.hear(&options().replace("z9hG4bKp1", "z9hG4bKp2"));
    bench.server();
}

#[test]
fn beyond_the_limit_new_requests_are_503_and_dialogs_go_on() {
    let mut bench = Bench::over(Transport::Udp);
    bench.endpoint = Endpoint::new(Timers::default(), "192.0.2.1".to_owned(), 1).with_limit(2);
    let nth = |n: u32| INVITE.replace("z9hG4bKp1", &format!("z9hG4bKq{n}")).replace("c1", &format!("c{n}"));
    for n in 0..2 {
        bench.hear(&nth(n));
        bench.server();
    }
    bench.hear(&nth(2));
    let refusal = bench.sent_one();
    assert!(refusal.starts_with("SIP/2.0 503 ") && refusal.contains("\r\nRetry-After: 5\r\n"), "{refusal}");
    for n in 3..5 {
        bench.hear(&with_tag(&nth(n), "ours"));
        bench.server();
    }
    bench.hear(&with_tag(&nth(5), "ours"));
    assert_eq!(statuses(&bench.sent()), ["503"], "but not without end");
    assert_eq!(bench.endpoint.counts().refused, 2);
    assert_eq!(bench.events(), []);
}

#[test]
fn a_copy_through_another_proxy_takes_the_responses_with_it() {
    let second = INVITE.replace("192.0.2.9:5060;branch=z9hG4bKp1", "192.0.2.8:5060;branch=z9hG4bKp1;f=x");
    let (first_hop, second_hop) =
        (Bench::over(Transport::Udp).hop, Hop::new(Transport::Udp, ([192, 0, 2, 8], 5060).into()));
    let vias =
        |text: &str| Message::parse(text.as_bytes()).unwrap().all(Name::Via).map(str::to_owned).collect::<Vec<_>>();
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(INVITE);
    let id = bench.server();
    bench.respond(id, INVITE, 180);
    let [(hop, ringing)] = &bench.sent_to()[..] else { panic!() };
    assert_eq!((*hop, vias(ringing)), (first_hop, vias(INVITE)));
    bench.hear_from(second_hop, &second);
    assert_eq!(bench.events(), [], "the same transaction");
    let [(hop, ringing)] = &bench.sent_to()[..] else { panic!() };
    assert_eq!((*hop, vias(ringing)), (second_hop, vias(&second)));
    bench.respond(id, INVITE, 486);
    let [(hop, busy)] = &bench.sent_to()[..] else { panic!() };
    assert_eq!((*hop, vias(busy)), (second_hop, vias(&second)));
    bench.hear_from(second_hop, &ack_of_failure().replace("192.0.2.9", "192.0.2.8"));
    bench.assert_idle_after(5000);
}

#[test]
fn what_is_malformed_is_answered_where_possible() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(&INVITE.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"));
    bench.hear(&INVITE.replace("Content-Length: 0", "Content-Length: 9"));
    assert_eq!(statuses(&bench.sent()), ["505", "400"]);
    bench.hear(&ack_of_failure().replace("Content-Length: 0", "Content-Length: 9"));
    bench.hear("no message");
    bench.hear("\r\n\r\n");
    assert!(bench.sent().is_empty() && bench.events().is_empty());
    assert_eq!(bench.endpoint.counts().malformed, 5);
    assert!(bench.endpoint.is_idle());
}

#[test]
fn the_source_is_noted_in_what_the_user_gets() {
    let mut bench = Bench::over(Transport::Udp);
    bench.hear(&INVITE.replace("192.0.2.9:5060;", "phone.example.com;rport;"));
    match &bench.events()[..] {
        [Event::Request { bytes, .. }] => {
            let via = Message::parse(bytes).unwrap().via().text.to_owned();
            assert_eq!(via, "SIP/2.0/UDP phone.example.com;rport=5060;branch=z9hG4bKp1;received=192.0.2.9");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn responses_outlive_the_connection_that_the_request_came_over() {
    let connection = Hop::new(Transport::Tcp, ([192, 0, 2, 9], 40_000).into());
    let listener = Hop::new(Transport::Tcp, ([192, 0, 2, 9], 5060).into());
    let mut bench = Bench::over(Transport::Tcp);
    bench.hear_from(connection, INVITE);
    let id = bench.server();
    bench.respond(id, INVITE, 486);
    let busy = bench.sent_to();
    assert_eq!(busy[0].0, connection);
    bench.endpoint.handle_unreachable(connection);
    assert_eq!(bench.sent_to(), [(listener, busy[0].1.clone())]);
    bench.endpoint.handle_unreachable(listener);
    assert_eq!(bench.sent_to(), [], "there is no third way");
    bench.hear_from(listener, &ack_of_failure());
    assert!(bench.endpoint.is_idle());
}

#[test]
fn whatever_comes_nothing_panics_and_nothing_remains() {
    let seeds = [INVITE.to_owned(), options(), cancel(), ack_of_failure(), ack_of_2xx(), with_tag(INVITE, "ours")];
    for seed in 0..50 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut bench = Bench::over(Transport::ALL[seed as usize % 5]);
        for _ in 0..200 {
            let mut bytes = seeds[random.number() as usize % seeds.len()].clone().into_bytes();
            for _ in 0..random.number() % 4 {
                let at = random.number() as usize % bytes.len();
                match random.number() % 3 {
                    0 => bytes[at] = random.number() as u8,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"\r\n:;<>\"1 "[random.number() as usize % 9]),
                }
            }
            bench.endpoint.handle_message(bench.now, bench.hop, &bytes);
            for event in bench.events() {
                if let Event::Request { id, bytes, .. } = event {
                    let status = [100, 180, 200, 486][random.number() as usize % 4];
                    bench.respond(id, str::from_utf8(&bytes).unwrap(), status);
                    bench.respond(id, str::from_utf8(&bytes).unwrap(), 200 + 100 * (random.number() % 4) as u16);
                }
            }
            bench.wait(random.number() % 100);
        }
        bench.wait(64_000);
        bench.sent();
        bench.events();
        assert!(bench.endpoint.is_idle());
    }
}

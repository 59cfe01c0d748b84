use super::*;

const INVITE: &str = "INVITE sip:bob@192.0.2.9 SIP/2.0\r\nMax-Forwards: 70\r\nRoute: <sip:token@cluster;lr>\r\n\
    From: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\
    Content-Length: 0\r\n\r\n";

fn bye() -> String {
    INVITE.replace("INVITE", "BYE")
}

/// A response to a request that was sent.
fn response(request: &str, status: u16) -> String {
    let request = Message::parse(request.as_bytes()).unwrap();
    String::from_utf8(Builder::response(&request, status, "Some Reason").to_tag("theirs").finish()).unwrap()
}

#[test]
fn our_via_stands_behind_the_start_line() {
    let mut bench = Bench::over(Transport::Tcp);
    bench.request(INVITE);
    let sent = bench.sent_one();
    let via = format!("SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch={}\r\nMax-Forwards", branch(&sent));
    assert_eq!(sent, INVITE.replace("SIP/2.0\r\nMax-Forwards", &via));
}

#[test]
fn no_two_branches_are_alike() {
    let mut bench = Bench::over(Transport::Udp);
    let mut branches: Vec<_> = (0..100)
        .map(|_| {
            bench.request(INVITE);
            branch(&bench.sent_one())
        })
        .collect();
    bench.endpoint.send(bench.hop, bye().replace("BYE", "ACK").into_bytes());
    branches.push(branch(&bench.sent_one()));
    branches.sort();
    branches.dedup();
    assert_eq!(branches.len(), 101);
}

#[test]
fn responses_that_nobody_waits_for_are_dropped() {
    let mut bench = Bench::over(Transport::Udp);
    bench.request(INVITE);
    let ok = response(&bench.sent_one(), 200);
    let branch = branch(&ok);
    let other = if branch.ends_with('0') { "1" } else { "0" };
    let changed = ok.replace(&branch, &format!("{}{other}", &branch[..branch.len() - 1]));
    for text in [
        changed,
        ok.replace(&branch, "z9hG4bK1"),
        ok.replace("1 INVITE", "1 BYE"),
        ok.replace("INVITE", "CANCEL"),
        ok.replace("From:", "Via: SIP/2.0/UDP 192.0.2.7\r\nFrom:"),
    ] {
        bench.hear(&text);
        assert_eq!(bench.events(), []);
    }
    assert_eq!(bench.endpoint.counts().stray_responses, 5);
    bench.hear(&ok);
    assert_eq!(bench.responses(), [200]);
}

#[test]
fn a_request_is_repeated_until_its_final_response() {
    let mut bench = Bench::over(Transport::Udp);
    bench.request(&bye());
    let sent = bench.sent_one();
    bench.wait(1500);
    assert_eq!(bench.sent(), [sent.clone(), sent.clone()]);
    bench.hear(&response(&sent, 200));
    bench.hear(&response(&sent, 200));
    assert_eq!(bench.responses(), [200]);
    bench.assert_idle_after(5000);
}

#[test]
fn a_request_that_nobody_answers_times_out() {
    for transport in [Transport::Udp, Transport::Tcp] {
        for request in [INVITE.to_owned(), bye()] {
            let mut bench = Bench::over(transport);
            let id = bench.request(&request);
            bench.wait(31_999);
            assert_eq!(bench.events(), []);
            bench.wait(1);
            assert_eq!(bench.events(), [Event::Timeout { id }]);
            bench.sent();
            assert!(bench.endpoint.is_idle());
        }
    }
}

#[test]
fn each_copy_of_a_failure_is_acknowledged_on_its_branch() {
    let mut bench = Bench::over(Transport::Udp);
    bench.request(INVITE);
    let invite = bench.sent_one();
    for expected in [&[486][..], &[], &[]] {
        bench.hear(&response(&invite, 486));
        assert_eq!(bench.responses(), expected);
        let ack = bench.sent_one();
        assert_eq!(first_line(&ack), "ACK sip:bob@192.0.2.9 SIP/2.0");
        assert_eq!(branch(&ack), branch(&invite));
        for line in ["Route: <sip:token@cluster;lr>", "To: <sip:bob@example.com>;tag=theirs", "CSeq: 1 ACK"] {
            assert!(ack.lines().any(|it| it == line), "{ack}");
        }
    }
    bench.assert_idle_after(32_000);
}

#[test]
fn each_copy_of_a_2xx_is_the_users_affair() {
    let mut bench = Bench::over(Transport::Udp);
    let id = bench.request(INVITE);
    let invite = bench.sent_one();
    for _ in 0..3 {
        bench.hear(&response(&invite, 200));
        assert_eq!(bench.responses(), [200]);
        assert_eq!(bench.sent(), [""; 0]);
    }
    bench.wait(32_000);
    assert_eq!(bench.events(), [Event::Ended { id }]);
    assert!(bench.endpoint.is_idle());
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut bench = Bench::over(Transport::Udp);
    let id = bench.request(INVITE);
    let invite = bench.sent_one();
    bench.endpoint.cancel_because(bench.now, id, "SIP;cause=200;text=\"Call completed elsewhere\"");
    assert_eq!(bench.sent(), [""; 0], "nothing heard yet (RFC 3261 §9.1)");
    bench.wait(600);
    assert_eq!(bench.sent_one(), invite);
    bench.hear(&response(&invite, 180));
    assert_eq!(bench.responses(), [180]);
    let cancel = bench.sent_one();
    assert_eq!(first_line(&cancel), "CANCEL sip:bob@192.0.2.9 SIP/2.0");
    assert_eq!(branch(&cancel), branch(&invite));
    for line in [
        "Route: <sip:token@cluster;lr>",
        "To: <sip:bob@example.com>",
        "CSeq: 1 CANCEL",
        "Reason: SIP;cause=200;text=\"Call completed elsewhere\"",
    ] {
        assert!(cancel.lines().any(|it| it == line), "{cancel}");
    }
    bench.wait(500);
    assert_eq!(bench.sent_one(), cancel, "a CANCEL is repeated like any request");
    bench.hear(&response(&cancel, 200));
    assert_eq!(bench.events(), []);
    bench.hear(&response(&invite, 487));
    assert_eq!(bench.responses(), [487]);
    assert_eq!(first_line(&bench.sent_one()), "ACK sip:bob@192.0.2.9 SIP/2.0");
    bench.assert_idle_after(32_000);
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_delivered() {
    let mut bench = Bench::over(Transport::Udp);
    let id = bench.request(INVITE);
    let invite = bench.sent_one();
    bench.hear(&response(&invite, 180));
    bench.endpoint.cancel(bench.now, id);
    bench.hear(&response(&invite, 200));
    assert_eq!(bench.responses(), [180, 200]);
    let cancel = bench.sent_one();
    bench.endpoint.cancel(bench.now, id);
    assert_eq!(bench.sent(), [""; 0], "cancel after a final response changes nothing");
    bench.hear(&response(&cancel, 200));
    assert_eq!(bench.events(), []);
    bench.assert_idle_after(32_000);
}

#[test]
fn a_cancel_outlives_its_invite() {
    let mut bench = Bench::over(Transport::Tcp);
    let id = bench.request(INVITE);
    let invite = bench.sent_one();
    bench.hear(&response(&invite, 180));
    bench.endpoint.cancel(bench.now, id);
    let cancel = bench.sent_one();
    bench.hear(&response(&invite, 487));
    assert_eq!(bench.responses(), [180, 487]);
    bench.sent();
    assert!(!bench.endpoint.is_idle());
    bench.hear(&response(&cancel, 200));
    assert!(bench.endpoint.is_idle());
}

#[test]
fn a_cancelled_invite_that_stays_without_answer_times_out() {
    let mut bench = Bench::over(Transport::Tcp);
    let id = bench.request(INVITE);
    let invite = bench.sent_one();
    bench.hear(&response(&invite, 180));
    bench.wait(100_000);
    bench.endpoint.cancel(bench.now, id);
    bench.events();
    bench.wait(32_000);
    assert_eq!(bench.events(), [Event::Timeout { id }]);
    bench.sent();
    assert!(bench.endpoint.is_idle());
}

#[test]
fn only_an_open_invite_can_be_cancelled() {
    let mut bench = Bench::over(Transport::Udp);
    let id = bench.request(&bye());
    let sent = bench.sent_one();
    bench.hear(&response(&sent, 100));
    bench.endpoint.cancel(bench.now, id);
    assert_eq!(bench.sent(), [""; 0]);
    bench.hear(&response(&sent, 200));
    bench.wait(5000);
    bench.endpoint.cancel(bench.now, id);
    bench.events();
    assert!(bench.endpoint.is_idle());
}

#[test]
fn what_nobody_has_heard_ends_when_its_hop_is_unreachable() {
    let mut bench = Bench::over(Transport::Tcp);
    let (first, heard, last) = (bench.request(INVITE), bench.request(INVITE), bench.request(&bye()));
    let sent = bench.sent();
    bench.hear(&response(&sent[1], 180));
    assert_eq!(bench.responses(), [180]);
    bench.endpoint.handle_unreachable(Hop::new(Transport::Tcp, ([192, 0, 2, 8], 5060).into()));
    assert_eq!(bench.events(), []);
    bench.endpoint.handle_unreachable(bench.hop);
    assert_eq!(bench.events(), [Event::Unreachable { id: first }, Event::Unreachable { id: last }]);
    bench.hear(&response(&sent[1], 486));
    assert!(matches!(bench.events()[..], [Event::Response { id, .. }] if id == heard));
    bench.sent();
    assert!(bench.endpoint.is_idle());
}

//! A whole node on real sockets: the test is the proxy and both phones.
#![allow(clippy::unwrap_used)]

mod proxy;

use node::{Config, Drained, Rtp, Running, StartError};
use proto::rooms::RoomOrders;
use proto::view::View;
use proto::wire;
use proxy::{Bob, PATIENCE, Proxy, config, invite, sdp, socket, start, within};
use sip::message::Message;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Where an SDP wants media.
fn media_of(message: &[u8]) -> SocketAddr {
    let message = Message::parse(message).unwrap();
    sdp::Sdp::parse(message.body()).unwrap().media()[0].rtp_address().unwrap()
}

/// The final response to a request of the caller.
fn final_of(proxy: &Proxy, call: &str, cseq: u32) -> Vec<u8> {
    proxy.receive(|m| m.status().is_some_and(|s| s >= 200) && m.call_id() == call && m.cseq() == cseq)
}

/// Alice calls Bob: both final messages of the set-up, with the media each side is told.
fn call(proxy: &Proxy, call: &str, alice: &UdpSocket, bob: &UdpSocket) -> (Vec<u8>, Vec<u8>) {
    proxy.send(&invite(call, "user:bob@tandem.local", &proxy.via(), &sdp(alice)));
    let to_bob = proxy.receive(|m| m.method_text() == "INVITE" && m.is_request());
    proxy.answer(&to_bob, &sdp(bob));
    let answer = final_of(proxy, call, 1);
    assert_eq!(Message::parse(&answer).unwrap().status(), Some(200));
    proxy.send(&within("ACK", 1, &answer, &proxy.via()));
    (to_bob, answer)
}

fn packet(sequence: u8) -> Vec<u8> {
    [&[0x80, 0, 0, sequence, 0, 0, 0, sequence * 2, 0, 0, 0, 7][..], &[0xd5; 160]].concat()
}

fn pass(from: &UdpSocket, to: SocketAddr, at: &UdpSocket) -> Vec<u8> {
    from.send_to(&packet(1), to).unwrap();
    let mut buffer = [0; 2048];
    let length = at.recv(&mut buffer).expect("media passes");
    buffer[..length].to_vec()
}

#[test]
fn an_echo_answers_over_udp() {
    let (running, proxy) = start(2);
    let alice = socket();
    proxy.send(&invite("echo-udp", "echo", &proxy.via(), &sdp(&alice)));
    let answer = final_of(&proxy, "echo-udp", 1);
    proxy.send(&within("ACK", 1, &answer, &proxy.via()));
    assert_eq!(pass(&alice, media_of(&answer), &alice)[12..], packet(1)[12..]);
    proxy.send(&within("BYE", 2, &answer, &proxy.via()));
    assert_eq!(Message::parse(&final_of(&proxy, "echo-udp", 2)).unwrap().status(), Some(200));
    assert_eq!(running.drain(PATIENCE), Drained::Idle);
}

#[test]
fn an_echo_answers_over_tcp() {
    let (running, proxy) = start(2);
    let alice = socket();
    let mut stream = TcpStream::connect(proxy.shard).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut framer, mut buffer) = (sip::framing::Framer::new(), [0; 4096]);
    let mut receive = |stream: &mut TcpStream, cseq: u32| loop {
        while let Some(frame) = framer.next().unwrap() {
            let sip::framing::Frame::Message(bytes) = frame else { continue };
            let message = Message::parse(bytes).unwrap();
            if message.cseq() == cseq && message.status().is_some_and(|status| status >= 200) {
                return bytes.to_vec();
            }
        }
        let length = stream.read(&mut buffer).unwrap();
        framer.push(&buffer[..length]);
    };
    stream.write_all(invite("echo-tcp", "echo", "TCP 127.0.0.1:5080", &sdp(&alice)).as_bytes()).unwrap();
    let answer = receive(&mut stream, 1);
    stream.write_all(within("ACK", 1, &answer, "TCP 127.0.0.1:5080").as_bytes()).unwrap();
    assert_eq!(pass(&alice, media_of(&answer), &alice)[12..], packet(1)[12..]);
    stream.write_all(within("BYE", 2, &answer, "TCP 127.0.0.1:5080").as_bytes()).unwrap();
    assert_eq!(Message::parse(&receive(&mut stream, 2)).unwrap().status(), Some(200));
    assert_eq!(running.drain(PATIENCE), Drained::Idle);
}

#[test]
fn media_of_a_call_passes_through_the_node_both_ways_until_it_ends() {
    let (running, proxy) = start(2);
    let (alice, bob) = (socket(), socket());
    let (to_bob, to_alice) = call(&proxy, "relay", &alice, &bob);
    let (alices, bobs) = (media_of(&to_alice), media_of(&to_bob));
    assert!((20_000..30_000).contains(&alices.port()) && (20_000..30_000).contains(&bobs.port()) && alices != bobs);
    assert_eq!(pass(&alice, alices, &bob), packet(1));
    assert_eq!(pass(&bob, bobs, &alice), packet(1));
    proxy.send(&within("BYE", 2, &to_alice, &proxy.via()));
    let bye = proxy.receive(|m| m.is_request() && m.method_text() == "BYE");
    proxy.answer(&bye, "");
    assert_eq!(running.drain(PATIENCE), Drained::Idle);
}

#[test]
fn a_draining_node_refuses_new_calls_and_waits_for_the_old_ones() {
    let (running, proxy) = start(2);
    let (alice, bob) = (socket(), socket());
    let (_, to_alice) = call(&proxy, "old", &alice, &bob);
    let drained = std::thread::spawn(move || running.drain(PATIENCE));
    let mut attempt = 0;
    loop {
        let call = format!("new-{attempt}");
        proxy.send(&invite(&call, "echo", &proxy.via(), &sdp(&alice)));
        let answer = final_of(&proxy, &call, 1);
        if Message::parse(&answer).unwrap().status() == Some(503) {
            break;
        }
        // It came before the drain: the node has not heard of that yet.
        proxy.send(&within("ACK", 1, &answer, &proxy.via()));
        proxy.send(&within("BYE", 2, &answer, &proxy.via()));
        final_of(&proxy, &call, 2);
        attempt += 1;
    }
    assert!(!drained.is_finished());
    proxy.send(&within("BYE", 2, &to_alice, &proxy.via()));
    assert_eq!(drained.join().unwrap(), Drained::Idle);
}

#[test]
fn calls_that_outlive_the_patience_are_hung_up_on_both_sides() {
    let (running, proxy) = start(2);
    let (alice, bob) = (socket(), socket());
    call(&proxy, "long", &alice, &bob);
    let drained = std::thread::spawn(move || running.drain(Duration::ZERO));
    for _ in 0..2 {
        let bye = proxy.receive(|m| m.is_request() && m.method_text() == "BYE");
        proxy.answer(&bye, "");
    }
    assert_eq!(drained.join().unwrap(), Drained::Cut(1));
}

#[test]
fn what_cannot_start_says_which_key_is_wrong() {
    let start = |config: Config, id: u32| {
        let view = View::unjoined();
        view.own_id.store(id, Ordering::Relaxed);
        let bob = Arc::new(Bob(wire::Binding::default()));
        node::start(config, Arc::new(view), bob, Arc::default(), &RoomOrders::default()).map(Running::stop).unwrap_err()
    };
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let inside = taken.local_addr().unwrap();
    let error = start(Config { inside, ..config(2) }, 1).to_string();
    assert!(error.starts_with(&format!("bind [media.inside] {inside}")), "{error}");
    let anywhere = Config { inside: "0.0.0.0:5090".parse().unwrap(), ..config(2) };
    assert!(matches!(start(anywhere, 1), StartError::Anywhere(_)));
    let rtp = Rtp { ports: 20_000..=20_002, ..Rtp::default() };
    assert!(matches!(start(Config { rtp, ..config(2) }, 1), StartError::Ports(20_000, 20_002, 1)));
    let rule = node::Advertise { to: "10.0.0.0/8".parse().unwrap(), host: Some("::1".parse().unwrap()) };
    let rtp = Rtp { advertise: vec![rule], ..Rtp::default() };
    assert!(matches!(start(Config { rtp, ..config(2) }, 1), StartError::Family(_, _)));
    assert!(matches!(start(config(2), 0), StartError::NoId));
}

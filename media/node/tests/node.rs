//! A whole node on real sockets: the test is the proxy and both phones.
#![allow(clippy::unwrap_used)]

use call::Limits;
use node::{Config, Drained, Rtp, Running, StartError};
use proto::membership::Membership;
use proto::registrar::{Registrar, Reply};
use proto::reports::CallReports;
use proto::view::View;
use proto::wire;
use sip::message::{Message, Name};
use sip::token::{Flow, FlowEnd};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
const NODE: u16 = 12;
const PROXY: u16 = 2;

/// Answers at once, in the shard's own thread: Bob is registered over one UDP flow.
struct Bob(wire::Binding);

impl Registrar for Bob {
    fn register(&self, _: wire::RegisterRequest, _: Reply<wire::RegisterResponse>) {}

    fn locate(&self, _: wire::LocateRequest, reply: Reply<wire::LocateResponse>) {
        reply(Ok(wire::LocateResponse { known: true, bindings: vec![self.0.clone()] }));
    }
}

/// The inside face of a proxy, and what stands behind it.
struct Proxy {
    face: UdpSocket,
    shard: SocketAddr,
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn start() -> (Running, Proxy) {
    let face = socket();
    let view = View::unjoined();
    view.own_id.store(NODE.into(), Ordering::Relaxed);
    view.membership.store(Arc::new(Membership::from_wire(&wire::Membership {
        epoch: 1,
        members: vec![wire::Member {
            id: PROXY.into(),
            role: wire::Role::Proxy.into(),
            region: "default".to_owned(),
            inside: face.local_addr().unwrap().to_string(),
            ..wire::Member::default()
        }],
        ..wire::Membership::default()
    })));
    let end = FlowEnd::Peer("127.0.0.1:5066".parse().unwrap());
    let flow = Flow { proxy: PROXY, transport: sip::hop::Transport::Udp, listener: 0, end };
    let flow = flow.seal(&view.keys.load().flow).as_str().to_owned();
    let bob = wire::Binding { uri: "sip:bob@127.0.0.1:5066".to_owned(), flow, q: 1000, ..wire::Binding::default() };
    let running = node::start(config(), Arc::new(view), Arc::new(Bob(bob)), Arc::new(CallReports::default())).unwrap();
    let shard = running.addresses()[0];
    (running, Proxy { face, shard })
}

fn config() -> Config {
    Config {
        inside: "127.0.0.1:0".parse().unwrap(),
        rtp: Rtp { ports: 20_000..=29_999, ..Rtp::default() },
        limits: Limits { calls: 2, ..Limits::default() },
        ..Config::default()
    }
}

fn sdp(media: &UdpSocket) -> String {
    let port = media.local_addr().unwrap().port();
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n")
}

/// Where an SDP wants media.
fn media_of(message: &[u8]) -> SocketAddr {
    let message = Message::parse(message).unwrap();
    sdp::Sdp::parse(message.body()).unwrap().media()[0].rtp_address().unwrap()
}

fn invite(call: &str, target: &str, via: &str, body: &str) -> String {
    format!(
        "INVITE sip:dialled@tandem.local SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK{call}\r\n\
         Record-Route: <sip:alice-flow@tandem.local;lr>\r\nMax-Forwards: 69\r\nFrom: <sip:alice@tandem.local>;tag=a\r\n\
         To: <sip:dialled@tandem.local>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@127.0.0.1:5062>\r\n\
         Tandem-Caller: alice@tandem.local\r\nTandem-Target: {target}\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// ACK or BYE of the caller, in the dialog that `answer` made.
fn within(method: &str, cseq: u32, answer: &[u8], via: &str) -> String {
    let answer = Message::parse(answer).unwrap();
    let (call, tag) = (answer.call_id(), answer.to_tag().unwrap());
    let contact = answer.header(Name::Contact).unwrap().trim_matches(['<', '>']);
    format!(
        "{method} {contact} SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK{call}{method}\r\n\
         Max-Forwards: 69\r\nFrom: <sip:alice@tandem.local>;tag=a\r\nTo: <sip:dialled@tandem.local>;tag={tag}\r\n\
         Call-ID: {call}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

impl Proxy {
    fn via(&self) -> String {
        format!("UDP {}", self.face.local_addr().unwrap())
    }

    fn send(&self, message: &str) {
        self.face.send_to(message.as_bytes(), self.shard).unwrap();
    }

    /// The next message that `wanted` takes; others (provisional answers, repetitions) are passed over.
    fn receive(&self, wanted: impl Fn(&Message<'_>) -> bool) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = self.face.recv(&mut buffer).expect("the shard sends something");
            if wanted(&Message::parse(&buffer[..length]).unwrap()) {
                buffer.truncate(length);
                return buffer;
            }
        }
    }

    fn final_of(&self, call: &str, cseq: u32) -> Vec<u8> {
        self.receive(|m| m.status().is_some_and(|s| s >= 200) && m.call_id() == call && m.cseq() == cseq)
    }

    /// What Bob answers.
    fn answer(&self, request: &[u8], body: &str) {
        let request = Message::parse(request).unwrap();
        let answer = sip::Builder::response(&request, 200, "OK")
            .to_tag("b")
            .header(Name::Contact, "<sip:bob@127.0.0.1:5066>")
            .body("application/sdp", body.as_bytes())
            .finish();
        self.face.send_to(&answer, self.shard).unwrap();
    }

    /// Alice calls Bob: both final messages of the set-up, with the media each side is told.
    fn call(&self, call: &str, alice: &UdpSocket, bob: &UdpSocket) -> (Vec<u8>, Vec<u8>) {
        self.send(&invite(call, "user:bob@tandem.local", &self.via(), &sdp(alice)));
        let to_bob = self.receive(|m| m.method_text() == "INVITE" && m.is_request());
        self.answer(&to_bob, &sdp(bob));
        let answer = self.final_of(call, 1);
        assert_eq!(Message::parse(&answer).unwrap().status(), Some(200));
        self.send(&within("ACK", 1, &answer, &self.via()));
        (to_bob, answer)
    }
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
    let (running, proxy) = start();
    let alice = socket();
    proxy.send(&invite("echo-udp", "echo", &proxy.via(), &sdp(&alice)));
    let answer = proxy.final_of("echo-udp", 1);
    proxy.send(&within("ACK", 1, &answer, &proxy.via()));
    assert_eq!(pass(&alice, media_of(&answer), &alice)[12..], packet(1)[12..]);
    proxy.send(&within("BYE", 2, &answer, &proxy.via()));
    assert_eq!(Message::parse(&proxy.final_of("echo-udp", 2)).unwrap().status(), Some(200));
    assert_eq!(running.drain(PATIENCE), Drained::Idle);
}

#[test]
fn an_echo_answers_over_tcp() {
    let (running, proxy) = start();
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
    let (running, proxy) = start();
    let (alice, bob) = (socket(), socket());
    let (to_bob, to_alice) = proxy.call("relay", &alice, &bob);
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
    let (running, proxy) = start();
    let (alice, bob) = (socket(), socket());
    let (_, to_alice) = proxy.call("old", &alice, &bob);
    let drained = std::thread::spawn(move || running.drain(PATIENCE));
    let mut attempt = 0;
    loop {
        let call = format!("new-{attempt}");
        proxy.send(&invite(&call, "echo", &proxy.via(), &sdp(&alice)));
        let answer = proxy.final_of(&call, 1);
        if Message::parse(&answer).unwrap().status() == Some(503) {
            break;
        }
        // It came before the drain: the node has not heard of that yet.
        proxy.send(&within("ACK", 1, &answer, &proxy.via()));
        proxy.send(&within("BYE", 2, &answer, &proxy.via()));
        proxy.final_of(&call, 2);
        attempt += 1;
    }
    assert!(!drained.is_finished());
    proxy.send(&within("BYE", 2, &to_alice, &proxy.via()));
    assert_eq!(drained.join().unwrap(), Drained::Idle);
}

#[test]
fn calls_that_outlive_the_patience_are_hung_up_on_both_sides() {
    let (running, proxy) = start();
    let (alice, bob) = (socket(), socket());
    proxy.call("long", &alice, &bob);
    let drained = std::thread::spawn(move || running.drain(Duration::ZERO));
    for _ in 0..2 {
        let bye = proxy.receive(|m| m.is_request() && m.method_text() == "BYE");
        proxy.answer(&bye, "");
    }
    drained.join().unwrap();
}

#[test]
fn what_cannot_start_says_which_key_is_wrong() {
    let start = |config: Config, id: u32| {
        let view = View::unjoined();
        view.own_id.store(id, Ordering::Relaxed);
        let bob = Arc::new(Bob(wire::Binding::default()));
        node::start(config, Arc::new(view), bob, Arc::new(CallReports::default())).map(Running::stop).unwrap_err()
    };
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let inside = taken.local_addr().unwrap();
    let error = start(Config { inside, ..config() }, 1).to_string();
    assert!(error.starts_with(&format!("bind [media.inside] {inside}")), "{error}");
    let rtp = Rtp { ports: 20_000..=20_002, ..Rtp::default() };
    assert!(matches!(start(Config { rtp, ..config() }, 1), StartError::Ports(20_000, 20_002, 1)));
    let rule = node::Advertise { to: "10.0.0.0/8".parse().unwrap(), host: Some("::1".parse().unwrap()) };
    let rtp = Rtp { advertise: vec![rule], ..Rtp::default() };
    assert!(matches!(start(Config { rtp, ..config() }, 1), StartError::Family(_, _)));
    assert!(matches!(start(config(), 0), StartError::NoId));
}

//! The inside face of a proxy, and the phones behind it, by hand.

use call::Limits;
use node::{Config, Rtp, Running};
use proto::membership::Membership;
use proto::registrar::{Registrar, Reply};
use proto::rooms::RoomOrders;
use proto::view::View;
use proto::wire;
use sip::message::{Message, Name};
use sip::token::{Flow, FlowEnd};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_secs(10);
const NODE: u16 = 12;
const PROXY: u16 = 2;

/// Answers at once, in the shard's own thread: Bob is registered over one UDP flow.
pub struct Bob(pub wire::Binding);

impl Registrar for Bob {
    fn register(&self, _: wire::RegisterRequest, _: Reply<wire::RegisterResponse>) {}

    fn locate(&self, _: wire::LocateRequest, reply: Reply<wire::LocateResponse>) {
        reply(Ok(wire::LocateResponse { known: true, bindings: vec![self.0.clone()] }));
    }
}

/// The inside face of a proxy, and what stands behind it.
pub struct Proxy {
    pub face: UdpSocket,
    pub shard: SocketAddr,
}

pub fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A node of one shard that takes so many calls, and its proxy.
pub fn start(calls: usize) -> (Running, Proxy) {
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
    let running =
        node::start(config(calls), Arc::new(view), Arc::new(Bob(bob)), Arc::default(), &RoomOrders::default()).unwrap();
    let shard = running.addresses()[0];
    (running, Proxy { face, shard })
}

pub fn config(calls: usize) -> Config {
    Config {
        inside: "127.0.0.1:0".parse().unwrap(),
        rtp: Rtp { ports: 20_000..=29_999, ..Rtp::default() },
        limits: Limits { calls, ..Limits::default() },
        ..Config::default()
    }
}

pub fn sdp(media: &UdpSocket) -> String {
    let port = media.local_addr().unwrap().port();
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n")
}

pub fn invite(call: &str, target: &str, via: &str, body: &str) -> String {
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
pub fn within(method: &str, cseq: u32, answer: &[u8], via: &str) -> String {
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
    pub fn via(&self) -> String {
        format!("UDP {}", self.face.local_addr().unwrap())
    }

    pub fn send(&self, message: &str) {
        self.face.send_to(message.as_bytes(), self.shard).unwrap();
    }

    /// The next message that `wanted` takes; others (provisional answers, repetitions) are passed over.
    pub fn receive(&self, wanted: impl Fn(&Message<'_>) -> bool) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = self.face.recv(&mut buffer).expect("the shard sends something");
            if wanted(&Message::parse(&buffer[..length]).unwrap()) {
                buffer.truncate(length);
                return buffer;
            }
        }
    }

    /// What Bob answers.
    pub fn answer(&self, request: &[u8], body: &str) {
        let request = Message::parse(request).unwrap();
        let answer = sip::Builder::response(&request, 200, "OK")
            .to_tag("b")
            .header(Name::Contact, "<sip:bob@127.0.0.1:5066>")
            .body("application/sdp", body.as_bytes())
            .finish();
        self.face.send_to(&answer, self.shard).unwrap();
    }
}

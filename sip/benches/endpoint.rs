//! The cost of one call between two phones to the endpoint in its middle: twelve messages, six in and six out, on both legs.
//!
//! Messages are written as a user would write them, and that is most of the cost: [`writing`] is the same without the endpoint.

use divan::{Bencher, black_box};
use sip::endpoint::{Endpoint, Event};
use sip::hop::{Hop, Transport};
use sip::message::{Message, Method};
use sip::timer::Timers;
use sip::{Builder, Name};
use std::time::{Duration, Instant};

fn main() {
    divan::main();
}

#[divan::bench(args = [Transport::Udp, Transport::Tcp])]
fn call(bencher: Bencher<'_, '_>, transport: Transport) {
    let mut shard = Shard {
        endpoint: Endpoint::new(Timers::default(), "192.0.2.1:5060".to_owned(), 1).with_limit(usize::MAX),
        hop: Hop::new(transport, ([192, 0, 2, 9], 5060).into()),
        now: Instant::now(),
        calls: 0,
    };
    bencher.bench_local(|| shard.call());
}

#[divan::bench]
fn writing(bencher: Bencher<'_, '_>) {
    let request = incoming(1, Method::Invite);
    let invite = Message::parse(&request).expect("a constant message");
    bencher.bench_local(|| {
        for method in [Method::Invite, Method::Ack, Method::Bye] {
            black_box((incoming(1, method), outgoing(1, method)));
        }
        for status in [180, 200, 200] {
            black_box((response(&invite, status), response(&invite, status)));
        }
    });
}

/// A thousand calls a second, so that 32 seconds of them are open as transactions.
struct Shard {
    endpoint: Endpoint,
    hop: Hop,
    now: Instant,
    calls: u64,
}

impl Shard {
    fn call(&mut self) {
        self.calls += 1;
        self.now += Duration::from_millis(1);
        self.endpoint.handle_timeout(self.now);
        while self.endpoint.poll_event().is_some() || self.endpoint.poll_transmit().is_some() {}

        let (server, request) = self.receive(incoming(self.calls, Method::Invite));
        let invite = Message::parse(&request).expect("it came as an event");
        self.request(Method::Invite);
        let ours = self.sent();
        self.hear(&response(&Message::parse(&ours).expect("we sent it"), 180));
        self.respond(server, response(&invite, 180));
        self.hear(&response(&Message::parse(&ours).expect("we sent it"), 200));
        self.endpoint.send(self.hop, outgoing(self.calls, Method::Ack));
        self.sent();
        self.respond(server, response(&invite, 200));
        self.hear(&incoming(self.calls, Method::Ack));
        let (server, request) = self.receive(incoming(self.calls, Method::Bye));
        self.respond(server, response(&Message::parse(&request).expect("it came as an event"), 200));
        self.request(Method::Bye);
        let ours = self.sent();
        self.hear(&response(&Message::parse(&ours).expect("we sent it"), 200));
    }

    fn receive(&mut self, bytes: Vec<u8>) -> (sip::endpoint::ServerId, Vec<u8>) {
        self.endpoint.handle_message(self.now, self.hop, &bytes);
        match self.endpoint.poll_event() {
            Some(Event::Request { id, bytes, .. }) => (id, bytes),
            other => panic!("{other:?}"),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.endpoint.handle_message(self.now, self.hop, bytes);
        assert!(self.endpoint.poll_event().is_some());
    }

    fn request(&mut self, method: Method) {
        self.endpoint.request(self.now, self.hop, outgoing(self.calls, method));
    }

    fn respond(&mut self, id: sip::endpoint::ServerId, bytes: Vec<u8>) {
        self.endpoint.respond(self.now, id, bytes);
        self.sent();
    }

    fn sent(&mut self) -> Vec<u8> {
        self.endpoint.poll_transmit().expect("something was sent").bytes
    }
}

fn outgoing(call: u64, method: Method) -> Vec<u8> {
    let to_tag = if method == Method::Invite { "" } else { ";tag=theirs" };
    Builder::request(method, "sip:bob@192.0.2.9:5060")
        .header(Name::MaxForwards, 70)
        .header(Name::Route, "<sip:AbCdEfGhIjKlMnOpQrStUvWx@tandem.local;lr>")
        .header(Name::From, "\"Alice\" <sip:alice@tandem.local>;tag=4f3a2b1c0d9e8f7a-12.0")
        .header(Name::To, format_args!("<sip:bob@tandem.local>{to_tag}"))
        .header(Name::CallId, format_args!("b{call}-12.0"))
        .header(Name::CSeq, format_args!("1 {method}"))
        .header(Name::Contact, "<sip:AbCdEfGhIjKlMnOpQrStUvWxYz0@tandem.local>")
        .body("application/sdp", SDP)
        .finish()
}

/// As the proxy hands it on.
fn incoming(call: u64, method: Method) -> Vec<u8> {
    let (branch, to_tag) = match method {
        Method::Invite => ("1", ""),
        Method::Ack => ("2", ";tag=ours"),
        _ => ("3", ";tag=ours"),
    };
    Builder::request(method, "sip:bob@tandem.local")
        .header(
            Name::Via,
            format_args!("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{call:031}{branch};f=AbCdEfGhIjKlMnOpQrStUvWx"),
        )
        .header(Name::Via, "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds;rport=5060")
        .header(Name::RecordRoute, "<sip:AbCdEfGhIjKlMnOpQrStUvWx@tandem.local;lr>")
        .header(Name::MaxForwards, 69)
        .header(Name::From, "\"Alice\" <sip:alice@tandem.local>;tag=1928301774")
        .header(Name::To, format_args!("<sip:bob@tandem.local>{to_tag}"))
        .header(Name::CallId, format_args!("a{call}@198.51.100.7"))
        .header(Name::CSeq, format_args!("{} {method}", if method == Method::Bye { 2 } else { 1 }))
        .header(Name::Contact, "<sip:alice@198.51.100.7:5060>")
        .body("application/sdp", SDP)
        .finish()
}

fn response(request: &Message<'_>, status: u16) -> Vec<u8> {
    Builder::response(request, status, "OK")
        .to_tag("ours")
        .header(Name::Contact, "<sip:AbCdEfGhIjKlMnOpQrStUvWxYz0@tandem.local>")
        .body("application/sdp", SDP)
        .finish()
}

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";

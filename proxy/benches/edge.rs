//! What one message costs the edge: `cargo bench -p proxy`.
#![allow(clippy::unwrap_used)]

use divan::{Bencher, black_box};
use proto::directory::Directory;
use proto::membership::Membership;
use proto::registrar::Unavailable;
use proto::time::UnixMillis;
use proto::view::View;
use proto::{gruu, wire};
use proxy::edge::*;
use sip::digest::{self, Challenge, Ha1};
use sip::hop::{Hop, Transport};
use sip::token::{BranchKey, ContactToken, Flow, FlowEnd, Key, KeyRing, Keys, ShardId};
use sip::{Message, Name};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    divan::main();
}

const DIRECTORY: &str = r#"
[[domain]]
name = "tandem.local"
algorithms = ["SHA-256", "MD5"]
[[user]]
name = "alice"
domain = "tandem.local"
password = "alice-demo"
[[user]]
name = "bob"
domain = "tandem.local"
password = "bob-demo"
"#;

const SHARD: &str = "10.0.0.12:5090";
const PHONE: &str = "192.0.2.10:5062";
const WALL: UnixMillis = UnixMillis(1_800_000_000_000);

struct Names(PublicName);

impl Flows for Names {
    fn public_name(&self, _: &Flow) -> Option<PublicName> {
        Some(self.0.clone())
    }
}

struct Rig {
    edge: Edge,
    out: Outbox,
    names: Names,
    keys: Keys,
    now: Instant,
}

impl Rig {
    fn new() -> Rig {
        let ring = |secret| KeyRing::of(Key::new(1, &[secret; 32]));
        let keys = Keys { nonce: ring(1), flow: ring(2), contact: ring(3), branch: BranchKey::new(&[4; 32]) };
        let view = View::new(keys.clone(), gruu::Key::new(&[5; 32]));
        let file = wire::SourceFile { name: "bench.toml".into(), text: DIRECTORY.into() };
        view.directory.store(Arc::new(Directory::empty().apply(&[file]).ok().unwrap().directory));
        let media = wire::Member {
            id: 12,
            role: wire::Role::Media.into(),
            region: "paris".into(),
            inside: SHARD.into(),
            shards: 2,
            weight: 100,
            ..wire::Member::default()
        };
        let members = wire::Membership { members: vec![media], ..wire::Membership::default() };
        view.membership.store(Arc::new(Membership::from_wire(&members)));
        view.own_id.store(1, std::sync::atomic::Ordering::Relaxed);
        let mut settings = Settings::new("m1", "cluster.test", "paris", "10.0.0.1:5080".parse().unwrap());
        settings.limits.exempt = vec!["0.0.0.0/0".parse().unwrap()];
        let edge = Edge::new(settings, Arc::new(view), Arc::new(PassedRegistrations::new(0)), 7);
        let names = Names(PublicName::new("sip.test", 5060));
        Rig { edge, out: Outbox::default(), names, keys, now: Instant::now() }
    }

    fn phone(&self) -> Arrival {
        let peer: SocketAddr = PHONE.parse().unwrap();
        let end = FlowEnd::Peer(peer);
        Arrival { face: Face::Public(Flow { proxy: 1, transport: Transport::Udp, listener: 0, end }), peer }
    }

    fn member(&self) -> Arrival {
        let hop = Hop::new(Transport::Udp, SHARD.parse().unwrap());
        Arrival { face: Face::Inside(hop), peer: hop.address }
    }

    fn handle(&mut self, arrival: &Arrival, bytes: &[u8]) {
        self.edge.handle_message(self.now, WALL, arrival, bytes, &self.names, &mut self.out);
    }

    /// What one message becomes.
    fn handled(&mut self, arrival: &Arrival, bytes: &[u8]) -> Vec<u8> {
        self.handle(arrival, bytes);
        let sent = match self.out.poll() {
            Some(Output::ToFlow(_, range) | Output::ToHop(_, range)) => self.out.bytes()[range].to_vec(),
            other => panic!("{other:?}"),
        };
        self.out.clear();
        sent
    }

    /// The same message over and over.
    fn bench(mut self, bencher: Bencher<'_, '_>, arrival: Arrival, bytes: &[u8]) {
        bencher.bench_local(|| {
            self.handle(&arrival, black_box(bytes));
            while let Some(output) = self.out.poll() {
                match output {
                    Output::Register(id, request) => {
                        black_box(request);
                        let answer = Answer::Registered(Err(Unavailable));
                        self.edge.handle_answer(self.now, WALL, id, answer, &self.names, &mut self.out);
                    }
                    other => drop(black_box(other)),
                }
            }
            self.out.clear();
        });
    }
}

fn request(method: &str, uri: &str, extra: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bK776asdhds;rport\r\nMax-Forwards: 70\r\n\
         From: \"Alice\" <sip:alice@tandem.local>;tag=1928301774\r\nTo: <sip:alice@tandem.local>\r\n\
         Call-ID: a84b4c76e66710@pc33.example.org\r\nCSeq: 314159 {method}\r\nContact: <sip:alice@{PHONE}>\r\n\
         User-Agent: bench/1.0\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

fn with_credentials(rig: &mut Rig, request: &str) -> String {
    let challenged = rig.handled(&rig.phone(), request.as_bytes());
    let (challenged, message) = (Message::parse(&challenged).unwrap(), Message::parse(request.as_bytes()).unwrap());
    let value = challenged.header(Name::WwwAuthenticate).or(challenged.header(Name::ProxyAuthenticate)).unwrap();
    let challenge = Challenge::parse(value).unwrap();
    let ha1 = Ha1::compute(challenge.algorithm, "alice", &challenge.realm, "alice-demo");
    let (method, uri) = (message.method_text(), message.request_uri());
    let answer = digest::Answer {
        challenge: &challenge,
        username: "alice",
        ha1: &ha1,
        method,
        uri,
        count: 1,
        cnonce: "0a4f113b",
    };
    let header = if method == "REGISTER" { "Authorization" } else { "Proxy-Authorization" };
    request.replace("Content-Length", &format!("{header}: {answer}\r\nContent-Length"))
}

#[divan::bench]
fn options_answered(bencher: Bencher) {
    let rig = Rig::new();
    let arrival = rig.phone();
    rig.bench(bencher, arrival, request("OPTIONS", "sip:tandem.local", "").as_bytes());
}

#[divan::bench]
fn register_challenged(bencher: Bencher) {
    let rig = Rig::new();
    let arrival = rig.phone();
    rig.bench(bencher, arrival, request("REGISTER", "sip:tandem.local", "").as_bytes());
}

#[divan::bench]
fn register_verified_and_answered(bencher: Bencher) {
    let mut rig = Rig::new();
    let register = with_credentials(&mut rig, &request("REGISTER", "sip:tandem.local", "Expires: 600\r\n"));
    let arrival = rig.phone();
    rig.bench(bencher, arrival, register.as_bytes());
}

#[divan::bench]
fn invite_to_shard(bencher: Bencher) {
    let mut rig = Rig::new();
    let invite = with_credentials(&mut rig, &request("INVITE", "sip:bob@tandem.local", ""));
    let arrival = rig.phone();
    rig.bench(bencher, arrival, invite.as_bytes());
}

#[divan::bench]
fn response_back(bencher: Bencher) {
    let mut rig = Rig::new();
    let invite = with_credentials(&mut rig, &request("INVITE", "sip:bob@tandem.local", ""));
    let sent = rig.handled(&rig.phone(), invite.as_bytes());
    let answer = sip::Builder::response(&Message::parse(&sent).unwrap(), 200, "OK").to_tag("1").finish();
    let arrival = rig.member();
    rig.bench(bencher, arrival, &answer);
}

#[divan::bench]
fn bye_within_dialog(bencher: Bencher) {
    let rig = Rig::new();
    let contact = ContactToken { shard: ShardId { node: 12, shard: 0 }, leg: 1 }.seal(&rig.keys.contact);
    let arrival = rig.phone();
    let Face::Public(flow) = arrival.face else { unreachable!("a phone's arrival is public") };
    let route = format!("Route: <sip:{}@sip.test:5060;transport=udp;lr>\r\n", flow.seal(&rig.keys.flow));
    let bye = request("BYE", &format!("sip:{contact}@cluster.test"), &route)
        .replace("To: <sip:alice@tandem.local>", "To: <sip:b@c>;tag=9");
    rig.bench(bencher, arrival, bye.as_bytes());
}

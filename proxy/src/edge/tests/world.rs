//! The cluster of the tests.

use crate::edge::*;
use proto::directory::Directory;
use proto::gruu;
use proto::membership::Membership;
use proto::time::UnixMillis;
use proto::view::View;
use proto::wire;
use sip::digest::{self, Algorithm, Challenge, Ha1};
use sip::hop::{Hop, Transport};
use sip::token::{BranchKey, ContactToken, Flow, FlowEnd, Key, KeyRing, Keys, ShardId};
use sip::{Message, Name};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DIRECTORY: &str = r#"
[[region]]
name = "paris"
networks = ["0.0.0.0/0"]
[[domain]]
name = "tandem.local"
aliases = ["127.0.0.1"]
algorithms = ["SHA-256", "MD5"]
[[domain]]
name = "direct.local"
media = "direct"
algorithms = ["MD5"]
[[class]]
name = "internal"
allow = ["extensions", "services"]
[[user]]
name = "alice"
domain = "tandem.local"
password = "alice-demo"
extension = "6001"
caller_id = "Alice Martin <6001>"
class = "internal"
[[user]]
name = "bob"
domain = "tandem.local"
password = "bob-demo"
extension = "6002"
class = "internal"
[[user]]
name = "ann"
domain = "direct.local"
password = "ann-demo"
class = "internal"
[[user]]
name = "ben"
domain = "direct.local"
password = "ben-demo"
class = "internal"
[[number]]
match = "9999"
to = "echo"
group = "services"
"#;

pub const ALICE: &str = "192.0.2.10:5062";
pub const BOB: &str = "192.0.2.20:5066";
pub const SHARD: &str = "10.0.0.12:5090";

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ring(secret: u8) -> KeyRing {
    KeyRing::of(Key::new(1, &[secret; 32]))
}

pub fn keys() -> Keys {
    Keys { nonce: ring(1), flow: ring(2), contact: ring(3), branch: BranchKey::new(&[4; 32]) }
}

pub fn member(id: u32, role: wire::Role, inside: &str, shards: u32) -> wire::Member {
    let (name, region) = (format!("m{id}"), "paris".to_owned());
    let role = role.into();
    wire::Member { id, name, role, region, inside: inside.into(), shards, weight: 100, ..wire::Member::default() }
}

pub fn view(own: u32) -> Arc<View> {
    let view = View::new(keys(), gruu::Key::new(&[5; 32]));
    let file = wire::SourceFile { name: "test.toml".into(), text: DIRECTORY.into() };
    let directory = Directory::empty().apply(&[file]).map_err(|problems| format!("{problems:?}")).unwrap().directory;
    view.directory.store(Arc::new(directory));
    view.membership.store(Arc::new(Membership::from_wire(&wire::Membership {
        epoch: 1,
        members: vec![
            member(1, wire::Role::Proxy, "10.0.0.1:5080", 0),
            member(2, wire::Role::Proxy, "10.0.0.2:5080", 0),
            member(12, wire::Role::Media, SHARD, 1),
        ],
        ..wire::Membership::default()
    })));
    view.own_id.store(own, std::sync::atomic::Ordering::Relaxed);
    Arc::new(view)
}

/// Connections with generation 1 are there, others are gone.
struct TestFlows;

impl Flows for TestFlows {
    fn public_name(&self, flow: &Flow) -> Option<PublicName> {
        match flow.end {
            FlowEnd::Slot { generation, .. } if generation != 1 => None,
            FlowEnd::Slot { .. } | FlowEnd::Peer(_) => Some(PublicName::new("sip.test", 5060)),
        }
    }
}

/// A message that an edge sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub to: To,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Flow(Flow),
    Hop(Hop),
}

impl Sent {
    pub fn text(&self) -> &str {
        str::from_utf8(&self.bytes).unwrap()
    }

    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap_or_else(|why| panic!("{why:?}: {}", self.text()))
    }

    pub fn status(&self) -> u16 {
        self.text().split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub fn header(&self, name: Name) -> String {
        self.message().header(name).unwrap_or_else(|| panic!("no {name} in {}", self.text())).to_owned()
    }

    pub fn all(&self, name: Name) -> Vec<String> {
        self.message().values(name).map(str::to_owned).collect()
    }

    /// The datagram's receiver.
    pub fn peer(&self) -> SocketAddr {
        match self.to {
            To::Flow(Flow { end: FlowEnd::Peer(peer), .. }) => peer,
            To::Hop(hop) => hop.address,
            To::Flow(Flow { end: FlowEnd::Slot { .. }, .. }) => panic!("sent over a connection"),
        }
    }
}

/// A question to the registry.
#[derive(Debug)]
pub enum Question {
    Register(wire::RegisterRequest),
    Locate(wire::LocateRequest),
}

/// One proxy with what it wants done.
pub struct Proxy {
    pub edge: Edge,
    pub id: u16,
    pub now: Instant,
    pub wall: UnixMillis,
    pub sent: Vec<Sent>,
    pub questions: Vec<(QueryId, Question)>,
    pub closed: Vec<Flow>,
}

impl Proxy {
    pub fn new(id: u16) -> Proxy {
        Proxy::with(id, |_| {})
    }

    pub fn with(id: u16, change: impl FnOnce(&mut Settings)) -> Proxy {
        let mut settings =
            Settings::new(&format!("m{id}"), "cluster.test", "paris", address(&format!("10.0.0.{id}:5080")));
        settings.hosts = vec!["sip.test".into()];
        change(&mut settings);
        let edge = Edge::new(settings, view(id.into()), Arc::new(PassedRegistrations::new(1000)), 7);
        let wall = UnixMillis(1_800_000_000_000);
        let (sent, questions, closed) = (Vec::new(), Vec::new(), Vec::new());
        Proxy { edge, id, now: Instant::now(), wall, sent, questions, closed }
    }

    pub fn udp(&self, peer: &str) -> Flow {
        Flow { proxy: self.id, transport: Transport::Udp, listener: 0, end: FlowEnd::Peer(address(peer)) }
    }

    pub fn slot(&self, slot: u32) -> Flow {
        let end = FlowEnd::Slot { worker: 0, slot, generation: 1 };
        Flow { proxy: self.id, transport: Transport::Tls, listener: 1, end }
    }

    /// Over a flow of its own, from a phone.
    pub fn over(&mut self, flow: Flow, peer: &str, text: &str) {
        self.arrive(Arrival { face: Face::Public(flow), peer: address(peer) }, text.as_bytes());
    }

    /// A datagram from a phone.
    pub fn phone(&mut self, peer: &str, text: &str) {
        self.over(self.udp(peer), peer, text);
    }

    /// A datagram from a member.
    pub fn member(&mut self, peer: &str, text: &str) {
        let hop = Hop::new(Transport::Udp, address(peer));
        self.arrive(Arrival { face: Face::Inside(hop), peer: hop.address }, text.as_bytes());
    }

    pub fn arrive(&mut self, arrival: Arrival, bytes: &[u8]) {
        let mut out = Outbox::default();
        self.edge.handle_message(self.now, self.wall, &arrival, bytes, &TestFlows, &mut out);
        self.take(out);
    }

    pub fn registered(&mut self, response: wire::RegisterResponse) {
        let (id, _) = self.questions.remove(0);
        self.answer(id, Answer::Registered(Ok(response)));
    }

    pub fn located(&mut self, bindings: Vec<wire::Binding>) {
        let (id, _) = self.questions.remove(0);
        self.answer(id, Answer::Located(Ok(wire::LocateResponse { known: true, bindings })));
    }

    pub fn answer(&mut self, id: QueryId, answer: Answer) {
        let mut out = Outbox::default();
        self.edge.handle_answer(self.now, self.wall, id, answer, &TestFlows, &mut out);
        self.take(out);
    }

    pub fn pass_time(&mut self, time: Duration) {
        self.now += time;
        self.wall.0 += time.as_millis() as u64;
        let mut out = Outbox::default();
        self.edge.handle_timeout(self.now, self.wall, &TestFlows, &mut out);
        self.take(out);
    }

    pub fn undelivered(&mut self, hop: Hop, bytes: &[u8]) {
        let mut out = Outbox::default();
        self.edge.handle_undelivered(self.now, self.wall, hop, bytes, &TestFlows, &mut out);
        self.take(out);
    }

    fn take(&mut self, mut out: Outbox) {
        while let Some(output) = out.poll() {
            match output {
                Output::ToFlow(flow, range) => {
                    self.sent.push(Sent { to: To::Flow(flow), bytes: out.bytes()[range].to_vec() });
                }
                Output::ToHop(hop, range) => {
                    self.sent.push(Sent { to: To::Hop(hop), bytes: out.bytes()[range].to_vec() });
                }
                Output::Register(id, request) => self.questions.push((id, Question::Register(*request))),
                Output::Locate(id, request) => self.questions.push((id, Question::Locate(*request))),
                Output::Close(flow) => self.closed.push(flow),
            }
        }
    }

    /// The one message that was sent since the last time.
    pub fn one(&mut self) -> Sent {
        assert_eq!(self.sent.len(), 1, "{:#?}", self.sent.iter().map(Sent::text).collect::<Vec<_>>());
        self.sent.remove(0)
    }

    pub fn nothing(&self) {
        assert!(self.sent.is_empty(), "{:#?}", self.sent.iter().map(Sent::text).collect::<Vec<_>>());
    }

    /// Sends a request of a phone, answers the challenge and sends it again.
    pub fn authenticated(&mut self, peer: &str, request: &str, user: &str, password: &str) {
        self.phone(peer, request);
        let challenged = self.one();
        self.phone(peer, &with_credentials(request, &challenged, user, password));
    }
}

/// The request again with the next CSeq and branch, and credentials for the first challenge.
pub fn with_credentials(request: &str, challenged: &Sent, user: &str, password: &str) -> String {
    let message = Message::parse(request.as_bytes()).unwrap();
    let (asks, answers) = match challenged.status() {
        401 => (Name::WwwAuthenticate, "Authorization"),
        407 => (Name::ProxyAuthenticate, "Proxy-Authorization"),
        other => panic!("{other}: {}", challenged.text()),
    };
    let challenge = challenged.message().all(asks).next().unwrap().to_owned();
    let challenge = Challenge::parse(&challenge).unwrap();
    let ha1 = Ha1::compute(challenge.algorithm, user, &challenge.realm, password);
    let answer = digest::Answer {
        challenge: &challenge,
        username: user,
        ha1: &ha1,
        method: message.method_text(),
        uri: message.request_uri(),
        count: 1,
        cnonce: "c",
    };
    let (cseq, method) = (message.cseq(), message.method_text());
    request
        .replace(
            &format!("CSeq: {cseq} {method}\r\n"),
            &format!("CSeq: {} {method}\r\n{answers}: {answer}\r\n", cseq + 1),
        )
        .replace("branch=z9hG4bK", "branch=z9hG4bKb")
}

/// A request as a phone writes it; `extra` holds header lines.
pub fn request(method: &str, uri: &str, from: &str, to: &str, peer: &str, extra: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {peer};branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:{from}>;tag=f1\r\nTo: <sip:{to}>\r\nCall-ID: call-1@phone\r\nCSeq: 1 {method}\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

pub fn invite(from: &str, to: &str, peer: &str) -> String {
    let contact = format!("Contact: <sip:{}@{peer}>\r\n", from.split('@').next().unwrap());
    request("INVITE", &format!("sip:{to}"), from, to, peer, &contact)
}

/// A response to a message that an edge sent, as its receiver writes it.
pub fn response(to: &Sent, status: u16, extra: &str) -> String {
    let message = to.message();
    let bytes = sip::Builder::response(&message, status, "X").to_tag("t1").finish();
    String::from_utf8(bytes).unwrap().replace("Content-Length: 0", &format!("{extra}Content-Length: 0"))
}

pub fn binding(uri: &str, flow: Flow) -> wire::Binding {
    let flow = flow.seal(&keys().flow).to_string();
    wire::Binding { uri: uri.into(), flow, q: 1000, expires_at: 1_800_000_600, ..wire::Binding::default() }
}

/// The Contact that shard 12.0 minted for a leg.
pub fn contact_of_shard(node: u16) -> String {
    let token = ContactToken { shard: ShardId { node, shard: 0 }, leg: 99 };
    format!("sip:{}@cluster.test", token.seal(&keys().contact))
}

pub fn flow_of(uri: &str) -> Flow {
    let user = uri.split(['@', ':']).nth(1).unwrap();
    Flow::open(&keys().flow, user).unwrap_or_else(|| panic!("no token in {uri}"))
}

pub const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

//! A bug is stood in for by ports that panic once, before they are opened or after they are closed.

use super::*;
use crate::media::{Ice, LegStats, NoPort, Opened, Order, Remote, RoomState, Rule, Sound, Tape};
use crate::settings::Settings;
use proto::time::UnixMillis;
use proto::view::View;
use sdp::service::Agreed;
use sip::hop::{Hop, Transmit, Transport};
use sip::message::Message;
use sip::token::ShardId;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

#[derive(Default)]
struct Fragile {
    open: BTreeSet<MediaId>,
    opened: u64,
    /// Operations until the panic.
    panics_after: Option<u32>,
}

impl Fragile {
    fn step(&mut self) {
        self.panics_after = match self.panics_after {
            Some(0) => {
                self.panics_after = None;
                panic!("a bug, for the test");
            }
            left => left.map(|left| left - 1),
        };
    }
}

impl Media for Fragile {
    fn open(&mut self, _: Option<SocketAddr>) -> Result<Opened, NoPort> {
        self.step();
        self.opened += 1;
        let id = MediaId(self.opened);
        self.open.insert(id);
        Ok(Opened { id, address: Ipv4Addr::LOCALHOST.into(), rtp: 4000, rtcp: 4001 })
    }
    fn connect(&mut self, _: MediaId, _: Remote) {
        self.step();
    }
    fn bridge(&mut self, _: MediaId, _: MediaId) {
        self.step();
    }
    fn serve(&mut self, _: MediaId, _: Sound, _: &Agreed) {
        self.step();
    }
    fn is_locked(&self, _: &str) -> bool {
        false
    }

    fn is_in_room(&self, _: MediaId) -> bool {
        false
    }

    fn order(&mut self, _: MediaId, _: Order) {}

    fn room(&self, _: &str) -> Option<RoomState> {
        None
    }

    fn rule(&mut self, _: &str, _: Rule) -> usize {
        0
    }

    fn tape(&mut self, _: MediaId, _: Tape) {}

    fn watch(&mut self, _: MediaId) {}

    fn press(&mut self, _: MediaId, _: char, _: Duration) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        format!("sha-256 {}", ["AB"; 32].join(":"))
    }

    fn ice(&mut self, id: MediaId, restart: bool) -> Option<Ice> {
        let turn = if restart { "again" } else { "first" };
        let pwd = "p".repeat(24);
        Some(Ice { ufrag: format!("{turn}{}", id.0), pwd, candidate: "1 1 udp 1 10.9.8.7 20000 typ host".to_owned() })
    }

    fn draw_key(&mut self) -> [u8; srtp::MasterKey::LONGEST] {
        [7; srtp::MasterKey::LONGEST]
    }

    fn stats(&self, _: MediaId) -> LegStats {
        LegStats::default()
    }

    fn close(&mut self, id: MediaId) -> LegStats {
        self.open.remove(&id);
        self.step();
        LegStats::default()
    }
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n";

fn request(method: &str, cseq: u32, call: &str, to_tag: &str, body: &str) -> String {
    format!(
        "{method} sip:9999@t.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5080;branch=z9hG4bK-{call}-{cseq}-{method}\r\n\
         From: <sip:a@t.test>;tag=a\r\nTo: <sip:9999@t.test>{to_tag}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:a@127.0.0.1>\r\nMax-Forwards: 70\r\nTandem-Caller: a@t.test\r\nTandem-Target: echo\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

struct Bench {
    shard: Shard,
    media: Fragile,
    now: Instant,
}

impl Bench {
    fn new() -> Bench {
        let view = Arc::new(View::unjoined());
        let settings = Settings::new(ShardId { node: 1, shard: 0 }, SocketAddr::from(([127, 0, 0, 1], 5090)));
        Bench { shard: Shard::new(settings, view, 1), media: Fragile::default(), now: Instant::now() }
    }

    /// Hands a message in as node does, and returns what goes out.
    fn send(&mut self, text: &str) -> Vec<Transmit> {
        let from = Hop::new(Transport::Tcp, SocketAddr::from(([127, 0, 0, 1], 5080)));
        let Bench { shard, media, now } = self;
        let handled = catch_unwind(AssertUnwindSafe(|| {
            shard.handle_message(*now, UnixMillis(1), from, text.as_bytes(), media);
        }));
        if handled.is_err() {
            shard.abandon(*now, media);
        }
        self.output()
    }

    fn output(&mut self) -> Vec<Transmit> {
        let sent = |output| if let Output::Transmit(transmit) = output { Some(transmit) } else { None };
        std::iter::from_fn(|| self.shard.poll_output()).filter_map(sent).collect()
    }

    /// The tag of the answered call, in the form that follows a To.
    fn call(&mut self, call: &str) -> Option<String> {
        let sent = self.send(&request("INVITE", 1, call, "", SDP));
        let mut answered = sent.iter().map(|transmit| Message::parse(&transmit.bytes).unwrap());
        let tag = format!(";tag={}", answered.rfind(|message| message.status() == Some(200))?.to_tag()?);
        self.send(&request("ACK", 1, call, &tag, ""));
        Some(tag)
    }
}

#[test]
fn a_bug_ends_the_call_that_met_it_and_no_other() {
    let mut met = 0;
    for operation in 0.. {
        let mut bench = Bench::new();
        let steady = bench.call("steady").unwrap();
        let ports = bench.media.open.clone();
        assert_eq!((bench.shard.count(), ports.len()), (1, 1));
        bench.media.panics_after = Some(operation);
        if let Some(tag) = bench.call("fragile") {
            bench.send(&request("BYE", 2, "fragile", &tag, ""));
        }
        assert_eq!((bench.shard.count(), &bench.media.open), (1, &ports), "after operation {operation}");
        if bench.media.panics_after.take().is_some() {
            break;
        }
        met += 1;
        let sent = bench.send(&request("BYE", 2, "steady", &steady, ""));
        assert_eq!(Message::parse(&sent[0].bytes).unwrap().status(), Some(200));
        assert!(bench.media.open.is_empty() && bench.shard.core.owners.is_empty(), "{:?}", bench.shard);
    }
    assert!(met >= 4, "open, connect, serve and close have failed once each");
}

#[test]
fn when_the_exchange_stops_every_call_is_told() {
    let mut bench = Bench::new();
    for call in ["one", "two", "three"] {
        bench.call(call).unwrap();
    }
    let Bench { shard, media, now } = &mut bench;
    shard.hang_up(*now, media);
    let sent = bench.output();
    let methods: Vec<&str> = sent.iter().map(|sent| Message::parse(&sent.bytes).unwrap().method_text()).collect();
    assert_eq!((methods, bench.shard.count()), (vec!["BYE"; 3], 0));
    assert!(bench.media.open.is_empty());
}

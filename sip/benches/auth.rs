//! The cost of authentication and of what is sealed into messages.

use divan::{Bencher, black_box};
use sip::digest::{self, Algorithm, Answer, Challenge, Credentials, Ha1, NonceState, Nonces, Purpose, Staleness};
use sip::hop::Transport;
use sip::message::Message;
use sip::stateless::branch;
use sip::token::{BranchKey, ContactToken, Flow, FlowEnd, Key, KeyRing, ShardId};
use std::net::SocketAddr;
use std::time::Duration;

fn main() {
    divan::main();
}

const NOW: Duration = Duration::from_secs(1_790_000_000);

fn ring() -> KeyRing {
    KeyRing::of(Key::new(1, &[7; 32]))
}

/// A header with an answer to one of our challenges, and the secret behind it.
fn answer(algorithm: Algorithm) -> (String, Ha1) {
    let nonce = Nonces::new(&ring(), Nonces::DEFAULT_LIFETIME).issue(NOW, Purpose::Call, &["tandem.local"]);
    let challenge = Challenge { realm: "tandem.local".into(), nonce: &nonce, algorithm, stale: Staleness::No };
    let ha1 = Ha1::compute(algorithm, "alice", "tandem.local", "secret");
    let (method, uri, cnonce) = ("INVITE", "sip:bob@tandem.local", "0a4f113b9c8d7e6f");
    let answer = Answer { challenge: &challenge, username: "alice", ha1: &ha1, method, uri, count: 1, cnonce };
    (answer.to_string(), ha1)
}

#[divan::bench]
fn parse_credentials(bencher: Bencher<'_, '_>) {
    let (header, _) = answer(Algorithm::Sha256);
    bencher.bench(|| black_box(Credentials::parse(black_box(&header)).is_ok()));
}

#[divan::bench(args = [Algorithm::Md5, Algorithm::Sha256])]
fn verify(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (header, ha1) = answer(algorithm);
    let credentials = Credentials::parse(&header).expect("we wrote it");
    bencher.bench(|| assert!(digest::verify(black_box(&credentials), &ha1, "INVITE")));
}

#[divan::bench(args = [Algorithm::Md5, Algorithm::Sha256])]
fn verify_against_nothing(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (header, _) = answer(algorithm);
    let credentials = Credentials::parse(&header).expect("we wrote it");
    bencher.bench(|| assert!(!digest::verify_against_nothing(black_box(&credentials), "INVITE")));
}

#[divan::bench]
fn issue_nonce(bencher: Bencher<'_, '_>) {
    let ring = ring();
    bencher.bench(|| Nonces::new(&ring, Nonces::DEFAULT_LIFETIME).issue(NOW, Purpose::Call, &["tandem.local"]));
}

#[divan::bench]
fn check_nonce(bencher: Bencher<'_, '_>) {
    let ring = ring();
    let nonces = Nonces::new(&ring, Nonces::DEFAULT_LIFETIME);
    let nonce = nonces.issue(NOW, Purpose::Call, &["tandem.local"]);
    bencher.bench(|| {
        assert_eq!(nonces.check(NOW, Purpose::Call, &["tandem.local"], black_box(&nonce)), NonceState::Fresh);
    });
}

const ADDRESSES: [&str; 2] = ["192.0.2.1:5060", "[2001:db8::1]:5060"];

fn flow(address: &str) -> Flow {
    let peer: SocketAddr = address.parse().expect("a constant address");
    Flow { proxy: 3, transport: Transport::Udp, listener: 0, end: FlowEnd::Peer(peer) }
}

#[divan::bench(args = ADDRESSES)]
fn seal_flow(bencher: Bencher<'_, '_>, address: &str) {
    let (ring, flow) = (ring(), flow(address));
    bencher.bench(|| black_box(&flow).seal(&ring));
}

#[divan::bench(args = ADDRESSES)]
fn open_flow(bencher: Bencher<'_, '_>, address: &str) {
    let (ring, flow) = (ring(), flow(address));
    let token = flow.seal(&ring);
    bencher.bench(|| assert!(Flow::open(&ring, black_box(&token)).is_some()));
}

#[divan::bench]
fn open_contact(bencher: Bencher<'_, '_>) {
    let ring = ring();
    let token = ContactToken { shard: ShardId { node: 12, shard: 0 }, leg: 77 }.seal(&ring);
    bencher.bench(|| assert!(ContactToken::open(&ring, black_box(&token)).is_some()));
}

#[divan::bench]
fn refuse_foreign_token(bencher: Bencher<'_, '_>) {
    let (ring, token) = (ring(), flow(ADDRESSES[0]).seal(&KeyRing::of(Key::new(1, &[8; 32]))));
    bencher.bench(|| assert!(Flow::open(&ring, black_box(&token)).is_none()));
}

#[divan::bench]
fn stateless_branch(bencher: Bencher<'_, '_>) {
    let request = "INVITE sip:bob@tandem.local SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport\r\n\
        From: \"Alice\" <sip:alice@tandem.local>;tag=1928301774\r\nTo: <sip:bob@tandem.local>\r\n\
        Call-ID: a84b4c76e66710@192.0.2.1\r\nCSeq: 314159 INVITE\r\n\r\n";
    let (message, key) = (Message::parse(request.as_bytes()).expect("a constant message"), BranchKey::new(&[7; 32]));
    bencher.bench(|| branch(black_box(&message), &key));
}

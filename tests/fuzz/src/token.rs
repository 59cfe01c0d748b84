use sip::digest::{NonceState, Nonces, Purpose};
use sip::hop::{Hop, Transport};
use sip::token::{ContactToken, Flow, FlowEnd, HopToken, Key, KeyRing, ShardId};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

pub const SEEDS: &[&str] = &[
    "AVZrAMCoAQETxJvgYxFD7vYr",
    "a nonce, a flow over IPv4 or IPv6, a slot of a connection, a hop, a contact: forty bytes and more",
];

pub const DICTIONARY: &[&str] = &["A", "_", "-", "=", "AAAA", "\0\0\0\0", "\u{7f}"];

/// Opens any text as a token of each kind, and seals values made of any bytes: they open as they were, and not with one bit changed.
pub fn token(data: &[u8]) {
    let ring = KeyRing::of(Key::new(3, &[1; 32])).rotated(Key::new(4, &[2; 32]));
    if let Ok(text) = std::str::from_utf8(data) {
        is_none(&ring, text);
    }
    let mut bytes = data.iter().copied().chain(std::iter::repeat(0));
    let mut number = || u64::from_be_bytes(std::array::from_fn(|_| bytes.next().unwrap_or(0)));
    let (transport, proxy, port) = (Transport::ALL[number() as usize % 5], number() as u16, number() as u16);
    let ip = match number() % 2 {
        0 => IpAddr::from((number() as u32).to_be_bytes()),
        _ => IpAddr::from(Ipv6Addr::from((u128::from(number()) << 64) | u128::from(number()))),
    };
    let address = SocketAddr::from((ip, port));
    let end = match number() % 2 {
        0 => FlowEnd::Peer(address),
        _ => FlowEnd::Slot { worker: number() as u8, slot: number() as u32, generation: number() as u32 },
    };
    let flow = Flow { proxy, transport, listener: number() as u8, end };
    let hop = HopToken { hop: Hop::new(transport, address) };
    let contact = ContactToken { shard: ShardId { node: proxy, shard: number() as u8 }, leg: number() };
    let (now, nonces) = (Duration::from_millis(number() >> 16), Nonces::new(&ring, Duration::from_secs(300)));
    let nonce = nonces.issue(now, Purpose::Call, &["realm"]);

    assert_eq!(Flow::open(&ring, &flow.seal(&ring)), Some(flow));
    assert_eq!(HopToken::open(&ring, &hop.seal(&ring)), Some(hop));
    assert_eq!(ContactToken::open(&ring, &contact.seal(&ring)), Some(contact));
    assert_eq!(nonces.check(now, Purpose::Call, &["realm"], &nonce), NonceState::Fresh);
    for token in [flow.seal(&ring), hop.seal(&ring), contact.seal(&ring), nonce] {
        assert!(token.len() < 40);
        let mut changed = token.as_bytes().to_vec();
        changed[number() as usize % token.len()] ^= 1 << (number() % 7);
        is_none(&ring, std::str::from_utf8(&changed).unwrap());
    }
}

fn is_none(ring: &KeyRing, text: &str) {
    assert_eq!(Flow::open(ring, text), None);
    assert_eq!(HopToken::open(ring, text), None);
    assert_eq!(ContactToken::open(ring, text), None);
    let nonces = Nonces::new(ring, Duration::MAX);
    assert_eq!(nonces.check(Duration::ZERO, Purpose::Call, &["realm"], text), NonceState::Foreign);
}

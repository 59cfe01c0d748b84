use super::*;
use crate::hop::{Hop, Transport};
use crate::random::Random;
use std::net::{IpAddr, SocketAddr};

const SEED: u64 = 7;

fn ring(epoch: u8) -> KeyRing {
    KeyRing::of(Key::new(epoch, &[epoch; 32]))
}

fn address(random: &mut Random) -> SocketAddr {
    let ip = match random.number() % 2 {
        0 => IpAddr::from((random.number() as u32).to_be_bytes()),
        _ => IpAddr::from(((u128::from(random.number()) << 64) | u128::from(random.number())).to_be_bytes()),
    };
    (ip, random.number() as u16).into()
}

fn transport(random: &mut Random) -> Transport {
    Transport::ALL[random.number() as usize % 5]
}

fn flow(random: &mut Random) -> Flow {
    let end = match random.number() % 2 {
        0 => FlowEnd::Peer(address(random)),
        _ => FlowEnd::Slot {
            worker: random.number() as u8,
            slot: random.number() as u32,
            generation: random.number() as u32,
        },
    };
    Flow { proxy: random.number() as u16, transport: transport(random), listener: random.number() as u8, end }
}

fn contact(random: &mut Random) -> ContactToken {
    let shard = ShardId { node: random.number() as u16, shard: random.number() as u8 };
    ContactToken { shard, leg: random.number() }
}

#[test]
fn what_is_sealed_opens_and_is_short() {
    let random = &mut Random::new(SEED);
    let ring = ring(3);
    for _ in 0..2000 {
        let (flow, contact) = (flow(random), contact(random));
        let hop = HopToken { hop: Hop { transport: transport(random), address: address(random) } };
        assert_eq!(Flow::open(&ring, &flow.seal(&ring)), Some(flow));
        assert_eq!(HopToken::open(&ring, &hop.seal(&ring)), Some(hop));
        assert_eq!(ContactToken::open(&ring, &contact.seal(&ring)), Some(contact));
        for token in [flow.seal(&ring), hop.seal(&ring), contact.seal(&ring)] {
            assert!(token.len() < 40, "{token}");
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{token}");
        }
    }
}

#[test]
fn a_changed_token_never_opens() {
    let random = &mut Random::new(SEED);
    let ring = ring(0);
    for _ in 0..100 {
        let (flow, contact) = (flow(random), contact(random));
        let hop = HopToken { hop: Hop { transport: transport(random), address: address(random) } };
        for token in [flow.seal(&ring), hop.seal(&ring), contact.seal(&ring)] {
            for changed in changes(&token) {
                assert_eq!(Flow::open(&ring, &changed), None, "{token} {changed}");
                assert_eq!(HopToken::open(&ring, &changed), None, "{token} {changed}");
                assert_eq!(ContactToken::open(&ring, &changed), None, "{token} {changed}");
            }
        }
    }
}

/// Every single flipped bit that leaves text, every shortening and a lengthening.
fn changes(token: &str) -> Vec<String> {
    let mut changes = vec![format!("{token}A"), String::new()];
    for at in 0..token.len() {
        changes.push(token[..at].to_owned());
        for bit in 0..7 {
            let mut bytes = token.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            changes.extend(String::from_utf8(bytes));
        }
    }
    changes
}

#[test]
fn one_kind_of_token_is_not_another() {
    let (random, ring) = (&mut Random::new(SEED), ring(0));
    for _ in 0..100 {
        let (flow, contact) = (flow(random), contact(random));
        let hop = HopToken { hop: Hop { transport: transport(random), address: address(random) } };
        assert_eq!(HopToken::open(&ring, &flow.seal(&ring)), None);
        assert_eq!(ContactToken::open(&ring, &flow.seal(&ring)), None);
        assert_eq!(Flow::open(&ring, &hop.seal(&ring)), None);
        assert_eq!(Flow::open(&ring, &contact.seal(&ring)), None);
    }
}

#[test]
fn the_previous_key_opens_until_the_next_rotation() {
    let flow =
        Flow { proxy: 1, transport: Transport::Udp, listener: 0, end: FlowEnd::Peer(([192, 0, 2, 1], 5060).into()) };
    let first = ring(255);
    let token = flow.seal(&first);
    let second = first.rotated(Key::new(0, &[9; 32]));
    assert_eq!(Flow::open(&second, &token), Some(flow), "previous key");
    assert_ne!(flow.seal(&second), token, "the current key seals");
    let third = second.rotated(Key::new(1, &[10; 32]));
    assert_eq!(Flow::open(&third, &token), None, "unknown epoch");
    assert_eq!(Flow::open(&KeyRing::of(Key::new(255, &[11; 32])), &token), None, "same epoch, other secret");
}

#[test]
fn keys_of_equal_epoch_bits_are_both_tried() {
    let contact = ContactToken { shard: ShardId { node: 1, shard: 2 }, leg: 3 };
    let old = KeyRing::of(Key::new(0, &[1; 32]));
    let token = contact.seal(&old);
    assert_eq!(ContactToken::open(&old.rotated(Key::new(8, &[2; 32])), &token), Some(contact));
}

#[test]
fn shards_read_back_only_as_they_are_written() {
    let shard = ShardId { node: 12, shard: 0 };
    assert_eq!(shard.to_string(), "12.0");
    assert_eq!("12.0".parse(), Ok(shard));
    for wrong in ["", "12", "12.", ".0", "12.256", "65536.0", "+12.0", "12.00", "12.0.0"] {
        assert_eq!(wrong.parse::<ShardId>(), Err(ShardIdError), "{wrong}");
    }
}

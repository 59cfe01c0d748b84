//! Packets lost, late, repeated, forged and broken on their way, from seeds that are printed.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use srtp::{Inbound, MasterKey, OVERHEAD, Outbound, Refused, Suite, Unprotectable};

/// SplitMix64. The seed is printed, and taken from `SEED` where that is set.
struct Random(u64);

impl Random {
    fn new() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 to one less than `bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn key(&mut self) -> MasterKey {
        let mut bytes = [0; MasterKey::LONGEST];
        bytes.iter_mut().for_each(|byte| *byte = self.next() as u8);
        MasterKey::from_random(Suite::ALL[self.below(Suite::ALL.len())], bytes)
    }
}

/// A packet whose payload is its number.
fn rtp(ssrc: u32, number: u64) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend_from_slice(&(number as u16).to_be_bytes());
    packet.extend_from_slice(&(number as u32).wrapping_mul(160).to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&number.to_be_bytes());
    packet
}

fn rtcp(ssrc: u32, number: u64) -> Vec<u8> {
    let mut packet = vec![0x81, 200, 0, 3];
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&number.to_be_bytes());
    packet
}

fn protected(outbound: &mut Outbound, plain: &[u8]) -> Result<Vec<u8>, Unprotectable> {
    let mut packet = [plain, &[0; OVERHEAD]].concat();
    let length = outbound.protect_rtp(&mut packet, plain.len())?;
    packet.truncate(length);
    Ok(packet)
}

fn protected_rtcp(outbound: &mut Outbound, plain: &[u8]) -> Result<Vec<u8>, Unprotectable> {
    let mut packet = [plain, &[0; OVERHEAD]].concat();
    let length = outbound.protect_rtcp(&mut packet, plain.len())?;
    packet.truncate(length);
    Ok(packet)
}

/// Every packet that is less than 128 late is opened once, whatever else happens; no other is.
#[test]
fn bad_weather_over_many_rollovers() {
    let mut random = Random::new();
    for _ in 0..8 {
        let key = random.key();
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
        let sources: Vec<u32> = (0..1 + random.below(8)).map(|_| random.next() as u32).collect();
        let mut numbers: BTreeMap<u32, u64> =
            sources.iter().map(|ssrc| (*ssrc, random.below(1 << 15) as u64)).collect();
        // By the time of their arrival.
        let mut under_way: BTreeMap<(u64, u64), (u32, u64, Vec<u8>)> = BTreeMap::new();
        let mut opened: BTreeSet<(u32, u64)> = BTreeSet::new();
        let mut highest: BTreeMap<u32, u64> = BTreeMap::new();
        for now in 0..1000_u64 {
            let ssrc = sources[random.below(sources.len())];
            let number = numbers.get_mut(&ssrc).unwrap();
            // A jump now and then, so that there are rollovers. None is lost, or nobody could count them.
            let jump = if random.below(10) == 0 { random.below(15_000) } else { 0 };
            *number += 1 + jump as u64;
            let packet = protected(&mut outbound, &rtp(ssrc, *number)).unwrap();
            let copies = if jump > 0 { 1 } else { [0, 1, 1, 1, 1, 1, 2][random.below(7)] };
            for _ in 0..copies {
                let late = if jump == 0 && random.below(5) == 0 { random.below(40) as u64 } else { 0 };
                under_way.insert((now + late, random.next()), (ssrc, *number, packet.clone()));
            }
            while let Some(entry) = under_way.first_entry().filter(|entry| entry.key().0 <= now) {
                let (ssrc, number, packet) = entry.remove();
                let mut broken = packet.clone();
                broken[random.below(packet.len())] ^= 1 << random.below(8);
                let state = format!("{inbound:?}");
                assert!(inbound.open_rtp(&mut broken).is_err());
                assert_eq!(format!("{inbound:?}"), state, "what is refused changes nothing");
                let mut packet = packet;
                let result = inbound.open_rtp(&mut packet);
                let seen = highest.get(&ssrc).copied().unwrap_or(0);
                let behind = seen.saturating_sub(number);
                if behind >= 1 << 15 {
                    // Taken for one after the next rollover.
                    assert!(result.is_err());
                } else if behind >= 128 || !opened.insert((ssrc, number)) {
                    assert_eq!(result, Err(Refused::Replayed));
                } else {
                    assert_eq!(result, Ok(20));
                    assert_eq!(packet[..20], rtp(ssrc, number));
                    highest.insert(ssrc, number.max(seen));
                }
            }
        }
    }
}

#[test]
fn rtcp_is_opened_once_and_in_any_order() {
    let mut random = Random::new();
    for _ in 0..50 {
        let key = random.key();
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
        let mut packets: Vec<_> =
            (0..100).map(|number| protected_rtcp(&mut outbound, &rtcp(7, number)).unwrap()).collect();
        for at in 0..packets.len() {
            packets.swap(at, random.below(100));
        }
        for packet in &packets {
            let mut broken = packet.clone();
            broken[random.below(packet.len())] ^= 1 << random.below(8);
            assert!(inbound.open_rtcp(&mut broken).is_err());
            assert_eq!(inbound.open_rtcp(&mut packet.clone()), Ok(16));
            assert_eq!(inbound.open_rtcp(&mut packet.clone()), Err(Refused::Replayed));
        }
    }
}

#[test]
fn a_long_call_goes_on_over_its_rollovers() {
    let key = MasterKey::from_random(Suite::AesCm128HmacSha1_80, [9; 46]);
    let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
    for number in (65_000..500_000).step_by(61) {
        let mut packet = protected(&mut outbound, &rtp(1, number)).unwrap();
        assert_eq!(inbound.open_rtp(&mut packet), Ok(20), "{number}");
    }
}

#[test]
fn nothing_is_encrypted_alike_twice() {
    for suite in Suite::ALL {
        let key = MasterKey::from_random(suite, [5; 46]);
        let mut outbound = Outbound::new(&key);
        let mut seen = BTreeSet::new();
        for (ssrc, number) in [(1, 0), (1, 65_535), (1, 1 << 16), (2, 0), (2, 5), (2, 3)] {
            let mut plain = rtp(ssrc, number);
            plain.truncate(12);
            plain.extend_from_slice(&[0; 32]);
            let packet = protected(&mut outbound, &plain).unwrap();
            assert!(seen.insert(packet[12..44].to_vec()), "{suite:?} {ssrc} {number}");
            assert_eq!(protected(&mut outbound, &plain), Err(Unprotectable::Repeated));
        }
        // Two sources of RTCP do not share an index either.
        for ssrc in [1, 2, 1, 2] {
            let mut plain = rtcp(ssrc, 0);
            plain.extend_from_slice(&[0; 32]);
            let packet = protected_rtcp(&mut outbound, &plain).unwrap();
            assert!(seen.insert(packet[8..40].to_vec()), "{suite:?} {ssrc}");
        }
    }
}

#[test]
fn a_stranger_takes_nobodys_place() {
    let key = MasterKey::from_random(Suite::AeadAes128Gcm, [5; 46]);
    let stranger = MasterKey::from_random(Suite::AeadAes128Gcm, [6; 46]);
    let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
    let mut forger = Outbound::new(&stranger);
    for ssrc in 0..16 {
        assert_eq!(inbound.open_rtp(&mut protected(&mut outbound, &rtp(ssrc, 65_535)).unwrap()), Ok(20));
        assert_eq!(inbound.open_rtp(&mut protected(&mut outbound, &rtp(ssrc, 65_536)).unwrap()), Ok(20));
    }
    for ssrc in 0..100 {
        let mut forged = protected(&mut forger, &rtp(ssrc, 65_537)).unwrap();
        assert_eq!(inbound.open_rtp(&mut forged), Err(Refused::Forged));
    }
    // All sixteen still have their rollover counters, and so has the one that a seventeenth replaces.
    for ssrc in (1..17).chain([0]) {
        let number = if ssrc == 16 { 1 } else { 65_540 };
        assert_eq!(inbound.open_rtp(&mut protected(&mut outbound, &rtp(ssrc, number)).unwrap()), Ok(20), "{ssrc}");
    }
}

#[test]
fn a_buffer_without_room_is_left_as_it_is() {
    for suite in Suite::ALL {
        let mut outbound = Outbound::new(&MasterKey::from_random(suite, [5; 46]));
        let plain = rtp(1, 1);
        let mut packet = plain.clone();
        assert_eq!(outbound.protect_rtp(&mut packet, 20), Err(Unprotectable::NoRoom));
        assert_eq!(outbound.protect_rtp(&mut packet, 21), Err(Unprotectable::Malformed));
        assert_eq!(outbound.protect_rtp(&mut packet, 11), Err(Unprotectable::Malformed));
        assert_eq!(outbound.protect_rtcp(&mut packet, 20), Err(Unprotectable::NoRoom));
        assert_eq!(outbound.protect_rtcp(&mut packet, 7), Err(Unprotectable::Malformed));
        assert_eq!(packet, plain);
        packet.resize(20 + OVERHEAD, 0);
        assert!(outbound.protect_rtp(&mut packet, 20).is_ok_and(|length| length <= 20 + OVERHEAD));
    }
}

fn key() -> impl Strategy<Value = MasterKey> {
    (0..Suite::ALL.len(), proptest::collection::vec(any::<u8>(), MasterKey::LONGEST))
        .prop_map(|(suite, random)| MasterKey::from_random(Suite::ALL[suite], random.try_into().unwrap()))
}

proptest! {
    #[test]
    fn no_bytes_panic_or_are_taken(key in key(), first in 0x80..0xc0_u8, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
        for mut bytes in [bytes.clone(), [&[first], &bytes[..]].concat()] {
            let before = bytes.clone();
            // A tag of 32 bits may be guessed, if seldom.
            prop_assert!(inbound.open_rtp(&mut bytes).is_err());
            prop_assert!(inbound.open_rtcp(&mut bytes).is_err());
            prop_assert_eq!(&bytes, &before);
            for length in [0, bytes.len() / 2, bytes.len(), bytes.len() + 1, usize::MAX - 15] {
                let _ = outbound.protect_rtp(&mut bytes.clone(), length);
                let _ = outbound.protect_rtcp(&mut bytes.clone(), length);
            }
        }
    }

    #[test]
    fn no_flipped_bit_is_accepted(key in key(), payload in proptest::collection::vec(any::<u8>(), 0..40)) {
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
        let plain = [&rtp(1, 2)[..12], &payload].concat();
        let packet = protected(&mut outbound, &plain).unwrap();
        let report = protected_rtcp(&mut outbound, &[&rtcp(1, 2)[..8], &payload].concat()).unwrap();
        for (packet, open) in [
            (packet, Inbound::open_rtp as fn(&mut Inbound, &mut [u8]) -> Result<usize, Refused>),
            (report, Inbound::open_rtcp),
        ] {
            for bit in 0..8 * packet.len() {
                let mut flipped = packet.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let before = flipped.clone();
                prop_assert!(open(&mut inbound, &mut flipped).is_err(), "bit {}", bit);
                prop_assert_eq!(flipped, before);
            }
            for length in 0..packet.len() {
                prop_assert!(open(&mut inbound, &mut packet[..length].to_vec()).is_err());
            }
            let mut packet = packet;
            prop_assert!(open(&mut inbound, &mut packet).is_ok());
        }
    }
}

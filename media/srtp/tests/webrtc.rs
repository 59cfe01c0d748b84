//! webrtc-srtp as the second opinion, in both directions.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use srtp::{Inbound, MasterKey, OVERHEAD, Outbound, Suite};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

fn theirs(key: &MasterKey) -> Context {
    let profile = match key.suite() {
        Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Suite::AesCm256HmacSha1_80 => ProtectionProfile::Aes256CmHmacSha1_80,
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    Context::new(key.key(), key.salt(), profile, None, None).unwrap()
}

fn key() -> impl Strategy<Value = MasterKey> {
    (0..Suite::ALL.len(), proptest::collection::vec(any::<u8>(), MasterKey::LONGEST))
        .prop_map(|(suite, random)| MasterKey::from_random(Suite::ALL[suite], random.try_into().unwrap()))
}

/// With contributing sources, and an extension of one-byte elements in some.
fn rtp() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |most| proptest::collection::vec(any::<u8>(), 0..=most);
    (any::<[u8; 11]>(), 0..=15_u8, proptest::option::of(0..=4_u8), bytes(1400)).prop_map(
        |(fields, sources, extension, payload)| {
            let mut packet = vec![0x80 | sources];
            packet.extend_from_slice(&fields);
            packet.extend((0..4 * sources).map(|byte| byte ^ 0x5a));
            if let Some(words) = extension {
                packet[0] |= 0x10;
                packet.extend_from_slice(&[0xbe, 0xde, 0, words]);
                // Elements of three bytes each.
                packet.extend((0..4 * words).map(|at| if at % 4 == 0 { 0x12 } else { at }));
            }
            packet.extend_from_slice(&payload);
            packet
        },
    )
}

fn rtcp() -> impl Strategy<Value = Vec<u8>> {
    (any::<u32>(), 0..200_usize, any::<u8>()).prop_map(|(ssrc, words, fill)| {
        let mut packet = vec![0x80, 200];
        packet.extend_from_slice(&(words as u16 + 1).to_be_bytes());
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend(std::iter::repeat_n(fill, 4 * words));
        packet
    })
}

proptest! {
    #[test]
    fn they_open_what_we_protect(key in key(), packets in proptest::collection::vec(rtp(), 1..5)) {
        let (mut ours, mut theirs) = (Outbound::new(&key), theirs(&key));
        for plain in packets {
            let mut packet = [&plain[..], &[0; OVERHEAD]].concat();
            let length = ours.protect_rtp(&mut packet, plain.len()).unwrap();
            prop_assert_eq!(&theirs.decrypt_rtp(&packet[..length]).unwrap()[..], &plain[..]);
        }
    }

    #[test]
    fn we_open_what_they_protect(key in key(), packets in proptest::collection::vec(rtp(), 1..5)) {
        let (mut ours, mut theirs) = (Inbound::new(&key), theirs(&key));
        for plain in packets {
            let mut packet = theirs.encrypt_rtp(&plain).unwrap().to_vec();
            let length = ours.open_rtp(&mut packet).unwrap();
            prop_assert_eq!(&packet[..length], &plain[..]);
        }
    }

    #[test]
    fn rtcp_is_the_same_in_both_directions(key in key(), packets in proptest::collection::vec(rtcp(), 1..5)) {
        let (mut outbound, mut inbound, mut theirs) = (Outbound::new(&key), Inbound::new(&key), theirs(&key));
        for plain in packets {
            let mut packet = [&plain[..], &[0; OVERHEAD]].concat();
            let length = outbound.protect_rtcp(&mut packet, plain.len()).unwrap();
            prop_assert_eq!(&theirs.decrypt_rtcp(&packet[..length]).unwrap()[..], &plain[..]);
            let mut packet = theirs.encrypt_rtcp(&plain).unwrap().to_vec();
            let length = inbound.open_rtcp(&mut packet).unwrap();
            prop_assert_eq!(&packet[..length], &plain[..]);
        }
    }
}

/// Over the first rollovers, which need the same rollover counter on both sides.
#[test]
fn rollovers_are_counted_alike() {
    for suite in Suite::ALL {
        let key = MasterKey::from_random(suite, [3; 46]);
        let (mut outbound, mut opens) = (Outbound::new(&key), theirs(&key));
        let (mut protects, mut inbound) = (theirs(&key), Inbound::new(&key));
        for number in (65_000..250_000_u32).step_by(700) {
            let [.., high, low] = number.to_be_bytes();
            let plain = [0x80, 0, high, low, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
            let mut packet = [&plain[..], &[0; OVERHEAD]].concat();
            let length = outbound.protect_rtp(&mut packet, plain.len()).unwrap();
            assert_eq!(opens.decrypt_rtp(&packet[..length]).unwrap()[..], plain);
            let mut packet = protects.encrypt_rtp(&plain).unwrap().to_vec();
            let length = inbound.open_rtp(&mut packet).unwrap();
            assert_eq!(packet[..length], plain);
        }
    }
}

//! What a packet of 20 ms of G.711 costs: protected by one side and opened by the other. Both sides here, webrtc-srtp
//! beside them.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use divan::Bencher;
use srtp::{Inbound, MasterKey, OVERHEAD, Outbound, Suite};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

fn main() {
    divan::main();
}

const LENGTH: usize = 172;

/// The next packet, in the buffer of the one before.
fn renew(packet: &mut [u8; LENGTH + OVERHEAD], sequence: &mut u16) {
    *sequence = sequence.wrapping_add(1);
    packet[0] = 0x80;
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
}

#[divan::bench(args = Suite::ALL, sample_size = 1000)]
fn ours(bencher: Bencher<'_, '_>, suite: Suite) {
    let key = MasterKey::from_random(suite, [7; MasterKey::LONGEST]);
    let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
    let (mut packet, mut sequence) = ([0; LENGTH + OVERHEAD], 0);
    bencher.bench_local(|| {
        renew(&mut packet, &mut sequence);
        let length = outbound.protect_rtp(black_box(&mut packet), LENGTH).unwrap();
        inbound.open_rtp(black_box(&mut packet[..length])).unwrap()
    });
}

#[divan::bench(args = Suite::ALL, sample_size = 1000)]
fn protect(bencher: Bencher<'_, '_>, suite: Suite) {
    let mut outbound = Outbound::new(&MasterKey::from_random(suite, [7; MasterKey::LONGEST]));
    let (mut packet, mut sequence) = ([0; LENGTH + OVERHEAD], 0);
    bencher.bench_local(|| {
        renew(&mut packet, &mut sequence);
        outbound.protect_rtp(black_box(&mut packet), LENGTH).unwrap()
    });
}

#[divan::bench(args = Suite::ALL, sample_size = 1000)]
fn webrtc(bencher: Bencher<'_, '_>, suite: Suite) {
    let key = MasterKey::from_random(suite, [7; MasterKey::LONGEST]);
    let (mut protects, mut opens) = (theirs(&key), theirs(&key));
    let (mut packet, mut sequence) = ([0; LENGTH + OVERHEAD], 0);
    bencher.bench_local(|| {
        renew(&mut packet, &mut sequence);
        let protected = protects.encrypt_rtp(black_box(&packet[..LENGTH])).unwrap();
        opens.decrypt_rtp(black_box(&protected)).unwrap()
    });
}

/// A direction's keys from its master key.
#[divan::bench(args = Suite::ALL, sample_size = 1000)]
fn derive(bencher: Bencher<'_, '_>, suite: Suite) {
    let key = MasterKey::from_random(suite, [7; MasterKey::LONGEST]);
    bencher.bench(|| Outbound::new(black_box(&key)));
}

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

//! What both sides of a handshake cost together, by DTLS 1.3.

use std::sync::Arc;
use std::time::Instant;

use divan::Bencher;
use dtls::{Event, Handshake, Identity, Role};

fn main() {
    divan::main();
}

fn identity() -> Arc<Identity> {
    Arc::new(Identity::generate().expect("the system gives randomness"))
}

/// Until both have keys.
fn shake(identities: &[Arc<Identity>; 2], now: Instant) -> [Handshake; 2] {
    let [ours, theirs] = identities;
    let mut sides = [
        Handshake::new(ours, Role::Active, theirs.fingerprint().clone(), now),
        Handshake::new(theirs, Role::Passive, ours.fingerprint().clone(), now),
    ];
    for _ in 0..10 {
        for side in [0, 1] {
            while let Some(datagram) = sides[side].poll_transmit() {
                sides[1 - side].handle_datagram(now, &datagram);
            }
        }
    }
    for side in &mut sides {
        assert!(matches!(side.poll_event(), Some(Event::Keys { .. })), "no keys");
    }
    sides
}

#[divan::bench]
fn both_sides(bencher: Bencher<'_, '_>) {
    let identities = [identity(), identity()];
    let now = Instant::now();
    bencher.bench_local(|| shake(&identities, now));
}

/// At the start of a node.
#[divan::bench]
fn generate_identity() -> Arc<Identity> {
    identity()
}

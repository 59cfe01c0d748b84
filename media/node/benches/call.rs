//! CPU that a media node spends on an anchored call: INVITE to BYE, twelve messages, four sockets opened and closed.
//!
//! `cargo bench -p node --bench call -- [CALLS]`, 2400 at most in 30 s, by when their ports have rested. What the phones and the proxy here spend is taken off.
#![allow(clippy::unwrap_used)]

#[path = "../tests/node/proxy.rs"]
mod proxy;

use proxy::{Proxy, invite, sdp, socket, start, within};
use sip::message::{Message, Method};

/// Calls that are set up side by side.
const TOGETHER: usize = 16;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2000usize) / TOGETHER;
    let (running, proxy) = start(TOGETHER);
    let (alice, bob) = (sdp(&socket()), sdp(&socket()));
    round(&proxy, 0, &alice, &bob);
    let before = (net::process_cpu(), net::thread_cpu());
    for number in 1..=rounds {
        round(&proxy, number, &alice, &bob);
    }
    let (process, own) = (net::process_cpu() - before.0, net::thread_cpu() - before.1);
    let micros = (process - own).as_secs_f64() * 1e6 / (rounds * TOGETHER) as f64;
    println!("{} calls, {micros:.0} µs of CPU each at the media node", rounds * TOGETHER);
    running.stop();
}

fn round(proxy: &Proxy, number: usize, alice: &str, bob: &str) {
    for call in 0..TOGETHER {
        proxy.send(&invite(&format!("{number}-{call}"), "user:bob@tandem.local", &proxy.via(), alice));
    }
    for invite in collect(proxy, TOGETHER, |m| m.is_request() && m.method() == Method::Invite) {
        proxy.answer(&invite, bob);
    }
    let answers = collect(proxy, TOGETHER, |m| m.status() == Some(200) && m.cseq() == 1);
    for answer in &answers {
        proxy.send(&within("ACK", 1, answer, &proxy.via()));
    }
    for answer in &answers {
        proxy.send(&within("BYE", 2, answer, &proxy.via()));
    }
    // Alice's is answered, Bob's is ours to answer.
    for message in collect(proxy, 2 * TOGETHER, |m| m.method() == Method::Bye) {
        if Message::parse(&message).unwrap().is_request() {
            proxy.answer(&message, "");
        }
    }
}

fn collect(proxy: &Proxy, count: usize, wanted: impl Fn(&Message<'_>) -> bool) -> Vec<Vec<u8>> {
    (0..count).map(|_| proxy.receive(&wanted)).collect()
}

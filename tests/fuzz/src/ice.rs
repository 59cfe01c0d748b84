use ice::{Credentials, Lite};
use std::net::SocketAddr;

/// Only who knows the password gets an answer that grants anything, and nobody gets a longer one than a check may be.
pub fn ice(data: &[u8]) {
    let from = SocketAddr::from(([192, 0, 2, 1], 4000));
    let mut lite = Lite::new(Credentials::from_random([7; Credentials::RANDOM]), None);
    let mut reply = Vec::new();
    let heard = lite.handle(data, from, &mut reply);
    assert!(!matches!(heard, ice::Heard::Selected(_)), "no stranger knows the password");
    assert!(reply.len() <= 548 && lite.selected().is_none());
}

use std::net::SocketAddr;

use super::{Accept, Latch};
use crate::Micros;

const SECOND: u64 = 1_000_000;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn phone() -> SocketAddr {
    address("192.0.2.1:4000")
}

#[test]
fn the_first_source_wins_and_is_guarded_afterwards() {
    let (nat, other) = (address("198.51.100.1:5000"), address("203.0.113.66:6000"));
    let mut latch = Latch::new(Micros(0), Some(address("10.0.0.5:4000")));
    assert_eq!(latch.target(), Some(address("10.0.0.5:4000")));
    assert_eq!(latch.accept(Micros(SECOND), nat), Accept::Relatched);
    assert_eq!(latch.target(), Some(nat));
    for step in 1..1000 {
        let now = Micros(SECOND + step * 20_000);
        assert_eq!(latch.accept(now, nat), Accept::Yes);
        assert_eq!(latch.accept(now, other), Accept::Foreign);
    }
    // Quiet by now, but long past the window.
    assert_eq!(latch.accept(Micros(60 * SECOND), other), Accept::Foreign);
    assert_eq!((latch.source(), latch.foreign()), (Some(nat), 1000));
}

#[test]
fn the_announced_address_is_no_change_and_takes_its_place_at_any_time() {
    let mut latch = Latch::new(Micros(0), Some(phone()));
    assert_eq!(latch.accept(Micros(10), phone()), Accept::Yes);
    assert_eq!(latch.accept(Micros(11), address("203.0.113.66:6000")), Accept::Foreign);
    let mut latch = Latch::new(Micros(0), Some(phone()));
    assert_eq!(latch.accept(Micros(10), address("203.0.113.66:6000")), Accept::Relatched);
    assert_eq!(latch.accept(Micros(60 * SECOND), phone()), Accept::Relatched);
    assert_eq!(latch.accept(Micros(60 * SECOND), address("203.0.113.66:6000")), Accept::Foreign);
}

#[test]
fn within_the_window_the_more_alike_source_wins_and_an_equal_one_after_quiet() {
    let (same_host, elsewhere, other) = (address("192.0.2.1:9"), address("198.51.100.1:1"), address("198.51.100.2:1"));
    let mut latch = Latch::new(Micros(0), Some(phone()));
    assert_eq!(latch.accept(Micros(0), elsewhere), Accept::Relatched);
    assert_eq!(latch.accept(Micros(1), other), Accept::Foreign, "as good as the first, which still sends");
    assert_eq!(latch.accept(Micros(2), same_host), Accept::Relatched);
    assert_eq!(latch.accept(Micros(3), elsewhere), Accept::Foreign);
    assert_eq!(latch.accept(Micros(3 + 200_000), other), Accept::Relatched, "the last one has gone quiet");
    assert_eq!(latch.accept(Micros(4 * SECOND), same_host), Accept::Foreign, "too late");
}

#[test]
fn a_negotiation_opens_the_window_again_and_a_new_address_forgets_the_source() {
    let (nat, moved) = (address("198.51.100.1:5000"), address("198.51.100.1:5001"));
    let mut latch = Latch::new(Micros(0), None);
    assert_eq!(latch.target(), None);
    latch.accept(Micros(0), nat);
    assert_eq!(latch.accept(Micros(60 * SECOND), moved), Accept::Foreign);
    latch.restart(Micros(61 * SECOND), None);
    assert_eq!(latch.target(), Some(nat), "until it is heard from elsewhere");
    assert_eq!(latch.accept(Micros(61 * SECOND + 1), moved), Accept::Relatched);
    latch.restart(Micros(70 * SECOND), Some(phone()));
    assert_eq!((latch.source(), latch.target()), (None, Some(phone())));
    assert_eq!(latch.accept(Micros(300 * SECOND), moved), Accept::Relatched, "whenever the first packet comes");
}

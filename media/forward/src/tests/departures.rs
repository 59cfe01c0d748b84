//! Packets of the process, over the loopback interface.

use super::*;
use crate::departures::{BATCH, SLOTS};
use crate::programs::departure::Order;

/// A port of the exchange, and a phone.
struct Bench {
    outbox: Outbox,
    secret: u64,
    ours: UdpSocket,
    phone: UdpSocket,
}

impl Bench {
    fn new() -> Option<Bench> {
        let random = getrandom::u64().unwrap();
        let departures = Arc::new(support::of_the_kernel(Departures::load(2, random))?);
        let secret = crate::programs::departure::secret(random);
        // Its first order was heard.
        let outbox = departures.outbox(1).unwrap();
        Some(Bench { outbox, secret, ours: bind(), phone: bind() })
    }

    fn way(&self) -> Way {
        let loopback = net::route([127, 0, 0, 1].into(), None).unwrap().interface;
        Way { source: address(&self.ours), to: address(&self.phone), leaves: loopback }
    }
}

#[test]
fn packets_arrive_as_they_were_laid_and_in_order() {
    let Some(mut bench) = Bench::new() else { return };
    let (way, others) = (bench.way(), [bind(), bind()]);
    assert!(bench.outbox.suits(&way));
    // Longer and shorter ones side by side, with odd lengths, more than one order takes.
    let lengths: Vec<_> = (0..150).map(|at| [0, 1, 12, 33, 172, 182, 1000, LONGEST][at % 8]).collect();
    for (at, length) in lengths.iter().enumerate() {
        let to = [&bench.phone, &others[0], &others[1]][at % 3];
        assert!(bench.outbox.lay(&Way { to: address(to), ..way }, &packet(at as u8, *length)[..*length]));
    }
    bench.outbox.send();
    for (at, length) in lengths.iter().enumerate() {
        let to = [&bench.phone, &others[0], &others[1]][at % 3];
        assert_eq!(heard(to), Some((packet(at as u8, *length)[..*length].to_vec(), way.source.into())), "{at}");
    }
    assert_eq!(heard(&bench.phone), None);
}

#[test]
fn what_is_not_sent_stays_and_what_finds_no_room_is_told() {
    let Some(mut bench) = Bench::new() else { return };
    let way = bench.way();
    assert!(bench.outbox.lay(&way, b"one"));
    assert_eq!(heard(&bench.phone), None);
    bench.outbox.send();
    bench.outbox.send();
    assert_eq!(heard(&bench.phone), Some((b"one".to_vec(), way.source.into())));
    assert_eq!(heard(&bench.phone), None);
    assert!(!bench.outbox.lay(&way, &[0; 1500]));
    // Each thing has its place again and again.
    for at in 0..SLOTS as u32 * 3 {
        assert!(bench.outbox.lay(&way, &at.to_be_bytes()));
        if (at + 1).is_multiple_of(BATCH as u32 / 2) {
            bench.outbox.send();
            for before in at + 1 - BATCH as u32 / 2..=at {
                assert_eq!(heard(&bench.phone).unwrap().0, before.to_be_bytes());
            }
        }
    }
}

#[test]
fn an_order_of_somebody_else_is_a_datagram_like_any_other() {
    let Some(mut bench) = Bench::new() else { return };
    let way = bench.way();
    assert!(bench.outbox.lay(&way, b"secret"));
    let order = Order { secret: bench.secret ^ 1 << 40, first: 0, lane: 1, count: 64 };
    bench.ours.send_to(&order.to_bytes(), way.to).unwrap();
    assert_eq!(heard(&bench.phone).unwrap().0, order.to_bytes());
    assert_eq!(heard(&bench.phone), None);
}

#[test]
fn who_gives_too_large_an_order_or_one_of_a_lane_that_is_not_there_sends_nothing() {
    let Some(bench) = Bench::new() else { return };
    let way = bench.way();
    let good = Order { secret: bench.secret, first: 0, lane: 1, count: 0 };
    for order in [
        Order { count: BATCH as u32 + 1, ..good },
        Order { lane: 2, ..good },
        // Nothing was laid there.
        Order { first: 77, count: 3, ..good },
    ] {
        bench.ours.send_to(&order.to_bytes(), way.to).unwrap();
        assert_eq!(heard(&bench.phone), None);
    }
}

//! Packets of the process, over the loopback interface.

use super::*;
use crate::LONGEST;
use crate::tests::{address, bind, heard, packet};
use std::sync::atomic::{AtomicU64, Ordering};

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
fn what_is_not_sent_stays_and_each_place_is_used_again() {
    let Some(mut bench) = Bench::new() else { return };
    let way = bench.way();
    assert!(bench.outbox.lay(&way, b"one"));
    assert_eq!(heard(&bench.phone), None);
    bench.outbox.send();
    bench.outbox.send();
    assert_eq!(heard(&bench.phone), Some((b"one".to_vec(), way.source.into())));
    assert_eq!(heard(&bench.phone), None);
    assert!(!bench.outbox.lay(&way, &[0; 1401]), "longer than any");
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

/// As when the loopback interface is down, or a firewall drops what it carries.
#[test]
fn while_an_order_is_not_carried_out_nothing_more_is_laid_until_one_is_heard() {
    let Some(mut bench) = Bench::new() else { return };
    let way = bench.way();
    // No order gets through to another family.
    let carrier = std::mem::replace(&mut bench.outbox.to_itself, "[::1]:9".parse().unwrap());
    assert!(bench.outbox.lay(&way, b"lost"));
    bench.outbox.send();
    assert_eq!((bench.outbox.take_lost(), bench.outbox.take_lost()), (1, 0));
    assert!(!bench.outbox.lay(&way, b"by the socket"));
    assert!(!bench.outbox.renew());
    assert!(!bench.outbox.lay(&way, b"by the socket"));
    bench.outbox.to_itself = carrier;
    assert!(!bench.outbox.renew());
    assert!(bench.outbox.renew());
    assert!(bench.outbox.lay(&way, b"here"));
    bench.outbox.send();
    assert_eq!((heard(&bench.phone), bench.outbox.take_lost()), (Some((b"here".to_vec(), way.source.into())), 0));
}

#[test]
fn an_outbox_that_is_made_anew_goes_on() {
    let Some(mut bench) = Bench::new() else { return };
    let way = bench.way();
    assert!(bench.outbox.lay(&way, b"never sent"));
    let departures = bench.outbox.departures.clone();
    drop(bench.outbox);
    let mut outbox = departures.outbox(1).unwrap();
    assert!(outbox.lay(&way, b"new"));
    outbox.send();
    assert_eq!(heard(&bench.phone).unwrap().0, b"new");
    assert_eq!(heard(&bench.phone), None);
}

#[test]
fn an_order_of_somebody_else_is_a_datagram_like_any_other() {
    let (Some(mut bench), Some(mut other)) = (Bench::new(), Bench::new()) else { return };
    let way = bench.way();
    assert!(bench.outbox.lay(&way, b"one") && other.outbox.lay(&way, b"another"));
    for secret in [bench.secret ^ 1 << 40, 0] {
        let order = Order { secret, first: bench.outbox.ordered, lane: 1, count: 1 };
        bench.ours.send_to(&order.to_bytes(), way.to).unwrap();
        assert_eq!(heard(&bench.phone).unwrap().0, order.to_bytes());
    }
    bench.outbox.send();
    assert_eq!((heard(&bench.phone).unwrap().0, heard(&bench.phone)), (b"one".to_vec(), None));
    assert_ne!(bench.secret, other.secret);
}

#[test]
fn an_order_sends_only_what_lies_there_for_it() {
    let Some(mut bench) = Bench::new() else { return };
    let way = bench.way();
    for at in 0..=BATCH {
        bench.outbox.put(&way, &[at as u8; 30]);
    }
    let good = Order { secret: bench.secret, first: bench.outbox.ordered, lane: 1, count: BATCH as u32 };
    for order in [
        Order { count: BATCH as u32 + 1, ..good },
        Order { lane: 2, ..good },
        // Numbers that are not there: of another round, and of the rounds before.
        Order { first: good.first + SLOTS as u64, count: 1, ..good },
        Order { count: 1, ..good },
    ] {
        bench.ours.send_to(&order.to_bytes(), way.to).unwrap();
        assert_eq!(heard(&bench.phone), None, "{order:?}");
    }
}

/// A place is written anew while the program reads it, again and again.
#[test]
fn no_packet_is_torn_whatever_is_written_meanwhile() {
    // Behind: what is just being written over. Ahead: what is just being written.
    for behind in [SLOTS as u64, 0] {
        let Some(mut bench) = Bench::new() else { return };
        let (way, secret, to) = (bench.way(), bench.secret, bench.outbox.to_itself);
        let ends = Instant::now() + Duration::from_secs(2);
        let (mut next, reached) = (bench.outbox.laid, Arc::new(AtomicU64::new(bench.outbox.laid)));
        let is_at = reached.clone();
        let orders = std::thread::spawn(move || {
            let socket = bind();
            while Instant::now() < ends {
                let at = is_at.load(Ordering::Relaxed).saturating_sub(behind);
                if at < next {
                    continue;
                }
                let order = Order { secret, first: at, lane: 1, count: 8 };
                let _ = socket.send_to(&[&order.to_bytes()[..], &[0; 1376]].concat(), to);
                next = at + 8;
            }
        });
        bench.phone.set_nonblocking(true).unwrap();
        let (mut buffer, mut whole) = ([0; 2048], 0);
        while Instant::now() < ends {
            let number = bench.outbox.laid;
            let mut payload = vec![number as u8; 1000 + number as usize % 300];
            payload[..8].copy_from_slice(&number.to_be_bytes());
            bench.outbox.put(&way, &payload);
            reached.store(bench.outbox.laid, Ordering::Relaxed);
            while let Ok(length) = bench.phone.recv(&mut buffer) {
                let number = u64::from_be_bytes(buffer[..8].try_into().unwrap());
                let is_whole = length == 1000 + number as usize % 300
                    && buffer[8..length].iter().all(|byte| *byte == number as u8);
                assert!(is_whole, "packet {number} is torn after {whole} whole ones, {behind} behind");
                whole += 1;
            }
        }
        orders.join().unwrap();
        println!("{behind} behind: {whole} whole packets");
        assert!(whole > 10, "{whole} packets");
    }
}

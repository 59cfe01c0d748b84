//! Phones on another machine, beyond an interface whose sums are checked by who receives.

use super::*;
use support::Elsewhere;

/// A port of the exchange at this machine's end of the cable.
fn ours(elsewhere: &Elsewhere) -> UdpSocket {
    let socket = udp::bind((elsewhere.here, 0).into(), &Options::PLAIN).unwrap();
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    socket
}

#[test]
fn what_the_process_lays_ready_leaves_by_the_interface() {
    let Some(departures) = support::of_the_kernel(Departures::load(1, getrandom::u64().unwrap())) else { return };
    let (departures, Some(elsewhere)) = (Arc::new(departures), Elsewhere::new()) else { return };
    let (mut outbox, ours, phones) =
        (departures.outbox(0).unwrap(), ours(&elsewhere), [elsewhere.socket(), elsewhere.socket()]);
    let route = net::route(elsewhere.there, None).unwrap();
    assert_eq!(route.source, elsewhere.here);
    let way = |phone| Way { source: address(&ours), to: address(phone), leaves: route.interface };
    // The first of them wait until the neighbour is known. Odd lengths, and sums that carry.
    for round in 0..10_u8 {
        let payloads: Vec<Vec<u8>> =
            [0, 1, 12, 33, 172, 182, 999, LONGEST].map(|length| vec![round.wrapping_mul(51) ^ 0xff; length]).into();
        for (at, payload) in payloads.iter().enumerate() {
            let way = way(&phones[at % 2]);
            assert!(outbox.suits(&way) && outbox.lay(&way, payload));
        }
        outbox.send();
        for (at, payload) in payloads.iter().enumerate() {
            assert_eq!(
                heard(&phones[at % 2]),
                Some((payload.clone(), way(&phones[at % 2]).source.into())),
                "{round} {at}"
            );
        }
    }
    assert_eq!(ours.recv_from(&mut [0; 10]).map_err(|error| error.kind()), Err(io::ErrorKind::WouldBlock));
}

#[test]
fn what_just_passes_comes_and_leaves_by_the_interface() {
    let Some(forwarder) = support::of_the_kernel(Forwarder::load(1, &(1..=u16::MAX))) else { return };
    let (mut lane, Some(elsewhere)) = (Arc::new(forwarder).lane(0).unwrap(), Elsewhere::new()) else { return };
    let (ours, [caller, callee]) = ([ours(&elsewhere), ours(&elsewhere)], [elsewhere.socket(), elsewhere.socket()]);
    let interface = net::route(elsewhere.there, None).unwrap().interface;
    let way = Way { source: address(&ours[1]), to: address(&callee), leaves: interface };
    let flow = Flow {
        tag: 3,
        from: address(&caller),
        at: address(&ours[0]),
        arrives: interface,
        passes: 1,
        course: Course::Onward(way),
    };
    lane.install(&flow).unwrap();
    let mut buffer = [0; LONGEST];
    for length in [12, 33, 172, 999, LONGEST] {
        let sent = packet(0, length);
        caller.send_to(&sent, flow.at).unwrap();
        assert_eq!(heard(&callee), Some((sent, way.source.into())));
        assert_eq!(lane.take(&mut buffer).map(|taken| (taken.tag, taken.length)), Some((3, length)));
    }
    let inward = Flow { course: Course::Inward, ..flow };
    lane.install(&inward).unwrap();
    caller.send_to(&packet(0, 172), flow.at).unwrap();
    let end = Instant::now() + Duration::from_secs(1);
    let taken = std::iter::repeat_with(|| lane.take(&mut buffer)).find(|taken| taken.is_some() || Instant::now() > end);
    assert_eq!(taken.flatten().map(|taken| taken.fate), Some(Fate::Inward));
}

#[test]
fn a_way_that_carries_less_or_goes_to_many_is_none_for_packets_laid_ready() {
    let Some(departures) = support::of_the_kernel(Departures::load(1, getrandom::u64().unwrap())) else { return };
    let (departures, Some(elsewhere)) = (Arc::new(departures), Elsewhere::new()) else { return };
    let mut outbox = departures.outbox(0).unwrap();
    let leaves = net::route(elsewhere.there, None).unwrap();
    assert_eq!(leaves.mtu, None);
    let to = SocketAddrV4::new(elsewhere.there, 9);
    let way = Way { source: SocketAddrV4::new(elsewhere.here, 9), to, leaves: leaves.interface };
    assert!(outbox.suits(&way));
    elsewhere.set_mtu(1427);
    outbox.renew();
    assert!(!outbox.suits(&way));
    elsewhere.set_mtu(1428);
    outbox.renew();
    assert!(outbox.suits(&way));
    elsewhere.set_way_mtu(1000);
    assert_eq!(net::route(elsewhere.there, None).unwrap().mtu, Some(1000));
    assert!(net::route([239, 1, 1, 1].into(), Some(elsewhere.here)).is_err());
}

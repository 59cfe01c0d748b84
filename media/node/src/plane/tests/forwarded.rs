//! Packets that the kernel passes on, between real sockets of the loopback interface.

use super::*;
use forward::{Departures, Forwarder};
use protected::{keyed, protected};
use rtp::Latch;

const PORTS: std::ops::RangeInclusive<u16> = 20_000..=29_999;

impl Bench {
    /// None where this machine's kernel is known not to forward.
    pub fn forwarding() -> Option<Bench> {
        let forwarder = Arc::new(support::of_the_kernel(Forwarder::load(1, &PORTS))?);
        let departures = Arc::new(Departures::load(1, getrandom::u64().unwrap()).unwrap());
        let kernel = Kernel { lane: forwarder.lane(0).unwrap(), outbox: Some(departures.outbox(0).unwrap()) };
        Some(Bench::on(PORTS, Library::default(), Some(kernel)))
    }

    /// Two phones that have spoken to each other long enough for the kernel.
    fn forwarded(&mut self, one: &Phone, other: &Phone) -> (Opened, Opened) {
        let (a, b) = self.bridged(one, other);
        self.send(&one.rtp, &a, Rtp, &packet(0, 0, 7, &[0; 160]));
        self.send(&other.rtp, &b, Rtp, &packet(0, 0, 9, &[0; 160]));
        assert!(received(&one.rtp).is_some() && received(&other.rtp).is_some());
        self.wait(Duration::from_secs(1));
        assert_eq!(self.plane.counts().flows, 2);
        (a, b)
    }

    /// How many of the packets that the plane has sent so far the kernel has.
    fn by_kernel(&mut self) -> (u64, u64) {
        self.plane.read_lane();
        (self.plane.counts().forwarded, self.plane.counts().sent)
    }
}

#[test]
fn what_the_kernel_passes_on_is_counted_as_if_it_had_come_by_the_socket() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.forwarded(&one, &other);
    for sequence in [1, 2, 4, 3, 3, 7] {
        let sent = packet(0, sequence, 7, &[sequence as u8; 160]);
        bench.send(&one.rtp, &a, Rtp, &sent);
        assert_eq!(received(&other.rtp), Some(sent));
    }
    bench.send(&other.rtp, &b, Rtp, &packet(8, 1, 9, &[0; 80]));
    assert!(received(&one.rtp).is_some());
    bench.send(&one.rtcp, &a, Rtcp, RTCP);
    assert_eq!(received(&other.rtcp).as_deref(), Some(RTCP));
    assert_eq!(bench.by_kernel(), (7, 10));
    let (from_one, from_other) = (bench.plane.close(a.id), bench.plane.close(b.id));
    assert_eq!((from_one.received, from_one.lost, from_one.reordered, from_one.duplicates), (7, 2, 1, 1));
    assert_eq!((from_one.sent, from_one.bytes), (2, 7 * 172));
    assert_eq!((from_other.received, from_other.sent, from_other.lost), (2, 7, 0));
    assert_eq!(bench.plane.counts().flows, 0);
}

#[test]
fn a_phone_heard_only_by_the_kernel_is_not_silent() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.forwarded(&one, &other);
    for sequence in 1..5 {
        bench.send(&one.rtp, &a, Rtp, &packet(0, sequence, 7, &[0; 160]));
        bench.send(&other.rtp, &b, Rtp, &packet(0, sequence, 9, &[0; 160]));
        assert_eq!(bench.wait(SILENCE * 3 / 4), []);
    }
    assert_eq!(bench.by_kernel(), (8, 10));
    bench.wait(SILENCE);
    assert_eq!(bench.wait(SILENCE).len(), 2);
}

#[test]
fn a_change_of_the_call_takes_its_packets_back_at_once() {
    type Change = fn(&mut Bench, &Opened, &Opened, &Phone);
    let changes: [(&str, Change); 6] = [
        ("held", |bench, _, b, other| {
            let nowhere = SocketAddr::from(([0, 0, 0, 0], 4000));
            bench.plane.connect(b.id, Remote { rtp: nowhere, ..other.remote() });
        }),
        ("watched", |bench, a, _, _| bench.plane.watch(a.id)),
        ("joined to another", |bench, a, _, _| {
            let third = Phone::at("127.0.0.1");
            let opened = bench.open(&third);
            bench.plane.bridge(a.id, opened.id);
        }),
        ("echoed", |bench, a, _, _| bench.plane.serve(a.id, Sound::Echo, &agreed(0))),
        ("closed", |bench, _, b, _| {
            bench.plane.close(b.id);
        }),
        ("moved", |bench, _, b, _| {
            let elsewhere = Phone::at("127.0.0.1");
            bench.plane.connect(b.id, elsewhere.remote());
        }),
    ];
    for (name, change) in changes {
        let Some(mut bench) = Bench::forwarding() else { return };
        let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
        let (a, b) = bench.forwarded(&one, &other);
        change(&mut bench, &a, &b, &other);
        assert_eq!(bench.plane.counts().flows, 0, "{name}");
        bench.send(&one.rtp, &a, Rtp, &packet(0, 1, 7, &[0; 160]));
        assert_eq!(bench.by_kernel().0, 0, "{name}");
        assert_eq!(received(&other.rtp).is_some(), name == "watched", "{name}");
    }
}

#[test]
fn a_phone_that_moves_is_followed_and_a_stranger_is_not() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.forwarded(&one, &other);
    let stranger = Phone::at("127.0.0.9");
    bench.send(&stranger.rtp, &b, Rtp, &packet(0, 1, 9, &[0; 160]));
    assert_eq!((received(&one.rtp), bench.plane.counts().foreign), (None, 1));
    // Negotiated anew, announcing where it is going to send from.
    let moved = Phone::at("127.0.0.1");
    bench.plane.connect(b.id, moved.remote());
    bench.send(&moved.rtp, &b, Rtp, &packet(0, 2, 9, &[0; 160]));
    bench.wait(Latch::WINDOW);
    let from_moved = packet(0, 3, 9, &[3; 160]);
    bench.send(&moved.rtp, &b, Rtp, &from_moved);
    let to_moved = packet(0, 1, 7, &[1; 160]);
    bench.send(&one.rtp, &a, Rtp, &to_moved);
    assert_eq!(received(&one.rtp).map(|_| received(&one.rtp)), Some(Some(from_moved)));
    assert_eq!((received(&moved.rtp), received(&other.rtp)), (Some(to_moved), None));
    assert_eq!(bench.by_kernel().0, 2);
}

#[test]
fn a_source_that_takes_anothers_place_is_passed_on_from_there() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, behind_nat, announced) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.3"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&one, &announced);
    bench.send(&one.rtp, &a, Rtp, &packet(0, 1, 7, &[0; 160]));
    bench.send(&behind_nat.rtp, &b, Rtp, &packet(0, 1, 9, &[0; 160]));
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.plane.counts().flows, 2);
    // The announced address itself speaks up, and is now the phone.
    bench.send(&announced.rtp, &b, Rtp, &packet(0, 2, 9, &[0; 160]));
    assert_eq!(bench.plane.counts().flows, 0);
    bench.wait(Duration::from_secs(1));
    bench.send(&one.rtp, &a, Rtp, &packet(0, 2, 7, &[2; 160]));
    assert_eq!(bench.by_kernel().0, 1);
    while received(&announced.rtp).is_some() {}
    bench.send(&behind_nat.rtp, &b, Rtp, &packet(0, 3, 9, &[0; 160]));
    assert_eq!(bench.plane.counts().foreign, 1);
}

#[test]
fn what_must_be_looked_into_comes_in_without_a_socket() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (plain, secret) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&plain, &secret);
    let (keys, mut says, mut hears) = keyed(srtp::Suite::AesCm128HmacSha1_80);
    bench.plane.connect(b.id, Remote { security: Security::Sdes(keys), ..secret.remote() });
    for sequence in 0..5 {
        let sound = packet(0, sequence, 7, &[sequence as u8; 160]);
        bench.send(&plain.rtp, &a, Rtp, &sound);
        let answer = packet(0, sequence, 9, &[0x55; 160]);
        bench.send(&secret.rtp, &b, Rtp, &protected(&mut says, srtp::Outbound::protect_rtp, &answer));
        // Somebody else, and what does not open.
        bench.send(&secret.rtcp, &b, Rtp, &packet(0, 0, 3, &[0; 160]));
        bench.send(&secret.rtp, &b, Rtp, &packet(0, 9, 9, &[0; 160]));
        bench.wait(Duration::from_millis(2));
        assert_eq!(received(&plain.rtp), Some(answer));
        let mut heard = received(&secret.rtp).unwrap();
        let length = hears.open_rtp(&mut heard).unwrap();
        assert_eq!(heard[..length], sound);
        bench.wait(Duration::from_secs(1));
    }
    let counts = bench.plane.counts();
    assert_eq!((counts.flows, counts.taken, counts.forwarded, counts.foreign, counts.refused), (2, 12, 0, 0, 10));
    let (from_plain, from_secret) = (bench.plane.close(a.id), bench.plane.close(b.id));
    assert_eq!((from_plain.received, from_plain.sent), (5, 5));
    assert_eq!((from_secret.received, from_secret.sent, from_secret.refused), (5, 5, 10));
}

#[test]
fn keys_of_a_phone_that_is_watched_come_in_between_its_sound() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = (bench.open(&one), bench.open(&other));
    bench.plane.connect(a.id, one.speaking(&[(0, codec::Codec::Pcmu)]));
    bench.plane.connect(b.id, other.speaking(&[(0, codec::Codec::Pcmu)]));
    bench.plane.bridge(a.id, b.id);
    bench.plane.watch(a.id);
    bench.send(&one.rtp, &a, Rtp, &packet(0, 0, 7, &[0; 160]));
    bench.send(&other.rtp, &b, Rtp, &packet(0, 0, 9, &[0; 160]));
    bench.wait(Duration::from_secs(1));
    let event = packet(101, 1, 7, &[5, 10, 0, 160]);
    bench.send(&one.rtp, &a, Rtp, &event);
    assert_eq!(bench.wait(Duration::from_millis(2)), [(a.id, MediaEvent::Dtmf('5'))]);
    assert_eq!(
        (received(&other.rtp).map(|_| received(&other.rtp)), bench.plane.counts().taken),
        (Some(Some(event)), 1)
    );
}

#[test]
fn what_the_kernel_cannot_take_stays_with_the_sockets() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("::1"));
    let (a, b) = bench.bridged(&one, &other);
    for sequence in 0..3 {
        bench.send(&one.rtp, &a, Rtp, &packet(0, sequence, 7, &[0; 160]));
        bench.send(&other.rtp, &b, Rtp, &packet(0, sequence, 9, &[0; 160]));
        bench.wait(Duration::from_secs(1));
        assert!(received(&one.rtp).is_some() && received(&other.rtp).is_some());
    }
    // What comes over IPv4 comes in, and leaves over IPv6 by a socket.
    let counts = bench.plane.counts();
    assert_eq!((counts.flows, counts.taken, counts.forwarded), (1, 2, 0));
}

#[test]
fn a_phone_that_floods_does_not_hold_up_the_others() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.forwarded(&one, &other);
    bench.plane.watch(a.id);
    bench.wait(Duration::from_secs(1));
    for sequence in 0..2000 {
        one.rtp.send_to(&packet(0, sequence, 7, &[0; 20]), (a.address, a.rtp)).unwrap();
    }
    bench.plane.read_lane();
    assert_eq!((bench.plane.counts().taken, bench.plane.poll_timeout()), (1024, Some(bench.now)));
    bench.plane.read_lane();
    assert_eq!(bench.plane.counts().taken, 2000);
    assert!(bench.plane.poll_timeout() > Some(bench.now));
    bench.plane.close(b.id);
}

#[test]
fn sound_that_is_to_go_on_at_once_is_looked_for_at_once() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("::1"));
    let (a, b) = (bench.open(&one), bench.open(&other));
    bench.plane.connect(a.id, one.speaking(&[(0, codec::Codec::Pcmu)]));
    bench.plane.connect(b.id, other.speaking(&[(8, codec::Codec::Pcma)]));
    bench.plane.bridge(a.id, b.id);
    bench.send(&one.rtp, &a, Rtp, &packet(0, 0, 7, &[0; 160]));
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.plane.counts().flows, 1);
    // The other one turns to what both speak: nothing is drawn at turns any more.
    bench.plane.connect(b.id, other.speaking(&[(0, codec::Codec::Pcmu)]));
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.plane.counts().flows, 1);
    assert!(bench.plane.poll_timeout() <= Some(bench.now + Duration::from_millis(2)));
    bench.send(&one.rtp, &a, Rtp, &packet(0, 1, 7, &[0; 160]));
    bench.wait(Duration::from_millis(2));
    assert!(received(&other.rtp).is_some());
}

#[test]
fn a_phone_that_comes_to_need_checks_is_passed_on_no_more() {
    let Some(mut bench) = Bench::forwarding() else { return };
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.forwarded(&one, &other);
    bench.plane.ice(b.id, false).unwrap();
    bench.send(&one.rtp, &a, Rtp, &packet(0, 1, 7, &[0; 160]));
    bench.send(&other.rtp, &b, Rtp, &packet(0, 1, 9, &[0; 160]));
    assert_eq!((bench.by_kernel().0, bench.plane.counts().foreign), (0, 1));
}

//! Real sockets on loopback, time by hand.

mod crowd;
mod departing;
mod forwarded;
mod keys;
mod protected;
mod quality;
mod recorded;
mod rooms;
mod transcoding;
mod weather;

use super::*;
use net::Events;
use sdp::Direction;
use std::net::UdpSocket;

struct Bench {
    plane: Plane,
    epoll: Arc<Epoll>,
    events: Events,
    now: Instant,
}

/// A phone with an RTP and an RTCP socket.
struct Phone {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Phone {
    fn at(address: &str) -> Phone {
        let bind = || {
            let socket = UdpSocket::bind((address, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        Phone { rtp: bind(), rtcp: bind() }
    }

    fn remote(&self) -> Remote {
        let (rtp, rtcp) = (self.rtp.local_addr().unwrap(), self.rtcp.local_addr().unwrap());
        Remote {
            rtp,
            rtcp,
            mux: false,
            direction: Direction::SendRecv,
            clocks: sdp::Clocks::default(),
            codecs: rtp::quality::Codecs::default(),
            voice: None,
            security: call::Security::Plain,
        }
    }

    /// With sound that can be looked into.
    fn speaking(&self, codecs: &[(u8, codec::Codec)]) -> Remote {
        let format =
            |&(payload_type, codec)| codec::Format { codec, payload_type, parameters: codec::Parameters::default() };
        let formats: Vec<_> = codecs.iter().map(format).collect();
        let voice = call::Voice {
            from_phone: formats.clone(),
            to_phone: formats,
            packet_time: codecs[0].1.packet_time(20),
            comfort_noise: None,
            keys_heard: call::KeysHeard::Events(vec![(101, 8000)]),
            keys_told: call::KeysTold::Events(101),
        };
        Remote { voice: Some(voice), ..self.remote() }
    }

    fn shared(&self) -> Remote {
        Remote { rtcp: self.rtp.local_addr().unwrap(), mux: true, ..self.remote() }
    }
}

fn received(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut buffer = vec![0; DATAGRAM];
    let (length, _) = socket.recv_from(&mut buffer).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

fn packet(payload_type: u8, sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let timestamp = u32::from(sequence) * 160;
    let header = rtp::Header { marker: false, payload_type, sequence, timestamp, ssrc: rtp::Ssrc(ssrc) };
    [&header.to_bytes()[..], payload].concat()
}

fn rtp_of(socket: &UdpSocket) -> Option<(rtp::Header, Vec<u8>)> {
    let bytes = received(socket)?;
    let packet = rtp::Packet::parse(&bytes).unwrap();
    Some((packet.header, packet.payload().to_vec()))
}

const RTCP: &[u8] = &[0x80, 201, 0, 1, 1, 2, 3, 4];
const SILENCE: Duration = Duration::from_secs(20);

impl Bench {
    fn new() -> Bench {
        Bench::with_ports(20_000..=29_999)
    }

    fn with_ports(range: std::ops::RangeInclusive<u16>) -> Bench {
        Bench::with(range, Library::default())
    }

    fn with(range: std::ops::RangeInclusive<u16>, library: Library) -> Bench {
        Bench::on(range, library, None)
    }

    fn on(range: std::ops::RangeInclusive<u16>, library: Library, kernel: Option<Kernel>) -> Bench {
        let (now, epoll) = (Instant::now(), Arc::new(Epoll::new().unwrap()));
        let seed = getrandom::u64().unwrap();
        println!("seed {seed}");
        let ports = Ports::share(&range, 0, 1, Duration::from_secs(30), seed);
        let settings = Settings {
            advertise: Vec::new(),
            silence: SILENCE,
            seed,
            identity: Arc::new(Identity::generate().unwrap()),
            library,
            recorder: None,
        };
        let plane = Plane::new(now, epoll.clone(), ports, &settings, kernel);
        Bench { plane, epoll, events: Events::with_capacity(8), now }
    }

    fn open(&mut self, phone: &Phone) -> Opened {
        let opened = self.plane.open(Some(phone.remote().rtp)).unwrap();
        self.plane.connect(opened.id, phone.remote());
        opened
    }

    fn bridged(&mut self, one: &Phone, other: &Phone) -> (Opened, Opened) {
        let (a, b) = (self.open(one), self.open(other));
        self.plane.bridge(a.id, b.id);
        (a, b)
    }

    /// Lets everything that has arrived pass. What is sent over loopback has arrived when the send returns.
    fn turn(&mut self) {
        loop {
            self.epoll.wait(&mut self.events, Some(Duration::ZERO)).unwrap();
            if self.events.is_empty() {
                self.plane.flush();
                return;
            }
            for ready in self.events.iter() {
                let Token::Media(index, component) = Token::from(ready.token) else { panic!("{ready:?}") };
                self.plane.handle_readable(index, component);
            }
        }
    }

    fn send(&mut self, from: &UdpSocket, to: &Opened, component: Component, bytes: &[u8]) {
        let port = if component == Component::Rtp { to.rtp } else { to.rtcp };
        from.send_to(bytes, (to.address, port)).unwrap();
        self.turn();
    }

    fn wait(&mut self, time: Duration) -> Vec<(MediaId, MediaEvent)> {
        self.now += time;
        self.plane.set_now(self.now);
        self.plane.handle_timeout();
        self.plane.flush();
        std::iter::from_fn(|| self.plane.poll_event()).collect()
    }
}

use Component::{Rtcp, Rtp};

#[test]
fn whatever_arrives_is_passed_on_both_ways_between_the_families() {
    let mut bench = Bench::new();
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("::1"));
    let (a, b) = bench.bridged(&one, &other);
    assert!(a.address.is_ipv4() && b.address.is_ipv6() && a.rtp % 2 == 0 && a.rtcp == a.rtp + 1);
    let large = vec![22; 20_000];
    for datagram in [&packet(0, 1, 7, b"sound")[..], RTCP, &[0, 1, 0, 0], &large, b"", b"?"] {
        bench.send(&one.rtp, &a, Rtp, datagram);
        assert_eq!(received(&other.rtp).as_deref(), Some(datagram));
        bench.send(&other.rtp, &b, Rtp, datagram);
        assert_eq!(received(&one.rtp).as_deref(), Some(datagram));
        bench.send(&one.rtcp, &a, Rtcp, datagram);
        assert_eq!(received(&other.rtcp).as_deref(), Some(datagram));
        bench.send(&other.rtcp, &b, Rtcp, datagram);
        assert_eq!(received(&one.rtcp).as_deref(), Some(datagram));
    }
    for id in [a.id, b.id] {
        let stats = bench.plane.close(id);
        assert_eq!((stats.received, stats.sent, stats.foreign, stats.bytes), (1, 1, 0, 17));
    }
}

#[test]
fn both_directions_are_counted() {
    let mut bench = Bench::new();
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&one, &other);
    for sequence in [1, 2, 4, 3, 3, 7] {
        bench.send(&one.rtp, &a, Rtp, &packet(0, sequence, 7, &[0; 160]));
    }
    bench.send(&other.rtp, &b, Rtp, &packet(8, 65_535, 9, &[0; 80]));
    let (from_one, from_other) = (bench.plane.close(a.id), bench.plane.close(b.id));
    assert_eq!((from_one.received, from_one.lost, from_one.reordered, from_one.duplicates), (6, 2, 1, 1));
    assert_eq!((from_one.sent, from_one.bytes), (1, 6 * 172));
    assert_eq!((from_other.received, from_other.sent, from_other.lost), (1, 6, 0));
}

#[test]
fn media_goes_where_the_phone_really_is_and_strangers_are_dropped() {
    let mut bench = Bench::new();
    let (one, behind_nat, stranger) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"), Phone::at("127.0.0.9"));
    let (a, b) = (bench.open(&one), bench.open(&stranger));
    let announced = Phone::at("127.0.0.7");
    bench.plane.connect(b.id, announced.remote());
    bench.plane.bridge(a.id, b.id);
    bench.send(&one.rtp, &a, Rtp, b"before");
    assert_eq!(received(&announced.rtp).as_deref(), Some(&b"before"[..]));
    bench.send(&behind_nat.rtp, &b, Rtp, b"here I am");
    bench.wait(rtp::Latch::WINDOW * 2);
    bench.send(&behind_nat.rtp, &b, Rtp, b"still here");
    bench.send(&stranger.rtp, &b, Rtp, b"me too");
    bench.send(&one.rtp, &a, Rtp, b"after");
    assert_eq!(received(&behind_nat.rtp).as_deref(), Some(&b"after"[..]));
    assert_eq!((received(&stranger.rtp), received(&announced.rtp)), (None, None));
    assert_eq!(received(&one.rtp).as_deref(), Some(&b"here I am"[..]));
    assert_eq!(received(&one.rtp).as_deref(), Some(&b"still here"[..]));
    assert_eq!(received(&one.rtp), None);
    assert_eq!((bench.plane.counts().foreign, bench.plane.close(b.id).foreign), (1, 1));
}

#[test]
fn rtcp_finds_its_port_when_only_one_side_shares_it() {
    let mut bench = Bench::new();
    let (shares, parts) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&shares, &parts);
    bench.plane.connect(a.id, shares.shared());
    bench.send(&shares.rtp, &a, Rtp, RTCP);
    assert_eq!((received(&parts.rtcp).as_deref(), received(&parts.rtp)), (Some(RTCP), None));
    bench.send(&parts.rtcp, &b, Rtcp, RTCP);
    assert_eq!((received(&shares.rtp).as_deref(), received(&shares.rtcp)), (Some(RTCP), None));
}

#[test]
fn a_shared_port_frees_the_socket_of_the_other_until_it_is_wanted_again() {
    let mut bench = Bench::new();
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, _) = bench.bridged(&one, &other);
    bench.plane.connect(a.id, one.shared());
    let free = UdpSocket::bind(("0.0.0.0", a.rtcp)).unwrap();
    drop(free);
    bench.plane.connect(a.id, one.remote());
    bench.send(&one.rtcp, &a, Rtcp, RTCP);
    assert_eq!(received(&other.rtcp).as_deref(), Some(RTCP));
}

#[test]
fn a_leg_held_without_an_address_takes_and_gets_nothing() {
    let mut bench = Bench::new();
    let (one, held) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&one, &held);
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 4000));
    bench.plane.connect(b.id, Remote { rtp: nowhere, rtcp: nowhere, ..held.remote() });
    bench.send(&one.rtp, &a, Rtp, b"x");
    bench.send(&held.rtp, &b, Rtp, b"y");
    assert_eq!((received(&one.rtp), received(&held.rtp)), (None, None));
    bench.plane.connect(b.id, held.remote());
    bench.send(&one.rtp, &a, Rtp, b"z");
    assert_eq!(received(&held.rtp).as_deref(), Some(&b"z"[..]));
    assert_eq!(bench.plane.close(b.id).foreign, 0);
}

#[test]
fn a_new_bridge_ends_the_old_one_of_both() {
    let mut bench = Bench::new();
    let (one, other, third) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&one, &other);
    let c = bench.open(&third);
    bench.plane.bridge(c.id, a.id);
    bench.send(&one.rtp, &a, Rtp, b"1");
    bench.send(&other.rtp, &b, Rtp, b"2");
    bench.send(&third.rtp, &c, Rtp, b"3");
    assert_eq!((received(&third.rtp).as_deref(), received(&one.rtp).as_deref()), (Some(&b"1"[..]), Some(&b"3"[..])));
    assert_eq!((received(&one.rtp), received(&other.rtp)), (None, None));
}

#[test]
fn a_closed_pair_is_gone_its_ports_rest_and_its_id_means_nothing() {
    let mut bench = Bench::new();
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&one, &other);
    bench.plane.close(a.id);
    assert_eq!((bench.plane.counts().ports_used, bench.plane.counts().ports_free), (1, 4999));
    bench.send(&other.rtp, &b, Rtp, b"to nobody");
    let c = bench.open(&one);
    assert!(c.id != a.id && c.rtp != a.rtp);
    assert_eq!(bench.plane.close(a.id), LegStats::default());
    bench.plane.bridge(a.id, b.id);
    bench.plane.connect(a.id, other.remote());
    bench.plane.bridge(c.id, b.id);
    bench.send(&other.rtp, &b, Rtp, b"to one");
    assert_eq!(received(&one.rtp).as_deref(), Some(&b"to one"[..]));
    bench.plane.close(b.id);
    bench.plane.close(c.id);
    assert_eq!((bench.plane.counts().ports_used, bench.plane.poll_timeout()), (0, None));
}

#[test]
fn without_a_rested_pair_there_is_no_port() {
    let mut bench = Bench::with_ports(29_000..=29_063);
    let phone = Phone::at("127.0.0.1");
    let toward = Some(phone.remote().rtp);
    let mut opened: Vec<Opened> = std::iter::from_fn(|| bench.plane.open(toward).ok()).collect();
    assert!(!opened.is_empty());
    let last = opened.pop().unwrap();
    bench.plane.close(last.id);
    assert_eq!(bench.plane.open(toward), Err(NoPort));
    assert_eq!(bench.plane.counts().exhausted, 2);
    bench.wait(Duration::from_secs(31));
    assert!(bench.plane.open(toward).is_ok());
}

fn agreed(payload_type: u8) -> Agreed {
    Agreed {
        stream: 0,
        payload_type,
        clock: 8000,
        telephone_event: Some(101),
        direction: Direction::SendRecv,
        rtcp_mux: false,
    }
}

#[test]
fn an_echo_comes_back_whole_but_under_a_source_of_its_own() {
    let mut bench = Bench::new();
    let phone = Phone::at("127.0.0.1");
    let a = bench.open(&phone);
    bench.plane.serve(a.id, Sound::Echo, &agreed(0));
    let mut headers = Vec::new();
    for sequence in 100..110 {
        bench.send(&phone.rtp, &a, Rtp, &packet(0, sequence, 7, &[sequence as u8; 160]));
        let (header, payload) = rtp_of(&phone.rtp).unwrap();
        assert_eq!(payload, [sequence as u8; 160]);
        headers.push(header);
    }
    assert!(headers.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)
        && pair[1].timestamp == pair[0].timestamp.wrapping_add(160)
        && pair[1].ssrc == pair[0].ssrc
        && pair[1].ssrc != rtp::Ssrc(7)));
    bench.send(&phone.rtcp, &a, Rtcp, RTCP);
    assert_eq!(received(&phone.rtcp), None);
    let stats = bench.plane.close(a.id);
    assert_eq!((stats.received, stats.sent), (10, 10));
}

#[test]
fn a_key_is_told_once_whatever_is_served() {
    let mut bench = Bench::new();
    let phone = Phone::at("127.0.0.1");
    let a = bench.open(&phone);
    bench.plane.serve(a.id, Sound::Silence, &agreed(0));
    for (sequence, event) in rtp::DigitPackets::new('#', 160, 800).unwrap().enumerate() {
        let header = rtp::Header {
            marker: sequence == 0,
            payload_type: 101,
            sequence: sequence as u16,
            timestamp: 5,
            ssrc: rtp::Ssrc(7),
        };
        bench.send(&phone.rtp, &a, Rtp, &[&header.to_bytes()[..], &event.to_bytes()].concat());
    }
    assert_eq!(bench.wait(Duration::ZERO), [(a.id, MediaEvent::Dtmf('#'))]);
}

#[test]
fn a_prompt_is_one_stream_of_20_ms_packets_and_its_end_is_told() {
    let mut bench = Bench::new();
    let phone = Phone::at("127.0.0.1");
    let a = bench.open(&phone);
    let voice = agreed(8);
    bench.plane.connect(a.id, phone.speaking(&[(8, codec::Codec::Pcma)]));
    let mut headers: Vec<rtp::Header> = Vec::new();
    for _ in 0..2 {
        bench.plane.serve(a.id, Sound::Prompt(audio::Prompt::new(vec![1000; 3 * 160 + 1])), &voice);
        let mut events = Vec::new();
        let start = headers.len();
        while events.is_empty() {
            events = bench.wait(Duration::from_millis(5));
            while let Some((header, payload)) = rtp_of(&phone.rtp) {
                let expected = audio::Law::A.encode(if headers.len() - start < 3 { 1000 } else { 0 });
                assert_eq!((payload.len(), payload[159]), (160, expected));
                headers.push(header);
            }
        }
        assert_eq!((events, headers.len() - start), (vec![(a.id, MediaEvent::PromptDone)], 4));
    }
    for pair in headers.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!((pair[1].timestamp, pair[1].ssrc), (pair[0].timestamp.wrapping_add(160), pair[0].ssrc));
        assert_eq!((pair[1].payload_type, pair[1].marker), (8, false));
    }
    assert!(headers[0].marker);
    assert_eq!(bench.plane.close(a.id).sent, 8);
}

#[test]
fn a_prompt_waits_for_a_phone_that_holds_and_ends_with_its_leg() {
    let mut bench = Bench::new();
    let phone = Phone::at("127.0.0.1");
    let a = bench.open(&phone);
    let speaking = phone.speaking(&[(0, codec::Codec::Pcmu)]);
    bench.plane.connect(a.id, speaking.clone());
    bench.plane.serve(a.id, Sound::Prompt(audio::Prompt::new(vec![1000; 160])), &agreed(0));
    bench.plane.connect(a.id, Remote { direction: Direction::SendOnly, ..speaking.clone() });
    for _ in 0..50 {
        assert_eq!(bench.wait(Duration::from_millis(5)), []);
    }
    assert_eq!(received(&phone.rtp), None);
    bench.plane.connect(a.id, speaking);
    let events: Vec<_> = (0..10).flat_map(|_| bench.wait(Duration::from_millis(5))).collect();
    assert_eq!((events, received(&phone.rtp).is_some()), (vec![(a.id, MediaEvent::PromptDone)], true));
    bench.plane.serve(a.id, Sound::Prompt(audio::Prompt::new(vec![1000; 16_000])), &agreed(0));
    bench.plane.close(a.id);
    bench.wait(Duration::from_millis(100));
    assert_eq!(bench.plane.poll_timeout(), None);
}

#[test]
fn a_phone_that_should_send_and_does_not_is_told_once_a_silence() {
    let mut bench = Bench::new();
    let (one, other) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = (bench.open(&one), bench.open(&other));
    let watch = |bench: &mut Bench, seconds: u64, send: &[(&UdpSocket, &Opened, Component)]| {
        let mut silent = Vec::new();
        for _ in 0..seconds {
            for (socket, to, component) in send {
                bench.send(socket, to, *component, RTCP);
            }
            silent.extend(bench.wait(Duration::from_secs(1)));
        }
        silent
    };
    assert_eq!(watch(&mut bench, 60, &[]), [], "legs without a partner are only ringing");
    bench.plane.bridge(a.id, b.id);
    assert_eq!(watch(&mut bench, 60, &[(&one.rtp, &a, Rtp), (&other.rtcp, &b, Rtcp)]), [], "RTCP is a sign of life");
    assert_eq!(watch(&mut bench, 25, &[(&one.rtp, &a, Rtp)]), [(b.id, MediaEvent::Silent)]);
    assert_eq!(watch(&mut bench, 40, &[(&one.rtp, &a, Rtp)]).len(), 2);
    bench.plane.connect(b.id, Remote { direction: Direction::RecvOnly, ..other.remote() });
    assert_eq!(watch(&mut bench, 60, &[(&one.rtp, &a, Rtp)]), [], "a phone that only listens is not missed");
    assert_eq!(bench.plane.counts().silent, 3);
}

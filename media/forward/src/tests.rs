//! With the real program in the real kernel, between sockets of the loopback interface.

mod elsewhere;

use super::*;
use net::udp::{self, Options};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

/// Two phones, and the two ports of an exchange between them.
struct Bench {
    lane: Lane,
    caller: UdpSocket,
    callee: UdpSocket,
    /// The exchange's, toward the caller and toward the callee.
    ours: [UdpSocket; 2],
    interface: u32,
}

impl Bench {
    fn new() -> Option<Bench> {
        let forwarder = Arc::new(support::of_the_kernel(Forwarder::load(2, &(1..=u16::MAX)))?);
        let lane = forwarder.lane(0).unwrap();
        let interface = net::route([127, 0, 0, 1].into(), None).unwrap().interface;
        Some(Bench { lane, caller: bind(), callee: bind(), ours: [bind(), bind()], interface })
    }

    /// From the caller to the callee.
    fn flow(&self) -> Flow {
        Flow {
            tag: 0x1_0000_0007,
            from: address(&self.caller),
            at: address(&self.ours[0]),
            arrives: self.interface,
            passes: 1 | 1 << 8 | 1 << 96,
            course: self.toward(&self.callee),
        }
    }

    fn toward(&self, phone: &UdpSocket) -> Course {
        Course::Onward(Way { source: address(&self.ours[1]), to: address(phone), leaves: self.interface })
    }

    fn say(&self, packet: &[u8]) {
        self.caller.send_to(packet, address(&self.ours[0])).unwrap();
    }

    /// All that has been told, waited for a little: what is on its way in the kernel arrives at once.
    fn taken(&mut self) -> Vec<(Taken, Vec<u8>)> {
        let (mut all, end) = (Vec::new(), Instant::now() + Duration::from_millis(300));
        let mut buffer = [0; LONGEST];
        while all.is_empty() && Instant::now() < end {
            while let Some(taken) = self.lane.take(&mut buffer) {
                all.push((taken, buffer[..taken.length].to_vec()));
            }
        }
        all
    }
}

/// A socket that is read with a little patience.
pub fn bind() -> UdpSocket {
    let socket = udp::bind("127.0.0.1:0".parse().unwrap(), &Options::PLAIN).unwrap();
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    socket
}

pub fn address(socket: &UdpSocket) -> SocketAddrV4 {
    match socket.local_addr().unwrap() {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => panic!("{address}"),
    }
}

pub fn heard(socket: &UdpSocket) -> Option<(Vec<u8>, SocketAddr)> {
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).ok()?;
    Some((buffer[..length].to_vec(), from))
}

/// RTP of a payload type, with as many bytes in all.
pub fn packet(payload_type: u8, length: usize) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type, 0x12, 0x34, 0, 0, 0, 160, 0xca, 0xfe, 0xba, 0xbe];
    packet.extend((packet.len()..length).map(|at| at as u8));
    packet
}

#[test]
fn a_packet_of_a_flow_leaves_from_the_other_port_as_it_came() {
    let Some(mut bench) = Bench::new() else { return };
    bench.lane.install(&bench.flow()).unwrap();
    // With an odd length, a marker, and a payload type of the upper half.
    for sent in [packet(0, 172), packet(0x80 | 8, 33), packet(96, 1000), packet(96, 12)] {
        bench.say(&sent);
        assert_eq!(heard(&bench.callee), Some((sent.clone(), address(&bench.ours[1]).into())));
        let taken = bench.taken();
        let [(taken, _)] = taken[..] else { panic!("{taken:?}") };
        let header = sent[..12].try_into().unwrap();
        assert_eq!((taken.tag, taken.length, taken.fate), (0x1_0000_0007, sent.len(), Fate::Onward(header)));
    }
    assert_eq!(heard(&bench.ours[0]), None);
}

#[test]
fn a_packet_that_is_to_come_in_is_given_to_the_process_as_it_came() {
    let Some(mut bench) = Bench::new() else { return };
    let flow = Flow { course: Course::Inward, ..bench.flow() };
    bench.lane.install(&flow).unwrap();
    // In either size of room, to its edges.
    for length in [12, 13, 188, 352, 353, LONGEST] {
        let sent = packet(96, length);
        bench.say(&sent);
        let taken = bench.taken();
        let [(taken, bytes)] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!((taken.tag, taken.fate, bytes), (flow.tag, Fate::Inward, &sent));
    }
    assert_eq!((heard(&bench.ours[0]), heard(&bench.callee)), (None, None));
    bench.lane.withdraw(&flow);
    bench.say(&packet(96, 188));
    assert!(heard(&bench.ours[0]).is_some());
}

#[test]
fn what_is_no_sound_of_the_flow_comes_to_the_socket() {
    let Some(mut bench) = Bench::new() else { return };
    bench.lane.install(&bench.flow()).unwrap();
    let other_type = packet(101, 16);
    let report = [&[0x80, 200, 0, 6][..], &[0; 24]].concat();
    let check = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[0; 12]].concat();
    for sent in [other_type, report, check, packet(0, 12)[..11].to_vec(), packet(0, 1373), Vec::new()] {
        bench.say(&sent);
        assert_eq!(heard(&bench.ours[0]), Some((sent.clone(), address(&bench.caller).into())), "{sent:?}");
    }
    // From somewhere else.
    bench.callee.send_to(&packet(0, 172), address(&bench.ours[0])).unwrap();
    assert_eq!(heard(&bench.ours[0]), Some((packet(0, 172), address(&bench.callee).into())));
    assert_eq!(bench.taken(), []);
}

#[test]
fn what_arrives_at_other_ports_is_passed_by() {
    let Some(bench) = Bench::new() else { return };
    let port = address(&bench.ours[0]).port();
    for (ports, is_taken) in [(port..=port, true), (1..=port - 1, false), (port + 1..=u16::MAX, false)] {
        let Some(forwarder) = support::of_the_kernel(Forwarder::load(1, &ports)) else { return };
        let lane = Arc::new(forwarder).lane(0).unwrap();
        lane.install(&bench.flow()).unwrap();
        bench.say(&packet(0, 172));
        assert_eq!((heard(&bench.callee).is_some(), heard(&bench.ours[0]).is_some()), (is_taken, !is_taken));
    }
}

#[test]
fn a_flow_that_is_withdrawn_or_moved_is_so_at_once() {
    let Some(mut bench) = Bench::new() else { return };
    let flow = bench.flow();
    bench.lane.install(&flow).unwrap();
    let elsewhere = bind();
    bench.lane.install(&Flow { course: bench.toward(&elsewhere), tag: 9, ..flow }).unwrap();
    bench.say(&packet(0, 172));
    assert!(heard(&elsewhere).is_some());
    assert_eq!(bench.taken()[0].0.tag, 9);
    bench.lane.withdraw(&flow);
    bench.lane.withdraw(&flow);
    bench.say(&packet(0, 172));
    assert!(heard(&bench.ours[0]).is_some());
}

#[test]
fn sums_that_the_sender_made_are_right_afterwards() {
    let Some(bench) = Bench::new() else { return };
    bench.lane.install(&bench.flow()).unwrap();
    // Made here byte by byte, so that no network card is trusted with any sum; what has a wrong one is dropped by the kernel.
    let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).unwrap();
    for (has_sum, class) in [(true, 0), (false, 0b10)] {
        let payload = packet(0, 171);
        let datagram = datagram(address(&bench.caller), address(&bench.ours[0]), &payload, has_sum, class);
        raw.send_to(&datagram, &SocketAddr::from(address(&bench.ours[0])).into()).unwrap();
        assert_eq!(heard(&bench.callee).map(|(bytes, _)| bytes), Some(payload), "{has_sum}");
    }
}

#[test]
fn a_full_ring_loses_nothing() {
    let Some(mut bench) = Bench::new() else { return };
    bench.lane.install(&bench.flow()).unwrap();
    let room = (RING as usize) / (arrival::RECORD + 8);
    let mut buffer = [0; 64];
    bench.callee.set_nonblocking(true).unwrap();
    let mut arrived = 0;
    for _ in 0..room {
        bench.say(&packet(0, 20));
        arrived += usize::from(bench.callee.recv_from(&mut buffer).is_ok());
    }
    assert_eq!(arrived, room);
    bench.say(&packet(0, 20));
    assert!(heard(&bench.ours[0]).is_some());
    assert_eq!(bench.taken().len(), room);
    bench.say(&packet(0, 20));
    assert_eq!(bench.taken().len(), 1);
}

#[test]
fn the_end_of_the_forwarder_is_the_end_of_its_flows() {
    let Some(bench) = Bench::new() else { return };
    bench.lane.install(&bench.flow()).unwrap();
    let Bench { lane, caller, ours, .. } = bench;
    drop(lane);
    caller.send_to(&packet(0, 172), address(&ours[0])).unwrap();
    assert!(heard(&ours[0]).is_some());
}

#[test]
fn an_interface_that_is_not_there_is_told() {
    let Some(bench) = Bench::new() else { return };
    let error = bench.lane.install(&Flow { arrives: 1 << 30, ..bench.flow() }).unwrap_err();
    assert!(matches!(error, FlowError::Interface(..)), "{error}");
    let again = bench.lane.install(&Flow { arrives: 1 << 30, ..bench.flow() }).unwrap_err();
    assert!(matches!(again, FlowError::Known(..)), "{again}");
}

#[test]
fn the_end_of_a_lane_gives_its_packets_back_to_the_sockets() {
    let Some(forwarder) = support::of_the_kernel(Forwarder::load(2, &(1..=u16::MAX))) else { return };
    let forwarder = Arc::new(forwarder);
    let Some(bench) = Bench::new() else { return };
    let (lane, _other) = (forwarder.lane(0).unwrap(), forwarder.lane(1).unwrap());
    lane.install(&bench.flow()).unwrap();
    drop(lane);
    bench.say(&packet(0, 172));
    assert!(heard(&bench.ours[0]).is_some());
}

#[test]
fn a_packet_that_comes_by_another_interface_is_left_to_the_network_stack() {
    let Some(bench) = Bench::new() else { return };
    let flow = bench.flow();
    bench.lane.install(&flow).unwrap();
    let elsewhere = Flow { arrives: flow.arrives + 1, ..flow };
    bench.lane.forwarder.flows.set(&arrival::key(&flow), &arrival::value(&elsewhere, 0, 1)).unwrap();
    bench.say(&packet(0, 172));
    assert!(heard(&bench.ours[0]).is_some());
}

/// The memory of a flow that is withdrawn may become that of the next one while the program has it in hand.
#[test]
fn no_packet_goes_the_way_of_another_flow_while_flows_come_and_go() {
    let Some(mut bench) = Bench::new() else { return };
    let [elsewhere, stranger] =
        std::array::from_fn(|_| udp::bind("127.0.0.1:0".parse().unwrap(), &Options::PLAIN).unwrap());
    let one = bench.flow();
    let two = Flow { tag: 2, from: address(&stranger), course: bench.toward(&elsewhere), ..one };
    let (to, caller, ends) =
        (address(&bench.ours[0]), bench.caller.try_clone().unwrap(), Instant::now() + Duration::from_secs(3));
    let flood = std::thread::spawn(move || {
        while Instant::now() < ends {
            let _ = caller.send_to(&packet(0, 12), to);
        }
    });
    bench.callee.set_nonblocking(true).unwrap();
    bench.ours[0].set_nonblocking(true).unwrap();
    let (mut buffer, mut right) = ([0; LONGEST], 0);
    for change in 0_u32.. {
        if Instant::now() >= ends {
            break;
        }
        bench.lane.install(&one).unwrap();
        (0..change % 7 * 40).for_each(|_| std::hint::spin_loop());
        bench.lane.withdraw(&one);
        bench.lane.install(&two).unwrap();
        (0..20).for_each(|_| std::hint::spin_loop());
        bench.lane.withdraw(&two);
        assert!(elsewhere.recv_from(&mut buffer).is_err(), "a packet went to the wrong phone after {change} changes");
        while let Some(taken) = bench.lane.take(&mut buffer) {
            assert_eq!(taken.tag, one.tag, "a packet was told as another's after {change} changes");
            right += 1;
        }
        while bench.callee.recv_from(&mut buffer).is_ok() || bench.ours[0].recv_from(&mut buffer).is_ok() {}
    }
    flood.join().unwrap();
    assert!(right > 100, "{right} packets of the flow");
}

/// An IPv4 packet with UDP (RFC 791, RFC 768).
fn datagram(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8], has_sum: bool, class: u8) -> Vec<u8> {
    let udp_length = (8 + payload.len()) as u16;
    let mut udp = [from.port().to_be_bytes(), to.port().to_be_bytes(), udp_length.to_be_bytes(), [0, 0]].concat();
    udp.extend(payload);
    if has_sum {
        let pseudo = [&from.ip().octets()[..], &to.ip().octets(), &[0, 17], &udp_length.to_be_bytes(), &udp].concat();
        udp[6..8].copy_from_slice(&sum(&pseudo).to_be_bytes());
    }
    let mut ip = vec![0x45, class, 0, 0, 0, 1, 0x40, 0, 64, 17, 0, 0];
    ip.extend(from.ip().octets());
    ip.extend(to.ip().octets());
    ip.extend(udp);
    let length = ip.len() as u16;
    ip[2..4].copy_from_slice(&length.to_be_bytes());
    let header = sum(&ip[..20]);
    ip[10..12].copy_from_slice(&header.to_be_bytes());
    ip
}

/// The ones' complement of the ones' complement sum (RFC 1071).
fn sum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or_default());
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

//! CPU of a relayed packet, beside a loop that does nothing but receive and send, and of opening and closing a call's ports.
//!
//! `cargo bench -p node --bench relay -- [CALLS] [SECONDS]`. Both relays run in one process and in turn, each on a thread whose
//! own CPU time is read; phones are other threads. Machines move: compare within one run.

use call::{Media, Remote};
use net::{Epoll, Events, Interest};
use node::plane::{Plane, Settings};
use node::{Ports, Token};
use sdp::Direction;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let calls = arguments.next().unwrap_or(500);
    let seconds = Duration::from_secs(arguments.next().unwrap_or(3) as u64);
    let files = net::raise_nofile_limit().expect("limits can be read");
    println!("{calls} calls, 50 packets a second each way, {files} files at most");
    setup(calls);
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let bare = measure(calls, seconds, bare);
        let ours = measure(calls, seconds, ours);
        println!("bare forwarder {bare:.2} µs a packet, relay {ours:.2} µs, {:.2} times", ours / bare);
        ratios.push(ours / bare);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median {:.2} times", ratios[1]);
}

/// What a relay returns: packets sent, CPU used.
type Work = (u64, Duration);
type Relay = fn(&[SocketAddr], &dyn Fn(Vec<SocketAddr>), &AtomicBool) -> Work;

/// Runs a relay between two phones a call; µs a packet.
fn measure(calls: usize, time: Duration, relay: Relay) -> f64 {
    let phones: Vec<UdpSocket> = (0..2 * calls).map(|_| socket()).collect();
    let addresses: Vec<SocketAddr> = phones.iter().map(|phone| phone.local_addr().expect("bound")).collect();
    let stop = AtomicBool::new(false);
    let (told, targets) = std::sync::mpsc::channel();
    let (packets, cpu) = std::thread::scope(|scope| {
        let relay = scope.spawn(|| relay(&addresses, &|targets| told.send(targets).expect("the phones wait"), &stop));
        talk(&phones, &targets.recv().expect("the relay tells its ports"), time);
        stop.store(true, Ordering::Relaxed);
        relay.join().expect("no panic")
    });
    let sent = time.as_millis() as u64 / 20 * 2 * calls as u64;
    if packets < sent * 99 / 100 {
        println!("only {packets} of about {sent} packets passed: the machine is too slow or too busy");
    }
    cpu.as_secs_f64() * 1e6 / packets.max(1) as f64
}

/// Sends for every phone each 20 ms, spread over them, and reads what comes back.
fn talk(phones: &[UdpSocket], targets: &[SocketAddr], time: Duration) {
    let epoll = Epoll::new().expect("epoll");
    for (index, phone) in phones.iter().enumerate() {
        epoll.add(phone, index as u64, Interest::READ).expect("epoll");
    }
    let (start, mut tick, mut events) = (Instant::now(), 0, Events::with_capacity(1024));
    let mut buffer = [0; 2048];
    let mut packet = [0x55u8; 172];
    packet[..2].copy_from_slice(&[0x80, 0]);
    while start.elapsed() < time {
        let due = start.elapsed().as_millis() as u64;
        while tick < due {
            for index in ((tick % 20) as usize..phones.len()).step_by(20) {
                let sequence = (tick / 20) as u16;
                packet[2..4].copy_from_slice(&sequence.to_be_bytes());
                packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
                packet[8..12].copy_from_slice(&(index as u32).to_be_bytes());
                // What the kernel does not take is missing in the count.
                let _ = phones[index].send_to(&packet, targets[index]);
            }
            tick += 1;
        }
        epoll.wait(&mut events, Some(Duration::from_millis(1))).expect("epoll");
        for ready in events.iter() {
            while phones[ready.token as usize].recv(&mut buffer).is_ok() {}
        }
    }
}

/// The least that a forwarder can do.
fn bare(phones: &[SocketAddr], told: &dyn Fn(Vec<SocketAddr>), stop: &AtomicBool) -> Work {
    let sockets: Vec<UdpSocket> = phones.iter().map(|_| socket()).collect();
    let epoll = Epoll::new().expect("epoll");
    for (index, socket) in sockets.iter().enumerate() {
        epoll.add(socket, index as u64, Interest::READ).expect("epoll");
    }
    told(sockets.iter().map(|socket| socket.local_addr().expect("bound")).collect());
    let (mut events, mut buffer, mut packets) = (Events::with_capacity(256), [0; 2048], 0);
    let cpu = net::thread_cpu();
    while !stop.load(Ordering::Relaxed) {
        epoll.wait(&mut events, Some(Duration::from_millis(100))).expect("epoll");
        for ready in events.iter() {
            let index = ready.token as usize;
            let Ok((length, _)) = sockets[index].recv_from(&mut buffer) else { continue };
            packets += u64::from(sockets[index ^ 1].send_to(&buffer[..length], phones[index ^ 1]).is_ok());
        }
    }
    (packets, net::thread_cpu() - cpu)
}

/// The media plane as a shard drives it.
fn ours(phones: &[SocketAddr], told: &dyn Fn(Vec<SocketAddr>), stop: &AtomicBool) -> Work {
    let (epoll, mut plane) = plane();
    let opened: Vec<_> = phones
        .iter()
        .map(|&phone| {
            let opened = plane.open(Some(phone)).expect("enough ports");
            plane.connect(opened.id, remote(phone));
            opened
        })
        .collect();
    for pair in opened.chunks_exact(2) {
        plane.bridge(pair[0].id, pair[1].id);
    }
    told(opened.iter().map(|opened| (opened.address, opened.rtp).into()).collect());
    let mut events = Events::with_capacity(256);
    let cpu = net::thread_cpu();
    while !stop.load(Ordering::Relaxed) {
        epoll.wait(&mut events, Some(Duration::from_millis(100))).expect("epoll");
        plane.set_now(Instant::now());
        for ready in events.iter() {
            if let Token::Media(index, component) = Token::from(ready.token) {
                plane.handle_readable(index, component);
            }
        }
        plane.handle_timeout();
    }
    (plane.counts().sent, net::thread_cpu() - cpu)
}

fn setup(calls: usize) {
    let (_epoll, mut plane) = plane();
    let phone = SocketAddr::from(([127, 0, 0, 1], 9));
    let cpu = net::thread_cpu();
    for _ in 0..calls {
        let legs = [(); 2].map(|()| plane.open(Some(phone)).expect("enough ports").id);
        for leg in legs {
            plane.connect(leg, remote(phone));
        }
        plane.bridge(legs[0], legs[1]);
        for leg in legs {
            plane.close(leg);
        }
    }
    let cpu = (net::thread_cpu() - cpu).as_secs_f64() * 1e6 / calls as f64;
    println!("opening and closing the four sockets of a call: {cpu:.1} µs");
}

fn plane() -> (Arc<Epoll>, Plane) {
    let epoll = Arc::new(Epoll::new().expect("epoll"));
    let ports = Ports::share(&(20_000..=29_999), 0, 1, Duration::from_secs(30), 1);
    let identity = Arc::new(dtls::Identity::generate().expect("an identity"));
    let settings = Settings {
        advertise: Vec::new(),
        silence: Duration::from_secs(60),
        seed: 1,
        identity,
        library: codec::Library::default(),
        recorder: None,
    };
    let plane = Plane::new(Instant::now(), epoll.clone(), ports, &settings, None);
    (epoll, plane)
}

fn remote(phone: SocketAddr) -> Remote {
    Remote {
        rtp: phone,
        rtcp: phone,
        mux: false,
        direction: Direction::SendRecv,
        clocks: sdp::Clocks::default(),
        codecs: rtp::quality::Codecs::default(),
        voice: None,
        security: call::Security::Plain,
    }
}

fn socket() -> UdpSocket {
    net::udp::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into(), &net::udp::Options::PLAIN).expect("bind")
}

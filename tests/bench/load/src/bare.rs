//! bare: the least that a server can do, for the machine's own limit beside any figure.
//!
//! `bare rtp BASE CALLS` is an epoll loop that does nothing but forward datagrams: a pair of sockets a call on 127.0.0.1, BASE + 2i and
//! BASE + 2i + 1; what comes to one goes out of the other to whoever sent there last. Its load: `siploader rtp --bare BASE`.
//!
//! `bare sip PORT` reads nothing but line ends: it answers every request with the lines that an answer copies, a REGISTER without
//! credentials with a challenge that is always the same, in batches of 64 datagrams. Its load: `siploader register`, `siploader options`.
//!
//! `bare tcp PORT` does the same on connections: a read and a write for each request. Its load: `streams tcp`.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

#[path = "siploader/net.rs"]
mod net;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at)?.parse::<usize>().ok();
    match (arguments.first().map(String::as_str), number(1), number(2)) {
        (Some("rtp"), Some(base), Some(calls)) => forward(base, calls),
        (Some("sip"), Some(port), None) => answer_datagrams(port as u16),
        (Some("tcp"), Some(port), None) => answer_connections(port as u16),
        _ => {
            eprintln!("bare rtp BASE CALLS | bare sip PORT | bare tcp PORT");
            std::process::exit(2)
        }
    }
}

struct Leg {
    socket: UdpSocket,
    peer: libc::sockaddr_in,
}

fn forward(base: usize, calls: usize) {
    let open = |port: usize| Leg { socket: net::udp(port as u16), peer: unsafe { std::mem::zeroed() } };
    let mut legs: Vec<Leg> = (base..base + 2 * calls).map(open).collect();
    let epoll = unsafe { libc::epoll_create1(0) };
    for (index, leg) in legs.iter().enumerate() {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: index as u64 };
        unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, leg.socket.as_raw_fd(), &mut event) };
    }
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; 1024];
    let mut buffer = [0u8; 2048];
    const NAME: libc::socklen_t = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    loop {
        let count = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), 1024, -1) };
        for event in events.iter().take(count.max(0) as usize) {
            let index = event.u64 as usize;
            let (one, other) = (legs[index].socket.as_raw_fd(), index ^ 1);
            let mut length = NAME;
            let from = (&raw mut legs[index].peer).cast();
            let size = unsafe { libc::recvfrom(one, buffer.as_mut_ptr().cast(), buffer.len(), 0, from, &mut length) };
            if size > 0 && legs[other].peer.sin_port != 0 {
                let (to, socket) = ((&raw const legs[other].peer).cast(), legs[other].socket.as_raw_fd());
                unsafe { libc::sendto(socket, buffer.as_ptr().cast(), size as usize, 0, to, NAME) };
            }
        }
    }
}

const CHALLENGE: &[u8] = b"WWW-Authenticate: Digest realm=\"direct.local\", nonce=\"0123456789abcdefghij\", algorithm=MD5, qop=\"auth\"\r\n";
/// As long as the Contact, Supported and Date lines of a registrar.
const GRANTED: &[u8] = b"Contact: <sip:u000000@127.0.0.1:9060>;expires=600\r\nSupported: path, outbound, gruu\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

fn answer_datagrams(port: u16) {
    let mut batch = net::Batch::new(net::udp(port));
    let (mut requests, mut answer) = (Vec::new(), Vec::new());
    let mut waiting = libc::pollfd { fd: batch.sock.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    loop {
        unsafe { libc::poll(&mut waiting, 1, Duration::from_secs(1).as_millis() as libc::c_int) };
        batch.recv(&mut requests);
        for (request, from) in requests.drain(..) {
            write_answer(&request, &mut answer);
            batch.push(&answer, from);
        }
        batch.flush();
    }
}

/// The load sends no second request before the answer to the first, and each in one segment, so that what is read is one request.
fn answer_connections(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|e| panic!("bind {port}: {e}"));
    let mut connections: Vec<TcpStream> = Vec::new();
    let epoll = unsafe { libc::epoll_create1(0) };
    let watch = |fd: i32, number: usize| {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: number as u64 };
        unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) };
    };
    watch(listener.as_raw_fd(), usize::MAX);
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; 256];
    let (mut buffer, mut answer) = ([0u8; 4096], Vec::new());
    loop {
        let count = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), 256, -1) };
        for event in events.iter().take(count.max(0) as usize) {
            if event.u64 == u64::MAX {
                let Ok((connection, _)) = listener.accept() else { continue };
                connection.set_nodelay(true).expect("a TCP option");
                watch(connection.as_raw_fd(), connections.len());
                connections.push(connection);
                continue;
            }
            let mut connection = &connections[event.u64 as usize];
            match connection.read(&mut buffer) {
                // A closed one leaves the set, and its place stays.
                Ok(0) | Err(_) => unsafe {
                    libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, connection.as_raw_fd(), std::ptr::null_mut());
                },
                Ok(size) => {
                    write_answer(&buffer[..size], &mut answer);
                    let _ = connection.write_all(&answer);
                }
            }
        }
    }
}

fn write_answer(request: &[u8], answer: &mut Vec<u8>) {
    let lines = || request.split_inclusive(|byte| *byte == b'\n');
    let is_challenged = request.starts_with(b"REGISTER") && !lines().any(|line| line.starts_with(b"Authorization"));
    answer.clear();
    answer.extend_from_slice(if is_challenged { b"SIP/2.0 401 Unauthorized\r\n" } else { b"SIP/2.0 200 OK\r\n" });
    for line in lines() {
        match line {
            [b'V', b'i', b'a', ..] | [b'F', b'r', b'o', b'm', ..] | [b'T', b'o', ..] | [b'C', b'a', b'l', b'l', ..] | [b'C', b'S', b'e', b'q', ..] => {
                answer.extend_from_slice(line)
            }
            _ => {}
        }
    }
    answer.extend_from_slice(if is_challenged { CHALLENGE } else { GRANTED });
    answer.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

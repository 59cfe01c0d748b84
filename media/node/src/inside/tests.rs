//! Real sockets on loopback.

use super::*;
use net::Events;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

struct Bench {
    inside: Inside,
    epoll: Epoll,
    events: Events,
    heard: Vec<(Hop, String)>,
}

impl Bench {
    fn new() -> Bench {
        let (inside, epoll) = (Inside::bind("127.0.0.1:0".parse().unwrap()).unwrap(), Epoll::new().unwrap());
        inside.watch(&epoll).unwrap();
        Bench { inside, epoll, events: Events::with_capacity(8), heard: Vec::new() }
    }

    fn address(&self) -> SocketAddr {
        self.inside.address().unwrap()
    }

    /// Handles events until `done`.
    fn turn_until(&mut self, mut done: impl FnMut(&mut Bench) -> bool) {
        while !done(self) {
            self.epoll.wait(&mut self.events, Some(Duration::from_secs(5))).unwrap();
            assert!(!self.events.is_empty(), "nothing happens any more");
            let Bench { inside, epoll, events, heard } = self;
            let mut hear = |hop, bytes: &[u8]| heard.push((hop, String::from_utf8_lossy(bytes).into_owned()));
            for ready in events.iter() {
                match Token::from(ready.token) {
                    Token::Datagrams => inside.handle_datagrams(&mut hear),
                    Token::Listener => inside.handle_listener(epoll),
                    Token::Connection(index) => inside.handle_connection(epoll, index, ready, &mut hear),
                    Token::Media(..) => panic!("{ready:?}"),
                }
            }
            inside.flush(epoll);
        }
    }

    fn send(&mut self, to: Hop, bytes: &str) {
        self.inside.send(&self.epoll, Transmit { to, bytes: bytes.into() });
    }
}

fn message(n: usize) -> String {
    format!("MESSAGE sip:{n} SIP/2.0\r\nContent-Length: 5\r\n\r\nhello")
}

fn read(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn datagrams_come_and_go_in_batches() {
    let mut bench = Bench::new();
    let proxy = UdpSocket::bind("127.0.0.1:0").unwrap();
    let hop = Hop::new(Transport::Udp, proxy.local_addr().unwrap());
    for n in 0..100 {
        proxy.send_to(message(n).as_bytes(), bench.address()).unwrap();
    }
    bench.turn_until(|bench| bench.heard.len() == 100);
    assert_eq!(bench.heard[99], (hop, message(99)));
    bench.send(Hop::new(Transport::Udp, "127.0.0.1:0".parse().unwrap()), "to nowhere");
    for n in 0..50 {
        bench.send(hop, &message(n));
    }
    bench.inside.flush(&bench.epoll);
    let mut buffer = [0; 100];
    for n in 0..50 {
        let length = proxy.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..length], *message(n).as_bytes());
    }
    assert_eq!(bench.inside.counts(), Counts { received: 100, sent: 50, failed: 1 });
}

#[test]
fn a_connection_carries_messages_both_ways_however_they_are_split() {
    let mut bench = Bench::new();
    let mut proxy = TcpStream::connect(bench.address()).unwrap();
    let hop = Hop::new(Transport::Tcp, proxy.local_addr().unwrap());
    let text: String = (0..3).map(message).collect();
    for (sent, byte) in text.bytes().enumerate() {
        proxy.write_all(&[byte]).unwrap();
        let whole = (sent + 1) / message(0).len();
        bench.turn_until(|bench| bench.heard.len() >= whole);
    }
    assert_eq!(bench.heard, [0, 1, 2].map(|n| (hop, message(n))));
    bench.send(hop, &message(7));
    bench.send(hop, &message(8));
    bench.inside.flush(&bench.epoll);
    assert_eq!(read(&mut proxy, 2 * message(7).len()), [message(7), message(8)].concat());
    proxy.write_all(b"\r\n\r\n").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let mut pong = [0; 4];
    bench.turn_until(|_| matches!(proxy.read(&mut pong), Ok(2)));
    assert_eq!(&pong[..2], b"\r\n");
}

#[test]
fn a_hop_without_a_connection_is_connected_to_once() {
    let mut bench = Bench::new();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let hop = Hop::new(Transport::Tcp, proxy.local_addr().unwrap());
    bench.send(hop, &message(1));
    bench.send(hop, &message(2));
    let (mut stream, _) = proxy.accept().unwrap();
    bench.turn_until(|bench| bench.inside.connections[0].as_ref().is_some_and(|c| c.interest() == Interest::READ));
    assert_eq!(read(&mut stream, 2 * message(1).len()), [message(1), message(2)].concat());
    stream.write_all(message(3).as_bytes()).unwrap();
    bench.turn_until(|bench| bench.heard == [(hop, message(3))]);
    drop(stream);
    bench.turn_until(|bench| bench.inside.poll_unreachable() == Some(hop));
    assert!(bench.inside.connections[0].is_none() && bench.inside.by_peer.is_empty());
}

#[test]
fn a_hop_that_refuses_is_unreachable() {
    let mut bench = Bench::new();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.send(Hop::new(Transport::Tcp, gone), &message(1));
    bench.turn_until(|bench| bench.inside.poll_unreachable() == Some(Hop::new(Transport::Tcp, gone)));
}

#[test]
fn a_peer_that_does_not_read_is_cut_and_holds_up_nobody() {
    let mut bench = Bench::new();
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let hop = Hop::new(Transport::Tcp, stuck.local_addr().unwrap());
    let long = "x".repeat(1 << 16);
    let mut sent = 0;
    while bench.inside.poll_unreachable().is_none() {
        bench.send(hop, &long);
        bench.inside.flush(&bench.epoll);
        sent += 1;
        assert!(sent < 1000, "buffers without bound");
    }
}

#[test]
fn what_is_not_sip_ends_its_connection_only() {
    let mut bench = Bench::new();
    let mut bad = TcpStream::connect(bench.address()).unwrap();
    let mut good = TcpStream::connect(bench.address()).unwrap();
    bad.write_all(&vec![b'x'; 20_000]).unwrap();
    good.write_all(message(1).as_bytes()).unwrap();
    let hop = Hop::new(Transport::Tcp, bad.local_addr().unwrap());
    bench.turn_until(|bench| bench.inside.poll_unreachable() == Some(hop));
    bench.turn_until(|bench| bench.heard.len() == 1);
}

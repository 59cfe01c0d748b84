//! bare: an epoll loop that does nothing but forward datagrams, for the machine's own limit beside any relay's figure.
//!
//! `bare BASE CALLS [THREADS]` opens a pair of sockets a call on 127.0.0.1, BASE + 2i and BASE + 2i + 1; what comes to one goes out of the
//! other to whoever sent there last. `siploader rtp --bare BASE` is its load.
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

struct Leg {
    socket: UdpSocket,
    peer: libc::sockaddr_in,
}

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).map(|text| text.parse().expect("a number")).collect();
    let [base, calls, ref threads @ ..] = arguments[..] else {
        eprintln!("bare BASE CALLS [THREADS]");
        std::process::exit(2)
    };
    let threads = threads.first().copied().unwrap_or(1);
    let workers: Vec<_> = (0..threads)
        .map(|thread| std::thread::spawn(move || forward((0..calls).filter(|call| call % threads == thread).map(|call| base + 2 * call))))
        .collect();
    workers.into_iter().for_each(|worker| worker.join().expect("a forwarder"));
}

fn forward(ports: impl Iterator<Item = usize>) {
    let open = |port: usize| {
        let socket = UdpSocket::bind(("127.0.0.1", port as u16)).unwrap_or_else(|error| panic!("bind {port}: {error}"));
        socket.set_nonblocking(true).expect("a socket");
        Leg { socket, peer: unsafe { std::mem::zeroed() } }
    };
    let mut legs: Vec<Leg> = ports.flat_map(|port| [open(port), open(port + 1)]).collect();
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

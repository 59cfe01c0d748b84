//! Many datagrams by one system call (recvmmsg(2), sendmmsg(2)): it pays where few sockets carry many messages, as in SIP.

pub use crate::sys::BATCH;
use crate::sys::{self, Address};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

const CACHE_LINE: usize = 64;

/// Pieces a multiple of 4 KiB apart would begin in the same few sets of the processor's caches and push each other out.
const SPREAD: usize = 25 * CACHE_LINE;

/// Reused room for [`BATCH`] received datagrams.
pub struct ReceiveBatch {
    buffer: Vec<u8>,
    size: usize,
    /// From one piece of the buffer to the next.
    stride: usize,
    peers: [Address; BATCH],
    lengths: [u32; BATCH],
    count: usize,
    truncated: u64,
}

impl ReceiveBatch {
    /// For datagrams of up to `size` bytes (at least 1); a longer one is dropped and counted. Memory that no datagram reached is never touched.
    pub fn new(size: usize) -> ReceiveBatch {
        let size = size.max(1);
        let stride = size.next_multiple_of(CACHE_LINE) + SPREAD;
        let (peers, lengths) = ([Address::NONE; BATCH], [0; BATCH]);
        ReceiveBatch { buffer: vec![0; stride * BATCH], size, stride, peers, lengths, count: 0, truncated: 0 }
    }

    /// Takes what waits, up to [`BATCH`] datagrams; what it held before is gone. Returns how many; at [`BATCH`] there may be more.
    ///
    /// # Errors
    /// The socket is broken. Errors that earlier sends left on it (refused, unreachable) are not errors here.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.count = 0;
        for _ in 0..=BATCH {
            match sys::receive_many(
                socket.as_fd(),
                &mut self.buffer,
                self.size,
                self.stride,
                &mut self.peers,
                &mut self.lengths,
            ) {
                Ok(count) => {
                    self.count = count;
                    self.truncated += self.lengths[..count].iter().filter(|&&l| l as usize > self.size).count() as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                Err(error) if is_of_peer(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(0)
    }

    /// The datagrams of the last [`ReceiveBatch::receive`] with their senders.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        (0..self.count).filter_map(|index| self.at(index))
    }

    /// The datagram at `index`, below what [`ReceiveBatch::receive`] returned; None if it was longer than the room.
    pub fn at(&self, index: usize) -> Option<(SocketAddr, &[u8])> {
        let length = *self.lengths[..self.count].get(index)? as usize;
        let bytes =
            self.buffer.get(index * self.stride..index * self.stride + length).filter(|_| length <= self.size)?;
        Some((self.peers[index].to_socket_addr()?, bytes))
    }

    /// Datagrams dropped since the start because they were longer than the room.
    pub fn truncated(&self) -> u64 {
        self.truncated
    }
}

/// Sends each of `messages` over `socket`; returns how many went.
///
/// The kernel's buffer is the queue: a datagram that it does not take is lost as if on the wire and told to `failed` with the
/// reason; the others still go.
pub fn send_batch<'a>(
    socket: &UdpSocket,
    messages: impl IntoIterator<Item = (SocketAddr, &'a [u8])>,
    mut failed: impl FnMut(SocketAddr, ErrorKind),
) -> usize {
    let mut messages = messages.into_iter().fuse();
    let mut round: [(Address, &[u8]); BATCH] = [(Address::NONE, &[]); BATCH];
    let mut sent = 0;
    loop {
        let mut count = 0;
        for (to, bytes) in messages.by_ref().take(BATCH) {
            round[count] = (to.into(), bytes);
            count += 1;
        }
        let mut next = 0;
        while next < count {
            let lost = match sys::send_many(socket.as_fd(), &round[next..count]) {
                Ok(taken) => {
                    sent += taken;
                    next += taken;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // What is refused for want of room now is refused for every datagram of this round.
                Err(error) if error.kind() == ErrorKind::WouldBlock => (count, ErrorKind::WouldBlock),
                Err(error) => (next + 1, error.kind()),
            };
            for (to, _) in &round[next..lost.0] {
                failed(to.to_socket_addr().expect("made from a SocketAddr"), lost.1);
            }
            next = lost.0;
        }
        if count < BATCH {
            return sent;
        }
    }
}

/// Errors that one peer causes and that must not stop the traffic with the others.
fn is_of_peer(error: &io::Error) -> bool {
    let codes = [
        libc::EINTR,
        libc::ECONNREFUSED,
        libc::EHOSTUNREACH,
        libc::ENETUNREACH,
        libc::EHOSTDOWN,
        libc::ENETDOWN,
        libc::EMSGSIZE,
        libc::EPERM,
    ];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::udp::{Options, bind};

    fn socket(address: &str) -> (UdpSocket, SocketAddr) {
        let socket = bind(address.parse().unwrap(), &Options::PLAIN).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[test]
    fn many_datagrams_arrive_whole_and_with_their_sender() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let ((from, sender), (to, address)) = (socket(any), socket(any));
            let bodies: Vec<Vec<u8>> = (0..77u8).map(|n| vec![n; usize::from(n)]).collect();
            let sent = send_batch(&from, bodies.iter().map(|b| (address, &b[..])), |_, why| panic!("{why}"));
            assert_eq!(sent, bodies.len());
            let mut batch = ReceiveBatch::new(128);
            let mut received = Vec::new();
            while batch.receive(&to).unwrap() > 0 {
                for (peer, bytes) in batch.iter() {
                    assert_eq!(peer, sender);
                    received.push(bytes.to_vec());
                }
            }
            assert_eq!(received, bodies);
        }
    }

    #[test]
    fn a_datagram_that_cannot_go_does_not_stop_the_others() {
        let ((from, _), (to, address)) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let huge = vec![0; 70_000];
        let messages: [(SocketAddr, &[u8]); 5] = [
            (address, b"one"),
            (address, &huge),
            ("[::1]:9".parse().unwrap(), b"other family"),
            ("127.0.0.1:0".parse().unwrap(), b"no port"),
            (address, b"two"),
        ];
        let mut failed = Vec::new();
        assert_eq!(send_batch(&from, messages, |to, _| failed.push(to)), 2);
        assert_eq!(failed, [messages[1].0, messages[2].0, messages[3].0]);
        let mut batch = ReceiveBatch::new(2048);
        assert_eq!(batch.receive(&to).unwrap(), 2);
        assert_eq!(batch.iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), [b"one", b"two"]);
    }

    #[test]
    fn a_refusal_left_on_the_socket_hides_no_datagram() {
        let ((one, address), (gone, refused)) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        drop(gone);
        one.connect(refused).unwrap();
        one.send(b"nobody reads this").unwrap();
        let (other, _) = socket("127.0.0.1:0");
        let reconnected = one.connect(other.local_addr().unwrap());
        assert!(reconnected.is_ok());
        other.send_to(b"here", address).unwrap();
        let mut batch = ReceiveBatch::new(64);
        assert_eq!(batch.receive(&one).unwrap(), 1);
    }

    #[test]
    fn a_cut_datagram_is_dropped_and_counted() {
        let ((from, _), (to, address)) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        from.send_to(&[1; 65], address).unwrap();
        from.send_to(&[2; 64], address).unwrap();
        let mut batch = ReceiveBatch::new(64);
        assert_eq!(batch.receive(&to).unwrap(), 2);
        assert_eq!(batch.iter().count(), 1);
        assert_eq!((batch.at(0), batch.truncated()), (None, 1));
    }
}

//! Every `unsafe` block of the project but those that call a codec's library: safe wrappers of the system calls that `std` and `socket2` do not offer.
#![allow(unsafe_code)]

pub mod bpf;

use std::io;
use std::mem::zeroed;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;
use std::time::Duration;

/// Messages moved by one system call at most; the headers for so many fit the stack comfortably (3 kB).
pub const BATCH: usize = 32;

pub fn epoll_create() -> io::Result<OwnedFd> {
    // SAFETY: takes no pointer.
    let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub fn epoll_control(
    epoll: BorrowedFd<'_>,
    operation: libc::c_int,
    fd: BorrowedFd<'_>,
    events: u32,
    token: u64,
) -> io::Result<()> {
    let mut event = libc::epoll_event { events, u64: token };
    // SAFETY: `event` lives through the call, which only reads it; both descriptors are borrowed, hence open.
    check(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), operation, fd.as_raw_fd(), &mut event) })?;
    Ok(())
}

/// Fills the front of `events` and says how much of it. `milliseconds` < 0 waits without end.
pub fn epoll_wait(
    epoll: BorrowedFd<'_>,
    events: &mut [libc::epoll_event],
    milliseconds: libc::c_int,
) -> io::Result<usize> {
    let room = events.len().min(libc::c_int::MAX as usize) as libc::c_int;
    // SAFETY: the kernel writes at most `room` entries, all within the borrowed slice.
    let count = check(unsafe { libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), room, milliseconds) })?;
    Ok(count as usize)
}

pub fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: takes no pointer.
    let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Receives up to [`BATCH`] datagrams, the nth into the first `size` bytes of the nth piece of `stride` bytes of `buffer`, which are no
/// fewer; returns how many.
/// `lengths` holds each datagram's true length, which is above `size` where it was cut.
pub fn receive_many(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    size: usize,
    stride: usize,
    peers: &mut [Address; BATCH],
    lengths: &mut [u32; BATCH],
) -> io::Result<usize> {
    // SAFETY: both are plain C structures, for which all zeroes (null pointers, zero lengths) is a valid value.
    let (mut headers, mut parts): ([libc::mmsghdr; BATCH], [libc::iovec; BATCH]) = unsafe { (zeroed(), zeroed()) };
    let mut room = 0;
    for (i, (piece, peer)) in buffer.chunks_exact_mut(stride).zip(peers.iter_mut()).enumerate() {
        let piece = &mut piece[..size];
        parts[i] = libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: size };
        headers[i].msg_hdr.msg_name = peer.bytes.as_mut_ptr().cast();
        headers[i].msg_hdr.msg_namelen = peer.bytes.len() as libc::socklen_t;
        headers[i].msg_hdr.msg_iov = &raw mut parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        room += 1;
    }
    // MSG_TRUNC makes the kernel report the length that a datagram had, not the length that fitted.
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    // SAFETY: the first `room` headers point at `parts`, `peers` and `buffer`, which are borrowed mutably for the whole call;
    // every length given is that of the memory behind its pointer; no timeout is passed.
    let count =
        check(unsafe { libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), room, flags as _, null_mut()) })?
            as usize;
    for (length, header) in lengths.iter_mut().zip(&headers[..count]) {
        *length = header.msg_len;
    }
    Ok(count)
}

/// Sends the first [`BATCH`] of `messages`; returns how many the kernel took. An error is that of the first message.
pub fn send_many(socket: BorrowedFd<'_>, messages: &[(Address, &[u8])]) -> io::Result<usize> {
    // SAFETY: both are plain C structures, for which all zeroes (null pointers, zero lengths) is a valid value.
    let (mut headers, mut parts): ([libc::mmsghdr; BATCH], [libc::iovec; BATCH]) = unsafe { (zeroed(), zeroed()) };
    let mut count = 0;
    for (i, (to, bytes)) in messages.iter().take(BATCH).enumerate() {
        parts[i] = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        headers[i].msg_hdr.msg_name = to.bytes.as_ptr().cast_mut().cast();
        headers[i].msg_hdr.msg_namelen = to.length();
        headers[i].msg_hdr.msg_iov = &raw mut parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: the first `count` headers point at `parts` and at memory borrowed through `messages` for the whole call, with
    // its true lengths; sendmmsg reads names and payloads and writes only `msg_len` of the headers.
    let sent =
        check(unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _) })?;
    Ok(sent as usize)
}

/// A socket address in the kernel's form: `sockaddr_in` or `sockaddr_in6`, whichever the family in front says.
#[derive(Clone, Copy)]
#[repr(C, align(4))]
pub struct Address {
    bytes: [u8; size_of::<libc::sockaddr_in6>()],
}

impl Address {
    pub const NONE: Address = Address { bytes: [0; size_of::<libc::sockaddr_in6>()] };

    /// None for a family that is neither IPv4 nor IPv6.
    pub fn to_socket_addr(self) -> Option<SocketAddr> {
        let b = &self.bytes;
        let port = u16::from_be_bytes([b[2], b[3]]);
        match i32::from(u16::from_ne_bytes([b[0], b[1]])) {
            libc::AF_INET => Some((Ipv4Addr::new(b[4], b[5], b[6], b[7]), port).into()),
            libc::AF_INET6 => {
                let ip: [u8; 16] = b[8..24].try_into().expect("sixteen bytes");
                let scope = u32::from_ne_bytes([b[24], b[25], b[26], b[27]]);
                Some(SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, scope).into())
            }
            _ => None,
        }
    }

    fn length(&self) -> libc::socklen_t {
        match i32::from(u16::from_ne_bytes([self.bytes[0], self.bytes[1]])) {
            libc::AF_INET => size_of::<libc::sockaddr_in>() as libc::socklen_t,
            _ => self.bytes.len() as libc::socklen_t,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(from: SocketAddr) -> Address {
        let mut address = Address::NONE;
        let b = &mut address.bytes;
        b[2..4].copy_from_slice(&from.port().to_be_bytes());
        let family = match from.ip() {
            IpAddr::V4(ip) => {
                b[4..8].copy_from_slice(&ip.octets());
                libc::AF_INET
            }
            IpAddr::V6(ip) => {
                b[8..24].copy_from_slice(&ip.octets());
                libc::AF_INET6
            }
        };
        if let SocketAddr::V6(v6) = from {
            b[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
        }
        b[0..2].copy_from_slice(&(family as u16).to_ne_bytes());
        address
    }
}

/// Raises the soft limit of open files to the hard one; returns the limit in force.
pub fn raise_nofile_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives through the call, which writes both fields.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` lives through the call, which only reads it.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) })?;
    Ok(limit.rlim_cur)
}

/// What a clock of the kernel (`CLOCK_*`) shows.
pub fn clock(which: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` lives through the call, which writes it. It fails only for clocks that do not exist; then it shows zero.
    unsafe { libc::clock_gettime(which, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernels_form() {
        for text in ["192.0.2.7:5060", "[2001:db8::9]:65535", "0.0.0.0:0", "[fe80::1%3]:5061"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(Address::from(address).to_socket_addr(), Some(address));
        }
        assert_eq!(Address::NONE.to_socket_addr(), None);
    }
}

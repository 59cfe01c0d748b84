//! Datagrams and when they came.
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// Has the kernel note when datagrams come: what the generator itself is late is not the server's delay.
pub fn stamp(sock: &UdpSocket) {
    let on: libc::c_int = 1;
    // SAFETY: the option takes an int, which lives until the call returns.
    unsafe { libc::setsockopt(sock.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, (&raw const on).cast(), 4) };
}

/// One datagram and when it came, in nanoseconds since 1970; 0 where the kernel has not noted it.
pub fn receive(sock: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, u64)> {
    let mut control = [0u64; 8];
    let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all pointers are to values that live until the end of this function; the kernel writes no more than their lengths.
    unsafe {
        let mut head: libc::msghdr = std::mem::zeroed();
        (head.msg_iov, head.msg_iovlen) = (&mut iov, 1);
        (head.msg_control, head.msg_controllen) = (control.as_mut_ptr().cast(), size_of_val(&control));
        let length = libc::recvmsg(sock.as_raw_fd(), &mut head, libc::MSG_DONTWAIT);
        let length = usize::try_from(length).ok()?;
        let note = libc::CMSG_FIRSTHDR(&head);
        if note.is_null() || (*note).cmsg_type != libc::SCM_TIMESTAMPNS {
            return Some((length, 0));
        }
        let time: libc::timespec = std::ptr::read_unaligned(libc::CMSG_DATA(note).cast());
        Some((length, time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64))
    }
}

/// Now, on the clock of [`receive`].
pub fn wall() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

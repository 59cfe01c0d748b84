//! Readiness of many sockets for one thread, and the way for other threads to wake it.

use crate::sys;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// One thread's set of watched descriptors (epoll(7)).
///
/// Level-triggered unless [`Interest::EDGE`] is asked for: a socket that still holds data is reported again by the next
/// [`Epoll::wait`], so that one read an event is enough and the read that would only say "nothing left" is saved.
pub struct Epoll {
    fd: OwnedFd,
    alarm: Arc<Alarm>,
}

impl Epoll {
    /// An empty set with its [`Waker`].
    pub fn new() -> io::Result<Epoll> {
        let fd = sys::epoll_create()?;
        let event = std::fs::File::from(sys::eventfd()?);
        // Edge-triggered: each ring is reported once, and the counter need never be read back.
        sys::epoll_control(
            fd.as_fd(),
            libc::EPOLL_CTL_ADD,
            event.as_fd(),
            (libc::EPOLLIN | libc::EPOLLET) as u32,
            ALARM,
        )?;
        Ok(Epoll { fd, alarm: Arc::new(Alarm { state: AtomicU8::new(AWAKE), event }) })
    }

    /// The handle by which other threads end a [`Epoll::wait`].
    pub fn waker(&self) -> Waker {
        Waker(self.alarm.clone())
    }

    /// Starts to watch `socket`; its events carry `token` (any value but `u64::MAX`). A closed descriptor leaves the set by itself.
    pub fn add(&self, socket: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        sys::epoll_control(self.fd.as_fd(), libc::EPOLL_CTL_ADD, socket.as_fd(), interest.0, token)
    }

    /// Changes what is watched of `socket`.
    pub fn modify(&self, socket: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        sys::epoll_control(self.fd.as_fd(), libc::EPOLL_CTL_MOD, socket.as_fd(), interest.0, token)
    }

    /// Stops watching `socket`.
    pub fn remove(&self, socket: &impl AsFd) -> io::Result<()> {
        sys::epoll_control(self.fd.as_fd(), libc::EPOLL_CTL_DEL, socket.as_fd(), 0, 0)
    }

    /// Waits until a socket is ready, a [`Waker`] rings or `timeout` is over (None: without end; rounded up to milliseconds).
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let milliseconds = match timeout {
            None => -1,
            Some(timeout) => timeout.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32,
        };
        let may_sleep = milliseconds != 0
            && self.alarm.state.compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let milliseconds = if may_sleep { milliseconds } else { 0 };
        let result = sys::epoll_wait(self.fd.as_fd(), &mut events.ready, milliseconds);
        events.woken = self.alarm.state.swap(AWAKE, Ordering::AcqRel) == WOKEN;
        events.count = match result {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        Ok(())
    }
}

/// Ends the [`Epoll::wait`] of another thread, now or the next one. Costs a system call only if that thread sleeps.
#[derive(Clone)]
pub struct Waker(Arc<Alarm>);

impl Waker {
    /// What was written to memory before (a mailbox, say) is seen by the thread when its wait returns with [`Events::woken`].
    pub fn wake(&self) {
        if self.0.state.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            // It can fail only when 2^64 rings are pending, and then the sleeper is awake.
            let _ = (&self.0.event).write(&1u64.to_ne_bytes());
        }
    }
}

struct Alarm {
    state: AtomicU8,
    event: std::fs::File,
}

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const WOKEN: u8 = 2;
const ALARM: u64 = u64::MAX;

/// What to watch of a socket; combine with `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(u32);

impl Interest {
    /// Something to read or accept, or the peer has closed.
    pub const READ: Interest = Interest((libc::EPOLLIN | libc::EPOLLRDHUP) as u32);
    /// Room to write, or a connect has ended.
    pub const WRITE: Interest = Interest(libc::EPOLLOUT as u32);
    /// Report a change once: the owner reads or writes until the kernel says `WouldBlock`.
    pub const EDGE: Interest = Interest(libc::EPOLLET as u32);
    /// Nothing but errors.
    pub const NONE: Interest = Interest(0);
}

impl std::ops::BitOr for Interest {
    type Output = Interest;
    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

/// What one [`Epoll::wait`] reported; made once, filled again and again.
pub struct Events {
    ready: Vec<libc::epoll_event>,
    count: usize,
    woken: bool,
}

impl Events {
    /// Room for `capacity` events a wait, at least 1.
    pub fn with_capacity(capacity: usize) -> Events {
        Events { ready: vec![libc::epoll_event { events: 0, u64: 0 }; capacity.max(1)], count: 0, woken: false }
    }

    /// Did a [`Waker`] ring since the wait before?
    pub fn woken(&self) -> bool {
        self.woken
    }

    /// The ready sockets, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = Ready> + '_ {
        self.ready[..self.count].iter().map(|e| Ready { token: e.u64, events: e.events }).filter(|r| r.token != ALARM)
    }

    /// How many events there are to look at by [`Events::at`].
    pub fn len(&self) -> usize {
        self.count
    }

    /// No event at all?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The event at `index`, for loops that must not borrow the list; None for the waker's own.
    pub fn at(&self, index: usize) -> Option<Ready> {
        let event = self.ready[..self.count].get(index)?;
        (event.u64 != ALARM).then_some(Ready { token: event.u64, events: event.events })
    }
}

/// One socket's readiness.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The token given to [`Epoll::add`].
    pub token: u64,
    events: u32,
}

impl Ready {
    /// A read will not block: there is data, the end of the stream, or an error to fetch.
    pub fn is_readable(self) -> bool {
        self.events & (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0
    }

    /// A write will not block, or will tell the error.
    pub fn is_writable(self) -> bool {
        self.events & (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0
    }

    /// The peer has closed its side, or the connection is broken.
    pub fn is_closed(self) -> bool {
        self.events & (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn a_ready_socket_is_reported_until_it_is_read() {
        let epoll = Epoll::new().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        epoll.add(&socket, 7, Interest::READ).unwrap();
        let mut events = Events::with_capacity(8);
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
        socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        for _ in 0..2 {
            epoll.wait(&mut events, None).unwrap();
            let ready: Vec<Ready> = events.iter().collect();
            assert!(ready.len() == 1 && ready[0].token == 7 && ready[0].is_readable() && !ready[0].is_closed());
        }
        socket.recv(&mut [0; 8]).unwrap();
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }

    #[test]
    fn a_wake_before_the_wait_is_not_lost() {
        let epoll = Epoll::new().unwrap();
        let mut events = Events::with_capacity(1);
        epoll.waker().wake();
        epoll.waker().wake();
        epoll.wait(&mut events, None).unwrap();
        assert!(events.woken());
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(!events.woken());
    }

    #[test]
    fn every_wake_of_a_sleeper_is_seen() {
        let epoll = Epoll::new().unwrap();
        let (send, receive) = std::sync::mpsc::sync_channel(4);
        let waker = epoll.waker();
        let producer = std::thread::spawn(move || {
            for n in 0..2000 {
                send.send(n).unwrap();
                waker.wake();
            }
        });
        let mut events = Events::with_capacity(4);
        let mut expected = 0;
        while expected < 2000 {
            epoll.wait(&mut events, None).unwrap();
            assert!(events.woken() && events.iter().count() == 0);
            for n in receive.try_iter() {
                assert_eq!(n, expected);
                expected += 1;
            }
        }
        producer.join().unwrap();
    }
}

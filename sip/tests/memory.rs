//! What an endpoint's transactions take of the heap; a file of its own, since other tests would take from the same heap.

use cap::Cap;
use sip::endpoint::{Endpoint, Event};
use sip::hop::{Hop, Transport};
use sip::message::{Message, Method};
use sip::timer::Timers;
use sip::{Builder, Name};
use std::alloc::System;
use std::time::{Duration, Instant};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

#[test]
fn a_steady_load_takes_no_more_memory_with_time_and_leaves_none() {
    let mut shard = Shard {
        endpoint: Endpoint::new(Timers::default(), "192.0.2.1:5060".to_owned(), 1),
        hop: Hop::new(Transport::Udp, ([192, 0, 2, 9], 5060).into()),
        now: Instant::now(),
        calls: 0,
    };
    shard.call();
    shard.wait(Duration::from_secs(64));
    let empty = HEAP.allocated();
    // 75 s of calls: longer than any transaction stays. Then ten times as many.
    let first = shard.run(300);
    let later = shard.run(3000);
    assert!(later < first + first / 20, "{first} bytes at most, {later} later");
    shard.wait(Duration::from_secs(64));
    assert!(shard.endpoint.is_idle());
    let left = HEAP.allocated().saturating_sub(empty);
    assert!(left < 4096, "{left} bytes are left");
}

/// The endpoint between two phones, at 4 calls a second: 256 server transactions are open.
struct Shard {
    endpoint: Endpoint,
    hop: Hop,
    now: Instant,
    calls: u64,
}

impl Shard {
    /// Makes so many calls and gives the most bytes that were taken after one of them.
    fn run(&mut self, calls: u32) -> usize {
        (0..calls).map(|_| self.call()).max().unwrap_or(0)
    }

    fn call(&mut self) -> usize {
        self.calls += 1;
        self.wait(Duration::from_millis(1000 / 4));
        for method in [Method::Invite, Method::Ack, Method::Bye] {
            self.endpoint.handle_message(self.now, self.hop, &self.message(method, "a"));
            if let Some(Event::Request { id, bytes, .. }) = self.endpoint.poll_event() {
                self.endpoint.request(self.now, self.hop, self.message(method, "b"));
                let sent = self.endpoint.poll_transmit().expect("it is sent").bytes;
                self.endpoint.handle_message(self.now, self.hop, &ok(&sent));
                self.endpoint.respond(self.now, id, ok(&bytes));
            }
            self.take_output();
        }
        HEAP.allocated()
    }

    /// Lets time pass.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= until) {
            self.now = due;
            self.endpoint.handle_timeout(due);
            self.take_output();
        }
        self.now = until;
    }

    fn take_output(&mut self) {
        while self.endpoint.poll_event().is_some() || self.endpoint.poll_transmit().is_some() {}
    }

    fn message(&self, method: Method, leg: &str) -> Vec<u8> {
        let (call, to_tag) = (self.calls, if method == Method::Invite { "" } else { ";tag=ours" });
        let message = Builder::request(method, "sip:bob@tandem.local");
        let message = match leg {
            "a" => message.header(Name::Via, format_args!("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{call}{method}")),
            _ => message,
        };
        message
            .header(Name::MaxForwards, 70)
            .header(Name::From, "<sip:alice@tandem.local>;tag=1928301774")
            .header(Name::To, format_args!("<sip:bob@tandem.local>{to_tag}"))
            .header(Name::CallId, format_args!("{leg}{call}"))
            .header(Name::CSeq, format_args!("{} {method}", if method == Method::Bye { 2 } else { 1 }))
            .finish()
    }
}

fn ok(request: &[u8]) -> Vec<u8> {
    let request = Message::parse(request).expect("a message of ours");
    Builder::response(&request, 200, "OK").to_tag("ours").finish()
}

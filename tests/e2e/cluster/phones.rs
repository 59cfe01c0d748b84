//! Phones two by two: each even one calls the odd one after it.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant};
use support::{Phone, own_address, wait_for};

/// The phone of imported user `u{n}`.
pub fn phone(n: usize, address: IpAddr, faces: &[SocketAddr]) -> Phone {
    Phone::new(&format!("u{n}"), &format!("pw-u{n}"), "tandem.local", address, faces)
}

/// Registered phones, half of them at each proxy.
pub struct Pairs {
    first: usize,
    pairs: Vec<(Phone, Phone)>,
}

impl Pairs {
    /// Registers these users. In every second pair the two are at different proxies.
    #[track_caller]
    pub fn register(users: Range<usize>, faces: &[SocketAddr]) -> Pairs {
        let address = own_address();
        let registered = |n: usize| {
            let phone = phone(n, address, faces);
            if n / 2 % 2 == 1 && n % 2 == 1 || n / 4 % 2 == 1 {
                phone.next_proxy();
            }
            wait_for("a registration", PATIENCE, || phone.register().ok());
            phone
        };
        let first = users.start;
        let pairs = users.step_by(2).map(|n| (registered(n), registered(n + 1))).collect();
        Pairs { first, pairs }
    }

    /// Every phone.
    pub fn phones(&self) -> impl Iterator<Item = &Phone> {
        self.pairs.iter().flat_map(|(caller, callee)| [caller, callee])
    }

    /// Sets up two calls in each pair, answered and acknowledged on both sides.
    #[track_caller]
    pub fn call(&self) {
        for (n, (caller, callee)) in self.numbered() {
            for calls in [1, 2] {
                caller.call(&n).unwrap_or_else(|why| panic!("{n} is not answered: {why:?}"));
                up(&n, caller, callee, calls);
            }
        }
    }

    /// Whether each caller reaches its callee at the first attempt.
    pub fn try_calls(&self) -> bool {
        self.numbered().all(|(n, (caller, callee))| {
            let is_up = caller.call_once(&n).is_ok();
            if is_up {
                // Its ACK may still be on the way.
                wait_for("the call at the other side", PATIENCE, || (callee.calls() > 0).then_some(()));
            }
            is_up
        })
    }

    /// Hangs one call of each pair up from the caller's side and the other one from the callee's: both ends of each know.
    #[track_caller]
    pub fn hang_up(&self) {
        let begin = Instant::now();
        let hang_up = |phone: &Phone, side: &str, number: &str| {
            let done = phone.hang_up();
            done.unwrap_or_else(|why| {
                panic!("the call to {number} is lost: the {side}'s BYE had no answer but {why:?}")
            });
        };
        std::thread::scope(|scope| {
            for (n, (caller, callee)) in self.numbered() {
                scope.spawn(move || {
                    hang_up(caller, "caller", &n);
                    up(&n, caller, callee, 1);
                    hang_up(callee, "callee", &n);
                    up(&n, caller, callee, 0);
                });
            }
        });
        eprintln!("hung up within {:?}", begin.elapsed());
    }

    /// Each is called by the other of its pair, and hangs up.
    #[track_caller]
    pub fn are_callable(&self) {
        let begin = Instant::now();
        for (index, (even, odd)) in self.pairs.iter().enumerate() {
            let number = |side: usize| (7000 + self.first + 2 * index + side).to_string();
            for (caller, callee, number) in [(even, odd, number(1)), (odd, even, number(0))] {
                caller.call(&number).unwrap_or_else(|why| panic!("{number} is not callable: {why:?}"));
                wait_for("the call at the other side", PATIENCE, || (callee.calls() > 0).then_some(()));
                caller.hang_up().expect("a call that is up can be hung up");
                wait_for("the end at the other side", PATIENCE, || (callee.calls() == 0).then_some(()));
            }
        }
        eprintln!("all called within {:?}", begin.elapsed());
    }

    fn numbered(&self) -> impl Iterator<Item = (String, &(Phone, Phone))> {
        let number = |index: usize| (7000 + self.first + 2 * index + 1).to_string();
        self.pairs.iter().enumerate().map(move |(index, pair)| (number(index), pair))
    }
}

#[track_caller]
fn up(number: &str, caller: &Phone, callee: &Phone, calls: usize) {
    let end = Instant::now() + PATIENCE;
    while (caller.calls(), callee.calls()) != (calls, calls) {
        assert!(
            Instant::now() < end,
            "{calls} calls to {number} are to be up; the caller has {}, the callee {}",
            caller.calls(),
            callee.calls()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a failover may take: a member is out after five seconds of silence.
const PATIENCE: Duration = Duration::from_secs(20);

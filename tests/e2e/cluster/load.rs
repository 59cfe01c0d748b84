//! Calls in the background, and new registrations, while members die.

use super::phones::phone;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};
use support::{Phone, own_address, wait_for};

/// Pairs of phones, each of which calls and hangs up in a thread of its own, again and again; and users who come and register, each
/// once.
pub struct Load {
    stop: Arc<AtomicBool>,
    /// Calls of each pair so far.
    done: Vec<Arc<AtomicU64>>,
    /// Whose registration was acknowledged.
    newcomers: Arc<Mutex<Vec<(usize, Phone)>>>,
    /// Calls the newcomers.
    caller: Phone,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts the users' phones and waits for the first calls. The first of the newcomers calls the others.
    #[track_caller]
    pub fn start(users: Range<usize>, newcomers: Range<usize>, faces: &[SocketAddr]) -> Load {
        let address = own_address();
        let mut load = Load {
            stop: Arc::default(),
            done: Vec::new(),
            newcomers: Arc::default(),
            caller: phone(newcomers.start, address, faces),
            threads: Vec::new(),
        };
        for n in users.step_by(2) {
            let done: Arc<AtomicU64> = Arc::default();
            load.done.push(done.clone());
            let (caller, callee) = (phone(n, address, faces), phone(n + 1, address, faces));
            if n / 2 % 2 == 1 {
                callee.next_proxy();
            }
            let number = (7000 + n + 1).to_string();
            load.repeat(move || {
                if callee.register().is_ok() && caller.call(&number).is_ok() && caller.hang_up().is_ok() {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (mut coming, registered) = (newcomers.skip(1), load.newcomers.clone());
        let faces = faces.to_vec();
        let mut next = None;
        load.repeat(move || {
            next = next.take().or_else(|| coming.next().map(|n| (n, phone(n, address, &faces))));
            if let Some((n, phone)) = next.take_if(|(_, phone)| phone.register().is_ok()) {
                registered.lock().expect("nobody panics with it").push((n, phone));
            }
        });
        load.goes_on();
        load
    }

    /// Waits until each pair has called and hung up, and newcomers have registered, from now on.
    #[track_caller]
    pub fn goes_on(&self) {
        let begin = Instant::now();
        let before: Vec<u64> = self.counts();
        // What is under way may have begun before.
        let more = |(now, before): (&u64, &u64)| *now >= before + 2;
        wait_for("new calls and registrations", PAUSE, || self.counts().iter().zip(&before).all(more).then_some(()));
        eprintln!("the load goes on after {:?}", begin.elapsed());
    }

    /// Calls everybody whose registration was acknowledged.
    #[track_caller]
    pub fn newcomers_are_callable(&self) {
        let newcomers = self.newcomers.lock().expect("nobody panics with it");
        for (n, _) in &*newcomers {
            let number = (7000 + n).to_string();
            self.caller.call(&number).unwrap_or_else(|why| panic!("{number} is not callable: {why:?}"));
            self.caller.hang_up().expect("a call that is up can be hung up");
        }
        eprintln!("{} newcomers are callable", newcomers.len());
    }

    /// Stops it.
    #[track_caller]
    pub fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no phone panics");
        }
    }

    fn repeat(&mut self, mut round: impl FnMut() + Send + 'static) {
        let stop = self.stop.clone();
        self.threads.push(spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                round();
                sleep(PACE);
            }
        }));
    }

    fn counts(&self) -> Vec<u64> {
        let newcomers = self.newcomers.lock().expect("nobody panics with it").len() as u64;
        let calls = self.done.iter().map(|done| done.load(Ordering::Relaxed));
        calls.chain([newcomers]).collect()
    }
}

const PACE: Duration = Duration::from_millis(200);
/// A pause that nobody would wait for.
const PAUSE: Duration = Duration::from_secs(30);

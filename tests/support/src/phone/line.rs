//! The socket of a phone and the thread that reads it: answers go to who waits for them, calls are answered.

use super::dialog::Dialog;
use super::message::{all, description, first, status_of};
use rsip::SipMessage;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

pub struct Line {
    pub address: SocketAddr,
    user: String,
    proxies: Vec<SocketAddr>,
    current: AtomicUsize,
    socket: UdpSocket,
    serial: AtomicU64,
    waiting: Mutex<HashMap<(String, String), Sender<SipMessage>>>,
    calls: Mutex<BTreeMap<String, Dialog>>,
    closed: AtomicBool,
}

/// An answer that is repeated until its ACK comes (RFC 3261 §13.3.1.4).
struct Answered {
    text: String,
    to: SocketAddr,
    dialog: Dialog,
    due: Instant,
    wait: Duration,
    end: Instant,
}

impl Line {
    /// A free port, read until the line is closed.
    pub fn open(user: &str, address: IpAddr, proxies: &[SocketAddr]) -> Arc<Line> {
        let socket = UdpSocket::bind((address, 0)).expect("a free port");
        socket.set_read_timeout(Some(TICK)).expect("a socket option");
        let line = Arc::new(Line {
            address: socket.local_addr().expect("a bound socket"),
            user: user.to_owned(),
            proxies: proxies.to_vec(),
            current: AtomicUsize::new(0),
            socket,
            serial: AtomicU64::new(0),
            waiting: Mutex::default(),
            calls: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let reader = line.clone();
        std::thread::spawn(move || reader.read());
        line
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub fn contact(&self) -> String {
        format!("sip:{}@{}", self.user, self.address)
    }

    /// A word that no other dialog of this test run has.
    pub fn unique(&self) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        format!("{}-{}-{}-{serial}", self.user, std::process::id(), self.address.port())
    }

    pub fn next_proxy(&self) {
        self.current.fetch_add(1, Ordering::Relaxed);
    }

    pub fn calls(&self) -> MutexGuard<'_, BTreeMap<String, Dialog>> {
        self.calls.lock().expect("no thread panics with it")
    }

    pub fn send(&self, message: &str) {
        let proxy = self.proxies[self.current.load(Ordering::Relaxed) % self.proxies.len()];
        // A dead proxy's host may say so; silence says the same.
        let _ = self.socket.send_to(message.as_bytes(), proxy);
    }

    /// One request at one proxy, retransmitted; the final answer, or none where nothing comes for some time.
    pub fn exchange(&self, request: &str, dialog: &Dialog, method: &str) -> Option<SipMessage> {
        let key = (dialog.call_id.clone(), format!("{} {method}", dialog.cseq));
        let (sender, answers) = channel();
        let waiting = || self.waiting.lock().expect("no thread panics with it");
        waiting().insert(key.clone(), sender);
        let mut patience = Instant::now() + PATIENCE;
        let mut wait = T1;
        let mut provisional = false;
        let answer = loop {
            if !(provisional && method == "INVITE") {
                self.send(request);
            }
            let Ok(answer) = answers.recv_timeout(wait) else {
                wait = (wait * 2).min(Duration::from_secs(1));
                match Instant::now() < patience {
                    true => continue,
                    false => break None,
                }
            };
            if status_of(&answer) >= 200 {
                break Some(answer);
            }
            provisional = true;
            patience = Instant::now() + PROCEEDING;
        };
        waiting().remove(&key);
        answer
    }

    fn read(&self) {
        let mut buffer = [0; 8192];
        let mut answered: HashMap<String, Answered> = HashMap::new();
        while !self.closed.load(Ordering::Relaxed) {
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer)
                && let Ok(message) = SipMessage::try_from(&buffer[..length])
            {
                match message.is_response() {
                    true => self.take_response(message),
                    false => self.take_request(&message, from, &mut answered),
                }
            }
            let now = Instant::now();
            answered.retain(|_, answer| answer.end > now);
            for answer in answered.values_mut().filter(|answer| answer.due <= now) {
                answer.wait = (answer.wait * 2).min(Duration::from_secs(4));
                answer.due = now + answer.wait;
                let _ = self.socket.send_to(answer.text.as_bytes(), answer.to);
            }
        }
    }

    fn take_response(&self, message: SipMessage) {
        let of = |name: &str| first(&message, name).unwrap_or_default();
        let key = (of("Call-ID"), of("CSeq"));
        let status = status_of(&message);
        if let Some(waiting) = self.waiting.lock().expect("no thread panics with it").get(&key) {
            let _ = waiting.send(message);
        } else if key.1.ends_with("INVITE") && (200..300).contains(&status) {
            let ack = self.calls().get(&key.0).map(|dialog| dialog.ack.clone());
            if let Some(ack) = ack {
                self.send(&ack);
            }
        }
    }

    fn take_request(&self, request: &SipMessage, from: SocketAddr, answered: &mut HashMap<String, Answered>) {
        let of = |name: &str| first(request, name).unwrap_or_default();
        let (call_id, cseq) = (of("Call-ID"), of("CSeq"));
        let method = cseq.split(' ').next_back().unwrap_or_default();
        if method == "ACK" {
            if let Some(answer) = answered.remove(&call_id) {
                self.calls().entry(call_id).or_insert(answer.dialog);
            }
            return;
        }
        if method == "BYE" {
            answered.remove(&call_id);
            self.calls().remove(&call_id);
        }
        let tag = format!("t{call_id}");
        let ok = self.ok(request, method, &tag);
        let _ = self.socket.send_to(ok.as_bytes(), from);
        if method == "INVITE" && !answered.contains_key(&call_id) && !self.calls().contains_key(&call_id) {
            let now = Instant::now();
            let dialog = Dialog::answering(request, &tag);
            let end = now + 64 * T1;
            answered.insert(call_id, Answered { text: ok, to: from, dialog, due: now + T1, wait: T1, end });
        }
    }

    fn ok(&self, request: &SipMessage, method: &str, tag: &str) -> String {
        let mut ok = String::from("SIP/2.0 200 OK\r\n");
        for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
            for value in all(request, name) {
                let tag = if name == "To" && !value.contains(";tag=") { format!(";tag={tag}") } else { String::new() };
                ok += &format!("{name}: {value}{tag}\r\n");
            }
        }
        let mut body = String::new();
        if method == "INVITE" {
            body = description(self.address.ip());
            ok += &format!("Contact: <{}>\r\nContent-Type: application/sdp\r\n", self.contact());
        }
        ok + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }
}

const T1: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);
/// Without any answer a proxy is given up after this time.
const PATIENCE: Duration = Duration::from_secs(2);
/// A call that was taken and not answered is given up after this time: these phones answer at once.
const PROCEEDING: Duration = Duration::from_secs(6);

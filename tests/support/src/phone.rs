//! A telephone for tests with many of them: UDP, digest with SHA-256, and a list of proxies that it moves along when one is silent,
//! as phones do that find several by DNS. Messages are read with rsip, so that the exchange's own parser does not judge itself.

use crate::digest;
use rsip::prelude::HasHeaders;
use rsip::{Header, SipMessage};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A user's telephone.
pub struct Phone {
    user: String,
    password: String,
    domain: String,
    proxies: Vec<SocketAddr>,
    current: usize,
    socket: UdpSocket,
    serial: u64,
}

/// A call that was answered.
#[derive(Clone, Debug)]
pub struct Call {
    call_id: String,
    from: String,
    to: String,
    target: String,
    routes: Vec<String>,
    cseq: u32,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// No proxy answered.
    Silence,
    /// It was answered with this status.
    Status(u16),
}

impl Phone {
    /// A phone of `user@domain` at an address of its own; the proxies are tried in this order.
    pub fn new(user: &str, password: &str, domain: &str, address: IpAddr, proxies: &[SocketAddr]) -> Phone {
        let socket = UdpSocket::bind((address, 0)).expect("a free port");
        Phone {
            user: user.to_owned(),
            password: password.to_owned(),
            domain: domain.to_owned(),
            proxies: proxies.to_vec(),
            current: 0,
            socket,
            serial: 0,
        }
    }

    /// Registers its own socket for ten minutes.
    pub fn register(&mut self) -> Result<(), Failed> {
        let contact = self.contact();
        let to = format!("<sip:{}@{}>", self.user, self.domain);
        let uri = format!("sip:{}", self.domain);
        let mut call = self.fresh(&to);
        let extra = format!("Contact: <{contact}>\r\nExpires: 600\r\n");
        self.transact(&mut call, "REGISTER", &uri, &extra, "").map(|_| ())
    }

    /// Calls a number; gives the call once it is answered and acknowledged.
    pub fn call(&mut self, number: &str) -> Result<Call, Failed> {
        let uri = format!("sip:{number}@{}", self.domain);
        let mut call = self.fresh(&format!("<{uri}>"));
        let extra = format!("Contact: <{}>\r\n", self.contact());
        let address = self.socket.local_addr().expect("a bound socket").ip();
        let body = description(address);
        let answer = self.transact(&mut call, "INVITE", &uri, &extra, &body)?;
        call.to = header(&answer, "To").unwrap_or_default();
        call.target = inside_brackets(&header(&answer, "Contact").unwrap_or_default()).to_owned();
        call.routes = headers(&answer, "Record-Route");
        call.routes.reverse();
        let ack = self.request(&call, "ACK", &call.target, "", "");
        let _ = self.socket.send_to(ack.as_bytes(), self.proxies[self.current]);
        Ok(call)
    }

    /// Hangs up.
    pub fn hang_up(&mut self, call: &Call) -> Result<(), Failed> {
        let mut call = call.clone();
        call.cseq += 1;
        let target = call.target.clone();
        self.transact(&mut call, "BYE", &target, "", "").map(|_| ())
    }

    /// From now on the other proxy is tried first.
    pub fn next_proxy(&mut self) {
        self.current = (self.current + 1) % self.proxies.len();
    }

    /// Answers every call from now on, in a thread of its own.
    pub fn answer_calls(self) -> Answering {
        let stop = Arc::new(AtomicBool::new(false));
        let (answered, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let shared = (stop.clone(), answered.clone(), ended.clone());
        let thread = std::thread::spawn(move || self.answer_until(&shared.0, &shared.1, &shared.2));
        Answering { stop, answered, ended, thread: Some(thread) }
    }

    fn contact(&self) -> String {
        format!("sip:{}@{}", self.user, self.socket.local_addr().expect("a bound socket"))
    }

    fn fresh(&mut self, to: &str) -> Call {
        self.serial += 1;
        let unique = format!("{}-{}-{}", self.user, std::process::id(), self.serial);
        Call {
            call_id: unique.clone(),
            from: format!("<sip:{}@{}>;tag=f{unique}", self.user, self.domain),
            to: to.to_owned(),
            target: String::new(),
            routes: Vec::new(),
            cseq: 1,
        }
    }

    fn request(&self, call: &Call, method: &str, uri: &str, extra: &str, body: &str) -> String {
        let routes: String = call.routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{}{}{method};rport\r\nMax-Forwards: 70\r\n{routes}\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n{extra}{kind}Content-Length: {}\r\n\r\n{body}",
            self.socket.local_addr().expect("a bound socket"),
            call.call_id,
            call.cseq,
            call.from,
            call.to,
            call.call_id,
            call.cseq,
            body.len()
        )
    }

    /// Sends until a final answer comes, answers one challenge, and moves to the next proxy when one is silent for two seconds.
    fn transact(
        &mut self,
        call: &mut Call,
        method: &str,
        uri: &str,
        extra: &str,
        body: &str,
    ) -> Result<SipMessage, Failed> {
        let mut authorization = String::new();
        let mut challenged = false;
        for _ in 0..2 * self.proxies.len() + 2 {
            let request = self.request(call, method, uri, &format!("{extra}{authorization}"), body);
            let Some(answer) = self.exchange(&request, call, method) else {
                self.next_proxy();
                continue;
            };
            let status = status_of(&answer);
            if method == "INVITE" && status >= 300 {
                let ack = format!("To: {}", header(&answer, "To").unwrap_or_default());
                let ack = self
                    .request(call, "INVITE", uri, "", "")
                    .replacen("INVITE", "ACK", 1)
                    .replace(&format!("CSeq: {} INVITE", call.cseq), &format!("CSeq: {} ACK", call.cseq))
                    .replace(&format!("To: {}", call.to), &ack);
                let _ = self.socket.send_to(ack.as_bytes(), self.proxies[self.current]);
            }
            match status {
                200..=299 => return Ok(answer),
                401 | 407 if !challenged => {
                    challenged = true;
                    authorization = self.authorization(&answer, method, uri).ok_or(Failed::Status(status))?;
                    call.cseq += 1;
                }
                // A proxy that has lost its registries says so; the other may have what is needed.
                503 => {
                    std::thread::sleep(Duration::from_millis(200));
                    self.next_proxy();
                    call.cseq += 1;
                }
                status => return Err(Failed::Status(status)),
            }
        }
        Err(Failed::Silence)
    }

    /// One request at one proxy, retransmitted; the final answer, or none after two seconds without any answer.
    fn exchange(&self, request: &str, call: &Call, method: &str) -> Option<SipMessage> {
        let cseq = format!("{} {method}", call.cseq);
        let mut patience = Instant::now() + Duration::from_secs(2);
        let mut buffer = [0; 8192];
        let mut wait = Duration::from_millis(250);
        loop {
            let _ = self.socket.send_to(request.as_bytes(), self.proxies[self.current]);
            let resend = Instant::now() + wait;
            wait = (wait * 2).min(Duration::from_secs(1));
            while Instant::now() < resend {
                let left = resend.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                self.socket.set_read_timeout(Some(left)).expect("a socket option");
                let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { break };
                let Ok(message) = SipMessage::try_from(&buffer[..length]) else { continue };
                let ours = header(&message, "Call-ID").as_deref() == Some(&call.call_id)
                    && header(&message, "CSeq").as_deref() == Some(&cseq);
                if message.is_response() && ours {
                    if status_of(&message) >= 200 {
                        return Some(message);
                    }
                    patience = Instant::now() + Duration::from_secs(20);
                }
            }
            if Instant::now() > patience {
                return None;
            }
        }
    }

    fn authorization(&self, answer: &SipMessage, method: &str, uri: &str) -> Option<String> {
        let (challenge, name) = match status_of(answer) {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let own = digest::Answer { user: &self.user, password: &self.password, method, uri, count: 1 };
        Some(format!("{name}: {}\r\n", own.to(&headers(answer, challenge))?))
    }

    fn answer_until(self, stop: &AtomicBool, answered: &AtomicU64, ended: &AtomicU64) {
        let own = self.socket.local_addr().expect("a bound socket");
        let mut calls: HashMap<String, bool> = HashMap::new();
        let mut buffer = [0; 8192];
        self.socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket option");
        while !stop.load(Ordering::Relaxed) {
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { continue };
            let Ok(SipMessage::Request(request)) = SipMessage::try_from(&buffer[..length]) else { continue };
            let method = request.method().to_string();
            let message = SipMessage::Request(request);
            let call_id = header(&message, "Call-ID").unwrap_or_default();
            let body = if method == "INVITE" { description(own.ip()) } else { String::new() };
            match method.as_str() {
                "ACK" => {
                    if calls.insert(call_id, true) == Some(false) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    continue;
                }
                "INVITE" => {
                    calls.entry(call_id).or_insert(false);
                }
                "BYE" if calls.remove(&call_id).is_some() => {
                    ended.fetch_add(1, Ordering::Relaxed);
                }
                _ => {}
            }
            let mut answer = String::from("SIP/2.0 200 OK\r\n");
            for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
                for value in headers(&message, name) {
                    let tag = if name == "To" && !value.contains(";tag=") { ";tag=answering" } else { "" };
                    answer += &format!("{name}: {value}{tag}\r\n");
                }
            }
            if !body.is_empty() {
                answer += &format!("Contact: <sip:{}@{own}>\r\nContent-Type: application/sdp\r\n", self.user);
            }
            answer += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
            let _ = self.socket.send_to(answer.as_bytes(), from);
        }
    }
}

/// A phone that answers calls until this value is dropped.
pub struct Answering {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Answering {
    /// Calls whose ACK came.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Calls that the other side hung up.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn status_of(message: &SipMessage) -> u16 {
    match message {
        SipMessage::Response(response) => response.status_code().code(),
        SipMessage::Request(_) => 0,
    }
}

fn header(message: &SipMessage, name: &str) -> Option<String> {
    headers(message, name).into_iter().next()
}

fn headers(message: &SipMessage, name: &str) -> Vec<String> {
    let of = |header: &Header| {
        let line = header.to_string();
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    };
    message.headers().iter().filter_map(of).collect()
}

fn inside_brackets(value: &str) -> &str {
    value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri)
}

fn description(address: IpAddr) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    )
}

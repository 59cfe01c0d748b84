//! What was sent, for the reader of a failure and to tell whether two runs were the same.

use crate::address;
use proto::ring;
use sip::Message;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// One datagram as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at: Duration,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Rc<[u8]>,
    /// How often it arrives.
    pub copies: usize,
}

impl Sent {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).expect("what is sent can be read")
    }
}

/// Every datagram of a run, in order.
#[derive(Debug, Default)]
pub struct Trace {
    pub sent: Vec<Sent>,
    /// What the test did and to whom.
    pub notes: Vec<(Duration, String)>,
}

impl Trace {
    /// Equal for equal runs.
    pub fn hash(&self) -> u64 {
        let mut hash = 0;
        for sent in &self.sent {
            let head = format!("{hash} {:?} {} {} {}", sent.at, sent.from, sent.to, sent.copies);
            hash = ring::hash(&[head.as_bytes(), &sent.bytes].concat());
        }
        hash
    }

    /// One line a datagram; Call-IDs as letters.
    pub fn text(&self) -> String {
        let mut calls = BTreeMap::new();
        let mut lines: Vec<(Duration, String)> = self.notes.iter().map(|(at, it)| (*at, format!("* {it}"))).collect();
        for sent in &self.sent {
            let message = sent.message();
            let count = calls.len();
            let call = calls.entry(message.call_id()).or_insert(count);
            let start = str::from_utf8(sent.message().bytes()).unwrap_or("").lines().next().unwrap_or("").to_owned();
            let mut line = format!("{} -> {}  #{call} {}  ", address::name(sent.from), address::name(sent.to), start);
            let _ = write!(line, "{} {}", message.cseq(), message.method());
            match sent.copies {
                0 => line += "  LOST",
                1 => {}
                copies => line += &format!("  x{copies}"),
            }
            lines.push((sent.at, line));
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.iter().map(|(at, line)| format!("{:9.3} {line}\n", at.as_secs_f64())).collect()
    }
}

//! A telephone for tests with many of them: UDP, digest with SHA-256, and a list of proxies that it moves along when one is silent,
//! as phones do that find several by DNS. It answers whoever calls. Messages are read with rsip, so that the exchange's own parser
//! does not judge itself.

mod dialog;
mod line;
mod message;

use crate::digest;
use dialog::Dialog;
use line::Line;
use message::{all, description, first, inside_brackets, status_of};
use rsip::SipMessage;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A user's telephone.
pub struct Phone {
    user: String,
    password: String,
    domain: String,
    line: Arc<Line>,
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
    /// A phone of `user@domain` at a port of its own; the proxies are tried in this order.
    pub fn new(user: &str, password: &str, domain: &str, address: IpAddr, proxies: &[SocketAddr]) -> Phone {
        Phone {
            user: user.to_owned(),
            password: password.to_owned(),
            domain: domain.to_owned(),
            line: Line::open(user, address, proxies),
        }
    }

    /// Registers its own socket for ten minutes.
    pub fn register(&self) -> Result<(), Failed> {
        let aor = format!("<sip:{}@{}>", self.user, self.domain);
        let mut dialog = Dialog::fresh(&aor, &aor, &self.line.unique());
        dialog.target = format!("sip:{}", self.domain);
        let extra = format!("Contact: <{}>\r\nExpires: 600\r\n", self.line.contact());
        self.transact(&mut dialog, "REGISTER", &extra, "").map(|_| ())
    }

    /// Calls a number; the call is up when this returns. A proxy that says nothing, or that nothing can be done now, is left for the
    /// other one.
    pub fn call(&self, number: &str) -> Result<(), Failed> {
        let mut failed = Failed::Silence;
        for _ in 0..ATTEMPTS {
            match self.call_once(number) {
                Err(Failed::Silence) => failed = Failed::Silence,
                Err(why @ Failed::Status(408 | 480 | 500..)) => {
                    failed = why;
                    self.line.next_proxy();
                }
                done => return done,
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        Err(failed)
    }

    /// The same at one proxy only.
    pub fn call_once(&self, number: &str) -> Result<(), Failed> {
        let to = format!("sip:{number}@{}", self.domain);
        let from = format!("<sip:{}@{}>", self.user, self.domain);
        let mut dialog = Dialog::fresh(&from, &format!("<{to}>"), &self.line.unique());
        dialog.target = to;
        let extra = format!("Contact: <{}>\r\n", self.line.contact());
        let answer = self.transact(&mut dialog, "INVITE", &extra, &description(self.line.address.ip()))?;
        dialog.to = first(&answer, "To").unwrap_or_default();
        dialog.target = inside_brackets(&first(&answer, "Contact").unwrap_or_default()).to_owned();
        dialog.routes = all(&answer, "Record-Route");
        dialog.routes.reverse();
        dialog.ack = dialog.request(self.line.address, "ACK", "", "");
        self.line.send(&dialog.ack);
        self.line.calls().insert(dialog.call_id.clone(), dialog);
        Ok(())
    }

    /// Hangs up the first of its calls.
    pub fn hang_up(&self) -> Result<(), Failed> {
        let first = self.line.calls().pop_first();
        let (_, mut dialog) = first.ok_or(Failed::Status(481))?;
        dialog.cseq += 1;
        self.transact(&mut dialog, "BYE", "", "").map(|_| ())
    }

    /// Lets go of its calls without a word, as when its battery dies.
    pub fn forget_calls(&self) {
        self.line.calls().clear();
    }

    /// Calls that are up.
    pub fn calls(&self) -> usize {
        self.line.calls().len()
    }

    /// The Call-IDs of the calls that are up.
    pub fn call_ids(&self) -> Vec<String> {
        self.line.calls().keys().cloned().collect()
    }

    /// From now on the next proxy is asked first.
    pub fn next_proxy(&self) {
        self.line.next_proxy();
    }

    /// Sends until a final answer comes and answers one challenge. A silent proxy is left for the next one, which is asked the same,
    /// unless it is an INVITE: that one begins anew.
    fn transact(&self, dialog: &mut Dialog, method: &str, extra: &str, body: &str) -> Result<SipMessage, Failed> {
        let mut authorization = String::new();
        for _ in 0..ATTEMPTS {
            let request = dialog.request(self.line.address, method, &format!("{extra}{authorization}"), body);
            let Some(answer) = self.line.exchange(&request, dialog, method) else {
                self.line.next_proxy();
                match method {
                    "INVITE" => return Err(Failed::Silence),
                    _ => continue,
                }
            };
            let status = status_of(&answer);
            if method == "INVITE" && status >= 300 {
                self.line.send(&dialog.ack_of(self.line.address, &answer));
            }
            match status {
                200..=299 => return Ok(answer),
                401 | 407 if authorization.is_empty() => {
                    authorization =
                        self.authorization(&answer, method, &dialog.target).ok_or(Failed::Status(status))?;
                    dialog.cseq += 1;
                }
                // A proxy that has lost its registries says so; the other may have what is needed.
                503 if method != "INVITE" => {
                    std::thread::sleep(Duration::from_millis(300));
                    self.line.next_proxy();
                    authorization.clear();
                    dialog.cseq += 1;
                }
                status => return Err(Failed::Status(status)),
            }
        }
        Err(Failed::Silence)
    }

    fn authorization(&self, answer: &SipMessage, method: &str, uri: &str) -> Option<String> {
        let (challenge, name) = match status_of(answer) {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let own = digest::Answer { user: &self.user, password: &self.password, method, uri, count: 1 };
        Some(format!("{name}: {}\r\n", own.to(&all(answer, challenge))?))
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.line.close();
    }
}

const ATTEMPTS: usize = 8;

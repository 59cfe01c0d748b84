//! REGISTER, with the nonce kept for the next one.

use super::{Phone, Plan, exchange};
use sip::build::Builder;
use sip::endpoint::ClientId;
use sip::message::{Message, Method, Name};
use sip::random::Random;
use std::time::{Duration, Instant};

/// A phone's registration.
#[derive(Debug)]
pub struct Registration {
    pub standing: Standing,
    call_id: String,
    tag: String,
    cseq: u32,
    client: Option<ClientId>,
    /// The challenge to answer, and how often it has been.
    challenge: Option<(Vec<u8>, u8)>,
    expires: u32,
    tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Unknown,
    Registered,
    Failed(u16),
}

impl Registration {
    pub fn new(random: &mut Random) -> Registration {
        Registration {
            standing: Standing::Unknown,
            call_id: format!("{:016x}", random.number()),
            tag: format!("{:08x}", random.number() as u32),
            cseq: 0,
            client: None,
            challenge: None,
            expires: 0,
            tries: 0,
        }
    }
}

impl Phone {
    /// Registers for an hour.
    pub fn register(&mut self, now: Instant) {
        self.register_for(now, 3600);
    }

    /// Registers for so many seconds; 0 takes the registration away.
    pub fn register_for(&mut self, now: Instant, expires: u32) {
        self.registration.expires = expires;
        self.registration.tries = 0;
        self.registration.standing = Standing::Unknown;
        self.register_again(now);
    }

    pub(super) fn register_again(&mut self, now: Instant) {
        self.registration.tries += 1;
        self.registration.cseq += 1;
        let uri = format!("sip:{}", self.domain);
        let Registration { call_id, tag, cseq, expires, .. } = &self.registration;
        let mut request = Builder::request(Method::Register, &uri)
            .header(Name::MaxForwards, 70)
            .header(Name::From, format_args!("<{}>;tag={tag}", self.own_uri()))
            .header(Name::To, format_args!("<{}>", self.own_uri()))
            .header(Name::CallId, call_id)
            .header(Name::CSeq, format_args!("{cseq} REGISTER"))
            .header(Name::Contact, format_args!("{};expires={expires}", self.contact()));
        // rsip writes the count in decimal.
        self.registration.challenge.take_if(|(_, count)| *count == 9);
        if let Some((challenge, count)) = &mut self.registration.challenge {
            *count += 1;
            let (challenge, count) = (challenge.clone(), *count);
            let challenge = Message::parse(&challenge).expect("it was a response");
            if let Some(credentials) = self.credentials(&challenge, "REGISTER", &uri, count) {
                request = request.header(Name::Authorization, credentials);
            }
        }
        self.registration.client = Some(self.endpoint.request(now, exchange(), request.finish()));
    }

    pub(super) fn handle_registered(&mut self, now: Instant, id: ClientId, response: &Message<'_>) {
        let Some(status) = response.status().filter(|status| *status >= 200) else { return };
        if self.registration.client.take_if(|client| *client == id).is_none() {
            return;
        }
        match status {
            200 => self.registration.standing = Standing::Registered,
            // The second without a word of staleness says that the password is wrong.
            401 if self.registration.tries < 5 && (self.registration.challenge.is_none() || is_stale(response)) => {
                self.registration.challenge = Some((response.bytes().to_vec(), 0));
                self.register_again(now);
            }
            500 | 503 => self.register_later(now, status),
            status => self.registration.standing = Standing::Failed(status),
        }
    }

    pub(super) fn handle_no_registration(&mut self, now: Instant, id: ClientId) {
        if self.registration.client.take_if(|client| *client == id).is_some() {
            self.register_later(now, 408);
        }
    }

    fn register_later(&mut self, now: Instant, status: u16) {
        if self.registration.tries < 8 {
            self.plan(now, Duration::from_secs(2), Plan::Register);
        } else {
            self.registration.standing = Standing::Failed(status);
        }
    }
}

fn is_stale(response: &Message<'_>) -> bool {
    response.all(Name::WwwAuthenticate).any(|challenge| challenge.contains("stale=true"))
}

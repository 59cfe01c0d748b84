//! Calls of the phone's own, and its offers within calls.

use super::line::{Calling, Line, Origin, State, Wish};
use super::{History, Phone, Plan, exchange};
use sip::build::Builder;
use sip::dialog::Dialog;
use sip::endpoint::ClientId;
use sip::message::{Message, Method, Name};
use std::time::{Duration, Instant};

impl Phone {
    /// Calls a number or user of its own domain.
    pub fn call(&mut self, now: Instant, number: &str) {
        self.serial += 1;
        let calling = Calling {
            client: None,
            uri: format!("sip:{number}@{}", self.domain),
            call_id: format!("{}@{}", self.unique(), self.private.ip()),
            tag: self.unique(),
            cseq: 0,
            challenges: 0,
        };
        let line = Line::new(self.serial, Origin::Own, State::Calling(calling));
        self.lines.push(line);
        self.invite(now, self.serial, None);
    }

    /// Sends the INVITE of a line; after a challenge with credentials.
    fn invite(&mut self, now: Instant, number: u64, challenge: Option<&Message<'_>>) {
        let Some(line) = self.lines.iter().find(|line| line.number == number) else { return };
        let State::Calling(calling) = &line.state else { return };
        let mut invite = Builder::request(Method::Invite, &calling.uri)
            .header(Name::MaxForwards, 70)
            .header(Name::From, format_args!("<{}>;tag={}", self.own_uri(), calling.tag))
            .header(Name::To, format_args!("<{}>", calling.uri))
            .header(Name::CallId, &calling.call_id)
            .header(Name::CSeq, format_args!("{} INVITE", calling.cseq + 1))
            .header(Name::Contact, self.contact())
            .header(Name::Allow, ALLOW)
            .body("application/sdp", &self.sdp(line));
        if let Some(challenge) = challenge
            && let Some(credentials) = self.credentials(challenge, "INVITE", &calling.uri, 1)
        {
            invite = invite.header(Name::ProxyAuthorization, credentials);
        }
        let client = self.endpoint.request(now, exchange(), invite.finish());
        if let Some(State::Calling(calling)) = self.line(number).map(|line| &mut line.state) {
            calling.cseq += 1;
            calling.client = Some(client);
        }
    }

    /// Offers anew within its call: "sendonly" holds it, "sendrecv" resumes it.
    pub fn offer(&mut self, now: Instant, direction: &'static str) {
        let talking = self.lines.iter().find(|line| matches!(line.state, State::Talking(_)));
        if let Some(number) = talking.map(|line| line.number) {
            self.offer_on(now, number, direction);
        }
    }

    pub(super) fn offer_on(&mut self, now: Instant, number: u64, direction: &'static str) {
        let Some(line) = self.line(number).filter(|line| line.is_free()) else { return };
        line.version += 1;
        line.direction = direction;
        let Some(line) = self.lines.iter().find(|line| line.number == number) else { return };
        let sdp = self.sdp(line);
        let Some(Line { state: State::Talking(dialog), .. }) = self.line(number) else { return };
        let invite = dialog.request(Method::Invite).header(Name::Allow, ALLOW).body("application/sdp", &sdp).finish();
        let client = self.endpoint.request(now, exchange(), invite);
        if let Some(line) = self.line(number) {
            line.offering = Some((client, direction));
        }
    }

    /// A response to an INVITE, its first or one within a call.
    pub(super) fn handle_answer(&mut self, now: Instant, id: ClientId, response: &Message<'_>) {
        let Some(status) = response.status().filter(|status| *status >= 200) else { return };
        if status < 300 && self.acks.contains_key(&id) {
            return self.handle_another_2xx(now, id, response);
        }
        let number = |is_it: &dyn Fn(&Line) -> bool| self.lines.iter().find(|line| is_it(line)).map(|line| line.number);
        let first = number(&|line| matches!(&line.state, State::Calling(calling) if calling.client == Some(id)));
        let within = number(&|line| line.offering.is_some_and(|(client, _)| client == id));
        match (first, within) {
            (Some(number), _) if status < 300 => self.handle_connected(now, number, id, response),
            (Some(number), _) => self.handle_failure(now, number, status, response),
            (None, Some(number)) => self.handle_offer_answered(now, number, id, status, response),
            // The call is over; whoever answers its offer needs an ACK all the same, which the BYE makes needless.
            (None, None) => {}
        }
    }

    fn handle_connected(&mut self, now: Instant, number: u64, id: ClientId, response: &Message<'_>) {
        assert!(!response.body().is_empty(), "an answer to an offer has a description");
        let contact = self.contact();
        let Some(line) = self.line(number) else { return };
        let State::Calling(calling) = &line.state else { return };
        let dialog = Dialog::uac(response, &calling.uri, &contact).expect("a 2xx begins a dialog");
        let wish = line.wish;
        let ack = dialog.ack(response.cseq()).finish();
        line.state = State::Talking(dialog);
        self.history.push(History::Answered);
        self.acknowledge(id, response, ack);
        if wish == Wish::End {
            self.hang_up_line(now, number);
        }
    }

    /// A copy is acknowledged as the first was; another phone's answer is one too many.
    fn handle_another_2xx(&mut self, now: Instant, id: ClientId, response: &Message<'_>) {
        let tag = response.to_tag().unwrap_or_default();
        let known = self.acks[&id].iter().find(|(of, _)| of == tag).map(|(_, ack)| ack.clone());
        match known {
            Some(ack) => self.endpoint.send(exchange(), ack),
            None => {
                let mut dialog = Dialog::uac(response, "", &self.contact()).expect("a 2xx begins a dialog");
                let ack = dialog.ack(response.cseq()).finish();
                self.acknowledge(id, response, ack);
                self.endpoint.request(now, exchange(), dialog.request(Method::Bye).finish());
            }
        }
    }

    fn acknowledge(&mut self, id: ClientId, response: &Message<'_>, ack: Vec<u8>) {
        self.endpoint.send(exchange(), ack.clone());
        self.acks.entry(id).or_default().push((response.to_tag().unwrap_or_default().to_owned(), ack));
    }

    fn handle_failure(&mut self, now: Instant, number: u64, status: u16, response: &Message<'_>) {
        let Some(line) = self.line(number) else { return };
        let wish = line.wish;
        let State::Calling(calling) = &mut line.state else { return };
        calling.challenges += 1;
        if matches!(status, 401 | 407) && calling.challenges < 3 && wish == Wish::Talk {
            return self.invite(now, number, Some(response));
        }
        self.history.push(History::Failed(status));
        self.end(number);
    }

    fn handle_offer_answered(&mut self, now: Instant, number: u64, id: ClientId, status: u16, response: &Message<'_>) {
        let wait = self.random.number() % 200;
        self.history.push(History::Offered(status));
        let Some(line) = self.line(number) else { return };
        let Some((_, direction)) = line.offering.take() else { return };
        let origin = line.origin;
        let State::Talking(dialog) = &mut line.state else { return };
        match status {
            200..300 => {
                dialog.refresh_target(response);
                let ack = dialog.ack(response.cseq()).finish();
                self.acknowledge(id, response, ack);
            }
            // RFC 3261 §14.1: who began the dialog waits longer.
            491 => {
                let wait = Duration::from_millis(10 * wait + if origin == Origin::Own { 2100 } else { 0 });
                self.plan(now, wait, Plan::OfferAgain(number, direction));
            }
            408 | 481 => self.hang_up_line(now, number),
            _ => {}
        }
    }

    pub(super) fn handle_no_answer(&mut self, now: Instant, id: ClientId) {
        let is_it = |line: &&Line| match &line.state {
            State::Calling(calling) => calling.client == Some(id),
            State::Ringing { .. } | State::Talking(_) => line.offering.is_some_and(|(client, _)| client == id),
        };
        let Some(line) = self.lines.iter().find(is_it) else { return };
        let number = line.number;
        match line.state {
            State::Calling(_) => {
                self.history.push(History::Failed(408));
                self.end(number);
            }
            State::Ringing { .. } | State::Talking(_) => self.hang_up_line(now, number),
        }
    }
}

/// What phones here understand.
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE";

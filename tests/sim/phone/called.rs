//! Calls to the phone, and what the other side asks for within calls.

use super::calling::ALLOW;
use super::line::{Line, Origin, State, Wish};
use super::{Does, History, Phone, Plan};
use sip::build::Builder;
use sip::dialog::Dialog;
use sip::endpoint::ServerId;
use sip::message::{Message, Method, Name};
use std::time::{Duration, Instant};

impl Phone {
    pub(super) fn handle_request(&mut self, now: Instant, id: ServerId, bytes: &[u8]) {
        let Ok(request) = Message::parse(bytes) else { return };
        let is_it = |line: &&Line| match &line.state {
            State::Talking(dialog) => dialog.is_of(&request),
            State::Calling(_) | State::Ringing { .. } => false,
        };
        match self.lines.iter().find(is_it).map(|line| line.number) {
            Some(number) => self.handle_within(now, id, number, &request),
            None if request.to_tag().is_some() => self.respond(now, id, &request, 481),
            None if request.method() == Method::Invite => self.handle_invite(now, id, &request),
            None => self.respond(now, id, &request, 200),
        }
    }

    fn handle_invite(&mut self, now: Instant, server: ServerId, request: &Message<'_>) {
        self.serial += 1;
        let (number, tag) = (self.serial, self.unique());
        let state = State::Ringing { server, request: request.bytes().to_vec(), tag };
        self.lines.push(Line::new(number, Origin::Other, state));
        self.plan(now, self.manners.rings, Plan::Ring(number));
    }

    pub(super) fn ring(&mut self, now: Instant, number: u64) {
        if self.progress(now, number, 180) {
            self.history.push(History::Rang);
            self.plan(now, self.manners.then, Plan::Decide(number));
        }
    }

    pub(super) fn decide(&mut self, now: Instant, number: u64) {
        match self.manners.does {
            Does::Answer => self.answer(now, number),
            Does::Refuse(status) => self.refuse(now, number, status),
            Does::Nothing => self.plan(now, Duration::from_secs(60), Plan::Tire(number)),
        }
    }

    fn answer(&mut self, now: Instant, number: u64) {
        let contact = self.contact();
        let Some(line) = self.lines.iter().find(|line| line.number == number) else { return };
        let State::Ringing { server, request, tag } = &line.state else { return };
        let (server, invite) = (*server, Message::parse(request).expect("it was one"));
        let mut dialog = Dialog::uas(&invite, tag, &contact).expect("an INVITE has a Contact");
        dialog.confirm();
        let answer = Builder::response(&invite, 200, "OK")
            .to_tag(tag)
            .header(Name::Contact, contact)
            .header(Name::Allow, ALLOW)
            .body("application/sdp", &self.sdp(line))
            .finish();
        self.endpoint.respond(now, server, answer);
        self.history.push(History::Answered);
        if let Some(line) = self.line(number) {
            line.state = State::Talking(dialog);
            line.unacknowledged = Some(server);
        }
    }

    /// Refuses a call that rings.
    pub(super) fn refuse(&mut self, now: Instant, number: u64, status: u16) {
        if self.progress(now, number, status) {
            self.end(number);
        }
    }

    /// Answers the INVITE of a line that rings; false if none does.
    fn progress(&mut self, now: Instant, number: u64, status: u16) -> bool {
        let contact = self.contact();
        let Some(Line { state: State::Ringing { server, request, tag }, .. }) = self.line(number) else { return false };
        let (server, invite) = (*server, Message::parse(request).expect("it was one"));
        let response = Builder::response(&invite, status, "So").to_tag(tag).header(Name::Contact, contact).finish();
        self.endpoint.respond(now, server, response);
        true
    }

    pub(super) fn handle_cancel(&mut self, now: Instant, invite: ServerId) {
        let is_it = |line: &&Line| matches!(&line.state, State::Ringing { server, .. } if *server == invite);
        if let Some(number) = self.lines.iter().find(is_it).map(|line| line.number) {
            self.history.push(History::Cancelled);
            self.refuse(now, number, 487);
        }
    }

    pub(super) fn handle_ack(&mut self, now: Instant, invite: ServerId) {
        let Some(line) = self.lines.iter_mut().find(|line| line.unacknowledged == Some(invite)) else { return };
        line.unacknowledged = None;
        let number = line.number;
        if line.wish == Wish::End {
            self.hang_up_line(now, number);
        }
    }

    pub(super) fn handle_ack_missing(&mut self, now: Instant, invite: ServerId) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.unacknowledged == Some(invite)) {
            line.unacknowledged = None;
            let number = line.number;
            self.hang_up_line(now, number);
        }
    }

    fn handle_within(&mut self, now: Instant, id: ServerId, number: u64, request: &Message<'_>) {
        let Some(line) = self.line(number) else { return };
        let busy = line.offering.is_some();
        let waits = line.unacknowledged.is_some();
        let State::Talking(dialog) = &mut line.state else { return };
        if !dialog.accepts(request.cseq()) {
            return self.respond(now, id, request, 500);
        }
        match request.method() {
            Method::Bye => {
                self.respond(now, id, request, 200);
                self.end(number);
            }
            Method::Invite if busy => self.respond(now, id, request, 491),
            Method::Invite if waits => self.respond(now, id, request, 500),
            Method::Invite | Method::Update => {
                dialog.refresh_target(request);
                line.version += 1;
                line.direction = if line.direction == "sendonly" { "sendonly" } else { mirrored(request) };
                self.agree(now, id, number, request);
            }
            _ => self.respond(now, id, request, 200),
        }
    }

    /// Answers an offer within a call.
    fn agree(&mut self, now: Instant, id: ServerId, number: u64, request: &Message<'_>) {
        let Some(line) = self.lines.iter().find(|line| line.number == number) else { return };
        let mut response = Builder::response(request, 200, "OK").header(Name::Contact, self.contact());
        let has_answer = request.method() == Method::Invite || !request.body().is_empty();
        if has_answer {
            response = response.body("application/sdp", &self.sdp(line));
        }
        self.endpoint.respond(now, id, response.finish());
        if let Some(line) = self.line(number).filter(|_| request.method() == Method::Invite) {
            line.unacknowledged = Some(id);
        }
    }

    fn respond(&mut self, now: Instant, id: ServerId, request: &Message<'_>, status: u16) {
        let tag = self.unique();
        let response = Builder::response(request, status, "So").to_tag(&tag).finish();
        self.endpoint.respond(now, id, response);
    }
}

/// The direction that answers an offer (RFC 3264 §6.1).
fn mirrored(offer: &Message<'_>) -> &'static str {
    let text = String::from_utf8_lossy(offer.body());
    match text.lines().find_map(|line| line.strip_prefix("a=send")) {
        Some("only") => "recvonly",
        Some(_) | None if text.contains("a=recvonly") => "sendonly",
        Some(_) | None if text.contains("a=inactive") => "inactive",
        Some(_) | None => "sendrecv",
    }
}

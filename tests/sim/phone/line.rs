//! One call as a phone has it.

use super::{History, Phone, exchange};
use sip::dialog::Dialog;
use sip::endpoint::{ClientId, ServerId};
use sip::message::Method;
use std::net::SocketAddr;
use std::time::Instant;

/// One call at a phone.
#[derive(Debug)]
pub struct Line {
    pub number: u64,
    pub state: State,
    /// Which way media flows, as the phone last said.
    pub direction: &'static str,
    pub(super) version: u32,
    pub(super) origin: Origin,
    /// An INVITE of its own within the call.
    pub(super) offering: Option<(ClientId, &'static str)>,
    /// A 2xx of its own whose ACK is to come.
    pub(super) unacknowledged: Option<ServerId>,
    pub(super) wish: Wish,
}

#[derive(Debug)]
pub enum State {
    /// Its own INVITE is out.
    Calling(Calling),
    /// An INVITE for it is here.
    Ringing {
        server: ServerId,
        request: Vec<u8>,
        tag: String,
    },
    Talking(Dialog),
}

#[derive(Debug)]
pub struct Calling {
    /// `None` until it is sent for the first time.
    pub client: Option<ClientId>,
    pub uri: String,
    pub call_id: String,
    pub tag: String,
    pub cseq: u32,
    /// How often challenged.
    pub challenges: u32,
}

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Own,
    Other,
}

/// What its user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Talk,
    /// To hang up as soon as that is allowed.
    End,
}

impl Line {
    pub fn new(number: u64, origin: Origin, state: State) -> Line {
        let (offering, unacknowledged) = (None, None);
        Line { number, state, direction: "sendrecv", version: 1, origin, offering, unacknowledged, wish: Wish::Talk }
    }
}

impl Phone {
    /// Where the media of a line is.
    pub fn media(&self, line: u64) -> SocketAddr {
        SocketAddr::new(self.private.ip(), 4000 + 2 * (line % 1000) as u16)
    }

    /// Whether it is in a call with media both ways allowed by it.
    pub fn talking(&self) -> Option<&Line> {
        self.lines.iter().find(|line| matches!(line.state, State::Talking(_)))
    }

    /// Ends every call, in whatever state.
    pub fn hang_up(&mut self, now: Instant) {
        for number in self.lines.iter().map(|line| line.number).collect::<Vec<_>>() {
            self.hang_up_line(now, number);
        }
    }

    pub(super) fn hang_up_line(&mut self, now: Instant, number: u64) {
        let Some(line) = self.lines.iter_mut().find(|line| line.number == number) else { return };
        line.wish = Wish::End;
        match &mut line.state {
            State::Calling(calling) => calling.client.into_iter().for_each(|client| self.endpoint.cancel(now, client)),
            State::Ringing { .. } => self.refuse(now, number, 603),
            // The callee's BYE waits for the ACK (RFC 3261 §15).
            State::Talking(_) if line.unacknowledged.is_some() => {}
            State::Talking(dialog) => {
                let bye = dialog.request(Method::Bye).finish();
                self.endpoint.request(now, exchange(), bye);
                self.end(number);
            }
        }
    }

    /// The line is free again.
    pub(super) fn end(&mut self, number: u64) {
        if let Some(index) = self.lines.iter().position(|line| line.number == number)
            && let State::Talking(_) = self.lines.remove(index).state
        {
            self.history.push(History::Ended);
        }
    }

    pub(super) fn line(&mut self, number: u64) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.number == number)
    }

    /// What a line says of its media.
    pub(super) fn sdp(&self, line: &Line) -> Vec<u8> {
        let media = self.media(line.number);
        let (ip, port, version, direction) = (media.ip(), media.port(), line.version, line.direction);
        format!(
            "v=0\r\no=- 7 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na={direction}\r\n"
        )
        .into_bytes()
    }
}

impl Line {
    /// Whether it may offer now.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.state, State::Talking(_)) && self.offering.is_none() && self.unacknowledged.is_none()
    }
}

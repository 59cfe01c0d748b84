//! One association of DTLS.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Dtls, Output};
use srtp::MasterKey;

use crate::identity::QUEUED_RECORDS;
use crate::record::{is_unified, records};
use crate::{Failure, Fingerprint, Identity, keys};

/// Who begins, as `a=setup` says (RFC 5763 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The client of DTLS: we begin.
    Active,
    /// The server of DTLS: the peer begins.
    Passive,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The peer is who its SDP says; SRTP may begin. Comes at most once.
    Keys {
        /// For what we receive.
        inbound: MasterKey,
        /// For what we send.
        outbound: MasterKey,
    },
    /// There will be no keys, or those there are must not be used any longer. The last event.
    Failed(Failure),
    /// The peer, or we ourselves, closed it in due form. The last event.
    Closed,
}

/// The handshake of one stream with its peer, and what remains of it afterwards: the peer may ask for the last flight
/// again, and either may close.
///
/// Give it every datagram from the peer that is DTLS by its first byte, and [`Handshake::handle_timeout`] when
/// [`Handshake::poll_timeout`] is due; after each, take what [`Handshake::poll_transmit`] and [`Handshake::poll_event`]
/// have. Time must not go backwards. The active side's first datagram is ready at once; one that is lost because there is
/// no way to the peer yet is sent again.
pub struct Handshake {
    state: State,
    role: Role,
    datagrams: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    deadline: Option<Instant>,
    /// Bytes that the handshake took so far, of which the peer's certificate may be made; 0 behind it.
    received: usize,
}

enum State {
    Shaking { dtls: Box<Dtls>, expected: Fingerprint, identity: Arc<Identity>, seen: Seen },
    Done { dtls: Box<Dtls> },
    Over,
}

/// How far the peer has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// Its certificate, which was the expected one.
    Certificate,
    /// The end of the handshake, behind which the keys come.
    Finished,
}

impl Handshake {
    /// Begins. `expected` is what the peer's SDP says of its certificate.
    ///
    /// Memory is bounded: datagrams longer than [`LONGEST`] are dropped, and some tens kept while others before them are
    /// missing; a finished handshake keeps some 16 KiB. The active side gives up after 30 s, the passive one 30 s after the peer's first message; that there is one
    /// at all is for the caller to watch.
    pub fn new(identity: &Arc<Identity>, role: Role, expected: Fingerprint, now: Instant) -> Handshake {
        Handshake::with(begin(identity, role, now), identity, role, expected, now)
    }

    fn with(dtls: Dtls, identity: &Arc<Identity>, role: Role, expected: Fingerprint, now: Instant) -> Handshake {
        let identity = Arc::clone(identity);
        let state = State::Shaking { dtls: Box::new(dtls), expected, identity, seen: Seen::Nothing };
        let mut handshake =
            Handshake { state, role, datagrams: VecDeque::new(), events: VecDeque::new(), deadline: None, received: 0 };
        handshake.handle_timeout(now);
        handshake
    }

    /// A datagram has come from the peer. What is no valid DTLS is dropped.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        if datagram.len() > LONGEST {
            return;
        }
        self.handle_timeout(now);
        if records(datagram).any(is_unified) {
            records(datagram).for_each(|record| self.handle_records(now, record));
        } else {
            self.handle_records(now, datagram);
        }
    }

    /// Those of DTLS 1.3 come one at a time: of a datagram whose first record is an old one, the library (0.9) drops all that
    /// follow, and if those are what is missing, it waits for them in vain. By DTLS 1.2 they come together, for alone a
    /// ChangeCipherSpec may get before messages that it follows.
    fn handle_records(&mut self, now: Instant, records: &[u8]) {
        if let State::Shaking { .. } = self.state {
            self.received = (self.received + records.len()).min(QUEUED_RECORDS * LONGEST);
        }
        let Some(dtls) = self.state.dtls() else { return };
        match dtls.handle_packet(records) {
            Ok(()) => self.drain(now),
            Err(error) if is_harmless(&error) => self.drain(now),
            Err(dimpl::Error::TooManyClientHelloFragments) => self.begin_again(now),
            Err(error) => self.fail(error.into()),
        }
    }

    /// The time has come that [`Handshake::poll_timeout`] named; too early or too often is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(dtls) = self.state.dtls() else { return };
        match dtls.handle_timeout(now) {
            Ok(()) => self.drain(now),
            Err(error) => self.fail(error.into()),
        }
    }

    /// When [`Handshake::handle_timeout`] is due; never, while nothing can be overdue.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next datagram for the peer.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    /// What has happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Ends it: the peer is told, if it was finished. [`Event::Closed`] follows.
    pub fn close(&mut self, now: Instant) {
        let Some(dtls) = self.state.dtls() else { return };
        // An error here means that it is closed already.
        let _ = dtls.close();
        self.drain(now);
        self.end(Event::Closed);
    }

    /// No datagram and no deadline changes anything any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Takes everything out of the library, which asks for that after each input.
    fn drain(&mut self, now: Instant) {
        let (mut room, mut closed) = (vec![0; ROOM + self.received], false);
        while let Some(dtls) = self.state.dtls() {
            match dtls.poll_output(&mut room) {
                Output::Packet(datagram) => {
                    if self.datagrams.len() == UNSENT {
                        self.datagrams.pop_front();
                    }
                    self.datagrams.push_back(datagram.to_vec());
                }
                Output::BufferTooSmall { needed } => room.resize(needed, 0),
                Output::PeerCert(certificate) => self.handle_certificate(certificate),
                Output::Connected => self.handle_connected(),
                Output::KeyingMaterial(material, profile) => self.handle_keys(&material, profile),
                Output::CloseNotify => {
                    // By DTLS 1.2 it has answered already, by 1.3 it leaves that to us.
                    let _ = dtls.close();
                    closed = true;
                }
                Output::Timeout(at) => {
                    self.deadline = Some(at.max(now + PAUSE)).filter(|at| *at < now + NEVER);
                    break;
                }
                // Data channels are not ours.
                _ => {}
            }
        }
        if closed {
            self.end(Event::Closed);
        }
        if let State::Shaking { seen: Seen::Finished, .. } = self.state {
            self.fail(Failure::NoCommonProfile);
        }
    }

    fn handle_certificate(&mut self, certificate: &[u8]) {
        let State::Shaking { expected, seen, dtls, .. } = &mut self.state else { return };
        if expected.is_of(certificate) {
            *seen = Seen::Certificate;
            return;
        }
        // By DTLS 1.2 the peer still understands plain text, by 1.3 it does not, and is left to what SIP tells it.
        let alerts = dtls.protocol_version() == Some(dimpl::ProtocolVersion::DTLS1_2);
        self.datagrams.clear();
        self.fail(Failure::WrongCertificate);
        if alerts {
            self.datagrams.push_back(BAD_CERTIFICATE.to_vec());
        }
    }

    fn handle_connected(&mut self) {
        let State::Shaking { seen, .. } = &mut self.state else { return };
        match seen {
            Seen::Certificate | Seen::Finished => *seen = Seen::Finished,
            Seen::Nothing => self.fail(Failure::WrongCertificate),
        }
    }

    fn handle_keys(&mut self, material: &dimpl::KeyingMaterial, profile: dimpl::SrtpProfile) {
        let State::Shaking { seen: Seen::Finished, .. } = self.state else { return };
        let Some((inbound, outbound)) = keys::split(material, profile, self.role) else { return };
        if let State::Shaking { dtls, .. } = std::mem::replace(&mut self.state, State::Over) {
            self.state = State::Done { dtls };
            self.received = 0;
            self.events.push_back(Event::Keys { inbound, outbound });
        }
    }

    /// So much has come that the library keeps as parts of a first message, and was none, that it takes no more. Nothing
    /// has been agreed on yet, so nothing is lost but the right parts among it, which the peer sends again.
    fn begin_again(&mut self, now: Instant) {
        if let State::Shaking { dtls, identity, .. } = &mut self.state {
            **dtls = begin(identity, self.role, now);
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.end(Event::Failed(failure));
    }

    fn end(&mut self, last: Event) {
        if !self.is_over() {
            self.state = State::Over;
            self.deadline = None;
            self.events.push_back(last);
        }
    }
}

impl State {
    fn dtls(&mut self) -> Option<&mut Dtls> {
        match self {
            State::Shaking { dtls, .. } | State::Done { dtls } => Some(dtls),
            State::Over => None,
        }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Shaking { .. } => "shaking",
            State::Done { .. } => "done",
            State::Over => "over",
        };
        write!(f, "Handshake({:?}, {state})", self.role)
    }
}

fn begin(identity: &Arc<Identity>, role: Role, now: Instant) -> Dtls {
    let mut dtls = Dtls::new_auto(Arc::clone(&identity.config), identity.certificate(), now);
    dtls.set_active(role == Role::Active);
    dtls
}

/// Errors that leave the library as it was, although it calls them final: a datagram too many, and one that a server
/// would not begin with. Anyone could send such, and the network by reordering.
fn is_harmless(error: &dimpl::Error) -> bool {
    use dimpl::UnexpectedMessageError::UnrecognizedAutoServerResponse;
    matches!(error, dimpl::Error::ReceiveQueueFull | dimpl::Error::UnexpectedMessage(UnrecognizedAutoServerResponse))
}

/// Bytes of the longest datagram that is read.
pub const LONGEST: usize = 2048;

/// Room for what the library gives, beside the peer's certificate: for that it panics where it finds too little.
const ROOM: usize = LONGEST;

/// Datagrams kept while nobody takes them; then the oldest go.
const UNSENT: usize = 32;

/// The least time between two deadlines. While a part of a flight is missing, the library (0.9) wants to acknowledge the
/// others again at once, without end.
const PAUSE: Duration = Duration::from_millis(20);

/// Idle, the library names a time years ahead.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// A record of DTLS 1.2 in plain text, with a sequence number that none before it can have: fatal, bad_certificate.
const BAD_CERTIFICATE: [u8; 15] = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 2, 2, 42];

#[cfg(test)]
mod tests;

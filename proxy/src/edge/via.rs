//! Via: where answers go back to, and how we tell our next hop about ourselves.

use super::text::Text;
use super::{Arrival, Face, Passage, PublicName};
use proto::membership::Membership;
use sip::headers::Via;
use sip::hop::{Hop, Transport};
use sip::token::{Flow, FlowEnd, HopToken, KeyRing, ShardId, Token};
use sip::uri::Host;
use sip::{Message, Name};
use std::fmt;
use std::net::SocketAddr;

/// Who sent a request, as an answer to it must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// Over this flow; of UDP with the port that answers go to.
    Phone(Flow),
    /// Another member of the cluster.
    Member(Hop),
}

impl Sender {
    /// Reads from the arrival and the topmost Via where an answer goes.
    pub fn of(arrival: &Arrival, message: &Message<'_>) -> Sender {
        let via = message.via();
        match arrival.face {
            Face::Public(flow) => Sender::Phone(answer_flow(flow, arrival.peer, &via)),
            // Members are trusted, and the port that a connection comes from is not one to connect to.
            Face::Inside(hop) => Sender::Member(match (via.host.ip(), via.port) {
                (Some(ip), Some(port)) => Hop::new(hop.transport, SocketAddr::new(ip, port)),
                (Some(_) | None, Some(_) | None) => hop,
            }),
        }
    }

    /// The same where the answer comes back by our own Via, perhaps at another worker or another proxy. The port that a shard's
    /// connection comes from is known to one worker only; the shard's Via names the shard, which everybody reaches.
    pub fn to_come_back_to(arrival: &Arrival, message: &Message<'_>, membership: &Membership) -> Sender {
        let shard = match message.via().host {
            Host::Name(host) => ShardId::of_host(host).and_then(|shard| membership.shard_address(shard)),
            Host::Ip(_) => None,
        };
        match (Sender::of(arrival, message), shard) {
            (Sender::Member(hop), Some(address)) => Sender::Member(Hop::new(hop.transport, address)),
            (sender, Some(_) | None) => sender,
        }
    }

    /// The sender as our own Via carries it.
    pub fn seal(&self, ring: &KeyRing) -> Token {
        match self {
            Sender::Phone(flow) => flow.seal(ring),
            Sender::Member(hop) => HopToken { hop: *hop }.seal(ring),
        }
    }

    /// Reads what [`Sender::seal`] wrote into a Via that comes back; `None` for a Via that is not ours.
    pub fn open(ring: &KeyRing, via: &Via<'_>) -> Option<Sender> {
        let token = via.param(SENDER)?;
        let flow = Flow::open(ring, token).map(Sender::Phone);
        flow.or_else(|| HopToken::open(ring, token).map(|token| Sender::Member(token.hop)))
    }
}

/// The Via parameter that carries the sealed [`Sender`].
const SENDER: &str = "f";

/// The Via parameter that carries a hash of the request URI as we received it, for loop detection (RFC 3261 §16.6 step 8).
pub(super) const LOOP: &str = "l";

/// A datagram's answer goes to its source. Only a phone that asks for no `rport` and is not behind a NAT may listen on another
/// port than it sends from (RFC 3261 §18.2.2, RFC 3581 §4); behind a NAT that port would reach nobody (RFC 6314 §4.1.1).
fn answer_flow(flow: Flow, peer: SocketAddr, via: &Via<'_>) -> Flow {
    match flow.end {
        FlowEnd::Peer(_) if via.rport.is_none() && via.host.ip() == Some(peer.ip()) => {
            let port = via.port.unwrap_or(flow.transport.default_port());
            Flow { end: FlowEnd::Peer(SocketAddr::new(peer.ip(), port)), ..flow }
        }
        FlowEnd::Peer(_) | FlowEnd::Slot { .. } => flow,
    }
}

/// The topmost Via of a phone with what we saw of its sender: `received` and `rport` (RFC 3261 §18.2.1, RFC 3581 §4).
pub(super) struct Stamped<'a> {
    via: Via<'a>,
    peer: SocketAddr,
}

impl<'a> Stamped<'a> {
    /// `None` where there is nothing to add.
    pub fn new(via: Via<'a>, peer: SocketAddr) -> Option<Stamped<'a>> {
        let plain = via.rport.is_none() && via.received.is_none() && via.host.ip() == Some(peer.ip());
        if plain { None } else { Some(Stamped { via, peer }) }
    }
}

impl Stamped<'_> {
    /// Gives the text piece by piece.
    fn write(&self, mut put: impl FnMut(&str)) {
        let Stamped { via, peer } = self;
        let sent_by = &via.text[..via.text.len() - via.params.text().len()];
        put(sent_by.trim_ascii_end());
        for (name, value) in via.params.iter() {
            if name.eq_ignore_ascii_case("received") {
                continue;
            }
            put(";");
            put(name);
            if name.eq_ignore_ascii_case("rport") {
                put("=");
                put(&Text::of(peer.port().into()));
            } else if !value.is_empty() {
                let quote = if is_plain(value) { "" } else { "\"" };
                ["=", quote, value, quote].into_iter().for_each(&mut put);
            }
        }
        // RFC 3581 §4: whoever asks for rport gets received too, even where it says nothing new.
        if via.rport.is_some() || via.host.ip() != Some(peer.ip()) {
            put(";received=");
            put(&Text::of_ip(peer.ip()));
        }
    }
}

impl fmt::Display for Stamped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.write(|piece| result = result.and_then(|()| f.write_str(piece)));
        result
    }
}

/// A parameter's value, in quotes where it must be; escapes in it are still there.
pub(super) struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) { f.write_str(self.0) } else { write!(f, "\"{}\"", self.0) }
    }
}

fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~[]:".contains(&byte))
}

impl Passage<'_> {
    /// Our Via toward the cluster.
    pub(super) fn inside_via(&self, transport: Transport, sender: &Token, mark: Option<u32>) -> impl fmt::Display {
        let branch = sip::stateless::branch(self.message, &self.keys.branch);
        let (protocol, inside, sender) = (transport.via_text(), self.settings.inside, *sender);
        fmt::from_fn(move |f| {
            write!(f, "SIP/2.0/{protocol} {inside};branch={branch};{SENDER}={sender}")?;
            mark.map_or(Ok(()), |mark| write!(f, ";{LOOP}={mark:08x}"))
        })
    }

    /// Our Via toward a phone.
    pub(super) fn public_via(
        &self,
        flow: &Flow,
        name: &PublicName,
        sender: &Token,
        mark: Option<u32>,
    ) -> impl fmt::Display {
        let branch = sip::stateless::branch(self.message, &self.keys.branch);
        let (transport, sender) = (flow.transport, *sender);
        fmt::from_fn(move |f| {
            write!(f, "SIP/2.0/{} {name};branch={branch};{SENDER}={sender}", transport.via_text())?;
            if !transport.is_reliable() {
                // The phone's answer then comes to the port that we sent from, whatever it makes of our name.
                f.write_str(";rport")?;
            }
            mark.map_or(Ok(()), |mark| write!(f, ";{LOOP}={mark:08x}"))
        })
    }

    /// What loop detection compares: two passages of a request are a loop when nothing but the Via has changed that decides its way.
    pub(super) fn loop_mark(&self) -> u32 {
        proto::ring::hash(self.message.request_uri().as_bytes()) as u32
    }
}

/// Writes the lines that every response copies (RFC 3261 §8.2.6.2): Via with what we saw of the sender, To with a tag.
pub(super) fn copy_lines(message: &Message<'_>, arrival: &Arrival, tag: Option<&str>, out: &mut Vec<u8>) {
    let mut stamped = match arrival.face {
        Face::Public(_) => Stamped::new(message.via(), arrival.peer),
        Face::Inside(_) => None,
    };
    let tag = tag.filter(|_| message.to_tag().is_none());
    for line in message.lines() {
        if !matches!(line.name, Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq) {
            continue;
        }
        out.extend_from_slice(line.name.text().as_bytes());
        out.extend_from_slice(b": ");
        match stamped.take_if(|_| line.name == Name::Via) {
            Some(first) => {
                let via = first.via.text;
                let rest = line.value.strip_prefix(via).or_else(|| Some(line.value.split_once(via)?.1)).unwrap_or("");
                first.write(|piece| out.extend_from_slice(piece.as_bytes()));
                out.extend_from_slice(rest.as_bytes());
            }
            None => out.extend_from_slice(line.value.as_bytes()),
        }
        if let (Name::To, Some(tag)) = (line.name, tag) {
            out.extend_from_slice(b";tag=");
            out.extend_from_slice(tag.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Why writing to a buffer needs no error.
pub(super) const TO_MEMORY: &str = "writing to memory does not fail";

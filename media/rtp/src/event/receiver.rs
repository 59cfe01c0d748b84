//! Digits out of the packets of a network.

use std::time::Duration;

use super::{Event, LONGEST_SEGMENT};
use crate::{Header, Micros, Ssrc};

/// Hears digits, each once, whichever of its packets arrive and in whatever order.
///
/// A key whose end is lost is over when another one is heard, or when nothing was heard of it for 400 ms: then
/// [`DigitReceiver::handle_timeout`] tells.
#[derive(Debug, Clone, Default)]
pub struct DigitReceiver {
    last: Option<Running>,
}

#[derive(Debug, Clone)]
struct Running {
    ssrc: Ssrc,
    code: u8,
    key: char,
    /// When the key went down.
    start: u32,
    /// Start of the latest segment of a long event.
    segment: u32,
    /// The latest moment that a packet told of.
    until: u32,
    /// When the latest packet came.
    heard: Micros,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// The key is held.
    Open,
    /// A packet told of it.
    Told,
    /// No packet came any more. What comes late belongs to the key all the same.
    Concluded,
}

/// What was not known before. A duration is in ticks of the stream's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A key went down.
    Pressed(char),
    /// It went up, after so long. Where all packets of the end were lost, that is what the last one before them told: less
    /// than the truth by a packet time as a rule.
    Released(char, u32),
    /// It went down and up: all packets but those of the end were lost.
    Struck(char, u32),
}

impl DigitReceiver {
    /// Takes the payload of a packet of the telephone-event format. Tells up to two things: the end of a key may be known
    /// only by the beginning of the next.
    pub fn on_packet(&mut self, now: Micros, header: &Header, payload: &[u8]) -> impl Iterator<Item = Heard> + use<> {
        self.hear(now, header, payload).into_iter().flatten()
    }

    /// When [`DigitReceiver::handle_timeout`] is due; None while no key is down.
    pub fn timeout(&self) -> Option<Micros> {
        let held = self.last.as_ref().filter(|last| last.end == End::Open)?;
        Some(held.heard.after(GIVEN_UP))
    }

    /// The key that was down, if nothing has been heard of it for too long.
    pub fn handle_timeout(&mut self, now: Micros) -> Option<Heard> {
        self.timeout().filter(|due| *due <= now)?;
        self.last.as_mut()?.conclude()
    }

    fn hear(&mut self, now: Micros, header: &Header, payload: &[u8]) -> [Option<Heard>; 2] {
        let Some((event, key)) = Event::parse(payload).and_then(|event| Some((event, event.key()?))) else {
            return [None; 2];
        };
        let mut before = None;
        if let Some(last) = &mut self.last {
            match last.relation(header, &event) {
                Relation::Same => return [last.extend(now, header, &event), None],
                Relation::Earlier => return [None; 2],
                Relation::Later => before = last.conclude(),
            }
        }
        let (duration, start) = (u32::from(event.duration), header.timestamp);
        let (end, heard) = match event.end {
            true => (End::Told, Heard::Struck(key, duration)),
            false => (End::Open, Heard::Pressed(key)),
        };
        self.last = Some(Running {
            ssrc: header.ssrc,
            code: event.code,
            key,
            start,
            segment: start,
            until: start.wrapping_add(duration),
            heard: now,
            end,
        });
        [before, Some(heard)]
    }
}

enum Relation {
    /// Of the event that is heard.
    Same,
    /// A late packet of an event before.
    Earlier,
    /// A new event.
    Later,
}

impl Running {
    fn relation(&self, header: &Header, event: &Event) -> Relation {
        let (timestamp, same_key) = (header.timestamp, event.code == self.code);
        let back = self.segment.wrapping_sub(timestamp);
        if header.ssrc != self.ssrc {
            return Relation::Later;
        }
        if is_later(timestamp, self.segment) {
            // A new segment of a long event begins where the last one ended, without a marker (RFC 4733 §2.5.1.3). Some
            // phones count the timestamp up with each packet of one event; no key goes down before it went up.
            let follows = timestamp == self.until && !header.marker || back == LONGEST_SEGMENT.wrapping_neg();
            let joins = self.end != End::Told && follows;
            let overlaps = is_later(self.until, timestamp);
            return if same_key && (joins || overlaps) { Relation::Same } else { Relation::Later };
        }
        match same_key {
            true if !is_later(self.start, timestamp) => Relation::Same,
            _ if (1..LATEST).contains(&back) => Relation::Earlier,
            _ => Relation::Later,
        }
    }

    fn extend(&mut self, now: Micros, header: &Header, event: &Event) -> Option<Heard> {
        self.segment = later(header.timestamp, self.segment);
        self.until = later(header.timestamp.wrapping_add(u32::from(event.duration)), self.until);
        self.heard = now;
        if !event.end || self.end != End::Open {
            return None;
        }
        self.end = End::Told;
        Some(Heard::Released(self.key, self.length()))
    }

    /// The end that no packet told.
    fn conclude(&mut self) -> Option<Heard> {
        if self.end != End::Open {
            return None;
        }
        self.end = End::Concluded;
        Some(Heard::Released(self.key, self.length()))
    }

    fn length(&self) -> u32 {
        self.until.wrapping_sub(self.start)
    }
}

/// `one` is after `other` on a clock that wraps around.
fn is_later(one: u32, other: u32) -> bool {
    (1..1 << 31).contains(&one.wrapping_sub(other))
}

fn later(one: u32, other: u32) -> u32 {
    if is_later(one, other) { one } else { other }
}

/// Ticks by which a packet may come late; a sender that set its timestamps anew is further away as a rule.
const LATEST: u32 = 80_000;
/// Silence after which a key is over. Of packets of 60 ms six in a row would have to be lost in the midst of a key.
const GIVEN_UP: Duration = Duration::from_millis(400);

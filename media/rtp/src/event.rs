//! Digits as telephone events (RFC 4733).

use crate::{Header, Ssrc};

/// The payload of one event packet (RFC 4733 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// 0 to 15 are the digits 0-9, *, #, A-D; 16 is a hook flash.
    pub code: u8,
    /// The event is over.
    pub end: bool,
    /// 0 to 63: dBm0 below zero.
    pub volume: u8,
    /// Ticks since the event's start.
    pub duration: u16,
}

impl Event {
    /// Reads a payload; further events of the same packet are not looked at.
    pub fn parse(payload: &[u8]) -> Option<Event> {
        let &[code, flags, high, low] = payload.first_chunk::<4>()?;
        let duration = u16::from_be_bytes([high, low]);
        Some(Event { code, end: flags & 0x80 != 0, volume: flags & 0x3f, duration })
    }

    /// The payload.
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, u8::from(self.end) << 7 | self.volume & 0x3f, high, low]
    }

    /// The code of a key: 0-9, *, #, A-D in either case.
    pub fn code_of(key: char) -> Option<u8> {
        let key = key.to_ascii_uppercase();
        KEYS.iter().position(|known| char::from(*known) == key).map(|code| code as u8)
    }

    /// The key of this event's code, if it is one.
    pub fn key(self) -> Option<char> {
        KEYS.get(usize::from(self.code)).map(|key| char::from(*key))
    }
}

const KEYS: [u8; 16] = *b"0123456789*#ABCD";

/// Hears digits, each once, whichever of its packets arrive and in whatever order.
#[derive(Debug, Clone, Default)]
pub struct DigitReceiver {
    last: Option<Running>,
}

#[derive(Debug, Clone)]
struct Running {
    ssrc: Ssrc,
    code: u8,
    /// When the key went down.
    start: u32,
    /// Start of the latest segment of a long event.
    segment: u32,
    /// The latest moment that a packet told of.
    until: u32,
    ended: bool,
}

/// What an event packet told that was not known before. A duration is in ticks of the stream's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A key went down.
    Pressed(char),
    /// It went up, after so long. Not told where all packets of the end were lost.
    Released(char, u32),
    /// It went down and up: all packets but those of the end were lost.
    Struck(char, u32),
}

impl DigitReceiver {
    /// Takes the payload of a packet of the telephone-event format.
    pub fn on_packet(&mut self, header: &Header, payload: &[u8]) -> Option<Heard> {
        let event = Event::parse(payload)?;
        let key = event.key()?;
        let (segment, until) = (header.timestamp, header.timestamp.wrapping_add(u32::from(event.duration)));
        if let Some(last) = &mut self.last {
            match last.relation(header, &event) {
                Relation::Same => {
                    last.segment = later(segment, last.segment);
                    last.until = later(until, last.until);
                    let over = event.end && !last.ended;
                    last.ended |= event.end;
                    return over.then(|| Heard::Released(key, last.until.wrapping_sub(last.start)));
                }
                Relation::Earlier => return None,
                Relation::Later => {}
            }
        }
        let ended = event.end;
        self.last = Some(Running { ssrc: header.ssrc, code: event.code, start: segment, segment, until, ended });
        Some(if ended { Heard::Struck(key, u32::from(event.duration)) } else { Heard::Pressed(key) })
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
            // A new segment of a long event begins where the last one ended (RFC 4733 §2.5.1.3). Some phones count the
            // timestamp up with each packet of one event; no key goes down before it went up.
            let joins = !self.ended && (timestamp == self.until || back == LONGEST_SEGMENT.wrapping_neg());
            let overlaps = is_later(self.until, timestamp);
            return if same_key && (joins || overlaps) { Relation::Same } else { Relation::Later };
        }
        match same_key {
            true if !is_later(self.start, timestamp) => Relation::Same,
            _ if (1..LATEST).contains(&back) => Relation::Earlier,
            _ => Relation::Later,
        }
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
const LONGEST_SEGMENT: u32 = 0xffff;

/// The packets of one digit, one for each packet time of the stream; all have the timestamp of the first, which has the
/// marker. The end is sent three times (RFC 4733 §2.5.1.4).
#[derive(Debug, Clone)]
pub struct DigitPackets {
    event: Event,
    step: u16,
    total: u16,
    repeats: u8,
}

impl DigitPackets {
    /// A key held for `total` ticks, in packets of `step` ticks; None if there is no such key.
    pub fn new(key: char, step: u16, total: u16) -> Option<DigitPackets> {
        let event = Event { code: Event::code_of(key)?, end: false, volume: VOLUME, duration: 0 };
        Some(DigitPackets { event, step: step.max(1), total: total.max(1), repeats: 3 })
    }
}

impl Iterator for DigitPackets {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.event.duration = self.event.duration.saturating_add(self.step).min(self.total);
        self.event.end = self.event.duration == self.total;
        if self.event.end {
            self.repeats = self.repeats.checked_sub(1)?;
        }
        Some(self.event)
    }
}

/// -10 dBm0, what phones send.
const VOLUME: u8 = 10;

#[cfg(test)]
mod tests;

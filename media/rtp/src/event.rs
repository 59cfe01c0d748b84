//! Digits as telephone events (RFC 4733).

mod packets;
mod receiver;
mod sender;

pub use packets::DigitPackets;
pub use receiver::{DigitReceiver, Heard};
pub use sender::{DigitSender, EventPacket};

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

/// -10 dBm0, what phones send.
const VOLUME: u8 = 10;
/// Of one segment, in ticks (RFC 4733 §2.5.1.3).
const LONGEST_SEGMENT: u32 = 0xffff;

#[cfg(test)]
mod tests;

//! What a phone says, as samples.

use codec::{Format, Library};
use rtp::{Header, Micros};
use std::time::Duration;

/// Hears one stream: reorders its packets, waits for them as long as they are usually late, decodes them, and makes up for what is
/// lost.
pub struct Ear {
    rate: u32,
}

/// How an ear waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The least delay that it keeps.
    pub least: Duration,
    /// The longest; what comes later is lost.
    pub most: Duration,
}

/// What a block that was drawn from an ear is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// What the phone said.
    Sound,
    /// Made up, at least in part.
    Concealed,
    /// Comfort noise as the phone described it, or silence in the place of a stream that has not begun or has stopped.
    Silence,
}

/// What an ear has heard so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Sound made up in the place of packets lost or late.
    pub concealed: Duration,
    /// Packets that came after their turn.
    pub late: u64,
    /// How long a packet waits at present, from its arrival to its turn.
    pub delay: Duration,
}

impl Ear {
    /// For blocks at `rate` samples a second: 8000, 16,000 or 48,000.
    pub fn new(rate: u32, settings: Settings, library: &Library) -> Ear {
        let _ = (settings, library);
        Ear { rate }
    }

    /// What the payload types of the stream carry from now on, and which one, if any, is comfort noise (RFC 3389).
    pub fn expect(&mut self, formats: &[Format], comfort_noise: Option<u8>) {
        let _ = (formats, comfort_noise);
    }

    /// Takes a packet; one of a payload type that is not expected is passed over.
    pub fn on_packet(&mut self, now: Micros, header: &Header, payload: &[u8]) {
        let _ = (now, header, payload);
    }

    /// Fills `block`, 10 or 20 ms of sound, with what comes next.
    pub fn draw(&mut self, now: Micros, block: &mut [i16]) -> Heard {
        let _ = (now, self.rate);
        block.fill(0);
        Heard::Silence
    }

    /// What it has heard so far.
    pub fn statistics(&self) -> Statistics {
        Statistics::default()
    }
}

//! Keys among the sound.

use audio::dtmf::Sounder;
use rtp::{DigitSender, EventPacket};
use std::time::Duration;

/// How a phone is told of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// As telephone events of this payload type (RFC 4733).
    Events(u8),
    /// As tones in the sound.
    Tones,
    /// Not in the media.
    Nothing,
}

/// The keys that are told or wait; more than can wait are left out.
pub enum Keys {
    Events(u8, DigitSender),
    Tones(Sounder),
    Nothing,
}

impl Keys {
    /// For sound of so many samples a second under so many ticks.
    pub fn new(telling: Telling, rate: u32, clock: u32) -> Keys {
        match telling {
            Telling::Events(payload_type) => Keys::Events(payload_type, DigitSender::new(clock)),
            Telling::Tones => Keys::Tones(Sounder::new(rate)),
            Telling::Nothing => Keys::Nothing,
        }
    }

    pub fn press(&mut self, key: char) {
        let _ = match self {
            Keys::Events(_, sender) => sender.press(key),
            Keys::Tones(sounder) => sounder.press(key),
            Keys::Nothing => false,
        };
    }

    pub fn release(&mut self, held: Duration) {
        match self {
            Keys::Events(_, sender) => sender.release(held),
            Keys::Tones(sounder) => sounder.release(held),
            Keys::Nothing => {}
        }
    }

    pub fn strike(&mut self, key: char, held: Duration) {
        let _ = match self {
            Keys::Events(_, sender) => sender.strike(key, held),
            Keys::Tones(sounder) => sounder.strike(key, held),
            Keys::Nothing => false,
        };
    }

    /// Puts tones in the place of sound.
    pub fn sound(&mut self, block: &mut [i16]) {
        if let Keys::Tones(sounder) = self {
            sounder.fill(block);
        }
    }

    /// What is sent in the place of a packet of sound of so many ticks: an event, or nothing at all where one has just ended.
    pub fn packet(&mut self, ticks: u32) -> Option<(u8, Option<EventPacket>)> {
        match self {
            Keys::Events(payload_type, sender) => {
                let is_busy = sender.is_busy();
                let packet = sender.next(ticks);
                is_busy.then_some((*payload_type, packet))
            }
            Keys::Tones(_) | Keys::Nothing => None,
        }
    }
}

//! The keys of one phone, whichever way its packets go.

use rtp::{DigitReceiver, Micros, Packet};
use std::time::Duration;

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// It went down.
    Pressed(char),
    /// It went up, and was held for so long.
    Released(char, Duration),
    /// It went down and up.
    Struck(char, Duration),
}

impl Key {
    /// Which key is news by this.
    pub fn pressed(self) -> Option<char> {
        match self {
            Key::Pressed(key) | Key::Struck(key, _) => Some(key),
            Key::Released(_, _) => None,
        }
    }
}

/// Hears each key once, as events or as tones, whether the packets pass or are looked into; keys faster than anybody types are dropped.
pub struct Keys {
    /// Payload types of telephone events, with their clocks.
    events: Vec<(u8, u32)>,
    receiver: DigitReceiver,
    /// The clock of the last event.
    clock: u32,
    /// Who was told that it went down; for nobody else does it go up.
    down: Option<char>,
    pace: Pace,
}

/// A bucket that holds [`MOST_AT_ONCE`] keys and gets [`MOST_A_SECOND`].
struct Pace {
    left: u64,
    /// When the last whole key was put in.
    filled: Micros,
}

impl Keys {
    pub fn new(now: Micros) -> Keys {
        let pace = Pace { left: MOST_AT_ONCE, filled: now };
        Keys { events: Vec::new(), receiver: DigitReceiver::default(), clock: 8000, down: None, pace }
    }

    /// The payload types of telephone events from now on, with their clocks.
    pub fn expect(&mut self, events: &[(u8, u32)]) {
        self.events = events.to_vec();
    }

    /// Takes an RTP packet; what it tells is two things where the next key is how the last one's end comes to be known. `None`: it is
    /// no event.
    pub fn on_packet(&mut self, now: Micros, datagram: &[u8]) -> Option<[Option<Key>; 2]> {
        let payload_type = datagram.get(1)? & 0x7f;
        let (_, clock) = self.events.iter().find(|(event, _)| *event == payload_type)?;
        self.clock = *clock;
        let packet = Packet::parse(datagram).ok()?;
        let mut heard = self.receiver.on_packet(now, &packet.header, packet.payload());
        Some([heard.next(), heard.next()].map(|heard| self.admit(now, self.key(heard?))))
    }

    /// The keys of a turn: those heard as tones, and one of which nothing is heard any more, and so is over.
    pub fn turn(&mut self, now: Micros, tones: Vec<Key>) -> impl Iterator<Item = Key> + '_ {
        let over = self.receiver.handle_timeout(now).map(|heard| self.key(heard));
        over.into_iter().chain(tones).filter_map(move |key| self.admit(now, key))
    }

    /// Who was told of a key that is down is not there any more: the rest of it is not told to anybody else.
    pub fn part(&mut self) {
        self.down = None;
    }

    fn admit(&mut self, now: Micros, key: Key) -> Option<Key> {
        match key {
            Key::Pressed(which) => {
                self.down = self.pace.take(now).then_some(which);
                self.down.map(|_| key)
            }
            Key::Struck(_, _) => self.pace.take(now).then_some(key),
            Key::Released(which, _) => self.down.take_if(|down| *down == which).map(|_| key),
        }
    }

    fn key(&self, heard: rtp::Heard) -> Key {
        let held = |ticks: u32| Duration::from_micros(u64::from(ticks) * 1_000_000 / u64::from(self.clock.max(1)));
        match heard {
            rtp::Heard::Pressed(key) => Key::Pressed(key),
            rtp::Heard::Released(key, ticks) => Key::Released(key, held(ticks)),
            rtp::Heard::Struck(key, ticks) => Key::Struck(key, held(ticks)),
        }
    }
}

impl Pace {
    fn take(&mut self, now: Micros) -> bool {
        const INTERVAL: u64 = 1_000_000 / MOST_A_SECOND;
        let come = now.since(self.filled) / INTERVAL;
        self.left = self.left.saturating_add(come).min(MOST_AT_ONCE);
        self.filled = Micros(self.filled.0 + come * INTERVAL);
        let is_left = self.left > 0;
        self.left -= u64::from(is_left);
        is_left
    }
}

/// More than the fastest diallers make: 40 ms of a key and 40 ms of pause are 12.5 a second (ITU-T Q.24).
const MOST_A_SECOND: u64 = 20;
/// What may come at once, when a network gives out what it had held back.
const MOST_AT_ONCE: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_dropped_beyond_20_a_second_and_with_them_their_ends() {
        let mut keys = Keys::new(Micros(0));
        let mut told = Vec::new();
        for number in 0..1000_u64 {
            let tones = vec![Key::Pressed('1'), Key::Released('1', Duration::from_millis(40))];
            told.extend(keys.turn(Micros(number * 10_000), tones));
        }
        assert!(told.chunks(2).all(|pair| matches!(pair, [Key::Pressed('1'), Key::Released('1', _)])));
        let pressed = told.len() as u64 / 2;
        assert!((10 * MOST_A_SECOND..=10 * MOST_A_SECOND + MOST_AT_ONCE).contains(&pressed), "{pressed} in 10 s");
    }

    #[test]
    fn keys_as_fast_as_diallers_send_them_are_all_told() {
        let mut keys = Keys::new(Micros(0));
        let told = (0..1000_u64).filter(|number| {
            let key = Key::Struck('1', Duration::from_millis(40));
            keys.turn(Micros(number * 80_000), vec![key]).next().is_some()
        });
        assert_eq!(told.count(), 1000);
    }
}

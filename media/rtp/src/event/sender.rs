//! Digits sent while they are pressed.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Event, LONGEST_SEGMENT, VOLUME};

/// Sends keys as they are pressed, one after the other, whether or not it is known yet how long they will be held.
///
/// It is asked once in each packet time, whether or not it has something to send, and paces itself by that. A key has at
/// least 40 ms, and 40 ms pass before the next: what any receiver takes for a key and for a pause. While
/// [`DigitSender::is_busy`], ordinary sound is not sent (RFC 4733 §2.1).
#[derive(Debug, Clone)]
pub struct DigitSender {
    /// Ticks a second.
    clock: u32,
    /// The first one is being sent, unless it waits for its pause.
    keys: VecDeque<Key>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
struct Key {
    code: u8,
    /// In ticks; None while it is held.
    length: Option<u64>,
}

/// A packet to be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// The first one of a key.
    pub marker: bool,
    /// Its timestamp lies so many ticks before that which a packet of sound would have now.
    pub back: u32,
    /// Its payload.
    pub event: Event,
}

/// All in ticks.
#[derive(Debug, Clone, Copy)]
enum State {
    Ready,
    /// The first key is down, for so long at the time of the next packet. Its latest segment began at `segment`, and
    /// packets have told of what lies before `told`; both since it went down.
    Down {
        elapsed: u64,
        segment: u64,
        told: u64,
    },
    /// The first key is up since `quiet`, and its last packet is sent `left` times more.
    Up {
        last: EventPacket,
        left: u8,
        quiet: u64,
    },
}

impl DigitSender {
    /// Keys that may be sent and wait at once.
    pub const MOST: usize = 64;

    /// For a stream of so many ticks a second.
    pub fn new(clock: u32) -> DigitSender {
        DigitSender { clock, keys: VecDeque::new(), state: State::Ready }
    }

    /// A key goes down; one that is still held is released by it. False if there is no such key, or
    /// [`DigitSender::MOST`] wait: it is left out.
    #[must_use]
    pub fn press(&mut self, key: char) -> bool {
        self.append(key, None)
    }

    /// The held key is to have lasted so long in all; its end is sent at once if it already has.
    pub fn release(&mut self, total: Duration) {
        let length = self.ticks(total);
        if let Some(key) = self.keys.back_mut() {
            key.length.get_or_insert(length);
        }
    }

    /// A key of a length that is known. False as for [`DigitSender::press`].
    #[must_use]
    pub fn strike(&mut self, key: char, length: Duration) -> bool {
        let length = self.ticks(length);
        self.append(key, Some(length))
    }

    /// A key is being sent, waits, or ended less than 40 ms ago: no sound is to be sent.
    pub fn is_busy(&self) -> bool {
        match self.state {
            State::Ready => !self.keys.is_empty(),
            State::Down { .. } => true,
            State::Up { left, quiet, .. } => left > 0 || quiet < self.ticks(PAUSE) || !self.keys.is_empty(),
        }
    }

    /// What to send for the packet time that begins now and lasts `step` ticks.
    pub fn next(&mut self, step: u32) -> Option<EventPacket> {
        let step = u64::from(step.max(1));
        match &mut self.state {
            State::Ready => {}
            State::Down { .. } => return self.down(step),
            State::Up { last, left, quiet } => {
                let at = *quiet;
                if *left > 0 || at < ticks(self.clock, PAUSE) {
                    *quiet += step;
                    last.back = last.back.saturating_add(u32::try_from(step).unwrap_or(u32::MAX));
                    let last = *last;
                    *left = left.checked_sub(1)?;
                    return Some(last);
                }
                self.state = State::Ready;
            }
        }
        self.keys.front()?;
        self.state = State::Down { elapsed: 0, segment: 0, told: 0 };
        self.down(step)
    }

    fn down(&mut self, step: u64) -> Option<EventPacket> {
        let State::Down { elapsed, segment, told } = self.state else { return None };
        let key = *self.keys.front()?;
        let (reached, border) = (elapsed + step, segment + u64::from(LONGEST_SEGMENT));
        let end = key.length.map(|length| length.max(self.ticks(SHORTEST)).max(told)).filter(|end| *end <= reached);
        let until = end.unwrap_or(reached).min(border);
        let over = end.is_some_and(|end| end == until);
        let duration = (until - segment) as u16;
        let event = Event { code: key.code, end: over, volume: VOLUME, duration };
        let packet = EventPacket { marker: elapsed == 0, back: (elapsed - segment) as u32, event };
        self.state = if over {
            self.keys.pop_front();
            let last = EventPacket { marker: false, ..packet };
            State::Up { last, left: 2, quiet: reached - until }
        } else {
            let segment = if until == border { border } else { segment };
            State::Down { elapsed: reached, segment, told: until }
        };
        Some(packet)
    }

    fn append(&mut self, key: char, length: Option<u64>) -> bool {
        let Some(code) = Event::code_of(key).filter(|_| self.keys.len() < DigitSender::MOST) else { return false };
        self.release(Duration::ZERO);
        self.keys.push_back(Key { code, length });
        true
    }

    fn ticks(&self, length: Duration) -> u64 {
        ticks(self.clock, length)
    }
}

fn ticks(clock: u32, length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX).saturating_mul(u64::from(clock)) / 1_000_000
}

/// Of a key.
const SHORTEST: Duration = Duration::from_millis(40);
/// From the end of a key to the beginning of the next.
const PAUSE: Duration = Duration::from_millis(40);

//! A key of a known length.

use super::{Event, VOLUME};

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

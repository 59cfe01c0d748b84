//! A continuous stream of our own, whatever feeds it.

use crate::{Header, Micros, Ssrc};

/// Numbers the packets of one stream. Its own sound, digits and packets of other senders follow each other without a
/// jump that the receiver would hear as loss.
#[derive(Debug, Clone)]
pub struct Sequencer {
    ssrc: Ssrc,
    /// Of the next packet.
    sequence: u16,
    timestamp: u32,
    started: bool,
    followed: Option<Followed>,
}

/// The sender that is passed on at present.
#[derive(Debug, Clone)]
struct Followed {
    ssrc: Ssrc,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// Its own, of its last packet.
    timestamp: u32,
    /// Ticks from one packet to the next.
    step: u32,
    heard: Micros,
}

impl Sequencer {
    /// All three should be random (RFC 3550 §5.1).
    pub fn new(ssrc: Ssrc, sequence: u16, timestamp: u32) -> Sequencer {
        Sequencer { ssrc, sequence, timestamp, started: false, followed: None }
    }

    /// The stream's source.
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// The timestamp of what comes next.
    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// The header for the next packet of our own, which carries so many ticks. The stream's first one has the marker.
    pub fn next(&mut self, payload_type: u8, ticks: u32) -> Header {
        let header = self.at(payload_type, self.timestamp);
        self.timestamp = self.timestamp.wrapping_add(ticks);
        header
    }

    /// The header for a packet that belongs to an earlier moment: one of the many of an event, which share its start.
    pub fn at(&mut self, payload_type: u8, timestamp: u32) -> Header {
        let marker = !std::mem::replace(&mut self.started, true);
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        self.followed = None;
        Header { marker, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }

    /// Lets time pass without a packet.
    pub fn skip(&mut self, ticks: u32) {
        self.timestamp = self.timestamp.wrapping_add(ticks);
    }

    /// The header under which a packet of another sender goes on in this stream. While the sender stays the same, its
    /// gaps and its order stay; a new one is joined on where the last ended, the time between them added.
    pub fn follow(&mut self, now: Micros, packet: &Header, clock: u32) -> Header {
        let followed = match &mut self.followed {
            Some(followed) if followed.ssrc == packet.ssrc => followed,
            last => {
                let usual = last.as_ref().map_or(clock / 50, |last| last.step);
                let pause = last.as_ref().map_or(0, |last| last.pause(now, clock));
                last.insert(Followed {
                    ssrc: packet.ssrc,
                    sequence_offset: self.sequence.wrapping_sub(packet.sequence),
                    timestamp_offset: self.timestamp.wrapping_add(pause).wrapping_sub(packet.timestamp),
                    timestamp: packet.timestamp.wrapping_sub(usual),
                    step: usual,
                    heard: now,
                })
            }
        };
        let sequence = packet.sequence.wrapping_add(followed.sequence_offset);
        let timestamp = packet.timestamp.wrapping_add(followed.timestamp_offset);
        if sequence.wrapping_sub(self.sequence) < 1 << 15 {
            let step = packet.timestamp.wrapping_sub(followed.timestamp);
            if sequence == self.sequence && (1..=clock).contains(&step) {
                followed.step = step;
            }
            followed.timestamp = packet.timestamp;
            followed.heard = now;
            self.sequence = sequence.wrapping_add(1);
            self.timestamp = timestamp.wrapping_add(followed.step);
        }
        self.started = true;
        Header { sequence, timestamp, ssrc: self.ssrc, ..*packet }
    }
}

impl Followed {
    /// Ticks that have passed since the last packet's sound ended.
    fn pause(&self, now: Micros, clock: u32) -> u32 {
        let ticks = now.since(self.heard).saturating_mul(u64::from(clock)) / 1_000_000;
        u32::try_from(ticks).unwrap_or(u32::MAX).saturating_sub(self.step)
    }
}

#[cfg(test)]
mod tests;

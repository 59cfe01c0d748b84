//! Where packets belong: their sequence numbers and timestamps, unwrapped, on one line of time whatever senders come and go.

use rtp::{Header, Ssrc};

/// Gives each packet a number and a place. A sender that starts anew, another sender and another clock go on where the one before
/// ended, so that whoever plays the packets sees one stream.
#[derive(Default)]
pub struct Timeline {
    stream: Option<Stream>,
    /// The packet that would prove a jump (RFC 3550 A.1).
    proof: Option<(Ssrc, u16)>,
}

struct Stream {
    ssrc: Ssrc,
    clock: u32,
    /// Its own sequence number and timestamp of the packet with the highest number.
    sequence: u16,
    timestamp: u32,
    highest: i64,
    place: i64,
    /// Bit n: the packet n before the highest was seen.
    seen: u128,
    /// Place and timestamp from which the clock is counted, so that rounding does not add up.
    origin: i64,
    ticks: i64,
    /// From one packet to the next.
    step: i64,
    heard: i64,
}

/// Where a packet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// One more with each packet.
    pub number: i64,
    /// When its sound begins, in microseconds of the sender's.
    pub place: i64,
}

impl Timeline {
    /// For a packet that came at `arrival`, where one that was not held up comes `base` after its place. `None`: seen before, or not
    /// to be believed.
    pub fn spot(&mut self, arrival: i64, base: i64, header: &Header, clock: u32) -> Option<Spot> {
        let Some(stream) = &mut self.stream else {
            let spot = Spot { number: 0, place: arrival - base };
            self.stream = Some(Stream::new(arrival, spot, STEP, header, clock));
            return Some(spot);
        };
        let ahead = header.sequence.wrapping_sub(stream.sequence);
        let behind = ahead.wrapping_neg();
        let known = stream.ssrc == header.ssrc;
        if known && (1..DROPOUT).contains(&ahead) {
            self.proof = None;
            return Some(stream.go_on(arrival, base, header, clock, ahead));
        }
        if known && u32::from(behind) < u128::BITS {
            self.proof = None;
            return stream.go_back(arrival, base, header, clock, behind);
        }
        // One packet alone may be a stray, unless there is nothing else to hear.
        if arrival - stream.heard < QUIET && self.proof != Some((header.ssrc, header.sequence)) {
            self.proof = Some((header.ssrc, header.sequence.wrapping_add(1)));
            return None;
        }
        self.proof = None;
        let spot = Spot { number: stream.highest + 1, place: stream.joined(arrival, base, 1) };
        self.stream = Some(Stream::new(arrival, spot, stream.step, header, clock));
        Some(spot)
    }
}

impl Stream {
    fn new(arrival: i64, spot: Spot, step: i64, header: &Header, clock: u32) -> Stream {
        Stream {
            ssrc: header.ssrc,
            clock,
            sequence: header.sequence,
            timestamp: header.timestamp,
            highest: spot.number,
            place: spot.place,
            seen: 1,
            origin: spot.place,
            ticks: 0,
            step,
            heard: arrival,
        }
    }

    fn go_on(&mut self, arrival: i64, base: i64, header: &Header, clock: u32, ahead: u16) -> Spot {
        let mut place = self.by_timestamp(header);
        if clock != self.clock || !is_credible(arrival - place - base) {
            place = self.joined(arrival, base, ahead);
            (self.origin, self.ticks, self.clock) = (place, 0, clock);
        } else {
            self.ticks += self.ticks_to(header);
            let step = (place - self.place) / i64::from(ahead);
            if (SHORTEST..=LONGEST).contains(&step) {
                self.step = step;
            }
        }
        (self.sequence, self.timestamp, self.place, self.heard) = (header.sequence, header.timestamp, place, arrival);
        self.highest += i64::from(ahead);
        self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
        Spot { number: self.highest, place }
    }

    fn go_back(&mut self, arrival: i64, base: i64, header: &Header, clock: u32, behind: u16) -> Option<Spot> {
        let place = self.by_timestamp(header);
        if self.seen & 1 << behind != 0 || clock != self.clock || !is_credible(arrival - place - base) {
            return None;
        }
        self.seen |= 1 << behind;
        self.heard = arrival;
        Some(Spot { number: self.highest - i64::from(behind), place })
    }

    fn ticks_to(&self, header: &Header) -> i64 {
        i64::from(header.timestamp.wrapping_sub(self.timestamp) as i32)
    }

    fn by_timestamp(&self, header: &Header) -> i64 {
        self.origin + (self.ticks + self.ticks_to(header)) * 1_000_000 / i64::from(self.clock.max(1))
    }

    /// Where a packet so many after the last one belongs, whatever it says itself: right after it, unless the time that has passed
    /// says otherwise.
    fn joined(&self, arrival: i64, base: i64, ahead: u16) -> i64 {
        let next = self.place + self.step * i64::from(ahead);
        let late = arrival - base - next;
        if (-EARLY..QUIET).contains(&late) { next } else { (arrival - base).max(self.place + self.step) }
    }
}

/// Whether a packet may be that late: a sender's timestamps are those of the sound, but one that was held may count on from where
/// it stopped, or begin anew.
fn is_credible(late: i64) -> bool {
    (-500_000..2_000_000).contains(&late)
}

/// Numbers that may be missing in a row before a jump is taken for a new start (RFC 3550 A.1).
const DROPOUT: u16 = 3000;
/// A sender not heard for so long has stopped, as far as another one is concerned.
const QUIET: i64 = 100_000;
const EARLY: i64 = 60_000;
const STEP: i64 = 20_000;
const SHORTEST: i64 = 2500;
const LONGEST: i64 = 120_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: Ssrc(ssrc) }
    }

    #[test]
    fn numbers_and_places_go_on_over_the_wrap() {
        let mut timeline = Timeline::default();
        let mut arrival = 0;
        for packet in 0..100_000_u32 {
            let header = header(1, 65_000_u16.wrapping_add(packet as u16), 0xffff_0000_u32.wrapping_add(packet * 160));
            let spot = timeline.spot(arrival, 0, &header, 8000).unwrap();
            assert_eq!(spot, Spot { number: i64::from(packet), place: i64::from(packet) * 20_000 });
            assert_eq!(timeline.spot(arrival, 0, &header, 8000), None);
            arrival += 20_000;
        }
    }

    #[test]
    fn a_packet_that_was_overtaken_is_taken_once() {
        let mut timeline = Timeline::default();
        timeline.spot(0, 0, &header(1, 1, 160), 8000);
        timeline.spot(40_000, 0, &header(1, 3, 480), 8000);
        let spot = timeline.spot(41_000, 0, &header(1, 2, 320), 8000);
        assert_eq!(spot, Some(Spot { number: 1, place: 20_000 }));
        assert_eq!(timeline.spot(42_000, 0, &header(1, 2, 320), 8000), None);
    }

    #[test]
    fn another_sender_goes_on_where_the_one_before_ended_but_a_stray_is_nothing() {
        let mut timeline = Timeline::default();
        timeline.spot(0, 0, &header(1, 1, 160), 8000);
        assert_eq!(timeline.spot(10_000, 0, &header(2, 700, 9), 8000), None);
        timeline.spot(20_000, 0, &header(1, 2, 320), 8000);
        assert_eq!(timeline.spot(30_000, 0, &header(2, 701, 169), 8000), None);
        let spot = timeline.spot(50_000, 0, &header(2, 702, 329), 8000);
        assert_eq!(spot, Some(Spot { number: 2, place: 40_000 }));
        // Long after, the first packet is enough.
        let spot = timeline.spot(60_000_000, 0, &header(3, 5, 5), 48_000);
        assert_eq!(spot, Some(Spot { number: 3, place: 60_000_000 }));
        let spot = timeline.spot(60_020_000, 0, &header(3, 6, 965), 48_000);
        assert_eq!(spot, Some(Spot { number: 4, place: 60_020_000 }));
    }

    #[test]
    fn timestamps_that_stood_still_or_jumped_are_set_right_by_the_time_that_passed() {
        let mut timeline = Timeline::default();
        timeline.spot(0, 0, &header(1, 1, 160), 8000);
        let spot = timeline.spot(60_000_000, 0, &header(1, 2, 320), 8000);
        assert_eq!(spot, Some(Spot { number: 1, place: 60_000_000 }));
        let spot = timeline.spot(60_020_000, 0, &header(1, 3, 0x8000_0000), 8000);
        assert_eq!(spot, Some(Spot { number: 2, place: 60_020_000 }));
    }

    #[test]
    fn a_pause_that_the_timestamp_tells_of_stays_one() {
        let mut timeline = Timeline::default();
        timeline.spot(0, 0, &header(1, 1, 160), 8000);
        let spot = timeline.spot(1_005_000, 0, &header(1, 2, 8160), 8000);
        assert_eq!(spot, Some(Spot { number: 1, place: 1_000_000 }));
    }
}

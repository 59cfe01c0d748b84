//! How long packets have to wait so that those held up come in time as well.

use super::Settings;

/// Learns from each packet what delay it would have needed; delays are from a packet's place on the line of time to its turn, in
/// microseconds.
pub struct Delay {
    /// Of the last packets, in the order in which they came, around and around.
    seen: Vec<Seen>,
    at: usize,
    /// Packets since the target was worked out.
    fresh: usize,
    base: i64,
    target: i64,
    /// Smoothed, of arrival after place.
    mean: i64,
    least: i64,
    most: i64,
    scratch: Vec<i32>,
}

#[derive(Clone, Copy)]
struct Seen {
    needed: i32,
    transit: i32,
}

impl Delay {
    /// Nothing is known.
    pub fn new(settings: Settings) -> Delay {
        let micros = |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(HOUR).min(HOUR);
        let least = micros(settings.least);
        Delay {
            seen: Vec::new(),
            at: 0,
            fresh: 0,
            base: 0,
            target: 0,
            mean: 0,
            least,
            most: micros(settings.most).max(least),
            scratch: Vec::new(),
        }
    }

    /// A packet came so long after its place, and would have had to wait as long as `needed` to be there in time.
    pub fn on_packet(&mut self, transit: i64, needed: i64) {
        let seen = Seen { needed: clamped(needed), transit: clamped(transit) };
        if self.seen.is_empty() {
            (self.mean, self.base) = (transit, transit);
        }
        if self.seen.len() < LONG {
            self.seen.push(seen);
        } else {
            self.seen[self.at] = seen;
        }
        self.at = (self.at + 1) % LONG;
        self.mean += (transit - self.mean) / 16;
        self.base = self.base.min(transit);
        self.fresh += 1;
        if self.fresh >= INTERVAL || self.seen.len() < SHORT {
            self.settle();
        }
    }

    /// A packet came too late: what is known is looked at again at once.
    pub fn on_late(&mut self) {
        self.settle();
    }

    /// Arrival after place of a packet that nothing held up.
    pub fn base(&self) -> i64 {
        self.base
    }

    /// The same of packets as they usually come.
    pub fn mean(&self) -> i64 {
        self.mean
    }

    /// The delay to be had.
    pub fn target(&self) -> i64 {
        self.target
    }

    /// The delay that the last few packets would have needed.
    pub fn recent(&self) -> i64 {
        let last = (1..=RECENT.min(self.seen.len())).map(|back| self.seen[(self.at + LONG - back) % LONG].needed);
        last.max().map_or(i64::MIN, i64::from)
    }

    /// The delay beyond which packets are given up.
    pub fn limit(&self) -> i64 {
        self.base + self.most
    }

    fn settle(&mut self) {
        self.fresh = 0;
        let count = self.seen.len();
        if count == 0 {
            return;
        }
        self.base = self.seen.iter().map(|seen| i64::from(seen.transit)).min().unwrap_or_default();
        let wanted = if count < SHORT {
            let highest = self.seen.iter().map(|seen| i64::from(seen.needed)).max().unwrap_or_default();
            highest + START
        } else {
            // Quick up: a tenth of the last second. Slow down: three hundredths of the last ten.
            let last = (1..=SHORT).map(|back| self.seen[(self.at + LONG - back) % LONG].needed);
            self.scratch.clear();
            self.scratch.extend(last);
            let quick = nth(&mut self.scratch, SHORT - 1 - SHORT / 10);
            self.scratch.clear();
            self.scratch.extend(self.seen.iter().map(|seen| seen.needed));
            let slow = nth(&mut self.scratch, (count * 97 / 100).min(count - 1));
            i64::from(quick.max(slow))
        };
        self.target = (wanted + MARGIN).clamp(self.base + self.least, self.base + self.most);
    }
}

fn nth(values: &mut [i32], place: usize) -> i32 {
    *values.select_nth_unstable(place).1
}

fn clamped(micros: i64) -> i32 {
    micros.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Packets that are remembered: 10 s of 20 ms.
const LONG: usize = 500;
/// Packets by which a rise is told.
const SHORT: usize = 50;
/// Packets after which a delay is over.
const RECENT: usize = 5;
/// Packets from one look at them to the next.
const INTERVAL: usize = 16;
/// What is added while little is known.
const START: i64 = 20_000;
/// What a packet should be there before its turn.
const MARGIN: i64 = 1000;
const HOUR: i64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn delay() -> Delay {
        Delay::new(Settings { least: Duration::ZERO, most: Duration::from_millis(300) })
    }

    #[test]
    fn without_jitter_nothing_is_added() {
        let mut delay = delay();
        (0..100).for_each(|_| delay.on_packet(5000, 12_000));
        assert_eq!((delay.base(), delay.target()), (5000, 12_000 + MARGIN));
    }

    #[test]
    fn it_rises_within_a_second_and_falls_after_ten() {
        let mut delay = delay();
        (0..500).for_each(|_| delay.on_packet(0, 0));
        let rise = (0..).find(|_| {
            delay.on_packet(80_000, 80_000);
            delay.target() >= 80_000
        });
        assert!(rise.unwrap() <= 25, "{rise:?}");
        let fall = (0..).find(|_| {
            delay.on_packet(0, 0);
            delay.target() < 80_000
        });
        assert!((20..600).contains(&fall.unwrap()), "{fall:?}");
    }

    #[test]
    fn it_stays_between_least_and_most() {
        let mut delay = Delay::new(Settings { least: Duration::from_millis(30), most: Duration::from_millis(90) });
        (0..100).for_each(|_| delay.on_packet(7000, 8000));
        assert_eq!(delay.target(), 37_000);
        (0..600).for_each(|at| delay.on_packet(7000 + at % 2 * 400_000, 8000 + at % 2 * 400_000));
        assert_eq!(delay.target(), 97_000);
    }
}

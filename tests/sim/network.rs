//! How bad the network is.

use sip::random::Random;
use std::time::Duration;

/// What happens to datagrams, on each hop of their way.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// So many of a hundred are lost.
    pub loss: u64,
    /// So many of a hundred come twice.
    pub copies: u64,
    /// The shortest delay.
    pub delay: Duration,
    /// The longest delay is longer by this; what is sent later may so come earlier.
    pub jitter: Duration,
}

impl Network {
    /// Nothing is lost, and nothing overtakes.
    pub const GOOD: Network =
        Network { loss: 0, copies: 0, delay: Duration::from_millis(3), jitter: Duration::from_millis(0) };

    /// Anything up to 20 % loss, 20 % copies and 300 ms of jitter; one in five is a good one.
    pub fn any(random: &mut Random) -> Network {
        if random.number().is_multiple_of(5) {
            return Network::GOOD;
        }
        Network {
            loss: random.number() % 21,
            copies: random.number() % 21,
            delay: Duration::from_millis(1 + random.number() % 20),
            jitter: Duration::from_millis([5, 30, 100, 300][(random.number() % 4) as usize]),
        }
    }

    /// The same among members of the cluster, who are near each other: as bad, but quick.
    pub fn inside(&self) -> Network {
        let (delay, jitter) = (Duration::from_millis(1), Duration::from_millis(10));
        Network { delay: self.delay.min(delay), jitter: self.jitter.min(jitter), ..*self }
    }

    /// After what delays a datagram arrives: never, once or twice.
    pub fn carry(&self, random: &mut Random) -> Vec<Duration> {
        let copies = u64::from(random.number() % 100 < self.copies) + 1;
        let mut delays = Vec::new();
        for _ in 0..copies {
            let jitter = random.number() % (self.jitter.as_millis() as u64 + 1);
            if random.number() % 100 >= self.loss {
                delays.push(self.delay + Duration::from_millis(jitter));
            }
        }
        delays
    }
}

/// A number in this range.
pub fn between(random: &mut Random, from: u64, to: u64) -> u64 {
    from + random.number() % (to - from + 1)
}

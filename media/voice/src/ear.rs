//! What a phone says, as samples.

use codec::{Format, Library};
use rtp::{Header, Micros};
use std::time::Duration;

mod buffer;
mod conceal;
mod delay;
mod noise;
mod output;
mod pitch;
mod player;
mod sound;
mod stretch;
mod timeline;
mod voices;

use delay::Delay;
use player::Player;
use timeline::Timeline;
use voices::Kind;

/// Hears one stream: reorders its packets, waits for them as long as they are usually late, decodes them, and makes up for what is
/// lost.
///
/// Time is counted by the blocks that are drawn; `now`, on one clock for both, tells only where between two blocks a packet came.
/// A packet belongs to a place on the sender's line of time; what is learnt of the packets is how long after its place one should
/// have its turn, and sound is made longer or shorter by whole periods until it has. Memory has a bound whatever comes, and once the
/// first packets are through none is taken for more of the same.
pub struct Ear {
    rate: u32,
    timeline: Timeline,
    delay: Delay,
    player: Player,
    /// Of the stream's sound at present.
    clock: u32,
    /// When the next block begins, and how long the last one was, in microseconds.
    turn: i64,
    block: i64,
    drawn: Option<Micros>,
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
    /// Sound put in or taken out to change the delay.
    pub stretched: Duration,
}

impl Ear {
    /// For blocks at `rate` samples a second: 8000, 16,000 or 48,000.
    pub fn new(rate: u32, settings: Settings, library: &Library) -> Ear {
        Ear {
            rate: rate.max(1000),
            timeline: Timeline::default(),
            delay: Delay::new(settings),
            player: Player::new(rate.max(1000), library),
            clock: 8000,
            turn: 0,
            block: 20_000,
            drawn: None,
        }
    }

    /// What the payload types of the stream carry from now on, and which one, if any, is comfort noise (RFC 3389).
    pub fn expect(&mut self, formats: &[Format], comfort_noise: Option<u8>) {
        self.player.expect(formats, comfort_noise);
    }

    /// Takes a packet; one of a payload type that is not expected is passed over.
    pub fn on_packet(&mut self, now: Micros, header: &Header, payload: &[u8]) {
        match self.player.kind(header.payload_type) {
            Some(Kind::Sound(clock)) => self.clock = clock,
            Some(Kind::Noise) => {}
            None => return,
        }
        // The next block is drawn a block's length after the last one.
        let since = self.drawn.map_or(0, |drawn| i64::try_from(now.since(drawn)).unwrap_or(i64::MAX));
        let left = self.block - since.min(self.block);
        let arrival = self.turn - left;
        let Some(spot) = self.timeline.spot(arrival, self.delay.base(), header, self.clock) else { return };
        // A packet that only just came in time would be late next time.
        let ready = if left < MARGIN { self.turn + self.block } else { self.turn };
        self.delay.on_packet(arrival - spot.place, ready - spot.place);
        self.player.on_packet(spot, header.payload_type, payload, &mut self.delay);
    }

    /// Fills `block`, 10 or 20 ms of sound, with what comes next.
    pub fn draw(&mut self, now: Micros, block: &mut [i16]) -> Heard {
        if block.is_empty() {
            return Heard::Silence;
        }
        self.drawn = Some(now);
        let heard = self.player.draw(self.turn, block, &mut self.delay);
        self.block = sound::micros(block.len(), self.rate);
        self.turn += self.block;
        heard
    }

    /// What it has heard so far.
    pub fn statistics(&self) -> Statistics {
        let wait = self.player.delay(self.turn).unwrap_or(self.delay.target()) - self.delay.mean();
        Statistics { delay: micros(wait), ..self.player.statistics() }
    }

    /// Bytes of memory that payloads and sound have taken, without that of decoders; it has a bound whatever comes.
    pub fn memory(&self) -> usize {
        self.player.memory()
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Microseconds before its turn that a packet should be there, since the callers' clock is not exact.
const MARGIN: i64 = 1000;

//! Packets in their turn, and what is heard in the place of those that are missing.

use codec::{Format, Library};

use super::buffer::{Buffer, Waiting};
use super::conceal::Concealer;
use super::delay::Delay;
use super::noise::Noise;
use super::output::Output;
use super::sound::{Sound, Way, cross_fade, micros, samples};
use super::stretch::{lengthen, shorten};
use super::timeline::Spot;
use super::voices::{Kind, Voices};
use super::{Heard, Statistics};

mod join;

/// Plays one stream.
pub struct Player {
    voices: Voices,
    buffer: Buffer,
    sound: Sound,
    output: Output,
    concealer: Concealer,
    noise: Noise,
    scratch: Vec<i16>,
    phase: Phase,
    /// Numbers of the last packet that had its turn, and of the last that was there for it.
    passed: i64,
    heard: i64,
    /// Place where the sound that was decoded ends.
    next: i64,
    /// Payload type and samples of the last packet of sound.
    speaking: u8,
    usual: usize,
    /// Time since the delay was last changed, or could not be.
    rested: i64,
    statistics: Statistics,
}

enum Phase {
    /// The sound that is there goes on.
    Flowing,
    /// What goes on from there is not there, or has not had its turn.
    Broken(Gap),
}

#[derive(Clone, Copy)]
struct Gap {
    filler: Filler,
    /// Sound went before it, of which nobody said that it would end.
    lost: bool,
    /// The delay when it began.
    delay: i64,
    /// What was made up so far, in microseconds.
    made: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Filler {
    /// Nothing was heard yet.
    Nothing,
    /// What the codec itself makes of it.
    Codec,
    /// The last periods again.
    Periods,
    /// What the phone described.
    Noise,
    /// All of the above have ended.
    Silence,
}

/// What a step towards a whole block did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Decoded,
    Concealed,
    Silent,
    Passed,
}

impl Player {
    /// For blocks at `rate` samples a second.
    pub fn new(rate: u32, library: &Library) -> Player {
        Player {
            voices: Voices::new(rate, library),
            buffer: Buffer::default(),
            sound: Sound::new(rate),
            output: Output::new(rate),
            concealer: Concealer::default(),
            noise: Noise::default(),
            scratch: Vec::new(),
            phase: Phase::Broken(Gap { filler: Filler::Nothing, lost: false, delay: 0, made: 0 }),
            passed: i64::MIN / 2,
            heard: i64::MIN / 2,
            next: 0,
            speaking: 0,
            usual: 0,
            rested: 0,
            statistics: Statistics::default(),
        }
    }

    /// What payload types carry from now on.
    pub fn expect(&mut self, formats: &[Format], comfort_noise: Option<u8>) {
        self.voices.expect(formats, comfort_noise);
    }

    /// What a payload type carries.
    pub fn kind(&self, payload_type: u8) -> Option<Kind> {
        self.voices.kind(payload_type)
    }

    /// What was heard so far, the delay aside.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Bytes of memory for payloads and sound.
    pub fn memory(&self) -> usize {
        let samples = self.sound.capacity() + self.output.capacity() + self.scratch.capacity();
        self.buffer.memory() + samples * size_of::<i16>()
    }

    /// From a packet's place to its turn, as things stand at `turn`; `None`: nothing flows.
    pub fn delay(&self, turn: i64) -> Option<i64> {
        match self.phase {
            Phase::Flowing => Some(self.end(turn) - self.next),
            Phase::Broken(_) => None,
        }
    }

    /// Takes a packet, unless its turn is over.
    pub fn on_packet(&mut self, spot: Spot, payload_type: u8, payload: &[u8], delay: &mut Delay) {
        if spot.number <= self.passed {
            self.statistics.late += 1;
            delay.on_late();
            return;
        }
        if self.buffer.is_full() {
            self.drop_front();
        }
        self.buffer.insert(spot, payload_type, payload);
    }

    /// Fills a block that begins at `turn`.
    pub fn draw(&mut self, turn: i64, block: &mut [i16], delay: &mut Delay) -> Heard {
        self.keep_delay(turn, block.len(), delay);
        let (mut decoded, mut concealed) = (matches!(self.phase, Phase::Flowing), false);
        loop {
            let missing = self.output.needed(block.len().saturating_sub(self.output.len()));
            if missing == 0 {
                break;
            }
            match missing.checked_sub(self.sound.ready()) {
                None | Some(0) => self.output.push(self.sound.play(missing)),
                Some(more) => match self.step(turn, more, delay) {
                    Step::Decoded => decoded = true,
                    Step::Concealed => concealed = true,
                    Step::Silent | Step::Passed => {}
                },
            }
        }
        self.output.pull(block);
        match (concealed, decoded) {
            (true, _) => Heard::Concealed,
            (false, true) => Heard::Sound,
            (false, false) => Heard::Silence,
        }
    }

    /// Where on the line of turns the sound that is there ends.
    fn end(&self, turn: i64) -> i64 {
        turn + self.output.micros() + self.sound.ready_micros()
    }

    /// Decodes the next packet if its turn has come, passes over it if that is gone, or makes up so many samples, or fewer.
    fn step(&mut self, turn: i64, missing: usize, delay: &mut Delay) -> Step {
        let Some(front) = self.buffer.front() else { return self.make_up(turn, missing) };
        let wait = self.end(turn) - front.spot.place;
        let gap = match self.phase {
            Phase::Flowing if self.goes_on(front) && wait <= delay.limit() + SLACK => return self.decode(turn, delay),
            Phase::Flowing => self.break_off(turn),
            Phase::Broken(gap) => gap,
        };
        let Some(front) = self.buffer.front() else { return Step::Passed };
        let target = delay.target();
        let aim = if gap.lost && !self.is_pause(front) { gap.delay.clamp(target, target + SLACK) } else { target };
        let lacking = samples(aim - wait, self.sound.rate());
        if lacking > 0 {
            return self.correct(lacking).unwrap_or_else(|| self.make_up(turn, lacking.min(missing)));
        }
        // What comes too late is left out where there is something after it, and where nobody waits for anything to be heard again.
        let is_late = wait > aim + SLACK && self.buffer.len() > 1 && gap.made < WEARY;
        if is_late || wait > delay.limit() + SLACK {
            self.drop_front();
            return Step::Passed;
        }
        self.decode(turn, delay)
    }

    /// Whether a packet is the one after the last, and its sound begins where that one's ends.
    fn goes_on(&self, front: &Waiting) -> bool {
        front.spot.number == self.heard + 1 && front.spot.place - self.next <= TOLERANCE
    }

    /// Whether a packet is the one after the last, but its sound begins later: the phone had nothing to say.
    fn is_pause(&self, front: &Waiting) -> bool {
        front.spot.number == self.heard + 1 && front.spot.place - self.next > TOLERANCE
    }

    fn drop_front(&mut self) {
        if let Some(waiting) = self.buffer.pop() {
            self.passed = waiting.spot.number;
            self.statistics.late += 1;
            self.buffer.give_back(waiting);
        }
    }

    fn break_off(&mut self, turn: i64) -> Gap {
        let gap = Gap { filler: Filler::Codec, lost: true, delay: self.end(turn) - self.next, made: 0 };
        self.phase = Phase::Broken(gap);
        gap
    }

    fn decode(&mut self, turn: i64, delay: &Delay) -> Step {
        let Some(waiting) = self.buffer.pop() else { return Step::Passed };
        let is_pause = self.is_pause(&waiting);
        let step = match self.voices.kind(waiting.payload_type) {
            Some(Kind::Sound(_)) => self.decode_sound(turn, &waiting, is_pause, delay),
            Some(Kind::Noise) => self.take_noise(&waiting),
            None => Step::Passed,
        };
        self.buffer.give_back(waiting);
        step
    }

    fn decode_sound(&mut self, turn: i64, waiting: &Waiting, is_pause: bool, delay: &Delay) -> Step {
        let rate = self.voices.decoder(waiting.payload_type).map(|decoder| decoder.rate());
        let Some(rate) = rate else { return Step::Passed };
        let over = self.end(turn) - waiting.spot.place - delay.target().max(delay.recent());
        if rate != self.sound.rate() {
            self.turn_to(rate);
        }
        let (out, _) = self.sound.parts();
        let start = out.len();
        let decoder = self.voices.decoder(waiting.payload_type);
        let is_whole = decoder.is_some_and(|decoder| decoder.decode(&waiting.payload, out).is_ok());
        let count = out.len() - start;
        if !is_whole || count == 0 {
            // As good as lost: its number stays open.
            out.truncate(start);
            return Step::Passed;
        }
        if let Phase::Broken(gap) = self.phase {
            if gap.lost && !is_pause {
                self.statistics.concealed += super::micros(gap.made.min(HEARD));
            }
            self.join(start, gap, over);
        }
        self.phase = Phase::Flowing;
        (self.passed, self.heard) = (waiting.spot.number, waiting.spot.number);
        self.next = waiting.spot.place + micros(count, rate);
        (self.speaking, self.usual) = (waiting.payload_type, count);
        Step::Decoded
    }

    fn take_noise(&mut self, waiting: &Waiting) -> Step {
        (self.passed, self.heard) = (waiting.spot.number, waiting.spot.number);
        self.next = waiting.spot.place;
        if self.noise.describe(&waiting.payload)
            && let Some(made) = self.fade_to_noise()
        {
            self.phase = Phase::Broken(Gap { filler: Filler::Noise, lost: false, delay: 0, made });
        }
        Step::Silent
    }

    /// The one packet that is missing, from what the next one says of it (Opus in-band FEC, RFC 6716 §2.1.7).
    fn correct(&mut self, lacking: usize) -> Option<Step> {
        let Phase::Broken(gap) = &mut self.phase else { return None };
        let front = self.buffer.front()?;
        let is_alone = front.spot.number > self.heard + 1 && lacking.abs_diff(self.usual) <= self.usual / 8;
        if gap.filler != Filler::Codec || !is_alone || front.payload_type != self.speaking {
            return None;
        }
        let (out, _) = self.sound.parts();
        let start = out.len();
        let decoder = self.voices.decoder(self.speaking)?;
        if !decoder.conceal(self.usual, Some(&front.payload), out) || out.len() == start {
            return None;
        }
        let count = out.len() - start;
        gap.made += micros(count, self.sound.rate());
        Some(Step::Concealed)
    }

    fn make_up(&mut self, turn: i64, missing: usize) -> Step {
        let mut gap = match self.phase {
            Phase::Flowing => self.break_off(turn),
            Phase::Broken(gap) => gap,
        };
        let rate = self.sound.rate();
        let step = if gap.lost && gap.made < HEARD { Step::Concealed } else { Step::Silent };
        if gap.filler == Filler::Codec && !self.conceal_by_codec(&mut gap, missing) {
            gap.filler = Filler::Periods;
            self.concealer.begin(self.sound.past(), rate);
        }
        if gap.filler == Filler::Periods && self.concealer.is_over() {
            gap.filler = Filler::Silence;
        }
        let (out, _) = self.sound.parts();
        let count = match gap.filler {
            Filler::Codec => 0,
            Filler::Periods => {
                self.concealer.go_on(missing, out);
                missing
            }
            Filler::Noise => {
                self.noise.go_on(missing, out);
                missing
            }
            Filler::Silence | Filler::Nothing => {
                out.resize(out.len() + missing, 0);
                missing
            }
        };
        gap.made += micros(count, rate);
        self.phase = Phase::Broken(gap);
        step
    }

    /// In steps of 10 ms, the shortest frame of most codecs; `false`: it knows nothing, or nothing more.
    fn conceal_by_codec(&mut self, gap: &mut Gap, missing: usize) -> bool {
        if gap.made >= PATIENCE {
            gap.filler = Filler::Silence;
            return true;
        }
        let rate = self.sound.rate();
        let (out, _) = self.sound.parts();
        let start = out.len();
        let count = missing.next_multiple_of((rate as usize / 100).max(1));
        let decoder = self.voices.decoder(self.speaking);
        let is_made = decoder.is_some_and(|decoder| decoder.rate() == rate && decoder.conceal(count, None, out));
        gap.made += micros(out.len() - start, rate);
        is_made && out.len() > start
    }

    /// Makes the sound a little shorter or longer where its delay is not what it should be.
    fn keep_delay(&mut self, turn: i64, block: usize, delay: &Delay) {
        self.rested += self.output.micros_of(block);
        let Some(now) = self.delay(turn) else { return };
        // What the last packets needed may be what the next ones need, though it is too early to wait for it.
        let over = match now - delay.target() {
            over if over > SLACK => (now - delay.target().max(delay.recent())).max(0),
            over => over,
        };
        if (0..=SLACK).contains(&over) || self.rested < if over.abs() > HURRY { 20_000 } else { 60_000 } {
            return;
        }
        self.rested = 0;
        let rate = self.sound.rate();
        let enough = samples(if over > 0 { 40_000 } else { 10_000 }, rate);
        while self.sound.ready() < enough && self.buffer.front().is_some_and(|front| self.goes_on(front)) {
            if self.decode(turn, delay) != Step::Decoded || self.sound.rate() != rate {
                return;
            }
        }
        // The farther off, the less it matters how the change sounds.
        let likeness = (0.9 - over.abs() as f32 / 100_000.0).max(0.4);
        let changed = match over > 0 {
            true => shorten(&mut self.sound, samples(over - SLACK / 4, rate), likeness),
            false => lengthen(&mut self.sound, samples(SLACK * 3 / 4 - over, rate), likeness),
        };
        self.statistics.stretched += super::micros(micros(changed, rate));
    }
}

/// By how much a place may be off the end of the sound before it and still go on from there, in microseconds.
const TOLERANCE: i64 = 2000;
/// Delay beyond the target that is not worth a change.
const SLACK: i64 = 10_000;
/// Delay off the target that is changed as fast as may be.
const HURRY: i64 = 40_000;
/// Sound made up after which anything that comes is better.
const WEARY: i64 = 60_000;
/// Sound made up that can be heard at all.
const HEARD: i64 = 100_000;
/// For how long a codec makes up for what does not come, longer than from one of its packets to the next in silence (400 ms).
const PATIENCE: i64 = 1_000_000;

//! Phones on bad networks, in simulated time: packets are lost, overtake each other and come twice on both ways of both legs, and what
//! the far phone hears is judged after an ear of its own, as people hear it.

mod keys;
mod tones;

use super::protected::{keyed, protected};
use super::transcoding::Speaker;
use super::*;
use codec::{Codec, Format};
use std::collections::BTreeMap;
use voice::Ear;

/// What a network does to packets.
#[derive(Clone, Copy)]
struct Weather {
    /// So many of a thousand are lost.
    lost: u64,
    /// So many of a thousand come twice.
    doubled: u64,
    /// Each is held up by up to so long.
    late: Duration,
}

impl Weather {
    const BAD: Weather = Weather { lost: 50, doubled: 10, late: Duration::from_millis(40) };
    const WORSE: Weather = Weather { lost: 100, ..Weather::BAD };
    const LOSSY: Weather = Weather { lost: 100, doubled: 0, late: Duration::ZERO };
}

/// The seed is printed, and taken from `SEED` where that is set.
struct Random(u64);

impl Random {
    fn new() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| getrandom::u64().unwrap());
        println!("SEED={seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        crate::ports::mixed(self.0)
    }

    /// From 0 to one less than `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// One way from a phone to the exchange or back.
struct Way {
    weather: Weather,
    random: Random,
    /// By the time of their arrival.
    under_way: BTreeMap<(Instant, u64), Vec<u8>>,
    count: u64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Lost,
    Arrives,
}

impl Way {
    fn new(weather: Weather, random: &mut Random) -> Way {
        Way { weather, random: Random(random.next()), under_way: BTreeMap::new(), count: 0 }
    }

    fn send(&mut self, now: Instant, packet: &[u8]) -> Fate {
        let Weather { lost, doubled, late } = self.weather;
        if self.random.below(1000) < lost {
            return Fate::Lost;
        }
        let copies = if self.random.below(1000) < doubled { 2 } else { 1 };
        for _ in 0..copies {
            let at = now + Duration::from_micros(self.random.below(late.as_micros() as u64));
            self.count += 1;
            self.under_way.insert((at, self.count), packet.to_vec());
        }
        Fate::Arrives
    }

    fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        let first = self.under_way.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }
}

/// A phone behind such a network.
struct Far {
    speaker: Speaker,
    opened: Opened,
    there: Way,
    back: Way,
    ear: Ear,
    rate: u32,
    security: Option<(call::Keys, srtp::Outbound, srtp::Inbound)>,
    began: Instant,
    /// The steps of every 20 ms in which it speaks and in which it draws sound.
    speaks: u32,
    draws: u32,
    /// What came out of the ear.
    heard: Vec<i16>,
    /// Packets that arrived in the last step.
    packets: Vec<(rtp::Header, Vec<u8>)>,
    /// All that were sent to it, and what became of them.
    fates: Vec<(rtp::Header, Vec<u8>, Fate)>,
}

impl Far {
    fn new(bench: &mut Bench, speaker: Speaker, weather: Weather, random: &mut Random) -> Far {
        let opened = bench.plane.open(Some(speaker.phone.remote().rtp)).unwrap();
        let rate = rate_of(&speaker.format);
        let mut ear = Ear::new(rate, PATIENCE, &library());
        ear.expect(&[speaker.format], None);
        Far {
            speaker,
            opened,
            there: Way::new(weather, random),
            back: Way::new(weather, random),
            ear,
            rate,
            security: None,
            began: bench.now,
            speaks: random.below(u64::from(STEPS)) as u32,
            draws: random.below(u64::from(STEPS)) as u32,
            heard: Vec::new(),
            packets: Vec::new(),
            fates: Vec::new(),
        }
    }

    /// Encrypts from now on.
    fn secure(&mut self, suite: srtp::Suite) {
        self.security = Some(keyed(suite));
    }

    fn remote(&self) -> Remote {
        let remote = self.speaker.remote();
        match &self.security {
            Some((keys, ..)) => Remote { security: Security::Sdes(*keys), ..remote },
            None => remote,
        }
    }

    /// Speaks and hears as this one does from now on, in the stream that it has.
    fn change(&mut self, like: Speaker) {
        self.speaker.change(like);
        let format = self.speaker.format;
        self.rate = rate_of(&format);
        self.ear = Ear::new(self.rate, PATIENCE, &library());
        self.ear.expect(&[format], None);
        self.heard.clear();
    }

    /// Sets a packet on its way to the exchange.
    fn say(&mut self, now: Instant, packet: &[u8]) -> Fate {
        match &mut self.security {
            Some((_, says, _)) => self.there.send(now, &protected(says, srtp::Outbound::protect_rtp, packet)),
            None => self.there.send(now, packet),
        }
    }

    /// Moves what has arrived, both ways.
    fn carry(&mut self, bench: &mut Bench) {
        while let Some(packet) = self.there.arrived(bench.now) {
            bench.send(&self.speaker.phone.rtp, &self.opened, Rtp, &packet);
        }
        while let Some(packet) = received(&self.speaker.phone.rtp) {
            let fate = self.back.send(bench.now, &packet);
            let packet = rtp::Packet::parse(&packet).unwrap();
            self.fates.push((packet.header, packet.payload().to_vec(), fate));
        }
        self.packets.clear();
        let now = self.micros(bench.now);
        while let Some(mut packet) = self.back.arrived(bench.now) {
            if let Some((.., hears)) = &mut self.security {
                // A copy is refused.
                let Ok(length) = hears.open_rtp(&mut packet) else { continue };
                packet.truncate(length);
            }
            let packet = rtp::Packet::parse(&packet).unwrap();
            self.ear.on_packet(now, &packet.header, packet.payload());
            self.packets.push((packet.header, packet.payload().to_vec()));
        }
    }

    /// Hears the next 20 ms.
    fn draw(&mut self, now: Instant) {
        let (now, start) = (self.micros(now), self.heard.len());
        self.heard.resize(start + self.rate as usize / 50, 0);
        self.ear.draw(now, &mut self.heard[start..]);
    }

    fn micros(&self, now: Instant) -> rtp::Micros {
        rtp::Micros(now.duration_since(self.began).as_micros() as u64)
    }

    /// Is this the step of every 20 ms?
    fn is_at(&self, now: Instant, step: u32) -> bool {
        now.duration_since(self.began).as_millis() / STEP.as_millis() % u128::from(STEPS) == u128::from(step)
    }
}

/// Two phones that the exchange has put through to each other.
fn put_through(bench: &mut Bench, phones: &[Far; 2]) {
    for far in phones {
        bench.plane.connect(far.opened.id, far.remote());
    }
    bench.plane.bridge(phones[0].opened.id, phones[1].opened.id);
}

/// Both speak and listen for so long.
fn talk(bench: &mut Bench, phones: &mut [Far; 2], time: Duration) {
    let end = bench.now + time;
    while bench.now < end {
        for far in phones.iter_mut() {
            if far.is_at(bench.now, far.speaks) {
                for packet in far.speaker.packets() {
                    far.say(bench.now, &packet);
                }
            }
            far.carry(bench);
            if far.is_at(bench.now, far.draws) {
                far.draw(bench.now);
            }
        }
        bench.wait(STEP);
    }
}

fn rate_of(format: &Format) -> u32 {
    match format.codec.rate() {
        ..16_000 => 8000,
        16_000..44_100 => 16_000,
        44_100.. => 48_000,
    }
}

fn library() -> Library {
    g729::load().unwrap_or_else(|error| panic!("{error}; apt-get install libbcg729-0"))
}

const STEP: Duration = Duration::from_millis(2);
/// In 20 ms.
const STEPS: u32 = 10;
/// What a phone has.
const PATIENCE: voice::Settings =
    voice::Settings { least: Duration::from_millis(10), most: Duration::from_millis(300) };

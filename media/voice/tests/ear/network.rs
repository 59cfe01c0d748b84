//! A phone that sends, a network that spoils it, and one who listens.

use audio::{Phase, Signal, Tone, goertzel, level};
use codec::{Codec, Encoder, Format, Library, Parameters};
use rtp::{Header, Micros, Ssrc};
use std::time::Duration;
use voice::{Ear, Heard, Settings};

/// SplitMix64; the seed is printed, and taken from `SEED` where that is set.
pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 to one less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A packet on its way: when it arrives, in microseconds.
#[derive(Clone)]
pub struct Packet {
    pub at: u64,
    pub header: Header,
    pub payload: Vec<u8>,
}

pub fn format(codec: Codec) -> Format {
    let payload_type = codec.fixed_payload_type().unwrap_or(96);
    Format { codec, payload_type, parameters: Parameters { fec: true, ..Parameters::default() } }
}

pub fn tone(hertz: f32, rate: u32) -> impl Iterator<Item = i16> {
    let cadence = vec![Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds: 3_600_000 }].leak();
    Signal::new(cadence, rate)
}

/// A phone.
pub struct Sender {
    codec: Codec,
    encoder: Encoder,
    pub header: Header,
    sound: Box<dyn Iterator<Item = i16>>,
    /// When the next packet is sent.
    pub at: u64,
}

impl Sender {
    /// Says a tone of 440 Hz and -10 dBm0, coded for 16 kHz.
    pub fn new(codec: Codec, ssrc: u32) -> Sender {
        let encoder = Encoder::new(&format(codec), 16_000, &Library::default()).expect("a codec of our own");
        let payload_type = format(codec).payload_type;
        let header = Header { marker: false, payload_type, sequence: 65_500, timestamp: 0xffff_f000, ssrc: Ssrc(ssrc) };
        let sound = Box::new(tone(440.0, encoder.rate()));
        Sender { codec, encoder, header, sound, at: 0 }
    }

    /// The next packet, of so many milliseconds.
    pub fn packet(&mut self, milliseconds: u32) -> Packet {
        let samples: Vec<i16> =
            self.sound.by_ref().take((self.encoder.rate() * milliseconds / 1000) as usize).collect();
        let mut payload = vec![0; 4000];
        let length = self.encoder.encode(&samples, &mut payload);
        payload.truncate(length);
        let packet = Packet { at: self.at, header: self.header, payload };
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.pause(milliseconds);
        packet
    }

    /// Says nothing for so many milliseconds, which the timestamp tells.
    pub fn pause(&mut self, milliseconds: u32) {
        self.header.timestamp = self.header.timestamp.wrapping_add(self.codec.clock() / 1000 * milliseconds);
        self.at += u64::from(milliseconds) * 1000;
    }

    /// So many seconds in packets of so many milliseconds.
    pub fn packets(&mut self, seconds: u32, milliseconds: u32) -> Vec<Packet> {
        (0..seconds * 1000 / milliseconds).map(|_| self.packet(milliseconds)).collect()
    }
}

/// Loses so many packets in a hundred, and holds each up by up to `jitter` microseconds, so that some overtake others.
pub fn spoil(packets: &mut Vec<Packet>, loss: u64, jitter: u64, random: &mut Random) {
    packets.retain(|_| !random.percent(loss));
    packets.iter_mut().for_each(|packet| packet.at += random.below(jitter));
}

/// What came out.
pub struct Listened {
    pub rate: u32,
    pub sound: Vec<i16>,
    pub blocks: Vec<Heard>,
    pub delays: Vec<Duration>,
}

pub const SETTINGS: Settings = Settings { least: Duration::ZERO, most: Duration::from_millis(300) };

pub fn ear(rate: u32, settings: Settings, codecs: &[Codec]) -> Ear {
    let mut ear = Ear::new(rate, settings, &Library::default());
    let formats: Vec<_> = codecs.iter().map(|codec| format(*codec)).collect();
    ear.expect(&formats, Some(13));
    ear
}

/// Draws blocks for so many seconds, each `phase` microseconds after its time.
pub fn listen(ear: &mut Ear, rate: u32, packets: &mut [Packet], seconds: u32, block: u32, phase: u64) -> Listened {
    packets.sort_by_key(|packet| packet.at);
    let mut packets = packets.iter().peekable();
    let mut listened = Listened { rate, sound: Vec::new(), blocks: Vec::new(), delays: Vec::new() };
    let mut samples = vec![0; (rate * block / 1000) as usize];
    for turn in 0..u64::from(seconds * 1000 / block) {
        let now = turn * u64::from(block) * 1000 + phase;
        while let Some(packet) = packets.next_if(|packet| packet.at <= now) {
            ear.on_packet(Micros(packet.at), &packet.header, &packet.payload);
        }
        listened.blocks.push(ear.draw(Micros(now), &mut samples));
        listened.delays.push(ear.statistics().delay);
        listened.sound.extend_from_slice(&samples);
    }
    listened
}

impl Listened {
    /// From a second on, up to another.
    pub fn part(&self, from: f64, to: f64) -> &[i16] {
        let at = |seconds: f64| ((seconds * f64::from(self.rate)) as usize).min(self.sound.len());
        &self.sound[at(from)..at(to)]
    }

    /// Blocks that are of one kind.
    pub fn count(&self, kind: Heard) -> usize {
        self.blocks.iter().filter(|heard| **heard == kind).count()
    }
}

/// The level, and which part of the energy is at 440 Hz within each tenth of a second.
pub fn quality(sound: &[i16], rate: u32) -> (f64, f64) {
    let energy = |decibels: f64| 10_f64.powf(decibels / 10.0);
    let pieces = || sound.chunks_exact(rate as usize / 10);
    let at: f64 = pieces().map(|piece| energy(goertzel(piece, rate, 440.0))).sum();
    let all: f64 = pieces().map(|piece| energy(level(piece))).sum();
    (level(sound), at / all)
}

/// The level of the softest 20 ms.
pub fn softest(sound: &[i16], rate: u32) -> f64 {
    sound.chunks_exact(rate as usize / 50).map(level).fold(f64::INFINITY, f64::min)
}

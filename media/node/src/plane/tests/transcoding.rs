//! Two phones without a common codec hear each other.

use super::*;
use audio::{Phase, Signal, Tone, goertzel, level};
use codec::{Codec, Decoder, Encoder, Format, Parameters, Rate};

/// A phone that speaks one codec, with a tone of its own.
pub struct Speaker {
    pub phone: Phone,
    pub format: Format,
    encoder: Encoder,
    decoder: Decoder,
    pub sound: Vec<i16>,
    at: usize,
    sequence: u16,
    pub heard: Vec<i16>,
    /// Headers of what came.
    headers: Vec<rtp::Header>,
}

impl Speaker {
    pub fn new(codec: Codec, payload_type: u8, hertz: f32) -> Speaker {
        Speaker::with(&Library::default(), codec, payload_type, hertz)
    }

    pub fn with(library: &Library, codec: Codec, payload_type: u8, hertz: f32) -> Speaker {
        let format = Format { codec, payload_type, parameters: Parameters::default() };
        let encoder = Encoder::new(&format, 48_000, library).unwrap();
        let decoder = Decoder::new(codec, 48_000, library).unwrap();
        let cadence = [Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds: 60_000 }];
        let sound = Signal::new(&cadence, encoder.rate()).take(10 * encoder.rate() as usize).collect();
        let phone = Phone::at("127.0.0.1");
        Speaker { phone, format, encoder, decoder, sound, at: 0, sequence: 1, heard: Vec::new(), headers: Vec::new() }
    }

    /// Speaks and hears as another one does from now on.
    pub fn change(&mut self, like: Speaker) {
        let Speaker { format, encoder, decoder, sound, .. } = like;
        (self.format, self.encoder, self.decoder, self.sound, self.at) = (format, encoder, decoder, sound, 0);
    }

    pub fn remote(&self) -> Remote {
        self.phone.speaking(&[(self.format.payload_type, self.format.codec)])
    }

    fn time(&self) -> u16 {
        self.format.codec.packet_time(20)
    }

    /// The packets of the next 20 ms.
    pub fn packets(&mut self) -> Vec<Vec<u8>> {
        let samples = self.encoder.rate() as usize * usize::from(self.time()) / 1000;
        let ticks = self.format.codec.clock() * u32::from(self.time()) / 1000;
        let count = if self.time() == 10 { 2 } else { 1 };
        (0..count)
            .map(|_| {
                if self.at + samples > self.sound.len() {
                    self.at = 0;
                }
                let mut payload = vec![0; Encoder::LONGEST];
                let length = self.encoder.encode(&self.sound[self.at..self.at + samples], &mut payload);
                let (payload_type, sequence) = (self.format.payload_type, self.sequence);
                let timestamp = u32::from(sequence) * ticks;
                let header = rtp::Header { marker: false, payload_type, sequence, timestamp, ssrc: rtp::Ssrc(9) };
                (self.at, self.sequence) = (self.at + samples, sequence + 1);
                [&header.to_bytes()[..], &payload[..length]].concat()
            })
            .collect()
    }

    pub fn listen(&mut self) {
        while let Some((header, payload)) = rtp_of(&self.phone.rtp) {
            if header.payload_type == self.format.payload_type {
                self.decoder.decode(&payload, &mut self.heard).unwrap();
            }
            self.headers.push(header);
        }
    }

    /// How loud a tone is in what was heard last, and how loud all of it is.
    pub fn level_of(&self, hertz: f64) -> (f64, f64) {
        let rate = self.decoder.rate();
        let last = &self.heard[self.heard.len() - rate as usize..];
        (goertzel(last, rate, hertz), level(last))
    }
}

/// Both talk for so many turns of 20 ms.
pub fn talk(bench: &mut Bench, speakers: &mut [(Speaker, Opened)], turns: u32) {
    for _ in 0..turns {
        for (speaker, opened) in speakers.iter_mut() {
            for packet in speaker.packets() {
                bench.send(&speaker.phone.rtp, opened, Rtp, &packet);
            }
        }
        for _ in 0..4 {
            bench.wait(Duration::from_millis(5));
        }
        speakers.iter_mut().for_each(|(speaker, _)| speaker.listen());
    }
}

fn bridge(bench: &mut Bench, speakers: [Speaker; 2]) -> Vec<(Speaker, Opened)> {
    let mut bridged = Vec::new();
    for speaker in speakers {
        let opened = bench.plane.open(Some(speaker.phone.remote().rtp)).unwrap();
        bench.plane.connect(opened.id, speaker.remote());
        bridged.push((speaker, opened));
    }
    bench.plane.bridge(bridged[0].1.id, bridged[1].1.id);
    bridged
}

#[test]
fn every_pair_of_codecs_carries_a_tone_both_ways() {
    let codecs = Codec::ALL.into_iter().filter(|codec| Library::default().has(*codec));
    let codecs: Vec<Codec> = codecs.filter(|codec| *codec != Codec::L16(Rate::Disc)).collect();
    for (index, one) in codecs.iter().enumerate() {
        for other in &codecs[index + 1..] {
            let mut bench = Bench::new();
            let speakers = [Speaker::new(*one, 96, 440.0), Speaker::new(*other, 97, 700.0)];
            let mut speakers = bridge(&mut bench, speakers);
            talk(&mut bench, &mut speakers, 100);
            for (index, hertz) in [(0, 700.0), (1, 440.0)] {
                let speaker = &speakers[index].0;
                let (at, all) = speaker.level_of(hertz);
                assert!((at + 10.0).abs() < 1.5 && (all - at).abs() < 1.0, "{one:?} {other:?} {index}: {at} of {all}");
                let ticks = u32::from(speaker.time()) * speaker.format.codec.clock() / 1000;
                for pair in speaker.headers.windows(2) {
                    let next = (pair[0].sequence.wrapping_add(1), pair[0].timestamp.wrapping_add(ticks));
                    assert_eq!((pair[1].sequence, pair[1].timestamp), next, "{one:?} {other:?} {index}");
                }
            }
        }
    }
}

#[test]
fn what_needs_no_codec_passes_as_it_is_and_again_after_it_did_not() {
    let mut bench = Bench::new();
    let same = [Speaker::new(Codec::Pcmu, 0, 440.0), Speaker::new(Codec::Pcmu, 0, 700.0)];
    let mut speakers = bridge(&mut bench, same);
    talk(&mut bench, &mut speakers, 5);
    assert!(speakers[0].0.headers.iter().all(|header| header.ssrc == rtp::Ssrc(9)));
    let opus = Speaker::new(Codec::Opus, 96, 700.0);
    let Speaker { format, encoder, decoder, sound, .. } = opus;
    let speaker = &mut speakers[1].0;
    (speaker.format, speaker.encoder, speaker.decoder, speaker.sound, speaker.at) =
        (format, encoder, decoder, sound, 0);
    speaker.heard.clear();
    let remote = speaker.remote();
    bench.plane.connect(speakers[1].1.id, remote);
    talk(&mut bench, &mut speakers, 100);
    assert!(speakers[0].0.headers.last().unwrap().ssrc != rtp::Ssrc(9));
    for (index, hertz) in [(0, 700.0), (1, 440.0)] {
        let (at, all) = speakers[index].0.level_of(hertz);
        assert!((at + 10.0).abs() < 1.5 && (all - at).abs() < 1.0, "{index}: {at} of {all}");
    }
    let Speaker { format, encoder, decoder, sound, .. } = Speaker::new(Codec::Pcmu, 0, 700.0);
    let speaker = &mut speakers[1].0;
    (speaker.format, speaker.encoder, speaker.decoder, speaker.sound, speaker.at) =
        (format, encoder, decoder, sound, 0);
    let remote = speaker.remote();
    bench.plane.connect(speakers[1].1.id, remote);
    talk(&mut bench, &mut speakers, 5);
    assert_eq!(speakers[0].0.headers.last().unwrap().ssrc, rtp::Ssrc(9));
}

/// What a phone hears of keys: events, or tones.
fn keys_heard(speaker: &Speaker, bench_phone: &[(rtp::Header, Vec<u8>)]) -> String {
    let mut receiver = rtp::DigitReceiver::default();
    let mut keys = String::new();
    for (index, (header, payload)) in bench_phone.iter().enumerate() {
        for heard in receiver.on_packet(rtp::Micros(index as u64 * 20_000), header, payload) {
            if let rtp::Heard::Pressed(key) | rtp::Heard::Struck(key, _) = heard {
                keys.push(key);
            }
        }
    }
    let mut detector = audio::dtmf::Detector::new(8000).unwrap();
    let narrow = audio::resample(&speaker.heard, speaker.decoder.rate(), 8000);
    keys.extend(detector.push(&narrow).into_iter().filter_map(|heard| match heard {
        audio::dtmf::Heard::Pressed(key) => Some(key),
        audio::dtmf::Heard::Released(_, _) => None,
    }));
    keys
}

pub fn with_keys(remote: Remote, heard: call::KeysHeard, told: call::KeysTold) -> Remote {
    let voice = remote.voice.map(|voice| call::Voice { keys_heard: heard, keys_told: told, ..voice });
    Remote { voice, ..remote }
}

/// One phone presses a key as an event; what the other one is told.
fn told_of_an_event(codecs: [Codec; 2], told: call::KeysTold) -> (String, Vec<(MediaId, MediaEvent)>) {
    let mut bench = Bench::new();
    let mut one = Speaker::new(codecs[0], 96, 440.0);
    let mut other = Speaker::new(codecs[1], 97, 700.0);
    let (a, b) = (bench.open(&one.phone), bench.open(&other.phone));
    let heard = call::KeysHeard::Events(vec![(101, 8000)]);
    bench.plane.connect(a.id, with_keys(one.remote(), heard.clone(), call::KeysTold::Events(101)));
    bench.plane.connect(b.id, with_keys(other.remote(), heard, told));
    bench.plane.bridge(a.id, b.id);
    let (mut events, mut packets) = (Vec::new(), Vec::new());
    one.sound.fill(0);
    let mut digit = rtp::DigitPackets::new('7', 160, 1600).unwrap();
    for turn in 0..60 {
        for packet in one.packets() {
            let event = if turn >= 20 { digit.next() } else { None };
            let packet = match event {
                Some(event) => {
                    let mut header = rtp::Packet::parse(&packet).unwrap().header;
                    (header.payload_type, header.timestamp) = (101, 77);
                    [&header.to_bytes()[..], &event.to_bytes()].concat()
                }
                None => packet,
            };
            bench.send(&one.phone.rtp, &a, Rtp, &packet);
        }
        for _ in 0..4 {
            events.extend(bench.wait(Duration::from_millis(5)));
        }
        while let Some((header, payload)) = rtp_of(&other.phone.rtp) {
            match header.payload_type {
                101 => packets.push((header, payload)),
                _ => other.decoder.decode(&payload, &mut other.heard).unwrap(),
            }
        }
    }
    (keys_heard(&other, &packets), events)
}

#[test]
fn a_key_reaches_a_phone_once_and_in_its_own_way() {
    let (mu, a, opus) = (Codec::Pcmu, Codec::Pcma, Codec::Opus);
    for codecs in [[mu, opus], [mu, a], [opus, mu], [mu, mu]] {
        for told in [call::KeysTold::Events(101), call::KeysTold::Tones] {
            assert_eq!(told_of_an_event(codecs, told), ("7".to_owned(), vec![]), "{codecs:?} {told:?}");
        }
    }
    let (heard, events) = told_of_an_event([mu, a], call::KeysTold::Info);
    assert_eq!(heard, "");
    let [(_, MediaEvent::Struck('7', held))] = events[..] else { panic!("{events:?}") };
    assert_eq!(held, Duration::from_millis(200));
}

#[test]
fn a_tone_becomes_an_event_and_is_heard_no_more() {
    let mut bench = Bench::new();
    let mut one = Speaker::new(Codec::Pcmu, 0, 440.0);
    let mut other = Speaker::new(Codec::Pcmu, 0, 700.0);
    let (a, b) = (bench.open(&one.phone), bench.open(&other.phone));
    let events = call::KeysHeard::Events(vec![(101, 8000)]);
    bench.plane.connect(a.id, with_keys(one.remote(), call::KeysHeard::Tones, call::KeysTold::Tones));
    bench.plane.connect(b.id, with_keys(other.remote(), events, call::KeysTold::Events(101)));
    bench.plane.bridge(a.id, b.id);
    one.sound.fill(0);
    let keys = [Phase { tone: Tone::dtmf('5'), milliseconds: 100 }, Phase { tone: None, milliseconds: 60_000 }];
    one.sound.splice(4000..4800, Signal::new(&keys, 8000).take(800));
    let mut packets = Vec::new();
    for _ in 0..60 {
        for packet in one.packets() {
            bench.send(&one.phone.rtp, &a, Rtp, &packet);
        }
        for _ in 0..4 {
            bench.wait(Duration::from_millis(5));
        }
        while let Some((header, payload)) = rtp_of(&other.phone.rtp) {
            match header.payload_type {
                101 => packets.push((header, payload)),
                _ => other.decoder.decode(&payload, &mut other.heard).unwrap(),
            }
        }
    }
    assert_eq!(keys_heard(&other, &packets), "5");
}

#[test]
fn a_key_that_came_otherwise_is_put_into_a_call_whose_packets_just_passed() {
    let mut bench = Bench::new();
    let speakers = [Speaker::new(Codec::Pcmu, 0, 440.0), Speaker::new(Codec::Pcmu, 0, 700.0)];
    let mut speakers = bridge(&mut bench, speakers);
    talk(&mut bench, &mut speakers, 5);
    assert!(bench.plane.press(speakers[1].1.id, '3', Duration::from_millis(120)));
    talk(&mut bench, &mut speakers, 60);
    let keys = speakers[1].0.headers.iter().filter(|header| header.payload_type == 101).count();
    assert!((6..12).contains(&keys), "{keys}");
    let (at, _) = speakers[1].0.level_of(440.0);
    assert!((at + 10.0).abs() < 1.5, "{at}");
}

#[test]
fn a_phone_that_turns_to_another_format_is_understood() {
    let mut bench = Bench::new();
    let one = Speaker::new(Codec::Pcmu, 0, 440.0);
    let other = Speaker::new(Codec::Pcmu, 0, 700.0);
    let (a, b) = (bench.open(&one.phone), bench.open(&other.phone));
    bench.plane.connect(a.id, one.remote());
    bench.plane.connect(b.id, other.phone.speaking(&[(0, Codec::Pcmu), (9, Codec::G722)]));
    bench.plane.bridge(a.id, b.id);
    let mut speakers = vec![(one, a), (other, b)];
    talk(&mut bench, &mut speakers, 5);
    assert!(speakers[0].0.headers.iter().all(|header| header.ssrc == rtp::Ssrc(9)), "it passes");
    let Speaker { format, encoder, sound, .. } = Speaker::new(Codec::G722, 9, 700.0);
    let speaker = &mut speakers[1].0;
    (speaker.format, speaker.encoder, speaker.sound, speaker.at) = (format, encoder, sound, 0);
    talk(&mut bench, &mut speakers, 100);
    let (at, all) = speakers[0].0.level_of(700.0);
    assert!((at + 10.0).abs() < 1.5 && (all - at).abs() < 1.0, "{at} of {all}");
}

#[test]
fn a_codec_of_another_rate_in_mid_call_keeps_the_pitch() {
    let mut bench = Bench::new();
    let speakers = [Speaker::new(Codec::Pcmu, 0, 440.0), Speaker::new(Codec::Opus, 96, 700.0)];
    let mut speakers = bridge(&mut bench, speakers);
    talk(&mut bench, &mut speakers, 50);
    let Speaker { format, encoder, decoder, sound, .. } = Speaker::new(Codec::G722, 9, 440.0);
    let speaker = &mut speakers[0].0;
    (speaker.format, speaker.encoder, speaker.decoder, speaker.sound, speaker.at) =
        (format, encoder, decoder, sound, 0);
    speaker.heard.clear();
    let remote = speaker.remote();
    bench.plane.connect(speakers[0].1.id, remote);
    talk(&mut bench, &mut speakers, 100);
    for (index, hertz) in [(0, 700.0), (1, 440.0)] {
        let (at, all) = speakers[index].0.level_of(hertz);
        assert!((at + 10.0).abs() < 1.5 && (all - at).abs() < 1.0, "{index}: {at} of {all}");
    }
}

#[test]
fn packets_of_30_ms_leave_every_30_ms() {
    let mut bench = Bench::new();
    let one = Speaker::new(Codec::Pcmu, 0, 440.0);
    let other = Speaker::new(Codec::Pcma, 8, 700.0);
    let (a, b) = (bench.open(&one.phone), bench.open(&other.phone));
    bench.plane.connect(a.id, one.remote());
    let voice = other.remote().voice.map(|voice| call::Voice { packet_time: 30, ..voice });
    bench.plane.connect(b.id, Remote { voice, ..other.remote() });
    bench.plane.bridge(a.id, b.id);
    let mut times = Vec::new();
    for turn in 0..60_u64 {
        bench.wait(Duration::from_millis(5));
        while let Some((header, payload)) = rtp_of(&other.phone.rtp) {
            assert_eq!((payload.len(), header.payload_type), (240, 8));
            times.push(5 * turn);
        }
    }
    assert!(times.len() >= 9 && times.windows(2).all(|pair| pair[1] - pair[0] == 30), "{times:?}");
    bench.plane.connect(b.id, other.remote());
    let mut packets = 0;
    for _ in 0..40 {
        bench.wait(Duration::from_millis(5));
        packets += std::iter::from_fn(|| rtp_of(&other.phone.rtp)).count();
    }
    assert!((9..=11).contains(&packets), "200 ms in packets of 20: {packets}");
}

//! Two phones without a common codec hear each other.

use super::*;
use audio::{Phase, Signal, Tone, goertzel, level};
use codec::{Codec, Decoder, Encoder, Format, Parameters, Rate};

/// A phone that speaks one codec, with a tone of its own.
struct Speaker {
    phone: Phone,
    format: Format,
    encoder: Encoder,
    decoder: Decoder,
    sound: Vec<i16>,
    at: usize,
    sequence: u16,
    heard: Vec<i16>,
    /// Headers of what came.
    headers: Vec<rtp::Header>,
}

impl Speaker {
    fn new(codec: Codec, payload_type: u8, hertz: f32) -> Speaker {
        let format = Format { codec, payload_type, parameters: Parameters::default() };
        let encoder = Encoder::new(&format, 48_000, &Library::default()).unwrap();
        let decoder = Decoder::new(codec, 48_000, &Library::default()).unwrap();
        let cadence = [Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds: 60_000 }];
        let sound = Signal::new(&cadence, encoder.rate()).take(10 * encoder.rate() as usize).collect();
        let phone = Phone::at("127.0.0.1");
        Speaker { phone, format, encoder, decoder, sound, at: 0, sequence: 1, heard: Vec::new(), headers: Vec::new() }
    }

    fn remote(&self) -> Remote {
        self.phone.speaking(&[(self.format.payload_type, self.format.codec)])
    }

    fn time(&self) -> u16 {
        self.format.codec.packet_time(20)
    }

    /// The packets of the next 20 ms.
    fn packets(&mut self) -> Vec<Vec<u8>> {
        let samples = self.encoder.rate() as usize * usize::from(self.time()) / 1000;
        let ticks = self.format.codec.clock() * u32::from(self.time()) / 1000;
        let count = if self.time() == 10 { 2 } else { 1 };
        (0..count)
            .map(|_| {
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

    fn listen(&mut self) {
        while let Some((header, payload)) = rtp_of(&self.phone.rtp) {
            if header.payload_type == self.format.payload_type {
                self.decoder.decode(&payload, &mut self.heard).unwrap();
            }
            self.headers.push(header);
        }
    }

    /// How loud a tone is in what was heard last, and how loud all of it is.
    fn level_of(&self, hertz: f64) -> (f64, f64) {
        let rate = self.decoder.rate();
        let last = &self.heard[self.heard.len() - rate as usize..];
        (goertzel(last, rate, hertz), level(last))
    }
}

/// Both talk for so many turns of 20 ms.
fn talk(bench: &mut Bench, speakers: &mut [(Speaker, Opened)], turns: u32) {
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

//! A tone sent into every codec comes out again: its frequency, its level, its length.

use audio::{Phase, Signal, Tone, goertzel, level};
use codec::{Broken, Codec, Decoder, Encoder, Format, Library, Parameters};

fn tone(hertz: f32, rate: u32, seconds: u32) -> Vec<i16> {
    let cadence = [Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds: 60_000 }];
    Signal::new(&cadence, rate).take((rate * seconds) as usize).collect()
}

fn format(codec: Codec) -> Format {
    Format { codec, payload_type: 96, parameters: Parameters { fec: true, ..Parameters::default() } }
}

fn codecs() -> impl Iterator<Item = Codec> {
    Codec::ALL.into_iter().filter(|codec| Library::default().has(*codec))
}

fn payloads(codec: Codec, rate: u32, time: u16, hertz: f32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(&format(codec), rate, &Library::default()).expect("a codec of our own");
    let samples = encoder.rate() as usize * usize::from(time) / 1000;
    let sound = tone(hertz, encoder.rate(), 2);
    let packet = |frame: &[i16]| {
        let mut out = [0; Encoder::LONGEST];
        let length = encoder.encode(frame, &mut out);
        out[..length].to_vec()
    };
    sound.chunks_exact(samples).map(packet).collect()
}

#[test]
fn a_tone_keeps_its_frequency_and_level_in_every_codec_rate_and_packet_time() {
    for codec in codecs() {
        for rate in [8000, 16_000, 48_000] {
            for wanted in [10, 20, 30, 40, 60] {
                let time = codec.packet_time(wanted);
                let mut decoder = Decoder::new(codec, rate, &Library::default()).expect("a codec of our own");
                let mut heard = Vec::new();
                for payload in payloads(codec, rate, time, 1000.0) {
                    let (before, told) = (heard.len(), decoder.samples(&payload));
                    decoder.decode(&payload, &mut heard).unwrap();
                    assert_eq!(heard.len() - before, told, "{codec:?} {rate} {time}");
                    assert_eq!(told, decoder.rate() as usize * usize::from(time) / 1000, "{codec:?} {rate} {time}");
                }
                let middle = &heard[heard.len() / 2..];
                let (all, at) = (level(middle), goertzel(middle, decoder.rate(), 1000.0));
                assert!((at + 10.0).abs() < 1.0 && (all - at).abs() < 1.0, "{codec:?} {rate} {time}: {at} of {all}");
            }
        }
    }
}

#[test]
fn wideband_codecs_carry_what_telephones_do_not() {
    for codec in codecs().filter(|codec| codec.rate() >= 16_000) {
        let mut decoder = Decoder::new(codec, 16_000, &Library::default()).expect("a codec of our own");
        let mut heard = Vec::new();
        for payload in payloads(codec, 16_000, codec.packet_time(20), 5500.0) {
            decoder.decode(&payload, &mut heard).unwrap();
        }
        let at = goertzel(&heard[heard.len() / 2..], decoder.rate(), 5500.0);
        assert!((at + 10.0).abs() < 2.0, "{codec:?}: {at}");
    }
}

#[test]
fn a_lost_packet_of_opus_is_made_up_for() {
    for rate in [8000, 48_000] {
        let mut decoder = Decoder::new(Codec::Opus, rate, &Library::default()).expect("a codec of our own");
        let payloads = payloads(Codec::Opus, rate, 20, 440.0);
        let mut heard = Vec::new();
        for (number, payload) in payloads.iter().enumerate() {
            match number % 10 {
                9 => {
                    let next = payloads.get(number + 1).map(Vec::as_slice);
                    assert!(decoder.conceal(rate as usize / 50, next, &mut heard));
                }
                _ => decoder.decode(payload, &mut heard).unwrap(),
            }
        }
        assert_eq!(heard.len(), payloads.len() * rate as usize / 50);
        let middle = &heard[heard.len() / 2..];
        let (all, at) = (level(middle), goertzel(middle, rate, 440.0));
        assert!((all + 10.0).abs() < 1.5 && at > -12.5, "{rate}: {at} of {all}");
    }
}

#[test]
fn no_bytes_make_a_decoder_panic() {
    let mut random = 0x5eed_u64;
    let mut draw = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for codec in codecs() {
        let mut decoder = Decoder::new(codec, 8000, &Library::default()).expect("a codec of our own");
        let mut out = Vec::new();
        for _ in 0..600 {
            let payload: Vec<u8> = (0..draw() % 200).map(|_| draw() as u8).collect();
            out.clear();
            let _ = decoder.decode(&payload, &mut out);
            let _ = decoder.conceal(160, Some(&payload), &mut out);
            assert!(out.len() <= 120 * 48 + 960);
        }
    }
    let mut decoder = Decoder::new(Codec::Opus, 8000, &Library::default()).expect("a codec of our own");
    assert_eq!(decoder.decode(&[], &mut Vec::new()), Err(Broken));
}

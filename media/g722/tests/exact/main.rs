//! The same octets and samples as the Recommendation's, to the bit: held against its blocks as written down in `blocks`,
//! and against audio-codec, which somebody else wrote, in all that it does as the Recommendation says. It does not limit
//! the bands to 15 bits before their coders, begins with steps of 128 and 32 when encoding and of 0 when
//! decoding instead of 32 and 8, and saturates the zeros' sum once instead of after each addition.
#![allow(clippy::unwrap_used)]

mod blocks;
mod sounds;

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};
use g722::{Band, Decoder, Encoder};
use sounds::Random;

fn encoded(band: Band, sound: &[i16]) -> Vec<u8> {
    let mut codes = vec![0; if band == Band::Wide { sound.len() / 2 } else { sound.len() }];
    assert_eq!(Encoder::new(band).encode(sound, &mut codes), codes.len());
    codes
}

fn decoded(band: Band, codes: &[u8]) -> Vec<i16> {
    let mut sound = vec![0; if band == Band::Wide { 2 * codes.len() } else { codes.len() }];
    assert_eq!(Decoder::new(band).decode(codes, &mut sound), sound.len());
    sound
}

/// After this octet, which says that nothing changed, audio-codec's decoder is in the state that it should have begun in.
const FIRST: u8 = 0xfd;

fn decoded_by_audio_codec(codes: &[u8]) -> Vec<i16> {
    let mut sound = vec![0; 2 * codes.len()];
    G722Decoder::new().decode_into(codes, &mut sound).unwrap();
    sound
}

/// Codes that no encoder sends: the largest differences there are, in runs of one sign.
fn runs(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let runs = (0..100).flat_map(|run| {
        let length = 1 + random.next() as usize % if run % 10 == 0 { 2000 } else { 20 };
        vec![if run % 2 == 0 { 0x20 | 0x80 } else { 0x04 }; length]
    });
    [FIRST].into_iter().chain(runs).collect()
}

fn random_codes(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    [FIRST].into_iter().chain((0..8000).map(|_| random.next() as u8)).collect()
}

#[test]
fn every_sound_is_encoded_and_decoded_as_the_blocks_do() {
    for (name, sound) in sounds::all() {
        let codes = encoded(Band::Wide, &sound);
        assert!(codes == blocks::encode(&sound), "{name}: encoded");
        assert!(decoded(Band::Wide, &codes) == blocks::decode(&codes), "{name}: decoded");
    }
}

#[test]
fn any_octets_are_decoded_as_the_blocks_do() {
    for seed in 1..10 {
        assert!(decoded(Band::Wide, &random_codes(seed)) == blocks::decode(&random_codes(seed)), "seed {seed}");
        assert!(decoded(Band::Wide, &runs(seed)) == blocks::decode(&runs(seed)), "runs of seed {seed}");
    }
}

#[test]
fn any_octets_are_decoded_as_by_audio_codec() {
    for seed in 1..10 {
        let codes = random_codes(seed);
        assert!(decoded(Band::Wide, &codes) == decoded_by_audio_codec(&codes), "seed {seed}");
    }
    for (name, sound) in sounds::all() {
        let codes: Vec<u8> = [FIRST].into_iter().chain(encoded(Band::Wide, &sound)).collect();
        assert!(decoded(Band::Wide, &codes) == decoded_by_audio_codec(&codes), "{name}");
    }
}

#[test]
fn runs_of_the_largest_differences_reach_where_audio_codec_departs() {
    assert!(decoded(Band::Wide, &runs(1)) != decoded_by_audio_codec(&runs(1)));
}

/// After this noise both encoders are in one state, as the codes after it show, though they did not begin in one.
#[test]
fn every_sound_within_the_bands_is_encoded_as_by_audio_codec() {
    let preface = sounds::noise(90, 1, 2000);
    let mut compared = 0;
    for (name, sound) in sounds::all() {
        let stream = [&preface[..], &sound].concat();
        if blocks::is_limited(&stream) {
            continue;
        }
        let ours = encoded(Band::Wide, &stream);
        let mut theirs = vec![0; ours.len()];
        G722Encoder::new().encode_into(&stream, &mut theirs).unwrap();
        assert!(ours[preface.len() / 2..] == theirs[preface.len() / 2..], "{name}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn the_narrow_band_is_the_lower_coder_alone() {
    for (name, sound) in sounds::all() {
        let (mut encoder, mut decoder) = (blocks::Adpcm::reset(32), blocks::Adpcm::reset(32));
        let codes = encoded(Band::Narrow, &sound);
        assert!(codes.iter().zip(&sound).all(|(code, sample)| *code == 0xc0 | encoder.lsbcod(sample >> 1)), "{name}");
        let heard = decoded(Band::Narrow, &codes);
        assert!(heard.iter().zip(&codes).all(|(heard, code)| *heard == 2 * decoder.lsbdec(code & 63)), "{name}");
    }
}

#[test]
fn it_does_not_matter_how_a_stream_is_cut() {
    let sound = sounds::speech(5, 16_000);
    for band in [Band::Narrow, Band::Wide] {
        let per_octet = if band == Band::Wide { 2 } else { 1 };
        let codes = encoded(band, &sound);
        let whole = decoded(band, &codes);
        let (mut encoder, mut decoder, mut random) = (Encoder::new(band), Decoder::new(band), Random(7));
        let (mut cut, mut back) = (vec![0; codes.len()], vec![0; whole.len()]);
        let mut at = 0;
        while at < codes.len() {
            let end = (at + random.next() as usize % 400).min(codes.len());
            let samples = at * per_octet..end * per_octet;
            assert_eq!(encoder.encode(&sound[samples.clone()], &mut cut[at..end]), end - at);
            assert_eq!(decoder.decode(&cut[at..end], &mut back[samples.clone()]), samples.len());
            at = end;
        }
        assert!(cut == codes && back == whole, "{band:?}");
    }
}

#[test]
fn no_more_is_written_than_both_slices_hold() {
    for (band, samples, octets, written, heard) in [
        (Band::Wide, 9, 10, 4, 8),
        (Band::Wide, 100, 3, 3, 6),
        (Band::Narrow, 9, 10, 9, 9),
        (Band::Narrow, 100, 3, 3, 3),
    ] {
        let mut codes = vec![0; octets];
        assert_eq!(Encoder::new(band).encode(&vec![500; samples], &mut codes), written);
        assert!(codes[..written].iter().all(|code| *code != 0) && codes[written..].iter().all(|code| *code == 0));
        assert_eq!(Decoder::new(band).decode(&codes[..written], &mut [0; 99]), heard);
        assert_eq!(Decoder::new(band).decode(&codes[..written], &mut [0; 3]), if band == Band::Wide { 2 } else { 3 });
    }
}

//! The same octets and samples as the Recommendation's, to the bit: held against its blocks as written down in `blocks`,
//! and against audio-codec, which somebody else wrote, in all that it does as the Recommendation says. It does not limit
//! the bands to 15 bits before their coders, begins decoding with steps of 0 instead of 32 and 8, and saturates the
//! zeros' sum once instead of after each addition.

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


#[test]
fn look() {
    let mut stream = sounds::noise(99, 2, 32000);
    let mut names = vec![(0, "preface".to_owned())];
    for (name, sound) in sounds::all() {
        names.push((stream.len(), name));
        stream.extend(sound);
    }
    let codes = encoded(Band::Wide, &stream);
    let mut theirs = vec![0; codes.len() + 1];
    G722Encoder::new().encode_into(&stream, &mut theirs).unwrap();
    let mut primed = vec![0xfd];
    primed.extend(&codes);
    let mut back = vec![0; stream.len() + 2];
    G722Decoder::new().decode_into(&primed, &mut back).unwrap();
    let ours = decoded(Band::Wide, &primed);
    for (i, (from, name)) in names.iter().enumerate() {
        let to = names.get(i + 1).map_or(stream.len(), |n| n.0);
        let e: Vec<_> = (from / 2..to / 2).filter(|&i| codes[i] != theirs[i]).collect();
        let d = (*from..to).filter(|&i| ours[i] != back[i]).count();
        if !e.is_empty() || d > 0 {
            println!("{name}: {from}..{to} enc {} {:?}..{:?} dec {d}", e.len(), e.first(), e.last());
        }
    }
    for seed in 0..20 {
        let mut random = Random(seed);
        let mut codes = vec![0xfd];
        codes.extend((0..16000).map(|_| random.next() as u8));
        let mut back = vec![0; codes.len() * 2];
        G722Decoder::new().decode_into(&codes, &mut back).unwrap();
        let ours = decoded(Band::Wide, &codes);
        println!("random {seed} {:?} {}", ours.iter().zip(&back).position(|(a, b)| a != b), ours == blocks::decode(&codes));
    }
}

#[test]
fn blocks_agree() {
    for (name, sound) in sounds::all() {
        let codes = encoded(Band::Wide, &sound);
        assert!(codes == blocks::encode(&sound), "{name}: encoded");
        assert!(decoded(Band::Wide, &codes) == blocks::decode(&codes), "{name}: decoded");
    }
}

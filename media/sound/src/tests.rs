use crate::ogg::{CHECKSUM, HEAD, OggError, checksum_of};
use crate::{
    EXTENSIONS, Kind, LONGEST, Mp3Error, OpusError, Raw, SoundError, VorbisError, decode, is_too_long_for_full_band,
};
use audio::{Law, Prompt, goertzel, level};
use std::time::Duration;

/// Every file of `tests/vectors/sound`, with the rate that its prompt is kept at.
const FILES: [(&str, &[u8], u32); 20] = [
    ("tone.mp3", include_bytes!("../../../tests/vectors/sound/tone.mp3"), 48_000),
    ("left.mp3", include_bytes!("../../../tests/vectors/sound/left.mp3"), 16_000),
    ("tone.ogg", include_bytes!("../../../tests/vectors/sound/tone.ogg"), 48_000),
    ("left.ogg", include_bytes!("../../../tests/vectors/sound/left.ogg"), 16_000),
    ("tone.opus", include_bytes!("../../../tests/vectors/sound/tone.opus"), 48_000),
    ("left.opus", include_bytes!("../../../tests/vectors/sound/left.opus"), 48_000),
    ("tone.g722", include_bytes!("../../../tests/vectors/sound/tone.g722"), 16_000),
    ("tone.ulaw", include_bytes!("../../../tests/vectors/sound/tone.ulaw"), 8000),
    ("tone.alaw", include_bytes!("../../../tests/vectors/sound/tone.alaw"), 8000),
    ("tone.gsm", include_bytes!("../../../tests/vectors/sound/tone.gsm"), 8000),
    ("tone.sln", include_bytes!("../../../tests/vectors/sound/tone.sln"), 8000),
    ("tone.sln16", include_bytes!("../../../tests/vectors/sound/tone.sln16"), 16_000),
    ("tone-8.wav", include_bytes!("../../../tests/vectors/sound/tone-8.wav"), 8000),
    ("tone-24.wav", include_bytes!("../../../tests/vectors/sound/tone-24.wav"), 8000),
    ("tone-32.wav", include_bytes!("../../../tests/vectors/sound/tone-32.wav"), 8000),
    ("tone-float.wav", include_bytes!("../../../tests/vectors/sound/tone-float.wav"), 8000),
    ("tone-ulaw.wav", include_bytes!("../../../tests/vectors/sound/tone-ulaw.wav"), 8000),
    ("tone-alaw.wav", include_bytes!("../../../tests/vectors/sound/tone-alaw.wav"), 8000),
    ("left.wav", include_bytes!("../../../tests/vectors/sound/left.wav"), 16_000),
    ("cut.wav", TONE_24.split_at(6000).0, 8000),
];
const TONE_24: &[u8] = include_bytes!("../../../tests/vectors/sound/tone-24.wav");

fn content(name: &str) -> &'static [u8] {
    FILES.iter().find(|(file, _, _)| *file == name).unwrap().1
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').unwrap().1
}

/// -10 dB of full scale in dBm0.
const LEVEL: f64 = 3.2 - 10.0;

/// How loud the tone is in the middle, and everything.
fn tone_of(prompt: &Prompt) -> (f64, f64) {
    let samples = prompt.samples();
    let middle = &samples[samples.len() / 5..samples.len() * 4 / 5];
    (goertzel(middle, 8000, 440.0), level(middle))
}

#[test]
fn the_tone_is_found_again_in_every_kind_of_file() {
    for (name, file, rate) in FILES {
        let prompt = decode(file, extension(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(prompt.rate(), rate, "{name}");
        let length = if name == "cut.wav" { 247 } else { 500 };
        let off = prompt.duration().abs_diff(Duration::from_millis(length));
        assert!(off <= Duration::from_millis(1), "{name}: {:?}", prompt.duration());
        let due = if name.starts_with("left") { LEVEL - 6.02 } else { LEVEL };
        let (tone, all) = tone_of(&prompt);
        assert!((tone - due).abs() < 0.5, "{name}: {tone} of {due}");
        assert!(all - tone < 0.2, "{name}: {all}, but {tone} at 440 Hz");
    }
}

#[test]
fn content_counts_before_the_name() {
    for (name, file, _) in FILES {
        let Ok(Kind::Wav | Kind::Mp3 | Kind::Opus | Kind::Vorbis) = Kind::of(file, extension(name)) else { continue };
        for other in ["", "bin", "mp3", "wav", "ogg"] {
            assert_eq!(Kind::of(file, other), Kind::of(file, extension(name)), "{name} as .{other}");
        }
    }
    assert_eq!(Kind::of(content("tone.opus"), "ogg"), Ok(Kind::Opus));
    assert_eq!(Kind::of(content("tone.ogg"), "opus"), Ok(Kind::Vorbis));
    // Samples that look like the head of an MP3 frame are samples all the same.
    assert_eq!(Kind::of(&[0xff; 4000], "ULAW"), Ok(Kind::Raw(Raw::Law(Law::Mu))));
}

#[test]
fn every_extension_that_a_file_is_looked_for_by_is_read() {
    for extension in EXTENSIONS {
        let kind = Kind::of(b"something", extension);
        let has_content = ["wav", "opus", "ogg", "oga"].contains(&extension);
        assert_eq!(kind.is_ok(), !has_content, "{extension}: {kind:?}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let says = |file: &[u8], extension: &str| decode(file, extension).unwrap_err().to_string();
    assert_eq!(decode(b"hello", "txt"), Err(SoundError::Unknown));
    assert_eq!(says(b"fLaC\0\0\0\x22", "flac"), "FLAC is not read; make it WAV, Opus or MP3");
    assert_eq!(says(b"", "ulaw"), "there is no sound in it");
    assert_eq!(decode(b"not music", "mp3"), Err(SoundError::Mp3(Mp3Error::NoFrame)));
    assert_eq!(says(b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "wav"), "a WAV file without a format");
    let mut gsm = content("tone.gsm").to_vec();
    gsm[66] = 0;
    assert_eq!(says(&gsm, "gsm"), "GSM: frame 2 is damaged");
    let opus = content("tone.opus");
    assert_eq!(decode(&opus[..opus.len() - 100], "opus"), Err(SoundError::Ogg(OggError::Cut)));
    let mut damaged = opus.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(decode(&damaged, "opus"), Err(SoundError::Ogg(OggError::Damaged(_)))));
    assert_eq!(says(&opus[..pages(opus)[1].start], "opus"), "Opus: its second header is missing");
    let ogg = include_bytes!("../../../tests/vectors/sound/damaged.ogg");
    assert!(matches!(decode(ogg, "ogg"), Err(SoundError::Vorbis(VorbisError::Packet(_)))));
    let without_tags = [&opus[pages(opus)[0].clone()], &opus[pages(opus)[2].clone()]].concat();
    assert_eq!(decode(&without_tags, "opus"), Err(SoundError::Ogg(OggError::Missing(1))));
}

#[test]
fn an_opus_files_gain_and_pre_skip_are_honoured() {
    let patched = |place: usize, bytes: &[u8]| {
        let mut file = content("tone.opus").to_vec();
        let head = file.windows(8).position(|window| window == b"OpusHead").unwrap();
        file[head + place..head + place + bytes.len()].copy_from_slice(bytes);
        repair(&mut file);
        decode(&file, "opus").unwrap()
    };
    let (plain, all) = (tone_of(&decode(content("tone.opus"), "opus").unwrap()).0, Duration::from_millis(500));
    let quieter = tone_of(&patched(16, &(-6i16 * 256).to_le_bytes())).0;
    assert!((plain - quieter - 6.0).abs() < 0.1, "{plain} {quieter}");
    let skip = u16::from_le_bytes([content("tone.opus")[28 + 10], content("tone.opus")[28 + 11]]);
    let more = patched(10, &(skip + 4800).to_le_bytes()).duration();
    assert!((all - more).abs_diff(Duration::from_millis(100)) < Duration::from_millis(1), "{more:?}");
    let mut many = content("tone.opus").to_vec();
    many[28 + 9] = 6;
    repair(&mut many);
    assert_eq!(decode(&many, "opus"), Err(SoundError::Opus(OpusError::Channels(6))));
}

#[test]
fn a_sound_longer_than_half_an_hour_is_refused_and_a_long_one_kept_wideband() {
    let samples = vec![0u8; (LONGEST.as_secs() * 8000) as usize + 1];
    assert_eq!(decode(&samples, "ulaw"), Err(SoundError::TooLong));
    assert!(decode(&samples[1..], "ulaw").is_ok());
    assert_eq!(decode(&samples, "g722"), Err(SoundError::TooLong));
    let two_minutes = 2 * 60 * 48_000;
    assert!(!is_too_long_for_full_band(two_minutes, 48_000) && is_too_long_for_full_band(two_minutes + 1, 48_000));
    assert!(!is_too_long_for_full_band(two_minutes, 16_000));
}

/// The pages of an Ogg file.
fn pages(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut pages = Vec::new();
    let mut at = 0;
    while at + HEAD <= file.len() && file[at..].starts_with(b"OggS") {
        let segments = usize::from(file[at + 26]);
        let lengths = file.get(at + HEAD..at + HEAD + segments).unwrap_or(&[]);
        let end = at + HEAD + segments + lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
        if end > file.len() {
            break;
        }
        pages.push(at..end);
        at = end;
    }
    pages
}

/// Makes the checksums of an Ogg file fit, so that what is damaged reaches the decoders.
fn repair(file: &mut [u8]) {
    for page in pages(file) {
        let page = &mut file[page];
        let checksum = checksum_of(page);
        page[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Changes some bytes, cuts, repeats or swaps pieces; `next` draws.
fn mutate(file: &mut Vec<u8>, next: &mut impl FnMut(usize) -> usize) {
    for _ in 0..=next(4) {
        let at = next(file.len());
        match next(6) {
            0 => file.truncate(at.max(8)),
            1 => {
                let piece = file[at..(at + 1 + next(200)).min(file.len())].to_vec();
                let to = next(file.len());
                file.splice(to..to, piece);
            }
            2 => drop(file.drain(at..(at + 1 + next(50)).min(file.len()))),
            // The heads are where most can go wrong.
            3 => {
                let at = next(file.len().min(150));
                file[at] = next(256) as u8;
            }
            4 => file[at] ^= 1 << next(8),
            _ => file[at] = next(256) as u8,
        }
        if file.is_empty() {
            file.push(0);
        }
    }
}

#[test]
fn no_damaged_file_is_more_than_an_error() {
    let seed: u64 = std::env::var("SEED").map_or(20_261_121, |seed| seed.parse().unwrap());
    let rounds: usize = std::env::var("ROUNDS").map_or(40, |rounds| rounds.parse().unwrap());
    let mut state = seed;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below.max(1)
    };
    let (mut read, mut refused) = (0, 0);
    for round in 0..rounds {
        for (name, original, _) in FILES {
            let mut file = original.to_vec();
            mutate(&mut file, &mut next);
            if next(4) > 0 {
                repair(&mut file);
            }
            let result = std::panic::catch_unwind(|| decode(&file, extension(name)));
            match result.unwrap_or_else(|_| panic!("SEED={seed}, round {round}: {name} panicked")) {
                Ok(prompt) => {
                    assert!(prompt.duration() <= LONGEST);
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > rounds && refused > rounds, "SEED={seed}: {read} read, {refused} refused");
}

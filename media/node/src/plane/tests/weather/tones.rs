//! A tone that is said at one end is heard at the other.

use super::*;
use audio::{goertzel, level};
use codec::Rate;
use sdp::Direction;

/// What is heard of a tone.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// Of the tone, in dBm0; it is said at -10.
    level: f64,
    /// Of all the energy.
    share: f64,
    /// The level that one in fifty windows of 40 ms does not reach: chance may take much away at one place.
    soft: f64,
}

impl Heard {
    fn of(sound: &[i16], rate: u32, hertz: f32) -> Heard {
        let energy = |decibels: f64| 10_f64.powf(decibels / 10.0);
        // A packet that was made up need not be in phase: within 100 ms it matters less.
        let blocks: Vec<_> = sound.chunks_exact(rate as usize / 10).collect();
        let at: f64 = blocks.iter().map(|block| energy(goertzel(block, rate, f64::from(hertz)))).sum();
        let all: f64 = blocks.iter().map(|block| energy(level(block))).sum();
        let window = rate as usize / 25;
        let mut levels: Vec<_> = sound.windows(window).step_by(window / 4).map(level).collect();
        levels.sort_by(f64::total_cmp);
        Heard { level: 10.0 * (at / blocks.len() as f64).log10(), share: at / all, soft: levels[levels.len() / 50] }
    }

    /// Is the tone what it must be after its way through two codecs?
    fn is_good(&self, codecs: [Codec; 2]) -> bool {
        let bounds = codecs.map(Bounds::of);
        let [one, other] = &bounds;
        (self.level + 10.0).abs() <= one.off.max(other.off)
            && self.share >= one.share.min(other.share)
            && self.soft >= one.soft.min(other.soft)
    }
}

/// How a codec keeps a tone where packets are lost, with a margin to the worst of some 1,800 times [`listening`] for each; the worse codec of a
/// pair counts.
struct Bounds {
    /// In dB.
    off: f64,
    share: f64,
    soft: f64,
}

impl Bounds {
    const fn of(codec: Codec) -> Bounds {
        let (off, share, soft) = match codec {
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::L16(_) => (0.5, 0.97, -14.0),
            Codec::Ilbc(_) => (1.5, 0.85, -16.0),
            // As in libopus, a tone is some 10 dB softer where a packet is made up and in the next one, and in its narrow band goes up and down
            // by as much for 200 ms after that.
            Codec::Opus => (6.0, 0.6, -40.0),
            // A steady tone stays as loud as each loss has left it.
            Codec::Gsm => (20.0, 0.75, -40.0),
            // It comes back softly, at the level of some other time, after each loss.
            Codec::G729 => (14.0, 0.6, -50.0),
        };
        Bounds { off, share, soft }
    }
}

/// Two phones at the ends of bad networks.
fn phones(bench: &mut Bench, codecs: [Codec; 2], random: &mut Random) -> [Far; 2] {
    let library = library();
    let mut places = [(96, TONES[0]), (97, TONES[1])].into_iter();
    codecs.map(|codec| {
        let (payload_type, hertz) = places.next().expect("two phones have two codecs");
        Far::new(bench, Speaker::with(&library, codec, payload_type, hertz), Weather::BAD, random)
    })
}

/// What is heard from now on is judged.
fn forget(phones: &mut [Far; 2]) {
    phones.iter_mut().for_each(|far| far.heard.clear());
}

/// Both hear the other one's tone.
#[track_caller]
fn judge(phones: &[Far; 2], what: &str) {
    let codecs = [0, 1].map(|index: usize| phones[index].speaker.format.codec);
    for (far, hertz) in phones.iter().zip([TONES[1], TONES[0]]) {
        let heard = Heard::of(&far.heard, far.rate, hertz);
        println!("{what}: {codecs:?}: {:?} hears {heard:?}", far.speaker.format.codec);
        assert!(heard.is_good(codecs), "{what}: {codecs:?}: {:?} hears {heard:?}", far.speaker.format.codec);
    }
}

/// Pairs of codecs whose first is one of these, and whose other is the same or comes after it in the list of all.
fn every_pair(first: &[Codec]) {
    let mut random = Random::new();
    for one in first {
        let from = Codec::ALL.iter().position(|codec| codec == one).expect("it is in the list of all");
        for other in &Codec::ALL[from..] {
            for suite in [None, Some(srtp::Suite::ALL[random.below(srtp::Suite::ALL.len() as u64) as usize])] {
                let mut bench = Bench::with(20_000..=29_999, library());
                let mut phones = phones(&mut bench, [*one, *other], &mut random);
                if let Some(suite) = suite {
                    phones[random.below(2) as usize].secure(suite);
                }
                put_through(&mut bench, &phones);
                talk(&mut bench, &mut phones, SETTLING);
                forget(&mut phones);
                talk(&mut bench, &mut phones, listening([*one, *other]));
                judge(&phones, &format!("{suite:?}"));
            }
        }
    }
}

#[test]
fn opus_and_every_codec_carry_a_tone_through_bad_weather() {
    every_pair(&[Codec::Opus]);
}

#[test]
fn g722_and_every_codec_after_it_carry_a_tone_through_bad_weather() {
    every_pair(&[Codec::G722]);
}

#[test]
fn g711_and_every_codec_after_it_carry_a_tone_through_bad_weather() {
    every_pair(&[Codec::Pcma, Codec::Pcmu]);
}

#[test]
fn g729_and_every_codec_after_it_carry_a_tone_through_bad_weather() {
    every_pair(&[Codec::G729]);
}

#[test]
fn ilbc_gsm_and_every_codec_after_them_carry_a_tone_through_bad_weather() {
    every_pair(&[Codec::Ilbc(codec::IlbcMode::Ms20), Codec::Gsm]);
}

#[test]
fn samples_as_they_are_carry_a_tone_through_bad_weather() {
    every_pair(&[Rate::Wide, Rate::Narrow, Rate::Full, Rate::Disc].map(Codec::L16));
}

#[test]
fn hold_and_resume_keep_the_tone_through_bad_weather() {
    let mut random = Random::new();
    for (codecs, secure) in [([Codec::Pcmu, Codec::Opus], None), ([Codec::Pcma, Codec::G722], Some(0))] {
        let mut bench = Bench::with(20_000..=29_999, library());
        let mut phones = phones(&mut bench, codecs, &mut random);
        if let Some(index) = secure {
            phones[index as usize].secure(srtp::Suite::ALL[0]);
        }
        put_through(&mut bench, &phones);
        talk(&mut bench, &mut phones, SETTLING);
        for held in [Direction::SendOnly, Direction::Inactive] {
            let other = if held == Direction::SendOnly { Direction::RecvOnly } else { held };
            for (far, direction) in phones.iter().zip([held, other]) {
                bench.plane.connect(far.opened.id, Remote { direction, ..far.remote() });
            }
            // What was on its way still arrives.
            talk(&mut bench, &mut phones, Duration::from_millis(500));
            forget(&mut phones);
            talk(&mut bench, &mut phones, Duration::from_secs(1));
            assert!(level(&phones[0].heard) < -60.0, "{held:?}: {}", level(&phones[0].heard));
            for far in &phones {
                bench.plane.connect(far.opened.id, far.remote());
            }
            talk(&mut bench, &mut phones, SETTLING);
            forget(&mut phones);
            talk(&mut bench, &mut phones, listening(codecs));
            judge(&phones, &format!("after {held:?}"));
        }
    }
}

#[test]
fn a_change_of_codec_in_mid_call_keeps_the_tone_through_bad_weather() {
    let mut random = Random::new();
    let mut bench = Bench::with(20_000..=29_999, library());
    let mut phones = phones(&mut bench, [Codec::Pcmu, Codec::Opus], &mut random);
    phones[0].secure(srtp::Suite::ALL[0]);
    put_through(&mut bench, &phones);
    talk(&mut bench, &mut phones, SETTLING);
    // What is late of one codec comes among the packets of the next; to Opus and back they pass as they are.
    for (codec, payload_type) in [(Codec::G722, 9), (Codec::Gsm, 3), (Codec::Opus, 97), (Codec::Pcma, 8)] {
        phones[0].change(Speaker::with(&library(), codec, payload_type, TONES[0]));
        bench.plane.connect(phones[0].opened.id, phones[0].remote());
        talk(&mut bench, &mut phones, SETTLING);
        forget(&mut phones);
        talk(&mut bench, &mut phones, listening([codec, Codec::Opus]));
        judge(&phones, "after a change");
    }
}

const TONES: [f32; 2] = [440.0, 700.0];
/// Until the ears know how late packets are.
const SETTLING: Duration = Duration::from_secs(1);

/// So long that what is lost comes out even.
fn listening(codecs: [Codec; 2]) -> Duration {
    // libbcg729 codes some tones that are steady for more than that louder and louder, without any loss: at last as loud as can be.
    Duration::from_secs(if codecs.contains(&Codec::G729) { 3 } else { 12 })
}

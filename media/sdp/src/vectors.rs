//! Descriptions from the RFCs and from real senders, and random ones made of their parts.

pub const RFC8866: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc8866-5.sdp");
pub const RFC4566: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc4566-5.sdp");
pub const RFC3605: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc3605-2.1.sdp");
pub const RFC3264_OFFER: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc3264-10.1-offer.sdp");
pub const RFC3264_ANSWER: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc3264-10.1-answer.sdp");
pub const RFC3264_OFFER_2: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc3264-10.1-offer-2.sdp");
pub const RFC3264_ANSWER_2: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc3264-10.1-answer-2.sdp");
pub const RFC3264_ONE_OF_N: &[u8] = include_bytes!("../../../tests/vectors/sdp/rfc3264-10.2-offer.sdp");
pub const BROWSER: &[u8] = include_bytes!("../../../tests/vectors/sdp/browser-offer.sdp");
pub const PHONE: &[u8] = include_bytes!("../../../tests/vectors/sdp/phone-offer.sdp");

pub const ALL: [&[u8]; 10] = [
    RFC8866,
    RFC4566,
    RFC3605,
    RFC3264_OFFER,
    RFC3264_ANSWER,
    RFC3264_OFFER_2,
    RFC3264_ANSWER_2,
    RFC3264_ONE_OF_N,
    BROWSER,
    PHONE,
];

/// Numbers below the argument, from a seed that is printed, and taken from `SEED` where that is set.
pub fn random() -> impl FnMut(usize) -> usize {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let mut state: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEED={state}");
    move |below| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % below.max(1) as u64) as usize
    }
}

/// A vector with lines of others in it, lines left out and bytes changed.
pub fn spoil(random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let lines = |text: &'static [u8]| text.split_inclusive(|byte| *byte == b'\n');
    let mut text: Vec<&[u8]> = lines(ALL[random(ALL.len())]).collect();
    for _ in 0..random(6) {
        let at = random(text.len());
        match random(3) {
            0 => drop(text.remove(at)),
            1 => {
                let all: Vec<_> = lines(ALL[random(ALL.len())]).collect();
                text.insert(at, all[random(all.len())]);
            }
            _ => text.swap(at, 0),
        }
        if text.is_empty() {
            break;
        }
    }
    let mut text = text.concat();
    for _ in 0..random(4) {
        let at = random(text.len());
        if let Some(byte) = text.get_mut(at) {
            *byte = b"\r\n= :/0aA\xff\0"[random(11)];
        }
    }
    text.truncate(text.len() - if random(4) == 0 { random(text.len()) } else { 0 });
    text
}

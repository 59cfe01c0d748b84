//! Session descriptions: the generator's own, and what it reads in those of others.
use super::*;
use codec::Codec;
use srtp::{MasterKey, Suite};

/// What protects the caller's stream; callees are always plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    None,
    /// Keys in the description (RFC 4568).
    Sdes,
    /// Keys from a handshake in the media (RFC 5763).
    Dtls,
}

impl Protection {
    pub fn named(name: &str) -> Option<Protection> {
        Some(match name {
            "none" => Protection::None,
            "sdes" => Protection::Sdes,
            "dtls" => Protection::Dtls,
            _ => return None,
        })
    }
}

pub const SUITE: Suite = Suite::AesCm128HmacSha1_80;

/// The key that caller `number` sends with; a load generator has no secrets.
pub fn key_of(number: usize) -> MasterKey {
    MasterKey::from_random(SUITE, std::array::from_fn(|at| (at + number * 7 + 1) as u8))
}

pub fn codec_named(name: &str) -> Codec {
    Codec::from_name(name).unwrap_or_else(|| usage())
}

/// The number under which we offer a codec.
pub fn number_of(codec: Codec) -> u8 {
    codec.fixed_payload_type().unwrap_or(96)
}

/// A description of one stream in one codec and telephone events; `lines` are further attributes.
pub fn body(port: u16, profile: &str, (codec, number): (Codec, u8), lines: &str) -> String {
    let rtpmap = codec.rtpmap();
    let event = if number == 101 { 102 } else { 101 };
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} {profile} {number} {event}\r\n\
         a=rtpmap:{number} {rtpmap}\r\na=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-15\r\na=ptime:20\r\n{lines}a=sendrecv\r\n"
    )
}

/// What caller `number` offers.
pub fn offer(o: &Opts, number: usize, fingerprint: &str) -> String {
    let codec = codec_named(&o.caller_codec);
    let (profile, lines) = match o.protection {
        Protection::None => ("RTP/AVP", String::new()),
        Protection::Sdes => {
            let key = key_of(number);
            ("RTP/SAVP", format!("a=crypto:{}\r\n", sdp::crypto::write(1, SUITE.name(), key.key_and_salt())))
        }
        Protection::Dtls => {
            ("UDP/TLS/RTP/SAVP", format!("a=fingerprint:{fingerprint}\r\na=setup:actpass\r\na=rtcp-mux\r\n"))
        }
    };
    body(12000 + (number as u16) * 2, profile, (codec, number_of(codec)), &lines)
}

/// The number under which a description has a codec; `None`: it is not there.
pub fn offered(description: &str, codec: Codec) -> Option<u8> {
    let mut numbers = description.lines().find_map(|line| line.strip_prefix("m=audio "))?.split_whitespace().skip(2);
    let mapped = |number: &&str| {
        attribute(description, &format!("rtpmap:{number} "))
            .is_some_and(|map| map.trim().eq_ignore_ascii_case(codec.rtpmap()))
    };
    let is_it = |number: &&str| number.parse().ok() == codec.fixed_payload_type() || mapped(number);
    numbers.find(is_it)?.parse().ok()
}

/// Where a description wants its stream.
pub fn target(description: &str) -> Option<SocketAddr> {
    let ip = description.lines().find_map(|l| l.trim_end().strip_prefix("c=IN IP4 "))?;
    let port = description.lines().find_map(|l| l.strip_prefix("m=audio "))?.split(' ').next()?;
    format!("{}:{}", ip.trim(), port).parse().ok()
}

/// What follows `a=` and this name.
pub fn attribute<'a>(description: &'a str, name: &str) -> Option<&'a str> {
    description.lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name)).map(str::trim)
}

/// The key that a description sends with.
pub fn key_in(description: &str) -> Option<MasterKey> {
    let crypto = sdp::crypto::Crypto::parse(attribute(description, "crypto:")?)?;
    MasterKey::new(Suite::from_name(crypto.suite)?, crypto.key()?.bytes()).ok()
}

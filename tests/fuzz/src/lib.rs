//! Fuzz targets: each is a function that takes any bytes and panics where an invariant does not hold.
//!
//! On stable, `cargo run --release --manifest-path tests/fuzz/Cargo.toml -- message 600` mutates the vectors for ten
//! minutes; with cargo-fuzz the same functions run under libFuzzer.

#![allow(clippy::unwrap_used)]

mod digest;
mod ear;
mod framing;
mod ice;
mod message;
mod rtp;
mod sdp;
mod sound;
mod srtp;
mod token;
mod uri;

pub use digest::digest;
pub use ear::ear;
pub use framing::framing;
pub use ice::ice;
pub use message::message;
pub use rtp::rtp;
pub use sdp::sdp;
pub use sound::sound;
pub use srtp::srtp;
pub use token::token;
pub use uri::uri;

/// A target as the driver on stable runs it.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// Folders under `tests/vectors` whose files are mutated.
    pub vectors: &'static [&'static str],
    /// More inputs that are mutated.
    pub seeds: &'static [&'static str],
    /// Pieces that mutations insert.
    pub dictionary: &'static [&'static str],
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "message",
        run: message,
        vectors: &["rfc4475"],
        seeds: message::SEEDS,
        dictionary: message::DICTIONARY,
    },
    Target { name: "uri", run: uri, vectors: &[], seeds: uri::SEEDS, dictionary: uri::DICTIONARY },
    Target {
        name: "framing",
        run: framing,
        vectors: &["rfc4475"],
        seeds: framing::SEEDS,
        dictionary: message::DICTIONARY,
    },
    Target { name: "digest", run: digest, vectors: &[], seeds: digest::SEEDS, dictionary: digest::DICTIONARY },
    Target { name: "sdp", run: sdp, vectors: &["sdp"], seeds: sdp::SEEDS, dictionary: sdp::DICTIONARY },
    Target { name: "rtp", run: rtp, vectors: &["rtp"], seeds: &[], dictionary: &[] },
    Target { name: "ear", run: ear, vectors: &["rtp"], seeds: &[], dictionary: &[] },
    Target { name: "ice", run: ice, vectors: &["rtp"], seeds: &[], dictionary: &["\u{1}\u{0}", "!\u{12}"] },
    Target {
        name: "sound",
        run: sound,
        vectors: &["sound"],
        seeds: &[],
        dictionary: &["RIFF", "OggS", "ID3", "OpusHead"],
    },
    Target { name: "srtp", run: srtp, vectors: &["rtp"], seeds: &[], dictionary: &[] },
    Target { name: "token", run: token, vectors: &[], seeds: token::SEEDS, dictionary: token::DICTIONARY },
];

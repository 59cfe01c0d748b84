//! A codec as a description speaks of it.

use crate::{Codec, IlbcMode};

/// A codec under the payload type and with the parameters that a description gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// Which.
    pub codec: Codec,
    /// 0 to 127.
    pub payload_type: u8,
    /// What who receives it asks for.
    pub parameters: Parameters,
}

/// What a=fmtp says that matters to who encodes (RFC 7587 §6.1, RFC 3952 §5, RFC 4856 §2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Opus: error correction in the band helps the receiver.
    pub fec: bool,
    /// Opus: nothing need be sent in silence.
    pub dtx: bool,
    /// Opus: the receiver plays no more samples a second than these.
    pub playback_rate: u32,
    /// Opus: bits a second, at most; 0: nothing is said.
    pub bitrate: u32,
    /// G.729: comfort noise of annex B may come in the place of silence.
    pub annex_b: bool,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters { fec: false, dtx: false, playback_rate: 48_000, bitrate: 0, annex_b: true }
    }
}

impl Format {
    /// By what a=rtpmap (or RFC 3551) and a=fmtp say of a payload type; `None`: nothing that can be decoded here.
    pub fn new(payload_type: u8, name: &str, clock: u32, channels: u8, fmtp: Option<&str>) -> Option<Format> {
        let codec = match Codec::named(name, clock, channels)? {
            // RFC 3952 §5: 30 ms where nothing is said.
            Codec::Ilbc(_) if !fmtp.unwrap_or_default().replace(' ', "").contains("mode=20") => {
                Codec::Ilbc(IlbcMode::Ms30)
            }
            codec => codec,
        };
        Some(Format { codec, payload_type, parameters: Parameters::parse(fmtp.unwrap_or_default()) })
    }
}

impl Codec {
    /// By its name in a=rtpmap, clock and channels.
    fn named(name: &str, clock: u32, channels: u8) -> Option<Codec> {
        let is = |known: Codec| known.name().eq_ignore_ascii_case(name) && known.clock() == clock;
        // Opus says two channels whatever it carries (RFC 7587 §7).
        let codec = Codec::ALL.into_iter().find(|known| is(*known))?;
        (channels == 1 || codec == Codec::Opus).then_some(codec)
    }

    /// By the name that configuration gives it, whatever the case; `L16` is the one of 16,000 samples a second.
    pub fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// What of a=fmtp an offer of ours says; empty: nothing.
    pub const fn fmtp(self) -> &'static str {
        match self {
            Codec::Opus => "useinbandfec=1",
            Codec::G729 => "annexb=yes",
            Codec::Ilbc(IlbcMode::Ms20) => "mode=20",
            Codec::Ilbc(IlbcMode::Ms30) => "mode=30",
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::Gsm | Codec::L16(_) => "",
        }
    }
}

impl Parameters {
    fn parse(fmtp: &str) -> Parameters {
        let mut parameters = Parameters::default();
        for (name, value) in fmtp.split(';').filter_map(|parameter| parameter.split_once('=')) {
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "useinbandfec" => parameters.fec = value == "1",
                "usedtx" => parameters.dtx = value == "1",
                "maxplaybackrate" => parameters.playback_rate = value.parse().unwrap_or(48_000).clamp(8000, 48_000),
                "maxaveragebitrate" => parameters.bitrate = value.parse().unwrap_or(0),
                "annexb" => parameters.annex_b = !value.eq_ignore_ascii_case("no"),
                _ => {}
            }
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rate;

    #[test]
    fn a_format_is_known_by_name_clock_and_channels() {
        let codec = |name, clock, channels| Format::new(99, name, clock, channels, None).map(|format| format.codec);
        assert_eq!(codec("pcmu", 8000, 1), Some(Codec::Pcmu));
        assert_eq!(codec("PCMU", 16_000, 1), None);
        assert_eq!(codec("G722", 8000, 1), Some(Codec::G722));
        assert_eq!(codec("OPUS", 48_000, 2), Some(Codec::Opus));
        assert_eq!(codec("L16", 44_100, 1), Some(Codec::L16(Rate::Disc)));
        assert_eq!(codec("L16", 44_100, 2), None);
        assert_eq!(codec("telephone-event", 8000, 1), None);
        for codec in Codec::ALL {
            let mut parts = codec.rtpmap().split('/');
            let (name, clock) = (parts.next().unwrap(), parts.next().unwrap().parse().unwrap());
            let channels = parts.next().map_or(1, |channels| channels.parse().unwrap());
            let fmtp = Some(codec.fmtp());
            assert_eq!(Format::new(99, name, clock, channels, fmtp).map(|format| format.codec), Some(codec));
        }
        assert_eq!(Codec::from_name("l16"), Some(Codec::L16(Rate::Wide)));
        assert_eq!(Codec::from_name("vp8"), None);
    }

    #[test]
    fn what_the_receiver_asks_for_is_read_and_nonsense_passed_over() {
        let parameters =
            Parameters::parse("maxplaybackrate=16000; UseInbandFEC=1;usedtx=1;stereo=1;x;maxaveragebitrate=y");
        let expected = Parameters { fec: true, dtx: true, playback_rate: 16_000, bitrate: 0, annex_b: true };
        assert_eq!(parameters, expected);
        assert!(!Parameters::parse("annexb=no").annex_b);
        assert_eq!(Parameters::parse(""), Parameters::default());
    }

    #[test]
    fn a_packet_has_a_length_that_the_codec_can_do() {
        assert_eq!(Codec::Opus.packet_time(30), 20);
        assert_eq!(Codec::Opus.packet_time(60), 60);
        assert_eq!(Codec::Pcmu.packet_time(35), 30);
        assert_eq!(Codec::Pcmu.packet_time(200), 60);
        assert_eq!(Codec::G729.packet_time(1), 10);
    }
}

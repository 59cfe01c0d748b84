use std::net::IpAddr;

use crate::media::{Direction, Kind};
use crate::vectors::{BROWSER, PHONE, RFC3605, RFC4566, RFC8866, random, spoil};
use crate::{MAX_BYTES, MAX_LINES, MAX_MEDIA, Sdp, SdpError};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_stream_without_a_connection_has_that_of_the_session() {
    let sdp = Sdp::parse(RFC8866).unwrap();
    let origin = sdp.origin();
    assert_eq!((origin.user, origin.session_id, origin.version), ("jdoe", "3724394400", "3724394405"));
    let addresses: Vec<_> = sdp.media().iter().map(|media| media.rtp_address().unwrap().to_string()).collect();
    assert_eq!(addresses, ["198.51.100.1:49170", "198.51.100.1:49180", "[2001:db8::2]:51372"]);
    assert_eq!(sdp.media()[2].kind, Kind::Video);
}

#[test]
fn what_the_session_says_holds_for_streams_that_say_nothing() {
    let sdp = Sdp::parse(RFC4566).unwrap();
    assert!(sdp.media().iter().all(|media| media.direction == Direction::RecvOnly));
    assert_eq!(sdp.connection().unwrap().ip(), Some(ip("224.2.17.12")));
    assert_eq!(sdp.timing(), Some("2873397496 2873404696"));
    assert!(!sdp.is_hold());
}

#[test]
fn rtcp_is_where_the_attribute_says_or_one_above() {
    let sdp = Sdp::parse(RFC3605).unwrap();
    let addresses: Vec<_> = sdp.media().iter().map(|media| media.rtcp_address().unwrap().to_string()).collect();
    assert_eq!(
        addresses,
        ["126.16.64.4:53020", "126.16.64.5:53020", "[2001:2345:6789:abcd:ef01:2345:6789:abcd]:53020"]
    );
    let sdp = Sdp::parse(RFC8866).unwrap();
    assert_eq!(sdp.media()[0].rtcp_address().unwrap().port(), 49171);
}

#[test]
fn a_browsers_offer_is_understood() {
    let sdp = Sdp::parse(BROWSER).unwrap();
    let [audio, video] = sdp.media() else { panic!("two streams") };
    assert!(audio.ice.is_some() && audio.fingerprint.is_some() && audio.rtcp_mux && audio.candidates && !audio.crypto);
    assert!(audio.is_rtp() && audio.is_datagram() && !audio.is_plain_rtp());
    assert!(video.is_rejected() && !sdp.is_hold());
    let formats: Vec<_> = audio.payloads().map(|format| (format.payload_type, format.name, format.clock)).collect();
    assert_eq!(formats[..3], [(111, "opus", 48_000), (63, "red", 48_000), (9, "G722", 8000)]);
    let opus = audio.payloads().next().unwrap();
    assert_eq!((opus.channels, opus.parameters), (2, Some("minptime=10;useinbandfec=1")));
    let clocks = audio.clocks();
    assert_eq!(
        [111, 110, 126, 0, 99, 34].map(|payload| clocks.of(payload)),
        [48_000, 48_000, 8000, 8000, 8000, 90_000]
    );
}

#[test]
fn a_phones_offer_is_understood() {
    let sdp = Sdp::parse(PHONE).unwrap();
    let [audio, image, text, message] = sdp.media() else { panic!("four streams") };
    assert!(audio.crypto && audio.is_plain_rtp() && audio.is_hold());
    assert_eq!((audio.ptime, audio.direction), (Some(20), Direction::SendOnly));
    assert_eq!((image.kind, image.formats, image.is_rtp()), (Kind::Image, "t38", false));
    assert_eq!((text.kind, text.payloads().next().unwrap().clock), (Kind::Text, 1000));
    assert!(!message.is_datagram());
}

#[test]
fn hold_is_not_listening_on_any_stream_in_use() {
    let hold = |rest: &str| {
        let text = format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{rest}");
        Sdp::parse(text.as_bytes()).unwrap().is_hold()
    };
    assert!(!hold("m=audio 4000 RTP/AVP 0\r\n"));
    assert!(hold("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"));
    assert!(hold("m=audio 4000 RTP/AVP 0\r\na=inactive\r\nm=video 0 RTP/AVP 31\r\n"));
    assert!(!hold("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n"));
    assert!(!hold("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\nm=video 4002 RTP/AVP 31\r\n"));
    assert!(hold("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"));
    assert!(hold("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ::\r\n"));
    assert!(!hold("m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"));
    assert!(!hold("m=audio 0 RTP/AVP 0\r\n") && !hold(""));
}

#[test]
fn names_and_odd_line_ends_are_taken() {
    let text = "v=0\no=- 99999999999999999999999999 1 IN IP4 host\ns= \nc=IN IP4 host.example\nt=0 0\n\n\
                m=audio 4000/2 RTP/AVP 0\na=ptime:30.0";
    let sdp = Sdp::parse(text.as_bytes()).unwrap();
    let media = &sdp.media()[0];
    assert_eq!((media.port, media.rtp_address(), media.ptime), (4000, None, Some(30)));
}

#[test]
fn versions_are_compared_as_numbers_of_any_length() {
    let version = |version: &'static str| crate::OriginLine { user: "-", session_id: "1", version, address: "-" };
    assert!(version("10").cmp_version(&version("9")).is_gt());
    assert!(version("18446744073709551617").cmp_version(&version("18446744073709551616")).is_gt());
    assert!(version("007").cmp_version(&version("7")).is_eq());
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let error = |text: &str| Sdp::parse(text.as_bytes()).unwrap_err();
    let head = "v=0\no=- 1 1 IN IP4 h\n";
    assert_eq!(error(""), SdpError::Version);
    assert_eq!(error("v=1\n"), SdpError::Version);
    assert_eq!(error("v=0\ns=-\n"), SdpError::NoOrigin);
    assert_eq!(error("v=0\no=- 1 IN IP4 h\n"), SdpError::Origin(2));
    assert_eq!(error(&format!("{head}nonsense\n")), SdpError::NotALine(3));
    assert_eq!(error(&format!("{head}c=IN IP4\n")), SdpError::Connection(3));
    for media in [
        "m=audio",
        "m=audio 1 RTP/AVP",
        "m=audio 65536 RTP/AVP 0",
        "m=audio -1 RTP/AVP 0",
        "m= 1 RTP/AVP 0",
        "m=audio 1 RTP/AVP  ",
    ] {
        assert_eq!(error(&format!("{head}{media}\n")), SdpError::Media(3), "{media}");
    }
    assert_eq!(error(&format!("{head}m=audio 0 RTP/AVP 0\nm=audio 1 RTP/AVP 0\n")), SdpError::NoConnection(4));
}

#[test]
fn limits_hold() {
    let head = b"v=0\no=- 1 1 IN IP4 h\nc=IN IP4 192.0.2.1\n";
    let with = |line: &[u8], times: usize| [&head[..], &line.repeat(times)].concat();
    assert!(Sdp::parse(&with(b"m=audio 1 RTP/AVP 0\n", MAX_MEDIA)).is_ok());
    assert_eq!(Sdp::parse(&with(b"m=audio 1 RTP/AVP 0\n", MAX_MEDIA + 1)).unwrap_err(), SdpError::TooManyMedia);
    assert!(Sdp::parse(&with(b"a=\n", MAX_LINES - 3)).is_ok());
    assert_eq!(Sdp::parse(&with(b"a=\n", MAX_LINES - 2)).unwrap_err(), SdpError::TooManyLines);
    assert_eq!(Sdp::parse(&with(b"a", MAX_BYTES)).unwrap_err(), SdpError::TooLong);
}

#[test]
fn spoilt_descriptions_are_read_or_refused_and_never_panic() {
    let mut random = random();
    for _ in 0..20_000 {
        let text = spoil(&mut random);
        if let Ok(sdp) = Sdp::parse(&text) {
            for media in sdp.media() {
                let _ = (media.rtp_address(), media.rtcp_address(), media.is_hold(), media.clocks());
                assert!(media.attributes().count() <= MAX_LINES);
            }
        }
    }
}

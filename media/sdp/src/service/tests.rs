use std::net::{IpAddr, Ipv4Addr};

use super::{NoCommonCodec, Usable, Usage, agree, answer, offer};
use crate::offer_answer::check_answer;
use crate::vectors::{ALL, BROWSER, PHONE, RFC3264_OFFER, RFC3264_ONE_OF_N, RFC4566, random, spoil};
use crate::{Direction, Format, Formats, ListedFormat, MediaPort, NewFormat, Origin, Sdp, Transport};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
const PORT: MediaPort = MediaPort { address: ADDRESS, rtp: 20_000, rtcp: 20_001 };
const ORIGIN: Origin = Origin { session_id: 5, version: 1, address: ADDRESS };

fn plain() -> Transport {
    Transport { protocol: "RTP/AVP".into(), attributes: Vec::new() }
}

fn any(_: &Format<'_>) -> Option<Usage<'static>> {
    Some(Usage::AsSaid)
}

fn g711(format: &Format<'_>) -> Option<Usage<'static>> {
    let is_g711 = format.clock == 8000 && (format.is("PCMU") || format.is("PCMA"));
    (is_g711 || format.is_telephone_event()).then_some(Usage::Own { fmtp: "", ptime: 20 })
}

fn formats() -> Formats {
    let new = |payload_type, rtpmap: &str, fmtp: &str| {
        ListedFormat::New(NewFormat { payload_type, rtpmap: rtpmap.to_owned(), fmtp: fmtp.to_owned() })
    };
    let list = vec![new(0, "PCMU/8000", ""), new(8, "PCMA/8000", ""), new(101, "telephone-event/8000", "0-15")];
    Formats { list, ptime: Some(20) }
}

fn answered(text: &[u8], accept: &Usable<'_>) -> String {
    let (_, told) = answer(&Sdp::parse(text).unwrap(), accept, PORT, &[], ORIGIN).unwrap();
    String::from_utf8(told).unwrap().replace("\r\n", "\n")
}

#[test]
fn a_prompt_takes_the_phones_first_g711_and_its_digits() {
    let expected = "v=0
o=- 5 1 IN IP4 203.0.113.7
s=-
c=IN IP4 203.0.113.7
t=0 0
m=audio 20000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=recvonly
m=image 0 udptl t38
m=text 0 RTP/AVP 98
m=message 0 TCP/MSRP *
";
    assert_eq!(answered(PHONE, &g711), expected);
    let agreed = agree(&Sdp::parse(PHONE).unwrap(), &g711).unwrap();
    assert_eq!((agreed.payload_type, agreed.clock), (8, 8000));
    assert_eq!((agreed.telephone_event, agreed.direction), (Some(101), Direction::RecvOnly));
}

#[test]
fn an_echo_takes_the_phones_first_codec_whatever_it_is() {
    let told = answered(PHONE, &any);
    assert!(
        told.contains("m=audio 20000 RTP/AVP 9 101\na=rtpmap:9 g722/8000\n") && !told.contains("a=ptime"),
        "{told}"
    );
    let browser = String::from_utf8_lossy(BROWSER).replace("UDP/TLS/RTP/SAVPF", "RTP/AVPF");
    let told = answered(browser.as_bytes(), &any);
    let stream = "m=audio 20000 RTP/AVPF 111 110
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:110 telephone-event/48000
a=fmtp:110 0-15
a=sendrecv
a=rtcp-mux
m=video 0 RTP/AVPF 96
";
    assert!(told.ends_with(stream), "{told}");
    assert!(answered(browser.as_bytes(), &g711).contains("m=audio 20000 RTP/AVPF 0 126\n"));
}

#[test]
fn one_codec_of_many_is_named_and_the_time_is_the_offers() {
    assert!(answered(RFC3264_ONE_OF_N, &g711).contains("m=audio 20000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"));
    assert!(answered(RFC3264_ONE_OF_N, &any).contains("\na=inactive\n"));
    assert!(answered(RFC4566, &any).contains("\nt=2873397496 2873404696\n"));
    assert!(answered(RFC3264_OFFER, &any).contains("m=video 0 RTP/AVP 31\nm=video 0 RTP/AVP 32\n"));
}

#[test]
fn what_a_service_cannot_use_is_refused() {
    let refused =
        |text: &str, accept: &Usable<'_>| agree(&Sdp::parse(text.as_bytes()).unwrap(), accept) == Err(NoCommonCodec);
    let phone = String::from_utf8_lossy(PHONE);
    assert!(refused(&phone.replace("9 8 0 18 101", "18 101"), &g711));
    assert!(refused(&phone.replace("9 8 0 18 101", "101"), &any));
    assert!(refused(&phone.replace("54048", "0"), &any));
    assert!(refused(&phone.replace("54048 RTP/AVP", "54048 udptl"), &any));
}

#[test]
fn our_offer_is_one_that_we_would_take() {
    let told = offer(MediaPort { rtcp: 30_000, ..PORT }, &plain(), &formats(), ORIGIN);
    let sdp = Sdp::parse(&told).unwrap();
    let agreed = agree(&sdp, &g711).unwrap();
    assert_eq!((agreed.payload_type, agreed.telephone_event), (0, Some(101)));
    assert_eq!(sdp.media()[0].rtcp_address().unwrap().port(), 30_000);
}

#[test]
fn a_protected_stream_keeps_its_profile_and_gets_our_key() {
    let line = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let phone = String::from_utf8_lossy(PHONE).replace("54048 RTP/AVP", "54048 RTP/SAVP");
    let offered = Sdp::parse(phone.as_bytes()).unwrap();
    let (agreed, told) = answer(&offered, &g711, PORT, std::slice::from_ref(&line), ORIGIN).unwrap();
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("m=audio 20000 RTP/SAVP 8 101\r\n") && agreed.payload_type == 8, "{told}");
    assert_eq!(told.matches(&format!("a={line}\r\n")).count(), 1, "{told}");
    let transport = Transport { protocol: "RTP/SAVP".into(), attributes: vec![line.clone()] };
    let told = String::from_utf8(offer(PORT, &transport, &formats(), ORIGIN)).unwrap();
    assert!(told.contains("m=audio 20000 RTP/SAVP 0 8 101\r\n") && told.ends_with(&format!("a={line}\r\n")), "{told}");
}

#[test]
fn every_answer_fits_its_offer() {
    let mut random = random();
    let spoilt = std::iter::repeat_with(|| spoil(&mut random)).take(20_000);
    for text in ALL.iter().map(|text| text.to_vec()).chain(spoilt) {
        let Ok(offer) = Sdp::parse(&text) else { continue };
        for accept in [&any as &Usable<'_>, &g711] {
            let Ok((agreed, told)) = answer(&offer, accept, PORT, &[], ORIGIN) else { continue };
            let shown = || format!("{}\n--\n{}", String::from_utf8_lossy(&text), String::from_utf8_lossy(&told));
            let again = Sdp::parse(&told).unwrap_or_else(|error| panic!("{error}: {}", shown()));
            assert_eq!(check_answer(&offer, &again), Ok(()), "{}", shown());
            let media = &again.media()[agreed.stream];
            let format = media.payloads().next().unwrap();
            assert_eq!((format.payload_type, format.clock), (agreed.payload_type, agreed.clock), "{}", shown());
        }
    }
}

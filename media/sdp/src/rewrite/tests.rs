use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{MediaPort, Origin, Rewrite, rewrite};
use crate::line::Lines;
use crate::vectors::{BROWSER, PHONE, RFC3264_ANSWER, RFC3605, RFC8866, random, spoil};
use crate::{Direction, Formats, ListedFormat, NewFormat, Sdp, Transport};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7));

fn origin(address: IpAddr) -> Origin {
    Origin { session_id: 77, version: 3, address }
}

/// A pair from 20000 for each stream.
fn ports(sdp: &Sdp<'_>, address: IpAddr) -> Vec<MediaPort> {
    let pairs = (0..sdp.media().len() as u16).map(|index| 20_000 + 2 * index);
    pairs.map(|rtp| MediaPort { address, rtp, rtcp: rtp + 1 }).collect()
}

/// With LF for line ends.
fn rewritten(text: &[u8], address: IpAddr) -> String {
    let sdp = Sdp::parse(text).unwrap();
    let told = rewrite(&sdp, &ports(&sdp, address), &[], &[], origin(address));
    String::from_utf8(told).unwrap().replace("\r\n", "\n")
}

#[test]
fn addresses_and_ports_become_ours_and_the_rest_stays() {
    let expected = "v=0
o=- 77 3 IN IP4 203.0.113.7
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 203.0.113.7
t=0 0
m=audio 20000 RTP/AVP 0
m=audio 20002 RTP/AVP 0
m=video 20004 RTP/AVP 99
c=IN IP4 203.0.113.7
a=rtpmap:99 h263-1998/90000
";
    assert_eq!(rewritten(RFC8866, V4), expected);
    assert_eq!(rewritten(RFC8866, V6), expected.replace("IP4 203.0.113.7", "IP6 2001:db8::7"));
}

#[test]
fn keys_fax_and_text_pass_and_the_family_changes() {
    let expected = "v=0
o=- 77 3 IN IP4 203.0.113.7
s=call
c=IN IP4 203.0.113.7
t=0 0
a=X-vendor:\tkept  as it is 
m=audio 20000 RTP/AVP 9 8 0 18 101
i=desk
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4
a=rtpmap:9 g722/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendonly
m=image 20002 udptl t38
a=T38FaxVersion:0
m=text 20004 RTP/AVP 98
c=IN IP4 203.0.113.7
b=AS:1
a=rtpmap:98 t140/1000
m=message 20006 TCP/MSRP *
a=accept-types:text/plain
";
    assert_eq!(rewritten(PHONE, V4), expected);
}

#[test]
fn rtcp_is_said_where_it_was_said() {
    let told = rewritten(RFC3605, V6);
    let said: Vec<_> = told.lines().filter(|line| line.starts_with("a=rtcp")).collect();
    assert_eq!(said, ["a=rtcp:20001", "a=rtcp:20003 IN IP6 2001:db8::7", "a=rtcp:20005 IN IP6 2001:db8::7"]);
}

#[test]
fn rtcp_is_said_where_nobody_would_look_for_it() {
    let sdp = Sdp::parse(RFC8866).unwrap();
    let ports =
        [(20_000, 20_001), (20_002, 30_000), (20_004, 20_004)].map(|(rtp, rtcp)| MediaPort { address: V4, rtp, rtcp });
    let told = String::from_utf8(rewrite(&sdp, &ports, &[], &[], origin(V4))).unwrap();
    assert!(told.contains("m=audio 20002 RTP/AVP 0\r\na=rtcp:30000\r\nm=video"), "{told}");
    assert_eq!(told.matches("a=rtcp").count(), 1);
}

#[test]
fn a_browsers_paths_end_at_the_relay() {
    let gone: Vec<String> = {
        let told = rewritten(BROWSER, V4);
        let kept: Vec<_> = told.lines().collect();
        let text = std::str::from_utf8(BROWSER).unwrap();
        text.lines().filter(|line| !kept.contains(line)).map(|line| line.chars().take(14).collect()).collect()
    };
    let expected = [
        "o=- 4215775240",
        "a=group:BUNDLE",
        "m=audio 47423 ",
        "c=IN IP4 203.0",
        "a=rtcp:9 IN IP",
        "a=candidate:24",
        "a=candidate:84",
        "a=ice-ufrag:sX",
        "a=ice-pwd:yEcl",
        "a=ice-options:",
        "c=IN IP4 0.0.0",
        "a=rtcp:9 IN IP",
        "a=bundle-only",
    ];
    assert_eq!(gone, expected);
    let told = rewritten(BROWSER, V4);
    assert!(told.contains("\na=rtcp:20001 IN IP4 203.0.113.7\n") && told.contains("\na=fingerprint:sha-256 22:14"));
    assert!(told.contains("\nm=video 0 UDP/TLS/RTP/SAVPF 96 97\n"), "the bundled stream is rejected in its place");
}

#[test]
fn rejected_streams_stay_rejected_whichever_side_rejects_them() {
    let sdp = Sdp::parse(RFC3264_ANSWER).unwrap();
    let mut ports = ports(&sdp, V4);
    ports[2] = MediaPort::REJECTED;
    let told = rewrite(&sdp, &ports, &[], &[], origin(V4));
    let again = Sdp::parse(&told).unwrap();
    assert_eq!(again.media().iter().map(|media| media.port).collect::<Vec<_>>(), [20_000, 0, 0]);
    let none = rewrite(&sdp, &[], &[], &[], origin(V4));
    assert!(Sdp::parse(&none).unwrap().media().iter().all(|media| media.is_rejected()));
}

#[test]
fn a_hold_by_an_unspecified_address_arrives_as_one() {
    let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\nm=audio 4000 RTP/AVP 0\n\
                m=audio 4002 RTP/AVP 0\nc=IN IP4 192.0.2.1\n";
    let told = rewritten(text.as_bytes(), V4);
    assert!(told.contains("c=IN IP4 0.0.0.0\nt=0 0\nm=audio 20000 RTP/AVP 0\nm=audio 20002 RTP/AVP 0\n"), "{told}");
    assert!(told.ends_with("c=IN IP4 203.0.113.7\n"), "{told}");
    assert!(rewritten(text.as_bytes(), V6).contains("c=IN IP6 ::\nt=0 0\n"));
}

#[test]
fn with_ice_an_unspecified_address_is_only_not_known_yet() {
    let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 9 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=ice-ufrag:x\n";
    assert!(rewritten(text.as_bytes(), V4).ends_with("m=audio 20000 RTP/AVP 0\nc=IN IP4 203.0.113.7\n"));
}

#[test]
fn streams_on_different_addresses_each_say_their_own() {
    let sdp = Sdp::parse(RFC8866).unwrap();
    let ports = [(V4, 1), (V6, 3), (V6, 5)].map(|(address, rtp)| MediaPort { address, rtp, rtcp: rtp + 1 });
    let told = rewrite(&sdp, &ports, &[], &[], origin(V4));
    let again = Sdp::parse(&told).unwrap();
    let addresses: Vec<_> = again.media().iter().map(|media| media.rtp_address().unwrap().ip()).collect();
    assert_eq!(addresses, [V4, V6, V6]);
    assert!(String::from_utf8(told).unwrap().contains("m=audio 3 RTP/AVP 0\r\nc=IN IP6 2001:db8::7\r\nm=video"));
}

#[test]
fn a_direction_of_ours_takes_the_place_of_theirs() {
    for text in [PHONE, RFC8866] {
        let sdp = Sdp::parse(text).unwrap();
        let ports = ports(&sdp, V4);
        for direction in [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive] {
            let mut told = Vec::new();
            Rewrite {
                ports: &ports,
                transports: &[],
                formats: &[],
                origin: origin(V4).next(),
                direction: Some(direction),
            }
            .write(&sdp, &mut told);
            let again = Sdp::parse(&told).unwrap();
            assert!(again.media().iter().all(|media| media.direction == direction));
            assert_eq!(again.origin().version, "4");
        }
    }
}

#[test]
fn line_ends_stay_what_they_were_and_a_missing_last_one_does_no_harm() {
    let text = b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n\
                 m=audio 4000 RTP/AVP 0\na=sendrecv\nm=audio 4002 RTP/AVP 0";
    let sdp = Sdp::parse(text).unwrap();
    let ports = [(V4, 20_000), (V6, 20_010)].map(|(address, rtp)| MediaPort { address, rtp, rtcp: rtp + 3 });
    let told = String::from_utf8(rewrite(&sdp, &ports, &[], &[], origin(V4))).unwrap();
    let expected = "v=0\no=- 77 3 IN IP4 203.0.113.7\ns=-\nc=IN IP4 203.0.113.7\nt=0 0\n\
                    m=audio 20000 RTP/AVP 0\na=sendrecv\na=rtcp:20003\n\
                    m=audio 20010 RTP/AVP 0\r\nc=IN IP6 2001:db8::7\r\na=rtcp:20013\r\n";
    assert_eq!(told, expected);
}

/// For every description that can be read: what is told can be read, has the streams in their places on our addresses
/// and ports, and every line that neither path nor security has a part in is there as it was.
#[test]
fn whatever_is_read_is_told_with_our_addresses_alone() {
    let mut random = random();
    let mut read = 0;
    for round in 0..20_000 {
        let text = spoil(&mut random);
        let Ok(sdp) = Sdp::parse(&text) else { continue };
        read += 1;
        let address = if round % 2 == 0 { V4 } else { V6 };
        let told = rewrite(&sdp, &ports(&sdp, address), &[], &[], origin(address));
        let shown = || format!("{}\n--\n{}", String::from_utf8_lossy(&text), String::from_utf8_lossy(&told));
        let again = Sdp::parse(&told).unwrap_or_else(|error| panic!("{error}: {}", shown()));
        assert_eq!(again.media().len(), sdp.media().len(), "{}", shown());
        for (index, (before, after)) in sdp.media().iter().zip(again.media()).enumerate() {
            assert_eq!(
                (before.kind_text, before.protocol, before.formats),
                (after.kind_text, after.protocol, after.formats)
            );
            assert_eq!(after.port, if before.is_rejected() { 0 } else { 20_000 + 2 * index as u16 }, "{}", shown());
            assert_eq!(before.direction, after.direction, "{}", shown());
            assert!(before.is_rejected() || before.is_hold() == after.is_hold(), "{}", shown());
            let ip = after.connection.and_then(|connection| connection.ip());
            assert!(ip.is_none_or(|ip| ip == address || ip.is_unspecified()), "{}", shown());
            assert!(after.ice.is_none() && !after.candidates);
        }
        let others = |text| -> Vec<&[u8]> {
            Lines::new(text).filter(|line| is_untouched(line.raw)).map(|line| line.raw).collect()
        };
        assert_eq!(others(&told), others(&text), "{}", shown());
    }
    assert!(read > 2_000, "{read} of 20000 could be read");
}

fn is_untouched(line: &[u8]) -> bool {
    let touched = "o= c= m= a=rtcp: a=candidate a=ice- a=group:BUNDLE a=bundle-only a=crypto a=fingerprint a=setup";
    let is_bare_rtcp = line.trim_ascii_end() == b"a=rtcp";
    !is_bare_rtcp && !touched.split(' ').any(|start| line.starts_with(start.as_bytes()))
}

#[test]
fn a_stream_with_a_transport_of_its_own_loses_what_the_other_phone_said_of_security() {
    let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n\
               a=setup:actpass\r\na=tool:x\r\nm=audio 4000 UDP/TLS/RTP/SAVPF 0 101\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n\
               a=zrtp-hash:1.10 fe30\r\na=rtpmap:0 PCMU/8000\r\nm=image 4002 udptl t38\r\n";
    let sdp = Sdp::parse(sdp.as_bytes()).unwrap();
    let transport = Transport { protocol: "RTP/SAVP".into(), attributes: vec!["crypto:7 X inline:y".into()] };
    let told = rewrite(&sdp, &ports(&sdp, V4), &[Some(transport)], &[], origin(V4));
    let told = String::from_utf8(told).unwrap().replace("\r\n", "\n");
    let expected = "v=0\no=- 77 3 IN IP4 203.0.113.7\ns=-\nc=IN IP4 203.0.113.7\nt=0 0\na=tool:x\n\
                    m=audio 20000 RTP/SAVP 0 101\na=rtpmap:0 PCMU/8000\na=crypto:7 X inline:y\nm=image 20002 udptl t38\n";
    assert_eq!(told, expected);
}

#[test]
fn zrtp_passes_where_nothing_else_encrypts() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=zrtp-hash:1.10 fe30\r\n";
    let sdp = Sdp::parse(text.as_bytes()).unwrap();
    let with = |attributes: &[&str]| {
        let attributes = attributes.iter().map(|&text| text.to_owned()).collect();
        let transport = Transport { protocol: "RTP/AVP".into(), attributes };
        String::from_utf8(rewrite(&sdp, &ports(&sdp, V4), &[Some(transport)], &[], origin(V4))).unwrap()
    };
    assert!(with(&[]).contains("a=zrtp-hash"));
    assert!(!with(&["crypto:1 X inline:y"]).contains("a=zrtp-hash"));
}

#[test]
fn a_refused_stream_shows_no_keys() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=video 0 RTP/SAVP 99\r\na=crypto:1 X inline:y\r\n";
    let sdp = Sdp::parse(text.as_bytes()).unwrap();
    let told = String::from_utf8(rewrite(&sdp, &ports(&sdp, V4), &[None], &[], origin(V4))).unwrap();
    assert!(told.contains("m=video 0 RTP/SAVP 99") && !told.contains("crypto"), "{told}");
}

#[test]
fn formats_are_taken_away_and_added_with_all_that_is_said_of_them() {
    let said = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96 0 101\r\n\
        a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtcp-fb:96 nack\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=ptime:40\r\na=sendonly";
    let sdp = Sdp::parse(said).unwrap();
    let new = NewFormat { payload_type: 97, rtpmap: "iLBC/8000".to_owned(), fmtp: "mode=20".to_owned() };
    let list = vec![ListedFormat::Kept(0), ListedFormat::New(new), ListedFormat::Kept(101)];
    let formats = [Some(Formats { list, ptime: Some(20) })];
    let told = String::from_utf8(rewrite(&sdp, &ports(&sdp, V4), &[], &formats, origin(V4))).unwrap();
    let (_, stream) = told.split_once("m=").unwrap();
    let expected = "audio 20000 RTP/AVP 0 97 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n\
        a=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=20\r\na=ptime:20\r\n";
    assert_eq!(stream, expected);
}

#[test]
fn sources_of_sound_are_not_told_where_we_may_make_it_ourselves() {
    let said = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n\
        a=ssrc:1 cname:x\r\nm=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=ssrc:2 cname:x\r\n";
    let sdp = Sdp::parse(said).unwrap();
    let plain = || Some(Transport { protocol: "RTP/AVP".into(), attributes: Vec::new() });
    let told = String::from_utf8(rewrite(&sdp, &ports(&sdp, V4), &[plain(), plain()], &[], origin(V4))).unwrap();
    assert!(!told.contains("a=ssrc:1 ") && told.contains("a=ssrc:2 "), "{told}");
}

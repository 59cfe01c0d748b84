use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sdp::offer_answer::{Change, check_answer, compare, is_same_but_origin};
use sdp::service::{Usable, Usage, agree, answer};
use sdp::{Format, Formats, Kind, ListedFormat, Media, MediaPort, NewFormat, Origin, Sdp, crypto, rewrite};

pub const SEEDS: &[&str] =
    &["v=0\no=- 1 1 IN IP4 h\nc=IN IP6 ::1\nm=audio 1/2 RTP/AVP 0\na=rtcp:7 IN IP4 0.0.0.0\nc=IN IP4 1.2.3.4/5"];

pub const DICTIONARY: &[&str] = &[
    "\r\n",
    "\n",
    "v=0\r\n",
    "o=- 1 2 IN IP4 192.0.2.1\r\n",
    "c=IN IP4 0.0.0.0\r\n",
    "c=IN IP6 2001:db8::1\r\n",
    "m=audio 4000 RTP/AVP 0 8 101\r\n",
    "m=video 0 RTP/AVP 31\r\n",
    "m=image 4004 udptl t38\r\n",
    "a=sendonly\r\n",
    "a=inactive\r\n",
    "a=rtcp:5000\r\n",
    "a=rtcp-mux\r\n",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 KDR=0\r\n",
    "a=ice-ufrag:x\r\n",
    "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n",
    "a=rtpmap:101 telephone-event/8000\r\n",
    "a=fmtp:0 x\r\n",
    "a=ptime:20\r\n",
    "i=",
    " ",
    "/",
    ":",
    "\u{e9}",
];

const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
const OURS_6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7));

/// What can be read can be told to the other side with our addresses alone, told again without a further change, and
/// answered by a service with an answer that fits.
pub fn sdp(data: &[u8]) {
    let Ok(sdp) = Sdp::parse(data) else { return };
    assert_eq!(compare(&sdp, &sdp), Change::None);
    sdp.media().iter().for_each(has_keys);
    for ours in [OURS, OURS_6] {
        let port = |index: u16| MediaPort { address: ours, rtp: 20_000 + 2 * index, rtcp: 20_001 + 3 * index };
        let ports: Vec<_> = (0..sdp.media().len() as u16).map(port).collect();
        let origin = Origin { session_id: 1, version: 2, address: ours };
        let told = rewrite(&sdp, &ports, &[], &[], origin);
        let again = Sdp::parse(&told).expect("what we tell is a description");
        is_told(&sdp, &again, ours);
        assert!(is_same_but_origin(&told, &rewrite(&again, &ports, &[], &[], origin)));
        is_listed(&sdp, &ports, origin);
        is_served(&sdp, ports.first().copied().unwrap_or(MediaPort::REJECTED), origin);
    }
}

/// A plain key can be written again.
fn has_keys(media: &Media<'_>) {
    for offered in media.cryptos().filter(|offered| offered.is_plain()) {
        let key = offered.key().expect("a plain one has a key");
        let told = crypto::write(offered.tag, offered.suite, key.bytes()).to_string();
        let again = crypto::Crypto::parse(&told).expect("what we write is a crypto");
        assert_eq!((again.tag, again.suite), (offered.tag, offered.suite));
        assert_eq!(again.key().expect("with its key").bytes(), key.bytes());
    }
}

fn is_told(before: &Sdp<'_>, after: &Sdp<'_>, ours: IpAddr) {
    assert_eq!(before.media().len(), after.media().len());
    assert_eq!(after.origin().address, ours.to_string());
    for (index, (before, after)) in before.media().iter().zip(after.media()).enumerate() {
        assert_eq!(
            (before.kind_text, before.protocol, before.formats),
            (after.kind_text, after.protocol, after.formats)
        );
        assert_eq!(after.port, if before.is_rejected() { 0 } else { 20_000 + 2 * index as u16 });
        assert_eq!(before.direction, after.direction);
        assert!(before.is_rejected() || before.is_hold() == after.is_hold());
        assert!(before.payloads().eq(after.payloads()));
        let ip = after.connection.and_then(|connection| connection.ip());
        assert!(ip.is_none_or(|ip| ip == ours || ip.is_unspecified() && ip.is_ipv4() == ours.is_ipv4()));
        assert!(after.ice.is_none() && !after.candidates);
    }
}

fn is_served(offer: &Sdp<'_>, port: MediaPort, origin: Origin) {
    let any = |_: &Format<'_>| Some(Usage::AsSaid);
    let own = |format: &Format<'_>| (format.clock == 8000).then_some(Usage::Own { fmtp: "x=1", ptime: 20 });
    let services: [&Usable<'_>; 2] = [&any, &own];
    for usable in services {
        let Ok((agreed, told)) = answer(offer, usable, port, &[], origin) else { continue };
        let answer = Sdp::parse(&told).expect("what we answer is a description");
        assert_eq!(check_answer(offer, &answer), Ok(()));
        let theirs = agree(&answer, usable).expect("they can agree to it");
        assert_eq!((theirs.payload_type, theirs.clock), (agreed.payload_type, agreed.clock));
        assert_eq!(theirs.telephone_event, agreed.telephone_event);
    }
}

/// A list of formats of our own takes the place of what was said, and nothing else changes.
fn is_listed(sdp: &Sdp<'_>, ports: &[MediaPort], origin: Origin) {
    let new = |payload_type, rtpmap: &str| {
        ListedFormat::New(NewFormat { payload_type, rtpmap: rtpmap.to_owned(), fmtp: "a=b".to_owned() })
    };
    let lists: Vec<Option<Formats>> = { sdp.media().iter() }
        .map(|media| {
            let kept = media.payloads().next().filter(|format| format.payload_type < 126).map(|format| ListedFormat::Kept(format.payload_type));
            let list = kept.into_iter().chain([new(127, "opus/48000/2"), new(126, "iLBC/8000")]).collect();
            (media.kind == Kind::Audio && media.is_rtp()).then_some(Formats { list, ptime: Some(30) })
        })
        .collect();
    let told = rewrite(sdp, ports, &[], &lists, origin);
    let again = Sdp::parse(&told).expect("what we tell is a description");
    for ((before, after), list) in sdp.media().iter().zip(again.media()).zip(&lists) {
        if let Some(list) = list.as_ref().filter(|_| !after.is_rejected()) {
            assert_eq!(after.payloads().count(), list.list.len());
            assert_eq!(after.ptime, Some(30));
        } else {
            assert_eq!(before.formats, after.formats);
        }
    }
}

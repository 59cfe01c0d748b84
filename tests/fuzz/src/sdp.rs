use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sdp::offer_answer::{Change, check_answer, compare, is_same_but_origin};
use sdp::service::{Accept, agree, answer};
use sdp::{Media, MediaPort, Origin, Sdp, crypto, rewrite};

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
        let told = rewrite(&sdp, &ports, origin);
        let again = Sdp::parse(&told).expect("what we tell is a description");
        is_told(&sdp, &again, ours);
        assert!(is_same_but_origin(&told, &rewrite(&again, &ports, origin)));
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
        assert!(!after.ice && !after.candidates);
    }
}

fn is_served(offer: &Sdp<'_>, port: MediaPort, origin: Origin) {
    for accept in [Accept::Any, Accept::G711] {
        let Ok((agreed, told)) = answer(offer, accept, port, origin) else { continue };
        let answer = Sdp::parse(&told).expect("what we answer is a description");
        assert_eq!(check_answer(offer, &answer), Ok(()));
        let theirs = agree(&answer, accept).expect("they can agree to it");
        assert_eq!((theirs.payload_type, theirs.clock), (agreed.payload_type, agreed.clock));
        assert_eq!(theirs.telephone_event, agreed.telephone_event);
    }
}

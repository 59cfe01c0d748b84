//! The cost of one message: reading it, and handing it on as a proxy does.

use divan::{Bencher, black_box};
use sip::message::Message;
use sip::{Builder, Edit, Name};

/// Shows what allocates: only the output may.
#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = ["INVITE", "REGISTER", "200"])]
fn parse(bencher: Bencher<'_, '_>, name: &str) {
    let text = match name {
        "INVITE" => INVITE,
        "REGISTER" => REGISTER,
        _ => OK,
    };
    let bytes = text.replace('\n', "\r\n").into_bytes();
    bencher.bench(|| {
        black_box(Message::parse(black_box(&bytes)).is_ok());
    });
}

/// Request URI, Via, Record-Route, asserted identity, target, Max-Forwards; own credentials and route removed.
#[divan::bench]
fn forward_invite(bencher: Bencher<'_, '_>) {
    let bytes = INVITE.replace('\n', "\r\n").into_bytes();
    let mut out = Vec::with_capacity(4096);
    bencher.bench_local(|| {
        out.clear();
        let message = Message::parse(black_box(&bytes)).expect("the vector parses");
        let mut edit = Edit::new(&message);
        edit.request_uri("sip:bob@192.0.2.77:5062;transport=udp");
        edit.push_front(
            Name::Via,
            "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK8f3a2b1c0d9e8f7a6b5c4d3e2f1a;f=AbCdEfGhIjKlMnOpQrSt",
        );
        edit.push_front(Name::RecordRoute, "<sip:AbCdEfGhIjKlMnOpQrSt@sip.example.com:5060;transport=udp;lr>");
        edit.set(Name::MaxForwards, message.max_forwards().map_or(70, |hops| hops - 1));
        edit.pop_first_value(Name::Route);
        edit.remove_prefixed("Tandem-");
        edit.append(Name::PAssertedIdentity, format_args!("\"Alice\" <sip:{}@{}>", "2001", "example.com"));
        edit.append(Name::TandemTarget, "user:bob@example.com");
        edit.write(&mut out);
        black_box(out.len());
    });
}

#[divan::bench]
fn forward_response(bencher: Bencher<'_, '_>) {
    let bytes = OK.replace('\n', "\r\n").into_bytes();
    let mut out = Vec::with_capacity(4096);
    bencher.bench_local(|| {
        out.clear();
        let message = Message::parse(black_box(&bytes)).expect("the vector parses");
        let mut edit = Edit::new(&message);
        edit.pop_first_value(Name::Via);
        edit.write(&mut out);
        black_box(out.len());
    });
}

#[divan::bench]
fn answer_invite(bencher: Bencher<'_, '_>) {
    let bytes = INVITE.replace('\n', "\r\n").into_bytes();
    let message = Message::parse(&bytes).expect("the vector parses");
    bencher.bench_local(|| Builder::response(black_box(&message), 100, "Trying").finish());
}

#[divan::bench]
fn call_ids_and_tags(bencher: Bencher<'_, '_>) {
    let bytes = INVITE.replace('\n', "\r\n").into_bytes();
    let message = Message::parse(&bytes).expect("the vector parses");
    bencher.bench_local(|| {
        let message = black_box(&message);
        (
            message.call_id().len(),
            message.from_tag().is_some(),
            message.to_tag().is_some(),
            message.via().branch.is_some(),
        )
    });
}

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKnashds8asdkjwe2;rport
Max-Forwards: 70
Route: <sip:sip.example.com;lr>
From: \"Alice\" <sip:alice@example.com>;tag=1928301774
To: <sip:bob@example.com>
Call-ID: a84b4c76e66710@pc33.example.com
CSeq: 314159 INVITE
Contact: <sip:alice@192.0.2.10:5060;transport=udp>
User-Agent: Phone/1.2.3
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, INFO, UPDATE, PRACK
Supported: replaces, timer, 100rel
Session-Expires: 1800;refresher=uac
Content-Type: application/sdp
Content-Length: 247

v=0
o=alice 53655765 2353687637 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
m=audio 49170 RTP/AVP 0 8 9 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv
";

const REGISTER: &str = "REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKnashds8asdkjwe2;rport
Max-Forwards: 70
From: \"Alice\" <sip:alice@example.com>;tag=456248
To: <sip:alice@example.com>
Call-ID: 843817637684230@998sdasdh09
CSeq: 1826 REGISTER
Contact: <sip:alice@192.0.2.10:5060>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\";reg-id=1;expires=600
Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"8f3a2b1c0d9e8f7a6b5c4d3e2f1a\", uri=\"sip:example.com\", response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"0a4f113b\"
User-Agent: Phone/1.2.3
Supported: path, outbound, gruu
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE
Expires: 600
Content-Length: 0

";

const OK: &str = "SIP/2.0 200 OK
Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK8f3a2b1c0d9e8f7a6b5c4d3e2f1a;f=AbCdEfGhIjKlMnOpQrSt
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKnashds8asdkjwe2;rport=5060;received=192.0.2.10
Record-Route: <sip:AbCdEfGhIjKlMnOpQrSt@sip.example.com:5060;transport=udp;lr>
From: \"Alice\" <sip:alice@example.com>;tag=1928301774
To: <sip:bob@example.com>;tag=a6c85cf
Call-ID: a84b4c76e66710@pc33.example.com
CSeq: 314159 INVITE
Contact: <sip:bob@192.0.2.4>
Content-Type: application/sdp
Content-Length: 131

v=0
o=bob 53655765 2353687637 IN IP4 192.0.2.4
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49170 RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=sendrecv
";

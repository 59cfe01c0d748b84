use sip::framing::{Frame, Framer, MAX_HEAD};
use sip::headers::{AuthValue, ContactValue, RAck, Valued, Via};
use sip::message::{MAX_LINES, MAX_MESSAGE};
use sip::{Aor, Builder, Edit, Message, Name, Uri};

pub const SEEDS: &[&str] = &[
    "ACK sip:a@b SIP/2.0\r\nv:SIP/2.0/UDP [::1]:5060;rport,SIP/2.0/WSS c;branch=z9hG4bK1;f=x\r\nf:<sip:a@b>;tag=1\r\n\
     t:\"x\" <tel:+1>;tag=2\r\ni:1\r\nCSeq:1 ACK\r\nRoute:<sip:t@p;lr>,<sip:q;lr>\r\nRecord-Route: <sip:p;lr>\r\n\r\n",
    "SIP/2.0 401 No\r\nVia: SIP/2.0/TCP h\r\nFrom: a <sip:a@b>;tag=1\r\nTo: sip:a@b;tag=2\r\nCall-ID: 1\r\nCSeq: 1 X\r\n\
     WWW-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=\"auth\"\r\nContact: *\r\nRAck: 1 2 INVITE\r\nl: 1\r\n\r\nx",
];

pub const DICTIONARY: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\r\n ",
    "\r",
    "\n",
    "\0",
    ":",
    ";",
    ",",
    "<",
    ">",
    "\"",
    "\\",
    "=",
    "@",
    "%",
    "%00",
    "[::1]",
    "*",
    ";tag=",
    ";branch=z9hG4bK",
    ";rport",
    "65535",
    "65536",
    "4294967296",
    "-1",
    "SIP/2.0",
    "SIP/3.0",
    "l: ",
    "v: ",
    "\u{fffd}",
    "Content-Length: ",
    "Max-Forwards: ",
    "CSeq: ",
    "Via: SIP/2.0/UDP h",
    "Route: <sip:x;lr>,<sip:y>",
    "Tandem-Target: x",
];

/// Reads any bytes. What parses is written back the same; what parses and is changed parses again, with the change.
pub fn message(data: &[u8]) {
    match Message::parse(data) {
        Ok(message) => {
            read_all(&message);
            writes_back(&message);
            if message.lines().count() + 8 < MAX_LINES && message.bytes().len() + 4096 < MAX_MESSAGE {
                forwards(&message);
                answers(&message);
                takes_a_body(&message);
            }
        }
        Err(rejected) => {
            assert!(matches!(rejected.status, 400 | 413 | 414 | 505));
            if let Some(partial) = rejected.partial {
                read_all(&partial);
                assert!(!Builder::response(&partial, rejected.status, "Refused").to_tag("1").finish().is_empty());
            }
        }
    }
}

fn read_all(message: &Message<'_>) {
    let _ = (message.is_request(), message.status(), message.reason(), message.method(), message.method_text());
    let _ = (message.request_uri(), message.call_id(), message.cseq(), message.max_forwards(), message.body());
    let _ = (message.from().display_name(), message.to().display_name(), message.from_tag(), message.to_tag());
    let _ = (message.via().has_unique_branch(), message.via().param("f"));
    for line in message.lines() {
        assert!(message.named(line.text).is_some());
        let _ = (message.number(line.name), message.has_option(line.name, "100rel"));
        let _ = (Via::parse(line.value), RAck::parse(line.value), Valued::parse(line.value).params.iter().count());
        if let Some(auth) = AuthValue::parse(line.value) {
            let _ = auth.params().count();
        }
    }
    for &name in Name::ALL {
        assert_eq!(message.all(name).next(), message.header(name));
        for value in message.values(name) {
            assert!(!value.is_empty());
            if let Ok(contact) = ContactValue::parse(value) {
                assert!(contact.q() <= 1000);
                let _ = (contact.expires(), contact.address().map(|address| address.uri().is_ok()));
            }
            let _ = Aor::parse(value);
        }
    }
}

fn written(edit: &mut Edit<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    edit.write(&mut out);
    out
}

fn lines(message: &Message<'_>) -> Vec<(String, String)> {
    message.lines().map(|line| (line.text.into(), line.value.into())).collect()
}

fn writes_back(message: &Message<'_>) {
    let out = written(&mut Edit::new(message));
    if message.header(Name::ContentLength).is_some() {
        assert_eq!(out, message.bytes());
    }
    if message.lines().count() < MAX_LINES && out.len() <= MAX_MESSAGE {
        let again = Message::parse(&out).unwrap();
        assert_eq!(lines(&again)[..lines(message).len()], lines(message));
        assert_eq!((again.body(), again.request_uri()), (message.body(), message.request_uri()));
        assert_eq!((again.via(), again.from(), again.to()), (message.via(), message.from(), message.to()));
    }
    if out.len() <= MAX_MESSAGE && out.len() - message.body().len() <= MAX_HEAD {
        let mut framer = Framer::new();
        framer.push(&out);
        assert_eq!(framer.next(), Ok(Some(Frame::Message(&out))));
        assert_eq!(framer.next(), Ok(None));
    }
}

fn forwards(message: &Message<'_>) {
    let mut edit = Edit::new(message);
    edit.request_uri("sip:new@host");
    edit.push_front(Name::Via, "SIP/2.0/UDP first;branch=z9hG4bK1");
    edit.insert_after(message.via().text, ";received=192.0.2.1");
    edit.push_front(Name::RecordRoute, "<sip:rr;lr>");
    edit.pop_first_value(Name::Route);
    edit.set(Name::MaxForwards, 12);
    edit.remove_prefixed("Tandem-");
    edit.append(Name::TandemTarget, "echo\r\nX: y");
    let out = written(&mut edit);
    let again = Message::parse(&out).unwrap();
    assert_eq!((again.via().host.to_string(), again.via().branch), ("first".into(), Some("z9hG4bK1")));
    let below = again.values(Name::Via).nth(1).map(|text| Via::parse(text).unwrap());
    assert_eq!(below.map(|via| (via.host, via.received.is_some())), Some((message.via().host, true)));
    assert_eq!((again.max_forwards(), again.all(Name::MaxForwards).count()), (Some(12), 1));
    assert_eq!(again.header(Name::RecordRoute), Some("<sip:rr;lr>"));
    let routes = message.values(Name::Route).skip(1);
    assert_eq!(again.values(Name::Route).collect::<Vec<_>>(), routes.collect::<Vec<_>>());
    let tandem = again.lines().filter(|line| line.text.to_ascii_lowercase().starts_with("tandem-"));
    assert_eq!(tandem.map(|line| line.value).collect::<Vec<_>>(), ["echo  X: y"]);
    assert_eq!((again.call_id(), again.cseq(), again.body()), (message.call_id(), message.cseq(), message.body()));
    assert_eq!((again.from(), again.to()), (message.from(), message.to()));
    if message.is_request() {
        assert_eq!(Uri::parse(again.request_uri()).unwrap().user, Some("new"));
    }
}

fn answers(message: &Message<'_>) {
    let out = Builder::response(message, 486, "Busy\r\nHere").to_tag("mine").header(Name::Reason, "a\nb").finish();
    let answer = Message::parse(&out).unwrap();
    assert_eq!((answer.status(), answer.reason(), answer.header(Name::Reason)), (Some(486), "Busy  Here", Some("a b")));
    assert_eq!(answer.all(Name::Via).collect::<Vec<_>>(), message.all(Name::Via).collect::<Vec<_>>());
    assert_eq!(
        (answer.call_id(), answer.cseq(), answer.from_tag()),
        (message.call_id(), message.cseq(), message.from_tag())
    );
    assert_eq!(answer.to_tag(), Some(message.to_tag().unwrap_or("mine")));
}

fn takes_a_body(message: &Message<'_>) {
    let mut edit = Edit::new(message);
    edit.remove(Name::Contact);
    edit.append(Name::Contact, "<sip:me@here>");
    edit.body("application/sdp", b"v=0\r\n");
    let out = written(&mut edit);
    let again = Message::parse(&out).unwrap();
    assert_eq!((again.body(), again.header(Name::ContentType)), (&b"v=0\r\n"[..], Some("application/sdp")));
    assert_eq!(again.all(Name::Contact).collect::<Vec<_>>(), ["<sip:me@here>"]);
    assert_eq!(again.bytes().len(), out.len());
}

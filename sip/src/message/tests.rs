use super::*;
use crate::headers::HeaderError;
use crate::uri::{Host, MAX_URI};

const HEADERS: &str =
    "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n";

fn request(more: &str) -> Vec<u8> {
    format!("OPTIONS sip:c@d SIP/2.0\r\n{HEADERS}{more}\r\n").into_bytes()
}

fn rejected(bytes: &[u8]) -> (u16, ParseError, bool) {
    let rejected = Message::parse(bytes).unwrap_err();
    (rejected.status, rejected.why, rejected.partial.is_some())
}

#[test]
fn every_limit_holds_to_the_byte() {
    let fill = |length: usize| request(&format!("Content-Length: {length:05}\r\n")).len() + length;
    let body = MAX_MESSAGE - fill(0);
    let mut longest = request(&format!("Content-Length: {body:05}\r\n"));
    longest.resize(MAX_MESSAGE, b'x');
    assert_eq!(Message::parse(&longest).unwrap().body().len(), body);
    longest.push(b'x');
    assert_eq!(rejected(&longest), (413, ParseError::TooLong, true));

    assert!(Message::parse(&request(&"X: y\r\n".repeat(MAX_LINES - 5))).is_ok());
    assert_eq!(rejected(&request(&"X: y\r\n".repeat(MAX_LINES - 4))), (400, ParseError::TooManyLines, true));

    let line = |length: usize| request(&format!("X: {}\r\n", "y".repeat(length - 3)));
    assert!(Message::parse(&line(MAX_LINE)).is_ok());
    assert_eq!(rejected(&line(MAX_LINE + 1)), (400, ParseError::LineTooLong, true));
    let folded = request(&format!("X: {}\r\n {}\r\n", "y".repeat(MAX_LINE / 2), "y".repeat(MAX_LINE / 2)));
    assert_eq!(rejected(&folded), (400, ParseError::LineTooLong, true));

    let uri = |length: usize| format!("OPTIONS sip:{} SIP/2.0\r\n{HEADERS}\r\n", "h".repeat(length - 4)).into_bytes();
    assert!(Message::parse(&uri(MAX_URI)).is_ok());
    assert_eq!(rejected(&uri(MAX_URI + 1)), (414, ParseError::UriTooLong, true));

    let name = |length: usize| request(&format!("{}: y\r\n", "x".repeat(length)));
    assert!(Message::parse(&name(255)).is_ok());
    assert_eq!(rejected(&name(256)), (400, ParseError::HeaderLine, true));
}

#[test]
fn numbers_hold_their_ranges() {
    let with = |from: &str, to: &str| String::from_utf8(request("")).unwrap().replace(from, to).into_bytes();
    assert_eq!(Message::parse(&with("CSeq: 1", "CSeq: 2147483647")).unwrap().cseq(), i32::MAX as u32);
    assert_eq!(rejected(&with("CSeq: 1", "CSeq: 2147483648")).1, ParseError::Header(Name::CSeq, HeaderError::Number));
    assert_eq!(rejected(&with("CSeq: 1", "CSeq: +1")).1, ParseError::Header(Name::CSeq, HeaderError::Malformed));
    assert_eq!(Message::parse(&request("Max-Forwards: 255\r\n")).unwrap().max_forwards(), Some(255));
    for wrong in ["256", "-1", "+1", "", "1 1"] {
        let fault = ParseError::Header(Name::MaxForwards, HeaderError::Number);
        assert_eq!(rejected(&request(&format!("Max-Forwards: {wrong}\r\n"))), (400, fault, true), "{wrong}");
    }
    for (value, number) in
        [("60", Some(60)), ("60;refresher=uac", Some(60)), ("99999999999", Some(u32::MAX)), ("x", None)]
    {
        assert_eq!(Message::parse(&request(&format!("Expires: {value}\r\n"))).unwrap().number(Name::Expires), number);
    }
    let status = |code: &str| format!("SIP/2.0 {code} X\r\n{HEADERS}\r\n").into_bytes();
    for wrong in ["099", "700", "20", "2000", "+20"] {
        assert_eq!(rejected(&status(wrong)).1, ParseError::Status, "{wrong}");
    }
    assert_eq!(Message::parse(&status("699")).unwrap().status(), Some(699));
}

#[test]
fn lines_end_in_crlf_and_heads_in_an_empty_line() {
    let text = String::from_utf8(request("")).unwrap();
    assert_eq!(rejected(text.replace("\r\n", "\n").as_bytes()), (400, ParseError::LineEnd, false));
    assert_eq!(rejected(text.replace("Call-ID: 1", "Call-ID: 1\rX").as_bytes()).1, ParseError::LineEnd);
    assert_eq!(rejected(text.trim_end().as_bytes()).1, ParseError::Unterminated);
    assert_eq!(rejected(&text.as_bytes()[..text.len() - 2]), (400, ParseError::Unterminated, true));
    assert_eq!(rejected(b"\r\n\r\n").1, ParseError::Empty);
    assert_eq!(rejected(b"").1, ParseError::Empty);
    assert_eq!(rejected(&request(" X: y\r\n")[..]).1, ParseError::Header(Name::CSeq, HeaderError::Malformed));
    assert_eq!(rejected(&request("X y\r\n")), (400, ParseError::HeaderLine, true));
    assert_eq!(rejected(&request("X\u{e9}: y\r\n")), (400, ParseError::HeaderLine, true));
    let after = [b"\r\n\r\n", &request("")[..], b"rest"].concat();
    assert_eq!(Message::parse(&after).unwrap().call_id(), "1");
}

#[test]
fn what_is_not_utf8_is_refused_with_what_stood_before_it() {
    let mut bytes = request("Subject: ?\r\n");
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xe9;
    let rejected = Message::parse(&bytes).unwrap_err();
    assert_eq!((rejected.status, rejected.why), (400, ParseError::NotUtf8));
    let partial = rejected.partial.unwrap();
    assert_eq!((partial.call_id(), partial.from_tag(), partial.header(Name::Subject)), ("1", Some("1"), None));
}

#[test]
fn a_partial_message_has_all_that_could_be_read() {
    let text = String::from_utf8(request("")).unwrap().replace("To: <sip:c@d>", "To: <sip:c@d");
    let partial = Message::parse(text.as_bytes()).unwrap_err().partial.unwrap();
    assert_eq!(
        (partial.to().uri_text, partial.header(Name::To), partial.from_tag()),
        ("", Some("<sip:c@d"), Some("1"))
    );
    assert_eq!((partial.via().branch, partial.cseq(), partial.method()), (Some("z9hG4bK1"), 1, Method::Options));
}

#[test]
fn only_what_is_missing_from_a_message_keeps_it_from_an_answer() {
    for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
        let text = String::from_utf8(request("")).unwrap().replace(name.text(), "X");
        assert_eq!(rejected(text.as_bytes()), (400, ParseError::Missing(name), false));
    }
}

#[test]
fn ipv6_and_many_values_in_one_line() {
    let bytes = request(
        "v: SIP/2.0/TLS [2001:db8::9:1]:5061;branch=b , SIP/2.0/TCP x\r\nContact: *\r\nk: a, b\r\nSupported: C\r\n",
    );
    let message = Message::parse(&bytes).unwrap();
    let vias: Vec<_> = message.values(Name::Via).map(|text| Via::parse(text).unwrap()).collect();
    assert_eq!((vias[1].host, vias[1].port), (Host::Ip("2001:db8::9:1".parse().unwrap()), Some(5061)));
    assert_eq!(vias.len(), 3);
    assert!(message.has_option(Name::Supported, "c") && message.has_option(Name::Supported, "A"));
    assert!(!message.has_option(Name::Require, "a"));
    let lines: Vec<_> = message.lines().skip(5).map(|line| (line.index, line.name, line.text)).collect();
    assert_eq!(
        lines,
        [
            (5, Name::Via, "v"),
            (6, Name::Contact, "Contact"),
            (7, Name::Supported, "k"),
            (8, Name::Supported, "Supported")
        ]
    );
}

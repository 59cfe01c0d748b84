//! The 49 torture messages of RFC 4475, each with the outcome that the RFC asks for. What a layer above the parser
//! decides is asserted through what it reads.

#![allow(clippy::unwrap_used)]

use std::net::IpAddr;

use sip::headers::{AuthValue, ContactValue, HeaderError, NameAddr, Valued, Via};
use sip::message::ParseError;
use sip::uri::{Host, Scheme, UriError};
use sip::{Aor, Message, Method, Name, Uri};

/// What becomes of a message.
enum Outcome {
    /// It parses, and this holds.
    Valid(fn(&Message<'_>)),
    /// A request that gets this status, by what could be read of it.
    Refused(u16, ParseError),
    /// A request that lacks what an answer needs, or a response with a fault.
    Dropped(ParseError),
}

use Outcome::{Dropped, Refused, Valid};

const MESSAGES: [(&str, &str, Outcome); 49] = [
    ("3.1.1.1", "wsinv", Valid(wsinv)),
    ("3.1.1.2", "intmeth", Valid(intmeth)),
    ("3.1.1.3", "esc01", Valid(esc01)),
    ("3.1.1.4", "escnull", Valid(escnull)),
    ("3.1.1.5", "esc02", Valid(esc02)),
    ("3.1.1.6", "lwsdisp", Valid(lwsdisp)),
    ("3.1.1.7", "longreq", Valid(longreq)),
    ("3.1.1.8", "dblreq", Valid(dblreq)),
    ("3.1.1.9", "semiuri", Valid(semiuri)),
    ("3.1.1.10", "transports", Valid(transports)),
    ("3.1.1.11", "mpart01", Valid(mpart01)),
    ("3.1.1.12", "unreason", Valid(unreason)),
    ("3.1.1.13", "noreason", Valid(noreason)),
    ("3.1.2.1", "badinv01", Refused(400, ParseError::Header(Name::Via, HeaderError::Parameter))),
    ("3.1.2.2", "clerr", Refused(400, ParseError::ShortBody)),
    ("3.1.2.3", "ncl", Refused(400, ParseError::Header(Name::ContentLength, HeaderError::Number))),
    ("3.1.2.4", "scalar02", Refused(400, ParseError::Header(Name::CSeq, HeaderError::Number))),
    ("3.1.2.5", "scalarlg", Dropped(ParseError::Header(Name::CSeq, HeaderError::Number))),
    ("3.1.2.6", "quotbal", Refused(400, ParseError::Header(Name::To, HeaderError::Quotes))),
    ("3.1.2.7", "ltgtruri", Refused(400, ParseError::Uri(UriError::Scheme))),
    ("3.1.2.8", "lwsruri", Refused(400, ParseError::Uri(UriError::Params))),
    ("3.1.2.9", "lwsstart", Refused(400, ParseError::Uri(UriError::Scheme))),
    ("3.1.2.10", "trws", Refused(400, ParseError::StartLine)),
    ("3.1.2.11", "escruri", Refused(400, ParseError::Uri(UriError::Headers))),
    ("3.1.2.12", "baddate", Valid(baddate)),
    ("3.1.2.13", "regbadct", Valid(regbadct)),
    ("3.1.2.14", "badaspec", Refused(400, ParseError::Header(Name::To, HeaderError::Uri))),
    ("3.1.2.15", "baddn", Refused(400, ParseError::Header(Name::From, HeaderError::DisplayName))),
    ("3.1.2.16", "badvers", Refused(505, ParseError::Version)),
    ("3.1.2.17", "mismatch01", Refused(400, ParseError::MethodMismatch)),
    ("3.1.2.18", "mismatch02", Refused(400, ParseError::MethodMismatch)),
    ("3.1.2.19", "bigcode", Dropped(ParseError::Status)),
    ("3.2.1", "badbranch", Valid(badbranch)),
    ("3.3.1", "insuf", Dropped(ParseError::Missing(Name::From))),
    ("3.3.2", "unkscm", Valid(unknown_scheme)),
    ("3.3.3", "novelsc", Valid(unknown_scheme)),
    ("3.3.4", "unksm2", Valid(unksm2)),
    ("3.3.5", "bext01", Valid(bext01)),
    ("3.3.6", "invut", Valid(invut)),
    ("3.3.7", "regaut01", Valid(regaut01)),
    ("3.3.8", "multi01", Refused(400, ParseError::Repeated(Name::CSeq))),
    ("3.3.9", "mcl01", Refused(400, ParseError::Repeated(Name::ContentLength))),
    ("3.3.10", "bcast", Valid(bcast)),
    ("3.3.11", "zeromf", Valid(zeromf)),
    ("3.3.12", "cparam01", Valid(cparam01)),
    ("3.3.13", "cparam02", Valid(cparam02)),
    ("3.3.14", "regescrt", Valid(regescrt)),
    ("3.3.15", "sdp01", Valid(sdp01)),
    ("3.4.1", "inv2543", Valid(inv2543)),
];

fn vector(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/vectors/rfc4475/{name}.dat", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_torture_message_has_the_outcome_that_the_rfc_asks_for() {
    for (section, name, outcome) in MESSAGES {
        println!("{section} {name}");
        let bytes = vector(name);
        match (outcome, Message::parse(&bytes)) {
            (Valid(check), Ok(message)) => check(&message),
            (Valid(_), Err(rejected)) => panic!("refused for {:?}", rejected.why),
            (Refused(status, why), Err(rejected)) => {
                assert_eq!((rejected.status, rejected.why), (status, why));
                let partial = rejected.partial.expect("a request can be answered");
                assert!(partial.is_request());
                let answer = sip::Builder::response(&partial, status, "Refused").to_tag("1").finish();
                assert!(answer.starts_with(format!("SIP/2.0 {status} Refused\r\n").as_bytes()));
            }
            (Dropped(why), Err(rejected)) => {
                assert_eq!(rejected.why, why);
                assert!(rejected.partial.is_none_or(|partial| !partial.is_request()));
            }
            (Refused(..) | Dropped(_), Ok(_)) => panic!("parses"),
        }
    }
}

#[test]
fn every_valid_message_is_written_as_it_came() {
    for (section, name, outcome) in MESSAGES {
        let bytes = vector(name);
        let (Valid(_), Ok(message)) = (outcome, Message::parse(&bytes)) else { continue };
        let mut out = Vec::new();
        sip::Edit::new(&message).write(&mut out);
        if message.header(Name::ContentLength).is_some() {
            assert_eq!(out, message.bytes(), "{section} {name}");
        }
        assert_eq!(Message::parse(&out).unwrap().body(), message.body(), "{section} {name}");
    }
}

fn contacts<'a>(message: &Message<'a>) -> Vec<NameAddr<'a>> {
    message.values(Name::Contact).map(|text| NameAddr::parse(text).unwrap()).collect()
}

fn wsinv(message: &Message<'_>) {
    assert_eq!((message.method(), message.cseq(), message.max_forwards()), (Method::Invite, 9, Some(68)));
    assert_eq!(Uri::parse(message.request_uri()).unwrap().param("unknownparam"), Some(""));
    assert_eq!((message.to().uri_text, message.to_tag()), ("sip:vivekg@chair-dnrc.example.com", Some("1918181833n")));
    assert_eq!((message.from().display_name().as_ref(), message.from_tag()), (r#"J Rosenberg \""#, Some("98asjd8")));
    let vias: Vec<Via<'_>> = message.values(Name::Via).map(|text| Via::parse(text).unwrap()).collect();
    assert_eq!(vias.iter().map(|via| via.transport).collect::<Vec<_>>(), ["UDP", "TCP", "UDP"]);
    let branches = [Some("390skdjuw"), Some("z9hG4bK9ikj8"), Some("z9hG4bK30239")];
    assert_eq!(vias.iter().map(|via| via.branch).collect::<Vec<_>>(), branches);
    assert_eq!((message.header(Name::Subject), message.body().len()), (Some(""), 150));
    assert_eq!(message.named("newfangledheader"), Some("newfangled value\r\n continued newfangled value"));
    assert_eq!(message.named("UnknownHeaderWithUnusualValue"), Some(";;,,;;,;"));
    let route = NameAddr::parse(message.header(Name::Route).unwrap()).unwrap().uri().unwrap();
    assert_eq!(
        (route.param("lr"), route.param("unknownwith"), route.param("unknown-no-value")),
        (Some(""), Some("value"), Some(""))
    );
    let contact = ContactValue::parse(message.values(Name::Contact).next().unwrap()).unwrap();
    let address = contact.address().unwrap();
    assert_eq!((address.display_name().as_ref(), contact.q()), (r#"Quoted string """#, 330));
    assert_eq!((address.param("newparam"), address.param("secondparam")), (Some("newvalue"), Some("")));
}

fn intmeth(message: &Message<'_>) {
    assert_eq!(
        (message.method(), message.method_text()),
        (Method::Other, "!interesting-Method0123456789_*+`.%indeed'~")
    );
    let uri = Uri::parse(message.request_uri()).unwrap();
    assert_eq!(uri.user, Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(uri.password, Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(uri.host, Host::Name("example.com"));
    assert_eq!(message.via().branch, Some("z9hG4bK-.!%66*_+`'~"));
    assert_eq!(message.to().display_name(), "BEL:\x07 NUL:\0 DEL:\x7f");
    assert_eq!(message.from().display, "token1~` token2'+_ token3*%!.-");
    assert_eq!(message.from().param("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!((message.from_tag(), message.max_forwards()), (Some("_token~1'+`*%!-."), Some(255)));
    assert_eq!(message.call_id(), r#"intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{"#);
    assert_eq!(message.named("extensionHeader-!.%*+_`'~"), Some("\u{feff}大停電"));
}

fn esc01(message: &Message<'_>) {
    let uri = Uri::parse(message.request_uri()).unwrap();
    assert_eq!((uri.user_decoded().as_ref(), uri.host), ("sips:user@example.com", Host::Name("example.net")));
    assert_eq!(Aor::parse(message.to().uri_text).unwrap().as_str(), "user@example.com");
    assert_eq!(message.from().uri().unwrap().user_decoded(), "I have spaces");
    let contact = contacts(message)[0].uri().unwrap();
    assert_eq!(contact.params().collect::<Vec<_>>(), [("%6C%72", ""), ("n%61me", "v%61lue%25%34%31")]);
    assert_eq!(contact.user_decoded(), "caller");
}

fn escnull(message: &Message<'_>) {
    assert_eq!(message.to().uri().unwrap().user_decoded(), "null-\0-null");
    assert_eq!(Aor::parse(message.to().uri_text).unwrap().as_str(), "null-%00-null@example.com");
    let users: Vec<_> = contacts(message).iter().map(|contact| contact.uri().unwrap().user_decoded()).collect();
    assert_eq!(users, ["\0", "\0\0"]);
    let (a, b) = (contacts(message)[0].uri().unwrap(), contacts(message)[1].uri().unwrap());
    assert!(!a.equivalent(&b));
}

fn esc02(message: &Message<'_>) {
    assert_eq!((message.method(), message.method_text()), (Method::Other, "RE%47IST%45R"));
    assert_eq!((message.to().display, message.via().branch), ("%Z%45", Some("z9hG4bK209%fzsnel234")));
    assert_eq!(contacts(message).len(), 2);
    assert_eq!(message.named("C%6Fntact"), Some("<sip:alias2@host2.example.com>"));
}

fn lwsdisp(message: &Message<'_>) {
    assert_eq!((message.from().display, message.from().uri_text), ("caller", "sip:caller@example.com"));
}

fn longreq(message: &Message<'_>) {
    assert_eq!(message.values(Name::Via).count(), 34);
    assert!(message.values(Name::Via).all(|text| Via::parse(text).is_ok()));
    let last = Via::parse(message.values(Name::Via).last().unwrap()).unwrap();
    assert_eq!((last.branch.unwrap().len(), last.received), (4 + 50 * 4 + 11, Some("192.0.2.5")));
    assert_eq!(message.call_id(), format!("longreq.one{}longcallid", "really".repeat(20)));
    assert_eq!(message.from_tag(), Some(format!("12{}424", "982".repeat(50)).as_str()));
    assert_eq!((message.to().uri().unwrap().port, message.body().len()), (Some(6000), 150));
}

fn dblreq(message: &Message<'_>) {
    assert_eq!((message.method(), message.body()), (Method::Register, &b""[..]));
    assert_eq!(message.bytes().len(), 300);
}

fn semiuri(message: &Message<'_>) {
    let uri = Uri::parse(message.request_uri()).unwrap();
    assert_eq!((uri.user_decoded().as_ref(), uri.params), ("user;par=u@example.net", ""));
    assert_eq!(message.values(Name::Accept).count(), 6);
}

fn transports(message: &Message<'_>) {
    let transports = message.values(Name::Via).map(|text| Via::parse(text).unwrap().transport);
    assert_eq!(transports.collect::<Vec<_>>(), ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

fn mpart01(message: &Message<'_>) {
    assert_eq!((message.method(), message.body().len()), (Method::Message, 553));
    let kind = Valued::parse(message.header(Name::ContentType).unwrap());
    assert_eq!((kind.value, kind.param("boundary")), ("multipart/mixed", Some("7a9cbec02ceef655")));
    assert!(message.body().ends_with(b"\r\n--7a9cbec02ceef655--\r\n"));
}

fn unreason(message: &Message<'_>) {
    assert_eq!(message.status(), Some(200));
    assert_eq!(message.reason(), "= 2**3 * 5**2 но сто девяносто девять - простое");
}

fn noreason(message: &Message<'_>) {
    assert_eq!((message.status(), message.reason()), (Some(100), ""));
}

/// A date in another zone than GMT may be ignored, as we do.
fn baddate(message: &Message<'_>) {
    assert_eq!(message.header(Name::Date), Some("Fri, 01 Jan 2010 16:00:00 EST"));
}

/// The registrar answers 400: a URI with headers must stand in brackets.
fn regbadct(message: &Message<'_>) {
    assert_eq!(ContactValue::parse(message.header(Name::Contact).unwrap()), Err(HeaderError::Brackets));
}

/// The branch has the cookie and nothing else: the transaction is matched as RFC 2543 does.
fn badbranch(message: &Message<'_>) {
    assert!(!message.via().has_unique_branch());
    assert_eq!(message.via().branch, Some("z9hG4bK"));
}

/// 416 by whoever has to route it.
fn unknown_scheme(message: &Message<'_>) {
    assert_eq!(Uri::parse(message.request_uri()).unwrap().scheme, Scheme::Other);
}

/// The registrar refuses a To that names no user of its domain.
fn unksm2(message: &Message<'_>) {
    assert_eq!(Uri::parse(message.request_uri()).unwrap().scheme, Scheme::Sip);
    assert!(Aor::parse(message.to().uri_text).is_err());
    assert_eq!(message.from().uri().unwrap().scheme, Scheme::Other);
    assert_eq!(contacts(message)[0].uri().unwrap().scheme, Scheme::Other);
}

/// 420 with all of them in Unsupported: a proxy by Proxy-Require, an endpoint by Require.
fn bext01(message: &Message<'_>) {
    assert!(message.has_option(Name::Require, "nothingSupportsThisEither"));
    assert_eq!(
        message.values(Name::ProxyRequire).collect::<Vec<_>>(),
        ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"]
    );
}

/// 415 by an endpoint.
fn invut(message: &Message<'_>) {
    assert_eq!((message.header(Name::ContentType), message.body().len()), (Some("application/unknownformat"), 40));
}

/// 401, as without credentials.
fn regaut01(message: &Message<'_>) {
    assert_eq!(AuthValue::parse(message.header(Name::Authorization).unwrap()).unwrap().scheme, "NoOneKnowsThisScheme");
}

/// A client drops a response with more Via than its own; a proxy does not send to a broadcast address.
fn bcast(message: &Message<'_>) {
    let below = Via::parse(message.values(Name::Via).nth(1).unwrap()).unwrap();
    assert_eq!(below.host, Host::Ip(IpAddr::from([255, 255, 255, 255])));
}

/// 483 by a proxy; an endpoint answers.
fn zeromf(message: &Message<'_>) {
    assert_eq!(message.max_forwards(), Some(0));
}

/// Without brackets the parameter is the header's.
fn cparam01(message: &Message<'_>) {
    let contact = contacts(message)[0];
    assert_eq!((contact.param("unknownparam"), contact.uri_text), (Some(""), "sip:+19725552222@gw1.example.net"));
}

/// In brackets the parameter is the URI's.
fn cparam02(message: &Message<'_>) {
    let contact = contacts(message)[0];
    assert_eq!((contact.param("unknownparam"), contact.uri().unwrap().param("unknownparam")), (None, Some("")));
}

fn regescrt(message: &Message<'_>) {
    assert_eq!(contacts(message)[0].uri().unwrap().headers, "Route=%3Csip:sip.example.com%3E");
}

/// 406 by an endpoint that can only answer with a session description.
fn sdp01(message: &Message<'_>) {
    assert_eq!(message.header(Name::Accept), Some("text/nobodyKnowsThis"));
}

fn inv2543(message: &Message<'_>) {
    assert_eq!((message.from_tag(), message.via().branch, message.max_forwards()), (None, None, None));
    assert_eq!(message.to().param("user"), Some("phone"));
    assert_eq!((message.header(Name::ContentLength), message.body().len()), (None, 105));
}

use sip::uri::{MAX_URI, Scheme};
use sip::{Aor, Uri};

pub const SEEDS: &[&str] = &[
    "sip:alice:secret@[2001:db8::1]:5061;transport=tcp;lr?Subject=a%20b&To=sip:x%40y sips:%61lice@Example.COM;Transport=TLS",
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com sip:h",
    "sip:null-%00-null@192.0.2.1:65535;maddr=255.255.255.255;ttl=16;user=phone;method=INVITE tel:+1-201-555-0123;ext=9",
    "soap.beep://192.0.2.103:3002 urn:service:sos bob@tandem.local",
];

pub const DICTIONARY: &[&str] = &[
    "sip:",
    "sips:",
    "tel:",
    "@",
    ":",
    ";",
    "?",
    "&",
    "=",
    "%",
    "%41",
    "%2",
    "%zz",
    "[",
    "]",
    "::1",
    "65536",
    "0",
    ".",
    "-",
    "+",
    ";lr",
    ";transport=udp",
    " ",
    "\0",
    "\u{e9}",
    "<",
    ">",
    "255.255.255.255",
    "*",
    "#",
];

/// Reads the words of any text as URIs and addresses of record.
pub fn uri(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let uris: Vec<Uri<'_>> = text.split(' ').filter_map(|word| Uri::parse(word).ok()).collect();
    for uri in &uris {
        assert!(uri.text.len() <= MAX_URI);
        assert_eq!(Uri::parse(uri.text), Ok(*uri));
        let _ = (uri.user_decoded(), uri.param("lr"), uri.params().count());
        if matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
            is_put_together_again(uri);
        }
        for other in &uris {
            assert_eq!(uri.equivalent(other), other.equivalent(uri));
        }
    }
    for aor in text.split(' ').filter_map(|word| Aor::parse(word).ok()) {
        assert_eq!(Aor::parse(aor.as_str()).as_ref(), Ok(&aor));
        assert_eq!(Aor::parse(&format!("sip:{aor}")).as_ref(), Ok(&aor));
        assert_eq!(format!("{}@{}", aor.user(), aor.domain()), aor.as_str());
    }
}

fn is_put_together_again(uri: &Uri<'_>) {
    let scheme = &uri.text[..uri.text.find(':').unwrap()];
    let password = uri.password.map(|password| format!(":{password}")).unwrap_or_default();
    let user = uri.user.map(|user| format!("{user}{password}@")).unwrap_or_default();
    let port = uri.port.map(|port| format!(":{port}")).unwrap_or_default();
    let headers = if uri.headers.is_empty() { String::new() } else { format!("?{}", uri.headers) };
    let text = format!("{scheme}:{user}{}{port}{}{headers}", uri.host, uri.params);
    let again = Uri::parse(&text).unwrap();
    assert_eq!(Uri { text: uri.text, ..again }, *uri);
}

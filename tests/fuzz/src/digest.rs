use sip::Uri;
use sip::digest::{Algorithm, Answer, Challenge, Credentials, Ha1, verify, verify_against_nothing};

pub const SEEDS: &[&str] = &[
    "Digest username=\"alice\", realm=\"tandem.local\", nonce=\"0JhcAaDDbwDUWwz9LJgS\", uri=\"sip:bob@tandem.local\", \
     response=\"91ac4c65d2f5d8b3cc8e0cb6f3d6f8c7\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, nc=00000001",
    "digest  username=\"o\\\"hara\\\\\",realm=\"a,b\",nonce=n , uri=\"\", response=\"\", qop=\"auth\",nc=ffffffff,cnonce=c, opaque=x",
    "Digest realm=\"the \\\"realm\\\"\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth,auth-int\", stale=TRUE, opaque=\"\"",
    "Digest realm=\"\",nonce=\"\",qop=auth\r\n ,stale=false",
];

pub const DICTIONARY: &[&str] = &[
    "Digest ",
    ", ",
    "=",
    "\"",
    "\\",
    "\\\"",
    "\r\n ",
    " ",
    "username=",
    "realm=",
    "nonce=",
    "uri=",
    "response=",
    "algorithm=",
    "MD5",
    "SHA-256",
    "MD5-sess",
    "cnonce=",
    "qop=",
    "auth",
    "auth-int",
    "nc=",
    "00000001",
    "stale=true",
    "opaque=",
    "\u{e9}",
];

/// Reads any text as credentials and as a challenge. No credentials are those of a stranger; what is answered verifies.
pub fn digest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(credentials) = Credentials::parse(text) {
        let secrets = [Algorithm::Sha256, Algorithm::Md5].map(|it| Ha1::compute(it, "nobody", "nowhere", "nothing"));
        assert!(secrets.iter().all(|secret| !verify(&credentials, secret, "INVITE")));
        assert!(!verify_against_nothing(&credentials, "INVITE"));
        if let Ok(uri) = Uri::parse(credentials.uri) {
            assert!(credentials.is_for(&uri));
        }
    }
    if let Ok(challenge) = Challenge::parse(text) {
        is_answered(&challenge);
    }
}

fn is_answered(challenge: &Challenge<'_>) {
    // Line ends cannot stand in a header that we write, and an unquoted nonce may hold what a quoted one cannot.
    if challenge.realm.contains(['\r', '\n']) || challenge.nonce.contains(['\r', '\n', '"', '\\']) {
        return;
    }
    let written = challenge.to_string();
    assert_eq!(Challenge::parse(&written).as_ref(), Ok(challenge));
    let user = "o\"ha\\ra";
    let ha1 = Ha1::compute(challenge.algorithm, user, &challenge.realm, "secret");
    let (method, uri, cnonce) = ("REGISTER", "sip:tandem.local", "0a4f113b");
    let answer = Answer { challenge, username: user, ha1: &ha1, method, uri, count: 7, cnonce }.to_string();
    let credentials = Credentials::parse(&answer).unwrap();
    assert_eq!((&*credentials.username, &*credentials.realm), (user, &*challenge.realm));
    assert_eq!((credentials.nonce, credentials.count), (challenge.nonce, 7));
    assert!(verify(&credentials, &ha1, method));
    assert!(!verify(&credentials, &ha1, "INVITE"));
}

use super::*;
use crate::random::Random;
use crate::token::{Key, KeyRing};
use crate::uri::Uri;
use std::time::Duration;

const RFC7616_MD5: &str = include_str!("../../vectors/rfc7616-3.9.1-md5.txt");
const RFC7616_SHA256: &str = include_str!("../../vectors/rfc7616-3.9.1-sha256.txt");
const RFC2617: &str = include_str!("../../vectors/rfc2617-3.5.txt");

fn mufasa(algorithm: Algorithm) -> Ha1 {
    Ha1::compute(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
}

#[test]
fn the_answers_of_the_rfcs_verify_and_no_others() {
    let older = Ha1::compute(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
    for (header, ha1) in
        [(RFC7616_MD5, mufasa(Algorithm::Md5)), (RFC7616_SHA256, mufasa(Algorithm::Sha256)), (RFC2617, older)]
    {
        let credentials = Credentials::parse(header).unwrap();
        assert_eq!(credentials.username, "Mufasa");
        assert_eq!(credentials.algorithm, ha1.algorithm());
        assert_eq!(credentials.count, 1);
        assert!(verify(&credentials, &ha1, "GET"));
        assert!(!verify(&credentials, &ha1, "POST"));
        assert!(!verify(
            &credentials,
            &Ha1::compute(ha1.algorithm(), "Mufasa", "http-auth@example.org", "other"),
            "GET"
        ));
        assert!(!verify_against_nothing(&credentials, "GET"));
    }
}

#[test]
fn a_secret_for_one_algorithm_does_not_verify_the_other() {
    let credentials = Credentials::parse(RFC7616_MD5).unwrap();
    assert!(!verify(&credentials, &mufasa(Algorithm::Sha256), "GET"));
}

#[test]
fn a_response_verifies_in_either_case_and_in_no_other_way() {
    let secret = mufasa(Algorithm::Md5);
    let response = "8ca523f5e9506fed4657c9700eebdbec";
    let with = |other: &str| {
        let header = RFC7616_MD5.replace(response, other);
        verify(&Credentials::parse(&header).unwrap(), &secret, "GET")
    };
    assert!(with(&response.to_uppercase()));
    assert!(!with(""));
    assert!(!with(&response[..31]));
    assert!(!with(&format!("{response}0")));
    assert!(!with(&format!("{response}{}", "0".repeat(100))));
    for at in 0..response.len() {
        let mut changed = response.as_bytes().to_vec();
        changed[at] ^= 1;
        assert!(!with(str::from_utf8(&changed).unwrap()));
    }
}

#[test]
fn quoted_names_lose_their_escapes() {
    let header = r#"digest USERNAME = "a \"b\" \\c" , realm="x, y=\"z\"",nonce="n",uri="sip:d",response="",qop="auth",nc=0000000A,cnonce="c""#;
    let credentials = Credentials::parse(header).unwrap();
    assert_eq!(credentials.username, r#"a "b" \c"#);
    assert_eq!(credentials.realm, r#"x, y="z""#);
    assert_eq!(credentials.count, 10);
    assert_eq!(credentials.algorithm, Algorithm::Md5, "where none is named");
}

#[test]
fn credentials_that_are_not_ours_are_named() {
    use CredentialsError::*;
    let without = |name: &str| {
        let lines: Vec<_> = RFC7616_MD5.lines().filter(|line| !line.trim_start().starts_with(name)).collect();
        Credentials::parse(&lines.join("\n")).map(|_| ())
    };
    for name in ["realm", "uri", "nonce", "nc", "cnonce", "response"] {
        assert_eq!(without(name), Err(Missing(name)));
    }
    assert_eq!(without("qop"), Err(NotAuth));
    assert_eq!(without("algorithm"), Ok(()));
    for (header, why) in [
        ("", NotDigest),
        ("Basic dXNlcjpwYXNz", NotDigest),
        ("Digest", NotAuth),
        ("Digest qop=auth, nc=1, username", Missing("username")),
        ("Digest qop=auth, nc=1, username=\"a", Missing("username")),
        ("Digest qop=auth, nc=1, username=\"a\\", Missing("username")),
        ("Digest qop=auth, nc=1, =\"a\", username=\"b\"", Missing("username")),
        ("Digest qop=auth, qop=auth", Repeated("qop")),
        ("Digest qop=auth-int", NotAuth),
        ("Digest qop=auth, nc=1, username=\"\"", Missing("realm")),
    ] {
        assert_eq!(Credentials::parse(header).map(|_| ()), Err(why), "{header}");
    }
    for nc in ["1", "0000000g", "+0000001", "000000001"] {
        let header = RFC7616_MD5.replace("nc=00000001", &format!("nc={nc}"));
        assert_eq!(Credentials::parse(&header).map(|_| ()), Err(BadCount), "{nc}");
    }
    for algorithm in ["SHA-512-256", "MD5-sess", "\"\""] {
        let header = RFC7616_MD5.replace("algorithm=MD5", &format!("algorithm={algorithm}"));
        assert_eq!(Credentials::parse(&header).map(|_| ()), Err(UnknownAlgorithm), "{algorithm}");
    }
}

#[test]
fn a_challenge_is_answered_by_whoever_knows_the_password() {
    for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
        let (realm, user) = (r#"the "realm" \"#, r#"o"hara\"#);
        let offered = Challenge { realm: realm.into(), nonce: "abc", algorithm, stale: Staleness::Stale };
        let header = offered.to_string();
        let challenge = Challenge::parse(&header).unwrap();
        assert_eq!(challenge, offered);
        let ha1 = Ha1::compute(algorithm, user, realm, "secret");
        let answer = Answer {
            challenge: &challenge,
            username: user,
            ha1: &ha1,
            method: "REGISTER",
            uri: "sip:example.com",
            count: 1,
            cnonce: "0a4f113b",
        }
        .to_string();
        let credentials = Credentials::parse(&answer).unwrap();
        assert_eq!((&*credentials.username, &*credentials.realm, credentials.uri), (user, realm, "sip:example.com"));
        assert!(verify(&credentials, &ha1, "REGISTER"));
        assert!(!verify(&credentials, &Ha1::compute(algorithm, user, realm, "Secret"), "REGISTER"));
    }
}

#[test]
fn a_challenge_reads_as_rfc8760_writes_it() {
    let challenge =
        Challenge { realm: "tandem.local".into(), nonce: "n", algorithm: Algorithm::Sha256, stale: Staleness::No };
    assert_eq!(challenge.to_string(), r#"Digest realm="tandem.local", nonce="n", algorithm=SHA-256, qop="auth""#);
    for (header, why) in [
        ("Basic realm=\"x\"", ChallengeError::NotDigest),
        ("Digest realm=\"x\", qop=\"auth\"", ChallengeError::Missing),
        ("Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"", ChallengeError::NotAuth),
        ("Digest realm=\"x\", nonce=\"n\", qop=\"auth\", algorithm=SHA-512-256", ChallengeError::UnknownAlgorithm),
    ] {
        assert_eq!(Challenge::parse(header), Err(why), "{header}");
    }
    assert!(Challenge::parse("Digest qop=\"auth-int , auth\",realm=\"x\", nonce=\"n\"").is_ok());
}

#[test]
fn credentials_are_for_one_target() {
    let header = RFC7616_MD5.replace("/dir/index.html", "sip:b%6fb@Example.com:5060;transport=tcp");
    let credentials = Credentials::parse(&header).unwrap();
    let is_for = |uri| credentials.is_for(&Uri::parse(uri).unwrap());
    assert!(is_for("sip:bob@example.com"));
    assert!(!is_for("sip:Bob@example.com"));
    assert!(!is_for("sip:example.com"));
    assert!(!is_for("sip:bob@example.org"));
    assert!(!Credentials::parse(RFC7616_MD5).unwrap().is_for(&Uri::parse("sip:bob@example.com").unwrap()));
}

const NOW: Duration = Duration::from_millis(1_790_000_000_123);
const LIFETIME: Duration = Duration::from_secs(300);

#[test]
fn a_nonce_is_fresh_for_its_lifetime_and_then_stale() {
    let ring = KeyRing::of(Key::new(0, &[7; 32]));
    let nonces = Nonces::new(&ring, LIFETIME);
    let nonce = nonces.issue(NOW, Purpose::Call, &["tandem.local"]);
    assert!(nonce.len() < 40);
    let at = |now| nonces.check(now, Purpose::Call, &["tandem.local"], &nonce);
    assert_eq!(at(NOW), NonceState::Fresh);
    assert_eq!(at(NOW + LIFETIME), NonceState::Fresh);
    assert_eq!(at(NOW + LIFETIME + Duration::from_millis(1)), NonceState::Stale);
    assert_eq!(at(NOW - LIFETIME), NonceState::Fresh, "another machine's clock");
    assert_eq!(at(NOW - LIFETIME - Duration::from_millis(1)), NonceState::Stale);
    assert_ne!(nonces.issue(NOW + Duration::from_millis(1), Purpose::Call, &["tandem.local"]), nonce);
}

#[test]
fn a_nonce_is_foreign_for_anything_else() {
    let ring = KeyRing::of(Key::new(0, &[7; 32]));
    let nonces = Nonces::new(&ring, LIFETIME);
    let nonce = nonces.issue(NOW, Purpose::Call, &["ab", "c"]);
    assert_eq!(nonces.check(NOW, Purpose::Register, &["ab", "c"], &nonce), NonceState::Foreign);
    for other in [&["a", "bc"][..], &["ab"], &["ab", "c", ""], &["abc"], &[]] {
        assert_eq!(nonces.check(NOW, Purpose::Call, other, &nonce), NonceState::Foreign, "{other:?}");
    }
    for wrong in ["", "n", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", &nonce[1..]] {
        assert_eq!(nonces.check(NOW, Purpose::Call, &["ab", "c"], wrong), NonceState::Foreign);
    }
    let other = KeyRing::of(Key::new(0, &[8; 32]));
    assert_eq!(Nonces::new(&other, LIFETIME).check(NOW, Purpose::Call, &["ab", "c"], &nonce), NonceState::Foreign);
    let rotated = ring.clone().rotated(Key::new(1, &[8; 32]));
    assert_eq!(Nonces::new(&rotated, LIFETIME).check(NOW, Purpose::Call, &["ab", "c"], &nonce), NonceState::Fresh);
}

#[test]
fn a_nonce_with_a_flipped_bit_is_foreign() {
    let random = &mut Random::new(11);
    let ring = KeyRing::of(Key::new(0, &[7; 32]));
    let nonces = Nonces::new(&ring, LIFETIME);
    for _ in 0..200 {
        let nonce = nonces.issue(NOW + Duration::from_millis(random.number() >> 40), Purpose::Register, &["r"]);
        let mut bytes = nonce.as_bytes().to_vec();
        bytes[random.number() as usize % nonce.len()] ^= 1 << (random.number() % 7);
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(nonces.check(NOW, Purpose::Register, &["r"], &changed), NonceState::Foreign, "{nonce} {changed}");
    }
}

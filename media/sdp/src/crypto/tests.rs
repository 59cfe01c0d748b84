use super::{Crypto, InlineKey, write};
use crate::Sdp;
use crate::vectors::{BROWSER, PHONE, random};

fn key(value: &str) -> InlineKey {
    Crypto::parse(value).unwrap().key().unwrap()
}

/// RFC 4568 §5.1, §6.1 and §9.1, its lines unfolded.
#[test]
fn rfc4568_examples() {
    let crypto = Crypto::parse(
        "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP",
    )
    .unwrap();
    assert_eq!((crypto.tag, crypto.suite, crypto.params), (1, "AES_CM_128_HMAC_SHA1_80", "FEC_ORDER=FEC_SRTP"));
    assert_eq!(crypto.keys, "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4");
    let inline = crypto.key().unwrap();
    assert_eq!(inline.bytes(), b"YS___semctl () {\t220;}\n}\nunles");
    assert_eq!((inline.lifetime, inline.mki), (Some(1 << 20), Some((1, 4))));
    assert!(!crypto.is_plain());

    let two = "2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;\
               inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 FEC_ORDER=FEC_SRTP";
    assert_eq!(key(two).bytes(), b"123456789ABCDE0123456789ABcdef");
    assert!(!Crypto::parse(two).unwrap().is_plain());

    let key_1066 = key("1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4");
    assert_eq!((key_1066.lifetime, key_1066.mki), (None, Some((1066, 4))));
    let decimal = key("1 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|1048576|1:32");
    assert_eq!((decimal.lifetime, decimal.mki), (Some(1 << 20), Some((1, 32))));
    assert_eq!(decimal.bytes().len(), 30);
}

/// As Linphone, baresip, Yealink, Asterisk, Snom and Grandstream write them, with other keys.
#[test]
fn what_phones_write_is_plain() {
    for (value, length) in [
        ("1 AEAD_AES_128_GCM inline:6UkfhRG3oRVzqvvlyFh0AqaP2UoPqAtyPEn9wQ==", 28),
        ("4 AES_CM_256_HMAC_SHA1_80 inline:vHNjmwVwG9PKXh9uRzeBUd8qXwDyUvlMVbW9ufaT52yYUXgrCSN4qNrU1Zh8/g==", 46),
        ("2 AES_256_CM_HMAC_SHA1_80 inline:vHNjmwVwG9PKXh9uRzeBUd8qXwDyUvlMVbW9ufaT52yYUXgrCSN4qNrU1Zh8/g==", 46),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:NzFlMTUxNzE3ZTVkODQ2YTQ4NjU0YzMyOTNlZDAz", 30),
        ("3 F8_128_HMAC_SHA1_80 inline:ZTRjMGQ4ZmE2OGQyZGE1NmI2YjU4ODg5MjE2YjNl", 30),
        ("1 AES_CM_128_HMAC_SHA1_32 inline:g1S1iBCrYHJ1Qw8zQ/2YVyL+kU4wNqv3bXyoNSHW", 30),
        ("1 AES_256_CM_HMAC_SHA1_80 inline:vHNjmwVwG9PKXh9uRzeBUd8qXwDyUvlMVbW9ufaT52yYUXgrCSN4qNrU1Zh8/g", 46),
        ("1 AES_CM_128_HMAC_SHA1_32 inline:g1S1iBCrYHJ1Qw8zQ/2YVyL+kU4wNqv3bXyoNSHW|2^31", 30),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:g1S1iBCrYHJ1Qw8zQ/2YVyL+kU4wNqv3bXyoNSHW|2^32 ", 30),
        ("1  AES_CM_128_HMAC_SHA1_80\tinline:g1S1iBCrYHJ1Qw8zQ/2YVyL+kU4wNqv3bXyoNSHW  KDR=0 WSH=128 -x=1", 30),
        ("999999999 AEAD_AES_256_GCM inline:vHNjmwVwG9PKXh9uRzeBUd8qXwDyUvlMVbW9ufaT52yYUXgrCSN4qNrU1Zg=", 44),
    ] {
        let crypto = Crypto::parse(value).unwrap();
        assert!(crypto.is_plain(), "{value}");
        assert_eq!(crypto.key().unwrap().bytes().len(), length, "{value}");
    }
}

#[test]
fn what_must_be_understood_is_not_plain() {
    let with = |keys: &str, params: &str| {
        let value = format!("1 AES_CM_128_HMAC_SHA1_80 inline:g1S1iBCrYHJ1Qw8zQ/2YVyL+kU4wNqv3bXyoNSHW{keys} {params}");
        Crypto::parse(&value).unwrap().is_plain()
    };
    assert!(with("", "") && with("|2^48", "WSH=64") && with("", "kdr=0"));
    for params in [
        "UNENCRYPTED_SRTP",
        "UNENCRYPTED_SRTCP",
        "UNAUTHENTICATED_SRTP",
        "WSH=64 UNENCRYPTED_SRTCP",
        "FEC_ORDER=FEC_SRTP",
        "FEC_KEY=inline:AAAA",
        "KDR=1",
        "KDR=24",
        "something",
        "something=-1",
    ] {
        assert!(!with("", params), "{params}");
    }
    for keys in
        ["|1:1", "|2^20|1:4", ";inline:g1S1iBCrYHJ1Qw8zQ/2YVyL+kU4wNqv3bXyoNSHW", "|", "|x", "|1:0", "|1:129", "|2^64"]
    {
        assert!(!with(keys, ""), "{keys}");
    }
}

#[test]
fn what_is_no_crypto_is_left_out() {
    for value in [
        "",
        "1",
        "1 AES_CM_128_HMAC_SHA1_80",
        "1 AES_CM_128_HMAC_SHA1_80 ",
        "x AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "-1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "+1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "1000000000 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
    ] {
        assert_eq!(Crypto::parse(value), None, "{value}");
    }
    for keys in
        ["inline:", "inline", "other:AAAA", "AAAA", ";", "inline:AAAA|1:1|2^3", "inline:AAAA|2|3", "inline:AAAA|3^2"]
    {
        let value = format!("1 S {keys}");
        assert_eq!(Crypto::parse(&value).unwrap().key(), None, "{keys}");
    }
    let long = format!("1 S inline:{}", "A".repeat(88));
    assert_eq!(Crypto::parse(&long).unwrap().key(), None);
}

#[test]
fn what_is_written_is_read() {
    let bytes: Vec<u8> = (100..146).collect();
    for length in [28, 30, 44, 46] {
        let text = write(7, "SUITE", &bytes[..length]).to_string();
        let crypto = Crypto::parse(&text).unwrap();
        assert_eq!((crypto.tag, crypto.suite, crypto.params), (7, "SUITE", ""));
        assert!(crypto.is_plain());
        assert_eq!(crypto.key().unwrap().bytes(), &bytes[..length]);
    }
    let text = write(1, "AES_CM_128_HMAC_SHA1_80", b"YS___semctl () {\t220;}\n}\nunles").to_string();
    assert_eq!(text, "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz");
}

#[test]
fn a_stream_has_its_own() {
    let phone = Sdp::parse(PHONE).unwrap();
    let tags: Vec<Vec<_>> =
        phone.media().iter().map(|media| media.cryptos().map(|crypto| crypto.tag).collect()).collect();
    assert_eq!(tags[0], [1]);
    assert!(tags[1..].iter().all(Vec::is_empty));
    assert!(Sdp::parse(BROWSER).unwrap().media().iter().all(|media| media.cryptos().count() == 0));
    let text = "v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\n\
                a=crypto:1 AEAD_AES_256_GCM inline:AAAA\r\na=crypto:nonsense\r\n\
                a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:BBBB\r\n";
    let sdp = Sdp::parse(text.as_bytes()).unwrap();
    let suites: Vec<_> = sdp.media()[0].cryptos().map(|crypto| (crypto.tag, crypto.suite)).collect();
    assert_eq!(suites, [(1, "AEAD_AES_256_GCM"), (2, "AES_CM_128_HMAC_SHA1_80")]);
}

#[test]
fn the_secret_is_not_printed() {
    let crypto =
        Crypto::parse("1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20").unwrap();
    let text = format!("{crypto:?} {:?}", crypto.key().unwrap());
    assert!(!text.contains("WVNf") && !text.contains("89, 83"), "{text}");
}

#[test]
fn no_text_panics() {
    const PARTS: [&str; 20] = [
        "1",
        " ",
        "inline:",
        "|",
        ":",
        ";",
        "2^",
        "64",
        "=",
        "AAAA",
        "Zm9v",
        "\u{e9}",
        "-",
        "\t",
        "KDR=",
        "WSH=",
        "2^20",
        "AES_CM_128_HMAC_SHA1_80",
        "999999999",
        "a",
    ];
    let mut random = random();
    for _ in 0..20_000 {
        let text: String = (0..random(14)).map(|_| PARTS[random(PARTS.len())]).collect();
        if let Some(crypto) = Crypto::parse(&text) {
            let plain = crypto.is_plain();
            assert!(!plain || crypto.key().is_some_and(|key| key.mki.is_none()), "{text:?}");
        }
    }
}

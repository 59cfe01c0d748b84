//! Examples of the RFCs, and those that libsrtp checks itself with (test/srtp_driver.c).

use aes::{Aes128Enc, Aes256Enc};

use crate::cm::keystream;
use crate::derive::{SessionKeys, Use};
use crate::gcm::Gcm;
use crate::head::RtpHead;
use crate::transform::{Forged, Transform};
use crate::{Inbound, MasterKey, OVERHEAD, Outbound, Refused, Suite};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn session_keys(encryption: &str, salt: &str) -> SessionKeys {
    let (key, salt) = (bytes(encryption), bytes(salt));
    let mut keys = SessionKeys { encryption: [0; 32], length: key.len(), authentication: [0; 20], salt: [0; 14] };
    keys.encryption[..key.len()].copy_from_slice(&key);
    keys.salt[..salt.len()].copy_from_slice(&salt);
    keys
}

#[test]
fn rfc3711_b2_aes_cm() {
    let keys = session_keys("2B7E151628AED2A6ABF7158809CF4F3C", "F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
    let stream = keystream::<Aes128Enc>(&keys, 0xff02 * 16);
    for (block, expected) in [
        (0x0000, "E03EAD0935C95E80E166B16DD92B4EB4"),
        (0x0001, "D23513162B02D0F72A43A2FE4A5F97AB"),
        (0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0"),
        (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
        (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
        (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
    ] {
        assert_eq!(stream[block * 16..][..16], bytes(expected), "{block:x}");
    }
}

#[test]
fn rfc3711_b3_key_derivation() {
    let master = bytes("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let keys = SessionKeys::derive(&MasterKey::new(Suite::AesCm128HmacSha1_80, &master).unwrap(), Use::Rtp);
    assert_eq!(keys.key(), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(keys.salt[..], bytes("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(keys.authentication[..], bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn rfc6188_7_1_aes_256_cm() {
    let keys = session_keys(
        "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
        "f0f1f2f3f4f5f6f7f8f9fafbfcfd",
    );
    let stream = keystream::<Aes256Enc>(&keys, 0xff02 * 16);
    for (block, expected) in [
        (0x0000, "92bdd28a93c3f52511c677d08b5515a4"),
        (0x0001, "9da71b2378a854f67050756ded165bac"),
        (0x0002, "63c4868b7096d88421b563b8c94c9a31"),
        (0xfeff, "cea518c90fd91ced9cbb18c078a54711"),
        (0xff00, "3dbc4814f4da5f00a08772b63c6a046d"),
        (0xff01, "6eb246913062a16891433e97dd01a57f"),
    ] {
        assert_eq!(stream[block * 16..][..16], bytes(expected), "{block:x}");
    }
}

#[test]
fn rfc6188_7_2_key_derivation() {
    let master = bytes("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2");
    let keys = SessionKeys::derive(&MasterKey::new(Suite::AesCm256HmacSha1_80, &master).unwrap(), Use::Rtp);
    assert_eq!(keys.key(), bytes("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"));
    assert_eq!(keys.salt[..], bytes("fa31791685ca444a9e07c6c64e93"));
    assert_eq!(keys.authentication[..], bytes("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
}

#[test]
fn rfc7714_16_rtp() {
    let plain =
        "8040f17b 8041f8d3 5501a0b2 47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
    let protected_128 = "8040f17b 8041f8d3 5501a0b2
        f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833
        899d7f27beb16a9152cf765ee4390cce";
    let protected_256 = "8040f17b 8041f8d3 5501a0b2
        32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b
        7aa3db36dfffd6b0f9bb7878d7a76c13";
    let [(_, gcm_128), (_, gcm_256)] = rfc7714_transforms();
    for (gcm, protected) in [(gcm_128, protected_128), (gcm_256, protected_256)] {
        let (plain, protected) = (bytes(plain), bytes(protected));
        let head = RtpHead::parse(&plain).unwrap();
        let mut packet = [&plain[..], &[0; 16]].concat();
        gcm.protect_rtp(&mut packet, head, 0xf17b);
        assert_eq!(packet, protected);
        assert_eq!(gcm.open_rtp(&mut packet, head, 0x1_f17b), Err(Forged));
        assert_eq!(packet, protected, "what is forged stays as it is");
        assert_eq!(gcm.open_rtp(&mut packet, head, 0xf17b), Ok(()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

#[test]
fn rfc7714_17_rtcp() {
    let plain = bytes(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    );
    for (protected, gcm) in rfc7714_transforms() {
        let protected = bytes(protected);
        let mut packet = [&plain[..], &[0; 20]].concat();
        gcm.protect_rtcp(&mut packet, 0x4d61_7273, 0x5d4);
        assert_eq!(packet, protected);
        assert_eq!(gcm.open_rtcp(&mut packet, 0x4d61_7273, 0x5d5), Err(Forged));
        assert_eq!(gcm.open_rtcp(&mut packet, 0x4d61_7273, 0x5d4), Ok(()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

/// §17.1 and §17.2, with the keys of §16, which are session keys.
fn rfc7714_transforms() -> [(&'static str, Box<dyn Transform>); 2] {
    let keys_128 = &session_keys("000102030405060708090a0b0c0d0e0f", "517569642070726f2071756f");
    let keys_256 =
        &session_keys("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "517569642070726f2071756f");
    [
        (
            "81c8000d4d617273
            63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b
            c84aa45896cf4d2fc5abf87245d9eade 800005d4",
            Box::new(Gcm::<Aes128Enc>::new(keys_128, keys_128)),
        ),
        (
            "81c8000d4d617273
            d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad
            1d1eb30c4446839f57ff6f6cb26ac3be 800005d4",
            Box::new(Gcm::<Aes256Enc>::new(keys_256, keys_256)),
        ),
    ]
}

#[test]
fn rfc7714_17_3_rtcp_that_is_only_tagged_is_refused() {
    let mut packet = bytes(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef
        841dd9683dd78ec92ae58790125f62b3 000005d4",
    );
    let key = MasterKey::from_random(Suite::AeadAes128Gcm, [7; 46]);
    assert_eq!(Inbound::new(&key).open_rtcp(&mut packet), Err(Refused::Unencrypted));
}

/// libsrtp numbers its RTCP packets from 1.
const LIBSRTP: [(Suite, &str, &str, &str); 3] = [
    (
        Suite::AesCm128HmacSha1_80,
        "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
        "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
        "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798",
    ),
    (
        Suite::AesCm256HmacSha1_80,
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
        "800f1234decafbadcafebabe f1d9de17ff251ff1aa007774b0b4b40d a08d9d9a5b3a55d8873b",
        "",
    ),
    (
        Suite::AeadAes128Gcm,
        "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab",
        "800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
        "81c8000bcafebabe c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001",
    ),
];

#[test]
fn libsrtp_says_the_same() {
    for (suite, key, rtp, rtcp) in LIBSRTP {
        let key = MasterKey::new(suite, &bytes(key)).unwrap();
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key));
        let mut packet = [&bytes("800f1234decafbadcafebabe")[..], &[0xab; 16], &[0; OVERHEAD]].concat();
        let length = outbound.protect_rtp(&mut packet, 28).unwrap();
        assert_eq!(packet[..length], bytes(rtp), "{suite:?}");
        assert_eq!(inbound.open_rtp(&mut packet[..length]), Ok(28));
        assert_eq!(packet[12..28], [0xab; 16]);
        if rtcp.is_empty() {
            continue;
        }
        let plain = [&bytes("81c8000bcafebabe")[..], &[0xab; 16], &[0; OVERHEAD]].concat();
        outbound.protect_rtcp(&mut plain.clone(), 24).unwrap();
        let mut packet = plain.clone();
        let length = outbound.protect_rtcp(&mut packet, 24).unwrap();
        assert_eq!(packet[..length], bytes(rtcp), "{suite:?}");
        assert_eq!(inbound.open_rtcp(&mut packet[..length]), Ok(24));
        assert_eq!(packet[..24], plain[..24]);
    }
}

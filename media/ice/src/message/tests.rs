use super::*;
use proptest::prelude::*;

const REQUEST: &[u8] = include_bytes!("../../../../tests/vectors/stun/rfc5769-2.1-request.bin");
const IPV4_RESPONSE: &[u8] = include_bytes!("../../../../tests/vectors/stun/rfc5769-2.2-ipv4-response.bin");
const IPV6_RESPONSE: &[u8] = include_bytes!("../../../../tests/vectors/stun/rfc5769-2.3-ipv6-response.bin");
const PWD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

#[test]
fn the_messages_of_rfc_5769_are_whole_and_authentic() {
    for bytes in [REQUEST, IPV4_RESPONSE, IPV6_RESPONSE] {
        let message = Message::parse(bytes).unwrap();
        assert!(message.is_authentic(PWD) && !message.is_authentic("VOkJxbRl1RmTxUk/WvJxBT"));
        assert!(message.unknown.is_empty() && !message.use_candidate);
    }
    let request = Message::parse(REQUEST).unwrap();
    assert_eq!((request.kind, request.username), (kind::BINDING_REQUEST, Some(&b"evtj:h6vY"[..])));
    assert!(request.controlled);
}

#[test]
fn mapped_addresses_are_those_of_rfc_5769() {
    let transaction = Message::parse(REQUEST).unwrap().transaction();
    let ipv4 = xor_mapped("192.0.2.1:32853".parse().unwrap(), transaction);
    let ipv6 = xor_mapped("[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap(), transaction);
    // Behind the header and SOFTWARE of 11 bytes.
    assert_eq!(IPV4_RESPONSE[40..][..8], ipv4);
    assert_eq!(IPV6_RESPONSE[40..][..20], ipv6);
}

#[test]
fn a_cut_or_lengthened_message_is_none() {
    for length in 0..REQUEST.len() {
        assert!(Message::parse(&REQUEST[..length]).is_none(), "{length}");
    }
    assert!(Message::parse(&[REQUEST, &[0; 4]].concat()).is_none());
}

/// With the right length and cookie, of the parts that matter and of any others.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just(0x0006u16), Just(0x0008), Just(0x0025), Just(0x8028), Just(0x8029), any::<u16>()];
    let length = prop_oneof![5 => Just(None), 1 => any::<u16>().prop_map(Some)];
    let attribute = (kind, length, proptest::collection::vec(any::<u8>(), 0..24));
    proptest::collection::vec(attribute, 0..8).prop_map(|attributes| {
        let mut bytes = REQUEST[..HEADER_LEN].to_vec();
        for (kind, length, value) in attributes {
            bytes.extend_from_slice(&kind.to_be_bytes());
            bytes.extend_from_slice(&length.unwrap_or(value.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        let length = (bytes.len() - HEADER_LEN) as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes
    })
}

proptest! {
    #[test]
    fn no_message_panics(bytes in message()) {
        prop_assert!(!Message::parse(&bytes).is_some_and(|message| message.is_authentic(PWD)));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(Message::parse(&bytes).is_none());
    }
}

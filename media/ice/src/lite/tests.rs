use super::*;
use crate::LONGEST;

const TRANSACTION: [u8; 12] = *b"transaction.";

fn ufrag(text: &str) -> Ufrag {
    Ufrag::parse(text).unwrap()
}

fn own() -> Credentials {
    Credentials::from_random([7; Credentials::RANDOM])
}

fn lite() -> Lite {
    Lite::new(own(), Some(ufrag("them")))
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 40000))
}

/// A request with these attributes, signed with a password if one is given.
fn request(attributes: &[(u16, &[u8])], pwd: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut message = Reply::new(&mut bytes, kind::BINDING_REQUEST, &TRANSACTION);
    for (kind, value) in attributes {
        message.attribute(*kind, value);
    }
    message.finish(pwd);
    bytes
}

#[derive(Clone, Copy)]
enum Check {
    Plain,
    Nominating,
}

/// A check as a controlling agent sends it.
fn check(own: &Credentials, theirs: &str, check: Check) -> Vec<u8> {
    const ICE_CONTROLLING: u16 = 0x802a;
    let username = format!("{}:{theirs}", own.ufrag().as_str());
    let mut attributes: Vec<(u16, &[u8])> = vec![
        (attribute::USERNAME, username.as_bytes()),
        (attribute::PRIORITY, &[110, 0, 1, 255]),
        (ICE_CONTROLLING, &[1; 8]),
    ];
    if let Check::Nominating = check {
        attributes.push((attribute::USE_CANDIDATE, &[]));
    }
    request(&attributes, Some(own.pwd()))
}

/// Class and code of a response, which is for our transaction.
fn response(reply: &[u8]) -> (u16, Option<u16>) {
    let message = Message::parse(reply).unwrap();
    assert_eq!(message.transaction(), TRANSACTION);
    let error = (message.kind == kind::BINDING_ERROR).then(|| u16::from(reply[26]) * 100 + u16::from(reply[27]));
    (message.kind, error)
}

#[test]
fn a_check_is_answered_and_its_address_selected() {
    let (mut lite, mut reply) = (lite(), Vec::new());
    assert_eq!(lite.selected(), None);
    let heard = lite.handle(&check(&own(), "them", Check::Plain), address(1), &mut reply);
    assert_eq!(heard, Heard::Selected(address(1)));
    assert_eq!(response(&reply), (kind::BINDING_SUCCESS, None));
    assert_eq!(reply[24..32], xor_mapped(address(1), &TRANSACTION));
    assert!(Message::parse(&reply).unwrap().is_authentic(own().pwd()));
    let heard = lite.handle(&check(&own(), "them", Check::Plain), address(1), &mut reply);
    assert_eq!(heard, Heard::Answered, "nothing is new");
}

#[test]
fn the_latest_nomination_counts_and_before_it_the_latest_validated_address() {
    let (mut lite, mut reply) = (lite(), Vec::new());
    let steps = [
        (1, Check::Plain, Heard::Selected(address(1))),
        (2, Check::Plain, Heard::Selected(address(2))),
        (1, Check::Nominating, Heard::Selected(address(1))),
        (2, Check::Plain, Heard::Answered),
        (1, Check::Plain, Heard::Answered),
        (3, Check::Nominating, Heard::Selected(address(3))),
        (1, Check::Plain, Heard::Answered),
    ];
    for (step, (host, kind, expected)) in steps.into_iter().enumerate() {
        let heard = lite.handle(&check(&own(), "them", kind), address(host), &mut reply);
        assert_eq!(heard, expected, "step {step}");
    }
    assert_eq!((lite.selected(), lite.is_nominated()), (Some(address(3)), true));
}

#[test]
fn what_is_no_valid_check_gets_the_error_of_rfc_8489() {
    const UNKNOWN: u16 = 0x7fff;
    let own = own();
    let right = format!("{}:them", own.ufrag().as_str());
    let other = format!("{}:other", own.ufrag().as_str());
    let name = |username: &'static str| (attribute::USERNAME, username.as_bytes());
    let right = (attribute::USERNAME, right.as_bytes());
    let cases = [
        (request(&[], None), 400),
        (request(&[right], None), 400),
        (request(&[], Some(own.pwd())), 400),
        (request(&[right], Some("another password of 24")), 401),
        (request(&[name("wrong:them")], Some(own.pwd())), 401),
        (request(&[name("them")], Some(own.pwd())), 401),
        (request(&[(attribute::USERNAME, b"\xff\xfe:them")], Some(own.pwd())), 401),
        (request(&[(attribute::USERNAME, other.as_bytes())], Some(own.pwd())), 401),
        (request(&[right, (UNKNOWN, b"what")], Some(own.pwd())), 420),
        (request(&[right, (attribute::ICE_CONTROLLED, &[0; 8])], Some(own.pwd())), 487),
    ];
    for (request, code) in cases {
        let (mut lite, mut reply) = (lite(), Vec::new());
        assert_eq!(lite.handle(&request, address(1), &mut reply), Heard::Answered);
        assert_eq!(response(&reply), (kind::BINDING_ERROR, Some(code)));
        let signed = Message::parse(&reply).unwrap().is_authentic(own.pwd());
        assert_eq!(signed, code > 401, "only who has the password gets its proof: {code}");
        assert_eq!(lite.selected(), None);
    }
}

#[test]
fn unknown_attributes_are_named() {
    let username = format!("{}:them", own().ufrag().as_str());
    let attributes = [(attribute::USERNAME, username.as_bytes()), (0x7fff, b""), (0x7ffe, b"x"), (0xc057, b"y")];
    let mut reply = Vec::new();
    lite().handle(&request(&attributes, Some(own().pwd())), address(1), &mut reply);
    let named = [0x00, 0x0a, 0, 4, 0x7f, 0xff, 0x7f, 0xfe];
    assert!(reply.windows(named.len()).any(|window| window == named), "{reply:02x?}");
}

#[test]
fn what_is_no_request_is_ignored() {
    let indication = {
        let mut bytes = Vec::new();
        Reply::new(&mut bytes, 0x0011, &TRANSACTION).finish(None);
        bytes
    };
    let mut reply = Vec::new();
    lite().handle(&check(&own(), "them", Check::Plain), address(1), &mut reply);
    let too_long = request(&[(0xc000, &[0; LONGEST])], Some(own().pwd()));
    for datagram in [indication, reply, too_long, Vec::new(), vec![0x80; 172]] {
        let (mut lite, mut reply) = (lite(), vec![1]);
        assert_eq!(lite.handle(&datagram, address(1), &mut reply), Heard::Ignored);
        assert!(reply.is_empty());
    }
}

#[test]
fn no_flipped_bit_is_accepted() {
    let request = check(&own(), "them", Check::Nominating);
    // A fingerprint whose type is damaged is an attribute behind MESSAGE-INTEGRITY, which says nothing (RFC 8489 §14.5).
    let fingerprint_type = request.len() - 8..request.len() - 6;
    for bit in 0..request.len() * 8 {
        let mut flipped = request.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (mut lite, mut reply) = (lite(), Vec::new());
        let heard = lite.handle(&flipped, address(1), &mut reply);
        if !fingerprint_type.contains(&(bit / 8)) {
            // A length that swallows the fingerprint leaves a request without it, which is then refused.
            assert!(heard == Heard::Ignored || response(&reply).0 == kind::BINDING_ERROR, "bit {bit}");
            assert_eq!(lite.selected(), None, "bit {bit}");
        }
    }
}

#[test]
fn no_flipped_bit_is_accepted_with_its_fingerprint_made_right() {
    let request = check(&own(), "them", Check::Nominating);
    let covered = request.len() - 8;
    for bit in 0..covered * 8 {
        let mut flipped = request[..covered].to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let fingerprint = crate::integrity::fingerprint(&flipped);
        flipped.extend_from_slice(&[0x80, 0x28, 0, 4]);
        flipped.extend_from_slice(&fingerprint);
        let (mut lite, mut reply) = (lite(), Vec::new());
        let heard = lite.handle(&flipped, address(1), &mut reply);
        assert!(!matches!(heard, Heard::Selected(_)) && lite.selected().is_none(), "bit {bit}");
    }
}

#[test]
fn a_check_without_fingerprint_is_answered() {
    let mut request = check(&own(), "them", Check::Plain);
    request.truncate(request.len() - 8);
    let length = (request.len() - 20) as u16;
    request[2..4].copy_from_slice(&length.to_be_bytes());
    let heard = lite().handle(&request, address(1), &mut Vec::new());
    assert_eq!(heard, Heard::Selected(address(1)));
}

#[test]
fn a_restart_refuses_the_old_credentials_and_keeps_the_address_until_a_new_check() {
    let new = Credentials::from_random([9; Credentials::RANDOM]);
    let (mut lite, mut reply) = (lite(), Vec::new());
    lite.handle(&check(&own(), "them", Check::Nominating), address(1), &mut reply);
    lite.restart(new.clone(), Some(ufrag("they")));
    assert_eq!((lite.selected(), lite.is_nominated()), (Some(address(1)), false));
    for (own, theirs) in [(&own(), "them"), (&own(), "they"), (&new, "them")] {
        lite.handle(&check(own, theirs, Check::Nominating), address(2), &mut reply);
        assert_eq!(response(&reply), (kind::BINDING_ERROR, Some(401)));
    }
    assert_eq!(lite.selected(), Some(address(1)));
    let heard = lite.handle(&check(&new, "they", Check::Plain), address(2), &mut reply);
    assert_eq!(heard, Heard::Selected(address(2)));
}

#[test]
fn a_new_name_of_the_peer_replaces_the_old() {
    let (mut lite, mut reply) = (lite(), Vec::new());
    lite.handle(&check(&own(), "them", Check::Nominating), address(1), &mut reply);
    lite.set_remote(ufrag("them"));
    assert!(lite.is_nominated(), "the same name again changes nothing");
    lite.set_remote(ufrag("they"));
    lite.handle(&check(&own(), "them", Check::Nominating), address(2), &mut reply);
    assert_eq!(response(&reply), (kind::BINDING_ERROR, Some(401)));
    let heard = lite.handle(&check(&own(), "they", Check::Plain), address(3), &mut reply);
    assert_eq!(heard, Heard::Selected(address(3)));
}

#[test]
fn checks_before_the_answer_hold_if_the_answer_is_their_senders() {
    let mut reply = Vec::new();
    for (answered_by, selected) in [("one1", None), ("two2", Some(address(2)))] {
        let mut lite = Lite::new(own(), None);
        for (theirs, host) in [("one1", 1), ("two2", 2)] {
            let heard = lite.handle(&check(&own(), theirs, Check::Nominating), address(host), &mut reply);
            assert_eq!(heard, Heard::Selected(address(host)));
        }
        lite.set_remote(ufrag(answered_by));
        assert_eq!(lite.selected(), selected, "{answered_by}");
    }
}

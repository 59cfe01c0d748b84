//! The full agent of the crate `is`, which str0m uses, against our lite one: in virtual time, through a network that loses.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use ice::{Credentials, Heard, Lite, Ufrag, host_candidate};
use is::stun::{StunMessage, StunPacket, TransId};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds};

fn peer_of(own: &Credentials, lite_at: SocketAddr, peer_at: &[SocketAddr]) -> IceAgent {
    let mut agent = IceAgent::new(IceCreds::new());
    agent.set_controlling(true);
    agent.set_remote_credentials(IceCreds { ufrag: own.ufrag().as_str().into(), pass: own.pwd().into() });
    for address in peer_at {
        agent.add_local_candidate(Candidate::host(*address, "udp").expect("a valid address"));
    }
    let candidate = format!("candidate:{}", host_candidate(lite_at, 65535));
    agent.add_remote_candidate(Candidate::from_sdp_string(&candidate).expect("our line is valid"));
    agent
}

/// Runs both for 5 s; of the peer's addresses only those in `reaching` get through, and of their packets one in `loses` is
/// lost. Where the peer sends in the end.
fn run(lite: &mut Lite, peer: &mut IceAgent, lite_at: SocketAddr, reaching: &[SocketAddr], loses: usize) -> SocketAddr {
    let begin = Instant::now();
    let (mut now, mut nominated, mut reply, mut packets) = (begin, None, Vec::new(), 0);
    while now < begin + Duration::from_secs(5) {
        peer.handle_timeout(now);
        while let Some(transmit) = peer.poll_transmit() {
            packets += 1;
            if !reaching.contains(&transmit.source) || packets % loses == 0 {
                continue;
            }
            assert_eq!(transmit.destination, lite_at);
            if lite.handle(&transmit.contents, transmit.source, &mut reply) == Heard::Ignored {
                panic!("a check was ignored");
            }
            let message = StunMessage::parse(&reply).expect("our reply is valid");
            assert!(message.is_successful_binding_response());
            let (proto, source, destination) = (transmit.proto, lite_at, transmit.source);
            peer.handle_packet(now, StunPacket { proto, source, destination, message });
        }
        while let Some(event) = peer.poll_event() {
            if let IceAgentEvent::NominatedSend { source, .. } = event {
                nominated = Some(source);
            }
        }
        now = peer.poll_timeout().map_or(now, |at| at.max(now)) + Duration::from_millis(1);
    }
    nominated.expect("the peer nominates")
}

#[test]
fn a_full_agent_connects_and_both_take_the_same_way() {
    let lite_at: SocketAddr = "192.0.2.1:40000".parse().unwrap();
    let first: SocketAddr = "198.51.100.1:1000".parse().unwrap();
    let second: SocketAddr = "203.0.113.1:2000".parse().unwrap();
    for (reaching, loses) in
        [(vec![first, second], 100), (vec![second], 100), (vec![first], 3), (vec![first, second], 2)]
    {
        let own = Credentials::from_random([3; Credentials::RANDOM]);
        let mut peer = peer_of(&own, lite_at, &[first, second]);
        let mut lite = Lite::new(own, Some(Ufrag::parse(&peer.local_credentials().ufrag).unwrap()));
        let nominated = run(&mut lite, &mut peer, lite_at, &reaching, loses);
        assert_eq!((lite.selected(), lite.is_nominated()), (Some(nominated), true));
        assert!(reaching.contains(&nominated));
    }
}

#[test]
fn a_full_agent_that_believes_to_be_controlled_learns_better() {
    let peer_at: SocketAddr = "[2001:db8::2]:1000".parse().unwrap();
    let own = Credentials::from_random([4; Credentials::RANDOM]);
    let username = format!("{}:peer", own.ufrag().as_str());
    let mut lite = Lite::new(own.clone(), Some(Ufrag::parse("peer").unwrap()));
    let (mut bytes, mut reply) = ([0; 500], Vec::new());
    for controlling in [false, true] {
        let transaction = TransId::new();
        let request = StunMessage::binding_request(&username, transaction, controlling, 1, 2, true);
        let length = request.to_bytes(Some(own.pwd().as_bytes()), &mut bytes, sha1_hmac).unwrap();
        lite.handle(&bytes[..length], peer_at, &mut reply);
        let response = StunMessage::parse(&reply).unwrap();
        assert!(response.verify(own.pwd().as_bytes(), sha1_hmac) && response.trans_id() == transaction);
        if controlling {
            assert_eq!(response.mapped_address(), Some(peer_at));
        } else {
            assert_eq!(response.error_code().map(|(code, _)| code), Some(487));
        }
    }
}

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key).expect("a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

//! Legs whose packets are encrypted: with keys from the descriptions, or agreed on in the media.

use super::*;

/// The keys of a leg, and the phone's own contexts under them: what it says with and what it hears with.
pub fn keyed(suite: srtp::Suite) -> (call::Keys, srtp::Outbound, srtp::Inbound) {
    let key = |byte| MasterKey::from_random(suite, [byte; MasterKey::LONGEST]);
    let keys = call::Keys { inbound: key(1), outbound: key(2) };
    (keys, srtp::Outbound::new(&keys.inbound), srtp::Inbound::new(&keys.outbound))
}

pub fn protected(
    context: &mut srtp::Outbound,
    protect: fn(&mut srtp::Outbound, &mut [u8], usize) -> Result<usize, srtp::Unprotectable>,
    plain: &[u8],
) -> Vec<u8> {
    let mut buffer = [plain, &[0; srtp::OVERHEAD]].concat();
    let length = protect(context, &mut buffer, plain.len()).unwrap();
    buffer.truncate(length);
    buffer
}

#[test]
fn a_protected_leg_and_a_plain_one_hear_each_other_and_nobody_else() {
    for suite in srtp::Suite::ALL {
        let mut bench = Bench::new();
        let (plain, secret) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
        let (a, b) = bench.bridged(&plain, &secret);
        let (keys, mut says, mut hears) = keyed(suite);
        bench.plane.connect(b.id, Remote { security: Security::Sdes(keys), ..secret.remote() });

        let sound = packet(0, 1, 7, b"sound of a plain phone");
        bench.send(&plain.rtp, &a, Rtp, &sound);
        let mut heard = received(&secret.rtp).unwrap();
        assert!(heard.len() > sound.len() && !heard.windows(5).any(|window| window == b"sound"));
        let length = hears.open_rtp(&mut heard).unwrap();
        assert_eq!(heard[..length], sound[..]);
        bench.send(&plain.rtcp, &a, Rtcp, RTCP);
        let mut heard = received(&secret.rtcp).unwrap();
        let length = hears.open_rtcp(&mut heard).unwrap();
        assert_eq!(&heard[..length], RTCP);

        let sound = packet(0, 1, 8, b"sound of a secret phone");
        let sent = protected(&mut says, srtp::Outbound::protect_rtp, &sound);
        bench.send(&secret.rtp, &b, Rtp, &sent);
        assert_eq!(received(&plain.rtp), Some(sound.clone()));
        let sent_rtcp = protected(&mut says, srtp::Outbound::protect_rtcp, RTCP);
        bench.send(&secret.rtcp, &b, Rtcp, &sent_rtcp);
        assert_eq!(received(&plain.rtcp).as_deref(), Some(RTCP));

        // A copy, plain sound, and what belongs to no protected leg.
        for refused in [&sent[..], &sound, b"?", &[22; 40], &[0x10, 0]] {
            bench.send(&secret.rtp, &b, Rtp, refused);
            assert_eq!(received(&plain.rtp), None);
        }
        // The same keys said again keep what was seen under them.
        bench.plane.connect(b.id, Remote { security: Security::Sdes(keys), ..secret.remote() });
        bench.send(&secret.rtp, &b, Rtp, &sent);
        assert_eq!(received(&plain.rtp), None);
        let stats = bench.plane.close(b.id);
        assert_eq!(
            (stats.received, stats.sent, stats.refused, bench.plane.counts().refused),
            (1, 1, 6, 6),
            "{suite:?}"
        );
    }
}

#[test]
fn a_stranger_without_the_key_is_not_latched_onto() {
    let mut bench = Bench::new();
    let (plain, secret, stranger) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&plain, &secret);
    let (keys, ..) = keyed(srtp::Suite::AesCm128HmacSha1_80);
    bench.plane.connect(b.id, Remote { security: Security::Sdes(keys), ..secret.remote() });
    bench.send(&stranger.rtp, &b, Rtp, &packet(0, 1, 9, b"I am the phone, believe me"));
    assert_eq!(received(&plain.rtp), None);
    bench.send(&plain.rtp, &a, Rtp, &packet(0, 1, 7, b"sound"));
    assert!(received(&secret.rtp).is_some() && received(&stranger.rtp).is_none());
}

/// A phone that agrees on keys with the leg in the media.
struct Shaker {
    identity: Arc<Identity>,
    handshake: dtls::Handshake,
}

impl Shaker {
    fn new(bench: &Bench, role: dtls::Role) -> Shaker {
        let identity = Arc::new(Identity::generate().unwrap());
        let expected = dtls::Fingerprint::parse(&bench.plane.fingerprint()).unwrap();
        let handshake = dtls::Handshake::new(&identity, role, expected, bench.now);
        Shaker { identity, handshake }
    }

    fn peer(&self, begins: call::Begins) -> call::Peer {
        call::Peer { begins, fingerprint: self.identity.fingerprint().to_string(), ufrag: None }
    }

    /// Sends and hears on `socket` until there are keys: what the phone says with, and what it hears with.
    fn shake(&mut self, bench: &mut Bench, socket: &UdpSocket, to: &Opened) -> Option<(srtp::Outbound, srtp::Inbound)> {
        for round in 0..40 {
            while let Some(datagram) = self.handshake.poll_transmit() {
                // Every fifth is lost.
                if round % 5 != 1 {
                    bench.send(socket, to, Rtp, &datagram);
                }
            }
            while let Some(datagram) = received(socket) {
                self.handshake.handle_datagram(bench.now, &datagram);
            }
            match self.handshake.poll_event() {
                Some(dtls::Event::Keys { inbound, outbound }) => {
                    while let Some(datagram) = self.handshake.poll_transmit() {
                        bench.send(socket, to, Rtp, &datagram);
                    }
                    return Some((srtp::Outbound::new(&outbound), srtp::Inbound::new(&inbound)));
                }
                Some(_) => return None,
                None => {}
            }
            bench.wait(Duration::from_millis(500));
            self.handshake.handle_timeout(bench.now);
        }
        None
    }
}

#[test]
fn keys_are_agreed_on_in_the_media_whoever_begins() {
    for (role, begins) in [(dtls::Role::Active, call::Begins::They), (dtls::Role::Passive, call::Begins::We)] {
        let mut bench = Bench::new();
        let (plain, secret) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
        let (a, b) = bench.bridged(&plain, &secret);
        let mut shaker = Shaker::new(&bench, role);
        let remote = Remote { security: Security::Dtls(shaker.peer(begins)), ..secret.shared() };
        bench.plane.connect(b.id, remote.clone());
        let sound = packet(0, 1, 7, b"sound");
        bench.send(&plain.rtp, &a, Rtp, &sound);
        assert!(received(&secret.rtp).is_none_or(|heard| Datagram::classify(&heard) == Datagram::Dtls));
        bench.send(&secret.rtp, &b, Rtp, &sound);
        assert_eq!(received(&plain.rtp), None, "without keys nothing passes");

        let (mut says, mut hears) = shaker.shake(&mut bench, &secret.rtp, &b).expect("keys");
        for number in 2..4 {
            let sound = packet(0, number, 7, b"sound");
            bench.send(&plain.rtp, &a, Rtp, &sound);
            // What is left of the handshake may come first.
            let mut heard = std::iter::from_fn(|| received(&secret.rtp))
                .find(|heard| Datagram::classify(heard) == Datagram::Rtp)
                .unwrap();
            let length = hears.open_rtp(&mut heard).unwrap();
            assert_eq!(heard[..length], sound[..]);
            let sound = packet(0, number, 8, b"answer");
            let sent = protected(&mut says, srtp::Outbound::protect_rtp, &sound);
            bench.send(&secret.rtp, &b, Rtp, &sent);
            assert_eq!(received(&plain.rtp), Some(sound));
            // A re-INVITE with the same certificate keeps the association.
            bench.plane.connect(b.id, Remote { direction: Direction::RecvOnly, ..remote.clone() });
        }
    }
}

#[test]
fn a_certificate_that_is_not_the_descriptions_gets_no_keys() {
    let mut bench = Bench::new();
    let (plain, secret) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&plain, &secret);
    let mut shaker = Shaker::new(&bench, dtls::Role::Active);
    let other = Shaker::new(&bench, dtls::Role::Active);
    let security = Security::Dtls(other.peer(call::Begins::They));
    bench.plane.connect(b.id, Remote { security, ..secret.shared() });
    // Who begins may think that all is well until it is told.
    let _ = shaker.shake(&mut bench, &secret.rtp, &b);
    bench.send(&plain.rtp, &a, Rtp, &packet(0, 1, 7, b"sound"));
    assert_eq!(received(&secret.rtp).filter(|heard| heard.windows(5).any(|window| window == b"sound")), None);
}

#[test]
fn with_ice_media_goes_nowhere_before_a_check() {
    let mut bench = Bench::new();
    let (plain, browser) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (_, b) = bench.bridged(&plain, &browser);
    let told = bench.plane.ice(b.id, false).unwrap();
    assert!(told.candidate.contains(&format!(" {} {} typ host", b.address, b.rtp)), "{}", told.candidate);
    assert_eq!(bench.plane.ice(b.id, false).unwrap(), told, "it is told the same again");
    let shaker = Shaker::new(&bench, dtls::Role::Passive);
    let peer = call::Peer { ufrag: Some("abcd".to_owned()), ..shaker.peer(call::Begins::We) };
    bench.plane.connect(b.id, Remote { security: Security::Dtls(peer), ..browser.shared() });
    bench.wait(Duration::from_secs(2));
    assert_eq!(received(&browser.rtp), None, "nobody is sent what has not proved that it wants it");
    bench.send(&browser.rtp, &b, Rtp, &[22; 40]);
    assert_eq!(bench.plane.counts().foreign, 1);
    assert_ne!(bench.plane.ice(b.id, true).unwrap().ufrag, told.ufrag);
}

#[test]
fn a_key_that_stays_keeps_its_counters_when_the_other_changes() {
    let mut bench = Bench::new();
    let (plain, secret) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&plain, &secret);
    let (keys, _, mut hears) = keyed(srtp::Suite::AeadAes256Gcm);
    bench.plane.connect(b.id, Remote { security: Security::Sdes(keys), ..secret.remote() });
    bench.send(&plain.rtp, &a, Rtp, &packet(0, 1, 7, b"sound"));
    assert!(hears.open_rtp(&mut received(&secret.rtp).unwrap()).is_ok());
    bench.send(&plain.rtcp, &a, Rtcp, RTCP);
    assert!(hears.open_rtcp(&mut received(&secret.rtcp).unwrap()).is_ok());

    let inbound = MasterKey::from_random(keys.inbound.suite(), [9; MasterKey::LONGEST]);
    let renewed = call::Keys { inbound, ..keys };
    bench.plane.connect(b.id, Remote { security: Security::Sdes(renewed), ..secret.remote() });
    bench.send(&plain.rtp, &a, Rtp, &packet(0, 1, 7, b"other"));
    assert_eq!(received(&secret.rtp), None, "no number is encrypted twice under one key");
    bench.send(&plain.rtcp, &a, Rtcp, RTCP);
    assert!(hears.open_rtcp(&mut received(&secret.rtcp).unwrap()).is_ok(), "nor an index of RTCP");
    let mut says = srtp::Outbound::new(&inbound);
    let sound = packet(0, 1, 8, b"answer");
    bench.send(&secret.rtp, &b, Rtp, &protected(&mut says, srtp::Outbound::protect_rtp, &sound));
    assert_eq!(received(&plain.rtp), Some(sound));
}

#[test]
fn a_protected_leg_without_an_address_is_silent_and_not_plain() {
    let mut bench = Bench::new();
    let (plain, secret) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (a, b) = bench.bridged(&plain, &secret);
    let (keys, ..) = keyed(srtp::Suite::AesCm128HmacSha1_80);
    let nowhere = "0.0.0.0:0".parse().unwrap();
    let remote = Remote { rtp: nowhere, rtcp: nowhere, security: Security::Sdes(keys), ..secret.remote() };
    bench.plane.connect(b.id, remote);
    bench.send(&secret.rtp, &b, Rtp, &packet(0, 1, 8, b"plain"));
    assert_eq!(received(&plain.rtp), None);
    bench.send(&plain.rtp, &a, Rtp, &packet(0, 1, 7, b"sound"));
    assert_eq!(received(&secret.rtp), None);
}

#[test]
fn a_stranger_who_shakes_hands_is_not_latched_onto() {
    let mut bench = Bench::new();
    let (plain, secret, stranger) = (Phone::at("127.0.0.1"), Phone::at("127.0.0.1"), Phone::at("127.0.0.1"));
    let (_, b) = bench.bridged(&plain, &secret);
    let mut shaker = Shaker::new(&bench, dtls::Role::Active);
    let security = Security::Dtls(shaker.peer(call::Begins::They));
    bench.plane.connect(b.id, Remote { security, ..secret.shared() });
    bench.send(&stranger.rtp, &b, Rtp, &[22; 60]);
    let (mut says, _) = shaker.shake(&mut bench, &secret.rtp, &b).expect("keys");
    bench.send(&stranger.rtp, &b, Rtp, &[22; 60]);
    assert_eq!(bench.plane.counts().foreign, 1, "with keys, nobody else has a word in it");
    let sound = packet(0, 1, 8, b"answer");
    bench.send(&secret.rtp, &b, Rtp, &protected(&mut says, srtp::Outbound::protect_rtp, &sound));
    assert_eq!(received(&plain.rtp), Some(sound));
}

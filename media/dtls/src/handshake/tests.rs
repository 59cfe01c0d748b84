//! Two handshakes against each other in virtual time, through a network that loses, doubles, reorders and damages.
//!
//! The network follows its seed, which a failure prints; the library's own randomness comes from the system.

use super::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static IDENTITIES: LazyLock<[Arc<Identity>; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Arc::new(Identity::generate().unwrap())));

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Newest,
    Only12,
    Only13,
}

/// What the network does to a datagram, in percent.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    lost: u64,
    doubled: u64,
    late: u64,
    damaged: u64,
}

fn handshake(side: usize, version: Version, expected: Fingerprint, now: Instant) -> Handshake {
    let identity = &IDENTITIES[side];
    let role = [Role::Active, Role::Passive][side];
    let (config, certificate) = (Arc::clone(&identity.config), identity.certificate());
    let mut dtls = match version {
        Version::Newest => begin(identity, role, now),
        Version::Only12 => Dtls::new_12(config, certificate, now),
        Version::Only13 => Dtls::new_13(config, certificate, now),
    };
    dtls.set_active(role == Role::Active);
    Handshake::with(dtls, identity, role, expected, now)
}

/// Client and server, who expect each other.
fn pair(versions: [Version; 2], now: Instant) -> [Handshake; 2] {
    [0, 1].map(|side| handshake(side, versions[side], IDENTITIES[1 - side].fingerprint().clone(), now))
}

struct Network {
    random: Random,
    faults: Faults,
    now: Instant,
    count: u64,
    /// By time of arrival: for whom, and what.
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    events: [Vec<Event>; 2],
}

impl Network {
    fn new(seed: u64, faults: Faults) -> Network {
        let (random, flying) = (Random(seed), BTreeMap::new());
        Network { random, faults, now: Instant::now(), count: 0, flying, events: Default::default() }
    }

    fn take(&mut self, sides: &mut [Handshake; 2]) {
        for (side, handshake) in sides.iter_mut().enumerate() {
            while let Some(mut datagram) = handshake.poll_transmit() {
                assert!(datagram.len() <= 1200, "{} bytes", datagram.len());
                if self.random.percent(self.faults.lost) {
                    continue;
                }
                if self.random.percent(self.faults.damaged) {
                    let bit = self.random.below(datagram.len() as u64 * 8) as usize;
                    datagram[bit / 8] ^= 1 << (bit % 8);
                }
                for _ in 0..=usize::from(self.random.percent(self.faults.doubled)) {
                    let late = if self.random.percent(self.faults.late) { self.random.below(400) } else { 0 };
                    let at = self.now + Duration::from_millis(10 + late);
                    self.count += 1;
                    self.flying.insert((at, self.count), (1 - side, datagram.clone()));
                }
            }
            self.events[side].extend(std::iter::from_fn(|| handshake.poll_event()));
        }
    }

    /// Until both have come to an end and nothing is under way; that has to be within 60 s.
    fn run(&mut self, sides: &mut [Handshake; 2]) {
        let end = self.now + Duration::from_secs(60);
        self.take(sides);
        while self.now < end {
            if self.flying.is_empty() && self.events.iter().all(|events| !events.is_empty()) {
                return;
            }
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let deadlines = sides.iter().filter_map(Handshake::poll_timeout);
            let Some(next) = deadlines.chain(arrival).min() else { return };
            self.now = next.max(self.now);
            if arrival == Some(next)
                && let Some((_, (side, datagram))) = self.flying.pop_first()
            {
                sides[side].handle_datagram(self.now, &datagram);
            } else {
                sides.iter_mut().for_each(|side| side.handle_timeout(self.now));
            }
            self.take(sides);
        }
        panic!("the two never come to rest: {sides:?} {:?}", self.events);
    }
}

fn version(handshake: &Handshake) -> Option<dimpl::ProtocolVersion> {
    match &handshake.state {
        State::Shaking { dtls, .. } | State::Done { dtls } => dtls.protocol_version(),
        State::Over => None,
    }
}

/// The client sends with what the server receives with, and the other way round.
fn agree(events: &[Vec<Event>; 2]) -> bool {
    let [client, server] = events;
    let ([Event::Keys { inbound, outbound }], [Event::Keys { inbound: theirs, outbound: ours }]) =
        (&client[..], &server[..])
    else {
        return false;
    };
    inbound != outbound && inbound == ours && outbound == theirs
}

const VERSIONS: [[Version; 2]; 5] = [
    [Version::Newest, Version::Newest],
    [Version::Newest, Version::Only12],
    [Version::Only12, Version::Newest],
    [Version::Only12, Version::Only12],
    [Version::Only13, Version::Newest],
];

#[test]
fn both_get_the_same_keys_by_either_version() {
    for versions in VERSIONS {
        let mut network = Network::new(1, Faults::default());
        let begin = network.now;
        let mut sides = pair(versions, begin);
        network.run(&mut sides);
        assert!(agree(&network.events), "{versions:?} {:?}", network.events);
        let expected = if versions.contains(&Version::Only12) {
            dimpl::ProtocolVersion::DTLS1_2
        } else {
            dimpl::ProtocolVersion::DTLS1_3
        };
        assert_eq!(sides.each_ref().map(version), [Some(expected); 2]);
        let Event::Keys { inbound, .. } = &network.events[0][0] else { unreachable!() };
        assert_eq!(inbound.suite(), srtp::Suite::AeadAes256Gcm, "the first in our order");
        assert!(network.now - begin < Duration::from_millis(100), "three round trips: {:?}", network.now - begin);
        assert_eq!(sides.each_ref().map(Handshake::poll_timeout), [None; 2], "nothing remains to be done");
    }
}

#[test]
fn loss_doubling_and_reordering_are_overcome() {
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for lost in [0, 5, 15, 30] {
        let (mut times, mut late) = (Vec::new(), 0);
        for seed in first..first + 60 {
            let versions = VERSIONS[seed as usize % VERSIONS.len()];
            let mut network = Network::new(seed, Faults { lost, doubled: 10, late: 30, damaged: 0 });
            let begin = network.now;
            let mut sides = pair(versions, begin);
            network.run(&mut sides);
            // Each further attempt waits twice as long, so that after 30 s some ten may all have been lost.
            let is_late = network.events.iter().any(|events| events[..] == [Event::Failed(Failure::TimedOut)]);
            late += u32::from(is_late);
            let agreed = agree(&network.events);
            assert!(agreed || is_late, "SEED={seed} lost={lost} {versions:?} {:?}", network.events);
            times.push(network.now - begin);
        }
        assert!(late <= 3, "{lost} % lost: {late} of 60 failed");
        times.sort();
        println!(
            "{lost} % lost: {:?} in the middle, {:?} for 95 %, {:?} at most",
            times[times.len() / 2],
            times[times.len() * 95 / 100],
            times[times.len() - 1]
        );
    }
}

#[test]
fn damaged_datagrams_never_panic_nor_make_different_keys() {
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut finished = 0;
    for seed in first..first + 200 {
        let versions = VERSIONS[seed as usize % VERSIONS.len()];
        let mut network = Network::new(seed, Faults { lost: 5, doubled: 10, late: 20, damaged: 20 });
        let mut sides = pair(versions, network.now);
        println!("SEED={seed} {versions:?}");
        network.run(&mut sides);
        let keys = network.events.iter().flatten().filter(|event| matches!(event, Event::Keys { .. })).count();
        assert!(keys < 2 || agree(&network.events), "{:?}", network.events);
        finished += usize::from(keys == 2);
    }
    println!("{finished} of 200 came to keys");
}

/// Of up to 3000 bytes; records of DTLS in plain text, all but alerts, or nothing like it.
fn noise(random: &mut Random, records: Records) -> Vec<u8> {
    let longest = if random.percent(10) { 3000 } else { 100 };
    let mut noise: Vec<u8> = (0..1 + random.below(longest)).map(|_| random.next() as u8).collect();
    noise[0] = [20, 22, 23, 26][random.below(4) as usize];
    if noise.len() > 13
        && let Records::WellFormed = records
    {
        let length = noise.len() as u16 - 13;
        noise[1..5].copy_from_slice(&[0xfe, 0xfd, 0, random.below(2) as u8]);
        noise[11..13].copy_from_slice(&length.to_be_bytes());
    }
    noise
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    WellFormed,
    Broken,
}

#[test]
fn noise_ends_nothing_and_panics_nowhere() {
    let mut random = Random(7);
    for records in [Records::Broken, Records::WellFormed] {
        for versions in VERSIONS {
            let mut network = Network::new(7, Faults::default());
            let mut sides = pair(versions, network.now);
            let mut shout = |sides: &mut [Handshake; 2], network: &Network| {
                for _ in 0..400 {
                    let side = random.below(2) as usize;
                    sides[side].handle_datagram(network.now, &noise(&mut random, records));
                }
            };
            shout(&mut sides, &network);
            network.run(&mut sides);
            // Whole records from someone else end a handshake under way, as the alerts of DTLS in plain text do.
            if records == Records::WellFormed {
                (network, sides) = (Network::new(7, Faults::default()), pair(versions, network.now));
                network.run(&mut sides);
            }
            shout(&mut sides, &network);
            network.take(&mut sides);
            assert!(agree(&network.events), "{versions:?} {:?}", network.events);
        }
    }
}

#[test]
fn another_certificate_fails_and_gives_no_keys() {
    for versions in VERSIONS {
        for deceived in [0, 1] {
            let mut network = Network::new(3, Faults::default());
            let mut sides = pair(versions, network.now);
            let own = IDENTITIES[deceived].fingerprint().clone();
            sides[deceived] = handshake(deceived, versions[deceived], own, network.now);
            network.run(&mut sides);
            assert_eq!(network.events[deceived], [Event::Failed(Failure::WrongCertificate)]);
            assert!(sides[deceived].is_over() && sides[deceived].poll_timeout().is_none());
            let keys = network.events[1 - deceived].iter().any(|event| matches!(event, Event::Keys { .. }));
            // The client of DTLS 1.3 finishes first, and learns from silence only.
            assert!(!keys || versions != [Version::Only12; 2], "{versions:?}");
            if versions == [Version::Only12; 2] {
                assert_eq!(network.events[1 - deceived], [Event::Failed(Failure::Alert(42))], "bad_certificate");
            }
        }
    }
}

#[test]
fn a_peer_that_is_silent_or_falls_silent_is_given_up() {
    let now = Instant::now();
    for sends in [0, 1] {
        let mut sides = pair([Version::Newest, Version::Newest], now);
        let passive = sides[1].poll_timeout();
        assert_eq!(passive, None, "who has heard nothing waits for ever");
        if sends == 1 {
            let hello = sides[0].poll_transmit().unwrap();
            sides[1].handle_datagram(now, &hello);
        }
        let side = &mut sides[sends];
        let mut last = now;
        while let Some(at) = side.poll_timeout() {
            last = at;
            side.handle_timeout(at);
            while side.poll_transmit().is_some() {}
        }
        assert_eq!(side.poll_event(), Some(Event::Failed(Failure::TimedOut)));
        assert!(last - now <= Duration::from_secs(31) && last - now > Duration::from_secs(20), "{:?}", last - now);
    }
}

#[test]
fn closing_tells_the_peer() {
    for versions in VERSIONS {
        for closer in [0, 1] {
            let mut network = Network::new(4, Faults::default());
            let mut sides = pair(versions, network.now);
            network.run(&mut sides);
            assert!(agree(&network.events));
            network.events = Default::default();
            sides[closer].close(network.now);
            network.run(&mut sides);
            assert_eq!(network.events, [vec![Event::Closed], vec![Event::Closed]], "{versions:?}");
        }
    }
}

#[test]
fn noise_before_the_first_message_does_not_keep_it_out() {
    let mut network = Network::new(5, Faults::default());
    let mut sides = pair([Version::Newest, Version::Newest], network.now);
    for _ in 0..200 {
        sides[1].handle_datagram(network.now, &[22; 100]);
    }
    network.run(&mut sides);
    assert!(agree(&network.events), "{:?}", network.events);
}

#[test]
fn certificates_of_many_datagrams_are_read_through_loss() {
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = (0..100).map(|index| format!("{index}.a-long-name-of-a-telephone.example.net")).collect();
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap().der().to_vec();
    assert!(certificate.len() > 2 * LONGEST);
    let fingerprint = Fingerprint::of(&certificate);
    let certificate = dimpl::DtlsCertificate { certificate, private_key: key.serialize_der() };
    for seed in first..first + 40 {
        let version = [Version::Only12, Version::Only13][seed as usize % 2];
        let lost = [0, 15][seed as usize / 2 % 2];
        let mut network = Network::new(seed, Faults { lost, doubled: lost, late: lost, damaged: 0 });
        let begin = network.now;
        let mut sides = [0, 1].map(|side| {
            let (config, role) = (Arc::clone(&IDENTITIES[side].config), [Role::Active, Role::Passive][side]);
            let mut dtls = match version {
                Version::Only12 => Dtls::new_12(config, certificate.clone(), begin),
                Version::Newest | Version::Only13 => Dtls::new_13(config, certificate.clone(), begin),
            };
            dtls.set_active(role == Role::Active);
            Handshake::with(dtls, &IDENTITIES[side], role, fingerprint.clone(), begin)
        });
        network.run(&mut sides);
        assert!(agree(&network.events), "SEED={seed} {version:?} {:?}", network.events);
        println!("SEED={seed} {version:?} lost={lost}: {} datagrams in {:?}", network.count, network.now - begin);
        assert!(network.count < 1000, "a storm");
    }
}

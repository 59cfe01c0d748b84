//! The registrar against a naive reference, with REGISTERs lost, doubled and overtaking each other.

use super::record::Record;
use super::*;
use sip::random::Random;
use std::collections::BTreeMap;

/// What a phone sends: for each contact, add or remove.
#[derive(Debug, Clone)]
struct Sent {
    request: RegisterRequest,
    at: u32,
}

/// The reference: by the letter, one contact at a time, with an unbounded memory of the past.
#[derive(Default)]
struct Reference {
    /// When each contact ends, and the newest nonce used for it.
    contacts: BTreeMap<String, (u32, u64)>,
    /// Every request that was applied.
    applied: Vec<RegisterRequest>,
    /// The newest nonce that removed all.
    star: u64,
}

impl Reference {
    fn apply(&mut self, request: &RegisterRequest, now: u32) -> u32 {
        let touches =
            |other: &RegisterRequest, uri: &str| other.all || other.contacts.iter().any(|contact| contact.uri == uri);
        let concerns = |other: &RegisterRequest| {
            request.all || other.all || request.contacts.iter().any(|contact| touches(other, &contact.uri))
        };
        let mut before = self.applied.iter().filter(|other| other.call_id == request.call_id && concerns(other));
        if before.clone().any(|other| other.cseq > request.cseq) {
            return 500;
        }
        if before.any(|other| other.cseq == request.cseq) {
            return 200;
        }
        let changed: Vec<String> = match request.all {
            true => self.live(now).into_keys().collect(),
            false => request.contacts.iter().map(|contact| contact.uri.clone()).collect(),
        };
        let is_newer =
            |uri: &String| self.contacts.get(uri).is_some_and(|(_, issued)| *issued > request.nonce_issued_at);
        if changed.iter().any(is_newer) || (!request.all && self.star > request.nonce_issued_at) {
            return 401;
        }
        if request.all {
            self.star = self.star.max(request.nonce_issued_at);
        }
        for uri in changed {
            let expires =
                request.contacts.iter().find(|contact| contact.uri == uri).map_or(0, |contact| contact.expires);
            self.contacts.insert(uri, (now + expires, request.nonce_issued_at));
        }
        self.applied.push(request.clone());
        200
    }

    fn live(&self, now: u32) -> BTreeMap<String, u32> {
        self.contacts.iter().filter(|(_, (end, _))| *end > now).map(|(uri, (end, _))| (uri.clone(), *end)).collect()
    }
}

/// Two phones of one user, each with its Call-ID and growing CSeq, in bursts; each request under a nonce of its own.
fn script(random: &mut Random) -> Vec<Sent> {
    let mut sent = Vec::new();
    let mut cseq = [0, 0];
    let mut at = 1000;
    for number in 0..24 {
        let phone = (random.number() % 2) as usize;
        cseq[phone] += 1;
        let contact = |n: u64, expires| ContactUpdate {
            uri: format!("sip:alice@192.0.2.{}:{}", phone + 1, 5060 + n),
            expires,
            ..ContactUpdate::default()
        };
        let expires = [0, 60, 300, 600][(random.number() % 4) as usize];
        let mut contacts = vec![contact(0, expires)];
        match random.number() % 6 {
            0 => contacts.push(contact(1, 600 - expires)),
            1 => contacts = vec![contact(1, 300)],
            _ => {}
        }
        let all = random.number().is_multiple_of(6);
        let nonce = number + 1;
        let request = RegisterRequest {
            aor: "alice@tandem.local".into(),
            call_id: format!("phone-{phone}"),
            cseq: cseq[phone],
            contacts: if all { Vec::new() } else { contacts },
            all,
            flow: format!("flow-{phone}"),
            nonce,
            nonce_count: 1,
            nonce_issued_at: 1000 + nonce - random.number() % 2,
            ..RegisterRequest::default()
        };
        // Between bursts all bindings and memories end, and nothing is under way.
        at += if number % 8 == 7 { 1000 } else { (random.number() % 3) as u32 };
        sent.push(Sent { request, at });
    }
    sent
}

/// What arrives: some twice, some late by a few seconds, some not at all.
fn network(random: &mut Random, sent: &[Sent]) -> Vec<Sent> {
    let mut arrived = Vec::new();
    for one in sent {
        let copies = [0, 1, 1, 1, 2, 3][(random.number() % 6) as usize];
        for _ in 0..copies {
            arrived.push(Sent { at: one.at + (random.number() % 6) as u32, ..one.clone() });
        }
    }
    arrived.sort_by_key(|one| one.at);
    arrived
}

#[test]
fn doubled_late_and_lost_registers_leave_what_the_reference_leaves() {
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        let sent = script(&mut random);
        let arrived = network(&mut random, &sent);
        let key = gruu::Key::new(&[0; 32]);
        let policy =
            Policy { min_expires: 60, max_expires: 3600, contacts: 100, overflow: Overflow::Refuse, gruu: &key };
        let (mut record, mut stored, mut reference) = (Record::default(), None, Reference::default());
        for (step, Sent { request, at }) in arrived.iter().enumerate() {
            let at = *at;
            let expected = reference.apply(request, at);
            // Granted as asked: the longest of the spread.
            let got = match register(&mut record, request, &policy, at, 0) {
                Outcome::Done(response) => response,
                Outcome::Write { record: written, response } => {
                    stored = written.encode(at);
                    record = written;
                    response
                }
            };
            let context = format!("seed {seed}, step {step}: {request:?}");
            assert_eq!(got.status, expected, "{context}");
            let live: BTreeMap<String, u32> =
                record.live(at).map(|binding| (binding.texts().uri.to_owned(), binding.expires_at)).collect();
            assert_eq!(live, reference.live(at), "{context}");
            let kept = stored.as_deref().map_or_else(Record::default, |bytes| Record::decode(bytes).unwrap());
            for (uri, end) in &live {
                let covers = |binding: &Binding| binding.texts().uri == uri && binding.expires_at >= *end;
                assert!(kept.bindings.iter().any(covers), "a restart forgets {uri} early; {context}");
            }
            let ghosts = kept.live(at).map(|binding| binding.texts().uri).filter(|&uri| !live.contains_key(uri));
            for ghost in ghosts {
                let (end, _) = reference.contacts[ghost];
                assert!(end + 600 > at, "a restart brings {ghost} back; {context}");
            }
        }
    }
}

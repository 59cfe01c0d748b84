use super::record::Record;
use super::*;
use proto::wire::Binding as Wire;

struct Bench {
    record: Record,
    policy: (usize, Overflow),
    key: gruu::Key,
    written: usize,
}

impl Bench {
    fn new() -> Bench {
        Bench { record: Record::default(), policy: (10, Overflow::Oldest), key: gruu::Key::new(&[1; 32]), written: 0 }
    }

    fn limited(contacts: usize, overflow: Overflow) -> Bench {
        Bench { policy: (contacts, overflow), ..Bench::new() }
    }

    /// Registers and makes durable at once what must be.
    fn register(&mut self, now: u32, request: &RegisterRequest) -> RegisterResponse {
        let (contacts, overflow) = self.policy;
        let policy = Policy { min_expires: 60, max_expires: 3600, contacts, overflow, gruu: &self.key };
        match register(&mut self.record, request, &policy, now, 0) {
            Outcome::Done(response) => response,
            Outcome::Write { record, response } => {
                self.record = record;
                self.written += 1;
                response
            }
        }
    }

    fn uris(&self, now: u32) -> Vec<String> {
        self.record.live(now).map(|binding| binding.texts().uri.to_owned()).collect()
    }

    /// What a restart would find.
    fn restarted(&self, now: u32) -> Record {
        self.record.encode(now).map_or_else(Record::default, |bytes| Record::decode(&bytes).unwrap())
    }
}

fn contact(uri: &str, expires: u32) -> ContactUpdate {
    ContactUpdate { uri: uri.into(), expires, q: 1000, ..ContactUpdate::default() }
}

fn request(call_id: &str, cseq: u32, contacts: &[ContactUpdate]) -> RegisterRequest {
    RegisterRequest {
        aor: "alice@tandem.local".into(),
        call_id: call_id.into(),
        cseq,
        contacts: contacts.to_vec(),
        flow: "flow".into(),
        received: "192.0.2.1:5060".into(),
        transport: "udp".into(),
        proxy: "p1".into(),
        ..RegisterRequest::default()
    }
}

fn star(call_id: &str, cseq: u32) -> RegisterRequest {
    RegisterRequest { all: true, ..request(call_id, cseq, &[]) }
}

fn uris(bindings: &[Wire]) -> Vec<&str> {
    bindings.iter().map(|binding| binding.uri.as_str()).collect()
}

const A: &str = "sip:alice@192.0.2.1:5060";
const B: &str = "sip:alice@192.0.2.2:5060";

#[test]
fn a_registration_is_written_and_answered_with_all_bindings() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact(A, 600)]));
    let response = bench.register(1010, &request("two", 1, &[contact(B, 600)]));
    assert_eq!((response.status, bench.written), (200, 2));
    assert_eq!(uris(&response.bindings), [A, B]);
    assert_eq!(response.bindings[1].expires_at, 1610);
}

#[test]
fn a_query_changes_nothing() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact(A, 600)]));
    let before = bench.record.clone();
    let response = bench.register(1001, &request("one", 1, &[]));
    assert_eq!((response.status, uris(&response.bindings)), (200, vec![A]));
    assert_eq!(bench.record, before);
}

#[test]
fn a_refresh_that_only_extends_is_written_at_half_life_only() {
    let mut bench = Bench::new();
    let mut written_at = Vec::new();
    for (cseq, now) in (1..).zip((1000..20_000).step_by(540)) {
        let before = bench.written;
        let response = bench.register(now, &request("one", cseq, &[contact(A, 600)]));
        assert_eq!(response.bindings[0].expires_at, u64::from(now) + 600);
        if bench.written > before {
            written_at.push(now);
        }
        let restarted = bench.restarted(now);
        assert!(restarted.live(now + 599).count() == 1, "a restart at {now} would forget the phone early");
        assert!(restarted.live(now + 1200).count() == 0, "a restart keeps it for ever");
    }
    assert!(written_at.windows(2).all(|pair| pair[1] - pair[0] == 1080), "{written_at:?}");
}

#[test]
fn a_refresh_that_shortens_is_written() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact(A, 3600)]));
    bench.register(1010, &request("one", 2, &[contact(A, 60)]));
    assert_eq!((bench.written, bench.restarted(1010).live(1130).count()), (2, 0));
}

#[test]
fn a_refresh_under_a_new_call_id_is_absorbed_unless_a_gruu_hangs_on_it() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 9, &[contact(A, 600)]));
    bench.register(1100, &request("two", 1, &[contact(A, 600)]));
    assert_eq!(bench.written, 1);
    let phone = ContactUpdate { instance: "urn:uuid:1".into(), ..contact(B, 600) };
    bench.register(1100, &request("one", 1, std::slice::from_ref(&phone)));
    bench.register(1200, &request("two", 1, &[phone]));
    assert_eq!(bench.written, 3);
}

#[test]
fn a_refresh_over_another_flow_is_written() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact(A, 600)]));
    let moved = RegisterRequest { flow: "other".into(), ..request("one", 2, &[contact(A, 600)]) };
    let response = bench.register(1001, &moved);
    assert_eq!((bench.written, response.bindings[0].flow.as_str()), (2, "other"));
    let path = RegisterRequest { path: vec!["<sip:edge;lr>".into()], ..request("one", 3, &[contact(A, 600)]) };
    let response = bench.register(1002, &path);
    assert_eq!((bench.written, &response.bindings[0].path[..]), (3, &["<sip:edge;lr>".to_owned()][..]));
}

#[test]
fn a_replay_is_answered_and_not_applied() {
    let mut bench = Bench::new();
    let first = RegisterRequest { nonce: 5, nonce_count: 1, ..request("one", 1, &[contact(A, 600)]) };
    bench.register(1000, &first);
    let before = bench.record.clone();
    let response = bench.register(1300, &first);
    assert_eq!((response.status, response.bindings[0].expires_at), (200, 1600));
    assert_eq!(bench.record, before);
}

#[test]
fn a_late_register_gets_500_and_changes_nothing() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 5, &[contact(A, 600)]));
    let before = bench.record.clone();
    assert_eq!(bench.register(1001, &request("one", 4, &[contact(A, 0)])).status, 500);
    assert_eq!(bench.register(1001, &request("one", 4, &[contact(B, 600), contact(A, 600)])).status, 500, "none of it");
    assert_eq!(bench.register(1001, &star("one", 5)).status, 500);
    assert_eq!(
        bench.register(1001, &request("one", 5, &[contact(A, 0)])).status,
        500,
        "the same CSeq, another meaning"
    );
    assert_eq!(bench.record, before);
}

#[test]
fn what_was_sent_before_a_removal_does_not_bring_the_contact_back() {
    let mut bench = Bench::new();
    let add = request("one", 1, &[contact(A, 600)]);
    let remove = request("one", 2, &[contact(A, 0)]);
    bench.register(1000, &add);
    bench.register(1001, &remove);
    assert_eq!(bench.register(1002, &add).status, 500);
    let again = bench.register(1003, &remove);
    assert_eq!((again.status, again.bindings.len(), bench.written), (200, 0, 2), "a replayed removal is answered");

    let mut overtaken = Bench::new();
    overtaken.register(1000, &remove);
    assert_eq!(overtaken.register(1001, &add).status, 500, "the removal overtook the registration");
    assert_eq!(overtaken.written, 0, "nothing was there to be removed from the store");
    assert_eq!(overtaken.register(1000 + REMEMBERED, &add).status, 200, "then it is forgotten");
}

#[test]
fn a_star_removes_every_binding_and_its_replay_removes_nothing_newer() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact(A, 600)]));
    bench.register(1000, &request("two", 1, &[contact(B, 600)]));
    let response = bench.register(1001, &star("one", 2));
    assert_eq!((response.status, response.bindings.len()), (200, 0));
    assert_eq!(bench.restarted(1001), Record::default());
    bench.register(1002, &request("two", 2, &[contact(B, 600)]));
    assert_eq!(uris(&bench.register(1003, &star("one", 2)).bindings), [B]);
}

#[test]
fn a_star_must_stand_alone_with_expires_0() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact(A, 600)]));
    assert_eq!(bench.register(1001, &RegisterRequest { expires: 60, ..star("one", 2) }).status, 400);
    assert_eq!(bench.register(1001, &RegisterRequest { contacts: vec![contact(B, 0)], ..star("one", 2) }).status, 400);
    assert_eq!(bench.uris(1001), [A]);
}

#[test]
fn too_short_is_423_with_the_minimum_and_too_long_is_cut() {
    let mut bench = Bench::new();
    let response = bench.register(1000, &request("one", 1, &[contact(A, 59)]));
    assert_eq!((response.status, response.min_expires), (423, 60));
    assert!(bench.uris(1000).is_empty());
    let response = bench.register(1000, &request("one", 1, &[contact(A, 7200)]));
    assert_eq!(response.bindings[0].expires_at, 4600);
}

#[test]
fn what_is_granted_is_spread_over_the_last_tenth_and_never_below_the_minimum() {
    let key = gruu::Key::new(&[1; 32]);
    let policy = Policy { min_expires: 60, max_expires: 3600, contacts: 10, overflow: Overflow::Oldest, gruu: &key };
    let mut granted = std::collections::BTreeSet::new();
    for random in 0..1000 {
        for (asked, least) in [(3600, 3240), (62, 60), (60, 60)] {
            let request = request("one", 1, &[contact(A, asked)]);
            let Outcome::Write { response, .. } = register(&mut Record::default(), &request, &policy, 0, random) else {
                panic!("not written");
            };
            let expires = response.bindings[0].expires_at as u32;
            assert!((least..=asked).contains(&expires), "{expires} of {asked}");
            if asked == 3600 {
                granted.insert(expires);
            }
        }
    }
    assert!(granted.len() > 300, "{}", granted.len());
}

#[test]
fn contacts_are_compared_as_uris() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact("sip:alice@Host.example;ob;lr", 600)]));
    let response = bench.register(1001, &request("one", 2, &[contact("sip:%61lice@hOST.example;lr;ob", 600)]));
    assert_eq!(uris(&response.bindings), ["sip:%61lice@hOST.example;lr;ob"]);
    let response = bench.register(1002, &request("one", 3, &[contact("sip:alice@host.example:5060;ob", 600)]));
    assert_eq!(response.bindings.len(), 2, "a port given is not a port left out");
}

#[test]
fn an_instance_may_have_several_flows_and_each_replaces_itself_only() {
    let mut bench = Bench::new();
    let flow = |uri: &str, reg_id| ContactUpdate { instance: "urn:uuid:1".into(), reg_id, ..contact(uri, 600) };
    bench.register(1000, &request("one", 1, &[flow(A, 1)]));
    bench.register(1000, &request("one", 2, &[flow(A, 2)]));
    let response = bench.register(1001, &request("two", 1, &[flow(B, 1)]));
    assert_eq!(uris(&response.bindings), [B, A]);
    assert_eq!(bench.register(1001, &request("two", 2, &[flow(A, 1), flow(A, 2)])).status, 400);
    let nameless = ContactUpdate { reg_id: 1, ..contact(A, 600) };
    assert_eq!(bench.register(1001, &request("two", 3, &[nameless])).status, 400, "a flow of no instance");
}

#[test]
fn phones_with_the_same_private_address_are_told_apart_by_instance() {
    let mut bench = Bench::new();
    for (call_id, instance) in [("one", "urn:uuid:1"), ("two", "urn:uuid:2")] {
        let phone = ContactUpdate { instance: instance.into(), ..contact(A, 600) };
        bench.register(1000, &request(call_id, 1, &[phone]));
    }
    assert_eq!(bench.uris(1000), [A, A]);
}

#[test]
fn above_the_limit_the_oldest_goes() {
    let mut bench = Bench::limited(2, Overflow::Oldest);
    for n in 1..=3 {
        bench.register(1000 + n, &request("one", n, &[contact(&format!("sip:{n}@h"), 600)]));
    }
    assert_eq!(bench.uris(1010), ["sip:2@h", "sip:3@h"]);
    bench.register(1020, &request("one", 4, &[contact("sip:2@h", 600)]));
    bench.register(1021, &request("one", 5, &[contact("sip:4@h", 600)]));
    assert_eq!(bench.uris(1022), ["sip:2@h", "sip:4@h"], "the one not refreshed longest");
}

#[test]
fn above_the_limit_the_new_one_is_refused_where_the_user_has_it_so() {
    let mut bench = Bench::limited(1, Overflow::Refuse);
    bench.register(1000, &request("one", 1, &[contact(A, 600)]));
    assert_eq!(bench.register(1001, &request("two", 1, &[contact(B, 600)])).status, 403);
    assert_eq!(bench.register(1002, &request("one", 2, &[contact(A, 600)])).status, 200, "a refresh is no new contact");
    assert_eq!(bench.register(1003, &request("one", 3, &[contact(A, 0), contact(B, 600)])).status, 200, "an exchange");
    assert_eq!(bench.uris(1003), [B]);
}

#[test]
fn a_nonce_count_authenticates_once() {
    let mut bench = Bench::new();
    let with = |cseq, nonce, nonce_count, contacts: &[ContactUpdate]| RegisterRequest {
        nonce,
        nonce_count,
        ..request("one", cseq, contacts)
    };
    assert_eq!(bench.register(1000, &with(1, 7, 1, &[contact(A, 600)])).status, 200);
    let response = bench.register(1001, &with(2, 7, 1, &[contact(A, 600)]));
    assert_eq!((response.status, response.stale), (401, true));
    assert_eq!(bench.register(1001, &with(2, 7, 1, &[contact(B, 600)])).status, 401, "for another contact neither");
    assert_eq!(bench.register(1002, &with(2, 7, 3, &[contact(A, 600)])).status, 200);
    assert_eq!(bench.register(1002, &with(3, 7, 2, &[contact(B, 600)])).status, 200, "overtaken, not replayed");
    assert_eq!(bench.register(1003, &with(4, 7, 2, &[contact(A, 600)])).status, 401);
    assert_eq!(bench.register(1003, &with(4, 8, 1, &[contact(A, 600)])).status, 200, "a new nonce starts anew");
    assert_eq!(bench.register(1004, &RegisterRequest { all: true, ..with(5, 7, 3, &[]) }).status, 401);
}

#[test]
fn an_older_nonce_undoes_nothing_that_a_newer_one_did() {
    let mut bench = Bench::new();
    let with = |call_id: &str, issued: u64, expires| RegisterRequest {
        nonce: issued,
        nonce_issued_at: issued,
        nonce_count: 1,
        ..request(call_id, 1, &[contact(A, expires)])
    };
    assert_eq!(bench.register(1000, &with("one", 1, 600)).status, 200);
    let leave = with("one", 2, 0);
    assert_eq!(bench.register(1001, &RegisterRequest { cseq: 2, ..leave.clone() }).status, 200);
    assert_eq!(bench.register(1002, &with("after-restart", 3, 600)).status, 200);
    assert_eq!(bench.register(1003, &RegisterRequest { cseq: 2, ..leave }).status, 401, "captured before, sent again");
    assert_eq!(bench.uris(1003), [A]);
}

#[test]
fn a_binding_is_over_when_its_time_is() {
    let mut bench = Bench::new();
    bench.register(1000, &request("one", 1, &[contact(A, 600)]));
    let locate = |bench: &Bench, now| locate(&bench.record, "", &bench.key, now).bindings.len();
    assert_eq!((locate(&bench, 1599), locate(&bench, 1600)), (1, 0));
    assert_eq!(bench.record.next_expiry(), 1600);
    bench.register(1600, &request("one", 2, &[contact(A, 600)]));
    assert_eq!((bench.written, bench.record.bindings.len()), (2, 1), "a new registration, not a refresh");
}

#[test]
fn calls_go_to_the_highest_q_and_then_to_the_newest() {
    let mut bench = Bench::new();
    let with_q = |uri: &str, q| ContactUpdate { q, ..contact(uri, 600) };
    bench.register(1000, &request("one", 1, &[with_q("sip:1@h", 500)]));
    bench.register(1001, &request("two", 1, &[with_q("sip:2@h", 1000)]));
    bench.register(1002, &request("three", 1, &[with_q("sip:3@h", 1000)]));
    let located = locate(&bench.record, "", &bench.key, 1003);
    assert_eq!(uris(&located.bindings), ["sip:3@h", "sip:2@h", "sip:1@h"]);
}

#[test]
fn a_gruu_reaches_its_phone_and_a_temporary_one_only_while_the_call_id_lasts() {
    let mut bench = Bench::new();
    let phone = |uri: &str, id: &str| ContactUpdate { instance: format!("urn:uuid:{id}"), ..contact(uri, 600) };
    bench.register(1000, &request("other", 1, &[phone(B, "2")]));
    let asked = RegisterRequest { gruu: true, ..request("one", 1, &[phone(A, "1")]) };
    let response = bench.register(1000, &asked);
    let binding = response.bindings.iter().find(|binding| binding.uri == A).unwrap();
    assert_eq!(binding.public_gruu, "sip:alice@tandem.local;gr=urn:uuid:1");
    let located = |bench: &Bench, instance: &str| locate(&bench.record, instance, &bench.key, 1001).bindings;
    assert_eq!(uris(&located(&bench, "urn:uuid:1")), [A]);
    let temporary = binding.temporary_gruu["sip:".len()..].split_once('@').unwrap().0;
    assert_eq!(uris(&located(&bench, temporary)), [A]);
    bench.register(1001, &request("new", 1, &[phone(A, "1")]));
    assert!(located(&bench, temporary).is_empty());
    assert_eq!(uris(&located(&bench, "urn:uuid:1")), [A]);
}

#[test]
fn no_answer_carries_gruus_that_were_not_asked_for() {
    let mut bench = Bench::new();
    let phone = ContactUpdate { instance: "urn:uuid:1".into(), ..contact(A, 600) };
    let response = bench.register(1000, &request("one", 1, &[phone]));
    assert_eq!((&*response.bindings[0].public_gruu, &*response.bindings[0].temporary_gruu), ("", ""));
}

#[test]
fn what_is_too_long_to_keep_is_refused() {
    let mut bench = Bench::new();
    let long = ContactUpdate { params: "x".repeat(TEXT), ..contact(A, 600) };
    assert_eq!(bench.register(1000, &request("one", 1, &[long])).status, 400);
    let chatty = RegisterRequest { user_agent: "é".repeat(500), ..request("one", 1, &[contact(A, 600)]) };
    assert_eq!(bench.register(1000, &chatty).status, 200, "a long User-Agent is cut");
    assert_eq!(bench.register(1001, &RegisterRequest { cseq: 2, ..chatty }).status, 200);
    assert_eq!(bench.written, 1, "and its refresh absorbed");
}

use super::*;
use crate::directory::DEMO;
use crate::directory::apply::tests::directory;

fn orient(directory: &Directory, caller: &str, number: &str, host: &str) -> Result<String, (u16, String)> {
    let target = directory.orient(&Caller { aor: caller, ip: None }, &Dialled::new(number, host));
    target.map(|target| target.to_string()).map_err(|refusal| (refusal.status, refusal.reason.into_owned()))
}

#[test]
fn each_rule_of_the_demo_decides() {
    let demo = directory(DEMO);
    for (number, host, target) in [
        ("bob", "tandem.local", "user:bob@tandem.local"),
        ("Bob", "TANDEM.local.", "user:bob@tandem.local"),
        ("bob", "127.0.0.1", "user:bob@tandem.local"),
        ("6001", "localhost", "user:alice@tandem.local"),
        ("6003", "tandem.local", "menu:welcome"),
        ("112", "tandem.local", "trunk:carrier;number=112"),
        ("0140000000", "tandem.local", "trunk:carrier;number=+33140000000"),
        ("9999", "tandem.local", "echo"),
        ("9998", "tandem.local", "say:Bonjour%2C%20ici%20le%20standard."),
        ("816001", "tandem.local", "user:alice@tandem.local"),
        ("8000", "tandem.local", "conference:standup"),
        ("6099", "tandem.local", "mailbox:alice@tandem.local"),
        ("700", "tandem.local", "parking:lot"),
        ("715", "tandem.local", "parking:lot;slot=715"),
    ] {
        assert_eq!(orient(&demo, "alice@tandem.local", number, host).as_deref(), Ok(target), "{number}@{host}");
    }
    for number in ["", "carol", "5001", "721", "816002", "01400000001", "bob@x", &"1".repeat(129)] {
        let refused = orient(&demo, "alice@tandem.local", number, "tandem.local");
        assert_eq!(refused, Err((404, "Not Found".into())), "{number}");
    }
}

#[test]
fn nobody_is_relayed_to_another_domain() {
    let demo = directory(DEMO);
    let refused = orient(&demo, "alice@tandem.local", "bob", "example.org");
    assert_eq!(refused, Err((403, "Not relaying to other domains".into())));
    assert_eq!(orient(&demo, "mallory@example.org", "bob", "example.org"), Err((404, "Not Found".into())));
    let refused = orient(&demo, "mallory@example.org", "9999", "tandem.local");
    assert_eq!(refused, Err((403, "Caller is no user of this exchange".into())));
}

const CLASSES: &str = r#"
[[domain]]
name = "a.example"
class = "none"
[[domain]]
name = "b.example"
[[class]]
name = "none"
allow = []
[[class]]
name = "out"
allow = ["national"]
[[number]]
match = "_0."
to = "trunk:t"
group = "national"
[[number]]
match = "_00."
to = "hangup"
group = "international"
[[number]]
match = "_5X"
to = "user:{number:1}"
group = "extensions"
[[number]]
match = "_88X"
to = "user:60@a.example"
group = "extensions"
[[number]]
match = "_89X"
to = "voicemail:{number:2}"
group = "services"
[[conference]]
name = "c"
number = "800"
[[trunk]]
name = "t"
domain = "t.example"
[[user]]
name = "amy"
domain = "a.example"
password = "x"
extension = "60"
[[user]]
name = "bea"
domain = "b.example"
password = "x"
extension = "60"
[[user]]
name = "7"
domain = "b.example"
password = "x"
class = "out"
"#;

#[test]
fn a_class_allows_its_groups_only() {
    let directory = directory(CLASSES);
    let from = |caller: &str, number: &str| orient(&directory, caller, number, "b.example");
    let may_not = |class: &str, group: &str| Err((403, format!("Class {class} may not dial {group}")));
    assert_eq!(from("amy@a.example", "bea"), may_not("none", "extensions"));
    assert_eq!(from("amy@a.example", "800"), may_not("none", "services"));
    assert_eq!(from("7@b.example", "60"), may_not("out", "extensions"));
    assert_eq!(from("7@b.example", "0123"), Ok("trunk:t;number=0123".into()));
    assert_eq!(from("7@b.example", "00123"), may_not("out", "international"));
    assert_eq!(from("bea@b.example", "7"), Ok("user:7@b.example".into()), "the built-in class");
    assert_eq!(from("bea@b.example", "0123"), may_not("default", "national"));
}

#[test]
fn names_and_extensions_are_those_of_the_dialled_domain() {
    let directory = directory(CLASSES);
    let from = |number: &str, host: &str| orient(&directory, "bea@b.example", number, host);
    assert_eq!(from("60", "a.example"), Ok("user:amy@a.example".into()));
    assert_eq!(from("60", "b.example"), Ok("user:bea@b.example".into()));
    assert_eq!(from("57", "b.example"), Ok("user:7@b.example".into()));
    assert_eq!(from("57", "a.example"), Err((404, "Not Found".into())));
    assert_eq!(from("881", "b.example"), Ok("user:amy@a.example".into()));
    assert_eq!(from("897", "b.example"), Ok("voicemail:7@b.example".into()));
    assert_eq!(from("0;tag=x", "b.example"), Err((404, "Not Found".into())), "no character that a URI gives a meaning");
}

#[test]
fn a_gruu_means_one_instance() {
    let demo = directory(DEMO);
    let dialled = Dialled { user: "bob", host: "tandem.local", gr: Some("urn:uuid:1") };
    let target = demo.orient(&Caller { aor: "alice@tandem.local", ip: None }, &dialled).unwrap();
    assert_eq!(target, Target::User { aor: "bob@tandem.local".into(), instance: Some("urn:uuid:1".into()) });
}

#[test]
fn an_explanation_reads_like_the_rules() {
    let demo = directory(DEMO);
    let steps = |caller: &str, number: &str| demo.explain(caller, number).steps;
    let class = "alice@tandem.local is in class internal (extensions, services, emergency, national)";
    let site = "alice@tandem.local is at site siege";
    assert_eq!(
        steps("alice", "6002"),
        [
            class,
            site,
            "6002 is the extension of bob@tandem.local",
            "class internal allows extensions",
            "→ user:bob@tandem.local"
        ]
    );
    assert_eq!(
        steps("alice", "0140000000"),
        [
            class,
            site,
            "0140000000 meets _0ZXXXXXXXX best, in group national",
            "class internal allows national",
            "0140000000 is rewritten by +33{number:1} to +33140000000",
            "→ trunk:carrier;number=+33140000000",
        ]
    );
    assert_eq!(
        steps("sip:6002@tandem.local", "sip:5001@127.0.0.1:5060;user=phone"),
        [
            "127.0.0.1 is an alias of tandem.local",
            "bob@tandem.local is in class internal (extensions, services, emergency, national)",
            "5001 meets _500X best, in group extensions",
            "class internal allows extensions",
            "user:{number} leads to nobody for 5001",
            "→ 404 Not Found",
        ]
    );
    assert_eq!(steps("alice", "9998").last().unwrap(), "→ say:Bonjour, ici le standard.");
    assert_eq!(
        steps("alice", "bob@example.org"),
        ["example.org is no domain of this exchange", "→ 403 Not relaying to other domains"]
    );
    assert_eq!(
        steps("carol", "9999"),
        ["no user has the name or extension carol", "→ 403 Caller is no user of this exchange"]
    );
    let two = directory(&CLASSES.replace("\"amy\"", "\"bea\""));
    assert_eq!(two.explain("bea", "60").steps[0], "bea may be bea@a.example or bea@b.example: name the domain");
}

#[test]
fn an_explanation_decides_as_a_call_does() {
    let demo = directory(DEMO);
    for number in
        ["bob", "6001", "6003", "5001", "112", "0140000000", "9999", "816001", "8000", "6099", "701", "1", "0"]
    {
        let call = demo.orient(&Caller { aor: "bob@tandem.local", ip: None }, &Dialled::new(number, "tandem.local"));
        assert_eq!(demo.explain("bob", number).outcome, call, "{number}");
    }
}

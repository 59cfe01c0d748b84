use super::*;
use crate::directory::{DEMO, Media, WhenFull};
use sip::digest::{Algorithm, Ha1};
use std::time::Duration;

/// Files of a directory, named `a.toml`, `b.toml`, ...
pub fn files(texts: &[&str]) -> Vec<SourceFile> {
    let name = |i: usize| format!("{}.toml", char::from(b'a' + i as u8));
    texts.iter().enumerate().map(|(i, text)| SourceFile { name: name(i), text: (*text).to_owned() }).collect()
}

/// The directory that a text makes of nothing.
pub fn directory(text: &str) -> Directory {
    match Directory::empty().apply(&files(&[text])) {
        Ok(change) => change.directory,
        Err(problems) => panic!("{problems:#?}"),
    }
}

/// The lines of the difference that a text makes.
fn difference(before: &Directory, text: &str) -> Vec<String> {
    before.apply(&files(&[text])).unwrap().difference
}

const SMALL: &str = r#"
[[domain]]
name = "tandem.local"
[[user]]
name = "bob"
domain = "tandem.local"
password = "bob-demo"
extension = "6002"
ring = "10s"
"#;

#[test]
fn media_is_anchored_where_it_may_be_recorded_or_must_be_encrypted() {
    let media = |more: &str| {
        let directory = directory(&format!("{SMALL}media = \"direct\"\n{more}\n"));
        directory.media(directory.user("bob@tandem.local").unwrap())
    };
    for direct in ["", "record = \"never\"", "srtp = \"offer\""] {
        assert_eq!(media(direct), Media::Direct, "{direct}");
    }
    for anchored in ["record = \"always\"", "record = \"on-demand\"", "srtp = \"required\""] {
        assert_eq!(media(anchored), Media::Anchored, "{anchored}");
    }
}

#[test]
fn the_demo_is_as_its_comments_say() {
    let demo = directory(DEMO);
    assert_eq!((demo.generation(), demo.user_count()), (1, 2));
    let alice = demo.user("alice@tandem.local").unwrap();
    assert_eq!(alice.extension(), Some("6001"));
    assert_eq!(alice.caller_id(), Some("Alice Martin <6001>"));
    assert_eq!(alice.ring(), Duration::from_secs(10));
    assert_eq!((alice.contacts().limit, alice.contacts().when_full), (10, WhenFull::OldestGoes));
    assert_eq!(
        alice.ha1(Algorithm::Sha256),
        Some(Ha1::compute(Algorithm::Sha256, "alice", "tandem.local", "alice-demo"))
    );
    assert_eq!(alice.language(), Some("fr"));
    assert_eq!(alice.forward().busy, Some("voicemail".parse().unwrap()));
    assert_eq!(demo.class(alice).unwrap().name.as_ref(), "internal");
    assert_eq!(demo.site(alice).unwrap().prefix.as_deref(), Some("81"));
    assert_eq!(demo.media(alice), Media::Anchored);
    let domain = demo.domain("127.0.0.1").unwrap();
    assert_eq!(domain.algorithms, [Algorithm::Sha256, Algorithm::Md5]);
    assert_eq!(demo.user_by_extension(domain, "6002").map(User::name), Some("bob"));
    assert_eq!(demo.region_of("192.0.2.1".parse().unwrap()).unwrap().name.as_ref(), "paris");
    assert_eq!(demo.site_of("10.1.2.3".parse().unwrap()).unwrap().name.as_ref(), "siege");
    let bob = demo.user("bob@tandem.local").unwrap();
    assert_eq!((demo.language(bob, None), demo.language(bob, Some([192, 0, 2, 1].into()))), (None, Some("fr")));
    let queue = &demo.model().queues[0];
    assert_eq!(queue.members[0].user.as_ref(), "alice@tandem.local");
    assert_eq!(
        demo.not_yet_in_force(),
        [
            "[[schedule]] office",
            "[[menu]] welcome",
            "[[queue]] support",
            "[[voicemail]] support",
            "[[parking]] lot",
            "[[music]] default",
            "[[trunk]] carrier",
            "[features] blind_transfer, attended_transfer, park, pickup",
            "voicemail of 2 users",
            "forward (to what is not there yet) of 2 users",
        ]
    );
}

#[test]
fn the_same_files_make_no_difference() {
    let demo = directory(DEMO);
    let again = demo.apply(&files(&[DEMO])).unwrap();
    assert!(again.difference.is_empty());
    assert_eq!(again.directory.generation(), 1);
    assert_eq!(again.directory.versions(), demo.versions());
}

#[test]
fn files_may_be_cut_anywhere_between_sections() {
    let cut = DEMO.find("[[class]]").unwrap();
    let whole = directory(DEMO);
    let change = Directory::empty().apply(&files(&[&DEMO[cut..], &DEMO[..cut]])).unwrap();
    assert_eq!(change.directory.versions(), whole.versions());
}

#[test]
fn difference_names_what_is_new_changed_and_gone() {
    let before = directory(&format!("{SMALL}[[number]]\nmatch = \"6003\"\nto = \"echo\"\ngroup = \"services\"\n"));
    let after = SMALL.replace("ring = \"10s\"", "ring = \"20s\"\nclass = \"internal\"").replace("bob-demo", "another")
        + "[[class]]\nname = \"internal\"\nallow = [\"extensions\"]\n"
        + "[[user]]\nname = \"carol\"\ndomain = \"tandem.local\"\npassword = \"x\"\n";
    assert_eq!(
        difference(&before, &after),
        [
            "+ class internal",
            "- number 6003",
            "~ user bob@tandem.local: class none -> internal, ring 10s -> 20s, password changed",
            "+ user carol@tandem.local",
        ]
    );
    assert_eq!(
        difference(&before, "[[domain]]\nname = \"tandem.local\"\nmedia = \"direct\"\naliases = [\"a\", \"b\"]\n"),
        [
            "~ domain tandem.local: aliases [] -> [a b], media anchored -> direct",
            "- number 6003",
            "- user bob@tandem.local",
        ]
    );
}

#[test]
fn a_changed_secret_is_told_and_not_shown() {
    let demo = directory(DEMO);
    let lines =
        difference(&demo, &DEMO.replace("4321", "4322").replace("\"secret\"", "\"secret2\"").replace("#72", "#73"));
    assert_eq!(
        lines,
        ["~ conference standup: pin changed", "~ trunk carrier: register changed", "~ features: park #72 -> #73"]
    );
}

#[test]
fn imported_users_stay_until_a_file_names_them() {
    let before = directory(SMALL);
    let row = |name: &str, extension: &str| crate::wire::ImportRow {
        name: name.into(),
        password: "pw".into(),
        extension: extension.into(),
        ..Default::default()
    };
    let imported = before.import(&[row("dave", "7001"), row("erin", "")], "tandem.local", None).unwrap().directory;
    let kept = imported.apply(&files(&[SMALL])).unwrap();
    assert!(kept.difference.is_empty());
    assert_eq!(kept.directory.user_count(), 3);

    let named = format!("{SMALL}[[user]]\nname = \"dave\"\ndomain = \"tandem.local\"\npassword = \"new\"\n");
    let taken = imported.apply(&files(&[&named])).unwrap();
    assert_eq!(
        taken.difference,
        ["~ user dave@tandem.local: extension 7001 -> none, origin import -> file, password changed"]
    );
    let gone = taken.directory.apply(&files(&[SMALL])).unwrap();
    assert_eq!(gone.difference, ["- user dave@tandem.local"]);
    let domain = gone.directory.domain("tandem.local").unwrap();
    assert!(gone.directory.user_by_extension(domain, "7001").is_none());
    assert!(gone.directory.user("erin@tandem.local").is_some());
}

#[test]
fn one_changed_user_copies_one_bucket() {
    let before = directory(DEMO);
    let after = before.apply(&files(&[&DEMO.replace("bob-demo", "another")])).unwrap().directory;
    let shared = (0..BUCKETS).filter(|&i| before.users.bucket(i).is_shared_with(after.users.bucket(i))).count();
    assert_eq!(shared, BUCKETS - 1);
    assert!(Arc::ptr_eq(&before.plan, &after.plan));
}

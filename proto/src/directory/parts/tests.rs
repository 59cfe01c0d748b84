use super::*;
use crate::directory::DEMO;
use crate::directory::apply::tests::{directory, files};
use crate::wire::ImportRow;

fn rows(range: std::ops::Range<u32>) -> Vec<ImportRow> {
    let row = |n: u32| ImportRow {
        name: format!("u{n:06}"),
        password: format!("pw-u{n:06}"),
        extension: (100_000 + n).to_string(),
        caller_id: String::new(),
        line: n + 2,
    };
    range.map(row).collect()
}

/// Everything that can be asked of a directory is equal.
fn assert_same(a: &Directory, b: &Directory) {
    assert_eq!(a.versions(), b.versions());
    assert_eq!(a.model(), b.model());
    assert_eq!(a.users_to_json(None, None, 0), b.users_to_json(None, None, 0));
    for directory in [a, b] {
        for user in directory.users() {
            let domain = directory.domain(directory.domain_name(user)).unwrap();
            assert_eq!(directory.user(&directory.aor(user)), Some(user));
            let Some(extension) = user.extension() else { continue };
            assert_eq!(directory.user_by_extension(domain, extension), Some(user));
        }
        assert_eq!(directory.extensions.len(), directory.users().filter(|user| user.extension().is_some()).count());
    }
}

#[test]
fn a_directory_comes_back_from_its_parts() {
    let demo = directory(DEMO).import(&rows(0..3000), "tandem.local", Some("internal")).unwrap().directory;
    let parts: Vec<_> = demo.to_parts(&[]).collect();
    assert_eq!(parts.len(), 1 + BUCKETS);
    let back = Directory::from_parts(7, &parts).unwrap();
    assert_eq!(back.generation(), 7);
    assert_same(&demo, &back);
    assert!(demo.to_parts(&demo.versions()).next().is_none());
}

#[test]
fn deltas_lead_to_the_same_as_a_full_snapshot() {
    let steps = [
        DEMO.to_owned(),
        DEMO.replace("bob-demo", "other").replace("6002", "6022"),
        DEMO.replace("\"internal\"", "\"aaa\"").replace("siege", "annexe"),
        "[[domain]]\nname = \"a.example\"\n[[domain]]\nname = \"tandem.local\"\n".to_owned()
            + "[[user]]\nname = \"zoe\"\ndomain = \"a.example\"\npassword = \"x\"\nextension = \"6001\"\n",
        DEMO.to_owned(),
    ];
    let mut ours = Directory::empty();
    let mut theirs = Directory::empty();
    for (i, text) in steps.iter().enumerate() {
        ours = ours.apply(&files(&[text])).unwrap().directory;
        let from = i as u32 * 20;
        ours = ours.import(&rows(from..from + 40), "tandem.local", None).unwrap().directory;
        let delta: Vec<_> = ours.to_parts(&theirs.versions()).collect();
        assert!(delta.len() < 100, "{} parts", delta.len());
        theirs = theirs.with_parts(ours.generation(), &delta).unwrap();
        assert_same(&ours, &theirs);
        let full: Vec<_> = ours.to_parts(&[]).collect();
        assert_same(&theirs, &Directory::from_parts(ours.generation(), &full).unwrap());
    }
}

#[test]
fn what_is_damaged_is_refused_and_nothing_else_changes() {
    let demo = directory(DEMO);
    let parts: Vec<_> = demo.to_parts(&[]).collect();
    let bob = parts.iter().find(|part| part.index > 0 && part.content.windows(3).any(|w| w == b"bob")).unwrap();
    let sealed = |index: u32, content: Vec<u8>| wire::Part { index, version: buckets::version(&content), content };
    let refused = |part: wire::Part| Directory::from_parts(1, &[part]).unwrap_err();

    let mut damaged = bob.clone();
    damaged.content[5] ^= 1;
    assert!(matches!(refused(damaged), PartError::Damaged(_)));
    assert!(matches!(refused(sealed(0, b"{".to_vec())), PartError::Json(0, _)));
    assert!(matches!(refused(sealed(1, vec![0xff])), PartError::Message(1, _)));
    assert!(matches!(refused(sealed(5000, Vec::new())), PartError::Index(5000)));
    assert!(matches!(refused(sealed(bob.index ^ 1, bob.content.clone())), PartError::User { .. }), "another's bucket");
    let mut record = wire::UserBucket::decode(bob.content.as_slice()).unwrap();
    record.users[0].sha256.pop();
    assert!(matches!(refused(sealed(bob.index, record.encode_to_vec())), PartError::User { .. }));
    record.users[0].sha256.push(0);
    record.users[0].domain = 9;
    assert!(matches!(refused(sealed(bob.index, record.encode_to_vec())), PartError::User { .. }));
    record.users[0].domain = 1;
    record.users[0].caller_id = "x".repeat(300);
    assert!(matches!(refused(sealed(bob.index, record.encode_to_vec())), PartError::User { .. }));
}

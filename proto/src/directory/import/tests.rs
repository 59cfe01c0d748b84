use crate::directory::apply::tests::{directory, files};
use crate::directory::{DEMO, Directory, User};
use crate::wire::ImportRow;
use sip::digest::{Algorithm, Ha1};

fn row(line: u32, name: &str, password: &str, extension: &str) -> ImportRow {
    ImportRow {
        name: name.into(),
        password: password.into(),
        extension: extension.into(),
        caller_id: String::new(),
        line,
    }
}

fn import(directory: &Directory, rows: &[ImportRow]) -> Result<Vec<String>, Vec<String>> {
    let change = directory.import(rows, "tandem.local", None);
    change.map(|change| change.difference).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn rows_become_users_of_the_class() {
    let mut rows = vec![row(2, "dave", "pw", "7001"), row(3, "erin", "", "")];
    rows[0].caller_id = "Dave <7001>".into();
    let change = directory(DEMO).import(&rows, "localhost", Some("internal")).unwrap();
    assert_eq!(change.difference, ["+ user dave@tandem.local", "+ user erin@tandem.local"]);
    let imported = change.directory;
    let dave = imported.user("dave@tandem.local").unwrap();
    assert_eq!(dave.caller_name(), Some("Dave"));
    assert_eq!(imported.class(dave).unwrap().name.as_ref(), "internal");
    assert_eq!(dave.ha1(Algorithm::Md5), Some(Ha1::compute(Algorithm::Md5, "dave", "tandem.local", "pw")));
    assert_eq!(imported.user("erin@tandem.local").unwrap().ha1(Algorithm::Md5), None, "no password, no way in");
    let domain = imported.domain("tandem.local").unwrap();
    assert_eq!(imported.user_by_extension(domain, "7001").map(User::name), Some("dave"));
}

#[test]
fn importing_again_changes_what_was_imported() {
    let rows = [row(2, "dave", "pw", "7001"), row(3, "erin", "pw", "7002")];
    let before = directory(DEMO).import(&rows, "tandem.local", None).unwrap().directory;
    assert_eq!(import(&before, &rows), Ok(vec![]));
    assert_eq!(
        import(&before, &[row(2, "dave", "", "7002"), row(3, "erin", "other", "7001")]),
        Ok(vec![
            "~ user dave@tandem.local: extension 7001 -> 7002".into(),
            "~ user erin@tandem.local: extension 7002 -> 7001, password changed".into(),
        ]),
        "an empty password keeps the old one"
    );
}

#[test]
fn every_bad_row_is_told_by_its_line() {
    let before = directory(DEMO).import(&[row(2, "dave", "pw", "7001")], "tandem.local", None).unwrap().directory;
    let rows = [
        row(2, "Frank", "pw", "1"),
        row(3, "gina", "pw", "1x"),
        row(4, "gina", "pw", ""),
        row(5, "henry", "pw", "7001"),
        row(6, "ivy", "pw", "6001"),
        row(7, "alice", "pw", ""),
        row(8, "jack", "pw", "2"),
        row(9, "kate", "pw", "2"),
        row(10, "7001", "pw", ""),
        row(11, "", "pw", ""),
    ];
    let problems = import(&before, &rows).unwrap_err();
    assert_eq!(
        problems,
        [
            ":2: user Frank: name: \"Frank\" has capital letters; \"frank\" is meant",
            ":3: user gina: extension: \"1x\" has the character 'x'; an extension has digits, \"*\", \"#\" and \"+\"",
            ":4: user gina: name: is there already, in line 3",
            ":5: user henry: extension: 7001 is the extension of dave",
            ":6: user ivy: extension: 6001 is the extension of alice",
            ":7: user alice: name: is named by a directory file; change it there",
            ":9: user kate: extension: 2 is there already, in line 8",
            ":10: user 7001: name: is the extension of henry",
            ":11: user : name: \"\" is empty",
        ]
    );
    assert!(before.import(&[], "example.org", None).is_err());
    assert!(before.import(&[], "tandem.local", Some("nope")).is_err());
}

#[test]
fn json_has_everybody_and_no_secret() {
    let rows: Vec<ImportRow> = (0..50).map(|n| row(n + 2, &format!("u{n:02}"), "pw", "")).collect();
    let imported = directory(DEMO).import(&rows, "tandem.local", None).unwrap().directory;
    let mut after = None;
    let mut names = Vec::new();
    loop {
        let page = imported.users_to_json(Some("localhost"), after.as_deref(), 7);
        let page = page.as_array().unwrap();
        let Some(last) = page.last() else { break };
        after = Some(format!("{}@{}", last["name"].as_str().unwrap(), last["domain"].as_str().unwrap()));
        names.extend(page.iter().map(|user| user["name"].as_str().unwrap().to_owned()));
    }
    assert_eq!(names.len(), 52);
    assert!(names.is_sorted());
    assert_eq!(imported.users_to_json(Some("example.org"), None, 0), serde_json::json!([]));

    let text = format!("{}{}", imported.to_json(), imported.users_to_json(None, None, 0));
    for secret in ["\"1234\"", "\"4321\"", "\"9999\"}", "\"secret\"", "sha256", "md5", "password", "pin"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let alice = &imported.users_to_json(None, None, 1)[0];
    assert_eq!(alice["voicemail"], serde_json::json!({ "email": "alice@example.org" }));
    assert_eq!(
        (&alice["class"], &alice["ring"], &alice["origin"]),
        (&"internal".into(), &"10s".into(), &"file".into())
    );
}

#[test]
fn an_import_survives_a_directory_that_does_not_name_it() {
    let before = directory(DEMO).import(&[row(2, "dave", "pw", "7001")], "tandem.local", None).unwrap().directory;
    let after = before.apply(&files(&[&DEMO.replace("alice-demo", "x")])).unwrap();
    assert_eq!(after.difference, ["~ user alice@tandem.local: password changed"]);
    assert!(after.directory.user("dave@tandem.local").is_some());
}

#[test]
fn no_row_takes_a_number_of_the_dial_plan() {
    let rows = [row(2, "dave", "pw", "112"), row(3, "9999", "pw", "")];
    assert_eq!(
        import(&directory(DEMO), &rows).unwrap_err(),
        [
            ":2: user dave: extension: 112 is a number of the dial plan, which would never be reached",
            ":3: user 9999: name: is a number of the dial plan, which would never be reached",
        ]
    );
}

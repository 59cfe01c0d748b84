use crate::directory::apply::tests::{directory, files};
use crate::directory::{DEMO, Directory};
use crate::wire::ImportRow;

/// Every problem of these files as `a.toml:3: key: message`.
fn problems(texts: &[&str]) -> Vec<String> {
    let refused = Directory::empty().apply(&files(texts)).expect_err("something is wrong with it");
    refused.iter().map(ToString::to_string).collect()
}

const DOMAIN: &str = "[[domain]]\nname = \"d\"\n";

/// Problems of a text behind a domain, whose two lines are left out of the count.
fn problem(text: &str) -> String {
    let found = problems(&[DOMAIN, text]);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].strip_prefix("b.toml:").unwrap().to_owned()
}

#[test]
fn each_mistake_is_named_with_its_line_and_a_good_value() {
    const USER: &str = "[[user]]\nname = \"bob\"\ndomain = \"d\"\npassword = \"x\"\n";
    for (text, expected) in [
        (
            "x = 1\n",
            "1: x: there is no such key; there are region, site, domain, schedule, user, class, number, menu, queue, conference, voicemail, parking, music, trunk, features",
        ),
        ("[[users]]\n", "1: users: there is no such key; did you mean \"user\"?"),
        ("[user]\nname = \"bob\"\n", "1: user: is a list of tables; begin each with [[user]]"),
        (
            "[[user]]\nname = \"bob\"\ndomain = \"d\"\n",
            "1: user bob: password: is missing; for example password = \"a long one\"",
        ),
        (
            &format!("{USER}extention = \"6001\"\n"),
            "5: user bob: extention: there is no such key; did you mean \"extension\"?",
        ),
        (
            &format!("{USER}ring = \"10\"\n"),
            "5: user bob: ring: \"10\" is no length of time; for example ring = \"10s\"",
        ),
        (
            &format!("{USER}ring = 10\n"),
            "5: user bob: ring: 10 is no text but of type integer; for example ring = \"10s\"",
        ),
        (
            &format!("{USER}ring = \"2h\"\n"),
            "5: user bob: ring: \"2h\" is not from 1s to 10m; for example ring = \"10s\"",
        ),
        (
            &format!("{USER}extension = \"6oo1\"\n"),
            "5: user bob: extension: \"6oo1\" has the character 'o'; an extension has digits, \"*\", \"#\" and \"+\"; for example extension = \"6001\"",
        ),
        (&format!("{USER}site = \"siege\"\n"), "5: user bob: site: there is no site \"siege\""),
        (
            &format!("{USER}contacts = 0\n"),
            "5: user bob: contacts: 0 is no number from 1 to 100; for example contacts = { limit = 2, full = \"refuse\" }",
        ),
        (
            &format!("{USER}contacts = \"refuze\"\n"),
            "5: user bob: contacts: \"refuze\" is not known; did you mean \"refuse\"?",
        ),
        (
            &format!("{USER}media = \"relayed\"\n"),
            "5: user bob: media: \"relayed\" is none of \"anchored\", \"direct\"; for example media = \"direct\"",
        ),
        (
            &format!("{USER}voicemail = {{ pin = \"12a4\" }}\n"),
            "5: user bob: voicemail: pin: its value is no PIN of 4 to 16 digits; for example pin = \"1234\"",
        ),
        (
            &format!("{USER}voicemail = {{ pim = \"1234\", pin = \"1234\" }}\n"),
            "5: user bob: voicemail: pim: there is no such key; did you mean \"pin\"?",
        ),
        (
            &format!("{USER}voicemail = true\n"),
            "5: user bob: voicemail: true is no table; for example voicemail = { pin = \"1234\" }",
        ),
        (
            &format!("{USER}\n[user.forward]\nbusy = \"voicemial\"\n"),
            "7: user bob: forward: busy: \"voicemial\" is no destination; did you mean \"voicemail\"?",
        ),
        (
            &format!("{USER}caller_id = \"Bob <60\"\n"),
            "5: user bob: caller_id: \"Bob <60\" has a \"<\" without \">\" at the end; for example caller_id = \"Alice Martin <6001>\"",
        ),
        (
            &format!("{USER}language = \"french\"\n"),
            "5: user bob: language: \"french\" is no language; for example language = \"fr\"",
        ),
        (
            "[[region]]\nname = \"paris\"\ntones = \"FRA\"",
            "3: region paris: tones: \"FRA\" is no country; it is two small letters, as in ISO 3166; for example tones = \"fr\"",
        ),
        (
            "[[music]]\nname = \"default\"\nfiles = [\"builtin:mornin\"]",
            "3: music default: files: \"builtin:mornin\" is no builtin sound; did you mean \"builtin:morning\"?",
        ),
        (
            "[[number]]\nmatch = \"1\"\nto = \"play:builtin:jazz\"\ngroup = \"services\"",
            "3: number 1: to: \"play:builtin:jazz\" is no builtin sound; did you mean \"builtin:morning\"?",
        ),
        (&USER.replace("\"d\"", "\"e\""), "3: user bob: domain: there is no domain \"e\"; did you mean \"d\"?"),
        (
            &USER.replace("bob", "Bob"),
            "2: user Bob: name: \"Bob\" has capital letters; \"bob\" is meant; for example name = \"carol\"",
        ),
        (
            &USER.replace("bob", "bob smith"),
            "2: user bob smith: name: \"bob smith\" has the character ' '; a user's name has letters without accents, digits and \"-_.~+*'\"; for example name = \"carol\"",
        ),
        (
            &format!("{USER}{USER}"),
            "6: user bob: name: user \"bob@d\" is there already, at b.toml:2; give each its own",
        ),
        (
            &format!("{USER}extension = \"1\"\n{}extension = \"1\"\n", USER.replace("bob", "eve")),
            "10: user eve: extension: extension \"1@d\" is there already, at b.toml:5; give each its own",
        ),
        (
            &format!("{USER}extension = \"7\"\n{}", USER.replace("bob", "7")),
            "1: user bob: extension: 7 is another user's name",
        ),
        (
            "[[site]]\nname = \"s\"\nnetworks = [\"10.0.0.0/8\",\n \"10.1.2.3/16\"]\n",
            "4: site s: networks: \"10.1.2.3/16\" has bits set behind its prefix; 10.1.0.0/16 is meant; for example networks = [\"10.1.0.0/16\"]",
        ),
        (
            "[[site]]\nname = \"s\"\nnetworks = \"10.0.0.0/8\"\n",
            "3: site s: networks: \"10.0.0.0/8\" is no list; for example networks = [\"10.1.0.0/16\"]",
        ),
        (
            "[[site]]\nname = \"s\"\nprefix = \"8x\"\n",
            "3: site s: prefix: \"8x\" is no number; for example prefix = \"81\"",
        ),
        (
            "[[region]]\nname = \"r\"\nnetworks = [\"ten\"]\n",
            "3: region r: networks: \"ten\" is no network; for example networks = [\"10.0.0.0/8\"]",
        ),
        (
            "[[domain]]\nname = \"x\"\nalgorithms = [\"SHA1\"]\n",
            "3: domain x: algorithms: \"SHA1\" is none of \"SHA-256\", \"MD5\"; for example algorithms = [\"SHA-256\"]",
        ),
        (
            "[[domain]]\nname = \"x\"\naliases = [\"d\"]\n",
            "3: domain x: aliases: domain \"d\" is there already, at a.toml:2; give each its own",
        ),
        (
            "[[domain]]\nname = \"x_\u{e9}.example\"\n",
            "2: domain x_\u{e9}.example: name: \"x_\u{e9}.example\" is no host name or address; for example name = \"tandem.local\"",
        ),
        (
            "[[class]]\nname = \"c\"\nallow = [\"extension\"]\n",
            "3: class c: allow: there is no group \"extension\"; did you mean \"extensions\"?",
        ),
        (
            "[[number]]\nmatch = \"_1[\"\nto = \"echo\"\ngroup = \"services\"\n",
            "2: number _1[: match: \"_1[\" has a set [..] that is not closed, empty or runs backward; for example match = \"6003\"",
        ),
        (
            "[[number]]\nmatch = \"_1.\"\nto = \"trunk:x\"\ngroup = \"out\"\n",
            "3: number _1.: to: there is no trunk \"x\"",
        ),
        (
            "[[number]]\nmatch = \"_1.\"\nto = \"voicemail\"\ngroup = \"out\"\n",
            "3: number _1.: to: \"voicemail\" names no voicemail box here; for example to = \"menu:welcome\"",
        ),
        (
            "[[number]]\nmatch = \"1\"\nto = \"user:carol\"\ngroup = \"out\"\n",
            "3: number 1: to: there is no user \"carol\"",
        ),
        (
            "[[number]]\nmatch = \"_X\"\nto = \"echo\"\nrewrite = \"{digits}\"\ngroup = \"out\"\n",
            "4: number _X: rewrite: \"{digits}\" has a {..} other than {number} and {number:N}, N digits left out in front; for example rewrite = \"+33{number:1}\"",
        ),
        (
            "[[number]]\nmatch = \"_X\"\nto = \"echo\"\ngroup = \"a\"\n[[number]]\nmatch = \"_[0-9]\"\nto = \"echo\"\ngroup = \"a\"\n",
            "6: number _[0-9]: match: number \"_[0-9]\" is there already, at b.toml:2; give each its own",
        ),
        (
            "[[conference]]\nname = \"c\"\nnumber = \"8\"\n[[number]]\nmatch = \"8\"\nto = \"echo\"\ngroup = \"a\"\n",
            "3: conference c: number: number \"8\" is there already, at b.toml:5; give each its own",
        ),
        (
            "[[parking]]\nname = \"p\"\nnumber = \"700\"\nslots = \"720-701\"\n",
            "4: parking p: slots: \"720-701\" is no range of at most 1000 numbers of equal length; for example slots = \"701-720\"",
        ),
        (
            "[[schedule]]\nname = \"s\"\nzone = \"Paris\"\nopen = []\n",
            "3: schedule s: zone: \"Paris\" is no time zone; for example zone = \"Europe/Paris\"",
        ),
        (
            "[[schedule]]\nname = \"s\"\nzone = \"UTC\"\nopen = [\"mo-fr 9-12\"]\n",
            "4: schedule s: open: \"mo-fr 9-12\" are no opening hours; for example open = [\"mon-fri 09:00-18:00\"]",
        ),
        ("[[menu]]\nname = \"m\"\n", "1: menu m: greeting: is missing; for example greeting = { say = \"Bonjour\" }"),
        (
            "[[menu]]\nname = \"m\"\ngreeting = { say = \"a\", play = \"b\" }\n",
            "3: menu m: greeting: needs either say or play; for example greeting = { say = \"Bonjour\" }",
        ),
        (
            "[[menu]]\nname = \"m\"\ngreeting = { say = \"a\" }\nkeys = { 1 = \"menu:n\" }\n",
            "4: menu m: keys: 1: there is no menu \"n\"; did you mean \"m\"?",
        ),
        (
            "[[menu]]\nname = \"m\"\ngreeting = { say = \"a\" }\nkeys = { 12 = \"hangup\" }\n",
            "4: menu m: keys: 12: is no key of a phone; there are 0-9, \"*\" and \"#\"",
        ),
        (
            "[[queue]]\nname = \"q\"\nmembers = [{ user = \"nobody\" }]\n",
            "3: queue q: members: user: there is no user \"nobody\"",
        ),
        (
            "[[queue]]\nname = \"q\"\npriority = [{ when = \"moon:full\", value = 1 }]\n",
            "3: queue q: priority: when: \"moon:full\" is no condition; for example when = \"site:siege\", or region:, class:, trunk:",
        ),
        ("[[queue]]\nname = \"q\"\nplacement = [\"paris\"]\n", "3: queue q: placement: there is no region \"paris\""),
        (
            "[[trunk]]\nname = \"t\"\ndomain = \"x\"\ncodecs = [\"PCMZ\"]\n",
            "4: trunk t: codecs: \"PCMZ\" is not known; did you mean \"PCMA\"?",
        ),
        (
            "[[trunk]]\nname = \"t\"\ndomain = \"x\"\nregister = { user = \"u\" }\n",
            "4: trunk t: register: password: is missing; for example password = \"secret\"",
        ),
        (
            &format!("{USER}extension = \"60\"\n[[number]]\nmatch = \"60\"\nto = \"echo\"\ngroup = \"a\"\n"),
            "7: number 60: is a user's extension, so that it is never reached",
        ),
        (
            "[features]\nrecord = \"*3\"\npark = \"*31\"\n",
            "3: features: park: \"*31\" begins as record does, so that one of them is never heard",
        ),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
}

#[test]
fn all_problems_are_told_in_the_order_of_the_files() {
    let found = problems(&[
        "[[domain]]\nname = \"d\"\nmedia = \"air\"\n[[user]]\nname = \"bob\"\nring = \"x\"\ncolour = 1\n",
        "[[class]]\nname = \"c\"\nallow = [\"nothing\"]\n",
    ]);
    let starts = [
        "a.toml:3: domain d: media",
        "a.toml:4: user bob: domain",
        "a.toml:4: user bob: password",
        "a.toml:6: user bob: ring",
        "a.toml:7: user bob: colour",
        "b.toml:3: class c: allow",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    assert!(found.iter().zip(starts).all(|(problem, start)| problem.starts_with(start)), "{found:#?}");
}

#[test]
fn what_is_no_toml_is_told_with_every_line() {
    let found = problems(&["[[domain]]\nname = \"d\naliases = [\nmedia == \"x\"\n"]);
    assert!(found.len() > 1 && found.iter().all(|problem| problem.starts_with("a.toml:")), "{found:#?}");
    let found = problems(&["[[domain]]\nname = \"d\"\nname = \"e\"\n"]);
    assert_eq!(found, ["a.toml:3: duplicate key"]);
}

#[test]
fn names_may_be_in_another_file() {
    let user = "[[user]]\nname = \"bob\"\ndomain = \"d\"\npassword = \"x\"\nclass = \"c\"\n";
    let class = "[[class]]\nname = \"c\"\nallow = []\n";
    assert!(Directory::empty().apply(&files(&[user, class, DOMAIN])).is_ok());
    assert_eq!(
        problems(&["[features]\n", "[features]\n"]),
        ["b.toml:1: features: is there already; it is one table for the whole exchange"]
    );
}

#[test]
fn a_users_domain_is_named_by_its_own_name() {
    let text = "[[domain]]\nname = \"d\"\naliases = [\"localhost\"]\n[[user]]\nname = \"bob\"\ndomain = \"localhost\"\npassword = \"x\"\n";
    assert_eq!(
        problems(&[text]),
        ["a.toml:6: user bob: domain: \"localhost\" is an alias; name the domain itself, \"d\""]
    );
}

#[test]
fn a_queue_member_is_one_user_only() {
    let text =
        "[[domain]]\nname = \"d\"\n[[domain]]\nname = \"e\"\n[[queue]]\nname = \"q\"\nmembers = [{ user = \"bob\" }]\n";
    let user = |domain: &str| format!("[[user]]\nname = \"bob\"\ndomain = \"{domain}\"\npassword = \"x\"\n");
    let found = problems(&[&format!("{text}{}{}", user("d"), user("e"))]);
    assert_eq!(found, ["a.toml:7: queue q: members: user: \"bob\" may be bob@d or bob@e; name the domain"]);
}

#[test]
fn imported_users_keep_what_they_need() {
    let text = format!("{DOMAIN}[[class]]\nname = \"c\"\nallow = []\n");
    let row = ImportRow { name: "dave".into(), extension: "71".into(), ..Default::default() };
    let plain = directory(DOMAIN).import(std::slice::from_ref(&row), "d", Some("default")).unwrap().directory;
    assert!(plain.apply(&files(&[DOMAIN])).is_ok(), "the built-in class is always there");
    let before = directory(&text).import(&[row], "d", Some("c")).unwrap().directory;
    let refused = |text: &str| -> Vec<String> {
        before.apply(&files(&[text])).unwrap_err().iter().map(ToString::to_string).collect()
    };
    assert_eq!(refused(DOMAIN), ["a.toml: class \"c\" is missing, but the imported user dave@d needs it"]);
    let bob = format!("{text}[[user]]\nname = \"bob\"\ndomain = \"d\"\npassword = \"x\"\nextension = \"71\"\n");
    assert_eq!(refused(&bob), ["a.toml:10: extension: 71 is the extension of dave@d, who was imported"]);
    let eve = format!("{text}[[number]]\nmatch = \"1\"\nto = \"user:dave\"\ngroup = \"g\"\n");
    assert!(before.apply(&files(&[&eve])).is_ok());
}

#[test]
fn the_demo_has_every_key_that_there_is_nearly() {
    for (key, instead) in [
        ("password", "pasword"),
        ("networks", "network"),
        ("strategy", "stratgy"),
        ("blind_transfer", "blind_transfert"),
    ] {
        let found = problems(&[&DEMO.replace(key, instead)]);
        assert!(found.iter().any(|problem| problem.ends_with(&format!("did you mean \"{key}\"?"))), "{found:#?}");
    }
}

#[test]
fn no_text_makes_the_reader_panic_or_blame_a_line_that_is_not_there() {
    const PIECES: [&str; 12] = ["\"", "[", "]]", "{", "}", "=", "\n", "é", "9", "_X.", "user:", "-"];
    for seed in 1..400_u64 {
        let mut state = seed;
        let mut below = |end: usize| {
            state = crate::ring::hash(&state.to_le_bytes());
            (state % end as u64) as usize
        };
        let mut text: Vec<char> = DEMO.chars().collect();
        for _ in 0..1 + below(4) {
            let at = below(text.len());
            let end = (at + below(12)).min(text.len());
            text.splice(at..end, PIECES[below(PIECES.len())].chars());
        }
        let text: String = text.into_iter().collect();
        let Err(problems) = Directory::empty().apply(&files(&[&text])) else { continue };
        let lines = text.lines().count() as u32 + 1;
        assert!(problems.iter().all(|problem| problem.line <= lines), "seed {seed}: {problems:#?}");
    }
}

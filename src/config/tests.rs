use super::*;

fn error(text: &str) -> String {
    Config::parse("tandem.toml", text).expect_err("the text is wrong").to_string()
}

#[test]
fn the_example_parses_as_it_stands_and_holds_the_defaults() {
    let example = Config::parse("tandem.toml", EXAMPLE).expect("the example is valid");
    assert_eq!(example.not_yet_in_force(), ["records.database = \"sqlite:tandem-data/records.db\""]);
    let standard = Config { name: "node-1".into(), later: example.later.clone(), ..Config::default() };
    assert_eq!(format!("{example:?}"), format!("{standard:?}"));
}

#[test]
fn an_empty_file_means_the_defaults() {
    Config::parse("tandem.toml", "").expect("every key has a default");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
    assert_eq!(
        error("[proxy]\nlisten = []\nlisen = []"),
        "tandem.toml:3: proxy.lisen: no such key; did you mean `listen`?"
    );
    assert!(error("[prxy]\n").starts_with("tandem.toml:1: prxy: no such key; did you mean `proxy`?"));
}

#[test]
fn a_wrong_value_is_named_with_a_good_one() {
    assert_eq!(
        error("[registry]\nstore = \"redis:x\""),
        "tandem.toml:2: registry.store: \"redis:x\" is neither \"embedded:FOLDER\" nor \"etcd://HOST:PORT,HOST:PORT\"; \
         for example registry.store = \"embedded:tandem-data\""
    );
    assert!(error("[media]\nrtp = { ports = \"9-1\" }").contains("for example media.rtp.ports = \"20000-29999\""));
    assert!(error("[media]\nshards = 0").contains("for example media.shards = \"auto\""));
    assert!(error("[console]\nlisten = 8080").contains("for example console.listen = \"127.0.0.1:8080\""));
    assert!(error("[proxy]\nlisten = [\"upd://0.0.0.0:5060\"]").contains("proxy.listen[0]"));
    assert!(error("[media]\nsilence = \"soon\"").contains("for example media.silence = \"60s\""));
}

#[test]
fn what_etcd_needs_beside_what_is_there_is_named() {
    let etcd = |keys: &str| {
        error(&format!("[registry]\nstore = \"etcd://10.0.0.1:2379\"\netcd = {{ {keys} }}"))
            .trim_start_matches("tandem.toml: ")
            .to_owned()
    };
    assert_eq!(
        etcd("user = \"tandem\""),
        "registry.etcd.password_file: missing; the user needs it; \
         for example registry.etcd.password_file = \"etcd-password\""
    );
    for (keys, missing) in [
        ("password_file = \"p\"", "user"),
        ("ca = \"a\", cert = \"c\"", "key"),
        ("ca = \"a\", key = \"k\"", "cert"),
        ("cert = \"c\", key = \"k\"", "ca"),
    ] {
        let said = etcd(keys);
        assert!(said.starts_with(&format!("registry.etcd.{missing}: missing; ")), "{said}");
        assert!(said.contains(&format!("for example registry.etcd.{missing} = \"")), "{said}");
    }
    assert!(etcd("certs = \"c\"").contains("registry.etcd.certs: no such key; did you mean `cert`?"));
    let embedded = error("[registry]\netcd = { ca = \"a\" }");
    assert!(
        embedded.contains("registry.etcd: registry.store names no etcd; for example registry.etcd = {"),
        "{embedded}"
    );
    let all = "ca = \"a\", cert = \"c\", key = \"k\", user = \"u\", password_file = \"p\"";
    let text = format!("[registry]\nstore = \"etcd://10.0.0.1:2379\"\netcd = {{ {all} }}");
    Config::parse("tandem.toml", &text).expect("all that there is");
}

#[test]
fn what_later_features_need_is_accepted_and_reported() {
    let config =
        Config::parse("x", "[trace]\nhep = \"udp://homer:9060\"\n[media]\nobjects = \"s3://b/p\"").expect("valid");
    assert_eq!(config.not_yet_in_force(), ["trace.hep = \"udp://homer:9060\""]);
}

//! Administration as an operator does it, and what is said when something is wrong.

use crate::TANDEM;
use std::process::Command;
use std::time::Duration;
use support::{Exchange, Program, Scratch, http_get, own_address, wait_for};

#[test]
fn a_directory_is_applied_as_a_whole_or_not_at_all() {
    let exchange = Exchange::start(TANDEM);
    let demo = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples/directory.toml"))
        .expect("the example");
    let good = exchange.scratch().write(
        "good.toml",
        demo.replace("name = \"bob\"\n", "name = \"carol\"\n")
            .replace("user:bob", "user:carol")
            .replace("user = \"bob\"", "user = \"carol\""),
    );
    let (status, said) = exchange.tandem(&["apply", &good.to_string_lossy()]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("+ user carol@tandem.local") && said.contains("- user bob@tandem.local"), "{said}");

    let bad = exchange
        .scratch()
        .write("bad.toml", format!("{demo}\n[[user]]\nname = \"dave\"\ndomain = \"nowhere\"\npassword = \"x\"\n"));
    let (status, said) = exchange.tandem(&["apply", &bad.to_string_lossy()]);
    assert_eq!(status, 64, "{said}");
    assert!(said.contains("nothing was changed") && said.contains("bad.toml:"), "{said}");
    let (_, users) = exchange.tandem(&["get", "users"]);
    assert!(users.contains("carol") && !users.contains("dave") && !users.contains("bob "), "{users}");
}

#[test]
fn without_the_speech_program_the_demo_loads_and_texts_are_refused_until_it_is_there() {
    let scratch = Scratch::new();
    let program = scratch.path().join("espeak-ng");
    let command = format!("speech = {{ command = [\"{}\", \"{{text}}\"] }}", program.display());
    let exchange = Exchange::with(TANDEM, "", &command);
    let why = format!("there is no program {}; install it with: apt-get install espeak-ng", program.display());
    let welcome = exchange.program.output();
    assert!(welcome.contains(&format!("Texts are not spoken: {why}")), "{welcome}");
    let (_, explained) = exchange.tandem(&["explain", "alice@tandem.local", "9998"]);
    assert!(explained.contains("say:"), "the demo is there: {explained}");

    let spoken = "[[number]]\nmatch = \"9998\"\nto = \"say:Bonjour\"\ngroup = \"services\"\n";
    let file = scratch.write("spoken.toml", format!("[[domain]]\nname = \"tandem.local\"\n{spoken}"));
    let apply = || exchange.tandem(&["apply", "--dry-run", &file.to_string_lossy()]);
    let (status, said) = apply();
    assert_eq!(status, 64, "{said}");
    let due = format!("spoken.toml:5: number 9998: to: no media node can speak it: {why}; or play a file instead");
    assert!(said.contains("nothing was changed") && said.contains(&due), "{said}");

    scratch.write("espeak-ng", "#!/bin/sh\n");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    wait_for("the node to find the program", Duration::from_secs(20), || (apply().0 == 0).then_some(()));
}

#[test]
fn users_are_imported_and_can_be_explained() {
    let exchange = Exchange::start(TANDEM);
    let rows: String = (0..2000).map(|i| format!("u{i:06},pw-u{i:06},7{i:05},\n")).collect();
    let file = exchange.scratch().write("users.csv", format!("name,password,extension,caller_id\n{rows}"));
    let (status, said) = exchange.tandem(&[
        "import",
        "users",
        &file.to_string_lossy(),
        "--domain",
        "tandem.local",
        "--class",
        "internal",
    ]);
    assert_eq!(status, 0, "{said}");
    let (_, users) = exchange.tandem(&["get", "users", "--json"]);
    assert_eq!(users.matches("\"u00").count(), 2000);
    let (status, said) = exchange.tandem(&["explain", "alice", "700007"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("user:u000007@tandem.local"), "{said}");
    let (_, members) = exchange.tandem(&["get", "members"]);
    for role in ["proxy", "registry", "media"] {
        assert!(members.contains(role), "{members}");
    }
}

#[test]
fn the_examples_are_checked_without_a_running_exchange() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples");
    let output = Command::new(TANDEM)
        .args(["check", &format!("{examples}/tandem.toml"), &format!("{examples}/directory.toml")])
        .output()
        .expect("the binary under test runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("tandem.toml: valid") && said.contains("+ user alice@tandem.local"), "{said}");
}

/// Starts a process that cannot run, and gives its exit status and its one line.
fn failing(config: &str) -> (i32, String) {
    let scratch = Scratch::new();
    let file = scratch.write("tandem.toml", config);
    let mut program = Program::start("tandem", Command::new(TANDEM).arg("all").arg("--config").arg(file));
    let status = program.wait(Duration::from_secs(20));
    let said = program.output();
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("tandem: ")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    (status, lines[0].to_owned())
}

#[test]
fn what_is_wrong_is_said_in_one_line_that_names_the_key() {
    let (status, said) = failing("[proxy]\nlisten = [\"udp://0.0.0.0:99999\"]");
    assert_eq!(status, 64);
    assert!(said.contains("proxy.listen") && said.contains("udp://0.0.0.0:5060"), "{said}");

    let (status, said) = failing("[media]\nport = 1");
    assert_eq!(status, 64);
    assert!(said.contains("media.port"), "{said}");

    let address = own_address();
    let _taken = std::net::UdpSocket::bind((address, 5060)).expect("a free address");
    let data = Scratch::new();
    let (status, said) = failing(&format!(
        "[proxy]\nlisten = [\"udp://{address}:5060\"]\ninside = \"{address}:5080\"\n[registry]\nlisten = \"{address}:7400\"\n\
         store = \"embedded:{}\"\n[media]\ninside = \"{address}:5090\"\n[console]\nlisten = \"{address}:8080\"\n",
        data.path().display()
    ));
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("proxy.listen") && said.contains("5060"), "{said}");

    let (status, said) = failing(&format!("[registry]\nlisten = \"{address}:7400\"\nstore = \"etcd://{address}:1\"\n"));
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("registry.store"), "{said}");
}

#[test]
fn health_and_metrics_answer_and_sigterm_ends_in_order() {
    let mut exchange = Exchange::start(TANDEM);
    let console = format!("{}:8080", exchange.address);
    assert!(http_get(&console, "/live").is_some());
    let metrics = http_get(&console, "/metrics").expect("metrics");
    for prefix in ["tandem_proxy_", "tandem_media_", "tandem_registry_"] {
        assert!(metrics.contains(prefix), "{metrics}");
    }
    exchange.program.terminate();
    assert_eq!(exchange.program.wait(Duration::from_secs(15)), 0);
}

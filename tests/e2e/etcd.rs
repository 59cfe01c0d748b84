//! A registry on an etcd that lets in only whom it knows.

use crate::TANDEM;
use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use std::process::Command;
use std::time::Duration;
use support::{Authority, Etcd, Member, Program, Scratch, own_address};

/// Runs `tandem` to its end; the exit status and what it printed.
fn tandem(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(TANDEM).args(arguments).output().expect("the binary under test runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_registry_with_a_certificate_and_a_password_is_let_in_and_told_what_is_wrong_otherwise() {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    let etcd = Etcd::start_with_certificates(1, &authority);
    let (cert, key) = authority.issue("registry");
    let tls = TlsOptions::new()
        .ca_certificate(Certificate::from_pem(&authority.certificate))
        .identity(Identity::from_pem(&cert, &key));
    etcd.require_password(ConnectOptions::new().with_tls(tls), "tandem", "a password");
    let file = |name: &str, text: &str| scratch.write(name, text).display().to_string();
    let ca = file("ca.pem", &authority.certificate);
    let (cert, key) = (file("registry.pem", &cert), file("registry.key", &key));
    let password = file("password", "a password\n");
    let other_key = file("other.key", &authority.issue("other").1);
    let address = own_address();
    let config = |name: &str, etcd_keys: &str| {
        let store = format!("store = \"etcd://{}\"\netcd = {{ {etcd_keys} }}", etcd.endpoints().join(","));
        let listen = format!("[console]\nlisten = \"{address}:8080\"\n[registry]\nlisten = \"{address}:7400\"\n");
        file(name, &format!("name = \"r\"\n{listen}{store}\n"))
    };
    let all = |key: &str, password: &str| {
        format!("ca = {ca:?}, cert = {cert:?}, key = {key:?}, user = \"tandem\", password_file = {password:?}")
    };

    let good = config("good.toml", &all(&key, &password));
    let (status, said) = tandem(&["check", &good]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains(" over TLS as tandem"), "{said}");
    let mut command = Command::new(TANDEM);
    command.args(["registry", "--config", &good]);
    let mut registry = Member::start("registry", address, command);
    registry.wait_until_ready();
    let (status, said) = tandem(&["get", "users", "--config", &good]);
    assert!(status == 0 && said.contains("alice"), "{said}");
    registry.program.terminate();
    assert_eq!(registry.program.wait(Duration::from_secs(20)), 0);

    let wrong = [
        (all("nowhere.key", &password), "registry.etcd.key: cannot read nowhere.key"),
        (all(&ca, &password), "registry.etcd.key: "),
        (all(&other_key, &password), "registry.etcd: these are no certificate and key"),
        (all(&key, &file("empty", "\n")), "registry.etcd.password_file: the first line of "),
        (format!("ca = {ca:?}, cert = {cert:?}"), "registry.etcd.key: missing"),
    ];
    for (keys, expected) in wrong {
        let config = config("wrong.toml", &keys);
        for arguments in [["check", &config].as_slice(), &["registry", "--config", &config]] {
            let (status, said) = tandem(arguments);
            assert_eq!(status, 64, "{said}");
            assert!(said.contains(expected) && said.contains("; for example registry.etcd"), "{said}");
        }
    }
    let config = config("wrong.toml", &all(&key, &file("wrong", "another password\n")));
    let mut refused = Program::start("tandem", Command::new(TANDEM).args(["registry", "--config", &config]));
    assert_eq!(refused.wait(Duration::from_secs(20)), 1);
    assert!(refused.output().contains("registry.etcd.password_file"), "{}", refused.output());
}

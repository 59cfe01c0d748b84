//! What `/ready` says while a store fails, and who goes on.

use crate::TANDEM;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;
use support::{Etcd, Exchange, Member, Phone, Scratch, http_answer, own_address, require, wait_for};

/// Waits until the console says this status, and gives what it says with it.
#[track_caller]
fn wait_for_status(console: IpAddr, expected: u16) -> String {
    let console = format!("{console}:8080");
    wait_for(&format!("{expected} of {console}"), LIMIT, || {
        http_answer(&console, "/ready").filter(|(status, _)| *status == expected).map(|(_, body)| body)
    })
}

/// How many bytes into a file a process may write, as if the disk were full behind them.
#[track_caller]
fn limit_files(pid: u32, bytes: &str) {
    let prlimit = require("prlimit", "apt-get install util-linux");
    let limited =
        Command::new(prlimit).args(["--pid", &pid.to_string(), &format!("--fsize={bytes}:unlimited")]).status();
    assert!(limited.expect("prlimit runs").success());
}

#[test]
fn a_full_disk_or_a_lost_file_makes_all_roles_not_ready_until_it_is_over() {
    let exchange = Exchange::start_unstopped_by_full_disks(TANDEM);
    let alice = Phone::new("alice", "alice-demo", "tandem.local", own_address(), &[(exchange.address, 5060).into()]);
    alice.register().expect("registered");
    assert_eq!(wait_for_status(exchange.address, 200), "ready\n");

    limit_files(exchange.program.pid(), "4096");
    let said = wait_for_status(exchange.address, 503);
    assert!(said.starts_with("not ready: registry: the store does not answer: "), "{said}");
    let live = http_answer(&format!("{}:8080", exchange.address), "/live");
    assert_eq!(live.map(|(status, _)| status), Some(200), "it is not to be killed for that");
    limit_files(exchange.program.pid(), "unlimited");
    wait_for_status(exchange.address, 200);

    let file = exchange.scratch().path().join("data/registry.redb");
    let away = file.with_extension("away");
    std::fs::rename(&file, &away).expect("the file is there");
    let said = wait_for_status(exchange.address, 503);
    assert!(said.contains("registry: ") && said.contains("registry.redb is gone"), "{said}");
    std::fs::rename(&away, &file).expect("the file is there");
    wait_for_status(exchange.address, 200);
    alice.register().expect("registered again");
}

#[test]
fn without_etcd_the_registry_is_not_ready_and_proxy_and_media_node_are() {
    let (mut etcd, scratch) = (Etcd::start(1), Scratch::new());
    let addresses: Vec<IpAddr> = (0..3).map(|_| own_address()).collect();
    let bundle = scratch.write("cluster.pem", support::bundle());
    let tls = format!("tls = {{ ca = {bundle:?}, cert = {bundle:?}, key = {bundle:?} }}");
    let (registry, proxy, media) = (addresses[0], addresses[1], addresses[2]);
    let store = etcd.endpoints().join(",");
    let join = format!("[registry]\njoin = [\"{registry}:7400\"]\n{tls}\n");
    let start = |role: &str, ip: IpAddr, text: String| {
        let text = format!("name = \"{role}\"\n[console]\nlisten = \"{ip}:8080\"\n{text}");
        let mut command = Command::new(TANDEM);
        command.arg(role).arg("--config").arg(scratch.write(&format!("{role}.toml"), text));
        Member::start(role, ip, command)
    };
    let listen = format!("[registry]\nlisten = \"{registry}:7400\"\nstore = \"etcd://{store}\"\n{tls}\n");
    let mut members = [
        start("registry", registry, listen),
        start("proxy", proxy, format!("[proxy]\nlisten = [\"udp://{proxy}:5060\"]\ninside = \"{proxy}:5080\"\n{join}")),
        start("media", media, format!("[media]\ninside = \"{media}:5090\"\nshards = 1\n{join}")),
    ];
    members.iter_mut().for_each(Member::wait_until_ready);

    etcd.members[0].kill();
    let said = wait_for_status(registry, 503);
    assert!(said.starts_with("not ready: registry: the store does not answer: "), "{said}");
    for role in [proxy, media] {
        assert_eq!(wait_for_status(role, 200), "ready\n", "it goes on with its last snapshot");
    }
    etcd.members[0].restart();
    etcd.wait_until_healthy();
    wait_for_status(registry, 200);
    for role in [proxy, media] {
        wait_for_status(role, 200);
    }
}

const LIMIT: Duration = Duration::from_secs(20);

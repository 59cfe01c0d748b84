//! One process a role: three registries on three etcd members, two proxies, two media nodes; any one of them may be killed.

pub mod collector;
mod load;
mod phones;

use crate::TANDEM;
use collector::Collector;
use load::Load;
use phones::{Pairs, phone};
use std::time::Duration;
use support::{Cluster, Exchange, Member, Phone, own_address, wait_for};

#[test]
fn a_phone_at_one_proxy_is_called_through_the_other_and_either_side_hangs_up() {
    let cluster = Cluster::start(TANDEM);
    cluster.import_users(2);
    let (address, faces) = (own_address(), cluster.faces());
    let caller = phone(0, address, &faces[..1]);
    let callee = phone(1, address, &faces[1..]);
    for side in [&caller, &callee] {
        wait_for("the new users at both proxies", Duration::from_secs(10), || side.register().ok());
    }
    for bindings in cluster.ask_all(&["get", "bindings"]) {
        assert!(bindings.contains("u0@tandem.local") && bindings.contains("u1@tandem.local"), "{bindings}");
    }
    for hangs_up in [&caller, &callee] {
        caller.call("7001").expect("answered");
        wait_for("both sides to be up", LIMIT, || (caller.calls() == 1 && callee.calls() == 1).then_some(()));
        wait_for("every registry to name the call", LIMIT, || {
            let calls = cluster.ask_all(&["get", "calls", "--json"]);
            let names_it = |calls: &String| calls.contains("u0@tandem.local") && calls.contains("\"answered\"");
            calls.iter().all(names_it).then_some(())
        });
        hangs_up.hang_up().expect("a call that is up can be hung up");
        wait_for("both sides to be done", LIMIT, || (caller.calls() + callee.calls() == 0).then_some(()));
        wait_for("every registry to know", LIMIT, || {
            let calls = cluster.ask_all(&["get", "calls", "--json"]);
            calls.iter().all(|calls| calls.trim() == "[]").then_some(())
        });
    }
    let members = cluster.ask_all(&["get", "members", "--json"]);
    for name in ["registry-0", "registry-1", "registry-2", "proxy-0", "proxy-1", "media-0", "media-1"] {
        assert!(members.iter().all(|members| members.contains(&format!("\"{name}\""))), "{name} in {members:?}");
    }
}

#[test]
fn under_load_one_of_each_dies_and_no_registration_and_no_answered_call_is_lost() {
    let mut cluster = Cluster::start(TANDEM);
    cluster.import_users(USERS);
    let pairs = Pairs::register(0..KEPT, &cluster.faces());
    let load = Load::start(KEPT..LOAD, LOAD..USERS, &cluster.faces());
    let outlived = |victim: &mut Member| {
        pairs.call();
        victim.kill();
        eprintln!("{} is killed", victim.name);
        pairs.hang_up();
        load.goes_on();
        pairs.are_callable();
        load.newcomers_are_callable();
        victim.restart();
    };
    outlived(&mut cluster.proxies[0]);
    cluster.wait_until_whole();
    outlived(&mut cluster.registries[0]);
    cluster.wait_until_whole();
    let leader = cluster.etcd.leader();
    for member in [(leader + 1) % 3, leader] {
        outlived(&mut cluster.etcd.members[member]);
        cluster.etcd.wait_until_healthy();
    }
    load.end();
    cluster.wait_until_whole();
    wait_for("every call to be gone", Duration::from_secs(60), || {
        let calls = cluster.ask_all(&["get", "calls", "--json"]);
        calls.iter().all(|calls| calls.trim() == "[]").then_some(())
    });
}

#[test]
fn with_etcd_and_every_registry_gone_known_phones_still_call() {
    let mut cluster = Cluster::start(TANDEM);
    cluster.import_users(8);
    let pairs = Pairs::register(0..8, &cluster.faces());
    pairs.call();
    let before: Vec<u32> = [&cluster.proxies, &cluster.media].into_iter().flatten().map(|m| m.program.pid()).collect();

    cluster.etcd.members.iter_mut().for_each(|member| member.kill());
    cluster.registries.iter_mut().for_each(|member| member.kill());
    eprintln!("etcd and the registries are killed");
    pairs.hang_up();
    pairs.are_callable();

    cluster.etcd.members.iter_mut().for_each(|member| member.restart());
    cluster.etcd.wait_until_healthy();
    cluster.registries.iter_mut().for_each(|member| member.restart());
    cluster.wait_until_whole();
    for phone in pairs.phones() {
        wait_for("a registration", LIMIT, || phone.register().ok());
    }
    pairs.are_callable();
    let after: Vec<u32> = [&cluster.proxies, &cluster.media].into_iter().flatten().map(|m| m.program.pid()).collect();
    assert_eq!(before, after);
    for member in cluster.proxies.iter_mut().chain(&mut cluster.media) {
        assert!(member.program.is_running(), "{} lives on", member.name);
    }
}

#[test]
fn new_calls_go_to_the_media_node_that_is_left() {
    let mut cluster = Cluster::start(TANDEM);
    cluster.import_users(8);
    let pairs = Pairs::register(0..8, &cluster.faces());
    pairs.call();
    cluster.media[0].kill();
    wait_for("the dead node to leave", Duration::from_secs(20), || {
        let members = cluster.ask_all(&["get", "members", "--json"]);
        members.iter().all(|members| !members.contains("\"media-0\"")).then_some(())
    });
    // The proxies are told when the registries know.
    wait_for("calls at the other node", LIMIT, || {
        pairs.phones().for_each(Phone::forget_calls);
        pairs.try_calls().then_some(())
    });
    pairs.phones().for_each(Phone::forget_calls);
    pairs.are_callable();
}

#[test]
fn a_call_is_one_trace_across_the_roles() {
    let collector = Collector::start();
    let otlp = format!("[trace]\notlp = \"http://{}\"\n", collector.address);
    let exchange = Exchange::with(TANDEM, "", &format!("silence = \"10m\"\n{otlp}"));
    let faces = [(exchange.address, 5060).into()];
    let alice = Phone::new("alice", "alice-demo", "tandem.local", own_address(), &faces);
    let bob = Phone::new("bob", "bob-demo", "tandem.local", own_address(), &faces);
    bob.register().expect("registered");
    alice.call("6002").expect("answered");
    let call_id = alice.call_ids().remove(0);
    alice.hang_up().expect("hung up");
    let trace = trace::trace_id(&call_id);
    wait_for("a span of each role", Duration::from_secs(20), || {
        let spans = collector.spans_of(&trace);
        let has = |name: &str| spans.iter().any(|span| span == name);
        (has("proxy INVITE") && has("registry locate") && has("media call")).then_some(())
    });
}

const LIMIT: Duration = Duration::from_secs(10);
/// Of the users, the first are called and hold their calls while members die, the next make the load, the others come one by one.
const KEPT: usize = 16;
const LOAD: usize = 24;
const USERS: usize = 400;

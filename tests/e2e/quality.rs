//! How a call between real telephones sounds, as operators see it.

use crate::TANDEM;
use crate::baresip::{Encryption, Setup, Telephone};
use crate::cluster::collector::Collector;
use serde_json::Value;
use std::time::{Duration, Instant};
use support::{Exchange, wait_for};

fn telephone(exchange: &Exchange, user: &'static str, voice: u32) -> Telephone {
    Telephone::start(exchange, &Setup { user, transport: "udp", voice, encryption: Encryption::None, codecs: "PCMA" })
}

/// The only call, as `get calls --quality --json` shows it.
fn call(exchange: &Exchange) -> Option<Value> {
    let (status, said) = exchange.tandem(&["get", "calls", "--quality", "--json"]);
    assert_eq!(status, 0, "{said}");
    let calls: Value = serde_json::from_str(&said).expect("JSON");
    calls.as_array()?.first().cloned()
}

/// Its two sides, once anything is said of both.
fn sides(exchange: &Exchange) -> Option<[Value; 2]> {
    let call = call(exchange)?;
    let sides = ["caller", "callee"].map(|side| call["quality"][side].clone());
    sides.iter().all(Value::is_object).then_some(sides)
}

fn packets(side: &Value) -> u64 {
    side["packets"].as_u64().expect("a number of packets")
}

#[test]
fn a_good_call_has_a_mos_above_4_while_it_is_up_and_afterwards() {
    let collector = Collector::start();
    let otlp = format!("[trace]\notlp = \"http://{}\"\n", collector.address);
    let mut exchange = Exchange::with(TANDEM, "", &otlp).offering_md5(|directory| directory);
    let (mut bob, mut alice) = (telephone(&exchange, "bob", 700), telephone(&exchange, "alice", 440));
    alice.command("dial", "6002");
    alice.wait_for("Call established");
    bob.wait_for("Call established");

    // baresip tells in RTCP every 5 s what it hears; the round trip needs a report of either side.
    let heard = wait_for("the quality of both sides", Duration::from_secs(40), || {
        sides(&exchange)
            .filter(|sides| sides.iter().all(|side| packets(side) > 100 && side["round_trip_ms"].is_number()))
    });
    for side in &heard {
        let number = |name: &str| side[name].as_f64().unwrap_or_else(|| panic!("{name} in {side}"));
        assert!(number("mos") > 4.0 && number("r") > 80.0, "{side}");
        assert!(
            number("loss_percent") < 2.0 && number("jitter_ms") < 30.0 && number("round_trip_ms") < 500.0,
            "{side}"
        );
    }
    let began = Instant::now();
    wait_for("fresh figures", Duration::from_secs(5), || {
        sides(&exchange).filter(|now| packets(&now[0]) > packets(&heard[0]) && packets(&now[1]) > packets(&heard[1]))
    });
    assert!(began.elapsed() < Duration::from_secs(5));
    let (_, table) = exchange.tandem(&["get", "calls", "--quality"]);
    assert!(table.contains("MOS") && table.lines().count() == 3, "{table}");

    let id = call(&exchange).expect("a call")["id"].as_str().expect("a Call-ID").to_owned();

    alice.command("hangup", "");
    exchange.program.wait_for_output("callee.mos", Duration::from_secs(10));
    let line = exchange.program.output().lines().find(|line| line.contains("call ended")).map(str::to_owned);
    let line = line.expect("the call's last line");
    for field in ["caller.mos", "caller.r", "caller.rtt_ms", "callee.mos", "callee.r", "callee.rtt_ms"] {
        assert!(line.contains(field), "{field} in {line}");
    }
    assert_eq!(exchange.metric("tandem_media_mos_count"), 2.0);
    assert!(exchange.metric("tandem_media_mos_sum") > 8.0);
    assert_eq!(exchange.metric("tandem_media_round_trip_seconds_count"), 2.0);
    let trace = trace::trace_id(&id);
    wait_for("the call's span", Duration::from_secs(20), || {
        let attributes = collector.attributes_of(&trace, "media call");
        let has = |name: &str| attributes.iter().any(|attribute| attribute == name);
        (has("caller.mos") && has("caller.r") && has("callee.mos") && has("callee.r")).then_some(())
    });
}

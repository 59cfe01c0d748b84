//! Calls that are over leave nothing behind.

use crate::TANDEM;
use crate::sipp::Phone;
use std::time::Duration;
use support::{Exchange, wait_for};

/// A kind of call: what the caller plays, what the callee plays, and who that is.
struct Kind {
    calling: &'static str,
    answering: &'static str,
    number: &'static str,
    caller: Phone,
    callee: Phone,
    /// Of ten calls.
    share: u32,
}

fn kinds() -> [Kind; 3] {
    let kind = |calling, answering, (user, password, number), share| Kind {
        calling,
        answering,
        number,
        caller: Phone::of("alice", "alice-demo"),
        callee: Phone::of(user, password),
        share,
    };
    [
        kind("call", "answer", ("bob", "bob-demo", "6002"), 5),
        // A-law here, µ-law there: made anew by the exchange.
        kind("call", "answer_mu", ("mu", "mu-demo", "6102"), 3),
        kind("call_cancel", "answer_cancelled", ("late", "late-demo", "6103"), 2),
    ]
}

/// What a process holds while nobody calls.
#[derive(Debug)]
struct Held {
    descriptors: usize,
    /// Bytes in memory.
    resident: usize,
}

impl Held {
    #[track_caller]
    fn by(exchange: &Exchange) -> Held {
        wait_for("the end of every call", Duration::from_secs(20), || {
            let (status, calls) = exchange.tandem(&["get", "calls", "--json"]);
            (status == 0 && calls.trim() == "[]").then_some(())
        });
        wait_for("every port to be free", Duration::from_secs(5), || {
            let is_free =
                ["tandem_media_port_pairs_used", "tandem_media_calls"].map(|name| exchange.metric(name) == 0.0);
            (is_free == [true; 2]).then_some(())
        });
        let process = format!("/proc/{}", exchange.program.pid());
        let descriptors = std::fs::read_dir(format!("{process}/fd")).expect("it runs").count();
        let pages = std::fs::read_to_string(format!("{process}/statm")).expect("it runs");
        let pages: usize = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("resident pages");
        Held { descriptors, resident: pages * 4096 }
    }
}

/// So many calls of all kinds at once, so many a second.
#[track_caller]
fn call(exchange: &Exchange, kinds: &[Kind], calls: u32, rate: u32) {
    let before = exchange.metric("tandem_media_calls_total");
    let limit = Duration::from_secs(u64::from(60 + 4 * calls / rate));
    let calling: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let (calls, rate) = (calls * kind.share / 10, rate * kind.share / 10);
            kind.caller.start_many(exchange, kind.calling, kind.number, calls, rate)
        })
        .collect();
    for (kind, program) in kinds.iter().zip(calling) {
        kind.caller.finish_within(limit, program, kind.calling);
    }
    let made = exchange.metric("tandem_media_calls_total") - before;
    assert_eq!(made, f64::from(calls), "calls that the exchange counted");
}

/// `TANDEM_LEAK_CALLS`, `TANDEM_LEAK_RATE` and `TANDEM_LEAK_BINARY` set more calls, another rate, and a build for release.
#[test]
fn thousands_of_calls_leave_memory_descriptors_and_ports_as_they_were() {
    let number = |name, default| std::env::var(name).map_or(default, |value| value.parse().expect("a number"));
    let (calls, rate) = (number("TANDEM_LEAK_CALLS", CALLS), number("TANDEM_LEAK_RATE", RATE));
    let binary = std::env::var("TANDEM_LEAK_BINARY").unwrap_or_else(|_| TANDEM.to_owned());
    let users = [("mu", "6102"), ("late", "6103")].map(|(name, extension)| {
        format!(
            "[[user]]\nname = \"{name}\"\ndomain = \"tandem.local\"\npassword = \"{name}-demo\"\n\
             extension = \"{extension}\"\nclass = \"internal\"\n"
        )
    });
    let exchange = Exchange::with(&binary, "exempt = [\"127.0.0.0/8\"]", "");
    let exchange = exchange.offering_md5(|directory| directory + &users.concat());
    let kinds = kinds();
    for kind in &kinds {
        kind.callee.run(&exchange, "register", "-");
    }
    let answering = |kind: &Kind| kind.callee.answer_all(&exchange, kind.answering);
    let _answering: Vec<_> = kinds.iter().map(answering).collect();
    let warm_up = WARM_UP.max(calls / 4);
    call(&exchange, &kinds, warm_up, rate);
    let before = Held::by(&exchange);
    println!("after {warm_up} calls {before:?}");
    let mut after = Held::by(&exchange);
    for made in (0..calls).step_by(AT_ONCE as usize) {
        let calls = AT_ONCE.min(calls - made);
        call(&exchange, &kinds, calls, rate);
        after = Held::by(&exchange);
        println!("after {} more {after:?}", made + calls);
    }
    // A connection of those who asked may be closing.
    wait_for("every descriptor to be closed", Duration::from_secs(10), || {
        (Held::by(&exchange).descriptors <= before.descriptors).then_some(())
    });
    let grown = after.resident.saturating_sub(before.resident);
    assert!(grown < MOST.max(calls as usize * MOST_EACH), "memory has grown by {grown} bytes");
}

const CALLS: u32 = 3000;
/// Calls a second.
const RATE: u32 = 110;
/// Calls after which everything that is kept has been kept once: more than are made in the 32 s for which transactions stay.
const WARM_UP: u32 = 3600;
/// Calls of one run of SIPp.
const AT_ONCE: u32 = 10_000;
/// Bytes that memory may grow by: a moment in which the machine is busy, so that more calls are open than before, takes that much.
const MOST: usize = 3 << 20;
/// The same for each call, where they are many; a leak is larger.
const MOST_EACH: usize = 50;

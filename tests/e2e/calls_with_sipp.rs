//! What a phone may do, played by SIPp.

use crate::TANDEM;
use crate::sipp::Phone;
use std::time::Duration;
use support::{Exchange, wait_for};

fn alice() -> Phone {
    Phone::of("alice", "alice-demo")
}

fn bob() -> Phone {
    Phone::of("bob", "bob-demo")
}

/// Bob registers and plays `answering` while Alice plays `calling` toward `number`.
#[track_caller]
fn call(exchange: &Exchange, alice: &Phone, calling: &str, bob: &Phone, answering: &str, number: &str) {
    bob.run(exchange, "register", "-");
    let answers = bob.start(exchange, answering, "-");
    alice.run(exchange, calling, number);
    bob.finish(answers, answering);
    wait_for("the end of every call", Duration::from_secs(10), || {
        let (status, calls) = exchange.tandem(&["get", "calls", "--json"]);
        (status == 0 && calls.trim() == "[]").then_some(())
    });
}

#[test]
fn a_phone_registers_with_digest_and_a_wrong_password_is_refused() {
    let exchange = Exchange::with_md5(TANDEM);
    bob().run(&exchange, "register", "-");
    let (status, bindings) = exchange.tandem(&["get", "bindings", "--json"]);
    assert_eq!(status, 0, "{bindings}");
    assert!(bindings.contains("bob@tandem.local"), "{bindings}");
    Phone::of("bob", "wrong").run(&exchange, "wrong_password", "-");
    Phone::of("nobody", "wrong").run(&exchange, "wrong_password", "-");
}

#[test]
fn a_registration_survives_a_crash() {
    let mut exchange = Exchange::with_md5(TANDEM);
    bob().run(&exchange, "register", "-");
    exchange.crash_and_restart();
    let (_, bindings) = exchange.tandem(&["get", "bindings"]);
    assert!(bindings.contains("bob@tandem.local"), "{bindings}");
}

#[test]
fn a_call_by_name_and_by_extension_is_answered_and_hung_up() {
    let exchange = Exchange::with_md5(TANDEM);
    let (alice, bob) = (alice(), bob());
    call(&exchange, &alice, "call", &bob, "answer", "bob");
    call(&exchange, &alice, "call", &bob, "answer", "6002");
}

#[test]
fn a_call_from_udp_reaches_a_phone_on_tcp_and_back() {
    let exchange = Exchange::with_md5(TANDEM);
    call(&exchange, &alice().over_tcp(), "call", &bob(), "answer", "6002");
}

#[test]
fn a_lost_ack_brings_the_answer_again() {
    let exchange = Exchange::with_md5(TANDEM);
    let alice = alice();
    call(&exchange, &alice, "call_lost_ack", &bob(), "answer", "6002");
    let messages = alice.messages();
    let answers =
        messages.split("message received").filter(|m| m.contains("SIP/2.0 200") && m.contains("CSeq: 2 INVITE"));
    assert!(answers.count() >= 2, "the answer came once only\n{messages}");
}

#[test]
fn hold_and_resume_by_reinvite_reach_the_other_phone() {
    let exchange = Exchange::with_md5(TANDEM);
    call(&exchange, &alice(), "call_reinvite", &bob(), "answer_reinvite", "6002");
}

#[test]
fn a_busy_phone_is_told_as_busy() {
    let exchange = Exchange::with_md5(TANDEM);
    call(&exchange, &alice(), "call_busy", &bob(), "answer_busy", "6002");
}

#[test]
fn a_cancelled_call_stops_ringing() {
    let exchange = Exchange::with_md5(TANDEM);
    call(&exchange, &alice(), "call_cancel", &bob(), "answer_cancelled", "6002");
}

#[test]
fn a_user_without_a_phone_is_offline() {
    let exchange = Exchange::with_md5(TANDEM);
    alice().run(&exchange, "call_offline", "6002");
}

#[test]
fn the_echo_service_answers() {
    let exchange = Exchange::with_md5(TANDEM);
    alice().run(&exchange, "call", "9999");
}

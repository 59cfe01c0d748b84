//! Two baresip telephones call each other by extension, and each must hear the other's tone.

use crate::TANDEM;
use crate::audio::share_of;
use crate::baresip::{Setup, Telephone};
use std::time::Duration;
use support::Exchange;

const ALICES_VOICE: u32 = 440;
const BOBS_VOICE: u32 = 700;

/// Bob listens, Alice dials his extension, both talk for some seconds.
#[track_caller]
fn talk(transports: [&'static str; 2], between: impl FnOnce(&mut Telephone, &mut Telephone)) {
    let exchange = Exchange::with_md5(TANDEM);
    let mut bob = Telephone::start(&exchange, &Setup { user: "bob", transport: transports[1], voice: BOBS_VOICE });
    let mut alice =
        Telephone::start(&exchange, &Setup { user: "alice", transport: transports[0], voice: ALICES_VOICE });
    alice.command("dial", "6002");
    alice.wait_for("Call established");
    bob.wait_for("Call established");
    std::thread::sleep(Duration::from_secs(3));
    between(&mut alice, &mut bob);
    alice.command("hangup", "");
    bob.wait_for("session closed");
    assert_heard(alice, BOBS_VOICE);
    assert_heard(bob, ALICES_VOICE);
}

#[track_caller]
fn assert_heard(telephone: Telephone, voice: u32) {
    let said = telephone.output();
    let heard = telephone.heard();
    let best = heard.iter().map(|(samples, rate)| share_of(samples, *rate, f64::from(voice))).fold(0.0, f64::max);
    assert!(best > 0.8, "{voice} Hz has a share of {best} in {} recordings\n{said}", heard.len());
}

#[test]
fn audio_flows_both_ways_over_udp() {
    talk(["udp", "udp"], |_, _| {});
}

#[test]
fn audio_flows_both_ways_over_tcp() {
    talk(["tcp", "tcp"], |_, _| {});
}

#[test]
fn audio_flows_both_ways_over_tls() {
    talk(["tls", "tls"], |_, _| {});
}

#[test]
fn a_phone_on_tls_talks_to_one_on_udp() {
    talk(["tls", "udp"], |_, _| {});
}

#[test]
fn hold_and_resume_leave_the_call_up_and_digits_pass() {
    talk(["udp", "udp"], |alice, bob| {
        alice.command("hold", "");
        std::thread::sleep(Duration::from_secs(1));
        alice.command("resume", "");
        std::thread::sleep(Duration::from_secs(2));
        alice.command("sndcode", "5");
        bob.wait_for("'5'");
    });
}

#[test]
fn the_echo_returns_the_callers_own_voice() {
    let exchange = Exchange::with_md5(TANDEM);
    let mut alice = Telephone::start(&exchange, &Setup { user: "alice", transport: "udp", voice: ALICES_VOICE });
    alice.command("dial", "9999");
    alice.wait_for("Call established");
    std::thread::sleep(Duration::from_secs(3));
    alice.command("hangup", "");
    assert_heard(alice, ALICES_VOICE);
}

#[test]
fn the_prompt_is_heard_to_its_end() {
    let exchange = Exchange::with_md5(TANDEM);
    let mut alice = Telephone::start(&exchange, &Setup { user: "alice", transport: "tcp", voice: ALICES_VOICE });
    alice.command("dial", "9998");
    alice.wait_for("Call established");
    alice.wait_for("session closed");
    let heard = alice.heard();
    let loudest = heard.iter().flat_map(|(samples, _)| samples).fold(0.0, |loud: f64, sample| loud.max(sample.abs()));
    assert!(loudest > 1000.0, "nothing was said: {loudest}");
}

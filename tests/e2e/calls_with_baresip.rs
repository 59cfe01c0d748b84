//! Two baresip telephones call each other by extension, and each must hear the other's tone.

use crate::TANDEM;
use crate::baresip::{Encryption, Setup, Telephone};
use std::time::Duration;
use support::{Elsewhere, Exchange, wait_for};

const ALICES_VOICE: u32 = 440;
const BOBS_VOICE: u32 = 700;

fn alice(transport: &'static str, encryption: Encryption) -> Setup {
    Setup { user: "alice", transport, voice: ALICES_VOICE, encryption, codecs: "PCMA" }
}

fn bob(transport: &'static str, encryption: Encryption) -> Setup {
    Setup { user: "bob", transport, voice: BOBS_VOICE, encryption, codecs: "PCMA" }
}

/// Bob listens, Alice dials his extension, both talk for some seconds.
#[track_caller]
fn talk(transports: [&'static str; 2], between: impl FnOnce(&mut Telephone, &mut Telephone)) {
    let [first, second] = transports;
    talk_as(&alice(first, Encryption::None), &bob(second, Encryption::None), between);
}

#[track_caller]
fn talk_as(alice: &Setup, bob: &Setup, between: impl FnOnce(&mut Telephone, &mut Telephone)) {
    talk_over(&Exchange::with_md5(TANDEM), alice, bob, between);
}

#[track_caller]
fn talk_over(exchange: &Exchange, alice: &Setup, bob: &Setup, between: impl FnOnce(&mut Telephone, &mut Telephone)) {
    let bob = Telephone::start(exchange, bob);
    talk_with(Telephone::start(exchange, alice), bob, between);
}

#[track_caller]
fn talk_with(mut alice: Telephone, mut bob: Telephone, between: impl FnOnce(&mut Telephone, &mut Telephone)) {
    alice.command("dial", "6002");
    alice.wait_for("Call established");
    bob.wait_for("Call established");
    std::thread::sleep(Duration::from_secs(3));
    between(&mut alice, &mut bob);
    alice.command("hangup", "");
    bob.wait_for("session closed");
    alice.assert_heard(BOBS_VOICE);
    bob.assert_heard(ALICES_VOICE);
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

/// A plain call needs the process no more once it has begun, and is counted all the same.
#[test]
fn the_kernel_forwards_what_just_passes() {
    let exchange = Exchange::with_md5(TANDEM);
    let is_there = std::env::var_os("TANDEM_WITHOUT_BPF").is_none();
    talk_over(&exchange, &alice("udp", Encryption::None), &bob("udp", Encryption::None), |_, _| {
        let is_so = || {
            let flows = exchange.metric("tandem_media_flows");
            (flows > 0.0, exchange.metric("tandem_media_packets_forwarded_total") > 50.0)
        };
        wait_for("what the kernel forwards", Duration::from_secs(10), || {
            (is_so() == (is_there, is_there)).then_some(())
        });
    });
    let sent = exchange.metric("tandem_media_packets_total");
    assert!(sent > 200.0, "{sent} packets of two phones that spoke for 3 s");
}

/// One of them on another machine, beyond an interface; neither is served by sockets once the call has begun.
#[test]
fn an_encrypted_phone_elsewhere_talks_to_one_in_another_codec() {
    let Some(elsewhere) = Elsewhere::new() else { return };
    let exchange = Exchange::at(TANDEM, elsewhere.here.into()).offering_md5(|directory| directory);
    let bob = Telephone::start(&exchange, &Setup { codecs: "PCMU", ..bob("udp", Encryption::None) });
    let alice = Telephone::start_elsewhere(&exchange, &alice("tls", Encryption::Mandatory), &elsewhere);
    talk_with(alice, bob, |_, _| {});
    let counted = ["", "_taken", "_laid"].map(|what| exchange.metric(&format!("tandem_media_packets{what}_total")));
    let is_there = std::env::var_os("TANDEM_WITHOUT_BPF").is_none();
    let [sent, taken, laid] = counted;
    assert!(sent > 200.0 && (taken > sent / 4.0, laid > sent / 4.0) == (is_there, is_there), "{counted:?}");
}

#[test]
fn hold_and_resume_leave_the_call_up_and_digits_pass() {
    talk(["udp", "udp"], |alice, bob| {
        alice.command("hold", "");
        std::thread::sleep(Duration::from_secs(1));
        alice.command("resume", "");
        std::thread::sleep(Duration::from_secs(2));
        alice.command("sndcode", "5");
        bob.wait_for("received event: '5'");
    });
}

#[test]
fn an_encrypted_phone_talks_to_a_plain_one_and_holds_and_resumes() {
    talk_as(&alice("tls", Encryption::Mandatory), &bob("udp", Encryption::None), |alice, bob| {
        assert!(alice.output().contains("SRTP is Enabled"), "{}", alice.output());
        assert!(!bob.output().contains("SRTP is Enabled"), "{}", bob.output());
        alice.command("hold", "");
        std::thread::sleep(Duration::from_secs(1));
        alice.command("resume", "");
        std::thread::sleep(Duration::from_secs(2));
    });
}

#[test]
fn a_plain_phone_talks_to_an_encrypted_one() {
    talk_as(&alice("udp", Encryption::None), &bob("tls", Encryption::Mandatory), |_, _| {});
}

#[test]
fn both_sides_are_encrypted_each_with_keys_of_its_own() {
    talk_as(&alice("udp", Encryption::Mandatory), &bob("udp", Encryption::Offered), |alice, bob| {
        for phone in [alice, bob] {
            assert!(phone.output().contains("SRTP is Enabled"), "{}", phone.output());
        }
    });
}

#[test]
fn who_must_encrypt_and_does_not_is_refused_with_the_reason() {
    let exchange = Exchange::with_md5_and(TANDEM, |directory| {
        let required = directory.replacen("\"alice\"", "\"alice\"\nsrtp = \"required\"", 1);
        assert_ne!(required, directory, "Alice is in the demo directory");
        required
    });
    let _bob = Telephone::start(&exchange, &bob("udp", Encryption::None));
    let mut alice = Telephone::start(&exchange, &alice("udp", Encryption::None));
    alice.command("dial", "6002");
    alice.wait_for("488");
}

#[test]
fn the_echo_of_an_encrypted_phone_is_encrypted() {
    let exchange = Exchange::with_md5(TANDEM);
    let mut alice = Telephone::start(&exchange, &alice("tls", Encryption::Mandatory));
    alice.command("dial", "9999");
    alice.wait_for("Call established");
    std::thread::sleep(Duration::from_secs(3));
    alice.command("hangup", "");
    alice.assert_heard(ALICES_VOICE);
}

#[test]
fn the_echo_returns_the_callers_own_voice() {
    let exchange = Exchange::with_md5(TANDEM);
    let mut alice = Telephone::start(&exchange, &alice("udp", Encryption::None));
    alice.command("dial", "9999");
    alice.wait_for("Call established");
    std::thread::sleep(Duration::from_secs(3));
    alice.command("hangup", "");
    alice.assert_heard(ALICES_VOICE);
}

#[test]
fn the_prompt_is_heard_to_its_end() {
    let exchange = Exchange::with_md5(TANDEM);
    let mut alice = Telephone::start(&exchange, &alice("tcp", Encryption::None));
    alice.command("dial", "9998");
    alice.wait_for("Call established");
    alice.wait_for("session closed");
    let heard = alice.heard();
    let loudest = heard.iter().flat_map(|(samples, _)| samples).fold(0.0, |loud: f64, sample| loud.max(sample.abs()));
    assert!(loudest > 1000.0, "nothing was said: {loudest}");
}

//! Two baresip telephones without a common codec talk: the exchange makes the one's sound into the other's.

use crate::TANDEM;
use crate::baresip::{Encryption, Setup, Telephone};
use std::time::Duration;
use support::Exchange;

const ALICES_VOICE: u32 = 440;
const BOBS_VOICE: u32 = 700;

/// Alice speaks the first codec, Bob the second.
#[track_caller]
fn talk(codecs: [&'static str; 2], encryption: [Encryption; 2], between: impl FnOnce(&mut Telephone, &mut Telephone)) {
    let exchange = Exchange::with_md5(TANDEM);
    let setup = |user, voice, index: usize| Setup {
        user,
        transport: "udp",
        voice,
        encryption: encryption[index],
        codecs: codecs[index],
    };
    let mut bob = Telephone::start(&exchange, &setup("bob", BOBS_VOICE, 1));
    let mut alice = Telephone::start(&exchange, &setup("alice", ALICES_VOICE, 0));
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
fn g711_and_opus() {
    talk(["PCMU", "opus"], [Encryption::None; 2], |_, _| {});
}

#[test]
fn opus_and_g722_with_hold_and_resume() {
    talk(["opus", "G722"], [Encryption::None; 2], |alice, _| {
        alice.command("hold", "");
        std::thread::sleep(Duration::from_secs(1));
        alice.command("resume", "");
        std::thread::sleep(Duration::from_secs(2));
    });
}

#[test]
fn encrypted_gsm_and_plain_a_law() {
    talk(["GSM", "PCMA"], [Encryption::Mandatory, Encryption::None], |_, _| {});
}

#[test]
fn g722_and_encrypted_mu_law_and_digits_pass() {
    talk(["G722", "PCMU"], [Encryption::None, Encryption::Mandatory], |alice, bob| {
        alice.command("sndcode", "5");
        bob.wait_for("received event: '5'");
    });
}

//! The demo's conference room, 8000.

use crate::TANDEM;
use crate::baresip::{Encryption, Setup, Telephone};
use std::time::Duration;
use support::Exchange;

const ALICES_VOICE: u32 = 440;
const BOBS_VOICE: u32 = 700;

#[test]
fn two_who_know_the_pin_hear_each_other() {
    let exchange = Exchange::with_md5(TANDEM);
    let telephone = |user, voice, codecs| {
        Telephone::start(&exchange, &Setup { user, transport: "udp", voice, encryption: Encryption::None, codecs })
    };
    let mut alice = telephone("alice", ALICES_VOICE, "PCMU");
    let mut bob = telephone("bob", BOBS_VOICE, "opus");
    for participant in [&mut alice, &mut bob] {
        participant.command("dial", "8000");
        participant.wait_for("Call established");
        std::thread::sleep(Duration::from_millis(500));
        for key in ["4", "3", "2", "1"] {
            participant.command("sndcode", key);
            std::thread::sleep(Duration::from_millis(400));
        }
    }
    std::thread::sleep(Duration::from_secs(4));
    let (status, calls) = exchange.tandem(&["get", "calls"]);
    assert!(status == 0 && calls.matches("conference").count() >= 2, "{calls}");
    alice.command("hangup", "");
    bob.command("hangup", "");
    alice.assert_heard(BOBS_VOICE);
    bob.assert_heard(ALICES_VOICE);
}

//! The demo's conference room, 8000.

use crate::TANDEM;
use crate::audio::{highest_share_of, tone};
use crate::baresip::{Encryption, Setup, Telephone};
use serde_json::Value;
use std::time::Duration;
use support::{Exchange, wait_for};

const ALICES_VOICE: u32 = 440;
const BOBS_VOICE: u32 = 700;
/// What is announced to all, and to Bob alone.
const GONG: u32 = 1300;
const WHISPER: u32 = 1900;

/// Alice and Bob, past the door.
fn participants(exchange: &Exchange) -> [Telephone; 2] {
    [("alice", ALICES_VOICE, "PCMU"), ("bob", BOBS_VOICE, "opus")].map(|(user, voice, codecs)| {
        let setup = Setup { user, transport: "udp", voice, encryption: Encryption::None, codecs };
        let participant = Telephone::start(exchange, &setup);
        enter(&participant, "8000");
        participant
    })
}

/// Dials a number that leads to the room, and types the PIN.
fn enter(participant: &Telephone, number: &str) {
    let before = participant.output().matches("Call established").count();
    participant.command("dial", number);
    wait_for("the call to be established", Duration::from_secs(20), || {
        (participant.output().matches("Call established").count() > before).then_some(())
    });
    std::thread::sleep(Duration::from_millis(500));
    for key in ["4", "3", "2", "1"] {
        participant.command("sndcode", key);
        std::thread::sleep(Duration::from_millis(400));
    }
}

#[test]
fn two_who_know_the_pin_hear_each_other() {
    let exchange = Exchange::with_md5(TANDEM);
    let [alice, bob] = participants(&exchange);
    std::thread::sleep(Duration::from_secs(4));
    let (status, calls) = exchange.tandem(&["get", "calls"]);
    assert!(status == 0 && calls.matches("conference").count() >= 2, "{calls}");
    alice.command("hangup", "");
    bob.command("hangup", "");
    alice.assert_heard(BOBS_VOICE);
    bob.assert_heard(ALICES_VOICE);
}

#[test]
fn who_is_forwarded_to_the_room_from_another_shard_hears_and_is_heard() {
    let dave = "[[user]]\nname = \"dave\"\ndomain = \"tandem.local\"\npassword = \"dave-demo\"\nextension = \"6004\"\n\
                class = \"internal\"\nforward = { offline = \"conference:standup\" }\n";
    let exchange = Exchange::with(TANDEM, "", "shards = 8").offering_md5(|directory| directory + dave);
    let [mut alice, bob] = [("alice", ALICES_VOICE), ("bob", BOBS_VOICE)].map(|(user, voice)| {
        let setup = Setup { user, transport: "udp", voice, encryption: Encryption::None, codecs: "PCMU" };
        Telephone::start(&exchange, &setup)
    });
    enter(&bob, "8000");
    // One call in eight begins at the room's own shard.
    wait_for("a call that begins at another shard", Duration::from_secs(60), || {
        enter(&alice, "6004");
        wait_for("Alice to be in", Duration::from_secs(10), || (present(&exchange).len() == 2).then_some(()));
        let (_, calls) = exchange.tandem(&["get", "calls", "--json"]);
        let calls: Vec<Value> = serde_json::from_str(&calls).ok()?;
        if calls.iter().filter(|call| call["caller"] == "alice@tandem.local").count() == 2 {
            return Some(());
        }
        alice.command("hangup", "");
        wait_for("Alice to be gone", Duration::from_secs(10), || (present(&exchange).len() == 1).then_some(()));
        None
    });
    std::thread::sleep(Duration::from_secs(4));
    let (status, said) = exchange.tandem(&["room", "standup", "remove", "alice"]);
    assert_eq!(status, 0, "{said}");
    alice.wait_for("session closed");
    bob.command("hangup", "");
    alice.assert_heard(BOBS_VOICE);
    bob.assert_heard(ALICES_VOICE);
}

/// Who is in the one room: caller, muted, id.
fn present(exchange: &Exchange) -> Vec<(String, bool, String)> {
    let (status, said) = exchange.tandem(&["get", "rooms", "--json"]);
    let rooms: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|why| panic!("{status} {why}: {said}"));
    assert!(rooms.iter().all(|room| room["room"] == "standup"), "{said}");
    let participants = rooms.iter().flat_map(|room| room["participants"].as_array().expect("a list"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let one = |it: &Value| (text(&it["caller"]), it["muted"] == true, text(&it["id"]));
    participants.map(one).collect()
}

#[test]
fn an_operator_speaks_to_all_or_one_mutes_locks_and_removes() {
    // The text is the file that it is spoken in.
    let speech = r#"speech = { command = ["cp", "{text}", "{file}"] }"#;
    let exchange = Exchange::with(TANDEM, "", speech).offering_md5(|directory| directory);
    let prompts = exchange.scratch().path().join("data/objects/prompts");
    std::fs::create_dir_all(&prompts).expect("the folder is ours");
    std::fs::write(prompts.join("gong.wav"), tone(f64::from(GONG), Duration::from_secs(2))).expect("it is ours");
    let whisper = exchange.scratch().write("whisper.wav", tone(f64::from(WHISPER), Duration::from_secs(2)));
    let whisper = whisper.to_string_lossy().into_owned();
    let order = |arguments: &[&str]| exchange.tandem(&[&["room", "8000"], arguments].concat());

    let (status, said) = order(&["play", "gong"]);
    assert!(status == 1 && said.contains("nobody is in standup"), "{said}");
    let [alice, mut bob] = participants(&exchange);
    wait_for("both to be in", Duration::from_secs(10), || (present(&exchange).len() == 2).then_some(()));
    let (_, table) = exchange.tandem(&["get", "rooms"]);
    assert!(table.contains("alice@tandem.local") && table.lines().count() == 3, "{table}");

    let done = |arguments: &[&str], due: &str| {
        let (status, said) = order(arguments);
        assert!(status == 0 && said.contains(due), "{arguments:?}: {said}");
    };
    done(&["play", "gong"], "announced (2 participants)");
    std::thread::sleep(Duration::from_secs(3));
    done(&["say", &whisper, "--to", "bob"], "announced (1 participant)");
    std::thread::sleep(Duration::from_secs(3));
    done(&["mute", "alice"], "muted (1 participant)");
    let muted: Vec<(String, bool)> = present(&exchange).into_iter().map(|(caller, muted, _)| (caller, muted)).collect();
    assert_eq!(muted, [("alice@tandem.local".to_owned(), true), ("bob@tandem.local".to_owned(), false)]);
    done(&["unmute", "--all"], "unmuted (2 participants)");
    done(&["play", "builtin:morning"], "announced (2 participants)");
    done(&["stop"], "quiet (2 participants)");
    done(&["lock"], "locked (2 participants)");

    let (status, said) = order(&["play", "nothing"]);
    assert!(status == 1 && said.contains("there is no such sound"), "{said}");
    let (status, said) = order(&["remove", "carol"]);
    assert!(status == 1 && said.contains("carol is not in standup"), "{said}");
    let bobs = present(&exchange).pop().expect("Bob is in").2;
    done(&["kick", &bobs], "removed (1 participant)");
    bob.wait_for("session closed");
    assert_eq!(present(&exchange).len(), 1);
    assert!(!alice.output().contains("session closed"), "{}", alice.output());
    alice.command("hangup", "");
    wait_for("the room to be empty", Duration::from_secs(10), || present(&exchange).is_empty().then_some(()));

    let heard = |telephone: Telephone| {
        let heard = telephone.heard();
        [GONG, WHISPER].map(|hertz| {
            let shares = heard.iter().map(|(samples, rate)| highest_share_of(samples, *rate, f64::from(hertz)));
            shares.fold(0.0, f64::max)
        })
    };
    let ([gong, whisper], [gong_too, whisper_too]) = (heard(alice), heard(bob));
    assert!(gong > 0.7 && whisper < 0.1, "Alice: {gong} {whisper}");
    assert!(gong_too > 0.7 && whisper_too > 0.7, "Bob: {gong_too} {whisper_too}");
}

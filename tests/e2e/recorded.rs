//! Calls that are recorded, with a store that is there and with one that dies.

use crate::TANDEM;
use crate::audio::{read_wav_channels, share_of};
use crate::baresip::{Encryption, Setup, Telephone};
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{Exchange, S3, wait_for};

const ALICES_VOICE: u32 = 440;
const BOBS_VOICE: u32 = 700;

fn telephone(exchange: &Exchange, user: &'static str, voice: u32) -> Telephone {
    Telephone::start(exchange, &Setup { user, transport: "udp", voice, encryption: Encryption::None, codecs: "PCMA" })
}

fn always(directory: String) -> String {
    directory.replace(r#"record    = "never""#, r#"record    = "always""#)
}

fn on_demand(directory: String) -> String {
    directory.replace(r#"record    = "never""#, r#"record    = "on-demand""#)
}

/// Alice calls Bob, and hangs up after `between`.
#[track_caller]
fn talk(exchange: &Exchange, between: impl FnOnce(&mut Telephone)) {
    let mut bob = telephone(exchange, "bob", BOBS_VOICE);
    let mut alice = telephone(exchange, "alice", ALICES_VOICE);
    alice.command("dial", "6002");
    alice.wait_for("Call established");
    bob.wait_for("Call established");
    between(&mut alice);
    alice.command("hangup", "");
    bob.wait_for("session closed");
    alice.assert_heard(BOBS_VOICE);
    bob.assert_heard(ALICES_VOICE);
}

/// The one recording that there is, once it has ended: as `tandem recordings` shows it.
#[track_caller]
fn the_recording(exchange: &Exchange) -> serde_json::Value {
    wait_for("a recording that has ended", Duration::from_secs(40), || {
        let (status, said) = exchange.tandem(&["recordings", "--json"]);
        assert_eq!(status, 0, "{said}");
        let rows: Vec<serde_json::Value> = serde_json::from_str(said.lines().last()?).ok()?;
        assert!(rows.len() < 2, "{rows:?}");
        rows.into_iter().find(|row| row["state"] == "whole")
    })
}

fn number(row: &serde_json::Value, key: &str) -> f64 {
    row[key].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

fn wav_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "wav")).collect();
    files.sort();
    files
}

#[test]
fn a_call_of_a_user_who_always_is_has_each_side_in_a_channel() {
    let exchange = Exchange::with_md5_and(TANDEM, always);
    talk(&exchange, |_| std::thread::sleep(Duration::from_secs(4)));
    let row = the_recording(&exchange);
    assert_eq!((&row["caller"], &row["callee"]), (&"alice@tandem.local".into(), &"bob@tandem.local".into()));
    assert!(number(&row, "seconds") > 3.5 && number(&row, "missing_seconds") < 0.1, "{row}");
    let folder = exchange.scratch().path().join("data/objects").join(row["recording"].as_str().unwrap());
    let files = wav_files(&folder);
    let (channels, rate) = read_wav_channels(&files[0]).unwrap();
    let shares = [ALICES_VOICE, BOBS_VOICE]
        .map(|voice| channels.iter().map(|it| share_of(it, rate, voice.into())).collect::<Vec<_>>());
    assert!(shares[0][0] > 0.8 && shares[1][1] > 0.8, "{shares:?}");
    assert!(shares[0][1] < 0.1 && shares[1][0] < 0.1, "{shares:?}");
    assert_eq!(exchange.metric("tandem_media_recordings_failing"), 0.0);
}

#[test]
fn keys_begin_pause_and_resume_a_recording_on_demand() {
    let exchange = Exchange::with_md5_and(TANDEM, on_demand);
    let press = |alice: &Telephone| {
        alice.command("sndcode", "*");
        std::thread::sleep(Duration::from_millis(400));
        alice.command("sndcode", "3");
        std::thread::sleep(Duration::from_secs(2));
    };
    talk(&exchange, |alice| {
        std::thread::sleep(Duration::from_secs(2));
        for _ in 0..3 {
            press(alice);
        }
    });
    let row = the_recording(&exchange);
    let (seconds, missing) = (number(&row, "seconds"), number(&row, "missing_seconds"));
    assert!((2.5..8.0).contains(&seconds) && (1.5..4.0).contains(&missing), "{row}");
}

#[test]
fn no_second_is_missing_though_the_store_dies_in_the_call() {
    let mut s3 = S3::start("calls");
    let exchange = Exchange::with_bucket(TANDEM, &s3, "calls").offering_md5(always);
    talk(&exchange, |_| {
        std::thread::sleep(Duration::from_secs(3));
        s3.kill();
        std::thread::sleep(Duration::from_secs(4));
        wait_for("the alert", Duration::from_secs(60), || {
            (exchange.metric("tandem_media_recordings_failing") > 0.0).then_some(())
        });
        s3.restart();
        std::thread::sleep(Duration::from_secs(2));
    });
    let row = the_recording(&exchange);
    assert!(number(&row, "seconds") > 8.5 && number(&row, "missing_seconds") < 0.1, "{row}");
    wait_for("the end of the alert", Duration::from_secs(40), || {
        (exchange.metric("tandem_media_recordings_failing") == 0.0).then_some(())
    });
    assert_eq!(exchange.metric("tandem_media_recordings_lost_seconds"), 0.0);
}

//! A server that speaks S3, and its death.

use crate::sound::{TONES, opus, speak, tone, wav, worst};
use crate::{about, block_on, is_stored, settings, stored, wait_until};
use bytes::Bytes;
use std::time::Duration;
use storage::{Form, Layout, Objects, ObjectsError, Recordings, Settings};
use support::{S3, Scratch};

fn open(s3: &S3) -> Objects {
    Objects::open_with("s3://tandem/exchange/one", s3.variables()).expect("it is a bucket")
}

#[test]
fn a_bucket_gives_back_what_was_put_and_nothing_else() {
    let s3 = S3::start("tandem");
    let objects = open(&s3);
    block_on(async {
        assert_eq!(objects.list("recordings").await.unwrap(), [""; 0]);
        let missing = objects.get("recordings/a/1").await;
        assert!(matches!(&missing, Err(ObjectsError::Missing(key)) if key == "recordings/a/1"), "{missing:?}");
        for key in ["recordings/b/2", "recordings/a/10", "recordings/a/1", "prompts/x"] {
            objects.put(key, Bytes::from(key.to_owned())).await.unwrap();
        }
        objects.put("recordings/b/2", Bytes::from_static(b"again")).await.unwrap();
        assert_eq!(objects.get("recordings/b/2").await.unwrap(), "again");
        assert_eq!(objects.list("recordings").await.unwrap(), ["recordings/a/1", "recordings/a/10", "recordings/b/2"]);
        let other = Objects::open_with("s3://tandem", s3.variables()).unwrap();
        assert_eq!(other.get("exchange/one/prompts/x").await.unwrap(), "prompts/x");
    });
    let mut variables = s3.variables();
    variables.iter_mut().filter(|(key, _)| key == "AWS_SECRET_ACCESS_KEY").for_each(|(_, value)| value.push('x'));
    let stranger = Objects::open_with("s3://tandem", variables).unwrap();
    let refused = block_on(stranger.put("x", Bytes::new()));
    assert!(matches!(refused, Err(ObjectsError::S3 { .. })), "{refused:?}");
}

#[test]
fn no_second_is_missing_when_the_server_dies_and_comes_back() {
    let mut s3 = S3::start("tandem");
    let (objects, scratch) = (open(&s3), Scratch::new());
    let settings =
        Settings { segment: Duration::from_secs(2), ..settings(objects.clone(), &scratch.path().join("spool")) };
    let recordings = Recordings::start(settings).unwrap();
    let mut taps = [("plain", Form::Wav), ("coded", Form::Opus)]
        .map(|(id, form)| (recordings.begin(about(id, form, Layout::Stereo)).unwrap(), 0));
    // A minute at about ten times the speed of speech.
    let mut speak = |seconds: usize| {
        for _ in 0..50 * seconds {
            taps.iter_mut().for_each(|(tap, place)| speak(tap, place, 1, || ()));
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    speak(20);
    let health = wait_until(&recordings, "some segments to be stored", |health| health.stored_segments >= 4);
    assert_eq!(health.failing_since, None);
    s3.kill();
    speak(20);
    let health = wait_until(&recordings, "the death to be told", |health| health.spooled_segments >= 16);
    assert!(health.failing_since.is_some() && health.lost_seconds == 0.0, "{health:?}");
    assert!(health.last_error.as_ref().is_some_and(|error| error.starts_with("s3://tandem: ")), "{health:?}");
    let stored_before = health.stored_segments;
    s3.restart();
    speak(20);
    drop(taps);
    let health = wait_until(&recordings, "everything to be stored", is_stored);
    assert!(stored_before < 62 && health.stored_segments == 62, "30 segments each and the ends: {health:?}");
    assert_eq!(health.lost_seconds, 0.0);

    for id in ["plain", "coded"] {
        let (verified, entries, files) = stored(&objects, id);
        assert_eq!((verified.ended, verified.samples, verified.gaps), (true, 60 * 8000, vec![]), "{id}");
        assert_eq!((entries.len(), files.len()), (31, 30), "{id}");
    }
    let said = TONES.map(|hz| (0..60 * 8000).map(|at| tone(hz, at)).collect::<Vec<i16>>());
    assert!(wav(&stored(&objects, "plain").2) == said, "every sample is there");
    for (heard, hz) in opus(&stored(&objects, "coded").2).iter().zip(TONES) {
        assert_eq!(heard.len(), 60 * 48_000);
        let worst = worst(heard, hz);
        assert!(worst < -15.0, "{hz} Hz breaks: the worst 10 ms are off by {worst:.1} dB");
    }
    recordings.stop(Duration::from_secs(5));
}

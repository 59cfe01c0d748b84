//! URLs, keys and folders; buckets are tested with a server in `tests/recordings`.

use super::{Objects, ObjectsError};
use bytes::Bytes;
use support::Scratch;

fn open_error(url: &str) -> String {
    Objects::open_with(url, []).unwrap_err().to_string()
}

#[test]
fn a_bad_url_names_the_key_and_a_good_value() {
    for (url, why) in [
        ("", "neither"),
        ("tandem-data/objects", "neither"),
        ("http://bucket/x", "neither"),
        ("file:", "no folder"),
        ("file://host/x", "a host"),
        ("s3:bucket", "no \"//\""),
        ("s3://", "bucket \"\""),
        ("s3://My_Bucket/x", "bucket \"My_Bucket\""),
        ("s3://bucket/a//b", "prefix"),
    ] {
        let error = open_error(url);
        assert!(error.starts_with("media.objects: ") && error.contains(why), "{url}: {error}");
        assert!(error.contains("\"file:tandem-data/objects\" or \"s3://bucket/prefix\" is a good value"), "{error}");
    }
    let variables = [("AWS_ENDPOINT_URL".to_owned(), "127.0.0.1:9000".to_owned())];
    let error = Objects::open_with("s3://bucket/prefix", variables).unwrap_err().to_string();
    assert!(error.contains("AWS_ENDPOINT_URL \"127.0.0.1:9000\""), "{error}");
}

#[test]
fn the_values_that_errors_hold_up_are_good() {
    for url in [
        "file:tandem-data/objects",
        "file:/srv/x",
        "file:///srv/x",
        "s3://bucket/prefix",
        "s3://bucket",
        "s3://bucket/a/b/",
    ] {
        assert!(Objects::open_with(url, []).is_ok(), "{url}");
    }
}

#[tokio::test]
async fn a_folder_gives_back_what_was_put_and_nothing_else() {
    let scratch = Scratch::new();
    let objects = Objects::open(&format!("file:{}/objects", scratch.path().display())).unwrap();
    assert_eq!(objects.list("recordings").await.unwrap(), [""; 0]);
    assert!(matches!(objects.get("recordings/a/1").await, Err(ObjectsError::Missing(key)) if key == "recordings/a/1"));
    for key in ["recordings/b/2", "recordings/a/10", "recordings/a/1", "prompts/x"] {
        objects.put(key, Bytes::from(key.to_owned())).await.unwrap();
    }
    objects.put("recordings/b/2", Bytes::from_static(b"again")).await.unwrap();
    assert_eq!(objects.get("recordings/a/1").await.unwrap(), "recordings/a/1");
    assert_eq!(objects.get("recordings/b/2").await.unwrap(), "again");
    scratch.write("objects/recordings/a/.1-2.part", "half");
    assert_eq!(objects.list("recordings").await.unwrap(), ["recordings/a/1", "recordings/a/10", "recordings/b/2"]);
    assert_eq!(objects.list("recordings/a").await.unwrap(), ["recordings/a/1", "recordings/a/10"]);
}

#[tokio::test]
async fn a_key_cannot_leave_the_store() {
    let scratch = Scratch::new();
    let objects = Objects::open(&format!("file:{}/objects", scratch.path().display())).unwrap();
    for key in ["", "..", "../x", "a/../../x", "/etc/x", "a//b", "a/", ".x", "a\0b"] {
        let put = objects.put(key, Bytes::new()).await;
        assert!(matches!(put, Err(ObjectsError::Key(_))), "{key}: {put:?}");
        assert!(matches!(objects.get(key).await, Err(ObjectsError::Key(_))), "{key}");
    }
    assert!(!scratch.path().join("objects").exists());
}

#[tokio::test]
async fn a_put_that_fails_leaves_nothing() {
    let scratch = Scratch::new();
    let objects = Objects::open(&format!("file:{}/objects", scratch.path().display())).unwrap();
    objects.put("a/b/c", Bytes::new()).await.unwrap();
    let put = objects.put("a/b", Bytes::from_static(b"a folder is there")).await;
    assert!(matches!(put, Err(ObjectsError::Folder { .. })), "{put:?}");
    let names: Vec<_> =
        std::fs::read_dir(scratch.path().join("objects/a")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["b"]);
}

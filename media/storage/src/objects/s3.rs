//! Objects in a bucket.

use super::ObjectsError;
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio_stream::StreamExt;

/// A bucket, and the prefix that all keys get.
#[derive(Debug, Clone)]
pub struct Bucket {
    name: String,
    /// Empty, or ending with a slash.
    prefix: String,
    store: Arc<AmazonS3>,
}

impl Bucket {
    /// The part behind `s3:`.
    pub fn open(url: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Bucket, String> {
        let path = url.strip_prefix("//").ok_or("has no \"//\" before the bucket")?;
        let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&name.len()) || !name.bytes().all(is_plain) {
            return Err(format!(
                "has the bucket \"{name}\", but names of buckets are 3 to 63 small letters, digits, dots and hyphens"
            ));
        }
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            prefix => {
                Path::parse(prefix).map_err(|error| format!("has a prefix that is none: {error}"))?.to_string() + "/"
            }
        };
        // Waiting and trying again is the caller's business.
        let client = ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(PATIENCE);
        let retry = RetryConfig { max_retries: 1, retry_timeout: CONNECT, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new().with_client_options(client).with_retry(retry);
        for (key, value) in variables {
            let Some(key) = key.starts_with("AWS_").then(|| key.to_ascii_lowercase().parse().ok()).flatten() else {
                continue;
            };
            if matches!(key, AmazonS3ConfigKey::Endpoint | AmazonS3ConfigKey::S3Endpoint) {
                if !value.starts_with("http://") && !value.starts_with("https://") {
                    return Err(format!(
                        "is to be reached at AWS_ENDPOINT_URL \"{value}\", which is no http:// or https:// address"
                    ));
                }
                builder = builder.with_allow_http(value.starts_with("http://"));
            }
            builder = builder.with_config(key, value);
        }
        let store = builder.with_bucket_name(name).build().map_err(|error| format!("cannot be opened: {error}"))?;
        Ok(Bucket { name: name.to_owned(), prefix, store: Arc::new(store) })
    }

    /// See [`Objects::put`](super::Objects::put).
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), ObjectsError> {
        let path = self.path(key)?;
        self.store.put(&path, content.into()).await.map(|_| ()).map_err(|error| self.failed(key, error))
    }

    /// See [`Objects::get`](super::Objects::get).
    pub async fn get(&self, key: &str) -> Result<Bytes, ObjectsError> {
        let path = self.path(key)?;
        let got = async { self.store.get(&path).await?.bytes().await };
        got.await.map_err(|error| self.failed(key, error))
    }

    /// See [`Objects::list`](super::Objects::list), without order.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let path = self.path(folder)?;
        let mut found = self.store.list(Some(&path));
        let mut keys = Vec::new();
        while let Some(object) = found.next().await {
            let object = object.map_err(|error| self.failed(folder, error))?;
            keys.extend(object.location.as_ref().strip_prefix(&self.prefix).map(str::to_owned));
        }
        Ok(keys)
    }

    fn path(&self, key: &str) -> Result<Path, ObjectsError> {
        Path::parse(format!("{}{key}", self.prefix)).map_err(|_| ObjectsError::Key(key.to_owned()))
    }

    fn failed(&self, key: &str, error: Error) -> ObjectsError {
        match error {
            Error::NotFound { .. } => ObjectsError::Missing(key.to_owned()),
            why => ObjectsError::S3 { bucket: self.name.clone(), why: Box::new(why) },
        }
    }
}

/// For a connection, and for trying once more.
const CONNECT: Duration = Duration::from_secs(5);
/// For a whole request.
const PATIENCE: Duration = Duration::from_secs(30);

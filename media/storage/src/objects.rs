//! Where prompts, voicemail and recordings are kept: a folder or a bucket.

mod folder;
mod s3;

use bytes::Bytes;
use folder::Folder;
use s3::Bucket;
use std::path::PathBuf;

/// An object store. A key is a path of plain names, `recordings/2026/11/21/a84b/000000.wav`; an object is put whole or not at all.
#[derive(Debug, Clone)]
pub struct Objects(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Folder(Folder),
    S3(Bucket),
}

/// The value of `media.objects` is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("media.objects: \"{url}\" {why}; \"file:tandem-data/objects\" or \"s3://bucket/prefix\" is a good value")]
pub struct OpenError {
    /// What was given.
    pub url: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why an object is not put or got. All but the first can pass by themselves.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// No object can have such a key.
    #[error("\"{0}\" is no key: names separated by \"/\", none of them empty or starting with a dot")]
    Key(String),
    /// There is no such object.
    #[error("there is no object {0}")]
    Missing(String),
    /// The folder's file system refuses.
    #[error("{path}: {why}")]
    Folder {
        /// What was touched.
        path: PathBuf,
        /// The operating system's reason.
        why: std::io::Error,
    },
    /// The bucket's server refuses or is silent.
    #[error("s3://{bucket}: {why}")]
    S3 {
        /// Its name.
        bucket: String,
        /// The reason.
        why: Box<object_store::Error>,
    },
}

impl Objects {
    /// Opens `file:FOLDER` or `s3://BUCKET/PREFIX`. Nothing is touched or asked yet. A bucket's credentials and server come from the usual
    /// variables: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`.
    pub fn open(url: &str) -> Result<Objects, OpenError> {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        Objects::open_with(url, std::env::vars_os().filter_map(text))
    }

    /// The same with other variables than the process has.
    pub fn open_with(url: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Objects, OpenError> {
        let wrong = |why: String| OpenError { url: url.to_owned(), why };
        match url.split_once(':') {
            Some(("file", folder)) => Folder::open(folder).map(|folder| Objects(Kind::Folder(folder))).map_err(wrong),
            Some(("s3", bucket)) => {
                Bucket::open(bucket, variables).map(|bucket| Objects(Kind::S3(bucket))).map_err(wrong)
            }
            Some(_) | None => Err(wrong("is neither a folder nor a bucket".to_owned())),
        }
    }

    /// Puts an object, in place of one that has this key. On return it has reached the disk, or the server has said that it has it.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), ObjectsError> {
        check_key(key)?;
        match &self.0 {
            Kind::Folder(folder) => folder.put(key, content).await,
            Kind::S3(bucket) => bucket.put(key, content).await,
        }
    }

    /// The content of an object.
    pub async fn get(&self, key: &str) -> Result<Bytes, ObjectsError> {
        check_key(key)?;
        match &self.0 {
            Kind::Folder(folder) => folder.get(key).await,
            Kind::S3(bucket) => bucket.get(key).await,
        }
    }

    /// The keys that begin with the names of `folder`, in order.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        check_key(folder)?;
        let mut keys = match &self.0 {
            Kind::Folder(here) => here.list(folder).await,
            Kind::S3(bucket) => bucket.list(folder).await,
        }?;
        keys.sort_unstable();
        Ok(keys)
    }
}

fn check_key(key: &str) -> Result<(), ObjectsError> {
    let is_plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['\\', '\0']);
    if key.split('/').all(is_plain) { Ok(()) } else { Err(ObjectsError::Key(key.to_owned())) }
}

#[cfg(test)]
mod tests;

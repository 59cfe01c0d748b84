//! Objects as files.

use super::ObjectsError;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The folder that holds them. File systems have no calls that do not block, so each call is one of tokio's blocking threads.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The part behind `file:`; an absolute path may follow two more slashes.
    pub fn open(path: &str) -> Result<Folder, String> {
        let path = match path.strip_prefix("//") {
            Some(absolute) if absolute.starts_with('/') => absolute,
            Some(_) => return Err("names a host; a folder of this machine is meant".to_owned()),
            None => path,
        };
        if path.is_empty() {
            return Err("names no folder".to_owned());
        }
        Ok(Folder { root: path.into() })
    }

    /// See [`Objects::put`](super::Objects::put).
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), ObjectsError> {
        let (root, path) = (self.root.clone(), self.root.join(key));
        blocking(path, move |path| write(&root, path, &content)).await
    }

    /// See [`Objects::get`](super::Objects::get).
    pub async fn get(&self, key: &str) -> Result<Bytes, ObjectsError> {
        match blocking(self.root.join(key), |path| fs::read(path)).await {
            Ok(content) => Ok(content.into()),
            Err(ObjectsError::Folder { why, .. }) if why.kind() == io::ErrorKind::NotFound => {
                Err(ObjectsError::Missing(key.to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// See [`Objects::list`](super::Objects::list), without order.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let key = folder.to_owned();
        blocking(self.root.join(folder), move |path| {
            let mut keys = Vec::new();
            walk(path, &key, &mut keys)?;
            Ok(keys)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, ObjectsError> {
    let named = path.clone();
    let done = tokio::task::spawn_blocking(move || work(&path)).await;
    let failed = |why| ObjectsError::Folder { path: named, why };
    match done {
        Ok(result) => result.map_err(failed),
        Err(ended) => Err(failed(io::Error::other(ended))),
    }
}

/// Under another name first, so that nobody sees half of it, and with the folders that name it on the disk.
fn write(root: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().unwrap_or(root);
    let is_new = !folder.is_dir();
    if is_new {
        fs::create_dir_all(folder)?;
    }
    let part = folder.join(format!(".{}-{}.part", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let written = File::create(&part)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
        return written;
    }
    let named_by = if is_new { usize::MAX } else { 1 };
    let folders = folder.ancestors().take(named_by).take_while(|folder| folder.starts_with(root));
    folders.filter(|folder| !folder.as_os_str().is_empty()).try_for_each(|folder| File::open(folder)?.sync_all())
}

fn walk(folder: &Path, key: &str, keys: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let key = format!("{key}/{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &key, keys)?;
        } else {
            keys.push(key);
        }
    }
    Ok(())
}

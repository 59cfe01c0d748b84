//! Finished segments on the disk of this machine.

use crate::parcel::Parcel;
use bytes::Bytes;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A folder with a file a parcel, named by the order in which they came. It is locked: two processes would put and delete each other's.
///
/// Files are not flushed to the disk one by one. A process that dies loses none of them; a machine without power may lose those of its last
/// seconds, or of the store's absence, and says so by the chain.
pub struct Spool {
    folder: PathBuf,
    _lock: File,
}

/// A parcel that an earlier process left.
pub struct Left {
    pub sequence: u64,
    pub bytes: u64,
}

impl Spool {
    /// Takes the folder and says what is in it. Files that were being written are deleted: their segments were still in progress.
    pub fn open(folder: &Path) -> io::Result<(Spool, Vec<Left>)> {
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.try_lock().map_err(|why| match why {
            TryLockError::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, "another process has this spool"),
            TryLockError::Error(error) => error,
        })?;
        let mut left = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some((number, ending)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            match (number.parse(), ending) {
                (Ok(sequence), PARCEL) => left.push(Left { sequence, bytes: entry.metadata()?.len() }),
                (Ok(_), PART) => fs::remove_file(entry.path())?,
                _ => {}
            }
        }
        left.sort_unstable_by_key(|left| left.sequence);
        Ok((Spool { folder: folder.to_owned(), _lock: lock }, left))
    }

    /// Writes a parcel and gives its size.
    pub fn write(&self, sequence: u64, parcel: &Parcel) -> io::Result<u64> {
        let (part, head) = (self.path(sequence, PART), parcel.head());
        let written = File::create(&part)
            .and_then(|mut file| file.write_all(&head).and_then(|()| file.write_all(&parcel.sound)))
            .and_then(|()| fs::rename(&part, self.path(sequence, PARCEL)));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.map(|()| (head.len() + parcel.sound.len()) as u64)
    }

    /// Writes something, to see whether the disk takes it.
    pub fn try_out(&self) -> io::Result<()> {
        let path = self.folder.join("try");
        let written = fs::write(&path, [1; TRIED]);
        let removed = fs::remove_file(&path);
        written.and(removed)
    }

    /// Reads a parcel; `None` for one that is not whole.
    pub fn read(&self, sequence: u64) -> io::Result<Option<Parcel>> {
        fs::read(self.path(sequence, PARCEL)).map(|file| Parcel::parse(Bytes::from(file)))
    }

    /// Deletes a parcel.
    pub fn remove(&self, sequence: u64) {
        let path = self.path(sequence, PARCEL);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "a stored segment cannot be deleted from the spool");
        }
    }

    /// Puts a parcel that cannot be read aside, for a person to look at.
    pub fn set_aside(&self, sequence: u64) -> PathBuf {
        let aside = self.path(sequence, "damaged");
        let _ = fs::rename(self.path(sequence, PARCEL), &aside);
        aside
    }

    fn path(&self, sequence: u64, ending: &str) -> PathBuf {
        self.folder.join(format!("{sequence:016}.{ending}"))
    }
}

/// Bytes that the disk must take to be well: a few seconds of sound.
const TRIED: usize = 64 << 10;
const PARCEL: &str = "segment";
const PART: &str = "part";

//! The store's file and folder on this machine.

use crate::store::StoreError;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file, and which one has had its name since the start.
pub struct Place {
    pub path: PathBuf,
    device: u64,
    inode: u64,
}

impl Place {
    pub fn of(path: PathBuf) -> io::Result<Place> {
        let now = std::fs::metadata(&path)?;
        Ok(Place { path, device: now.dev(), inode: now.ino() })
    }

    /// Whether the file is still there under its name.
    pub fn check(&self) -> io::Result<()> {
        let path = self.path.display();
        let named = |why: io::Error| match why.kind() {
            io::ErrorKind::NotFound => {
                io::Error::new(why.kind(), format!("{path} is gone; put it back, or start anew"))
            }
            kind => io::Error::new(kind, format!("{path}: {why}")),
        };
        let now = std::fs::metadata(&self.path).map_err(named)?;
        match (now.dev(), now.ino()) == (self.device, self.inode) {
            true => Ok(()),
            false => {
                Err(io::Error::other(format!("{path} is another file now; put the first one back, or start anew")))
            }
        }
    }
}

/// Takes the folder for this process; the file says whose it is.
pub fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let unusable = |why: std::io::Error| StoreError::Refused(format!("{} cannot be used: {why}", path.display()));
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(StoreError::InUse { folder: folder.display().to_string(), holder: holder.trim().to_owned() });
        }
        Err(TryLockError::Error(why)) => return Err(unusable(why)),
    }
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(unusable)?;
    Ok(file)
}

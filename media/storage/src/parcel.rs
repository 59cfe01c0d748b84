//! A finished segment with its entry, as it goes through spool and memory.

use bytes::Bytes;
use recording::{Entry, Hash};
use serde::{Deserialize, Serialize};

/// What is put into the store together: the sound, then the entry, so that an entry never names a file that is not there.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The recording's folder.
    pub folder: String,
    /// What the manifest says.
    pub entry: Entry,
    /// The file that the entry names; empty for an entry without sound.
    pub sound: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Head {
    folder: String,
    entry: Entry,
}

impl Parcel {
    /// The key of the entry.
    pub fn entry_key(&self) -> String {
        format!("{}/{}", self.folder, self.entry.file())
    }

    /// The key of the sound.
    pub fn sound_key(&self) -> Option<String> {
        self.entry.sound.as_ref().map(|sound| format!("{}/{}", self.folder, sound.file))
    }

    /// Seconds of sound.
    pub fn seconds(&self) -> f64 {
        self.entry.samples as f64 / f64::from(self.entry.rate.hz())
    }

    /// The first line of its file in the spool.
    pub fn head(&self) -> Vec<u8> {
        let head = Head { folder: self.folder.clone(), entry: self.entry.clone() };
        let mut line = serde_json::to_vec(&head).expect("numbers, texts and maps with text keys are JSON");
        line.push(b'\n');
        line
    }

    /// Reads a file of the spool. One that is not whole, as after a loss of power, is none.
    pub fn parse(file: Bytes) -> Option<Parcel> {
        let end = file.iter().position(|byte| *byte == b'\n')?;
        let Head { folder, entry } = serde_json::from_slice(&file[..end]).ok()?;
        let sound = file.slice(end + 1..);
        let is_whole = match &entry.sound {
            Some(told) => Hash::of(&sound) == told.sha256,
            None => sound.is_empty(),
        };
        is_whole.then_some(Parcel { folder, entry, sound })
    }
}

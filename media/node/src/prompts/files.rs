//! Sounds that lie in the folder of prompts, and those that need no file.

use super::PromptError;
use audio::Prompt;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// Where a sound is, as it is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It comes with the program.
    Builtin(String),
    /// A file, with its length and the time of its last change.
    File(PathBuf, u64, Option<SystemTime>),
}

/// The sound of this name: `builtin:NAME`, a file, or the best file of this name with one of the extensions that are
/// read ([`sound::EXTENSIONS`]).
pub fn find(folder: &Path, name: &str) -> Result<Place, PromptError> {
    if let Some(builtin) = name.strip_prefix("builtin:") {
        return Ok(Place::Builtin(builtin.to_owned()));
    }
    let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside || name.is_empty() {
        return Err(PromptError::Outside(name.to_owned()));
    }
    let extended = sound::EXTENSIONS.iter().map(|extension| folder.join(format!("{name}.{extension}")));
    for path in std::iter::once(folder.join(name)).chain(extended) {
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => return Ok(Place::File(path, found.len(), found.modified().ok())),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(PromptError::File(path, error)),
        }
    }
    Err(PromptError::Absent(name.to_owned(), folder.to_owned()))
}

/// Reads what [`find`] found.
pub fn read(place: &Place) -> Result<Prompt, PromptError> {
    match place {
        Place::Builtin(name) => Prompt::builtin(name).ok_or_else(|| PromptError::Builtin(name.clone())),
        Place::File(path, _, _) => read_file(path),
    }
}

/// A file of any kind that is read, up to [`LARGEST`] bytes.
pub fn read_file(path: &Path) -> Result<Prompt, PromptError> {
    let failed = |error| PromptError::File(path.to_owned(), error);
    let mut content = Vec::new();
    // One more than there may be shows that there are more.
    std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut content)).map_err(failed)?;
    if content.len() as u64 > LARGEST {
        return Err(PromptError::Large(path.to_owned()));
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    sound::decode(&content, extension).map_err(|error| PromptError::Sound(path.to_owned(), error))
}

/// Bytes of the largest file read.
pub const LARGEST: u64 = 64 << 20;

//! Whether a stored recording is whole.

use crate::objects::{Objects, ObjectsError};
use recording::{Entry, Fault, Verified, Verifier};

/// Why a recording is not verified.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The store does not answer.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// An entry of the manifest is none.
    #[error("{key}: {why}")]
    Entry {
        /// Its key.
        key: String,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// Something is missing or altered.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Reads a recording's folder and holds its entries against its files.
pub async fn check(objects: &Objects, folder: &str) -> Result<Verified, CheckError> {
    let mut verifier = Verifier::default();
    for key in objects.list(folder).await?.into_iter().filter(|key| key.ends_with(".json")) {
        let entry = Entry::parse(&objects.get(&key).await?).map_err(|why| CheckError::Entry { key, why })?;
        let sound = match &entry.sound {
            None => None,
            Some(sound) => match objects.get(&format!("{folder}/{}", sound.file)).await {
                Ok(sound) => Some(sound),
                // A name that is no key cannot have been stored either.
                Err(ObjectsError::Missing(_) | ObjectsError::Key(_)) => None,
                Err(error) => return Err(error.into()),
            },
        };
        verifier.entry(&entry, sound.as_deref())?;
    }
    Ok(verifier.finish()?)
}

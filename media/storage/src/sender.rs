//! From the pile into the store.

use crate::objects::{Objects, ObjectsError};
use crate::parcel::Parcel;
use crate::pile::{Next, Pile, Source};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Puts parcels until the pile is closed and empty.
pub async fn send_all(pile: Arc<Pile>, objects: Objects) {
    let mut underway = JoinSet::new();
    loop {
        let wait = match pile.next(Instant::now()) {
            Next::Put(sequence, source) => {
                underway.spawn(send(pile.clone(), objects.clone(), sequence, source));
                continue;
            }
            Next::Wait(until) => until.map_or(IDLE, |at| at.saturating_duration_since(Instant::now())),
            Next::Nothing => return,
        };
        tokio::select! {
            Some(_) = underway.join_next() => {}
            () = pile.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn send(pile: Arc<Pile>, objects: Objects, sequence: u64, source: Source) {
    let parcel = match source {
        Source::Memory(parcel) => Ok(Some(parcel)),
        Source::Spool => {
            let pile = pile.clone();
            let read = tokio::task::spawn_blocking(move || pile.read(sequence)).await;
            read.unwrap_or_else(|ended| Err(io::Error::other(ended))).map(|parcel| parcel.map(Arc::new))
        }
    };
    let parcel = match parcel {
        Ok(Some(parcel)) => parcel,
        Ok(None) => return pile.damaged(sequence),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return pile.damaged(sequence),
        Err(error) => return pile.refused(Instant::now(), sequence, format!("spool: {error}")),
    };
    match tokio::time::timeout(PATIENCE, put(&objects, &parcel)).await {
        Ok(Ok(())) => pile.put(sequence),
        Ok(Err(error)) => pile.refused(Instant::now(), sequence, error.to_string()),
        Err(_) => pile.refused(Instant::now(), sequence, format!("silent for {PATIENCE:?}")),
    }
}

/// The sound first: an entry in the store says that its file is there.
async fn put(objects: &Objects, parcel: &Parcel) -> Result<(), ObjectsError> {
    if let Some(key) = parcel.sound_key() {
        objects.put(&key, parcel.sound.clone()).await?;
    }
    objects.put(&parcel.entry_key(), Bytes::from(parcel.entry.to_json())).await
}

/// For both objects of a parcel; a folder on a dead network file system says nothing at all.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing is due before this without word of it.
const IDLE: Duration = Duration::from_secs(60);

//! Whether what was stored is what was recorded.

use crate::entry::{Entry, Gap, Hash, merge};

/// What a sound manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whether the recording was ended; one whose process died has no end, and its last segment is missing.
    pub ended: bool,
    /// Samples of sound.
    pub samples: u64,
    /// All that is missing, in order; one gap where a pause goes on through several entries.
    pub gaps: Vec<Gap>,
}

/// The first thing wrong with a recording. Numbers are those of entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no entry.
    #[error("no entry")]
    Empty,
    /// An entry is missing, or two are exchanged.
    #[error("entry {expected} is missing; {found} is in its place")]
    Missing {
        /// What should be there.
        expected: u32,
        /// What is there.
        found: u32,
    },
    /// An entry is another recording's.
    #[error("entry {0} is of another recording")]
    Foreign(u32),
    /// An entry's own hash is not that of what it says.
    #[error("entry {0} is altered")]
    Altered(u32),
    /// An entry names another one before it than is there.
    #[error("entry {0} does not follow the one before it")]
    Unchained(u32),
    /// An entry does not begin where the one before it ends, or has gaps outside of its time.
    #[error("entry {0} has impossible times")]
    Times(u32),
    /// An entry's file is not there.
    #[error("the file of entry {0} is missing")]
    NoFile(u32),
    /// An entry's file is not the one that was written.
    #[error("the file of entry {0} is altered")]
    AlteredFile(u32),
    /// Something follows the end.
    #[error("entry {0} follows the end")]
    AfterEnd(u32),
}

/// Holds the entries, in the order of their numbers, against their files; `fetch` gives a file of the recording's folder. The chain tells
/// what was left out, exchanged or altered; who can write every object can make a new chain.
pub fn verify(entries: &[Entry], mut fetch: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Verified, Fault> {
    let mut verifier = Verifier::default();
    for entry in entries {
        let file = entry.sound.as_ref().and_then(|sound| fetch(&sound.file));
        verifier.entry(entry, file.as_deref())?;
    }
    verifier.finish()
}

/// [`verify`] entry by entry, for files that are fetched elsewhere.
#[derive(Debug, Default)]
pub struct Verifier {
    recording: Option<String>,
    next: u32,
    place: u64,
    previous: Hash,
    ended: bool,
    samples: u64,
    gaps: Vec<Gap>,
}

impl Verifier {
    /// Takes the next entry and its file.
    pub fn entry(&mut self, entry: &Entry, file: Option<&[u8]>) -> Result<(), Fault> {
        let number = entry.number;
        if self.ended {
            return Err(Fault::AfterEnd(number));
        }
        if number != self.next {
            return Err(Fault::Missing { expected: self.next, found: number });
        }
        if entry.link() != entry.chain {
            return Err(Fault::Altered(number));
        }
        if *self.recording.get_or_insert_with(|| entry.recording.clone()) != entry.recording {
            return Err(Fault::Foreign(number));
        }
        if entry.previous != self.previous {
            return Err(Fault::Unchained(number));
        }
        if entry.first != self.place || !are_inside(entry) {
            return Err(Fault::Times(number));
        }
        if let Some(sound) = &entry.sound {
            let file = file.ok_or(Fault::NoFile(number))?;
            if Hash::of(file) != sound.sha256 {
                return Err(Fault::AlteredFile(number));
            }
        }
        self.next = number.saturating_add(1);
        (self.place, self.previous, self.ended) = (entry.behind(), entry.chain, entry.end);
        self.samples = self.samples.saturating_add(entry.samples);
        self.gaps.extend_from_slice(&entry.gaps);
        merge(&mut self.gaps);
        Ok(())
    }

    /// Says what was verified, after the last entry.
    pub fn finish(self) -> Result<Verified, Fault> {
        if self.next == 0 {
            return Err(Fault::Empty);
        }
        Ok(Verified { ended: self.ended, samples: self.samples, gaps: self.gaps })
    }
}

/// Do the gaps follow each other within the entry's time?
fn are_inside(entry: &Entry) -> bool {
    let mut place = entry.first;
    entry.gaps.iter().all(|gap| {
        let follows = gap.at >= place;
        place = gap.at.saturating_add(gap.samples);
        follows
    }) && place <= entry.behind()
}

#[cfg(test)]
mod tests;

//! Sounds that were made already.

use super::files::Place;
use audio::Prompt;
use std::collections::HashMap;

/// Up to [`HELD`] bytes; the sound that nobody has asked for the longest goes first.
#[derive(Default)]
pub struct Cache {
    known: HashMap<String, Known>,
    /// Counts what is asked for.
    turn: u64,
}

struct Known {
    prompt: Prompt,
    place: Option<Place>,
    asked: u64,
}

impl Cache {
    /// The sound of this name, if it is still what lies at `place`.
    pub fn find(&mut self, name: &str, place: Option<&Place>) -> Option<Prompt> {
        self.turn += 1;
        let known = self.known.get_mut(name).filter(|known| known.place.as_ref() == place)?;
        known.asked = self.turn;
        Some(known.prompt.clone())
    }

    /// Keeps a sound, whatever its size, and lets others go for it.
    pub fn keep(&mut self, name: &str, place: Option<Place>, prompt: Prompt) {
        self.turn += 1;
        self.known.insert(name.to_owned(), Known { prompt, place, asked: self.turn });
        // A prompt grows with the rates that it is wanted at.
        let mut held: usize = self.known.values().map(|known| known.prompt.memory()).sum();
        if held <= HELD {
            return;
        }
        let mut oldest: Vec<(u64, String)> =
            self.known.iter().map(|(name, known)| (known.asked, name.clone())).collect();
        oldest.sort_unstable();
        oldest.pop();
        for (_, name) in oldest {
            if held <= HELD {
                return;
            }
            held -= self.known.remove(&name).map_or(0, |known| known.prompt.memory());
        }
    }
}

/// Bytes of sound kept: half an hour at 16 kHz with what is made of it for G.711.
const HELD: usize = 128 << 20;

#[cfg(test)]
mod tests {
    use super::{Cache, HELD};
    use audio::Prompt;

    #[test]
    fn the_sound_that_was_asked_for_least_recently_goes_first() {
        let third = || Prompt::new(vec![0; HELD / 2 / 3]);
        let mut cache = Cache::default();
        for name in ["a", "b", "c"] {
            cache.keep(name, None, third());
        }
        assert!(cache.find("a", None).is_some());
        cache.keep("d", None, third());
        let mut left = |name| cache.find(name, None).is_some();
        assert_eq!((left("a"), left("b"), left("c"), left("d")), (true, false, true, true));
        cache.keep("huge", None, Prompt::new(vec![0; HELD]));
        assert_eq!(cache.known.len(), 1);
        assert!(cache.find("huge", None).is_some(), "what is wanted now is kept, whatever its size");
    }
}

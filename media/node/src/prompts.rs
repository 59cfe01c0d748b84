//! Prompts from files and from speech synthesis, read by threads of their own so that no shard waits for a disk.

mod cache;
mod files;
mod speech;

pub use speech::{Speech, why_mute};

use audio::{Law, Prompt};
use cache::Cache;
use call::PromptSource;
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Asks the threads; clones ask the same ones, which end with the last of them.
#[derive(Clone)]
pub struct Prompts {
    state: Arc<Mutex<State>>,
    files: SyncSender<Job>,
    speech: SyncSender<Job>,
}

/// What asker and threads share; nobody holds it for longer than it takes to look something up.
#[derive(Default)]
struct State {
    cache: Cache,
    /// Who waits for which sound, so that a sound that many want is made once.
    waiting: HashMap<String, Vec<Reply>>,
    /// All of them.
    replies: usize,
}

/// A sound to be found, under the name that it is kept by.
struct Job {
    name: String,
    source: PromptSource,
    language: String,
}

type Reply = Box<dyn FnOnce(Option<Prompt>) + Send>;

impl Prompts {
    /// Starts the threads: [`READERS`] read the files in `folder`, [`SPEAKERS`] run the command of `speech`.
    pub fn start(folder: PathBuf, speech: Speech) -> io::Result<Prompts> {
        if let Some(why) = why_mute(&speech.command) {
            tracing::warn!(why, "callers hear a chime instead of `say:`");
        }
        let state = Arc::<Mutex<State>>::default();
        let ((files, read), (speak, spoken)) = (sync_channel(WAITING), sync_channel(WAITING));
        let finder = Finder { state: state.clone(), folder: folder.into(), speech: Arc::new(speech) };
        let (read, spoken) = (Arc::new(Mutex::new(read)), Arc::new(Mutex::new(spoken)));
        for _ in 0..READERS {
            finder.clone().spawn("media-prompts", read.clone())?;
        }
        for _ in 0..SPEAKERS {
            finder.clone().spawn("media-speech", spoken.clone())?;
        }
        Ok(Prompts { state, files, speech: speak })
    }

    /// Has `reply` called with the sound, in another thread or at once; None where there is none to be had, or where more
    /// than the queue holds are waiting.
    pub fn ask(&self, source: PromptSource, language: String, reply: Reply) {
        let (name, lane) = match &source {
            PromptSource::Play(file) => (format!("play:{file}"), &self.files),
            PromptSource::Say(text) => (format!("say:{language}:{text}"), &self.speech),
        };
        let mut state = lock(&self.state);
        // A file may have changed, which only its reader looks for.
        let known = match &source {
            PromptSource::Say(_) => state.cache.find(&name, None),
            PromptSource::Play(_) => None,
        };
        if known.is_some() || state.replies >= WAITING {
            drop(state);
            return reply(known);
        }
        state.replies += 1;
        let waiting = state.waiting.entry(name.clone()).or_default();
        waiting.push(reply);
        let is_first = waiting.len() == 1;
        drop(state);
        if is_first && lane.try_send(Job { name: name.clone(), source, language }).is_err() {
            answer(&self.state, &name, None);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing that holds it can leave it half changed.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells everybody who waits for this sound.
fn answer(state: &Mutex<State>, name: &str, prompt: Option<&Prompt>) {
    let mut state = lock(state);
    let waiting = state.waiting.remove(name).unwrap_or_default();
    state.replies -= waiting.len();
    drop(state);
    for reply in waiting {
        reply(prompt.cloned());
    }
}

/// What a thread needs to find sounds.
#[derive(Clone)]
struct Finder {
    state: Arc<Mutex<State>>,
    folder: Arc<Path>,
    speech: Arc<Speech>,
}

impl Finder {
    fn spawn(self, name: &str, jobs: Arc<Mutex<Receiver<Job>>>) -> io::Result<()> {
        std::thread::Builder::new().name(name.to_owned()).spawn(move || self.run(&jobs)).map(drop)
    }

    fn run(self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            // A file that a reader of sound stumbles over must not cost every later caller the prompts.
            let found = catch_unwind(AssertUnwindSafe(|| self.find(&job)));
            let prompt = match found {
                Ok(Ok(prompt)) => Some(prompt),
                Ok(Err(error)) => {
                    tracing::warn!(prompt = job.name, %error, "no prompt");
                    None
                }
                Err(_) => {
                    tracing::error!(prompt = job.name, "the reader of a prompt panicked");
                    None
                }
            };
            answer(&self.state, &job.name, prompt.as_ref());
        }
    }

    fn find(&self, Job { name, source, language }: &Job) -> Result<Prompt, PromptError> {
        match source {
            PromptSource::Play(file) => {
                let place = files::find(&self.folder, file)?;
                if let Some(known) = lock(&self.state).cache.find(name, Some(&place)) {
                    return Ok(known);
                }
                let prompt = ready(files::read(&place)?);
                lock(&self.state).cache.keep(name, Some(place), prompt.clone());
                Ok(prompt)
            }
            PromptSource::Say(text) => {
                let prompt = ready(self.speech.speak(language, text)?);
                // A text that is known is given to a shard in the shard's own thread, also for a room.
                prompt.at(crate::plane::ROOM_RATE);
                lock(&self.state).cache.keep(name, None, prompt.clone());
                Ok(prompt)
            }
        }
    }
}

/// Makes what a shard would otherwise make when it begins to play.
fn ready(prompt: Prompt) -> Prompt {
    prompt.frames(Law::A);
    prompt.frames(Law::Mu);
    if prompt.rate() > audio::RATE {
        prompt.at(16_000);
    }
    prompt
}

/// Why there is no sound; the caller hears the builtin one.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("{0:?} is not a path below the folder of prompts")]
    Outside(String),
    #[error("there is no sound {0:?} in {1}; put {0}.wav there, or .opus, .mp3, .ulaw, .alaw, .gsm, .g722, .sln16")]
    Absent(String, PathBuf),
    #[error("there is no builtin sound {0:?}; builtin:chime, builtin:morning and builtin:busy are some")]
    Builtin(String),
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("{0}: larger than {limit} MB", limit = files::LARGEST >> 20)]
    Large(PathBuf),
    #[error("{0}: {1}")]
    Sound(PathBuf, sound::SoundError),
    #[error("speech: {0}")]
    Mute(String),
    #[error("speech command {0:?}: {1}")]
    Speech(String, io::Error),
}

/// Calls that may wait for a prompt.
const WAITING: usize = 256;
/// Files that are read at once: a long one takes seconds.
const READERS: usize = 2;
/// Speech commands that run at once.
const SPEAKERS: usize = 2;

#[cfg(test)]
mod tests;

//! Prompts from files and from speech synthesis, read by a thread of their own so that no shard waits for a disk.

use audio::Prompt;
use call::PromptSource;
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Asks the reading thread; clones ask the same one, which ends with the last of them.
#[derive(Clone)]
pub struct Prompts(SyncSender<Wanted>);

struct Wanted {
    source: PromptSource,
    language: String,
    reply: Reply,
}

type Reply = Box<dyn FnOnce(Option<Prompt>) + Send>;

impl Prompts {
    /// Starts the thread. `folder` holds the files, `speech` is the command that writes `{text}`, spoken in `{language}`, to `{file}`.
    pub fn start(folder: PathBuf, speech: Vec<String>) -> io::Result<Prompts> {
        let (ask, wanted) = sync_channel(WAITING);
        let reader = Reader { folder, speech, known: HashMap::new(), held: 0 };
        std::thread::Builder::new().name("media-prompts".to_owned()).spawn(move || reader.run(&wanted))?;
        Ok(Prompts(ask))
    }

    /// Has `reply` called with the sound, in another thread or at once; None where there is none to be had, or where more
    /// than the queue holds are waiting.
    pub fn ask(&self, source: PromptSource, language: String, reply: Reply) {
        if let Err(refused) = self.0.try_send(Wanted { source, language, reply }) {
            let (std::sync::mpsc::TrySendError::Full(wanted) | std::sync::mpsc::TrySendError::Disconnected(wanted)) =
                refused;
            (wanted.reply)(None);
        }
    }
}

struct Reader {
    folder: PathBuf,
    speech: Vec<String>,
    known: HashMap<String, Prompt>,
    /// Samples in `known`.
    held: usize,
}

impl Reader {
    fn run(mut self, wanted: &Receiver<Wanted>) {
        for Wanted { source, language, reply } in wanted {
            let name = match &source {
                PromptSource::Play(file) => format!("play:{file}"),
                PromptSource::Say(text) => format!("say:{language}:{text}"),
            };
            let known = self.known.get(&name).cloned();
            // A file that our reader of sound stumbles over must not cost every later caller the prompts.
            let prompt = catch_unwind(AssertUnwindSafe(|| known.or_else(|| self.read(name, &source, &language))));
            reply(prompt.unwrap_or(None));
        }
    }

    fn read(&mut self, name: String, source: &PromptSource, language: &str) -> Option<Prompt> {
        let read = match source {
            PromptSource::Play(file) => read_file(&self.folder, file),
            PromptSource::Say(text) => speak(&self.speech, language, text),
        };
        let prompt = read.inspect_err(|error| tracing::warn!(prompt = name, %error, "prompt not read")).ok()?;
        let samples = prompt.samples().len();
        if self.held + samples > HELD {
            self.known.clear();
            self.held = 0;
        }
        self.held += samples;
        self.known.insert(name, prompt.clone());
        Some(prompt)
    }
}

/// Why there is no sound; the caller hears the builtin one.
#[derive(Debug, thiserror::Error)]
enum PromptError {
    #[error("{0:?} is not a path below the folder of prompts")]
    Outside(String),
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("{0}: {1}")]
    Wav(PathBuf, audio::WavError),
    #[error("no speech command is configured")]
    Speechless,
    #[error("speech command {0:?}: {1}")]
    Speech(String, io::Error),
}

fn read_file(folder: &Path, file: &str) -> Result<Prompt, PromptError> {
    let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside || file.is_empty() {
        return Err(PromptError::Outside(file.to_owned()));
    }
    read_wav(&folder.join(file))
}

fn read_wav(path: &Path) -> Result<Prompt, PromptError> {
    let failed = |error| PromptError::File(path.to_owned(), error);
    if std::fs::metadata(path).map_err(failed)?.len() > FILE {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    Prompt::from_wav(&bytes).map_err(|error| PromptError::Wav(path.to_owned(), error))
}

fn speak(command: &[String], language: &str, text: &str) -> Result<Prompt, PromptError> {
    let Some((program, arguments)) = command.split_first() else { return Err(PromptError::Speechless) };
    let failed = |error| PromptError::Speech(program.clone(), error);
    // Nobody else can have put a link of that name there.
    let name = getrandom::u64().map_err(|error| failed(error.into()))?;
    let file = std::env::temp_dir().join(format!("tandem-speech-{name:016x}.wav"));
    // A text that begins with a dash must not become an option.
    let text = if text.starts_with('-') { format!(" {text}") } else { text.to_owned() };
    let filled = arguments.iter().map(|argument| match argument.as_str() {
        "{language}" => language.to_owned(),
        "{file}" => file.display().to_string(),
        "{text}" => text.clone(),
        other => other.to_owned(),
    });
    let mut child = Command::new(program)
        .args(filled)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let give_up = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(5)),
            None => {
                // Both fail only for a child that has just ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(io::ErrorKind::TimedOut.into()));
            }
        }
    };
    let prompt = match status.success() {
        true => read_wav(&file),
        false => Err(failed(io::Error::other(status.to_string()))),
    };
    // A command that failed may have written none.
    let _ = std::fs::remove_file(&file);
    prompt
}

/// Prompts that may wait to be read.
const WAITING: usize = 256;
/// Samples kept in memory: 26 minutes in 25 MB. When they are full, all are forgotten and read anew as they are wanted.
const HELD: usize = 12_500_000;
/// Bytes of the largest file read.
const FILE: u64 = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tandem-prompts-test-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.wav"), wav()).unwrap();
        folder
    }

    /// 8 kHz, mono, 16 bits: the samples 1, 2, 3.
    fn wav() -> Vec<u8> {
        let mut file =
            b"RIFF\x2a\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x06\0\0\0".to_vec();
        file.extend([1i16, 2, 3].into_iter().flat_map(i16::to_le_bytes));
        file
    }

    fn ask(prompts: &Prompts, source: PromptSource) -> Option<Vec<i16>> {
        let (told, heard) = sync_channel(1);
        prompts.ask(source, "fr".to_owned(), Box::new(move |prompt| told.send(prompt).unwrap()));
        heard.recv().unwrap().map(|prompt| prompt.samples().to_vec())
    }

    #[test]
    fn a_file_is_read_from_the_folder_and_nowhere_else() {
        let prompts = Prompts::start(folder(), Vec::new()).unwrap();
        let play = |file: &str| ask(&prompts, PromptSource::Play(file.to_owned()));
        assert_eq!(play("a.wav"), Some(vec![1, 2, 3]));
        for file in ["b.wav", "", "../a.wav", "/etc/hostname", "./../a.wav", "."] {
            assert_eq!(play(file), None, "{file:?}");
        }
    }

    #[test]
    fn a_text_is_spoken_by_the_command_and_never_an_option_of_it() {
        let command = ["sh", "-c", "test \"$2 $3\" = ' -x fr' && cp \"$0\" \"$1\""].map(str::to_owned).to_vec();
        let source = folder().join("a.wav").display().to_string();
        let command =
            [command, vec![source, "{file}".to_owned(), "{text}".to_owned(), "{language}".to_owned()]].concat();
        let prompts = Prompts::start(folder(), command).unwrap();
        assert_eq!(ask(&prompts, PromptSource::Say("-x".to_owned())), Some(vec![1, 2, 3]));
        assert_eq!(ask(&prompts, PromptSource::Say("y".to_owned())), None);
    }

    #[test]
    fn without_a_command_there_is_no_speech_but_an_answer() {
        let prompts = Prompts::start(folder(), Vec::new()).unwrap();
        assert_eq!(ask(&prompts, PromptSource::Say("hello".to_owned())), None);
    }
}

//! Text to speech by a command, whose sounds are kept in a folder.

use super::{PromptError, files};
use audio::Prompt;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// How texts are spoken.
#[derive(Debug, Clone, Default)]
pub struct Speech {
    /// Program and arguments, in which `{language}`, `{voice}`, `{file}` and `{text}` are filled in. Empty: none.
    pub command: Vec<String>,
    /// What stands for `{voice}`; `{language}` in it is filled in. Empty: the language.
    pub voice: String,
    /// Where spoken texts are kept.
    pub folder: PathBuf,
}

impl Speech {
    /// A text in the caller's language: from the folder, or by the command.
    pub fn speak(&self, language: &str, text: &str) -> Result<Prompt, PromptError> {
        let voice =
            if self.voice.is_empty() { language.to_owned() } else { self.voice.replace("{language}", language) };
        let kept = self.folder.join(format!("{}.wav", self.key(language, &voice, text)));
        if let Ok(prompt) = files::read_file(&kept) {
            touch(&kept);
            return Ok(prompt);
        }
        let (program, arguments) = match (self.command.split_first(), why_mute(&self.command)) {
            (Some(command), None) => command,
            (_, why) => return Err(PromptError::Mute(why.unwrap_or_default())),
        };
        let failed = |error| PromptError::Speech(program.clone(), error);
        // Without the folder there is speech all the same.
        let folder = match fs::create_dir_all(&self.folder) {
            Ok(()) => self.folder.clone(),
            Err(_) => std::env::temp_dir(),
        };
        // Nobody else can have put a link of that name there.
        let random = getrandom::u64().map_err(|error| failed(error.into()))?;
        let file = folder.join(format!("tandem-speech-{random:016x}.wav"));
        let filled = arguments.iter().map(|argument| fill(argument, language, &voice, &file, text));
        let spoken =
            run(Command::new(program).args(filled), PATIENCE).map_err(failed).and_then(|()| files::read_file(&file));
        match &spoken {
            Ok(_) if fs::rename(&file, &kept).is_ok() => bound(&self.folder),
            // A command that failed may have written none.
            Ok(_) | Err(_) => drop(fs::remove_file(&file)),
        }
        spoken
    }

    /// Different for whatever sounds different.
    fn key(&self, language: &str, voice: &str, text: &str) -> String {
        let mut hash = Sha256::new();
        for part in self.command.iter().map(String::as_str).chain([voice, language, text]) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().fold(String::new(), |mut key, byte| {
            let _ = write!(key, "{byte:02x}");
            key
        })
    }
}

/// Why this command cannot speak, for people, with what helps: there is none, or its program is not there. `None`: it can.
pub fn why_mute(command: &[String]) -> Option<String> {
    let Some(program) = command.first() else {
        return Some("[media.speech] has no command; one with espeak-ng is the default".to_owned());
    };
    let is_there =
        |path: &Path| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = match program.contains('/') {
        true => is_there(Path::new(program)),
        false => std::env::split_paths(&path).any(|folder| is_there(&folder.join(program))),
    };
    if found {
        return None;
    }
    Some(match program.rsplit('/').next() {
        Some("espeak-ng") => format!("there is no program {program}; install it with: apt-get install espeak-ng"),
        Some(_) | None => {
            format!("there is no program {program}; install it, or name another in [media.speech] command")
        }
    })
}

/// An argument with what its braces stand for; what is filled in is not looked at again.
fn fill(argument: &str, language: &str, voice: &str, file: &Path, text: &str) -> String {
    // A text that begins with a dash must not become an option.
    if argument == "{text}" && text.starts_with('-') {
        return format!(" {text}");
    }
    let mut filled = String::new();
    let mut rest = argument;
    while let Some(brace) = rest.find('{') {
        filled.push_str(&rest[..brace]);
        rest = &rest[brace..];
        let file = file.display().to_string();
        let known = [("{language}", language), ("{voice}", voice), ("{file}", &*file), ("{text}", text)];
        match known.into_iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, meaning)) => {
                filled.push_str(meaning);
                rest = &rest[word.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

/// Waits for the command, and ends it after `patience`.
fn run(command: &mut Command, patience: Duration) -> io::Result<()> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let give_up = Instant::now() + patience;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(io::Error::other(status.to_string())),
            None if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(5)),
            None => {
                // Both fail only for a child that has just ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

/// Makes a kept text young again.
fn touch(path: &Path) {
    // Where it cannot be done, the text is only spoken anew some day.
    let _ = File::open(path).and_then(|file| file.set_times(FileTimes::new().set_modified(SystemTime::now())));
}

/// Removes the texts that were asked for least recently, down to three quarters, where there are too many.
fn bound(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let found = entry.metadata().ok().filter(|found| found.is_file())?;
            Some((found.modified().ok()?, found.len(), entry.path()))
        })
        .collect();
    let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    let mut count = kept.len();
    if bytes <= MOST_BYTES && count <= MOST_TEXTS {
        return;
    }
    kept.sort_unstable();
    for (_, length, path) in kept {
        if bytes <= MOST_BYTES / 4 * 3 && count <= MOST_TEXTS / 4 * 3 {
            return;
        }
        if fs::remove_file(path).is_ok() {
            bytes -= length;
            count -= 1;
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
/// What the folder holds at most: some 100 minutes of what espeak-ng writes.
const MOST_BYTES: u64 = 256 << 20;
const MOST_TEXTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::{MOST_TEXTS, bound, fill, run, why_mute};
    use std::fs::File;
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn braces_are_filled_once_and_unknown_ones_stay() {
        let fill = |argument| fill(argument, "fr", "fr+f3", Path::new("/x.wav"), "say {file}");
        assert_eq!(fill("{text}"), "say {file}");
        assert_eq!(fill("--out={file}"), "--out=/x.wav");
        assert_eq!(fill("{language}/{voice}"), "fr/fr+f3");
        assert_eq!(fill("{other} {"), "{other} {");
    }

    #[test]
    fn a_program_is_found_on_the_path_or_where_it_is_said_to_be() {
        let missing = |program: &str| why_mute(&[program.to_owned()]).is_some();
        assert!(!missing("sh") && !missing("/bin/sh"));
        assert!(missing("no-such-program") && missing("/bin/no-such-program"));
        let scratch = support::Scratch::new();
        let file = scratch.write("no-program", "");
        assert!(missing(&file.display().to_string()), "a file that cannot be run");
        assert!(why_mute(&[]).is_some());
        let why = why_mute(&["/nowhere/espeak-ng".to_owned()]);
        let due = "there is no program /nowhere/espeak-ng; install it with: apt-get install espeak-ng";
        assert_eq!(why.as_deref(), Some(due));
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let begin = Instant::now();
        let error = run(Command::new("sleep").arg("60"), Duration::from_millis(200)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(30));
        assert!(run(&mut Command::new("true"), Duration::from_secs(20)).is_ok());
    }

    #[test]
    fn the_folder_keeps_what_was_asked_for_last() {
        let scratch = support::Scratch::new();
        let folder = scratch.path();
        let begin = SystemTime::now() - Duration::from_secs(100_000);
        for index in 0..=MOST_TEXTS {
            let file = File::create(folder.join(index.to_string())).unwrap();
            file.set_modified(begin + Duration::from_secs(index as u64)).unwrap();
        }
        bound(folder);
        let left = |index: usize| folder.join(index.to_string()).exists();
        let (first, last) = (left(0), left(MOST_TEXTS));
        let count = std::fs::read_dir(folder).unwrap().count();
        assert_eq!((count, first, last), (MOST_TEXTS / 4 * 3, false, true));
    }
}

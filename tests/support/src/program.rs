//! Programs that a test starts, reads and ends by their own process ids.

use crate::{Scratch, wait_for};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Fails the test with the command that installs `program`, unless it is there.
#[track_caller]
pub fn require(program: &str, install: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    match folders.find(|folder| folder.join(program).is_file()) {
        Some(folder) => folder.join(program),
        None => panic!("{program} is missing; install it with: {install}"),
    }
}

/// A running program whose output goes to files; it is killed when the value is dropped.
pub struct Program {
    name: String,
    child: Child,
    output: PathBuf,
    errors: PathBuf,
    _scratch: Scratch,
}

impl Program {
    /// Starts it; `name` stands in messages.
    #[track_caller]
    pub fn start(name: &str, command: &mut Command) -> Program {
        let scratch = Scratch::new();
        let (output, errors) = (scratch.path().join("output"), scratch.path().join("errors"));
        let create = |path: &Path| File::create(path).expect("the temporary folder is writable");
        let child = command
            .stdin(Stdio::piped())
            .stdout(create(&output))
            .stderr(create(&errors))
            .spawn()
            .unwrap_or_else(|why| panic!("{name} does not start: {why}"));
        Program { name: name.to_owned(), child, output, errors, _scratch: scratch }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it wrote so far, standard output first.
    pub fn output(&self) -> String {
        let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        format!("{}{}", read(&self.output), read(&self.errors))
    }

    /// Writes to its standard input.
    pub fn write(&mut self, text: &str) {
        use std::io::Write;
        let input = self.child.stdin.as_mut().expect("standard input is piped");
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).expect("the program reads its input");
    }

    /// Waits until its output contains `text`.
    #[track_caller]
    pub fn wait_for_output(&mut self, text: &str, limit: Duration) {
        let end = std::time::Instant::now() + limit;
        while !self.output().contains(text) {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                assert!(
                    self.output().contains(text),
                    "{} ended ({status}) without \"{text}\":\n{}",
                    self.name,
                    self.output()
                );
                return;
            }
            assert!(
                std::time::Instant::now() < end,
                "{} did not say \"{text}\" in {limit:?}:\n{}",
                self.name,
                self.output()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end and gives the exit status; the test fails after `limit`.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> i32 {
        let name = self.name.clone();
        let child = &mut self.child;
        let status =
            wait_for(&format!("the end of {name}"), limit, || child.try_wait().expect("a child can be waited for"));
        status.code().unwrap_or(-1)
    }

    /// Asks it to end in order (SIGTERM) by its process id.
    pub fn terminate(&self) {
        let _ = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
    }

    /// Ends it at once, as a crash would (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- {} wrote:\n{}", self.name, self.output());
        }
    }
}

//! `tandem apply`: parse, validate, print the difference, swap. A bad file changes nothing.

use super::{ask, problems, refused};
use crate::arguments::Apply;
use crate::exit::Failure;
use proto::wire::{ApplyRequest, SourceFile, directory_client::DirectoryClient};
use serde_json::json;

/// Runs the command.
pub fn run(arguments: &Apply) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in &arguments.files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|why| Failure::Configuration(format!("cannot read directory {name}: {why}")))?;
        files.push(SourceFile { name, text });
    }
    let request = ApplyRequest { files, dry_run: arguments.dry_run };
    let answer = ask(&arguments.target, |channel| async {
        let mut directory = DirectoryClient::new(channel).max_decoding_message_size(usize::MAX);
        directory.apply(request).await.map(|answer| answer.into_inner()).map_err(refused)
    })?;
    if !answer.problems.is_empty() {
        return Err(problems(&answer.problems));
    }
    report(&answer, arguments.target.json, arguments.dry_run);
    Ok(())
}

/// Prints what a change of the directory did.
pub fn report(answer: &proto::wire::ApplyResponse, json: bool, dry_run: bool) {
    if json {
        println!("{}", json!({ "generation": answer.generation, "difference": answer.difference, "dry_run": dry_run }));
        return;
    }
    for line in &answer.difference {
        println!("{line}");
    }
    match (answer.difference.is_empty(), dry_run) {
        (true, _) => println!("no difference; generation {}", answer.generation),
        (false, true) => println!("nothing was changed (--dry-run)"),
        (false, false) => println!("applied as generation {}", answer.generation),
    }
}

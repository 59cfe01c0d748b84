//! `tandem import users`: many users at once from a CSV file.

use super::{ask, problems, refused};
use crate::arguments::{Import, ImportUsers};
use crate::exit::Failure;
use proto::wire::{ImportRow, ImportRows, directory_client::DirectoryClient};
use std::collections::HashMap;

/// Rows a message of the stream carries.
const CHUNK: usize = 5_000;

/// Runs the command.
pub fn run(Import::Users(arguments): &Import) -> Result<(), Failure> {
    let rows = read(arguments)?;
    let domain = arguments.domain.clone();
    let class = arguments.class.clone().unwrap_or_default();
    let chunks: Vec<ImportRows> = rows
        .chunks(CHUNK)
        .map(|rows| ImportRows { domain: domain.clone(), class: class.clone(), rows: rows.to_vec() })
        .collect();
    let mut answer = ask(&arguments.target, |channel| async {
        let mut directory = DirectoryClient::new(channel).max_decoding_message_size(usize::MAX);
        directory.import(tokio_stream::iter(chunks)).await.map(|answer| answer.into_inner()).map_err(refused)
    })?;
    if !answer.problems.is_empty() {
        answer.problems.iter_mut().for_each(|problem| problem.file = arguments.file.display().to_string());
        return Err(problems(&answer.problems));
    }
    if arguments.target.json {
        println!("{}", serde_json::json!({ "generation": answer.generation, "users": rows.len() }));
    } else {
        println!("{} users imported into {}; generation {}", rows.len(), arguments.domain, answer.generation);
    }
    Ok(())
}

/// Reads the file; the header names the columns, in any order.
fn read(arguments: &ImportUsers) -> Result<Vec<ImportRow>, Failure> {
    let file = arguments.file.display();
    let wrong = |why: String| Failure::Configuration(format!("{file}: {why}; nothing was changed"));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(&arguments.file)
        .map_err(|why| Failure::Configuration(format!("cannot read {file}: {why}")))?;
    let header = reader.headers().map_err(|why| wrong(why.to_string()))?.clone();
    let mut columns = HashMap::new();
    for (i, name) in header.iter().enumerate() {
        if !["name", "password", "extension", "caller_id"].contains(&name) {
            return Err(wrong(format!(
                "line 1: no such column \"{name}\"; the header is name,password,extension,caller_id"
            )));
        }
        columns.insert(name.to_owned(), i);
    }
    for needed in ["name", "password"] {
        if !columns.contains_key(needed) {
            return Err(wrong(format!(
                "line 1: column \"{needed}\" is missing; the header is name,password,extension,caller_id"
            )));
        }
    }
    let mut rows = Vec::new();
    // A row a line, the header first: line ends of Windows would be counted twice otherwise.
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|why| wrong(why.to_string()))?;
        let field = |name: &str| columns.get(name).and_then(|i| record.get(*i)).unwrap_or_default().to_owned();
        rows.push(ImportRow {
            name: field("name"),
            password: field("password"),
            extension: field("extension"),
            caller_id: field("caller_id"),
            line,
        });
    }
    if rows.is_empty() {
        return Err(wrong("it holds no user".into()));
    }
    Ok(rows)
}
